// The right side of chair and clerk: the next act, who waits, second devices, everybody's row with what may be done.

import { clock, t, word } from './i18n.js';
import { ask } from './ask.js';
import { DeskActs } from './desk-acts.js';
import { roomMessage, roomRow, rowsOf, unseatButton, voiceButton, waitingNote } from './drawer-rooms.js';
import { conduct, FloorDesk } from './floor-desk.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { barsOf } from './measure.js';
import { NextAct } from './next-act.js';
import { rests } from './procedure.js';
import { RollCall } from './roll-call.js';
import { roomOf } from './rooms.js';
import { networkFigures, networkWord } from './tiles.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./protocol.js').BrowserMessage} BrowserMessage */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */

export class Drawer {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} root
   * @param {(message: BrowserMessage | ProcedureMessage) => void} send
   * @param {string} timeZone
   * @param {{now: () => number, identify: (person: ParticipantView) => void}} acts `now`: the server's clock, ms
   */
  constructor(root, send, timeZone, { now, identify }) {
    this.desk = new DeskActs(root, send);
    this.next = new NextAct(root, send, identify);
    this.floor = new FloorDesk(root, send, now, timeZone, identify);
    this.roll = new RollCall(root, send, identify);
    this.root = root;
    this.send = send;
    this.timeZone = timeZone;
    this.waiting = find(root, '[data-part="waiting"]');
    this.devices = find(root, '[data-part="devices"]');
    this.people = find(root, '[data-part="people"]');
    this.watchers = find(root, '[data-part="watchers"]');
    this.lock = find(root, '[data-act="lock"]');
    this.lock.addEventListener('click', () => send({ type: 'lock', on: this.lock.getAttribute('aria-pressed') !== 'true' }));
    find(root, '[data-act="admit-all"]').addEventListener('click', () => send({ type: 'admit', participants: [] }));
    find(root, '[data-act="mute-all"]').addEventListener('click', () => send({ type: 'mute_all' }));
    this.people.addEventListener('click', (event) => this.#act(event));
    // A menu near the lower edge opens below it: bring it into sight.
    this.people.addEventListener('toggle', (event) => event.target instanceof HTMLDetailsElement && event.target.open && event.target.lastElementChild?.scrollIntoView({ block: 'nearest' }), true);
    this.waiting.addEventListener('click', (event) => this.#act(event));
    this.devices.addEventListener('click', (event) => this.#act(event));
  }

  /** Whoever keeps the record and does not conduct has all stages and the log before him from the beginning. @param {View} view */
  #lay(view) {
    if (view.rights.direct) return;
    for (const box of this.root.querySelectorAll('.steps-box, .hearing-log')) box.setAttribute('open', '');
  }

  /** Once a second. */
  tick() {
    this.floor.tick();
  }

  /** @param {View} view */
  show(view) {
    if (this.#view === null && view.place === 'inside') this.#lay(view);
    this.#view = view;
    const waiting = view.participants.filter((participant) => participant.presence === 'waiting');
    const { admit } = view.rights;
    for (const part of [this.next, this.floor, this.roll, this.desk]) part.show(view);
    find(this.root, '[data-section="waiting"]').hidden = !admit;
    find(this.root, '[data-section="devices"]').hidden = !admit || view.devices.length === 0;
    find(this.root, '[data-act="admit-all"]').hidden = waiting.length < 2;
    find(this.root, '[data-act="mute-all"]').hidden = !admit || rests(view);
    const count = find(this.root, '[data-part="waiting-count"]');
    say(count, String(waiting.length));
    count.toggleAttribute('data-none', waiting.length === 0);
    find(this.root, '[data-part="nobody-waits"]').hidden = waiting.length > 0;
    keyed(this.waiting, waiting, (p) => p.id, makeWaiting, (row, person) => showWaiting(row, person, view));
    keyed(this.devices, view.devices, (d) => d.endpoint, makeDevice, (row, device) => showDevice(row, device, view));
    const people = view.participants.filter((participant) => participant.presence !== 'waiting');
    keyed(this.people, rowsOf(view, people), (one) => one.key, makePerson, (row, one) => ('room' in one ? showRoom(row, one.room, view) : showPerson(row, one.person, view, this.timeZone, this.desk)));
    this.lock.setAttribute('aria-pressed', String(view.sitting.locked));
    say(find(this.lock, 'span'), view.sitting.locked ? t('Unlock the {sitting}') : t('Lock the {sitting}'));
    find(this.root, '[data-section="watchers"]').hidden = view.watchers.length === 0;
    fill(this.watchers, ...view.watchers.map((name) => el('li', {}, icon('eye', 18), name)));
  }

  /** @param {Event} event */
  #act(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
    if (!(button instanceof HTMLElement) || !this.#view || button.getAttribute('aria-disabled') === 'true') return;
    const row = button.closest('[data-key]');
    const key = row instanceof HTMLElement ? row.dataset.key ?? '' : '';
    const person = this.#view.participants.find((participant) => participant.id === key);
    button.closest('details')?.removeAttribute('open');
    const source = (/** @type {const} */ (['camera', 'screen'])).find((one) => one === button.dataset.source) ?? 'microphone';
    const message = roomMessage(button, key);
    if (message) return this.send(message);
    if (person && this.desk.press(button.dataset.act ?? '', person)) return;
    switch (button.dataset.act) {
      case 'admit':
        return this.send({ type: 'admit', participants: [key] });
      case 'accept-device':
        return this.send({ type: 'admit_device', endpoint: key, accept: true });
      case 'refuse-device':
        return this.send({ type: 'admit_device', endpoint: key, accept: false });
      case 'mute':
        return this.send({ type: 'mute', participant: key, source });
      case 'allow':
        return this.send({ type: 'allow', participant: key, source });
      case 'to-waiting':
        return this.send({ type: 'to_waiting', participant: key });
      case 'readmit':
        return this.send({ type: 'readmit', participant: key });
      case 'remove':
        return void (person && this.#remove(person));
    }
  }

  /** @param {ParticipantView} person */
  async #remove(person) {
    const reason = await ask({
      title: t('Remove {name} from the {sitting}?', { name: person.name }),
      text: t('{name} is cut off at once and cannot come back until you take the removal back. The reason goes into the record.', { name: person.name }),
      act: t('Remove'),
      danger: true,
      reason: t('Reason'),
      hint: t('For example: disturbs order after a warning.'),
    });
    if (reason !== null) this.send({ type: 'remove', participant: person.id, reason });
  }
}

function makeWaiting() {
  return el('li', { class: 'person' });
}

/** @param {HTMLElement} row @param {ParticipantView} person @param {View} view */
function showWaiting(row, person, view) {
  const check = checkWord(person);
  keepFocus(row, () =>
    fill(
      row,
      el('div', { class: 'person-who' }, el('b', {}, person.name), el('span', {}, word(`role.${person.role}`))),
      el('span', { class: `person-note is-line ${check.good ? '' : 'is-warning'}` }, icon(check.good ? 'check-circle' : 'alert', 18), check.text),
      waitingNote(person, view),
      el('button', { class: 'button button-primary button-small', type: 'button', 'data-act': 'admit', 'aria-label': `${t('Admit')}${t(': ')}${person.name}` }, t('Admit')),
    ),
  );
}

/** @param {ParticipantView} person */
function checkWord(person) {
  const check = person.device_check;
  if (!check) return { good: false, text: t('Devices not checked') };
  const failed = [
    check.camera?.ok === false ? t('camera') : '',
    check.microphone?.ok === false ? t('microphone') : '',
    check.speaker?.ok === false ? t('speaker') : '',
    check.network?.ok === false ? t('network') : '',
  ].filter(Boolean);
  if (failed.length === 0) return { good: true, text: t('Devices checked') };
  return { good: false, text: t('Device check failed: {parts}', { parts: failed.join(t(', ')) }) };
}

function makeDevice() {
  return el('li', { class: 'person' });
}

/** @param {HTMLElement} row @param {import('./protocol.js').DeviceView} device @param {View} view */
function showDevice(row, device, view) {
  const person = view.participants.find((participant) => participant.id === device.participant);
  const name = person?.name ?? '';
  keepFocus(row, () =>
    fill(
      row,
      el('div', { class: 'person-who' }, el('b', {}, name), el('span', {}, person ? word(`role.${person.role}`) : '')),
      el('span', { class: 'person-note is-line is-warning' }, icon('device', 18), t('wants to go on at another device: {device}', { device: device.device })),
      el(
        'div',
        { class: 'row gap-2' },
        el('button', { class: 'button button-primary button-small', type: 'button', 'data-act': 'accept-device', 'aria-label': t('Let {name} change the device', { name }) }, t('Let change')),
        el('button', { class: 'button button-small', type: 'button', 'data-act': 'refuse-device', 'aria-label': t('Refuse the other device of {name}', { name }) }, t('Refuse')),
      ),
    ),
  );
}

function makePerson() {
  return el('li', { class: 'person' });
}

/** @param {HTMLElement} row @param {import('./protocol.js').RoomView} room @param {View} view */
function showRoom(row, room, view) {
  row.className = 'person person-room';
  const open = row.querySelector('details')?.open ?? false;
  keepFocus(row, () => fill(row, ...roomRow(room, view, open)));
}

/** @param {HTMLElement} row @param {ParticipantView} person @param {View} view @param {string} timeZone @param {DeskActs} desk */
function showPerson(row, person, view, timeZone, desk) {
  row.classList.toggle('is-in-room', roomOf(view, person.endpoint) !== undefined);
  row.classList.toggle('is-away', person.presence === 'absent' || person.presence === 'left' || person.presence === 'removed');
  const inside = person.presence === 'present' || person.presence === 'lost';
  const acts = view.rights.admit && !person.you;
  const menuOpen = row.querySelector('details')?.open ?? false;
  const noted = conduct(person);
  const ofGone = inside ? [] : desk.menu(person, view);
  keepFocus(row, () =>
    fill(
      row,
      el('div', { class: 'person-who' }, el('b', {}, person.name), el('span', {}, word(`role.${person.role}`) + (person.you ? ` · ${t('you')}` : ''))),
      el('span', { class: `person-note presence-${person.presence}` }, presenceWord(person, timeZone), inside && bars(person)),
      noted && el('span', { class: 'person-note person-conduct' }, noted),
      acts && inside && el('div', { class: 'person-acts' }, voiceButton(person, view), muteButton(person, 'microphone'), muteButton(person, 'camera'), moreMenu(person, view, menuOpen, desk.menu(person, view))),
      acts && !inside && ofGone.length > 0 && el('div', { class: 'person-acts' }, menuOf(person, menuOpen, ofGone)),
      acts && person.presence === 'removed' && view.rights.direct && el('button', { class: 'button button-small', type: 'button', 'data-act': 'readmit' }, t('Take removal back')),
    ),
  );
}

/** @param {ParticipantView} person @param {string} timeZone */
function presenceWord(person, timeZone) {
  const text = word(`presence.${person.presence}`);
  return person.presence === 'lost' && person.lost_at_us ? t('{state} since {time}', { state: text, time: clock(person.lost_at_us / 1000, timeZone, true) }) : text;
}

/** @param {ParticipantView} person */
function bars(person) {
  const count = barsOf(person.network?.score);
  return el('span', { class: 'bars-with-word', title: networkFigures(person.network) }, el('span', { class: 'bars', 'data-bars': count }, el('i'), el('i'), el('i'), el('i')), networkWord(person.network?.score));
}

/** @param {ParticipantView} person @param {'microphone' | 'camera'} source */
function muteButton(person, source) {
  const view = person.sources[source];
  const muted = view?.muted_by_chair ?? false;
  const on = (view?.on && !muted) ?? false;
  const microphone = source === 'microphone';
  const label = muted
    ? microphone ? t('Allow the microphone of {name}', { name: person.name }) : t('Allow the camera of {name}', { name: person.name })
    : microphone ? t('Close the microphone of {name}', { name: person.name }) : t('Close the camera of {name}', { name: person.name });
  const sign = microphone ? (on ? 'mic' : 'mic-off') : on ? 'camera' : 'camera-off';
  return el(
    'button',
    { class: `button button-small button-icon ${muted ? 'is-muted' : ''} ${on ? 'is-on' : ''}`, type: 'button', 'data-act': muted ? 'allow' : 'mute', 'data-source': source, 'aria-label': label, title: label },
    icon(sign, 18),
  );
}

/** @param {ParticipantView} person @param {View} view @param {boolean} open @param {HTMLElement[]} first */
function moreMenu(person, view, open, first) {
  const acts = [
    ...first,
    screenAct(person),
    el('button', { type: 'button', 'data-act': 'to-waiting' }, icon('door', 18), t('Back to the waiting room')),
    unseatButton(person, view),
    view.rights.direct && el('button', { type: 'button', 'data-act': 'remove' }, icon('cross-circle', 18), t('Remove from the {sitting}…')),
  ];
  return menuOf(person, open, acts);
}

/** @param {ParticipantView} person @param {boolean} open @param {(HTMLElement | null | false)[]} acts */
function menuOf(person, open, acts) {
  const label = t('More acts for {name}', { name: person.name });
  return el(
    'details',
    { class: 'menu', 'data-menu': true, open },
    el('summary', { class: 'button button-small button-icon', 'aria-label': label, title: label }, icon('more', 18)),
    el('div', { class: 'menu-list' }, ...acts),
  );
}

/** End a shared screen, or let one be shared again. @param {ParticipantView} person */
function screenAct(person) {
  const view = person.sources['screen'];
  if (view?.muted_by_chair) return el('button', { type: 'button', 'data-act': 'allow', 'data-source': 'screen' }, icon('screen', 18), t('Allow to share the screen'));
  return (view?.on ?? false) && el('button', { type: 'button', 'data-act': 'mute', 'data-source': 'screen' }, icon('screen', 18), t('End the share of the screen'));
}

/**
 * Change what is inside `row` without taking the focus out of it.
 * @param {HTMLElement} row
 * @param {() => boolean} change
 */
function keepFocus(row, change) {
  const focused = document.activeElement;
  const inside = focused instanceof HTMLElement && row.contains(focused);
  const places = inside ? [...row.querySelectorAll('button, summary')].indexOf(focused) : -1;
  if (!change() || places < 0) return;
  const again = row.querySelectorAll('button, summary');
  const next = again[Math.min(places, again.length - 1)];
  if (next instanceof HTMLElement) next.focus();
}
