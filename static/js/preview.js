// One's own picture and level before entering, with the switches and the choice of devices.

import { t } from './i18n.js';
import { LevelMeter } from './levels.js';
import { list } from './devices.js';
import { el, icon } from './markup.js';

/** @typedef {import('./devices.js').Device} Device */
/** @typedef {import('./own-sources.js').OwnSources} OwnSources */

export class OwnPreview extends HTMLElement {
  /** @type {OwnSources | null} */
  sources = null;
  #video = el('video', { playsinline: true, autoplay: true, muted: true, 'aria-label': t('Your own picture') });
  #cover = el('div', { class: 'preview-cover' }, icon('camera-off', 36), el('span', {}, t('Your camera is off')));
  #level = el('span', { class: 'preview-level', 'aria-hidden': 'true' }, el('i'));
  #microphone = switchButton();
  #camera = switchButton();
  #menus = { microphone: deviceMenu('microphone'), camera: deviceMenu('camera') };

  connectedCallback() {
    if (this.firstChild) return;
    this.#video.muted = true;
    const picture = el('div', { class: 'preview-picture' }, this.#video, this.#cover, this.#level);
    const switches = el('div', { class: 'preview-switches' }, this.#microphone, this.#camera);
    const choices = el('details', { class: 'preview-choices' }, el('summary', {}, icon('settings', 18), t('Choose microphone and camera')), el('div', { class: 'fields' }, this.#menus.microphone.field, this.#menus.camera.field));
    this.append(picture, switches, choices);
    this.#microphone.addEventListener('click', () => void this.sources?.switch('microphone'));
    this.#camera.addEventListener('click', () => void this.sources?.switch('camera'));
    for (const device of /** @type {const} */ (['microphone', 'camera'])) {
      const menu = this.#menus[device].select;
      menu.addEventListener('change', () => void this.#choose(device, menu.value));
    }
    choices.addEventListener('toggle', () => void this.#fillMenus());
    navigator.mediaDevices?.addEventListener?.('devicechange', () => void this.#fillMenus());
  }

  /** Show what is open now. */
  show() {
    if (!this.sources) return;
    const { condition, devices } = this.sources;
    const camera = devices.track('camera');
    if (camera === null) this.#video.srcObject = null;
    else if (!(this.#video.srcObject instanceof MediaStream) || this.#video.srcObject.getTracks()[0] !== camera) {
      this.#video.srcObject = new MediaStream([camera]);
      void this.#video.play().catch(() => {});
    }
    this.#cover.hidden = camera !== null;
    dress(this.#microphone, condition.microphone, ['mic', 'mic-off'], [t('Mic is on'), t('Mic is off')]);
    dress(this.#camera, condition.camera, ['camera', 'camera-off'], [t('Camera is on'), t('Camera is off')]);
  }

  /** @param {number} level 0 to 1 */
  level(level) {
    this.#level.style.setProperty('--level', level.toFixed(2));
  }

  /** @param {Device} device @param {string} id */
  async #choose(device, id) {
    const error = await this.sources?.choose(device, id);
    if (!error) return;
    this.sources?.ontrouble(error);
    await this.#fillMenus();
  }

  async #fillMenus() {
    for (const device of /** @type {const} */ (['microphone', 'camera'])) {
      const { select } = this.#menus[device];
      const found = await list(device);
      const current = this.sources?.devices.track(device)?.getSettings().deviceId ?? '';
      select.replaceChildren(...found.map((info) => el('option', { value: info.deviceId, selected: info.deviceId === current }, info.label || t('Unnamed device'))));
      select.disabled = found.length === 0;
      if (found.length === 0) select.append(el('option', { value: '' }, t('Switch it on first')));
    }
  }
}

/** Keeps a meter for the microphone that is open, if any. */
export class OwnLevel {
  /** @type {LevelMeter | null} */
  #meter = null;

  /** @param {MediaStreamTrack | null} track @returns {number} */
  of(track) {
    if (this.#meter && this.#meter.track !== track) {
      this.#meter.close();
      this.#meter = null;
    }
    if (track && !this.#meter) this.#meter = new LevelMeter(track);
    return this.#meter ? this.#meter.level() : 0;
  }
}

function switchButton() {
  return el('button', { class: 'button switch', type: 'button' });
}

/** @param {Device} device */
function deviceMenu(device) {
  const id = `choose-${device}`;
  const select = el('select', { id });
  return { select, field: el('div', { class: 'field' }, el('label', { for: id }, device === 'microphone' ? t('Microphone') : t('Camera')), select) };
}

/**
 * @param {HTMLButtonElement} button
 * @param {import('./own-sources.js').Condition} condition
 * @param {[string, string]} icons on, off
 * @param {[string, string]} words on, off
 */
function dress(button, condition, icons, words) {
  const on = condition === 'on';
  if (button.dataset.condition === condition) return;
  button.dataset.condition = condition;
  button.setAttribute('aria-pressed', String(on));
  button.setAttribute('aria-busy', String(condition === 'opening'));
  button.replaceChildren(icon(icons[on ? 0 : 1]), words[on ? 0 : 1]);
}

customElements.define('own-preview', OwnPreview);
