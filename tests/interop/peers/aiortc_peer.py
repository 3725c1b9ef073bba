"""An aiortc peer that sends back whatever comes. Signaling by lines: a description in JSON each way."""
import asyncio
import json
import sys

from aiortc import RTCPeerConnection, RTCSessionDescription


def echo(channel):
    @channel.on("message")
    def on_message(message):
        channel.send(message)


async def hear():
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if not line:
        sys.exit(0)
    return RTCSessionDescription(**json.loads(line))


def say(description):
    print(json.dumps({"type": description.type, "sdp": description.sdp}), flush=True)


async def main():
    pc = RTCPeerConnection()
    pc.on("datachannel", echo)
    if "--offer" in sys.argv:
        echo(pc.createDataChannel("theirs"))
        await pc.setLocalDescription(await pc.createOffer())
        say(pc.localDescription)
        await pc.setRemoteDescription(await hear())
    else:
        await pc.setRemoteDescription(await hear())
        await pc.setLocalDescription(await pc.createAnswer())
        say(pc.localDescription)
    await hear()


asyncio.run(main())
