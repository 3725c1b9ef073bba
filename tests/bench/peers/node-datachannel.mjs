// libdatachannel, in C++.
import { hear, offers, say } from '../../interop/peers/lines.mjs';
import { counter, fill, message, require } from './traffic.mjs';

const library = require('node-datachannel');
const pc = new library.PeerConnection('bench', { iceServers: [] });
const kept = []; // A channel that nobody holds is collected.
const count = counter();
pc.onDataChannel((channel) => { kept.push(channel); channel.onMessage((data) => count(data.length ?? data.byteLength)); });
pc.onGatheringStateChange((state) => { if (state === 'complete') say(pc.localDescription()); });
if (offers) {
  const channel = pc.createDataChannel('bench');
  kept.push(channel);
  channel.setBufferedAmountLowThreshold(1 << 19);
  channel.onOpen(() => {
    const more = fill(() => channel.sendMessageBinary(message), () => channel.bufferedAmount());
    channel.onBufferedAmountLow(more);
  });
}
const { type, sdp } = await hear();
pc.setRemoteDescription(sdp, type);
