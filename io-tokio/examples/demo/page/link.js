// One connection to the demo server: signaling, states, statistics. It knows nothing of the page around it.
//
// Events: `state` {name, from, to, at} for every state that changes, `note` {text, at} for what else happened,
// `lost` {trouble} once when an established connection ends and it was not close() that ended it.

const CONNECT_PATIENCE_MS = 20_000;
const OPEN_PATIENCE_MS = 10_000;

/** A failure worded for people: what happened, and what may help. */
export class Trouble extends Error {
  constructor(message, hint = '', options = {}) {
    super(message, options);
    this.name = 'Trouble';
    this.hint = hint;
  }
}

/** Resolves with the channel when it is open; rejects when it closes first, or does not open in time. */
export function opened(channel, patience = OPEN_PATIENCE_MS) {
  return new Promise((resolve, reject) => {
    if (channel.readyState === 'open') return resolve(channel);
    const fail = (what) => reject(new Trouble(`Channel “${channel.label}” ${what}.`));
    if (channel.readyState !== 'connecting') return fail(`is ${channel.readyState}`);
    const timer = setTimeout(() => fail(`did not open within ${patience / 1000} s`), patience);
    channel.addEventListener('open', () => { clearTimeout(timer); resolve(channel); }, { once: true });
    channel.addEventListener('close', () => { clearTimeout(timer); fail('was closed before it opened'); }, { once: true });
  });
}

export class Link extends EventTarget {
  #session = null;
  #stopped = new AbortController();
  #remoteCandidates = null;
  #outbox = [];
  #posting = false;
  #watched = new WeakSet();
  #incoming = [];
  #up = false;
  #lost = false;

