"""aiortc, in Python: the one that offers sends without end, the other counts for some seconds and says what came."""
import asyncio
import pathlib
import sys
import time

from aiortc import RTCPeerConnection

sys.path.append(str(pathlib.Path(__file__).parents[2] / "interop" / "peers"))
from lines import hear, negotiate, offers, say  # noqa: E402

MESSAGE = bytes(65536)
QUEUE = 1 << 20
SECONDS = float(sys.argv[-1])
received = 0


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
    if offers:
        fill(pc.createDataChannel("bench"))
    await negotiate(pc)
    await hear()


asyncio.run(main())
