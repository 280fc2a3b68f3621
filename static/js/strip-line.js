// The line below the top one, the same for all: where the sitting stands, whose turn it is and for how long, how long each side has spoken.

import { duration } from './court-clock.js';
import { t, word } from './i18n.js';
import { hasSides } from './layout.js';
import { el, fill, find, icon, say } from './markup.js';
import { firstOf, floorOf, nameOf, privateOf, shutOut, speakingOf } from './procedure.js';
import { standing } from './stepper.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').Side} Side */

export class StripLine {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} root
   * @param {() => number} now the server's clock, ms
   */
  constructor(root, now) {
    this.root = root;
    this.now = now;
    this.standing = find(root, '[data-part="standing"]');
    this.turn = find(root, '[data-part="whose-turn"]');
    this.sides = find(root, '[data-part="sides"]');
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const at = standing(view);
    this.standing.hidden = at === null;
    if (at) {
      fill(
        this.standing,
        el('span', { class: 'standing-bar', 'aria-hidden': 'true' }, el('i', { style: `width: ${Math.round(at.done * 100)}%` })),
        el('span', {}, t('Step {at} of {of}', { at: at.at, of: at.of })),
        at.next !== '' && el('span', { class: 'standing-next' }, t('Next: {stage}', { stage: at.next })),
      );
    }
    this.#draw(view);
    this.tick();
    this.root.hidden = view.place === 'waiting' || view.place === 'device_pending' || [this.standing, this.turn, this.sides].every((part) => part.hidden);
  }

  /** @param {View} view */
  #draw(view) {
    const floor = floorOf(view);
    this.turn.hidden = floor === null || shutOut(view);
    fill(this.turn, icon('mic', 16), el('span', {}, floor ? t('{name} has the floor', { name: nameOf(view, floor.participant) || t('Somebody') }) : ''), el('b', { class: 'figures', 'data-time': 'floor' }));
    // Among equals the speaking time of each stands with his name at the desk.
    const sides = hasSides(view.sitting.kind) ? speakingOf(view).filter((one) => one.side !== 'middle' && firstOf(view, one.side) !== null) : [];
    this.sides.hidden = sides.every((one) => one.seconds < 1 && !one.running) || privateOf(view) !== null;
    fill(
      this.sides,
      ...sides.map((one) => el('li', { 'data-side': one.side, class: one.running ? 'is-running' : '' }, el('span', { class: 'side-name' }, sideWord(view, one.side)), el('b', { class: 'figures', 'data-time': one.side }))),
    );
  }

  /** Once a second. */
  tick() {
    const view = this.#view;
    if (!view) return;
    const floor = floorOf(view);
    const held_s = floor ? this.now() / 1000 - floor.since_us / 1e6 : 0;
    const place = this.turn.querySelector('[data-time]');
    if (floor && place) say(place, minutes(held_s));
    for (const one of speakingOf(view)) {
      const shown = this.sides.querySelector(`[data-time="${one.side}"]`);
      if (shown) say(shown, minutes(one.seconds + (one.running && floor ? held_s : 0)));
    }
  }
}

/** "02:10", from an hour on "1:02:10". @param {number} seconds */
export function minutes(seconds) {
  const text = duration(seconds);
  return text.startsWith('0:') ? text.slice(2) : text;
}

/** A side by the first who sits there. @param {View} view @param {Side} side */
function sideWord(view, side) {
  const first = firstOf(view, side);
  return side === 'bench' ? word(`role.${first?.role}`) : t('Side of {name}', { name: first?.name ?? '' });
}
