// The day's rooms as a strip: one row a room, one bar a sitting, a line for now.

import { t } from './i18n.js';
import { svg } from './markup.js';
import { scale } from './scale.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./court-clock.js').CourtClock} CourtClock */

const HOUR_US = 3_600_000_000;
const ROW = 30;
const HEAD = 22;
const LABELS = 132;
const NARROW_LABELS = 76;

/** The hours shown: the office day, widened by what is booked or goes on.
 * @param {{starts_at_us: number, ends_at_us: number}[]} sittings @param {number} midnight @param {number} now_us
 */
function hoursOf(sittings, midnight, now_us) {
  let first = 8;
  let last = 18;
  for (const { starts_at_us, ends_at_us } of sittings) {
    first = Math.min(first, Math.floor((starts_at_us - midnight) / HOUR_US));
    last = Math.max(last, Math.ceil((ends_at_us - midnight) / HOUR_US));
  }
  const hour = (now_us - midnight) / HOUR_US;
  return { first: Math.max(0, Math.min(first, Math.floor(hour))), last: Math.min(24, Math.max(last, Math.ceil(hour))) };
}

export class DayStrip extends HTMLElement {
  connectedCallback() {
    if (this._watched) return;
    /** What is drawn, to know when it differs. @type {string} */
    this._drawn = '';
    this._watched = new ResizeObserver(() => this._draw());
    this._watched.observe(this);
  }

  disconnectedCallback() {
    this._watched?.disconnect();
    this._watched = undefined;
  }

  /**
   * @param {Situation[]} sittings
   * @param {{id: string, name: string}[]} rooms
   * @param {CourtClock} clock
   */
  show(sittings, rooms, clock) {
    this._shown = { sittings: sittings.filter((s) => s.status !== 'cancelled'), rooms, clock };
    /** @type {string} */
    const drawn = JSON.stringify([rooms, this._shown.sittings.map((s) => [s.id, s.room_id, s.starts_at_us, s.ends_at_us, s.title, s.status, s.status_text, s.trouble])]);
    if (drawn === this._drawn) return; // most changes of a sitting change nothing of its bar
    this._drawn = drawn;
    this._draw();
  }

  /** Move the now-line alone. */
  tick() {
    this._draw();
  }

  _draw() {
    if (!this._shown || this.clientWidth === 0) return;
    const { sittings, rooms, clock } = this._shown;
    const now = clock.nowUs();
    const midnight = clock.midnight(now);
    const { first, last } = hoursOf(sittings, midnight, now);
    const larger = scale();
    const width = this.clientWidth / larger;
    const labels = width < 560 ? NARROW_LABELS : LABELS;
    const height = HEAD + rooms.length * ROW;
    const hour = (width - labels - 12) / (last - first);
    const at = (/** @type {number} */ us) => labels + ((us - midnight) / HOUR_US - first) * hour;
    const every = [1, 2, 4].find((hours) => hour * hours >= 44) ?? 6;
    const parts = [];
    for (let h = first; h <= last; h++) {
      const x = labels + (h - first) * hour;
      parts.push(svg('line', { class: 'strip-hour', x1: x, x2: x, y1: HEAD - 4, y2: height }));
      if ((h - first) % every === 0) parts.push(svg('text', { class: 'strip-time', x: h === last ? width : x, y: 13, 'text-anchor': h === last ? 'end' : 'middle' }, `${String(h).padStart(2, '0')}:00`));
    }
    rooms.forEach((room, row) => {
      const y = HEAD + row * ROW;
      parts.push(svg('line', { class: 'strip-row', x1: 0, x2: width, y1: y, y2: y }));
      parts.push(svg('text', { class: 'strip-room', x: 0, y: y + ROW / 2 + 5 }, fit(room.name, labels - 10)));
      for (const sitting of sittings.filter((s) => s.room_id === room.id)) parts.push(bar(sitting, at, y, clock, Math.max(now, sitting.ends_at_us)));
    });
    const x = at(now);
    parts.push(svg('line', { class: 'strip-now', x1: x, x2: x, y1: HEAD - 6, y2: height }));
    parts.push(svg('path', { class: 'strip-now-mark', d: `M${x - 5} ${HEAD - 9}h10l-5 7z` }));
    const focused = document.activeElement?.closest?.('[data-bar]')?.getAttribute('data-bar');
    this.replaceChildren(svg('svg', { width: width * larger, height: height * larger, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': t('Rooms today') }, ...parts));
    if (focused) /** @type {SVGElement | null} */ (this.querySelector(`[data-bar="${focused}"]`))?.focus();
  }
}

/**
 * @param {Situation} sitting
 * @param {(us: number) => number} at
 * @param {number} y
 * @param {CourtClock} clock
 * @param {number} overrun_us
 */
function bar(sitting, at, y, clock, overrun_us) {
  const going = sitting.status === 'live' || sitting.status === 'recess';
  const from = at(sitting.starts_at_us);
  const wide = Math.max(6, at(sitting.ends_at_us) - from - 2);
  const label = `${clock.minute(sitting.starts_at_us)}–${clock.minute(sitting.ends_at_us)} ${sitting.title}, ${sitting.status_text}`;
  return svg('a', { href: `/console/sittings/${sitting.id}`, class: `strip-bar strip-${sitting.status} strip-trouble-${sitting.trouble}`, 'data-bar': sitting.id, 'data-kind': sitting.kind },
    svg('title', {}, label), // its name; the text in the bar is that name cut to its width
    going && overrun_us > sitting.ends_at_us && svg('rect', { class: 'strip-over', x: from, y: y + 4, width: Math.max(6, at(overrun_us) - from), height: ROW - 8, rx: 4 }),
    svg('rect', { class: 'strip-block', x: from, y: y + 4, width: wide, height: ROW - 8, rx: 4 }),
    sitting.trouble !== 'none' && wide > 20 && svg('path', { class: 'strip-alert', d: `M${from + 11} ${y + 8.5}l6 11h-12z` }),
    wide > 44 && svg('text', { class: 'strip-title', 'aria-hidden': 'true', x: from + (sitting.trouble !== 'none' ? 24 : 8), y: y + ROW / 2 + 4.5 },
      fit(sitting.title, wide - (sitting.trouble !== 'none' ? 30 : 14), 12.5)));
}

/**
 * A text cut to a width, by the usual widths of the two scripts: SVG has no ellipsis.
 * @param {string} text @param {number} width px @param {number} [size] px
 */
export function fit(text, width, size = 13) {
  let used = 0;
  for (let i = 0; i < text.length; i++) {
    used += /[\u2e80-\uffef]/.test(text[i] ?? '') ? size : size * 0.56;
    if (used > width) return i < 2 ? '' : `${text.slice(0, i - 1)}…`;
  }
  return text;
}

customElements.define('day-strip', DayStrip);
