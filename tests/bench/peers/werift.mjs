// In TypeScript.
import { hear, offers, say } from '../../interop/peers/lines.mjs';
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
  await pc.setLocalDescription(await pc.createOffer());
  say(pc.localDescription);
  await pc.setRemoteDescription(await hear());
} else {
  await pc.setRemoteDescription(await hear());
  await pc.setLocalDescription(await pc.createAnswer());
  say(pc.localDescription);
}
