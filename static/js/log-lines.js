// The event log in words, as a list that grows: on the console newest first, in playback in the order of time.

import { el, icon } from './markup.js';

/** @typedef {import('./situation.js').LogLine} LogLine */
/** @typedef {import('./court-clock.js').CourtClock} CourtClock */

/** @type {Record<string, string>} */
const MARK_ICONS = { stage: 'gavel', recording: 'record', trouble: 'alert', over: 'check-circle', watch: 'eye', people: 'user' };

/**
 * One line. With `onPick` it is a button that leads to the moment.
 * @param {LogLine} line
 * @param {CourtClock} clock
 * @param {((line: LogLine) => void) | null} [onPick]
 */
export function logItem(line, clock, onPick = null) {
  const inside = [
    icon(MARK_ICONS[line.mark] ?? 'info', 16),
    el('time', {}, clock.second(line.at_us)),
    el('span', { class: 'log-text' }, line.text),
  ];
  return el('li', { class: `log-line log-${line.mark}`, 'data-seq': line.seq },
    onPick ? el('button', { type: 'button', class: 'log-row', onclick: () => onPick(line) }, ...inside) : el('div', { class: 'log-row' }, ...inside));
}

/** A list that takes lines as they come, newest first, each once. */
export class EventLog {
  /** @param {HTMLElement} list @param {CourtClock} clock */
  constructor(list, clock) {
    this.list = list;
    this.clock = clock;
    this.last = 0;
  }

  /** @param {LogLine[]} lines in order of `seq` */
  add(lines) {
    for (const line of lines) {
      if (line.seq <= this.last) continue;
      this.last = line.seq;
      this.list.prepend(logItem(line, this.clock));
    }
  }
}
