// A stand-in for the demo server inside the page: a second RTCPeerConnection that keeps the demo's protocol (PROTOCOL.md).
// It is loaded before the page's own scripts and answers their fetch() and EventSource. With it the test cases themselves
// are tested: what passes here and fails against the server is the server's fault.
(() => {
  const sessions = new Map();
  const reply = (status, body) => new Response(body === undefined ? null : JSON.stringify(body), { status });
  let last = 0;

  function session(label) {
    const pc = new RTCPeerConnection();
    const id = `rehearsal-${++last}`;
    const it = { id, pc, candidates: [], listeners: new Set(), early: [] };
    pc.onicecandidate = ({ candidate }) => {
      const text = JSON.stringify(candidate);
      it.candidates.push(text);
      for (const listener of it.listeners) listener(text);
    };
    pc.ondatachannel = ({ channel }) => attend(it, channel);
    if (label) {
      const channel = pc.createDataChannel(label);
      channel.onopen = () => channel.send(label);
    }
    sessions.set(id, it);
    return it;
  }

  async function candidate(it, init) {
    if (it.pc.remoteDescription === null) it.early.push(init);
    else await it.pc.addIceCandidate(init ?? undefined);
  }

  async function described(it) {
    for (const init of it.early.splice(0)) await candidate(it, init);
  }

  function attend(it, channel) {
    channel.binaryType = 'arraybuffer';
    const { label } = channel;
    const echo = ({ data }) => channel.send(data);
    if (label === 'chat' || label === 'ping' || label.startsWith('echo')) channel.onmessage = echo;
    else if (label === 'close-me') channel.onmessage = () => channel.close();
    else if (label === 'upload') count(channel);
    else if (label === 'download') channel.onmessage = ({ data }) => pour(channel, JSON.parse(data));
    else if (label === 'control') channel.onmessage = ({ data }) => command(it, channel, data);
  }

  function command(it, channel, text) {
    if (text === 'close-pc') return it.pc.close();
    if (!text.startsWith('open ')) return channel.send(`unknown command: ${text}`);
    const opened = it.pc.createDataChannel(text.slice(5));
    opened.binaryType = 'arraybuffer';
    const isOpen = new Promise((resolve) => { opened.onopen = resolve; });
    // Chromium may hand out the first message before it says that the channel is open.
    opened.onmessage = async ({ data }) => { await isOpen; opened.send(data); };
  }

  function count(channel) {
    let bytes = 0, messages = 0, first = 0;
    channel.onmessage = ({ data }) => {
      first ||= performance.now();
      if (data === 'end') return channel.send(JSON.stringify({ bytes, messages, seconds: (performance.now() - first) / 1000 }));
      bytes += data.byteLength;
      messages += 1;
    };
  }

  async function pour(channel, { seconds, size }) {
    const message = new Uint8Array(size);
    const end = performance.now() + seconds * 1000;
    channel.bufferedAmountLowThreshold = 1 << 19;
    while (performance.now() < end) {
      while (channel.bufferedAmount < 1 << 20 && performance.now() < end) channel.send(message);
      await new Promise((resolve) => { channel.onbufferedamountlow = resolve; setTimeout(resolve, 200); });
    }
    channel.send('end');
  }

  async function route(method, path, body) {
    if (method === 'POST' && path === '/api/offer') {
      const it = session();
      await it.pc.setRemoteDescription(body);
      await it.pc.setLocalDescription();
      return reply(200, { session: it.id, answer: it.pc.localDescription });
    }
    if (method === 'POST' && path === '/api/session') {
      const it = session('hello');
      await it.pc.setLocalDescription();
      return reply(200, { session: it.id, offer: it.pc.localDescription });
    }
    const [, id, rest] = path.match(/^\/api\/session\/([^/]+)\/?(.*)$/) ?? [];
    const it = sessions.get(id);
    if (!it) return new Response('no such session', { status: 404 });
    if (method === 'DELETE') { it.pc.close(); sessions.delete(id); }
    else if (rest === 'answer') { await it.pc.setRemoteDescription(body); await described(it); }
    else if (rest === 'candidate') await candidate(it, body);
    return reply(204);
  }

  const realFetch = window.fetch.bind(window);
  window.fetch = async (path, options = {}) => {
    if (!String(path).startsWith('/api/')) return realFetch(path, options);
    await new Promise((resolve) => setTimeout(resolve, 1));
    options.signal?.throwIfAborted();
    try {
      return await route(options.method ?? 'GET', path, options.body === undefined ? undefined : JSON.parse(options.body));
    } catch (error) {
      return new Response(error.message, { status: 400 });
    }
  };

  window.EventSource = class extends EventTarget {
    constructor(path) {
      super();
      const it = sessions.get(path.split('/')[3]);
      this.tell = (data) => this.dispatchEvent(new MessageEvent('message', { data }));
      this.it = it;
      setTimeout(() => { it.candidates.forEach(this.tell); it.listeners.add(this.tell); });
    }

    close() { this.it.listeners.delete(this.tell); }
  };
})();
