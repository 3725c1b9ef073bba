// A camera, or a picture that the page draws, there and back: its own connection, and what getStats says of it.

import { Trouble } from './link.js';

/** Between two looks at the statistics. */
const LOOK_MS = 500;
const PATIENCE_MS = 10_000;

/** A clock hand over moving colours, and a tone: media that needs no permission. */
function drawn() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const g = canvas.getContext('2d');
  const draw = () => {
    const t = performance.now() / 1000;
    for (let i = 0; i < 8; i += 1) {
      g.fillStyle = `hsl(${(i * 45 + t * 40) % 360} 70% ${45 + 10 * Math.sin(t + i)}%)`;
      g.fillRect(i * 80, 0, 80, 360);
    }
    g.translate(320, 180); g.rotate(t * Math.PI); g.fillStyle = '#fff'; g.fillRect(-6, -150, 12, 150); g.resetTransform();
    g.fillStyle = '#000'; g.font = '600 40px system-ui'; g.fillText(new Date().toISOString().slice(11, 22), 24, 336);
  };
  draw();
  const timer = setInterval(draw, 33);
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 440 });
  const out = audio.createMediaStreamDestination();
  tone.connect(new GainNode(audio, { gain: 0.2 })).connect(out);
  tone.start();
  const stream = new MediaStream([...canvas.captureStream(30).getTracks(), ...out.stream.getTracks()]);
  return { stream, stop() { clearInterval(timer); audio.close(); } };
}

async function camera() {
  if (!navigator.mediaDevices) throw new Trouble('This page may not use a camera.', 'Browsers want https or 127.0.0.1 for that.');
  try {
    return { stream: await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 }, audio: true }), stop() {} };
  } catch (error) {
    throw new Trouble(`No camera: ${error.message}`, 'The drawn picture needs none.', { cause: error });
  }
}

async function post(path, body) {
  const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!response.ok) throw new Trouble(`The server refused ${path}: ${(await response.text()).trim()}`);
  return response.json();
}

/** Media there and back, from start() until stop(). */
export class Mirror {
  #source = null;
  #session = null;
  #candidates = null;
  #timer = null;
  #before = null;

  /** @param {(look: {sent: number, received: number, rttMs: number|null, lossPercent: number|null, text: string}) => void} onLook */
  constructor(onLook) { this.onLook = onLook; }

  /** @param {'drawn'|'camera'} kind  Resolves with both streams once pictures come back. */
  async start(kind) {
    this.#source = kind === 'camera' ? await camera() : drawn();
    this.#before = null;
    const local = this.#source.stream;
    this.pc = new RTCPeerConnection();
    const back = new MediaStream();
    const came = new Promise((resolve) => {
      this.pc.addEventListener('track', ({ track }) => {
        back.addTrack(track);
        if (track.kind === 'video') track.addEventListener('unmute', resolve, { once: true });
      });
    });
    local.getTracks().forEach((track) => this.pc.addTrack(track, local));
    await this.pc.setLocalDescription();
    await new Promise((resolve) => {
      const done = () => this.pc.iceGatheringState === 'complete' && resolve();
      this.pc.addEventListener('icegatheringstatechange', done);
      done();
    });
    const { session, answer } = await post('/api/offer', this.pc.localDescription);
    this.#session = session;
    await this.pc.setRemoteDescription(answer);
    this.#candidates = new EventSource(`/api/session/${session}/candidates`);
    this.#candidates.addEventListener('message', ({ data }) => {
      const candidate = JSON.parse(data);
      if (candidate === null) this.#candidates.close();
      this.pc.addIceCandidate(candidate ?? undefined).catch(() => {});
    });
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new Trouble('No picture came back.', 'See the server’s log.')), PATIENCE_MS);
    });
    await Promise.race([came, late]);
    this.#timer = setInterval(() => this.#look().catch(() => {}), LOOK_MS);
    return { local, back };
  }

  async #look() {
    const all = [...(await this.pc.getStats()).values()];
    const of = (type) => all.filter((stats) => stats.type === type);
    const sum = (list, member) => list.reduce((total, stats) => total + (stats[member] ?? 0), 0);
    const [outs, ins] = [of('outbound-rtp'), of('inbound-rtp')];
    const now = {
      at: performance.now(), sent: sum(outs, 'bytesSent'), received: sum(ins, 'bytesReceived'),
      packets: sum(ins, 'packetsReceived'), lost: sum(ins, 'packetsLost'),
    };
    const before = this.#before ?? now;
    this.#before = now;
    if (before === now) return;
    const kbit = (member) => ((now[member] - before[member]) * 8) / (now.at - before.at);
    const [came, lost] = [now.packets - before.packets, Math.max(0, now.lost - before.lost)];
    const rtts = of('remote-inbound-rtp').map((stats) => stats.roundTripTime).filter((time) => time !== undefined);
    const codecs = new Map(of('codec').map((codec) => [codec.id, codec.mimeType.split('/')[1]]));
    const video = ins.find((stats) => stats.kind === 'video') ?? {};
    const size = video.frameWidth ? `${video.frameWidth} × ${video.frameHeight}` : '–';
    const used = ins.map((stats) => codecs.get(stats.codecId)).filter(Boolean).join(' and ');
    this.onLook({
      sent: kbit('sent'), received: kbit('received'),
      rttMs: rtts.length > 0 ? Math.max(...rtts) * 1000 : null,
      lossPercent: came + lost > 0 ? (100 * lost) / (came + lost) : null,
      text: `${size} · ${Math.round(video.framesPerSecond ?? 0)} frames/s · ${used}`,
    });
  }

  /** Ends it on both sides. Harmless when it has ended. */
  stop() {
    clearInterval(this.#timer);
    this.#candidates?.close();
    this.pc?.close();
    this.#source?.stream.getTracks().forEach((track) => track.stop());
    this.#source?.stop();
    this.#source = null;
    if (this.#session !== null) fetch(`/api/session/${this.#session}`, { method: 'DELETE', keepalive: true }).catch(() => {});
    this.#session = null;
  }
}
