// A werift peer that sends back whatever comes.
import { RTCPeerConnection } from 'werift';
import { hear, offers, say } from './lines.mjs';

const pc = new RTCPeerConnection({ iceUseIpv6: false });
const echo = (channel) => channel.onMessage.subscribe((message) => channel.send(message));
pc.onDataChannel.subscribe(echo);
if (offers) {
  echo(pc.createDataChannel('theirs'));
  await pc.setLocalDescription(await pc.createOffer());
  say(pc.localDescription);
  await pc.setRemoteDescription(await hear());
} else {
  await pc.setRemoteDescription(await hear());
  await pc.setLocalDescription(await pc.createAnswer());
  say(pc.localDescription);
}
