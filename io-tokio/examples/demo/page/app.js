// The page: shows what a Link does and lets people play with it. `window.demo` gives tests the same functions.
import { receiveFiles, sendFiles } from './files.js';
import { Link, Trouble } from './link.js';
import { download, ping, upload } from './measure.js';
import { Mirror } from './media.js';
import { Histogram, LinePlot, Sparkline } from './plots.js';

const $ = (id) => document.getElementById(id);

// State → where it is shown (the W3C name) and which values mean what. Anything else is on its way.
const STATES = [
  ['signaling', 'signalingState', { good: ['stable'] }],
  ['gathering', 'iceGatheringState', { good: ['complete'], idle: ['new'] }],
  ['ice', 'iceConnectionState', { good: ['connected', 'completed'], bad: ['failed', 'disconnected'], idle: ['new', 'closed'] }],
  ['dtls', 'DTLS state', { good: ['connected'], bad: ['failed'], idle: ['new', 'closed'] }],
  ['sctp', 'sctp.state', { good: ['connected'], idle: ['new', 'closed'] }],
  ['channel', 'channel readyState', { good: ['open'], idle: ['new', 'closed'] }],
  ['connection', 'connectionState', { good: ['connected'], bad: ['failed', 'disconnected'], idle: ['new', 'closed'] }],
];

let link = null;
let running = false; // a measurement
let failed = false; // the last attempt to connect
const tiles = new Map();
const plot = new LinePlot($('throughput-plot'));
const histogram = new Histogram($('ping-plot'));

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

function mood(name, value) {
  const meanings = STATES.find(([n]) => n === name)[2];
  if (name === 'signaling' && value === 'closed') return 'idle';
  return Object.keys(meanings).find((m) => meanings[m].includes(value)) ?? 'busy';
}

// What is shown

function showStates() {
  for (const [name, title] of STATES) {
    const value = element('span', { className: 'value', textContent: '–' });
    const at = element('span', { className: 'at', textContent: ' ' });
    const tile = element('li', {}, element('span', { className: 'name', textContent: title, title }), value, at);
    tiles.set(name, { tile, value, at });
    $('states').append(tile);
  }
}

function showState({ name, from, to, at }) {
  const { tile, value, at: when } = tiles.get(name);
  value.textContent = to;
  when.textContent = from === undefined ? ' ' : `${at.toFixed(0)} ms`;
  tile.dataset.mood = mood(name, to);
  if (from === undefined) return;
  const title = STATES.find(([n]) => n === name)[1];
  entry(at, `${title}: ${from} → ${to}`, mood(name, to) === 'bad' ? 'bad' : '');
  showStatus();
}

function showStatus() {
  const busy = link && !link.closed && !link.up;
  const ill = link?.up && ['disconnected', 'failed'].includes(link.pc.connectionState);
  const [text, feeling] = failed ? ['failed', 'bad']
    : !link || link.closed ? ['closed', 'idle']
    : ill ? [link.pc.connectionState, 'bad']
    : link.up ? ['connected', 'good']
    : busy && link.states.channel !== 'closed' ? ['connecting…', 'busy'] : ['ended', 'bad'];
  $('status').textContent = text;
  $('status').dataset.mood = feeling;
  $('close').disabled = !link || link.closed;
  for (const button of document.querySelectorAll('[data-needs-link]')) {
    button.disabled = !link?.up || (running && button.closest('#chat') === null);
  }
}

function entry(at, text, className = '') {
  const list = $('timeline');
  const follow = list.scrollTop + list.clientHeight >= list.scrollHeight - 30;
  list.append(element('li', { className }, element('time', { textContent: at.toFixed(1) }), element('span', { textContent: text })));
  while (list.childElementCount > 500) list.firstElementChild.remove();
  if (follow) list.scrollTop = list.scrollHeight;
}

function showTrouble(error) {
  $('trouble').hidden = error === null;
  if (error === null) return;
  if (!(error instanceof Trouble)) console.error(error);
  $('trouble-what').textContent = error instanceof Trouble ? error.message : `Something unforeseen happened: ${error.message ?? error}`;
  $('trouble-hint').textContent = error.hint ?? '';
}

