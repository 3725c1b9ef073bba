// In front of every script of the interoperability tests. `demo` is the page's own window.demo.
const PATIENCE_MS = 10_000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function check(fact, what) {
  if (!fact) throw new Error(what);
}

function within(promise, what, ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function until(condition, what, ms = PATIENCE_MS) {
  const end = performance.now() + ms;
  while (!condition()) {
    check(performance.now() < end, `${what}: not within ${ms} ms`);
    await sleep(10);
  }
}

function event(target, name, ms) {
  return within(new Promise((resolve) => target.addEventListener(name, resolve, { once: true })), `${name} event`, ms);
}

/** The messages of a channel in the order of their arrival: `await next()`. */
function inbox(channel) {
  const arrived = [], waiting = [];
  channel.addEventListener('message', ({ data }) => (waiting.length ? waiting.shift()(data) : arrived.push(data)));
  return (ms) => within(arrived.length ? Promise.resolve(arrived.shift()) : new Promise((r) => waiting.push(r)), `message on “${channel.label}”`, ms);
}

/** `n` bytes that differ with their place and with `seed`, so that a piece in the wrong place is seen. */
function bytes(n, seed = 1) {
  const all = new Uint8Array(n);
  for (let i = 0, x = seed >>> 0; i < n; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    all[i] = x >>> 24;
  }
  return all;
}

function same(got, wanted, what = 'message') {
  const kind = (v) => (typeof v === 'string' ? `text of ${v.length}` : `binary of ${v?.byteLength}`);
  check(typeof got === typeof wanted && kind(got) === kind(wanted), `${what}: ${kind(got)} came back for ${kind(wanted)}`);
  if (typeof wanted === 'string') return check(got === wanted, `${what}: another text came back`);
  const a = new Uint8Array(got), b = new Uint8Array(wanted.buffer ?? wanted);
  const at = a.findIndex((byte, i) => byte !== b[i]);
  check(at < 0, `${what}: byte ${at} of ${a.length} differs`);
}

/** Sends each message and expects it back before sending the next. */
async function echoed(channel, ...messages) {
  const next = inbox(channel);
  for (const message of messages) {
    channel.send(message);
    same(await next(), message);
  }
}
