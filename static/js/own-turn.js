// One's own turn to speak and one's own place in what is private: a line above the tools with one obvious button.

import { t } from './i18n.js';
import { keepingFocus } from './focus.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce } from './page.js';
import { floorOf, heldBack, holdsFloor, inSession, mine, nameOf, privateOf, shutOut, speaksInTurn, stageWord } from './procedure.js';
import { minutes } from './strip-line.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {{words: string, kind: 'turn' | 'ask' | 'asked' | 'held' | 'private', icon: string, main?: Act, other?: Act}} Line */
/** @typedef {{act: string, text: string, icon: string}} Act */

class OwnTurn {
  /** @type {View | null} */
  #view = null;
  #line = '';

  /**
   * @param {HTMLElement} root the line
   * @param {HTMLElement} card what is shown instead of the pictures to whom a private phase leaves outside
   * @param {HTMLElement} alarm said at once by screen readers
   * @param {{send: (message: ProcedureMessage | {type: 'hand', up: boolean}) => void, microphone: () => string, camera: () => string, open: (device: 'microphone' | 'camera') => void, now: () => number}} acts
   */
  constructor(root, card, alarm, acts) {
    this.root = root;
    this.card = card;
    this.alarm = alarm;
    this.acts = acts;
    for (const place of [root, card]) place.addEventListener('click', (event) => this.#press(event));
  }

  /** @param {View} view */
  show(view) {
    const former = this.#view;
    this.#view = view;
    this.#say(view, former);
    this.#showCard(view);
    this.showOwn();
  }

  /** The own microphone has been opened or closed, or the view is new. */
  showOwn() {
    const view = this.#view;
    const line = view && view.place === 'inside' ? this.#lineOf(view) : null;
    this.root.hidden = line === null;
    this.#line = line?.kind ?? '';
    if (!line) return;
    this.root.dataset.kind = line.kind;
    keepingFocus(this.root, 'act', () => fill(
      this.root,
      icon(line.icon, 20),
      el('span', { class: 'turn-words' }, line.words, line.kind === 'turn' && el('b', { class: 'figures', 'data-time': 'mine' })),
      line.main && button(line.main, 'button button-primary turn-main'),
      line.other && button(line.other, 'button'),
    ));
    this.tick();
  }

  /** Once a second. */
  tick() {
    const floor = this.#line === 'turn' && this.#view ? floorOf(this.#view) : null;
    const place = this.root.querySelector('[data-time]');
    if (floor && place) say(place, minutes(this.acts.now() / 1000 - floor.since_us / 1e6));
  }

  /** @param {View} view @returns {Line | null} */
  #lineOf(view) {
    const phase = concerns(view);
    if (phase) {
      if (!phase.member || phase.out) return null;
      const others = phase.members.filter((id) => !mine(view).some((person) => person.id === id)).map((id) => nameOf(view, id)).filter(Boolean).join(t(', '));
      const words = phase.kind === 'consultation' ? t('Private talk with {names}. Nobody else sees or hears you.', { names: others }) : t('Private: only the members see and hear each other. Nothing is recorded.');
      const end = phase.kind === 'consultation' ? { main: { act: 'end-talk', text: t('End the private talk'), icon: 'check' } } : {};
      return { kind: 'private', icon: 'lock', words, ...end, other: { act: 'step-out', text: t('Step out'), icon: 'leave' } };
    }
    if (heldBack(view)) return this.#held(view);
    if (!inSession(view)) return null;
    if (holdsFloor(view)) {
      const back = { act: 'yield', text: t('Give the floor back'), icon: 'check' };
      const closed = this.acts.microphone() === 'off';
      return {
        kind: 'turn', icon: 'mic', words: closed ? t('It is your turn. Your microphone is closed.') : t('You have the floor.'),
        main: closed ? { act: 'open', text: t('Open your microphone'), icon: 'mic' } : back, ...(closed ? { other: back } : {}),
      };
    }
    if (!speaksInTurn(view)) return null;
    const hand = mine(view).find((person) => person.hand_at_us !== null);
    if (hand) {
      const before = view.participants.filter((person) => person.hand_at_us !== null && person.hand_at_us < Number(hand.hand_at_us)).length;
      return { kind: 'asked', icon: 'hand', words: t('You have asked for the floor: number {n}. The chair sees it.', { n: before + 1 }), other: { act: 'hand-down', text: t('Withdraw'), icon: 'close' } };
    }
    return { kind: 'ask', icon: 'info', words: t('You are heard when the chair gives you the floor.'), main: { act: 'hand-up', text: t('Ask for the floor'), icon: 'hand' } };
  }

