// One's own microphone and camera: what the person wants, what the server says is on, what the devices do. Knows no DOM.
//
// Inside the sitting the server's word decides: a source that is not on there is not captured here, and its sender has no
// track, so that silence is no promise but the absence of packets. A device is opened only by an act of its owner.

import { choose, DeviceError } from './devices.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./devices.js').Device} Device */
/** @typedef {'on' | 'opening' | 'off' | 'muted' | 'unavailable'} Condition */

const DEVICES = /** @type {const} */ (['microphone', 'camera']);

export class OwnSources {
  /** What the person chose before being let in. @type {Record<Device, boolean>} */
  wanted = { microphone: false, camera: false };
  /** @type {Record<Device, Condition>} */
  condition = { microphone: 'off', camera: 'off' };
  /** The picture of the waiting room is kept while its owner is still being told that he is let in. */
  held = false;
  /** Sent to the server, not yet seen in a state; by the `ref` of the message. @type {Map<Device, number>} */
  #asked = new Map();
  /** @type {View | null} */
  #view = null;
  #opening = new Set();

  /**
   * @param {import('./protocol.js').Connection} connection
   * @param {import('./media.js').Media} media
   * @param {import('./devices.js').Devices} devices
   * @param {{onchange: () => void, ontrouble: (error: DeviceError) => void, onreplaced: (device: Device, label: string) => void}} listeners
   * `onreplaced`: a device was pulled out, and the one of this name is used in its place
   */
  constructor(connection, media, devices, { onchange, ontrouble, onreplaced }) {
    this.connection = connection;
    this.media = media;
    this.devices = devices;
    this.onchange = onchange;
    this.ontrouble = ontrouble;
    this.onreplaced = onreplaced;
    connection.on('state', ({ view }) => this.#follow(view));
    connection.on('error', ({ ref }) => {
      for (const [device, asked] of this.#asked) {
        if (asked !== ref) continue;
        this.#asked.delete(device);
        this.#settle(device);
      }
    });
    connection.on('link', (link) => {
      if (link !== 'open') this.#asked.clear();
    });
    devices.onlost = (device) => void this.#replace(device);
  }

  /** Whether the person is in the sitting, where the server's word decides. */
  get inside() {
    return this.#view?.place === 'inside';
  }

  /**
   * Switch a source, by its owner's hand.
   * @param {Device} device
   * @param {boolean} [on]
   */
  async switch(device, on = !(this.condition[device] === 'on' || this.condition[device] === 'opening')) {
    if (!on) return this.#off(device);
    if (this.inside && (this.condition[device] === 'muted' || this.condition[device] === 'unavailable')) return;
    if (!(await this.#open(device))) return this.#show(); // it is not being opened any more
    if (this.inside) this.#ask(device);
    this.wanted[device] = true;
    this.#show();
  }

  /**
   * Take another microphone or camera of this computer: at once if it is open, with the next switching on if it is not.
   * @param {Device} device
   * @param {string} id
   * @returns {Promise<DeviceError | null>} why it was not taken; the one that was open goes on
   */
  async choose(device, id) {
    if (this.devices.track(device) === null) {
      choose(device, id);
      return null;
    }
    try {
      await this.devices.open(device, id);
      return null;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      return error;
    } finally {
      const track = this.devices.track(device);
      if (track && this.#serverOn(device)) await this.media.set(device, track);
      this.#show();
    }
  }

  /**
   * The device was pulled out while it was open: its owner wants to be heard and seen, so another one takes its place.
   * @param {Device} device
   */
  async #replace(device) {
    void this.media.set(device, null);
    this.#opening.add(device);
    const track = await this.devices.open(device).catch(() => null);
    this.#opening.delete(device);
    if (track) {
      if (this.#serverOn(device)) await this.media.set(device, track);
      this.onreplaced(device, track.label);
      this.#show();
    } else {
      this.#off(device);
      this.ontrouble(new DeviceError('lost', device, ''));
    }
  }

  /** Open to the court what the person chose while waiting; close there what he did not. */
  enter() {
    for (const device of DEVICES) {
      const on = this.wanted[device];
      const allowed = this.#mine(device).every((source) => source.allowed);
      if (on && allowed) this.#ask(device);
      else if (!on && this.#serverOn(device)) this.connection.send({ type: 'source', source: device, on: false });
    }
    this.#show();
  }

  /**
   * Ask the server to hold a source open. What is wanted and open already is not asked for: nothing would change, so no state would tell
   * of it. What its owner has just closed is, although the last state still has it open.
   * @param {Device} device
   */
  #ask(device) {
    if (this.wanted[device] && this.#serverOn(device)) return;
    const ref = this.connection.send({ type: 'source', source: device, on: true });
    if (ref !== 0) this.#asked.set(device, ref);
  }

  /** @param {Device} device */
  #off(device) {
    this.wanted[device] = false;
    this.#asked.delete(device);
    // At once, whatever the server says: closing needs nobody's leave.
    void this.media.set(device, null);
    this.devices.close(device);
    this.connection.send({ type: 'source', source: device, on: false });
    this.#show();
  }

  /** @param {View} view */
  #follow(view) {
    const was = this.#view?.place;
    this.#view = view;
    if (was === 'inside' && view.place !== 'inside') {
      for (const device of DEVICES) if (this.#mine(device).some((source) => source.on) || this.devices.track(device)) this.#off(device);
    }
    for (const device of DEVICES) this.#settle(device);
    this.#show();
  }

  /**
   * Make the device what the server says.
   * @param {Device} device
   */
  #settle(device) {
    if (!this.inside) return;
    // Whoever may not open it any more waits for nothing: it is not open by itself when he may again.
    if (!this.#mayOpen(device)) this.#asked.delete(device);
    if (this.#serverOn(device)) {
      this.#asked.delete(device);
      const track = this.devices.track(device);
      if (track) void this.media.set(device, track);
      else if (!this.#opening.has(device)) void this.#resume(device);
    } else if (!this.#asked.has(device) && !this.#opening.has(device) && !this.held) {
      void this.media.set(device, null);
      this.devices.close(device);
    }
  }

  /**
   * The server holds the source open, from before this page was loaded: open the device again.
   * @param {Device} device
   */
  async #resume(device) {
    if (await this.#open(device)) this.#settle(device);
    else this.connection.send({ type: 'source', source: device, on: false });
    this.#show();
  }

  /** @param {Device} device */
  async #open(device) {
    this.#opening.add(device);
    this.#show();
    try {
      await this.devices.open(device);
      return true;
    } catch (error) {
      this.#trouble(error);
      return false;
    } finally {
      this.#opening.delete(device);
    }
  }

  /** @param {unknown} error */
  #trouble(error) {
    if (!(error instanceof DeviceError)) throw error;
    if (error.code === 'lost') return;
    this.wanted[error.device] = false;
    this.ontrouble(error);
  }

  /** @param {Device} device */
  #mine(device) {
    const mine = this.#view?.participants.filter((participant) => participant.you) ?? [];
    return mine.map((participant) => participant.sources[device]).filter((source) => source !== undefined);
  }

  /** @param {Device} device */
  #mayOpen(device) {
    const mine = this.#mine(device);
    return mine.length > 0 && mine.every((source) => source.allowed && !source.muted_by_chair);
  }

  /** @param {Device} device */
  #serverOn(device) {
    return this.inside && this.#mayOpen(device) && this.#mine(device).every((source) => source.on);
  }

  #show() {
    for (const device of DEVICES) this.condition[device] = this.#conditionOf(device);
    this.onchange();
  }

  /** @param {Device} device @returns {Condition} */
  #conditionOf(device) {
    if (!this.inside) return this.#opening.has(device) ? 'opening' : this.devices.track(device) ? 'on' : 'off';
    const mine = this.#mine(device);
    if (mine.some((source) => source.muted_by_chair)) return 'muted';
    if (mine.length === 0 || mine.some((source) => !source.allowed)) return 'unavailable';
    if (this.#opening.has(device) || this.#asked.has(device)) return 'opening';
    return this.#serverOn(device) ? 'on' : 'off';
  }
}
