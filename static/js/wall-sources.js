// What there is to be put on the wall: the sittings of the day, those that are held first, and the people inside each. Dragged to a window,
// or picked by keyboard for the window that is chosen.

import { t, word } from './i18n.js';
import { el, fill, icon } from './markup.js';

/** @typedef {import('./wall-line.js').Source} Source */
/** @typedef {import('./wall-line.js').Told} Told */
/** @typedef {{source: Source, on: boolean, title: string, more: string, kind: string, level: 0 | 1, trouble: string}} Choice */

/** The kind of a live video from a phone in the field. */
export const FEED = 'field_feed';
export const DRAGGED = 'application/x-wall-source';

/**
 * All choices in their order: what can be seen first, each sitting with its people below it.
 * @param {Told[]} sittings @param {string} text what is looked for
 * @returns {Choice[]}
 */
export function choices(sittings, text) {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const ordered = [...sittings].sort((a, b) => Number(isOn(b)) - Number(isOn(a)) || a.room.localeCompare(b.room, undefined, { numeric: true }));
  return ordered.flatMap((told) => {
    const all = [told.room, told.title, told.case_number, told.stage_text, ...told.people.map(({ name }) => name)].join(' ').toLocaleLowerCase();
    if (!words.every((one) => all.includes(one))) return [];
    // Of a live video from the field whoever sends is all there is.
    const people = told.kind === FEED ? [] : told.people.filter(({ presence }) => presence === 'present' || presence === 'lost');
    return [
      { source: { sitting: told.id, participant: '' }, on: isOn(told), title: told.room || told.title, more: [told.case_number, told.stage_text].filter(Boolean).join(' · '), kind: told.kind, level: /** @type {const} */ (0), trouble: told.trouble },
      ...people.map((person) => ({
        source: { sitting: told.id, participant: person.id },
        on: isOn(told) && person.picture && person.presence === 'present',
        title: person.name,
        more: word(`role.${person.role}`),
        kind: told.kind,
        level: /** @type {const} */ (1),
        trouble: person.presence === 'lost' ? 'warning' : 'none',
      })),
    ];
  });
}

/** Whether there is something to see of a sitting. @param {Told} told */
function isOn(told) {
  return told.going && told.observable && told.people.some(({ presence }) => presence === 'present');
}

/** Whether a source is a live video of the field: it has no page of a sitting. @param {Source} source */
export function ofField(source) {
  return source.sitting.startsWith('feed-');
}

/** @param {Source} source */
export function keyOf(source) {
  return `${source.sitting}/${source.participant}`;
}

/**
 * The list beside the wall. Each entry can be dragged; a click, or Enter, puts it into the chosen window.
 * @param {HTMLElement} list @param {Choice[]} found @param {Set<string>} standing keys of what stands on the wall
 * @param {(source: Source) => void} choose
 */
export function showSources(list, found, standing, choose) {
  const focused = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement.dataset['source'] : undefined;
  const changed = fill(list, ...found.map((choice) => {
    const key = keyOf(choice.source);
    return el('li', { class: `wall-source wall-source-${choice.level}${choice.on ? '' : ' wall-source-off'}` },
      el('button', { type: 'button', draggable: 'true', 'data-source': key, 'data-kind': choice.kind },
        icon(choice.level === 0 ? `kind-${choice.kind}` : 'user', 18),
        el('span', { class: 'wall-source-words' }, el('b', { class: 'truncate' }, choice.title), el('span', {}, choice.more)),
        choice.trouble !== 'none' && el('span', { class: `wall-source-trouble wall-${choice.trouble}` }, icon('alert', 16), el('span', { class: 'visually-hidden' }, t('Trouble'))),
        !choice.on && el('span', { class: 'wall-source-state' }, t('off line')),
        standing.has(key) && el('span', { class: 'wall-source-state' }, icon('wall', 16), el('span', { class: 'visually-hidden' }, t('on the wall')))));
  }));
  if (changed && focused !== undefined) {
    for (const button of list.querySelectorAll('button')) if (button.dataset['source'] === focused) button.focus({ preventScroll: true });
  }
  list.onclick = (event) => {
    const source = sourceAt(event.target);
    if (source) choose(source);
  };
  list.ondragstart = (event) => {
    const source = sourceAt(event.target);
    if (source) event.dataTransfer?.setData(DRAGGED, JSON.stringify(source));
    if (event.dataTransfer) event.dataTransfer.effectAllowed = 'copy';
  };
}

/** @param {EventTarget | null} target @returns {Source | null} */
function sourceAt(target) {
  const button = target instanceof Element ? target.closest('[data-source]') : null;
  if (!(button instanceof HTMLElement)) return null;
  const [sitting = '', participant = ''] = (button.dataset['source'] ?? '').split('/');
  return { sitting, participant };
}
