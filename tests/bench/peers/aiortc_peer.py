"""aiortc, in Python: the one that offers sends without end, the other counts for some seconds and says what came."""
import asyncio
import json
import sys
import time

from aiortc import RTCPeerConnection, RTCSessionDescription

MESSAGE = bytes(65536)
QUEUE = 1 << 20
SECONDS = float(sys.argv[-1])
received = 0


async def hear():
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if not line:
        sys.exit(0)
    return RTCSessionDescription(**json.loads(line))


def say(value):
    print(json.dumps(value), flush=True)


def describe(pc):
    say({"type": pc.localDescription.type, "sdp": pc.localDescription.sdp})


async def measure():
    await asyncio.sleep(1)
    before, start = received, time.perf_counter()
    await asyncio.sleep(SECONDS)
    say({"bytes": received - before, "seconds": time.perf_counter() - start})


def count(channel):
    @channel.on("message")
    def on_message(message):
        global received
        if received == 0:
            asyncio.ensure_future(measure())
        received += len(message)


def fill(channel):
    def more():
        while channel.bufferedAmount < QUEUE:
            channel.send(MESSAGE)

    channel.bufferedAmountLowThreshold = QUEUE // 2
    channel.on("open", more)
    channel.on("bufferedamountlow", more)


async def main():
    pc = RTCPeerConnection()
    pc.on("datachannel", count)
    if "--offer" in sys.argv:
        fill(pc.createDataChannel("bench"))
        await pc.setLocalDescription(await pc.createOffer())
        describe(pc)
        await pc.setRemoteDescription(await hear())
    else:
        await pc.setRemoteDescription(await hear())
        await pc.setLocalDescription(await pc.createAnswer())
        describe(pc)
    await hear()


asyncio.run(main())
