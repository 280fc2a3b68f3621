// The people list of chair and clerk where a room's device seats several: the room's row with its people below it.

import { t } from './i18n.js';
import { el, icon } from './markup.js';
import { comingTo, mayBeHeard, roomOf } from './rooms.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').RoomView} RoomView */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./protocol.js').BrowserMessage} BrowserMessage */
/** @typedef {{key: string, room: RoomView} | {key: string, person: ParticipantView}} Row */

/**
 * The rows of the list: each room, then its people; everybody else in the order of the plan.
 * @param {View} view
 * @param {ParticipantView[]} people
 * @returns {Row[]}
 */
export function rowsOf(view, people) {
  const rooms = view.rooms.filter((room) => people.some((person) => person.endpoint === room.endpoint));
  const inRooms = rooms.flatMap((room) => [
    { key: `room:${room.endpoint}`, room },
    ...people.filter((person) => person.endpoint === room.endpoint).map((person) => ({ key: person.id, person })),
  ]);
  return [...people.filter((person) => !rooms.some((room) => room.endpoint === person.endpoint)).map((person) => ({ key: person.id, person })), ...inRooms];
}

/**
 * The room's row: its name, who speaks there, and whoever has consented and is nowhere may be seated.
 * @param {RoomView} room
 * @param {View} view
 * @param {boolean} open whether the menu is
 */
export function roomRow(room, view, open) {
  const voice = view.participants.find((person) => person.id === room.voice);
  const free = view.participants.filter((person) => person.endpoint === null && person.consented && person.presence !== 'removed' && !room.coming.includes(person.id));
  const label = t('Seat somebody else at {room}', { room: room.name });
  return [
    el('div', { class: 'person-who' }, icon('device', 18), el('b', {}, room.name), el('span', {}, t('room device, {n} people', { n: room.people.length }))),
    el('span', { class: 'person-note' }, room.people.length > 1 && (voice ? t('Speaking: {name}', { name: voice.name }) : t('Nobody is marked as speaking'))),
    view.rights.admit && free.length > 0 && el(
      'div',
      { class: 'person-acts' },
      el(
        'details',
        { class: 'menu', 'data-menu': true, open },
        el('summary', { class: 'button button-small button-icon', 'aria-label': label, title: label }, icon('plus', 18)),
        el('div', { class: 'menu-list' }, ...free.map((person) =>
          el('button', { type: 'button', 'data-act': 'seat', 'data-participant': person.id, 'data-room': room.endpoint }, icon('user', 18), t('Seat {name} here', { name: person.name })))),
      ),
    ),
  ];
}

/**
 * Marks somebody at a room's device as speaking, or takes the mark away; null for whoever sits at a device alone.
 * @param {ParticipantView} person
 * @param {View} view
 */
export function voiceButton(person, view) {
  const room = roomOf(view, person.endpoint);
  if (!room || room.people.length < 2 || person.presence !== 'present') return null;
  if (!mayBeHeard(view.participants.filter((one) => room.people.includes(one.id)))) return null;
  const on = room.voice === person.id;
  const label = t('{name} speaks now', { name: person.name });
  return el(
    'button',
    { class: `button button-small button-icon ${on ? 'is-voice' : ''}`, type: 'button', 'data-act': 'voice', 'data-room': room.endpoint, 'aria-pressed': String(on), 'aria-label': label, title: label },
    icon('speaker', 18),
  );
}

/**
 * What the more menu of somebody at a room's device has besides.
 * @param {ParticipantView} person
 * @param {View} view
 */
export function unseatButton(person, view) {
  const room = roomOf(view, person.endpoint) ?? comingTo(view, person);
  return room ? el('button', { type: 'button', 'data-act': 'unseat' }, icon('leave', 18), t('No longer sits at {room}', { room: room.name })) : null;
}

/**
 * With whom somebody waits: one admission lets in all who sit at the device.
 * @param {ParticipantView} person
 * @param {View} view
 */
export function waitingNote(person, view) {
  const coming = comingTo(view, person);
  if (coming) return note(t('Sat down at {room} and waits to be let in there', { room: coming.name }));
  const room = roomOf(view, person.endpoint);
  if (!room) return null;
  const others = view.participants.filter((one) => room.people.includes(one.id) && one.id !== person.id).map((one) => one.name);
  return note(others.length > 0 ? t('At {room}; comes in together with {names}', { room: room.name, names: others.join(t(', ')) }) : t('At {room}', { room: room.name }));
}

/** @param {string} text */
function note(text) {
  return el('span', { class: 'person-note is-line' }, icon('device', 18), text);
}

/**
 * The message behind a button of these rows, or null where it is none of them.
 * @param {HTMLElement} button
 * @param {string} key of the row
 * @returns {BrowserMessage | null}
 */
export function roomMessage(button, key) {
  const { act, room, participant } = button.dataset;
  if (act === 'seat') return { type: 'seat', participant: participant ?? '', endpoint: room ?? '' };
  if (act === 'unseat') return { type: 'unseat', participant: key };
  if (act === 'voice') return { type: 'voice', participant: button.getAttribute('aria-pressed') === 'true' ? null : key, endpoint: room ?? null };
  return null;
}
