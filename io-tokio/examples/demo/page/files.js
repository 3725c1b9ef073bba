// Files to and from the terminals where the example `files` runs. A file has a channel of its own: a header, its bytes,
// and the digest that each side saw. The paths are direct; only descriptions travel by HTTP.
import { opened, Trouble } from './link.js';

const PROTOCOL = 'purertc-file';
const PIECE = 64 << 10, READ = 4 << 20, HIGH_WATER = 4 << 20;
const PATIENCE_MS = 2_000; // how long a broken path may take to come back by itself
const MAX_SIZE = 1 << 30; // the browser digests a file only as a whole, in memory

async function digest(blob) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Resolves with the local description once it holds every candidate. */
async function described(pc) {
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== 'complete') {
    await new Promise((resolve) => pc.addEventListener('icegatheringstatechange', resolve, { once: true }));
  }
  return pc.localDescription;
}

async function post(url, body) {
  let response;
  try {
    response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  } catch (cause) {
    throw new Trouble(`Nobody takes files at ${url}.`, 'Start the receiver with the command below, and mind its --page.', { cause });
  }
  if (!response.ok) throw new Trouble(`${url} refused: ${await response.text()}`);
  return response;
}

function closed(channel) {
  return new Promise((_, reject) => channel.addEventListener('close', () => reject(new Trouble('The other side went away.')), { once: true }));
}

async function sendFile(channel, file, progress) {
  const gone = closed(channel);
  gone.catch(() => {});
  channel.bufferedAmountLowThreshold = HIGH_WATER / 2;
  const answer = new Promise((resolve) => { channel.onmessage = ({ data }) => resolve(JSON.parse(data).sha256); });
  const [sha256] = await Promise.all([digest(file), opened(channel, 60_000)]);
  channel.send(JSON.stringify({ name: file.name, size: file.size }));
  for (let at = 0; at < file.size; at += READ) {
    const bytes = await file.slice(at, at + READ).arrayBuffer();
    for (let from = 0; from < bytes.byteLength; from += PIECE) {
      while (channel.bufferedAmount > HIGH_WATER) {
        await Promise.race([gone, new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }))]);
      }
      channel.send(bytes.slice(from, from + PIECE));
      progress.moved(at + from - channel.bufferedAmount);
    }
  }
  channel.send(JSON.stringify({ sha256 }));
  const seen = await Promise.race([answer, gone]);
  if (seen !== sha256) throw new Trouble('The receiver saw something else.');
  progress.done(sha256);
  channel.close();
}

/** Sends files to the receiver that listens at `url`; `show(name, size, way)` makes a progress for each. */
export async function sendFiles(url, files, show) {
  const tooLarge = [...files].find((file) => file.size > MAX_SIZE);
  if (tooLarge) throw new Trouble(`${tooLarge.name} is larger than 1 GiB.`, 'Send it from a terminal instead.');
  const pc = new RTCPeerConnection();
  const shown = [];
  const offer = async () => pc.setRemoteDescription(await (await post(new URL('/offer', url), await described(pc))).json());
  pc.addEventListener('connectionstatechange', () => setTimeout(() => {
    if (!['disconnected', 'failed'].includes(pc.connectionState) || pc.signalingState !== 'stable') return;
    shown.forEach((progress) => progress.waits());
    pc.restartIce();
    offer().catch((error) => console.warn(error.message));
  }, PATIENCE_MS));
  try {
    const sending = [...files].map((file) => {
      const progress = show(file.name, file.size, '↑');
      shown.push(progress);
      const sent = sendFile(pc.createDataChannel(file.name, { protocol: PROTOCOL }), file, progress);
      return sent.catch((error) => { progress.failed(error.message); throw error; });
    });
    await Promise.all([offer(), ...sending]);
  } finally {
    pc.close();
  }
}

function receiveFile(channel, show) {
  const pieces = [];
  let progress = null, header = null, bytes = 0;
  channel.binaryType = 'arraybuffer';
  channel.addEventListener('close', () => progress?.failed('the sender went away'));
  channel.addEventListener('message', async ({ data }) => {
    if (header === null) {
      header = JSON.parse(data);
      progress = show(header.name, header.size, '↓');
      if (header.size > MAX_SIZE) channel.close();
    } else if (typeof data !== 'string') {
      bytes += data.byteLength;
      if (bytes > header.size) return channel.close(); // more than was said
      pieces.push(data);
      progress.moved(bytes);
    } else {
      const blob = new Blob(pieces.splice(0));
      const sha256 = await digest(blob);
      channel.send(JSON.stringify({ sha256 }));
      if (sha256 === JSON.parse(data).sha256) progress.done(sha256, blob);
      else progress.failed('what came is not what was sent');
    }
  });
}

/**
 * Takes files of terminals that send to this page, until what comes back is called. It keeps a request open, of which
 * browsers have but six for a server, however many pages there are.
 */
export function receiveFiles(show) {
  const senders = new Map(); // by the session id of their offers, so that an ICE restart finds its connection
  const source = new EventSource('/api/files');
  source.addEventListener('message', async ({ data }) => {
    const letter = JSON.parse(data);
    if (letter === null) return; // the stream is open
    const { id, offer } = letter;
    const session = /^o=\S+ (\d+)/m.exec(offer.sdp)?.[1];
    let pc = senders.get(session);
    if (!pc) {
      pc = new RTCPeerConnection();
      senders.set(session, pc);
      pc.addEventListener('datachannel', ({ channel }) => channel.protocol === PROTOCOL && receiveFile(channel, show));
      pc.addEventListener('connectionstatechange', () => {
        if (!['failed', 'closed'].includes(pc.connectionState)) return;
        // The sender may still come back, by a restart.
        setTimeout(() => pc.connectionState === 'connected' || (pc.close(), senders.delete(session)), 10 * PATIENCE_MS);
      });
    }
    try {
      await pc.setRemoteDescription(offer);
      await post(`/api/files/${id}`, await described(pc));
    } catch (error) {
      console.warn(error.message); // another page was faster
    }
  });
  return () => source.close();
}
