// The event log of a sitting as a list: one line an event, in words, each with its family's sign.

import { t } from './i18n.js';
import { el, icon } from './markup.js';

/** @typedef {import('./court-clock.js').CourtClock} CourtClock */
/** @typedef {import('./situation.js').LogLine} LogLine */

/** @type {Record<string, string>} */
const ICONS = { stage: 'gavel', recording: 'record', trouble: 'alert', watch: 'eye', people: 'user' };

/**
 * One line of the log; where it can be picked, it is a button.
 * @param {LogLine} line
 * @param {CourtClock} clock
 * @param {(line: LogLine) => void} [pick]
 */
export function logItem(line, clock, pick) {
  const content = [icon(ICONS[line.mark] ?? 'user', 16), el('time', {}, clock.second(line.at_us)), el('span', { class: 'log-text' }, line.text)];
  const inside = pick
    ? el('button', { type: 'button', class: 'log-row', title: t('Go there in the recording'), onclick: () => pick(line) }, ...content)
    : el('div', { class: 'log-row' }, ...content);
  return el('li', { class: `log-${line.mark}`, 'data-seq': line.seq }, inside);
}

/** A log that grows, newest first. */
export class EventLog {
  /** The newest line's number, 0 before the first. */
  last = 0;

  /**
   * @param {HTMLElement} list
   * @param {CourtClock} clock
   */
  constructor(list, clock) {
    this.list = list;
    this.clock = clock;
  }

  /** Lines in order; those already shown are left out. @param {LogLine[]} lines */
  add(lines) {
    for (const line of lines) {
      if (line.seq <= this.last) continue;
      this.last = line.seq;
      this.list.prepend(logItem(line, this.clock));
    }
  }
}
