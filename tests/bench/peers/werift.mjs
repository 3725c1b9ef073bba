// In TypeScript.
import { negotiate, offers } from '../../interop/peers/lines.mjs';
import { counter, fill, message, require } from './traffic.mjs';

const { RTCPeerConnection } = require('werift');
const pc = new RTCPeerConnection({ iceUseIpv6: false });
const count = counter();
pc.onDataChannel.subscribe((channel) => channel.onMessage.subscribe((data) => count(data.length)));
if (offers) {
  const channel = pc.createDataChannel('bench');
  channel.stateChanged.subscribe((state) => {
    if (state === 'open') fill(() => channel.send(Buffer.from(message)), () => channel.bufferedAmount);
  });
}
await negotiate(pc);
