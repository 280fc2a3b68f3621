// The right side of chair and clerk: the next act, who waits, second devices, everybody's row with what may be done.

import { clock, t, word } from './i18n.js';
import { ask } from './ask.js';
import { roomMessage, roomRow, rowsOf, unseatButton, voiceButton, waitingNote } from './drawer-rooms.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { barsOf } from './measure.js';
import { roomOf } from './rooms.js';
import { networkFigures, networkWord } from './tiles.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./protocol.js').BrowserMessage} BrowserMessage */
/** @typedef {{to: string, blocked: boolean, missing: {code: string, names: string[]}[]}} NextStage */

export class Drawer {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} root
   * @param {(message: BrowserMessage) => void} send
   * @param {string} timeZone
   */
  constructor(root, send, timeZone) {
    this.root = root;
    this.send = send;
    this.timeZone = timeZone;
    this.acts = find(root, '[data-part="acts"]');
    this.waiting = find(root, '[data-part="waiting"]');
    this.devices = find(root, '[data-part="devices"]');
    this.people = find(root, '[data-part="people"]');
    this.watchers = find(root, '[data-part="watchers"]');
    this.hands = find(root, '[data-part="hands"]');
    this.lock = find(root, '[data-act="lock"]');
    this.lock.addEventListener('click', () => send({ type: 'lock', on: this.lock.getAttribute('aria-pressed') !== 'true' }));
    this.hands.addEventListener('click', (event) => this.#act(event));
    find(root, '[data-act="admit-all"]').addEventListener('click', () => send({ type: 'admit', participants: [] }));
    find(root, '[data-act="mute-all"]').addEventListener('click', () => send({ type: 'mute_all' }));
    this.people.addEventListener('click', (event) => this.#act(event));
    // A menu near the lower edge opens below it: bring it into sight.
    this.people.addEventListener('toggle', (event) => event.target instanceof HTMLDetailsElement && event.target.open && event.target.lastElementChild?.scrollIntoView({ block: 'nearest' }), true);
    this.waiting.addEventListener('click', (event) => this.#act(event));
    this.devices.addEventListener('click', (event) => this.#act(event));
    this.acts.addEventListener('click', (event) => this.#act(event));
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const waiting = view.participants.filter((participant) => participant.presence === 'waiting');
    const { admit, direct } = view.rights;
    this.#showActs(view);
    find(this.root, '[data-section="acts"]').hidden = !direct;
    find(this.root, '[data-section="waiting"]').hidden = !admit;
    find(this.root, '[data-section="devices"]').hidden = !admit || view.devices.length === 0;
    find(this.root, '[data-act="admit-all"]').hidden = waiting.length < 2;
    find(this.root, '[data-act="mute-all"]').hidden = !admit || view.sitting.stage === 'recess';
    const count = find(this.root, '[data-part="waiting-count"]');
    say(count, String(waiting.length));
    count.toggleAttribute('data-none', waiting.length === 0);
    find(this.root, '[data-part="nobody-waits"]').hidden = waiting.length > 0;
    keyed(this.waiting, waiting, (p) => p.id, makeWaiting, (row, person) => showWaiting(row, person, view));
    keyed(this.devices, view.devices, (d) => d.endpoint, makeDevice, (row, device) => showDevice(row, device, view));
    const people = view.participants.filter((participant) => participant.presence !== 'waiting');
    keyed(this.people, rowsOf(view, people), (one) => one.key, makePerson, (row, one) => ('room' in one ? showRoom(row, one.room, view) : showPerson(row, one.person, view, this.timeZone)));
    this.#showHands(view);
    this.lock.setAttribute('aria-pressed', String(view.sitting.locked));
    say(find(this.lock, 'span'), view.sitting.locked ? t('Unlock the hearing') : t('Lock the hearing'));
    find(this.root, '[data-section="watchers"]').hidden = view.watchers.length === 0;
    fill(this.watchers, ...view.watchers.map((name) => el('li', {}, icon('eye', 18), name)));
  }

  /** @param {View} view */
  #showHands(view) {
    const up = view.participants.filter((person) => person.hand_at_us !== null).sort((a, b) => Number(a.hand_at_us) - Number(b.hand_at_us));
    find(this.root, '[data-section="hands"]').hidden = up.length === 0 || !view.rights.admit;
    keyed(this.hands, up, (person) => person.id, () => el('li', {}), (row, person) =>
      keepFocus(row, () => fill(row, icon('hand', 18), el('b', {}, person.name), el('time', {}, clock(Number(person.hand_at_us) / 1000, this.timeZone, true)),
        el('button', { class: 'button button-small', type: 'button', 'data-act': 'lower-hand', 'aria-label': t('Lower the hand of {name}', { name: person.name }) }, t('Lower')))));
  }

  /** @param {View} view */
  #showActs(view) {
    const next = /** @type {NextStage[]} */ (view.sitting.next_stages);
    const [first, ...others] = next;
    if (!first) return void fill(this.acts);
    const main = el(
      'button',
      { class: 'button button-primary button-large button-wide act-next', type: 'button', 'data-act': 'stage', 'data-to': first.to, 'aria-describedby': 'act-missing', 'aria-disabled': first.blocked },
      actWord(view.sitting.stage, first.to),
    );
    const missing = el('ul', { class: 'act-missing', id: 'act-missing' }, ...first.missing.map((one) => el('li', {}, icon('alert', 18), missingWord(one))));
    const rest = others.map((one) =>
      el('button', { class: `button ${one.to === 'closed' ? 'button-danger' : ''}`, type: 'button', 'data-act': 'stage', 'data-to': one.to }, actWord(view.sitting.stage, one.to)),
    );
    const focused = document.activeElement instanceof HTMLElement && this.acts.contains(document.activeElement) ? document.activeElement.dataset.to : undefined;
    if (fill(this.acts, main, first.missing.length > 0 && missing, rest.length > 0 && el('div', { class: 'act-others' }, ...rest)) && focused !== undefined) {
      const again = this.acts.querySelector(`[data-to="${focused}"]`) ?? this.acts.querySelector('button');
      if (again instanceof HTMLElement) again.focus();
    }
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
      case 'lower-hand':
        return this.send({ type: 'lower_hand', participant: key });
      case 'to-waiting':
        return this.send({ type: 'to_waiting', participant: key });
      case 'readmit':
        return this.send({ type: 'readmit', participant: key });
      case 'remove':
        return void (person && this.#remove(person));
      case 'stage':
        return void this.#changeStage(button.dataset.to ?? '', this.#view);
    }
  }

  /** @param {ParticipantView} person */
  async #remove(person) {
    const reason = await ask({
      title: t('Remove {name} from the hearing?', { name: person.name }),
      text: t('{name} is cut off at once and cannot come back until you take the removal back. The reason goes into the record.', { name: person.name }),
      act: t('Remove'),
      danger: true,
      reason: t('Reason'),
      hint: t('For example: disturbs order after a warning.'),
    });
    if (reason !== null) this.send({ type: 'remove', participant: person.id, reason });
  }

  /**
   * @param {string} to
   * @param {View} view
   */
  async #changeStage(to, view) {
    const next = /** @type {NextStage[]} */ (view.sitting.next_stages).find((one) => one.to === to);
    const question = { title: actWord(view.sitting.stage, to), text: consequence(view.sitting.stage, to), points: next?.missing.map(missingWord) ?? [], act: actWord(view.sitting.stage, to) };
    if (to === 'recess') {
      const reason = await ask(question);
      if (reason !== null) this.send({ type: 'stage', to });
    } else if ((await ask({ ...question, danger: to === 'closed' })) !== null) {
      this.send({ type: 'stage', to });
    }
  }
}

