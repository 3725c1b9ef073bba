// What both JavaScript peers do: the one that offers sends without end, the other counts for some seconds and says what came.
import { createRequire } from 'node:module';

const MESSAGE = 65536, QUEUE = 1 << 20, WARM_UP = 1000;
const millis = 1000 * Number(process.argv.at(-1));

export const require = createRequire(new URL('../../interop/peers/', import.meta.url));
export const message = new Uint8Array(MESSAGE).fill(7);

/** Fills a channel up whenever `queued` says that there is room. */
export function fill(send, queued) {
  const more = () => { while (queued() < QUEUE) send(); };
  more();
  setInterval(more, 1);
  return more;
}

/** Takes the length of each message. */
export function counter() {
  let bytes = 0, began = null;
  const say = (from, start) => () => {
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(`${JSON.stringify({ bytes: bytes - from, seconds })}\n`);
  };
  return (length) => {
    bytes += length;
    if (began !== null) return;
    began = performance.now();
    setTimeout(() => setTimeout(say(bytes, performance.now()), millis), WARM_UP);
  };
}