const amount = (n) => (n == null ? '–' : n < 1e3 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : n < 1e9 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(2)} GB`);

async function showFacts() {
  const shown = link;
  if (!shown || shown.closed) return;
  const facts = await shown.facts().catch(() => null);
  if (!facts || shown !== link || shown.closed) return;
  const side = (s) => `${s.text} (${s.type} ${s.protocol})`;
  $('fact-pair').textContent = facts.local && facts.remote ? `${side(facts.local)} → ${side(facts.remote)}` : '–';
  $('fact-rtt').textContent = facts.rttMs === null ? '–' : facts.rttMs < 1 ? 'under 1 ms' : `${facts.rttMs.toFixed(0)} ms`;
  $('fact-dtls').textContent = [facts.dtls, facts.cipher].filter(Boolean).join(' · ') || '–';
  $('fact-bytes').textContent = `${amount(facts.bytesSent)} / ${amount(facts.bytesReceived)}`;
}

// The connection

/** Ends the present connection, makes a new one and resolves with it when its first channel is open. */
async function connect({ offerer = 'browser', configuration } = {}) {
  link?.close();
  failed = false;
  showTrouble(null);
  $('timeline').replaceChildren();
  for (const fact of document.querySelectorAll('.facts dd')) fact.textContent = '–';
  for (const radio of document.getElementsByName('offerer')) radio.checked = radio.value === offerer;
  history.replaceState(null, '', offerer === 'server' ? '?offerer=server' : location.pathname);
  let mine = null;
  try {
    mine = link = new Link({ offerer, configuration });
    for (const [name, to] of Object.entries(mine.states)) showState({ name, to, at: 0 });
    mine.addEventListener('state', ({ detail }) => mine === link && showState(detail));
    mine.addEventListener('note', ({ detail }) => mine === link && entry(detail.at, detail.text, 'note'));
    mine.addEventListener('lost', ({ detail }) => {
      if (mine !== link) return;
      showTrouble(detail.trouble);
      showStatus();
    });
    showStatus();
    await mine.connect();
    startChat(mine);
    showFacts();
    return mine;
  } catch (error) {
    if ((mine === null || mine === link) && error.name !== 'AbortError') {
      failed = true;
      showTrouble(error);
    }
    throw error;
  } finally {
    showStatus();
  }
}

function close() {
  link?.close();
  failed = false;
  showStatus();
}

// What people press may fail; connect() has already said so on the page.
const reconnect = () => connect({ offerer: new FormData($('controls')).get('offerer') }).catch(() => {});

$('controls').addEventListener('submit', (event) => { event.preventDefault(); reconnect(); });
$('controls').addEventListener('change', reconnect);
$('close').addEventListener('click', close);
addEventListener('pagehide', () => link?.close());
addEventListener('pageshow', ({ persisted }) => persisted && reconnect());

// Chat

const waiting = []; // when each unanswered message left: the channel is ordered and reliable, so the first is answered first

function say(text, className, aside = '') {
  const list = $('messages');
  list.append(element('li', { className }, text, ...(aside ? [element('small', { textContent: aside })] : [])));
  while (list.childElementCount > 200) list.firstElementChild.remove();
  list.scrollTop = list.scrollHeight;
}

function startChat(mine) {
  waiting.length = 0;
  say(`connected, ${mine.offerer} offered`, 'remark');
  mine.greeting.then((text) => mine === link && say(text, '', 'on channel “hello”'));
  mine.chat.addEventListener('message', ({ data }) => {
    const left = waiting.shift();
    say(String(data), '', left === undefined ? '' : `${(performance.now() - left).toFixed(1)} ms`);
  });
}

$('chat').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('chat-text').value;
  if (!link?.up || text === '') return;
  try {
    waiting.push(performance.now());
    link.chat.send(text);
    say(text, 'mine');
    $('chat-text').value = '';
  } catch (error) {
    waiting.pop();
    showTrouble(new Trouble(`The message could not be sent: ${error.message}`));
  }
});

// Measurements

const results = { upload: '', download: '' }; // one line each: the last of its kind

async function measure(output, work) {
  running = true;
  showStatus();
  try {
    $(output).textContent = await work();
  } catch (error) {
    $(output).replaceChildren(element('span', { className: 'bad', textContent: [error.message, error.hint].filter(Boolean).join(' ') }));
  } finally {
    running = false;
    showStatus();
    showFacts();
  }
}

$('throughput').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const way = event.submitter?.value ?? 'upload';
  const [size, seconds] = [Number(form.get('size')), Number(form.get('seconds'))];
  measure('throughput-result', async () => {
    plot.start(way, seconds);
    const onSample = (at, value) => {
      plot.push(way, at, value);
      $('throughput-result').textContent = `${way === 'upload' ? 'Upload' : 'Download'} runs… ${value.toFixed(0)} Mbit/s`;
    };
    const result = await (way === 'upload' ? upload : download)(link, { seconds, size, onSample });
    const text = `${way === 'upload' ? 'Upload' : 'Download'}: ${result.mbps.toFixed(1)} Mbit/s · `
      + `${amount(result.bytes)} in ${result.messages} messages${way === 'upload' ? ' · server’s count' : ''}`;
    results[way] = text;
    const lines = Object.values(results).filter(Boolean).join('\n');
    $('throughput-plot').setAttribute('aria-label', `Throughput over time. ${lines}`);
    return lines;
  });
});

$('ping').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  measure('ping-result', async () => {
    histogram.show([]);
    const onSample = (samples) => histogram.show(samples);
    const result = await ping(link, { count: Number(form.get('count')), intervalMs: Number(form.get('interval')), onSample });
    if (result.received === 0) throw new Trouble('Not one ping came back.');
    histogram.show(result.samples, [['p50', result.p50], ['p90', result.p90], ['p99', result.p99]]);
    const ms = (v) => `${v.toFixed(2)} ms`;
    const text = `p50 ${ms(result.p50)} · p90 ${ms(result.p90)} · p99 ${ms(result.p99)}\n`
      + `${result.received} of ${result.sent} came back${result.lost ? `, ${result.lost} lost` : ''}.`;
    $('ping-plot').setAttribute('aria-label', `Histogram of round-trip times. ${text}`);
    return text;
  });
});

// Media

const sparks = {
  rate: new Sparkline($('spark-rate'), 'down'), rtt: new Sparkline($('spark-rtt'), 'accent'), loss: new Sparkline($('spark-loss'), 'bad'),
};
const mirror = new Mirror(({ sent, received, rttMs, lossPercent, text }) => {
  sparks.rate.push(received); sparks.rtt.push(rttMs); sparks.loss.push(lossPercent);
  $('media-rate').textContent = `↑ ${(sent / 1000).toFixed(2)} ↓ ${(received / 1000).toFixed(2)} Mbit/s`;
  $('media-rtt').textContent = rttMs === null ? '–' : `${rttMs.toFixed(1)} ms`;
  $('media-loss').textContent = lossPercent === null ? '–' : `${lossPercent.toFixed(1)} %`;
  $('media-result').textContent = text;
});

function stopMedia() {
  mirror.stop();
  for (const video of [$('media-local'), $('media-back')]) video.srcObject = null;
  $('media-stop').disabled = true;
}

async function startMedia(kind) {
  stopMedia();
  Object.values(sparks).forEach((spark) => spark.clear());
  $('media-result').textContent = 'connects…';
  $('media-stop').disabled = false;
  try {
    const { local, back } = await mirror.start(kind);
    [$('media-local').srcObject, $('media-back').srcObject] = [local, back];
  } catch (error) {
    stopMedia();
    $('media-result').replaceChildren(element('span', { className: 'bad', textContent: [error.message, error.hint].filter(Boolean).join(' ') }));
  }
}

$('media').addEventListener('submit', (event) => {
  event.preventDefault();
  startMedia(event.submitter?.value === 'camera' ? 'camera' : 'drawn');
});
$('media-stop').addEventListener('click', stopMedia);
addEventListener('pagehide', stopMedia);

// Files

/** A line that follows one file: what `sendFiles` and `receiveFiles` tell goes there. */
function transfer(name, size, way) {
  const began = performance.now();
  const bar = element('progress', { max: Math.max(size, 1), value: 0 });
  const pace = element('span');
  const save = element('span');
  const line = element('li', {}, element('span', { className: 'name', textContent: `${way} ${name}`, title: name }), bar, pace, save);
  $('transfers').prepend(line);
  const say = (text, className) => Object.assign(pace, { textContent: text, className });
  let over = false;
  const waits = () => over || say('looks for a path…', 'pace');
  waits();
  return {
    waits,
    moved(bytes) {
      const rate = bytes / ((performance.now() - began) / 1000);
      bar.value = bytes;
      say(`${amount(bytes)} of ${amount(size)} · ${amount(Math.round(rate))}/s · ${Math.ceil((size - bytes) / rate)} s left`, 'pace');
    },
    done(sha256, blob) {
      over = true;
      bar.value = bar.max;
      const seconds = (performance.now() - began) / 1000;
      say(`${amount(size)} in ${seconds.toFixed(1)} s · SHA-256 ${sha256.slice(0, 12)}… on both sides`, 'pace');
      pace.title = sha256;
      if (blob) save.replaceWith(element('a', { href: URL.createObjectURL(blob), download: name, textContent: 'Save' }));
    },
    failed(why) {
      if (!over) say(why, 'pace bad');
      over = true;
    },
  };
}

for (const origin of document.querySelectorAll('[data-origin]')) origin.textContent = location.origin;

let deaf = null; // ends the receiving

function receive(on) {
  if (on === (deaf !== null)) return;
  deaf?.();
  deaf = on ? receiveFiles(transfer) : null;
  $('receive').checked = on;
}

$('receive').addEventListener('change', () => receive($('receive').checked));
addEventListener('pagehide', () => receive(false));
$('files').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const said = $('files-result');
  said.hidden = true;
  await sendFiles(form.get('url'), form.getAll('files'), transfer).catch((error) => {
    said.textContent = [error.message, error.hint].filter(Boolean).join(' ');
    said.hidden = false;
  });
});

// For tests and for the console: the same functions that the page uses.
window.demo = {
  connect,
  close,
  open: (label, init) => link.open(label, init),
  incoming: (label, patience) => link.incoming(label, patience),
  upload: (options) => upload(link, options),
  download: (options) => download(link, options),
  ping: (options) => ping(link, options),
  sendFiles: (url, files) => sendFiles(url, files, transfer),
  receiveFiles: () => receive(true),
  startMedia,
  stopMedia,
  facts: () => link.facts(),
  get greeting() { return link.greeting; },
  get states() { return { ...link?.states }; },
  get link() { return link; },
  get pc() { return link?.pc ?? null; },
};

const query = new URLSearchParams(location.search);
showStates();
showStatus();
plot.redraw();
histogram.redraw();
setInterval(showFacts, 1000);
if (query.get('auto') !== '0') connect({ offerer: query.get('offerer') === 'server' ? 'server' : 'browser' }).catch(() => {});
