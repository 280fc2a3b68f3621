// A room's device and its people, as a view tells of them. Knows no DOM.

import { t, word } from './i18n.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').RoomView} RoomView */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */

/**
 * The room's device with this endpoint, if it is one.
 * @param {View} view
 * @param {string | null} endpoint
 * @returns {RoomView | undefined}
 */
export function roomOf(view, endpoint) {
  return view.rooms.find((room) => room.endpoint === endpoint);
}

/**
 * The room's device beside which a participant waits to be let in, if he does.
 * @param {View} view
 * @param {ParticipantView} person
 * @returns {RoomView | undefined}
 */
export function comingTo(view, person) {
  return view.rooms.find((room) => room.coming.includes(person.id));
}

/**
 * Whether the microphone of those who sit at one device may be open, muted or not.
 * @param {ParticipantView[]} people
 */
export function mayBeHeard(people) {
  return people.every((person) => person.sources['microphone']?.allowed || person.sources['microphone']?.muted_by_chair);
}

/**
 * Why a source of the viewer's own device stays closed although some who sit there may use it; "" where there is no such reason.
 * @param {View} view
 * @param {'microphone' | 'camera'} source
 * @returns {string}
 */
export function heldBack(view, source) {
  const here = view.participants.filter((person) => person.you);
  if (here.length < 2 || view.place !== 'inside') return '';
  const muted = here.filter((person) => person.sources[source]?.muted_by_chair);
  const without = here.filter((person) => !person.sources[source]?.allowed && !person.sources[source]?.muted_by_chair);
  const names = (/** @type {ParticipantView[]} */ people) => people.map((person) => t('{name} ({role})', { name: person.name, role: word(`role.${person.role}`) })).join(t(', '));
  if (without.length === here.length) return '';
  if (without.length > 0 && without.every((person) => !person.sources['microphone']?.allowed && !person.sources['camera']?.allowed)) {
    return t('Microphone and camera stay closed: {names} has no right to speak and to be shown now, and what one may not do, the device may not.', { names: names(without) });
  }
  if (without.length > 0) {
    return source === 'microphone'
      ? t('The microphone stays closed: {names} has no right to speak now, and what one may not do, the device may not.', { names: names(without) })
      : t('The camera stays closed: {names} has no right to be shown now, and what one may not do, the device may not.', { names: names(without) });
  }
  if (muted.length === 0 || muted.length === here.length) return '';
  return source === 'microphone'
    ? t('The microphone stays closed: that of {names} was closed by {house}.', { names: names(muted) })
    : t('The camera stays closed: that of {names} was closed by {house}.', { names: names(muted) });
}

/**
 * What the tile of a room's device says: each name with its role, and who speaks.
 * @param {ParticipantView[]} people
 * @param {RoomView} room
 */
export function tileWords(people, room) {
  const names = people.map((person) => t('{name} ({role})', { name: person.name, role: word(`role.${person.role}`) })).join(t(', '));
  const voice = people.find((person) => person.id === room.voice);
  return { names, voice: voice && people.length > 1 ? t('Speaking: {name}', { name: voice.name }) : '' };
}
