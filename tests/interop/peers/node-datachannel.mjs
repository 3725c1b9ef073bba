// A libdatachannel peer that sends back whatever comes.
import nodeDataChannel from 'node-datachannel';
import { hear, offers, say } from './lines.mjs';

const pc = new nodeDataChannel.PeerConnection('theirs', { iceServers: [] });
const kept = []; // A channel that nobody holds is collected.
function echo(channel) {
  kept.push(channel);
  channel.onMessage((message) => {
    if (typeof message === 'string') channel.sendMessage(message);
    else channel.sendMessageBinary(Buffer.from(message));
  });
}
pc.onDataChannel(echo);
pc.onGatheringStateChange((state) => { if (state === 'complete') say(pc.localDescription()); });
if (offers) echo(pc.createDataChannel('theirs'));
const { type, sdp } = await hear();
pc.setRemoteDescription(sdp, type);
