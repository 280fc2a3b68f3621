// A line graph of one figure in both directions over the last minutes, with axes that can be read. Draws; decides nothing.

import { svg } from './markup.js';
import { LEAST, LINES, LOST, RTT, WAYS } from './quality.js';
import { scale } from './scale.js';

/** @typedef {import('./quality.js').Quality} Quality */
/** @typedef {import('./quality.js').History} History */
/** @typedef {import('./quality.js').Figure} Figure */
/** @typedef {{width: number, history: History, minute: (us: number) => string, at_us: number | null}} Frame */

const HEIGHT = 128;
const TOP = 10;
const BOTTOM = 22;
/** Wide enough for "1000 kbit/s". */
const LEFT = 72;
const RIGHT = 10;
const MINUTES_US = 5 * 60_000_000;
const SCORE_ROW = 12;

/**
 * The end of the axis: the next of 1, 2, 2.5, 5 times a power of ten, so that half of it is a round number too. Pure.
 * @param {number} most
 */
function axisEnd(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= most * 0.999) ?? 10 * power;
}

/** A value with its unit. @param {Figure} figure @param {number} value */
export function shown(figure, value) {
  if (figure === LOST) return `${Number(value.toFixed(1))} %`;
  if (figure === RTT) return `${Math.round(value)} ms`;
  if (figure === LINES) return `${Math.round(value)}p`;
  return value >= 1e6 ? `${Number((value / 1e6).toFixed(2))} Mbit/s` : `${Math.round(value / 1000)} kbit/s`;
}

/** Where a moment stands. @param {Frame} frame @param {number} us */
function across({ width, history }, us) {
  const share = (us - history.now_us + history.span_us) / history.span_us;
  return LEFT + Math.max(0, Math.min(1, share)) * (width - LEFT - RIGHT);
}

/** The moment that stands there. @param {Frame} frame @param {number} x */
export function momentAt({ width, history }, x) {
  return history.now_us - history.span_us + ((x - LEFT) / (width - LEFT - RIGHT)) * history.span_us;
}

/**
 * A line in steps; where a point is missing it is broken. Pure.
 * @param {[number, number | null][]} values at µs, height @param {number} step_us @param {(us: number) => number} x
 */
export function line(values, step_us, x) {
  let path = '';
  /** @type {number | null} */
  let until_us = null;
  for (const [at_us, y] of values) {
    if (y === null) {
      until_us = null;
      continue;
    }
    path += until_us !== null && at_us - until_us < step_us / 2 ? `V${y.toFixed(1)}` : `M${x(at_us).toFixed(1)} ${y.toFixed(1)}`;
    path += `H${x(at_us + step_us).toFixed(1)}`;
    until_us = at_us + step_us;
  }
  return path;
}

/** @param {Figure} figure @param {Quality} quality @param {Frame} frame */
export function graph(figure, quality, frame) {
  const values = WAYS.flatMap((way) => quality[way]?.points.map((point) => point[figure] ?? 0) ?? []);
  const end = axisEnd(Math.max(LEAST[figure], ...values));
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (value / end) * (HEIGHT - TOP - BOTTOM);
  return svg('svg', { class: 'graph', width: frame.width * scale(), height: HEIGHT * scale(), viewBox: `0 0 ${frame.width} ${HEIGHT}`, 'aria-hidden': 'true' },
    ...[0, end / 2, end].flatMap((value) => [
      svg('line', { class: 'graph-rule', x1: LEFT, x2: frame.width - RIGHT, y1: y(value), y2: y(value) }),
      svg('text', { class: 'graph-label', x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, value === 0 ? '0' : shown(figure, value)),
    ]),
    ...times(frame, HEIGHT - BOTTOM),
    ...WAYS.map((way) => svg('path', {
      class: `graph-line quality-${way}`,
      d: line(quality[way]?.points.map((point) => /** @type {[number, number | null]} */ ([point[0], point[figure] === null ? null : y(point[figure])])) ?? [], frame.history.step_us, (us) => across(frame, us)),
    })),
    mark(frame, HEIGHT - BOTTOM));
}

/** How good each step was: a row for each direction. @param {string[]} names of the rows @param {Quality} quality @param {Frame} frame */
export function scores(names, quality, frame) {
  const height = WAYS.length * (SCORE_ROW + 6) + 2;
  return svg('svg', { class: 'graph', width: frame.width * scale(), height: height * scale(), viewBox: `0 0 ${frame.width} ${height}`, 'aria-hidden': 'true' },
    ...WAYS.flatMap((way, row) => [
      svg('text', { class: 'graph-label', x: LEFT - 6, y: row * (SCORE_ROW + 6) + SCORE_ROW, 'text-anchor': 'end' }, names[row] ?? ''),
      ...runs(quality[way]?.points ?? [], frame.history.step_us).map(([score, from_us, to_us]) => {
        const x = across(frame, from_us);
        return svg('rect', { class: `score-${score}`, x, y: row * (SCORE_ROW + 6) + 1, width: Math.max(1, across(frame, to_us) - x), height: SCORE_ROW });
      }),
    ]),
    mark(frame, height));
}

/**
 * Steps of one score that follow each other, as one. Pure.
 * @param {import('./quality.js').Point[]} points @param {number} step_us
 * @returns {[import('./quality.js').Score, number, number][]} score, from and to µs
 */
function runs(points, step_us) {
  /** @type {[import('./quality.js').Score, number, number][]} */
  const found = [];
  for (const [at_us, score] of points) {
    const last = found.at(-1);
    if (score === null) continue;
    if (last && last[0] === score && at_us - last[2] < step_us / 2) last[2] = at_us + step_us;
    else found.push([score, at_us, at_us + step_us]);
  }
  return found;
}

/** The times of day below a graph. @param {Frame} frame @param {number} y */
function times(frame, y) {
  const { now_us, span_us } = frame.history;
  const found = [];
  for (let us = Math.ceil((now_us - span_us) / MINUTES_US) * MINUTES_US; us <= now_us; us += MINUTES_US) {
    const x = across(frame, us);
    found.push(svg('line', { class: 'graph-rule', x1: x, x2: x, y1: y, y2: y + 4 }));
    const anchor = x > frame.width - RIGHT - 20 ? 'end' : x < LEFT + 20 ? 'start' : 'middle';
    found.push(svg('text', { class: 'graph-label', x, y: y + 17, 'text-anchor': anchor }, frame.minute(us)));
  }
  return found;
}

/** The moment that is read. @param {Frame} frame @param {number} height */
function mark(frame, height) {
  if (frame.at_us === null) return null;
  const x = across(frame, frame.at_us + frame.history.step_us / 2);
  return svg('line', { class: 'graph-mark', x1: x, x2: x, y1: 0, y2: height });
}
