// A shared screen among the pictures. Its plate stands below the picture and never on it: whoever reads a document reads all of it.

import { t } from './i18n.js';
import { el, fill, icon, say } from './markup.js';

/** @typedef {import('./places.js').SharedScreen} SharedScreen */

export class ScreenTile extends HTMLElement {
  #video = el('video', { playsinline: true, autoplay: true });
  #cover = el('div', { class: 'tile-cover' });
  #name = el('span', { class: 'tile-name' });
  #end = el('button', { class: 'button button-small end-share', type: 'button', 'data-end-screen': true, hidden: true }, icon('close', 18), el('span', {}, t('End the share')));
  #pin = el('button', { class: 'button button-small button-icon', type: 'button', 'data-pin': true, 'aria-pressed': 'false' }, icon('pin', 18));
  #only = el('button', { class: 'button button-small button-icon', type: 'button', 'data-only': true, 'aria-pressed': 'false' });
  #stream = new MediaStream();

  connectedCallback() {
    if (this.firstChild) return;
    this.setAttribute('role', 'group');
    this.#video.muted = true;
    this.#video.srcObject = this.#stream;
    const plate = el('div', { class: 'screen-plate' }, icon('screen', 18), this.#name, this.#end, this.#pin, this.#only);
    this.append(el('div', { class: 'screen-picture' }, this.#video, this.#cover), plate);
  }

  /**
   * @param {SharedScreen} screen
   * @param {{pinned: boolean, only: boolean, mayEnd: boolean}} now `only`: nothing else is shown; `mayEnd`: to its viewer it is given to
   * end the share of others
   */
  show(screen, { pinned, only, mayEnd }) {
    const name = screenName(screen);
    this.dataset.participant = screen.people[0]?.id ?? '';
    this.classList.toggle('screen-you', screen.you);
    this.setAttribute('aria-label', name);
    say(this.#name, name);
    this.#end.hidden = !mayEnd || screen.you;
    this.#end.setAttribute('aria-label', `${t('End the share')}${t(': ')}${name}`);
    call(this.#pin, pinned ? t('Unpin {name}', { name }) : t('Pin {name}: large for me', { name }), pinned);
    call(this.#only, only ? t('Show the people again') : t('Only this screen, as large as possible'), only);
    fill(this.#only, icon('expand', 18));
    const live = screen.you || screen.people.every((person) => person.sources['screen']?.live);
    const undecodable = screen.people.some((person) => person.sources['screen']?.undecodable);
    this.#cover.hidden = live && !undecodable;
    const why = undecodable ? t("This browser cannot show {name}'s picture. Open the link in a current Edge or Chrome.", { name: names(screen) }) : t('The screen is coming…');
    fill(this.#cover, icon('screen', 36), el('span', { class: 'tile-state' }, why));
  }

  /** The element that shows the screen. */
  get picture() {
    return this.#video;
  }

  /** @param {MediaStreamTrack | null} track */
  play(track) {
    const [shown] = this.#stream.getTracks();
    if (shown !== (track ?? undefined)) {
      if (shown) this.#stream.removeTrack(shown);
      if (track) this.#stream.addTrack(track);
    }
    if (track && this.#video.paused) void this.#video.play().catch(() => {}); // replaced by a newer track
  }
}

/** "李明 共享的屏幕" @param {SharedScreen} screen */
export function screenName(screen) {
  return screen.you ? t('Your shared screen') : t('Screen shared by {name}', { name: names(screen) });
}

/** @param {SharedScreen} screen */
function names(screen) {
  return screen.people.map((person) => person.name).join(t(', '));
}

/** @param {HTMLElement} button @param {string} text @param {boolean} pressed */
function call(button, text, pressed) {
  if (button.title !== text) {
    button.title = text;
    button.setAttribute('aria-label', text);
  }
  button.setAttribute('aria-pressed', String(pressed));
}

customElements.define('screen-tile', ScreenTile);
