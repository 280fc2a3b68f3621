// The recording's time as a picture: stages as bands, gaps hatched, events as marks, one row a speaker, a line for now.
// It is one slider for the keyboard and for screen readers; the log beside it says in words what the marks show.

import { t } from './i18n.js';
import { svg } from './markup.js';
import { scale } from './scale.js';
import { fit } from './strip.js';

/** @typedef {import('./court-clock.js').CourtClock} CourtClock */
/** @typedef {{from_us: number, to_us: number}} Span */
/**
 * @typedef {object} Timeline
 * @property {number} start_us of the composite's first picture
 * @property {number} duration_s
 * @property {(Span & {kind: 'recording' | 'recess' | 'gap', pause: string, text: string})[]} bands
 * @property {(Span & {stage: string, text: string})[]} stages
 * @property {(Span & {text: string})[]} gaps
 * @property {{name: string, role: string, segments: (Span & {source: string, text: string})[], gaps: (Span & {text: string})[], hands: Span[], floor: Span[]}[]} speakers
 */
/** @typedef {import('./situation.js').LogLine} LogLine */

const LABELS = 150;
const NARROW_LABELS = 84;
const RIGHT = 14;
const AXIS = 20;
const STAGE = 30;
const MARKS = 22;
const SPEAKER = 26;
const STEPS_S = [10, 30, 60, 120, 300, 600, 900, 1800, 3600];
const KEY_STEP_S = 5;
const PAGE_STEP_S = 60;

export class TimelineChart extends HTMLElement {
  connectedCallback() {
    if (this._watched) return;
    this._watched = new ResizeObserver(() => this._draw());
    this._watched.observe(this);
    this.tabIndex = 0;
    this.setAttribute('role', 'slider');
    this.addEventListener('pointerdown', (event) => this._point(event));
    this.addEventListener('pointermove', (event) => event.buttons === 1 && this.hasPointerCapture(event.pointerId) && this._point(event));
    this.addEventListener('keydown', (event) => this._key(event));
  }

  disconnectedCallback() {
    this._watched?.disconnect();
    this._watched = undefined;
  }

  /**
   * @param {Timeline} timeline
   * @param {LogLine[]} lines
   * @param {CourtClock} clock
   * @param {(seconds: number) => void} onSeek
   */
  show(timeline, lines, clock, onSeek) {
    this._shown = { timeline, lines, clock, onSeek };
    this.setAttribute('aria-valuemin', '0');
    this.setAttribute('aria-valuemax', String(Math.round(timeline.duration_s)));
    this._draw();
  }

  /** Where the picture is. @param {number} seconds */
  at(seconds) {
    this._seconds = seconds;
    const shown = this._shown;
    if (!shown) return;
    const us = shown.timeline.start_us + seconds * 1e6;
    const stage = shown.timeline.stages.find((s) => s.from_us <= us && us < s.to_us);
    this.setAttribute('aria-valuenow', String(Math.round(seconds)));
    this.setAttribute('aria-valuetext', stage ? `${shown.clock.second(us)}, ${stage.text}` : shown.clock.second(us));
    const x = this._x(us);
    this.querySelector('.timeline-head')?.setAttribute('transform', `translate(${x} 0)`);
  }

  /** The part that has an address of its own. @param {{from_s: number, to_s: number} | null} clip */
  mark(clip) {
    this._clip = clip;
    this._draw();
  }

  /** As it is drawn, before the screen's scale. */
  get _width() {
    return this.clientWidth / scale();
  }

  get _labels() {
    return this._width < 620 ? NARROW_LABELS : LABELS;
  }

  /** @param {number} us */
  _x(us) {
    const timeline = this._shown?.timeline;
    if (!timeline) return 0;
    const width = this._width - this._labels - RIGHT;
    const part = (us - timeline.start_us) / (timeline.duration_s * 1e6 || 1);
    return this._labels + Math.max(0, Math.min(1, part)) * width;
  }

