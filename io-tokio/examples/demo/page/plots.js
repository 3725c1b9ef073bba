// Two small plots on a canvas: lines over time and a histogram. Colours come from the style sheet, so they follow its theme.

const PAD = { left: 46, right: 12, top: 12, bottom: 26 };

/** A step of 1, 2 or 5 times a power of ten that divides `max` into at most `parts`. */
function niceStep(max, parts) {
  const raw = max / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= raw * 0.999);
}

const digits = (step) => Math.max(0, -Math.floor(Math.log10(step)));

class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.pointer = null;
    this.scheduled = false;
    new ResizeObserver(() => this.redraw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.redraw());
    canvas.addEventListener('pointermove', (e) => { this.pointer = e.offsetX; this.redraw(); });
    canvas.addEventListener('pointerleave', () => { this.pointer = null; this.redraw(); });
  }

  redraw() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => { this.scheduled = false; this.draw(); });
  }

  /** Sizes the canvas to its pixels and returns a context in CSS pixels. */
  begin() {
    const { canvas } = this;
    const scale = devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    canvas.width = Math.round(this.width * scale);
    canvas.height = Math.round(this.height * scale);
    const g = canvas.getContext('2d');
    g.scale(scale, scale);
    const style = getComputedStyle(canvas);
    this.font = `12px ${style.fontFamily}`;
    g.font = this.font;
    this.color = (name) => style.getPropertyValue(`--${name}`).trim();
    return g;
  }

  x(share) { return PAD.left + share * (this.width - PAD.left - PAD.right); }

  y(share) { return this.height - PAD.bottom - share * (this.height - PAD.top - PAD.bottom); }

  /** Horizontal grid lines with their values, and the unit. Returns the top of the scale. */
  grid(g, max, unit) {
    const step = niceStep(max || 1, 4);
    const top = Math.ceil((max || 1) / step - 1e-9) * step;
    g.strokeStyle = this.color('grid');
    g.fillStyle = this.color('soft');
    g.textBaseline = 'middle';
    g.lineWidth = 1;
    g.textAlign = 'right';
    for (let v = 0; v <= top + step / 2; v += step) {
      const y = Math.round(this.y(v / top)) + 0.5;
      g.beginPath(); g.moveTo(PAD.left, y); g.lineTo(this.width - PAD.right, y); g.stroke();
      g.fillText(v.toFixed(digits(step)), PAD.left - 8, y);
    }
    g.save(); g.translate(9, this.y(0.5)); g.rotate(-Math.PI / 2); g.textAlign = 'center'; g.fillText(unit, 0, 0); g.restore();
    return top;
  }

  axis(g, from, to, unit, parts) {
    const step = niceStep(to - from || 1, parts);
    g.fillStyle = this.color('soft');
    g.textAlign = 'center'; g.textBaseline = 'alphabetic';
    for (let v = Math.ceil(from / step - 1e-9) * step; v <= to + step * 1e-6; v += step) {
      const x = this.x((v - from) / (to - from || 1));
      const last = v + step > to + step * 1e-6;
      const text = `${v.toFixed(digits(step))}${last ? ` ${unit}` : ''}`;
      const half = g.measureText(text).width / 2;
      g.fillText(text, Math.min(x, this.width - half - 2), this.height - 8);
    }
  }

  /** A small box with lines of text near `x`, kept inside. */
  tip(g, x, lines) {
    const width = Math.max(...lines.map((l) => g.measureText(l).width)) + 16;
    const left = x + 12 + width > this.width ? x - 12 - width : x + 12;
    const height = lines.length * 17 + 10;
    g.fillStyle = this.color('card'); g.strokeStyle = this.color('line');
    g.beginPath(); g.roundRect(left, PAD.top + 2, width, height, 6); g.fill(); g.stroke();
    g.fillStyle = this.color('ink'); g.textAlign = 'left'; g.textBaseline = 'middle';
    lines.forEach((line, i) => g.fillText(line, left + 8, PAD.top + 15 + i * 17));
  }
}

/** Mbit/s over time, one line per direction; the last run of each stays until the next of its kind. */
export class LinePlot extends Plot {
  series = { upload: [], download: [] };
  seconds = 3;

  start(name, seconds) {
    this.series[name] = [];
    this.seconds = seconds;
    this.redraw();
  }

  push(name, at, value) {
    this.series[name].push([at, value]);
    this.redraw();
  }

  draw() {
    const g = this.begin();
    const lines = Object.entries(this.series);
    const everything = lines.flatMap(([, points]) => points);
    const span = Math.max(this.seconds, ...everything.map(([at]) => at));
    const top = this.grid(g, Math.max(1, ...everything.map(([, v]) => v)), 'Mbit/s');
    this.axis(g, 0, span, 's', 6);
    for (const [name, points] of lines) {
      if (points.length === 0) continue;
      g.strokeStyle = g.fillStyle = this.color(name === 'upload' ? 'up' : 'down');
      g.lineWidth = 2; g.lineJoin = 'round';
      g.beginPath();
      points.forEach(([at, v], i) => g[i ? 'lineTo' : 'moveTo'](this.x(at / span), this.y(v / top)));
      g.stroke();
      const [at, v] = points.at(-1);
      g.beginPath(); g.arc(this.x(at / span), this.y(v / top), 3.5, 0, 7); g.fill();
    }
    if (this.pointer !== null && everything.length > 0) this.point(g, lines, span);
  }

