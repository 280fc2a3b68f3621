// Choice of microphone, camera and loudspeaker during the hearing. What is open changes at once, without a new negotiation; what is
// off stays off and is taken with the next switching on.

import { chosen, list } from './devices.js';
import { t } from './i18n.js';
import { el, fill, icon } from './markup.js';
import { canChooseSpeaker, chooseSpeaker, chosenSpeaker } from './speakers.js';
import { deviceTrouble } from './troubles.js';

/** @typedef {import('./devices.js').Device} Device */
/** @typedef {Device | 'speaker'} Kind */

const KINDS = /** @type {const} */ (['microphone', 'camera', 'speaker']);

export class DeviceMenu {
  /** @type {Map<Kind, HTMLSelectElement>} */
  #menus = new Map();
  #trouble = el('p', { class: 'field-error', role: 'alert', hidden: true });
  #hint = el('p', { class: 'hint', hidden: true }, t('The names appear when the browser may use microphone or camera.'));

  /**
   * @param {HTMLElement} root
   * @param {import('./own-sources.js').OwnSources} sources
   * @param {(speaker: string) => void} hearAt called with the loudspeaker that is to be used, "" for the usual one
   */
  constructor(root, sources, hearAt) {
    this.sources = sources;
    this.hearAt = hearAt;
    for (const kind of KINDS) {
      if (kind === 'speaker' && !canChooseSpeaker()) continue;
      const select = el('select', { id: `now-${kind}` });
      select.addEventListener('change', () => void this.#choose(kind, select.value));
      this.#menus.set(kind, select);
      const name = { microphone: t('Microphone'), camera: t('Camera'), speaker: t('Loudspeaker') }[kind];
      root.append(el('div', { class: 'field' }, el('label', { for: select.id }, name), select));
    }
    root.append(this.#hint, this.#trouble);
    hearAt(chosenSpeaker());
    navigator.mediaDevices?.addEventListener?.('devicechange', () => void this.#changed());
  }

  /** Show the devices that there are now, and which are used. */
  async show() {
    this.#say('');
    await this.#fill();
  }

  /** @param {Kind} kind @param {string} id */
  async #choose(kind, id) {
    this.#say('');
    if (kind === 'speaker') {
      chooseSpeaker(id);
      return this.hearAt(id);
    }
    const error = await this.sources.choose(kind, id);
    if (error) {
      const { title, remedy } = deviceTrouble(error.code, kind);
      this.#say(`${title}${t('. ')}${remedy}`);
    }
    await this.#fill();
  }

  async #changed() {
    const speakers = await list('speaker');
    const wanted = chosenSpeaker();
    // A loudspeaker that was pulled out falls silent: the usual one is used until it is back.
    this.hearAt(speakers.some((info) => info.deviceId === wanted) ? wanted : '');
    await this.#fill();
  }

  async #fill() {
    let named = false;
    for (const [kind, select] of this.#menus) {
      const found = await list(kind);
      named ||= found.some((info) => info.label !== '');
      const current = kind === 'speaker' ? chosenSpeaker() : this.sources.devices.track(kind)?.getSettings().deviceId ?? chosen(kind);
      const known = found.some((info) => info.deviceId === current);
      const choices = found.map((info) => el('option', { value: info.deviceId, selected: info.deviceId === current }, info.label || t('Unnamed device')));
      if (found.length === 0) choices.push(el('option', { value: '' }, kind === 'speaker' ? t('The usual loudspeaker') : t('None found')));
      else if (!known) choices.unshift(el('option', { value: '', selected: true }, t('The usual one')));
      fill(select, ...choices);
      select.value = known ? current : '';
      select.disabled = found.length === 0;
    }
    this.#hint.hidden = named;
  }

  /** @param {string} text */
  #say(text) {
    this.#trouble.hidden = text === '';
    fill(this.#trouble, text !== '' && icon('alert', 18), text);
  }
}
