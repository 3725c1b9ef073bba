// A werift peer that sends back whatever comes.
import { RTCPeerConnection } from 'werift';
import { negotiate, offers } from './lines.mjs';

const pc = new RTCPeerConnection({ iceUseIpv6: false });
const echo = (channel) => channel.onMessage.subscribe((message) => channel.send(message));
pc.onDataChannel.subscribe(echo);
if (offers) echo(pc.createDataChannel('theirs'));
await negotiate(pc);