  /** Nobody has looked at face and document yet: what he does for it, one step after the other. @param {View} view @returns {Line} */
  #held(view) {
    const line = { kind: /** @type {const} */ ('held'), icon: 'shield' };
    if (this.acts.camera() !== 'on') return { ...line, words: t('You are not heard until your face and your document have been looked at.'), main: { act: 'open-camera', text: t('Open your camera'), icon: 'camera' } };
    if (mine(view).some((person) => person.hand_at_us !== null)) return { ...line, words: t('Chair and clerk know that you are ready. Hold your document before the camera.'), other: { act: 'hand-down', text: t('Withdraw'), icon: 'close' } };
    return { ...line, words: t('You are not heard until your face and your document have been looked at.'), main: { act: 'hand-up', text: t('I have my document ready'), icon: 'check' } };
  }

  /** @param {View} view */
  #showCard(view) {
    const phase = privateOf(view);
    const shown = view.place === 'inside' && phase !== null && shutOut(view);
    this.card.hidden = !shown;
    if (!phase || !shown) return;
    keepingFocus(this.card, 'act', () => fill(
      this.card,
      icon('lock', 36),
      el('h2', {}, phase.out ? t('You have stepped out') : deliberation(view)),
      el('p', {}, phase.out ? t('The others go on among themselves. You are not heard and hear nothing. One press brings you back.') : t('You are not heard and hear nothing. Stay on this page; it goes on by itself.')),
      phase.out && button({ act: 'step-in', text: t('Return'), icon: 'enter' }, 'button button-primary button-large'),
    ));
  }

  /** What must be heard at once: one's turn, and that something private begins or is over. @param {View} view @param {View | null} former */
  #say(view, former) {
    if (!former) return;
    const [was, is] = [concerns(former), concerns(view)];
    if (heldBack(view) && !heldBack(former)) say(this.alarm, t('You are not heard until your face and your document have been looked at.'));
    else if (!heldBack(view) && heldBack(former) && view.place === 'inside') say(this.alarm, t('Your identity is confirmed.'));
    else if (holdsFloor(view) && !holdsFloor(former)) say(this.alarm, t('It is your turn to speak.'));
    else if (!holdsFloor(view) && holdsFloor(former)) say(this.alarm, t('You no longer have the floor.'));
    else if (is && !was) say(this.alarm, is.member ? t('Private now: only the members see and hear each other.') : `${deliberation(view)}${t('. ')}${t('You are not heard and hear nothing. Stay on this page; it goes on by itself.')}`);
    else if (was && !is) say(this.alarm, t('The private phase is over.'));
    const [before, now] = [floorOf(former)?.participant, floorOf(view)?.participant];
    if (now && now !== before && !holdsFloor(view)) announce(t('{name} has the floor', { name: nameOf(view, now) || t('Somebody') }));
  }

  /** @param {Event} event */
  #press(event) {
    const pressed = event.target instanceof Element ? event.target.closest('[data-act]') : null;
    if (!(pressed instanceof HTMLElement)) return;
    const { send } = this.acts;
    switch (pressed.dataset.act) {
      case 'open':
        return this.acts.open('microphone');
      case 'open-camera':
        return this.acts.open('camera');
      case 'yield':
        return send({ type: 'yield_floor' });
      case 'hand-up':
        return send({ type: 'hand', up: true });
      case 'hand-down':
        return send({ type: 'hand', up: false });
      case 'end-talk':
        return send({ type: 'end_consult', consult: (this.#view && privateOf(this.#view)?.id) || '' });
      case 'step-out':
        return send({ type: 'step', out: true });
      case 'step-in':
        return send({ type: 'step', out: false });
    }
  }
}

/** What is private and changes something for the viewer: not a talk of others, beside which the main room goes on. @param {View} view */
function concerns(view) {
  const phase = privateOf(view);
  return phase && (phase.member || shutOut(view)) ? phase : null;
}

/** What the private stage is called to those outside. @param {View} view */
function deliberation(view) {
  return view.sitting.kind === 'remote_court' ? t('The panel deliberates') : stageWord(view, view.sitting.stage);
}

/** @param {Act} act @param {string} look */
function button(act, look) {
  return el('button', { class: look, type: 'button', 'data-act': act.act }, icon(act.icon, 18), act.text);
}

/** @param {HTMLElement} root @param {OwnTurn['acts']} acts */
export function ownTurn(root, acts) {
  const part = (/** @type {string} */ name) => find(root, `[data-part="${name}"]`);
  return new OwnTurn(part('own-turn'), part('private-card'), part('turn-alarm'), acts);
}