/** @param {string} from @param {string} to */
function actWord(from, to) {
  if (to === 'hearing') return from === 'recess' ? t('Resume the hearing') : t('Open the hearing');
  if (to === 'recess') return t('Call a recess');
  if (to === 'closed') return t('Close the hearing');
  return t('Go to: {stage}', { stage: word(`stage.${to}`) });
}

/** @param {string} from @param {string} to */
function consequence(from, to) {
  if (to === 'hearing') {
    return from === 'recess'
      ? t('The recording goes on, and everybody inside may open microphone and camera again.')
      : t('The court is in session from now on, and everything that is seen and heard is recorded.');
  }
  if (to === 'recess') return t('The recording stops and every microphone and camera is closed until you resume.');
  if (to === 'closed') return t('The hearing ends for everybody, the recording is sealed, and this cannot be undone.');
  return '';
}

/** @param {{code: string, names: string[]}} missing */
function missingWord({ code, names }) {
  const who = names.join(t(', '));
  switch (code) {
    case 'recording_not_ready':
      return t('The recording is not ready: the hearing cannot be opened yet.');
    case 'media_away':
      return t('Picture and sound are not available at the moment.');
    case 'people_absent':
      return t('Not here: {names}', { names: who });
    case 'people_waiting':
      return t('Still in the waiting room: {names}', { names: who });
    case 'consent_missing':
      return t('Has not consented to an online hearing: {names}', { names: who });
    default:
      return word(`missing.${code}`, { names: who });
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
      el('button', { class: 'button button-primary button-small', type: 'button', 'data-act': 'admit', 'aria-label': t('Admit {name}', { name: person.name }) }, t('Admit')),
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

/** @param {HTMLElement} row @param {ParticipantView} person @param {View} view @param {string} timeZone */
function showPerson(row, person, view, timeZone) {
  row.classList.toggle('is-in-room', roomOf(view, person.endpoint) !== undefined);
  row.classList.toggle('is-away', person.presence === 'absent' || person.presence === 'left' || person.presence === 'removed');
  const inside = person.presence === 'present' || person.presence === 'lost';
  const acts = view.rights.admit && !person.you;
  const menuOpen = row.querySelector('details')?.open ?? false;
  keepFocus(row, () =>
    fill(
      row,
      el('div', { class: 'person-who' }, el('b', {}, person.name), el('span', {}, word(`role.${person.role}`) + (person.you ? ` · ${t('you')}` : ''))),
      el('span', { class: `person-note presence-${person.presence}` }, presenceWord(person, timeZone), inside && bars(person)),
      acts && inside && el('div', { class: 'person-acts' }, voiceButton(person, view), muteButton(person, 'microphone'), muteButton(person, 'camera'), moreMenu(person, view, menuOpen)),
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

/** @param {ParticipantView} person @param {View} view @param {boolean} open */
function moreMenu(person, view, open) {
  const label = t('More acts for {name}', { name: person.name });
  return el(
    'details',
    { class: 'menu', 'data-menu': true, open },
    el('summary', { class: 'button button-small button-icon', 'aria-label': label, title: label }, icon('more', 18)),
    el(
      'div',
      { class: 'menu-list' },
      screenAct(person),
      el('button', { type: 'button', 'data-act': 'to-waiting' }, icon('door', 18), t('Back to the waiting room')),
      unseatButton(person, view),
      view.rights.direct && el('button', { type: 'button', 'data-act': 'remove' }, icon('cross-circle', 18), t('Remove from the hearing…')),
    ),
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
