// The measurements: each opens a channel of its own, reports samples while it runs, and closes the channel at the end.
import { Trouble } from './link.js';

// Enough in flight to keep a fast path busy between two turns of the event loop, far below where Chromium refuses (16 MiB).
const HIGH_WATER = 2 << 20;
const SAMPLE_MS = 100;
const WINDOW = 3; // samples per shown value: browsers update bufferedAmount in leaps
const LAST_WORD_MS = 30_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const mbps = (bytes, seconds) => (seconds > 0 ? (bytes * 8) / seconds / 1e6 : 0);

/** Rejects when the channel closes: raced against whatever is being waited for. */
function closedEarly(channel) {
  const promise = new Promise((_, reject) => {
    channel.addEventListener('close', () => reject(new Trouble(`The channel “${channel.label}” closed during the measurement.`)), { once: true });
  });
  promise.catch(() => {});
  return promise;
}

function inTime(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Trouble(what)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Calls `onSample(secondsSinceStart, mbit/s)` regularly from a counter of bytes; returns the function that stops it. */
function sampler(counter, onSample) {
  const start = performance.now();
  const window = [{ at: start, bytes: 0 }];
  const timer = setInterval(() => {
    const now = { at: performance.now(), bytes: counter() };
    onSample((now.at - start) / 1000, mbps(now.bytes - window[0].bytes, (now.at - window[0].at) / 1000));
    window.push(now);
    if (window.length > WINDOW) window.shift();
  }, SAMPLE_MS);
  return () => clearInterval(timer);
}

function drained(channel) {
  return new Promise((resolve) => {
    channel.addEventListener('bufferedamountlow', resolve, { once: true });
    setTimeout(resolve, 250); // the end of the test must be noticed on a stalled path, too
  });
}

/** Page → server. The result is what the server counted, plus `sent`: the bytes handed to the browser. */
export async function upload(link, { seconds = 3, size = 65536, onSample = () => {} } = {}) {
  const channel = await link.open('upload');
  const closed = closedEarly(channel);
  const message = new Uint8Array(Math.min(size, link.pc.sctp?.maxMessageSize || size));
  channel.bufferedAmountLowThreshold = HIGH_WATER / 2;
  let sent = 0;
  const stop = sampler(() => sent - channel.bufferedAmount, onSample);
  try {
    const report = new Promise((resolve) => { channel.onmessage = ({ data }) => resolve(JSON.parse(data)); });
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      while (channel.bufferedAmount + message.length <= HIGH_WATER && performance.now() < end) {
        channel.send(message);
        sent += message.length;
      }
      await Promise.race([drained(channel), closed]);
    }
    channel.send('end');
    const result = await inTime(Promise.race([report, closed]), LAST_WORD_MS, 'The server did not say how much it received.');
    return { ...result, sent, mbps: mbps(result.bytes, result.seconds) };
  } finally {
    stop();
    channel.close();
  }
}

/** Server → page. */
export async function download(link, { seconds = 3, size = 65536, onSample = () => {} } = {}) {
  const channel = await link.open('download');
  const closed = closedEarly(channel);
  let bytes = 0, messages = 0, first = 0, last = 0;
  const stop = sampler(() => bytes, onSample);
  try {
    const ended = new Promise((resolve) => {
      channel.onmessage = ({ data }) => {
        if (typeof data === 'string') return resolve();
        last = performance.now();
        first ||= last;
        bytes += data.byteLength;
        messages += 1;
      };
    });
    channel.send(JSON.stringify({ seconds, size }));
    await inTime(Promise.race([ended, closed]), seconds * 1000 + LAST_WORD_MS, 'The server never said that the download was over.');
    const took = (last - first) / 1000;
    return { bytes, messages, seconds: took, mbps: mbps(bytes, took) };
  } finally {
    stop();
    channel.close();
  }
}

/** Value below which the share `q` of the sorted samples lies (nearest rank). */
export function quantile(sorted, q) {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}

/** Small messages there and back, neither ordered nor repaired: what is lost stays lost and is counted. */
export async function ping(link, { count = 300, intervalMs = 10, graceMs = 1000, onSample = () => {} } = {}) {
  const channel = await link.open('ping', { ordered: false, maxRetransmits: 0 });
  const closed = closedEarly(channel);
  const departed = new Map();
  const samples = [];
  try {
    const complete = new Promise((resolve) => {
      channel.onmessage = ({ data }) => {
        const now = performance.now();
        const sequence = new DataView(data).getUint32(0);
        if (!departed.has(sequence)) return; // a duplicate, or not ours
        samples.push(now - departed.get(sequence));
        departed.delete(sequence);
        onSample(samples);
        if (samples.length === count) resolve();
      };
    });
    for (let sequence = 0; sequence < count; sequence++) {
      const message = new DataView(new ArrayBuffer(32));
      message.setUint32(0, sequence);
      departed.set(sequence, performance.now());
      channel.send(message.buffer);
      await Promise.race([sleep(intervalMs), closed]);
    }
    await Promise.race([complete, sleep(graceMs), closed]);
    const sorted = [...samples].sort((a, b) => a - b);
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => quantile(sorted, q));
    return { sent: count, received: samples.length, lost: count - samples.length, samples, p50, p90, p99 };
  } finally {
    channel.close();
  }
}
