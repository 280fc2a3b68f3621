// Who sits where, and which screens are shared: what the layout arranges. Knows no DOM.

/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./protocol.js').View} View */

/** They see and hear and are not seen, unless a procedure gives them more: they have no picture. */
const LISTENERS = new Set(['gallery', 'media', 'supervisor', 'police', 'custody_officer']);

/** Whether somebody only sees and hears just now. @param {ParticipantView} person */
function listens(person) {
  return LISTENERS.has(person.role) && Object.values(person.sources).every((source) => !source.allowed && !source.muted_by_chair);
}

/** Those who stand at the left come first, then the middle, then the right: as in a court room seen from the gallery. */
const ORDER = { bench: 0, left: 1, middle: 2, right: 3 };

/**
 * One device with the people who sit at it.
 * @typedef {object} Place
 * @property {false} screen
 * @property {string} key the endpoint, or the participant where there is none
 * @property {ParticipantView[]} people
 * @property {boolean} you
 * @property {boolean} bench large, above the others
 * @property {import('./procedure.js').Side} side
 * @property {import('./protocol.js').BreakInView | null} officer of the command centre who broke in; he sits nowhere and `people` has him alone
 */

/** Whether the viewer only sees and hears. @param {View} view */
export function onlyListens(view) {
  const people = view.participants.filter((person) => person.you);
  return people.length > 0 && people.every(listens);
}

/**
 * Who is inside, by device; for a member of something private its members alone. One's own device is never on the bench row: nobody
 * needs himself large.
 * @param {View} view
 * @returns {Place[]}
 */
export function placesOf(view) {
  /** @type {Map<string, Place>} */
  const places = new Map();
  const phase = view.private;
  const among = phase?.member && !phase.out ? phase.members : null;
  for (const participant of view.participants) {
    if (participant.endpoint === null || (participant.presence !== 'present' && participant.presence !== 'lost')) continue;
    if (listens(participant) || (among && !among.includes(participant.id))) continue;
    const key = participant.endpoint;
    const place = places.get(key) ?? { screen: false, key, people: [], you: participant.you, bench: false, side: participant.side, officer: null };
    place.people.push(participant);
    place.bench ||= participant.side === 'bench' && !place.you;
    places.set(key, place);
  }
  if (view.break_in) places.set(view.break_in.endpoint, placeOf(view.break_in));
  return [...places.values()].sort((a, b) => ORDER[a.side] - ORDER[b.side]);
}

/** @param {import('./protocol.js').BreakInView} officer @returns {Place} large, and before the others */
function placeOf(officer) {
  const closed = { allowed: false, on: false, live: false, muted_by_chair: false, undecodable: false };
  const open = { ...closed, allowed: true, on: true, live: true };
  /** @type {ParticipantView} */
  const person = {
    id: officer.endpoint, name: officer.name, role: '', presence: 'present', you: officer.you, endpoint: officer.endpoint, consented: false,
    sources: { microphone: open, camera: officer.camera ? open : closed, screen: closed },
    hand_at_us: null, network: null, device_check: null, lost_at_us: null, side: 'bench', roll: '', identity: null, identity_missing: false,
    held_back: false, consents_missing: [], consents_due: [], consents_given: [], spoke_s: 0, prompts: 0, warnings: 0, admonition: null,
    guards: null, guarded_by: [], out: false, channel: null, departure: null,
  };
  return { screen: false, key: officer.endpoint, people: [person], you: officer.you, bench: true, side: 'bench', officer };
}

/**
 * A screen that is shared from a device.
 * @typedef {object} SharedScreen
 * @property {true} screen
 * @property {string} key unlike that of the device
 * @property {string} endpoint
 * @property {ParticipantView[]} people
 * @property {boolean} you
 */

/** @typedef {Place | SharedScreen} Seat what the layout gives a place to */

/**
 * The screens that are shared now. That of a device whose connection is lost comes back with it.
 * @param {View} view
 * @returns {SharedScreen[]}
 */
export function screensOf(view) {
  return placesOf(view)
    .filter(({ people }) => people.every((person) => person.presence === 'present' && person.sources['screen']?.on && !person.sources['screen'].muted_by_chair))
    .map(({ key, people, you }) => ({ screen: true, key: `${key}/screen`, endpoint: key, people, you }));
}
