"""Signaling by lines: a description in JSON each way. The end of the standard input is the end of the peer."""
import asyncio
import json
import sys

from aiortc import RTCSessionDescription

offers = "--offer" in sys.argv


def say(value):
    print(json.dumps(value), flush=True)


async def hear():
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if not line:
        sys.exit(0)
    return RTCSessionDescription(**json.loads(line))


async def negotiate(pc):
    """Exchanges descriptions."""

    async def describe(description):
        await pc.setLocalDescription(description)
        say({"type": pc.localDescription.type, "sdp": pc.localDescription.sdp})

    if offers:
        await describe(await pc.createOffer())
    await pc.setRemoteDescription(await hear())
    if not offers:
        await describe(await pc.createAnswer())