  _draw() {
    if (!this._shown || this.clientWidth === 0) return;
    const { timeline, lines, clock } = this._shown;
    const width = this._width;
    const end_us = timeline.start_us + timeline.duration_s * 1e6;
    const marksAt = AXIS + STAGE;
    const speakersAt = marksAt + MARKS;
    const height = speakersAt + timeline.speakers.length * SPEAKER + 4;
    const x = (/** @type {number} */ us) => this._x(us);
    const box = (/** @type {Span} */ s, /** @type {number} */ y, /** @type {number} */ h, /** @type {string} */ name, /** @type {string} */ title) => {
      const from = x(s.from_us);
      return svg('rect', { class: name, x: from, y, width: Math.max(1.5, x(s.to_us) - from), height: h, rx: 2 }, title !== '' && svg('title', {}, title));
    };
    const label = (/** @type {string} */ text, /** @type {number} */ y, name = 'timeline-label') =>
      svg('text', { class: name, x: 0, y }, fit(text, this._labels - 12, 13));
    const parts = [hatching(), ...axis(timeline, clock, x, width - this._labels - RIGHT, height)];
    parts.push(label(t('Stages'), AXIS + STAGE / 2 + 4, 'timeline-label timeline-label-quiet'));
    for (const stage of timeline.stages) {
      const from = x(stage.from_us);
      const wide = x(stage.to_us) - from;
      parts.push(box(stage, AXIS + 3, STAGE - 6, `timeline-stage timeline-stage-${stage.stage}`, `${stage.text} ${clock.second(stage.from_us)}–${clock.second(stage.to_us)}`));
      if (wide > 34) parts.push(svg('text', { class: 'timeline-stage-text', x: from + 8, y: AXIS + STAGE / 2 + 4.5 }, fit(stage.text, wide - 12, 13)));
    }
    parts.push(label(t('Events'), marksAt + MARKS / 2 + 4, 'timeline-label timeline-label-quiet'));
    for (const line of lines) {
      if (line.at_us < timeline.start_us - 1e6 || line.at_us > end_us + 1e6) continue;
      parts.push(svg('path', { class: `timeline-mark timeline-mark-${line.mark}`, d: shape(line.mark, x(line.at_us), marksAt + MARKS / 2) }, svg('title', {}, `${clock.second(line.at_us)} ${line.text}`)));
    }
    timeline.speakers.forEach((speaker, row) => {
      const y = speakersAt + row * SPEAKER;
      parts.push(svg('line', { class: 'timeline-row', x1: 0, x2: width, y1: y, y2: y }));
      parts.push(svg('text', { class: 'timeline-label', x: 0, y: y + SPEAKER / 2 + 4.5 }, fit(speaker.name, this._labels - 12, 13), svg('title', {}, `${speaker.name}, ${speaker.role}`)));
      for (const segment of speaker.segments) {
        const sound = segment.source === 'microphone';
        parts.push(box(segment, sound ? y + 5 : y + 16, sound ? 9 : 4, `timeline-segment timeline-${segment.source}`, segment.text));
      }
      for (const span of speaker.floor) parts.push(box(span, y + 1.5, 3, 'timeline-floor', t('{name} has the floor', { name: speaker.name })));
      for (const hand of speaker.hands) {
        const title = t('{name} raised a hand', { name: speaker.name });
        parts.push(svg('path', { class: 'timeline-hand', d: `M${x(hand.from_us)} ${y + SPEAKER - 3}V${y + 5}l6 4l-6 4` }, svg('title', {}, `${clock.second(hand.from_us)} ${title}`)));
      }
      for (const gap of speaker.gaps) parts.push(box(gap, y + 3, SPEAKER - 6, 'timeline-gap', gap.text));
    });
    for (const gap of timeline.gaps) parts.push(box(gap, AXIS + 3, height - AXIS - 5, 'timeline-gap', gap.text));
    for (const band of timeline.bands.filter((b) => b.kind === 'recess')) {
      const [from, wide] = [x(band.from_us), x(band.to_us) - x(band.from_us)];
      parts.push(box(band, speakersAt, height - speakersAt, `timeline-rest timeline-rest-${band.pause}`, `${band.text} ${clock.second(band.from_us)}–${clock.second(band.to_us)}`));
      const text = fit(band.text, wide - 12, 13);
      if (wide > 60) parts.push(svg('text', { class: 'timeline-rest-text', x: from + wide / 2, y: (speakersAt + height) / 2 + 4.5, 'text-anchor': 'middle' }, text));
    }
    if (this._clip) {
      const [from, to] = [x(timeline.start_us + this._clip.from_s * 1e6), x(timeline.start_us + this._clip.to_s * 1e6)];
      parts.push(svg('path', { class: 'timeline-clip', d: `M${from} ${height - 1}V${AXIS - 2}H${to}V${height - 1}` }));
    }
    parts.push(svg('g', { class: 'timeline-head' }, svg('line', { y1: 10, y2: height }), svg('path', { d: 'M-6 4h12l-6 8z' })));
    this.replaceChildren(svg('svg', { width: width * scale(), height: height * scale(), viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' }, ...parts));
    this.at(this._seconds ?? 0);
  }

  /** @param {PointerEvent} event */
  _point(event) {
    const shown = this._shown;
    if (!shown || event.button > 0) return;
    const from = this.getBoundingClientRect().left + this._labels * scale();
    const width = (this._width - this._labels - RIGHT) * scale();
    const part = Math.max(0, Math.min(1, (event.clientX - from) / width));
    if (event.type === 'pointerdown') this.setPointerCapture(event.pointerId);
    shown.onSeek(part * shown.timeline.duration_s);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const shown = this._shown;
    const step = { ArrowRight: KEY_STEP_S, ArrowUp: KEY_STEP_S, ArrowLeft: -KEY_STEP_S, ArrowDown: -KEY_STEP_S, PageUp: PAGE_STEP_S, PageDown: -PAGE_STEP_S, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || !shown || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    shown.onSeek(Math.max(0, Math.min(shown.timeline.duration_s, (this._seconds ?? 0) + step)));
  }
}

/** Marks differ in shape, not in colour alone. @param {string} mark @param {number} x @param {number} y */
function shape(mark, x, y) {
  switch (mark) {
    case 'trouble': return `M${x} ${y - 6}l6.5 11h-13z`;
    case 'stage': return `M${x - 1.5} ${y - 8}h3v16h-3z`;
    case 'recording': return `M${x - 4.5} ${y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z`;
    case 'watch': return `M${x} ${y - 5}l5 5l-5 5l-5-5z`;
    default: return `M${x - 2.5} ${y}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0z`;
  }
}

/**
 * @param {Timeline} timeline @param {CourtClock} clock @param {(us: number) => number} x @param {number} width @param {number} height
 * @returns {SVGElement[]}
 */
function axis(timeline, clock, x, width, height) {
  const step_s = STEPS_S.find((step) => (timeline.duration_s / step) * 76 <= width) ?? 7200;
  const midnight = clock.midnight(timeline.start_us);
  const parts = [];
  const first = Math.ceil((timeline.start_us - midnight) / 1e6 / step_s) * step_s;
  for (let s = first; midnight + s * 1e6 <= timeline.start_us + timeline.duration_s * 1e6; s += step_s) {
    const us = midnight + s * 1e6;
    parts.push(svg('line', { class: 'timeline-tick', x1: x(us), x2: x(us), y1: AXIS - 4, y2: height }));
    parts.push(svg('text', { class: 'timeline-time', x: x(us), y: 12, 'text-anchor': 'middle' }, step_s < 60 ? clock.second(us) : clock.minute(us)));
  }
  return parts;
}

function hatching() {
  return svg('defs', {}, svg('pattern', { id: 'timeline-hatch', width: 7, height: 7, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('rect', { class: 'timeline-hatch-ground', width: 7, height: 7 }), svg('line', { class: 'timeline-hatch-line', x1: 0, y1: 0, x2: 0, y2: 7 })));
}

customElements.define('timeline-chart', TimelineChart);