  point(g, lines, span) {
    const share = (this.pointer - this.x(0)) / (this.x(1) - this.x(0));
    if (share < 0 || share > 1) return;
    const at = share * span;
    g.strokeStyle = this.color('soft'); g.lineWidth = 1;
    g.beginPath(); g.moveTo(this.pointer, this.y(0)); g.lineTo(this.pointer, this.y(1)); g.stroke();
    const text = [`${at.toFixed(1)} s`];
    for (const [name, points] of lines) {
      const nearest = points.reduce((best, p) => (Math.abs(p[0] - at) < Math.abs((best?.[0] ?? Infinity) - at) ? p : best), null);
      if (nearest && Math.abs(nearest[0] - at) < 0.3) text.push(`${name} ${nearest[1].toFixed(1)} Mbit/s`);
    }
    this.tip(g, this.pointer, text);
  }
}

/** The last minute of one value, from zero up, without axes: what matters is beside it in words. */
export class Sparkline extends Plot {
  values = [];

  constructor(canvas, color, most = 120) {
    super(canvas);
    Object.assign(this, { line: color, most });
  }

  /** @param {number|null} value nothing leaves a gap */
  push(value) {
    this.values.push(value);
    if (this.values.length > this.most) this.values.shift();
    this.redraw();
  }

  clear() { this.values = []; this.redraw(); }

  draw() {
    const g = this.begin();
    const top = Math.max(1e-9, ...this.values.map((v) => v ?? 0)) * 1.1;
    const x = (i) => (i / (this.most - 1)) * (this.width - 8) + 2;
    const y = (v) => this.height - 3 - (v / top) * (this.height - 6);
    g.strokeStyle = this.color('grid'); g.lineWidth = 1;
    g.beginPath(); g.moveTo(0, this.height - 2.5); g.lineTo(this.width, this.height - 2.5); g.stroke();
    g.strokeStyle = g.fillStyle = this.color(this.line); g.lineWidth = 2; g.lineJoin = 'round';
    g.beginPath();
    this.values.forEach((v, i) => v !== null && g[i > 0 && this.values[i - 1] !== null ? 'lineTo' : 'moveTo'](x(i), y(v)));
    g.stroke();
    const last = this.values.at(-1);
    if (last != null) { g.beginPath(); g.arc(x(this.values.length - 1), y(last), 3, 0, 7); g.fill(); }
  }
}

/** How many samples fall into each of some forty equal bins, with marks. The slowest 0.5 % share the last bin. */
export class Histogram extends Plot {
  samples = [];
  marks = [];

  /** @param {number[]} samples milliseconds  @param {[string, number][]} marks name and place of vertical lines */
  show(samples, marks = []) {
    this.samples = samples;
    this.marks = marks;
    this.redraw();
  }

  draw() {
    const g = this.begin();
    const sorted = [...this.samples].sort((a, b) => a - b);
    const slow = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.995))] ?? 1;
    const step = niceStep(Math.max(slow, 0.05) * 1.05, 40);
    const bins = new Array(Math.max(10, Math.ceil((slow * 1.05) / step))).fill(0);
    for (const ms of sorted) bins[Math.min(bins.length - 1, Math.floor(ms / step))] += 1;
    const right = bins.length * step;
    const top = this.grid(g, Math.max(4, ...bins), 'messages');
    this.axis(g, 0, right, 'ms', 6);
    const width = this.x(1 / bins.length) - this.x(0);
    g.fillStyle = this.color('accent');
    bins.forEach((n, i) => {
      if (n === 0) return;
      const y = this.y(n / top);
      g.beginPath(); g.roundRect(this.x(i / bins.length) + 1, y, Math.max(1, width - 2), this.y(0) - y, [3, 3, 0, 0]); g.fill();
    });
    this.drawMarks(g, right);
    if (this.pointer !== null && sorted.length > 0) {
      const i = Math.floor(((this.pointer - this.x(0)) / (this.x(1) - this.x(0))) * bins.length);
      if (i < 0 || i >= bins.length) return;
      const to = i === bins.length - 1 ? 'and more' : `to ${((i + 1) * step).toFixed(digits(step))} ms`;
      this.tip(g, this.pointer, [`${(i * step).toFixed(digits(step))} ${to}`, `${bins[i]} messages`]);
    }
  }

  drawMarks(g, right) {
    const place = (ms) => Math.round(this.x(Math.min(1, ms / right))) + 0.5;
    g.strokeStyle = this.color('ink'); g.lineWidth = 1; g.setLineDash([3, 3]);
    for (const [, ms] of this.marks) {
      g.beginPath(); g.moveTo(place(ms), this.y(0)); g.lineTo(place(ms), PAD.top); g.stroke();
    }
    g.setLineDash([]);
    g.textBaseline = 'middle'; g.textAlign = 'left';
    this.marks.forEach(([name, ms], i) => {
      const x = place(ms);
      const text = `${name} ${ms.toFixed(1)}`;
      const w = g.measureText(text).width;
      const left = x + 5 + w > this.width ? x - 5 - w : x + 5;
      const y = PAD.top + 7 + i * 17;
      g.fillStyle = this.color('card'); g.fillRect(left - 2, y - 8, w + 4, 16);
      g.fillStyle = this.color('ink'); g.fillText(text, left, y);
    });
  }
}
