// The chair's floor: hands in their order, give with one press, take back, time running.

import { clock, t, word } from './i18n.js';
import { keepingFocus } from './focus.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { floorIsGiven, floorOf, inSession, keepsDesk, nameOf, stepByStep } from './procedure.js';
import { minutes } from './strip-line.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */

export class FloorDesk {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} drawer
   * @param {(message: ProcedureMessage | {type: 'lower_hand', participant: string}) => void} send
   * @param {() => number} now the server's clock, ms
   * @param {string} timeZone
   * @param {(person: ParticipantView) => void} identify opens the dialog in which face and document are looked at
   */
  constructor(drawer, send, now, timeZone, identify) {
    this.now = now;
    this.timeZone = timeZone;
    this.section = find(drawer, '[data-section="hands"]');
    this.holder = find(drawer, '[data-part="floor-holder"]');
    this.hands = find(drawer, '[data-part="hands"]');
    this.section.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
      if (!(button instanceof HTMLElement)) return;
      const participant = button.dataset.for ?? '';
      if (button.dataset.act === 'give-floor') send({ type: 'give_floor', participant });
      else if (button.dataset.act === 'identify') this.#view?.participants.filter((person) => person.id === participant).forEach(identify);
      else if (button.dataset.act === 'take-floor') send({ type: 'take_floor' });
      else if (button.dataset.act === 'lower-hand') send({ type: 'lower_hand', participant });
    });
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const floor = floorOf(view);
    const up = view.participants.filter((person) => person.hand_at_us !== null).sort((a, b) => Number(a.hand_at_us) - Number(b.hand_at_us));
    const hands = up.filter((person) => person.id !== floor?.participant);
    this.section.hidden = !keepsDesk(view) || (hands.length === 0 && !floor);
    this.holder.hidden = floor === null;
    keepingFocus(this.holder, 'act', () => fill(
      this.holder,
      icon('mic', 18), el('b', {}, floor ? nameOf(view, floor.participant) || t('Somebody') : ''), el('span', { class: 'figures', 'data-time': 'holder' }),
      floor && view.rights.direct && el('button', { class: 'button button-small', type: 'button', 'data-act': 'take-floor' }, t('Take the floor back')),
    ));
    keyed(this.hands, hands, (person) => person.id, () => el('li', {}), (row, person) => keepingFocus(row, 'act', () => fill(
      row,
      icon('hand', 18), el('b', {}, person.name), el('time', {}, clock(Number(person.hand_at_us) / 1000, this.timeZone, true)),
      el('span', { class: 'hand-acts' }, mayHave(view, person) && el('button', { class: 'button button-small button-primary', type: 'button', 'data-act': 'give-floor', 'data-for': person.id, 'aria-label': `${t('Give the floor')}${t(': ')}${person.name}` }, t('Give the floor')),
      person.held_back && el('button', { class: 'button button-small button-primary', type: 'button', 'data-act': 'identify', 'data-for': person.id, 'aria-label': `${t('Identity…')}${t(': ')}${person.name}` }, icon('shield', 18), t('Identity…')),
      (view.rights.admit || view.rights.direct) && el('button', { class: 'button button-small', type: 'button', 'data-act': 'lower-hand', 'data-for': person.id, 'aria-label': t('Lower the hand of {name}', { name: person.name }) }, t('Lower'))),
    )));
    this.tick();
  }

  /** Once a second. */
  tick() {
    const floor = this.#view ? floorOf(this.#view) : null;
    const place = this.holder.querySelector('[data-time]');
    if (floor && place) say(place, minutes(this.now() / 1000 - floor.since_us / 1e6));
  }
}

/** Whether the chair may give him the floor now. @param {View} view @param {ParticipantView} person */
export function mayHave(view, person) {
  return view.rights.direct && stepByStep(view) && inSession(view) && floorIsGiven(view) && person.presence === 'present' && !person.held_back && floorOf(view)?.participant !== person.id;
}

/** What was said of order to somebody, and how long he has spoken; nothing where it is nothing. @param {ParticipantView} person */
export function conduct(person) {
  const { prompts, warnings, spoke_s: spoke, roll, departure, guarded_by: guard } = person;
  return [
    person.held_back && t('not heard: identity not confirmed'),
    roll === 'late' && t('came late'),
    spoke >= 1 && t('spoke {time}', { time: minutes(spoke) }),
    prompts > 0 && (prompts === 1 ? t('reminded once') : t('reminded {n} times', { n: prompts })),
    warnings > 0 && (warnings === 1 ? t('warned once') : t('warned {n} times', { n: warnings })),
    departure && t('Cause: {cause}', { cause: causeWord(departure.cause) }),
    guard.length > 0 && t('speaks only while the guardian is here'),
  ].filter((text) => typeof text === 'string').join(' · ');
}

/** @param {string} cause */
export function causeWord(cause) {
  switch (cause) {
    case 'network':
      return t('Network');
    case 'equipment':
      return t('Equipment');
    case 'power':
      return t('Power');
    case 'force_majeure':
      return t('Force majeure');
    case 'left':
      return t('Left of his own accord');
    default:
      return word(`cause.${cause}`);
  }
}
