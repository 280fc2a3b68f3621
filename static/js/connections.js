// The connections of a sitting: for each person graphs of the last minutes that are read with arrow keys, and the same as a table.

import { CourtClock } from './court-clock.js';
import { graph, momentAt, scores, shown } from './graph.js';
import { t } from './i18n.js';
import { el, fill, find, icon, say } from './markup.js';
import { barsOf } from './measure.js';
import { pageData } from './page.js';
import { bars } from './pills.js';
import { BPS, followQuality, LINES, LOST, RTT, WAYS } from './quality.js';
import { scale } from './scale.js';

/** @typedef {import('./quality.js').Quality} Quality */
/** @typedef {import('./quality.js').History} History */
/** @typedef {import('./quality.js').Point} Point */
/** @typedef {import('./quality.js').Way} Way */

const MINUTE_US = 60_000_000;
/** Steps of a longer stride. */
const STRIDE = 12;
const ORDER = /** @type {const} */ ({ good: 0, fair: 1, poor: 2, bad: 3 });

const SIGNS = /** @type {const} */ ({ danger: 'alert', warning: 'alert', info: 'info', well: 'check-circle' });

/** @param {import('./protocol.js').Score | null} score */
function scoreWord(score) {
  if (score === null) return t('not measured');
  return { good: t('Good'), fair: t('Fair'), poor: t('Poor'), bad: t('Bad') }[score];
}

/** A direction at one moment, in words. @param {Point | undefined} point */
function words(point) {
  if (!point) return t('not measured');
  if (point[1] === 'bad' && point[LOST] === null && point[RTT] === null) return [scoreWord('bad'), t('nothing gets through')].join(t(', '));
  const figures = /** @type {const} */ ([LOST, RTT, BPS, LINES]).flatMap((figure) => (point[figure] === null ? [] : shown(figure, point[figure])));
  return [scoreWord(point[1]), ...figures].join(t(', '));
}

/** One person's section. */
class Section {
  /** The moment that is read; null: the newest. @type {number | null} */
  #at_us = null;
  /** @type {Quality} */
  #quality = {};
  /** @type {History | null} */
  #history = null;
  #width = 0;

