"""An aiortc peer that sends back whatever comes."""
import asyncio

from aiortc import RTCPeerConnection

from lines import hear, negotiate, offers


def echo(channel):
    @channel.on("message")
    def on_message(message):
        channel.send(message)


async def main():
    pc = RTCPeerConnection()
    pc.on("datachannel", echo)
    if offers:
        echo(pc.createDataChannel("theirs"))
    await negotiate(pc)
    await hear()


asyncio.run(main())
