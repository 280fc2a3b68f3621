// The bell of a roll-call, at a room's device and on the phone of somebody in the field: it rings until "present" is pressed.

import { t } from './i18n.js';
import { el, fill, find } from './markup.js';
import { announce, toast } from './page.js';

const EVERY_MS = 2_000;
const TONE_HZ = 880;
const TONE_S = 0.35;

class CallBell extends HTMLElement {
  #call = '';
  #csrf = '';
  #busy = false;
  /** Where the focus came from, to go back to. @type {EventTarget | null} */
  #from = null;
  /** @type {AudioContext | null} */
  #sound = null;

  connectedCallback() {
    this.addEventListener('focusin', (event) => (this.#from = event.relatedTarget));
    this.hidden = true;
    void this.#ask();
    setInterval(() => void this.#ask(), EVERY_MS);
  }

  /** Where it asks and answers: /device or /field. */
  get path() {
    return `/${this.dataset.end ?? 'device'}/roll-call`;
  }

  async #ask() {
    try {
      const response = await fetch(this.path, { headers: { Accept: 'application/json' } });
      if (!response.ok) return;
      const { call, csrf } = await response.json();
      this.#csrf = csrf;
      this.#show(call);
    } catch { /* no connection: it asks again */ }
  }

  /** @param {{id: string, name: string, late: boolean} | null} call */
  #show(call) {
    const held = this.contains(document.activeElement);
    this.hidden = call === null;
    if (call === null) {
      this.#call = '';
      const back = this.#from instanceof HTMLElement && this.#from.isConnected ? this.#from : document.getElementById('main');
      if (held) back?.focus({ preventScroll: true });
      return;
    }
    // In a hearing it is shown and not heard: its tone would be on record.
    if (!call.late && !this.hasAttribute('data-silent')) this.#ring();
    const title = call.late ? t('You were called and have not answered yet') : t('The command centre calls you');
    const key = `${call.id}/${call.late}`;
    if (key === this.#call) return;
    this.#call = key;
    fill(this, el('div', { class: 'call-bell', role: 'alert' }, el('p', {}, el('b', {}, title), el('br', {}), call.name), el('button', { type: 'button', class: 'button button-primary button-large' }, t('roll_call.answer'))));
    find(this, 'button').addEventListener('click', () => void this.#answer(call.id));
    announce(title);
  }

  /** @param {string} id */
  async #answer(id) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const response = await fetch(`${this.path}/${id}`, { method: 'POST', headers: { 'X-CSRF-Token': this.#csrf, Accept: 'application/json' } });
      if (response.ok) {
        toast(t('Your answer has arrived'));
        this.#show(null);
      } else toast((await response.json()).title);
    } catch {
      toast(t('The server does not answer. Check the network and try again.'));
    }
    this.#busy = false;
  }

  /** A short tone, where the browser lets a page sound that nobody has touched yet. */
  #ring() {
    try {
      this.#sound ??= new AudioContext();
      if (this.#sound.state !== 'running') return void this.#sound.resume().catch(() => {});
      const tone = this.#sound.createOscillator();
      const gain = this.#sound.createGain();
      gain.gain.value = 0.15;
      tone.frequency.value = TONE_HZ;
      tone.connect(gain).connect(this.#sound.destination);
      tone.start();
      tone.stop(this.#sound.currentTime + TONE_S);
    } catch { /* no sound output: the page shows it */ }
  }
}

customElements.define('call-bell', CallBell);
