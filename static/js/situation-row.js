// One sitting in the list: when, what and where, how far it is, who is there and how well connected, who is missing, what is the matter.

import { t } from './i18n.js';
import { el, icon } from './markup.js';
import { bars, recordingPill, STATUS_BADGE } from './pills.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').Glance} Glance */
/** @typedef {import('./court-clock.js').CourtClock} CourtClock */

/** So many have bars of their own; of more, those who are connected worst. */
const MOST_BARS = 10;
const HERE = new Set(['present', 'waiting', 'lost']);
const MISSING = new Set(['absent', 'left', 'lost']);
const GOING = new Set(['open', 'live', 'recess']);

/** @param {Situation} s @param {CourtClock} clock @returns {import('./markup.js').Child[]} */
export function row(s, clock) {
  const place = [s.case_number, s.room, s.chair, s.officer && t('Officer: {name}', { name: s.officer })].filter(Boolean).join(' · ');
  return [
    el('span', { class: 'situation-time' },
      el('time', {}, clock.minute(s.starts_at_us)), el('small', {}, `–${clock.minute(s.ends_at_us)}`)),
    el('span', { class: 'situation-what' },
      el('span', { class: 'situation-title' }, icon(`kind-${s.kind}`, 18), el('b', { class: 'truncate', title: s.title }, s.title)),
      el('span', { class: 'situation-case truncate', title: place }, place)),
    el('span', { class: 'situation-stage' }, el('span', { class: `badge ${STATUS_BADGE[s.status]}` }, s.stage_text), since(s, clock)),
    el('span', { class: 'situation-people' }, ...people(s)),
    el('span', { class: 'situation-trouble' }, ...trouble(s)),
  ];
}

/** What is on disk, else since when it stands there. @param {Situation} s @param {CourtClock} clock */
function since(s, clock) {
  if (s.recording.state !== 'off') return recordingPill(s);
  if (s.stage_since_us === null || !['live', 'recess', 'closed'].includes(s.status)) return false;
  return el('small', {}, t('since {time}', { time: clock.minute(s.stage_since_us) }));
}

/** @param {Situation} s */
function people(s) {
  if (!s.counted) return [el('span', { class: 'situation-count figures' }, icon('users', 16), String(s.expected))];
  const here = s.people.filter(([, presence]) => HERE.has(presence));
  const due = GOING.has(s.status) || s.tasks.some((task) => task.code === 'late_to_open');
  const missing = due ? s.people.filter(([, presence]) => MISSING.has(presence)).map(([name]) => name).join(t(', ')) : '';
  const shown = here.length <= MOST_BARS ? here : [...here].sort((a, b) => (a[2] || 5) - (b[2] || 5)).slice(0, MOST_BARS);
  return [
    el('span', { class: 'situation-count' },
      icon('users', 16),
      el('span', { class: 'figures', 'aria-hidden': 'true' }, `${s.present}/${s.expected}`),
      el('span', { class: 'visually-hidden' }, t('{present} of {expected} present', { present: s.present, expected: s.expected })),
      el('span', { class: 'situation-bars' }, ...shown.map(connection), here.length > shown.length && el('small', {}, `+${here.length - shown.length}`))),
    missing !== '' && el('span', { class: 'situation-missing', title: missing }, t('Missing: {names}', { names: missing })),
    s.waiting > 0 && el('span', { class: 'situation-waiting' }, t('{n} waiting', { n: s.waiting })),
  ];
}

/** @param {Glance} person */
function connection([name, presence, filled]) {
  const words = presence === 'lost' ? t('connection lost') : ['', t('Bad'), t('Poor'), t('Fair'), t('Good')][filled] || t('No figures yet');
  const text = t('{name}: {value}', { name, value: words });
  return el('span', { class: `situation-link situation-link-${presence}`, role: 'img', 'aria-label': text, title: text }, presence === 'lost' ? icon('network-off', 16) : bars(filled));
}

/** @param {Situation} s */
function trouble(s) {
  const top = s.tasks.find((task) => !task.acknowledged_by) ?? s.tasks[0];
  if (!top) return [];
  return [el('span', { class: `situation-alerts situation-alert-${top.severity}`, title: top.text },
    icon(top.severity === 'info' ? 'info' : 'alert', 18),
    el('span', { class: 'situation-alert-text' }, top.text),
    s.tasks.length > 1 && el('small', {}, `+${s.tasks.length - 1}`, el('span', { class: 'visually-hidden' }, t('+{n} more', { n: s.tasks.length - 1 }))))];
}
