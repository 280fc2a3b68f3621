// Small marks that the board and the page of one sitting share: a word, a colour and a sign.

import { duration } from './court-clock.js';
import { t } from './i18n.js';
import { el, icon } from './markup.js';

/** @typedef {import('./situation.js').Situation} Situation */

/** @type {Record<Situation['status'], string>} */
export const STATUS_BADGE = {
  planned: 'badge-hollow', open: 'badge-note', live: 'badge-well', recess: 'badge-warning', closed: 'badge-hollow', cancelled: 'badge-hollow',
};

/** The recording in words; red and with its time only while it is on disk. @param {Situation} s */
export function recordingPill(s) {
  const { state, text, seconds, at_us } = s.recording;
  return el('span', { class: `rec rec-${state}` },
    state === 'failed' ? icon('alert', 18) : el('i', { class: 'rec-dot', 'aria-hidden': 'true' }),
    el('span', { class: 'rec-text' }, text),
    state === 'recording' && el('span', { class: 'figures rec-time', 'data-runs': true, 'data-seconds': seconds, 'data-at': at_us }, duration(seconds)));
}

/** How many are here, or how many there were to be. @param {Situation} s */
export function attendance(s) {
  if (!s.counted) return t('{n} people', { n: s.expected });
  return s.waiting > 0
    ? t('{present} of {expected} present, {waiting} waiting', { present: s.present, expected: s.expected, waiting: s.waiting })
    : t('{present} of {expected} present', { present: s.present, expected: s.expected });
}

/** Four bars; the words beside them say the same. @param {number} filled */
export function bars(filled) {
  const box = el('i', { class: `bars bars-${filled}`, 'aria-hidden': 'true' });
  for (let i = 1; i <= 4; i++) box.append(el('i', { class: i <= filled ? 'bar-on' : '' }));
  return box;
}
