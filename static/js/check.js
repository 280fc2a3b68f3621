// The device check of a citizen: camera, microphone, speaker, network, one after another, each with cause and remedy.

import { DeviceError, Devices, missing } from './devices.js';
import { t } from './i18n.js';
import { audioContext, LevelMeter } from './levels.js';
import { loopBack } from './loop-back.js';
import { el, fill, find, icon, say } from './markup.js';
import { pageData, send } from './page.js';
import { deviceTrouble, pathTrouble } from './troubles.js';

/** @typedef {'camera' | 'microphone' | 'speaker' | 'network'} Part */
/** @typedef {'idle' | 'running' | 'ok' | 'warning' | 'failed'} State */
/** @typedef {{ok: boolean, code: string, label: string}} DeviceResult */

const PARTS = /** @type {const} */ (['camera', 'microphone', 'speaker', 'network']);
/** Level, 0 to 1, that counts as a voice, and at how many looks it has to be there: a click alone is no voice. */
const VOICE = 0.3;
const LOOKS = 4;
const LOOK_EVERY_MS = 60;
const SILENCE_LIMIT_MS = 15_000;

class DeviceCheck extends HTMLElement {
  /** @type {Devices} */
  devices = new Devices();
  /** @type {Record<Part, any>} */
  results = { camera: null, microphone: null, speaker: null, network: null };
  /** Ends the waiting of a step that is being left. @type {AbortController} */
  #run = new AbortController();
  /** @type {{base: string, next: string, sitting: string}} */
  #data = pageData();