  /** @param {HTMLElement} root @param {CourtClock} clock */
  constructor(root, clock) {
    this.root = root;
    this.clock = clock;
    this.graphs = find(root, '[data-graphs]');
    this.graphs.setAttribute('aria-label', t('Connection of {name} in the last minutes', { name: root.dataset.name ?? '' }));
    this.graphs.addEventListener('keydown', (event) => this.#key(event));
    this.graphs.addEventListener('pointermove', (event) => this.#point(event));
    this.graphs.addEventListener('pointerleave', () => this.#read(null));
    find(root, 'details').addEventListener('toggle', () => this.#table());
    new ResizeObserver(() => this.#draw()).observe(this.graphs);
  }

  /** @param {History} history */
  show(history) {
    this.#history = history;
    this.#quality = history.people[this.root.dataset.participant ?? ''] ?? {};
    this.#diagnose();
    const any = this.#steps().length > 0;
    find(this.root, '[data-live]').hidden = !any;
    find(this.root, '[data-none]').hidden = any;
    if (!any) return;
    fill(find(this.root, '[data-now]'), ...WAYS.flatMap((way) => {
      const direction = this.#quality[way];
      return direction ? el('li', {}, bars(barsOf(direction.points.at(-1)?.[1])), direction.text) : [];
    }));
    this.#draw();
    this.#table();
  }

  /** By what he takes part, what is wrong, and what he is told. Filled only when it changes, so that nothing is announced twice. */
  #diagnose() {
    const { findings = [], device = '', site = '' } = this.#quality;
    say(find(this.root, '[data-device]'), [device, site].filter(Boolean).join(' · '));
    const told = JSON.stringify(findings);
    const place = find(this.root, '[data-findings]');
    if (place.dataset.told === told) return;
    place.dataset.told = told;
    fill(place, ...findings.map(({ severity, text, since, remedy }) => el('li', { class: `finding finding-${severity}` },
      icon(SIGNS[severity], 20),
      el('div', {},
        el('p', {}, el('b', {}, text), since !== '' && el('span', { class: 'muted small' }, ' ', t('since {time}', { time: since }))),
        el('p', { class: 'finding-remedy' }, el('span', { class: 'muted' }, t('What to do'), t(': ')), remedy)))));
  }

  /** The steps in which something was measured, oldest first. */
  #steps() {
    return [...new Set(WAYS.flatMap((way) => this.#quality[way]?.points.map(([at_us]) => at_us) ?? []))].sort((a, b) => a - b);
  }

  /** @returns {number} */
  #reading() {
    const steps = this.#steps();
    const at_us = this.#at_us ?? Infinity;
    return Math.max(0, steps.findLastIndex((step) => step <= at_us));
  }

  #frame() {
    const history = this.#history;
    const at_us = this.#at_us === null ? null : (this.#steps()[this.#reading()] ?? null);
    return history && { width: this.#width, history, minute: (/** @type {number} */ us) => this.clock.minute(us), at_us };
  }

  #draw() {
    const columns = getComputedStyle(this.graphs).gridTemplateColumns.split(' ').map(parseFloat);
    this.#width = Math.floor((columns[0] || this.graphs.clientWidth) / scale());
    const frame = this.#frame();
    if (!frame || this.#width <= 0) return;
    const named = /** @type {const} */ ([[LOST, t('Packets lost')], [RTT, t('Round trip')], [BPS, t('Bit rate')], [LINES, t('Resolution')]]);
    fill(this.graphs,
      ...named.map(([figure, name]) => el('figure', {}, el('figcaption', {}, name), graph(figure, this.#quality, frame))),
      el('figure', {}, el('figcaption', {}, t('Connection')), scores([t('Up'), t('Down')], this.#quality, frame)));
    this.#say();
  }

  #say() {
    const steps = this.#steps();
    const number = this.#reading();
    const at_us = steps[number];
    if (at_us === undefined) return;
    const parts = WAYS.map((way) => `${way === 'up' ? t('To the court') : t('From the court')}${t(': ')}${words(this.#quality[way]?.points.find((point) => point[0] === at_us))}`);
    const text = `${this.clock.second(at_us)} · ${parts.join(t('; '))}`;
    say(find(this.root, '[data-read]'), text);
    this.graphs.setAttribute('aria-valuemax', String(steps.length - 1));
    this.graphs.setAttribute('aria-valuenow', String(number));
    if (this.graphs.getAttribute('aria-valuetext') !== text && (this.#at_us !== null || document.activeElement !== this.graphs)) this.graphs.setAttribute('aria-valuetext', text);
  }

  /** @param {number | null} at_us */
  #read(at_us) {
    if (this.#at_us === at_us) return;
    this.#at_us = at_us;
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const steps = this.#steps();
    const strides = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -STRIDE, PageUp: STRIDE, Home: -steps.length, End: steps.length });
    const stride = strides[event.key];
    if (stride === undefined) return;
    event.preventDefault();
    this.#read(steps[Math.max(0, Math.min(steps.length - 1, this.#reading() + stride))] ?? null);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const drawn = event.target instanceof Element ? event.target.closest('svg') : null;
    const frame = this.#frame();
    if (!drawn || !frame) return;
    const at_us = momentAt(frame, (event.clientX - drawn.getBoundingClientRect().x) / scale());
    this.#read(this.#steps().findLast((step) => step <= at_us) ?? null);
  }

  /** A row a minute: the worst score, the most lost, the longest round trip, the mean rate. */
  #table() {
    if (!(/** @type {HTMLDetailsElement} */ (find(this.root, 'details')).open)) return;
    const minutes = [...new Set(this.#steps().map((at_us) => Math.floor(at_us / MINUTE_US) * MINUTE_US))].reverse();
    fill(find(this.root, '[data-rows]'), ...minutes.map((minute) => el('tr', {},
      el('th', { scope: 'row' }, this.clock.minute(minute)),
      ...WAYS.flatMap((way) => this.#cells(way, minute)).map((text) => el('td', { class: 'figures' }, text)))));
  }

  /** @param {Way} way @param {number} minute */
  #cells(way, minute) {
    const points = this.#quality[way]?.points.filter(([at_us]) => at_us >= minute && at_us < minute + MINUTE_US) ?? [];
    const of = (/** @type {import('./quality.js').Figure} */ figure) => points.flatMap((point) => point[figure] ?? []);
    const graded = points.flatMap(([, score]) => score ?? []).sort((a, b) => ORDER[b] - ORDER[a]);
    const most = (/** @type {typeof LOST | typeof RTT | typeof LINES} */ figure) => (of(figure).length > 0 ? shown(figure, Math.max(...of(figure))) : '–');
    const rates = of(BPS);
    return [
      points.length > 0 ? scoreWord(graded[0] ?? null) : '–', most(LOST), most(RTT),
      rates.length > 0 ? shown(BPS, rates.reduce((sum, rate) => sum + rate, 0) / rates.length) : '–',
      most(LINES),
    ];
  }
}

class SittingConnections extends HTMLElement {
  connectedCallback() {
    /** @type {{url: string, live: boolean, time_zone: string, now_us: number}} */
    const data = pageData();
    if (!data.live) return;
    const clock = new CourtClock(data.time_zone, data.now_us);
    const sections = [...this.querySelectorAll('[data-participant]')].map((root) => new Section(/** @type {HTMLElement} */ (root), clock));
    followQuality(data.url, (history) => sections.forEach((section) => section.show(history)));
  }
}

customElements.define('sitting-connections', SittingConnections);
