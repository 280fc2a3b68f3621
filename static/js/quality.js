// How each person of a sitting was connected in the last minutes: asked for bit by bit, and three small plots a person on its page.

import { t } from './i18n.js';
import { el, svg } from './markup.js';
import { scale } from './scale.js';

/** @typedef {import('./protocol.js').Score} Score */
/** @typedef {[number, Score | null, number | null, number | null, number | null, number | null, number | null]} Point at µs, score, lost %, jitter ms, round trip ms, bit/s, lines of the picture */
/** @typedef {'up' | 'down'} Way */
/** @typedef {{points: Point[], text: string}} Direction `text`: the newest point, whole, in words */
/** @typedef {{code: string, severity: 'danger' | 'warning' | 'info' | 'well', text: string, since: string, remedy: string}} Finding */
/** @typedef {Partial<Record<Way, Direction>> & {findings?: Finding[], device?: string, site?: string}} Quality the last three where they are asked for */
/** @typedef {{now_us: number, span_us: number, step_us: number, people: Record<string, Quality>}} History */

export const WAYS = /** @type {const} */ (['up', 'down']);
/** Places in a point. */
export const LOST = 2;
export const RTT = 4;
export const BPS = 5;
export const LINES = 6;
/** @typedef {typeof LOST | typeof RTT | typeof BPS | typeof LINES} Figure */

const WIDTH = 96;
const HEIGHT = 22;
const ASK_MS = 5_000;

/** What each plot shows at least, so that noise does not look like trouble: %, ms, bit/s, lines. */
export const LEAST = { [LOST]: 5, [RTT]: 200, [BPS]: 500_000, [LINES]: 360 };

/**
 * What was known with what came since; what has become too old goes. Pure.
 * @param {History | undefined} known @param {History} newer @returns {History}
 */
function merged(known, newer) {
  /** @type {Record<string, Quality>} */
  const people = {};
  const since_us = newer.now_us - newer.span_us;
  for (const person of new Set([...Object.keys(known?.people ?? {}), ...Object.keys(newer.people)])) {
    const { up: _up, down: _down, ...rest } = newer.people[person] ?? {};
    /** @type {Quality} */
    const quality = rest;
    for (const way of WAYS) {
      const [before, now] = [known?.people[person]?.[way], newer.people[person]?.[way]];
      const last_us = before?.points.at(-1)?.[0] ?? 0;
      const points = [...(before?.points ?? []), ...(now?.points ?? []).filter(([at_us]) => at_us > last_us)].filter(([at_us]) => at_us >= since_us);
      if (points.length > 0) quality[way] = { points, text: now?.text ?? before?.text ?? '' };
    }
    if (quality.up || quality.down || quality.findings) people[person] = quality;
  }
  return { ...newer, people };
}

/**
 * The worse of both directions in each step, or one of them. Pure.
 * @param {Quality} quality @param {Figure} figure @param {readonly Way[]} ways @returns {[number, number][]} at µs, value
 */
function worse(quality, figure, ways) {
  /** @type {Map<number, number>} */
  const found = new Map();
  for (const way of ways) {
    for (const point of quality[way]?.points ?? []) {
      const value = point[figure];
      if (value !== null) found.set(point[0], Math.max(value, found.get(point[0]) ?? 0));
    }
  }
  return [...found].sort(([a], [b]) => a - b);
}

/**
 * The area under the values; where one is missing the area is broken. Pure.
 * @param {[number, number][]} values @param {Figure} figure @param {History} history
 */
function area(values, figure, { now_us, span_us, step_us }) {
  const most = Math.max(LEAST[figure], ...values.map(([, value]) => value));
  const x = (/** @type {number} */ us) => Math.max(0, Math.min(WIDTH, ((us - now_us + span_us) / span_us) * WIDTH)).toFixed(1);
  return values.map(([at_us, value]) => {
    const y = (HEIGHT - Math.max(1, (value / most) * (HEIGHT - 2))).toFixed(1);
    return `M${x(at_us)} ${HEIGHT}V${y}H${x(at_us + step_us)}V${HEIGHT}Z`;
  }).join('');
}

/**
 * @param {Quality | undefined} quality
 * @param {History | undefined} history
 */
export function qualityPlots(quality, history) {
  if (!quality || !history) return null;
  const text = WAYS.flatMap((way) => quality[way]?.text ?? []).join(t('. '));
  const figures = /** @type {const} */ ([
    [LOST, t('Lost'), worse(quality, LOST, WAYS), (/** @type {number} */ n) => `${n.toFixed(1)} %`],
    [RTT, t('Round trip'), worse(quality, RTT, WAYS), (/** @type {number} */ n) => `${Math.round(n)} ms`],
    [BPS, t('Sent'), worse(quality, BPS, ['up']), (/** @type {number} */ n) => `${Math.round(n / 1000)} kbit/s`],
  ]);
  return el('div', { class: 'person-quality', title: text },
    el('span', { class: 'visually-hidden' }, text),
    ...figures.map(([figure, name, values, shown]) => el('span', { class: 'quality-plot', 'aria-hidden': 'true' },
      el('span', { class: 'quality-name' }, name),
      svg('svg', { class: `quality-area quality-area-${figure}`, width: WIDTH * scale(), height: HEIGHT * scale(), viewBox: `0 0 ${WIDTH} ${HEIGHT}` },
        svg('path', { d: area(values, figure, history) }), svg('line', { x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 })),
      el('b', { class: 'figures' }, values.length > 0 ? shown(values[values.length - 1]?.[1] ?? 0) : '–'))));
}

/**
 * Asks for what is new every few seconds while the page is looked at, and gives the whole.
 * @param {string} url @param {(history: History) => void} take
 */
export function followQuality(url, take) {
  /** @type {History | undefined} */
  let known;
  let asking = false;
  const ask = async () => {
    if (document.hidden || asking) return;
    asking = true;
    const last_us = Math.max(0, ...Object.values(known?.people ?? {}).flatMap((quality) => WAYS.flatMap((way) => quality[way]?.points.at(-1)?.[0] ?? [])));
    const response = await fetch(`${url}?after=${last_us}`, { headers: { Accept: 'application/json' } }).catch(() => null);
    if (response?.ok) take((known = merged(known, await response.json())));
    asking = false;
  };
  document.addEventListener('visibilitychange', () => void ask());
  setInterval(() => void ask(), ASK_MS);
  void ask();
}
