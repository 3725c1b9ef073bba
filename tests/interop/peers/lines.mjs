// Signaling by lines: a description in JSON each way. The end of the standard input is the end of the peer.
import { createInterface } from 'node:readline';

const lines = [], waiting = [];
const input = createInterface({ input: process.stdin });
input.on('line', (line) => (waiting.length ? waiting.shift()(line) : lines.push(line)));
input.on('close', () => process.exit(0));

export const offers = process.argv.includes('--offer');
export const say = ({ type, sdp }) => process.stdout.write(`${JSON.stringify({ type, sdp })}\n`);
export const hear = async () => JSON.parse(lines.shift() ?? await new Promise((resolve) => waiting.push(resolve)));

/** Exchanges descriptions, for peers with W3C's verbs. */
export async function negotiate(pc) {
  const describe = async (description) => {
    await pc.setLocalDescription(description);
    say(pc.localDescription);
  };
  if (offers) await describe(await pc.createOffer());
  await pc.setRemoteDescription(await hear());
  if (!offers) await describe(await pc.createAnswer());
}