  connectedCallback() {
    const why = missing();
    if (why) return location.replace(`${this.dataset.unsupported}?why=${why}`);
    find(this, '[data-part="start"]').addEventListener('click', () => void this.#start());
    find(this, '[data-part="again"]').addEventListener('click', () => void this.#start());
    addEventListener('pagehide', () => this.devices.closeAll());
  }

  async #start() {
    this.#run.abort();
    this.#run = new AbortController();
    const { signal } = this.#run;
    audioContext();
    find(this, '[data-part="start"]').hidden = true;
    find(this, '[data-part="done"]').hidden = true;
    find(this, '[data-part="list"]').hidden = false;
    for (const part of PARTS) {
      this.results[part] = null;
      this.#state(part, 'idle', '');
      this.#body(part).hidden = true;
    }
    for (const part of PARTS) {
      await this.#step(part);
      if (signal.aborted) return;
    }
    await this.#finish();
  }

  /** @param {Part} part */
  async #step(part) {
    this.#state(part, 'running', t('checking…'));
    this.#row(part).scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    switch (part) {
      case 'camera':
        return this.#camera();
      case 'microphone':
        return this.#microphone();
      case 'speaker':
        return this.#speaker();
      case 'network':
        return this.#network();
    }
  }

  async #camera() {
    const track = await this.#open('camera');
    if (!track) return;
    const video = el('video', { class: 'check-picture', playsinline: true, autoplay: true, 'aria-label': t('Your own picture') });
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    this.#show('camera', video);
    await video.play().catch(() => {});
    this.results.camera = { ok: true, code: '', label: track.label.slice(0, 120) };
    this.#state('camera', 'ok', t('works'));
  }

  async #microphone() {
    const track = await this.#open('microphone');
    if (!track) return;
    const bar = el('span', { class: 'check-level', 'aria-hidden': 'true' }, el('i'));
    const hint = el('p', {}, t('Please say a few words, for example your name.'));
    const skip = el('button', { class: 'button', type: 'button' }, t('The bar does not move'));
    this.#show('microphone', hint, bar, skip);
    const heard = await this.#listen(track, bar, skip);
    if (this.#run.signal.aborted) return;
    skip.remove();
    if (!heard) return this.#fail('microphone', { title: t('Nothing was heard'), remedy: t('Speak louder, check that the microphone is not switched off, or choose another one, then try again.') }, 'silent', track.label);
    say(hint, t('You are heard well.'));
    this.results.microphone = { ok: true, code: '', label: track.label.slice(0, 120) };
    this.#state('microphone', 'ok', t('works'));
  }

  /**
   * Until a voice is heard, the person gives up, or time runs out. The bar goes on moving afterwards.
   * @param {MediaStreamTrack} track
   * @param {HTMLElement} bar
   * @param {HTMLElement} skip
   * @returns {Promise<boolean>}
   */
  #listen(track, bar, skip) {
    const meter = new LevelMeter(track);
    const { signal } = this.#run;
    return new Promise((resolve) => {
      let looks = 0;
      const limit = setTimeout(() => resolve(false), SILENCE_LIMIT_MS);
      const timer = setInterval(() => {
        const level = meter.level();
        bar.style.setProperty('--level', level.toFixed(2));
        if (level > VOICE) looks += 1;
        if (looks >= LOOKS) resolve(true);
        if (track.readyState === 'ended' || signal.aborted) {
          clearInterval(timer);
          clearTimeout(limit);
          meter.close();
          resolve(false);
        }
      }, LOOK_EVERY_MS);
      skip.addEventListener('click', () => resolve(false));
    });
  }

  async #speaker() {
    const play = el('button', { class: 'button', type: 'button' }, icon('play', 18), t('Play the sound again'));
    const yes = el('button', { class: 'button button-primary', type: 'button' }, t('Yes, I heard it'));
    const no = el('button', { class: 'button', type: 'button' }, t('No'));
    const question = el('p', { class: 'strong' }, t('Three notes are being played. Did you hear them?'));
    const answers = el('div', { class: 'row' }, yes, no, play);
    this.#show('speaker', question, answers);
    play.addEventListener('click', notes);
    notes();
    yes.focus({ preventScroll: true });
    const heard = await new Promise((resolve) => {
      yes.addEventListener('click', () => resolve(true));
      no.addEventListener('click', () => resolve(false));
      this.#run.signal.addEventListener('abort', () => resolve(null));
    });
    if (heard === null) return;
    if (!heard) return this.#fail('speaker', { title: t('You did not hear the sound'), remedy: t('Turn the volume up, switch the silent mode off, pull out or charge your headphones, then try again.') }, 'not_heard', '');
    this.results.speaker = { ok: true, code: '', label: '' };
    this.#show('speaker', el('p', {}, t('You hear what comes back.')));
    this.#state('speaker', 'ok', t('works'));
  }

  async #network() {
    this.#show('network', el('p', {}, t('Sending picture and sound there and back…')));
    const own = [this.devices.track('microphone'), this.devices.track('camera')].filter((track) => track !== null);
    const spare = own.length === 0 ? standIn() : null;
    const result = await loopBack(spare ? [spare] : own, (what, body) => send(`${this.#data.base}/${what}`, body)).catch(() => ({ ok: false, code: /** @type {const} */ ('no_answer'), rtt_ms: 0, lost_percent: 0, frames: 0, relay: /** @type {const} */ ('') }));
    spare?.stop();
    if (this.#run.signal.aborted) return;
    this.results.network = result;
    const measured = t('Delay {ms} ms, loss {percent} %', { ms: Math.round(result.rtt_ms), percent: result.lost_percent.toFixed(1) });
    const figures = result.relay ? `${measured} · ${t("through the site's relay ({way})", { way: result.relay.toUpperCase() })}` : measured;
    if (!result.ok) return this.#complain('network', pathTrouble(result.code || 'no_answer'));
    if (result.code === 'slow') {
      const { title, remedy } = pathTrouble('slow');
      this.#show('network', el('p', { class: 'strong' }, title), el('p', {}, remedy), el('p', { class: 'muted small' }, figures), this.#again('network'));
      return this.#state('network', 'warning', t('weak'));
    }
    this.#show('network', el('p', {}, t('Picture and sound get through and come back.')), el('p', { class: 'muted small' }, figures));
    this.#state('network', 'ok', t('works'));
  }

  /** @param {'camera' | 'microphone'} device */
  async #open(device) {
    this.#show(device, el('p', {}, device === 'camera' ? t('The browser asks whether this page may use your camera. Please allow it.') : t('The browser asks whether this page may use your microphone. Please allow it.')));
    this.devices.close(device);
    try {
      return await this.devices.open(device);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (!this.#run.signal.aborted) this.#fail(device, deviceTrouble(error.code, device), error.code, '');
      return null;
    }
  }

  /**
   * @param {Part} part
   * @param {import('./troubles.js').Trouble} trouble
   * @param {string} code
   * @param {string} label
   */
  #fail(part, trouble, code, label) {
    this.results[part] = { ok: false, code, label: label.slice(0, 120) };
    this.#complain(part, trouble);
  }

  /** @param {Part} part @param {import('./troubles.js').Trouble} trouble */
  #complain(part, { title, remedy }) {
    this.#show(part, el('p', { class: 'strong' }, title), el('p', {}, remedy), this.#again(part));
    this.#state(part, 'failed', t('does not work'));
  }

  /** A button that repeats one step, and the path with it when a device has changed. @param {Part} part */
  #again(part) {
    const button = el('button', { class: 'button button-primary', type: 'button' }, icon('refresh', 18), t('Try again'));
    button.addEventListener('click', async () => {
      find(this, '[data-part="done"]').hidden = true;
      await this.#step(part);
      if (this.results.network !== null) await this.#finish();
    });
    return button;
  }

  async #finish() {
    if (PARTS.some((part) => this.results[part] === null)) return;
    const failed = PARTS.filter((part) => !this.results[part].ok);
    const verdict = find(this, '[data-part="verdict"]');
    verdict.className = `notice ${failed.length === 0 ? 'notice-well' : 'notice-warning'}`;
    const kept = await send(`${this.#data.base}/result`, this.results);
    const text = failed.length === 0 ? t('Everything works.') : t('Something does not work yet. Try again above, or call the clerk. You can go on, and the clerk sees what is missing.');
    fill(verdict, icon(failed.length === 0 ? 'check-circle' : 'alert'), el('p', {}, text, kept.ok ? '' : ` ${t('The result could not be kept; the clerk does not see it.')}`));
    const next = find(this, '[data-part="next"]');
    next.classList.toggle('button-primary', failed.length === 0);
    find(this, '[data-part="done"]').hidden = false;
    verdict.scrollIntoView({ block: 'center', behavior: 'smooth' });
    (failed.length === 0 ? next : verdict).focus({ preventScroll: true });
  }

  /** @param {Part} part */
  #row(part) {
    return find(this, `[data-check="${part}"]`);
  }

  /** @param {Part} part */
  #body(part) {
    return find(this.#row(part), '[data-part="body"]');
  }

  /** @param {Part} part @param {...Node} content */
  #show(part, ...content) {
    const body = this.#body(part);
    body.replaceChildren(...content);
    body.hidden = false;
  }

  /** @param {Part} part @param {State} state @param {string} text */
  #state(part, state, text) {
    const row = this.#row(part);
    row.dataset.state = state;
    const sign = { idle: null, running: null, ok: 'check-circle', warning: 'alert', failed: 'cross-circle' }[state];
    fill(find(row, '[data-part="state"]'), sign && icon(sign), text);
  }
}

/** Three notes upwards, quiet and clear. */
function notes() {
  const context = audioContext();
  [523.25, 659.25, 783.99].forEach((frequency, index) => {
    const start = context.currentTime + 0.1 + index * 0.45;
    const tone = new OscillatorNode(context, { type: 'triangle', frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.4, start + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.42);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.45);
  });
}

/** A moving picture in place of a camera that there is not, so that the path can be proven all the same. */
function standIn() {
  const canvas = el('canvas', { width: 320, height: 180 });
  const context = canvas.getContext('2d');
  const track = canvas.captureStream(20).getVideoTracks()[0];
  if (!track || !context) throw new Error('this browser draws no picture');
  const timer = setInterval(() => {
    if (track.readyState === 'ended') clearInterval(timer);
    context.fillStyle = `hsl(${performance.now() / 20} 60% 50%)`;
    context.fillRect(0, 0, 320, 180);
  }, 50);
  return track;
}

customElements.define('device-check', DeviceCheck);