  /** @param {{offerer?: 'browser'|'server', configuration?: RTCConfiguration}} options */
  constructor({ offerer = 'browser', configuration = {} } = {}) {
    super();
    if (typeof RTCPeerConnection === 'undefined') {
      throw new Trouble('This browser has no WebRTC.', 'It may be switched off by a setting or an extension.');
    }
    this.offerer = offerer;
    this.startedAt = performance.now();
    this.states = {};
    this.pc = new RTCPeerConnection(configuration);
    this.chat = null;
    /** Resolves with the text that the server sends on its channel “hello” (server-offers direction only). */
    this.greeting = new Promise((resolve) => { this.#greet = resolve; });
    const pc = this.pc;
    const refresh = () => this.#refresh();
    for (const name of ['signalingstatechange', 'icegatheringstatechange', 'iceconnectionstatechange', 'connectionstatechange']) {
      pc.addEventListener(name, refresh);
    }
    pc.addEventListener('connectionstatechange', () => this.#judge());
    pc.addEventListener('icecandidate', ({ candidate }) => this.#localCandidate(candidate));
    pc.addEventListener('icecandidateerror', (e) => this.#note(`candidate error ${e.errorCode} ${e.errorText ?? ''}`));
    pc.addEventListener('datachannel', ({ channel }) => this.#arrived(channel));
    this.#refresh();
  }

  #greet = () => {};

  /** True from the moment the first channel opened until the connection ends. */
  get up() { return this.#up && !this.#lost && !this.#stopped.signal.aborted; }

  get closed() { return this.#stopped.signal.aborted; }

  /** The id that the server gave this connection, or null. */
  get session() { return this.#session; }

  /** Negotiates and resolves when the channel “chat” is open. Call once. */
  async connect() {
    let timer;
    const ended = new Promise((_, reject) => {
      const giveUp = () => reject(this.#diagnosis());
      timer = setTimeout(giveUp, CONNECT_PATIENCE_MS);
      this.pc.addEventListener('connectionstatechange', () => this.pc.connectionState === 'failed' && giveUp());
      this.#stopped.signal.addEventListener('abort', () => reject(new DOMException('The connection was closed.', 'AbortError')));
    });
    ended.catch(() => {});
    try {
      await Promise.race([this.offerer === 'server' ? this.#answerServer() : this.#offerServer(), ended]);
      await Promise.race([opened(this.chat, CONNECT_PATIENCE_MS), ended]);
      this.#up = true;
      this.#note(`connected ${Math.round(performance.now() - this.startedAt)} ms after the start`);
      return this;
    } catch (error) {
      const why = this.closed ? new DOMException('The connection was closed.', 'AbortError') : error;
      this.close();
      throw why;
    } finally {
      clearTimeout(timer);
    }
  }

  async #offerServer() {
    this.chat = this.#watch(this.pc.createDataChannel('chat'));
    await this.pc.setLocalDescription();
    this.#refresh();
    const { session, answer } = await this.#post('/api/offer', this.pc.localDescription);
    this.#hasSession(session);
    await this.#applyRemote(answer);
    this.#trickle();
  }

  async #answerServer() {
    const { session, offer } = await this.#post('/api/session');
    this.#session = session;
    await this.#applyRemote(offer);
    this.chat = this.#watch(this.pc.createDataChannel('chat'));
    await this.pc.setLocalDescription();
    this.#refresh();
    await this.#post(`/api/session/${session}/answer`, this.pc.localDescription);
    this.#hasSession(session);
    this.#trickle();
  }

  async #applyRemote(description) {
    try {
      await this.pc.setRemoteDescription(description);
    } catch (error) {
      console.error(description?.sdp);
      throw new Trouble(`This browser refused the server’s ${description?.type ?? 'description'}: ${error.message}`,
        'That is a mistake in the server: its SDP is in the browser console.', { cause: error });
    }
    this.#refresh();
  }

  /** Opens a channel and resolves with it once it is open. */
  async open(label, init = {}) {
    const channel = this.#watch(this.pc.createDataChannel(label, init));
    channel.binaryType = 'arraybuffer';
    return opened(channel);
  }

  /** Resolves with the first channel of that label which the server opened and nobody took yet. */
  async incoming(label, patience = OPEN_PATIENCE_MS) {
    const taken = this.#incoming.findIndex((c) => c.label === label);
    if (taken >= 0) return opened(this.#incoming.splice(taken, 1)[0]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Trouble(`The server opened no channel “${label}”.`)), patience);
      this.addEventListener('incoming', () => {
        clearTimeout(timer);
        resolve(this.incoming(label, patience));
      }, { once: true });
    });
  }

  /** Ends the connection on both sides. Harmless when it has ended. */
  close() {
    if (this.closed) return;
    this.#stopped.abort();
    this.#remoteCandidates?.close();
    this.pc.close();
    this.#refresh();
    if (this.#session !== null) {
      fetch(`/api/session/${this.#session}`, { method: 'DELETE', keepalive: true }).catch(() => {});
    }
  }

  /** What getStats knows of the selected pair and the encryption. Fields are null while unknown. */
  async facts() {
    const report = await this.pc.getStats();
    const all = [...report.values()];
    const transport = all.find((s) => s.type === 'transport') ?? {};
    const pair = report.get(transport.selectedCandidatePairId)
      ?? all.find((s) => s.type === 'candidate-pair' && (s.selected || (s.nominated && s.state === 'succeeded')));
    const side = (id) => {
      const c = report.get(id);
      if (!c) return null;
      const address = c.address ?? c.ip;
      const host = address ? (address.includes(':') ? `[${address}]` : address) : 'hidden';
      return { type: c.candidateType, protocol: c.protocol, text: `${host}:${c.port}` };
    };
    const version = { FEFC: 'DTLS 1.3', FEFD: 'DTLS 1.2', FEFF: 'DTLS 1.0' }[transport.tlsVersion?.toUpperCase()];
    return {
      local: pair ? side(pair.localCandidateId) : null,
      remote: pair ? side(pair.remoteCandidateId) : null,
      rttMs: pair?.currentRoundTripTime != null ? pair.currentRoundTripTime * 1000 : null,
      dtls: version ?? transport.tlsVersion ?? null,
      cipher: transport.dtlsCipher ?? null,
      bytesSent: pair?.bytesSent ?? null,
      bytesReceived: pair?.bytesReceived ?? null,
    };
  }

  // Signaling over HTTP

  async #post(path, body) {
    let response;
    try {
      response = await fetch(path, {
        method: 'POST',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: this.#stopped.signal,
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Trouble('The demo server does not answer.', 'Is it still running? Start it again, then press Reconnect.', { cause: error });
    }
    if (!response.ok) {
      const reason = (await response.text().catch(() => '')).trim().slice(0, 300);
      throw new Trouble(`The server refused ${path}: ${reason || response.statusText || response.status}`,
        response.status === 404 ? 'It may have been restarted: press Reconnect.' : '');
    }
    return response.status === 204 ? null : response.json();
  }

  #hasSession(session) {
    this.#session = session;
    this.#note(`session ${session}`);
    if (this.closed) { // the user was quicker than the server's answer
      fetch(`/api/session/${session}`, { method: 'DELETE', keepalive: true }).catch(() => {});
    }
    this.#ready = true;
    this.#flush();
  }

  #ready = false;

  #localCandidate(candidate) {
    this.#note(candidate ? `local candidate ${brief(candidate.candidate)}` : 'no more local candidates');
    this.#outbox.push(candidate);
    this.#flush();
  }

  // One after another: their order is part of the meaning, the final null above all.
  async #flush() {
    if (!this.#ready || this.#posting) return;
    this.#posting = true;
    try {
      while (this.#outbox.length > 0 && !this.closed) {
        await this.#post(`/api/session/${this.#session}/candidate`, this.#outbox.shift());
      }
    } catch (error) {
      if (!this.closed) this.#note(`a candidate did not reach the server: ${error.message}`);
    } finally {
      this.#posting = false;
    }
  }

  #trickle() {
    if (this.closed) return;
    const source = new EventSource(`/api/session/${this.#session}/candidates`);
    this.#remoteCandidates = source;
    source.addEventListener('message', async ({ data }) => {
      try {
        const candidate = JSON.parse(data);
        this.#note(candidate ? `remote candidate ${brief(candidate.candidate)}` : 'no more remote candidates');
        if (candidate === null) source.close(); // or else the browser would open the stream again
        await this.pc.addIceCandidate(candidate ?? undefined);
      } catch (error) {
        if (!this.closed) this.#note(`remote candidate refused: ${error.message}`);
      }
    });
  }

  // States

  #watch(channel) {
    for (const name of ['open', 'closing', 'close', 'error']) {
      channel.addEventListener(name, (event) => {
        if (channel === this.chat) this.#refresh();
        else if (name === 'open' || name === 'close') this.#note(`channel “${channel.label}” ${name === 'open' ? 'open' : 'closed'}`);
        if (name === 'error') this.#note(`channel “${channel.label}”: ${event.error?.message ?? 'error'}`);
        if (name === 'close' && channel === this.chat) this.#judge();
      });
    }
    return channel;
  }

  #arrived(channel) {
    channel.binaryType = 'arraybuffer';
    this.#watch(channel);
    this.#note(`the server opened channel “${channel.label}”`);
    if (channel.label === 'hello') channel.addEventListener('message', ({ data }) => this.#greet(data), { once: true });
    this.#incoming.push(channel);
    this.dispatchEvent(new Event('incoming'));
  }

  #refresh() {
    const { pc } = this;
    const sctp = pc.sctp;
    const dtls = sctp?.transport;
    for (const target of [sctp, dtls]) {
      if (target && !this.#watched.has(target)) {
        this.#watched.add(target);
        target.addEventListener('statechange', () => this.#refresh());
      }
    }
    const now = {
      signaling: pc.signalingState,
      gathering: pc.iceGatheringState,
      ice: pc.iceConnectionState,
      dtls: dtls?.state ?? (this.closed ? 'closed' : 'new'),
      sctp: sctp?.state ?? (this.closed ? 'closed' : 'new'),
      channel: this.chat?.readyState ?? 'new',
      connection: pc.connectionState,
    };
    const at = performance.now() - this.startedAt;
    for (const [name, to] of Object.entries(now)) {
      const from = this.states[name];
      if (from === to) continue;
      this.states[name] = to;
      this.dispatchEvent(new CustomEvent('state', { detail: { name, from, to, at } }));
    }
  }

  #note(text) {
    this.dispatchEvent(new CustomEvent('note', { detail: { text, at: performance.now() - this.startedAt } }));
  }

  /** Says once that an established connection ended, if it was not we who ended it. */
  #judge() {
    if (!this.#up || this.#lost || this.closed) return;
    let trouble = null;
    if (this.pc.connectionState === 'failed') {
      trouble = new Trouble('The connection was lost.', 'Nothing came back from the server for a while. Press Reconnect to try again.');
    } else if (this.chat.readyState === 'closed') {
      trouble = new Trouble('The server ended the connection.', 'Press Reconnect for a new one.');
    }
    if (trouble) {
      this.#lost = true;
      this.dispatchEvent(new CustomEvent('lost', { detail: { trouble } }));
    }
  }

  /** Which layer did not come up, in words. Asked when connecting failed or took too long. */
  #diagnosis() {
    this.#refresh();
    const { ice, dtls, sctp } = this.states;
    if (this.pc.remoteDescription === null) {
      return new Trouble('The server did not finish the negotiation.', 'See its log for the reason.');
    }
    if (ice !== 'connected' && ice !== 'completed') {
      return new Trouble(`No network path to the server was found (ICE is “${ice}”).`,
        'Both sides know each other’s addresses, but no check came through: a firewall, a VPN or an extension that blocks UDP is the usual reason.');
    }
    if (dtls !== 'connected') {
      return new Trouble(`The network path works, but the encryption handshake did not end well (DTLS is “${dtls}”).`,
        'The certificate may not match the fingerprint in the SDP; the server’s log names the alert.');
    }
    if (sctp !== 'connected') {
      return new Trouble(`The encrypted path is up, but no data channel came into being (SCTP is “${sctp}”).`, 'See the server’s log.');
    }
    return new Trouble('The connection is up, but the channel “chat” did not open.', 'See the server’s log.');
  }
}

/** The few fields of a candidate line that a reader looks for. */
function brief(line) {
  const [, , protocol, , address, port, , type] = line.replace(/^candidate:/, '').split(' ');
  return line ? `${type} ${protocol?.toLowerCase()} ${address?.includes(':') ? `[${address}]` : address}:${port}` : '(end)';
}
