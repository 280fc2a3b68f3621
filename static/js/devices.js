// Microphone and camera of this computer: opening, choosing, closing, and why it did not work. Knows no DOM.

/** @typedef {'microphone' | 'camera'} Device */
/**
 * Why a device did not open. Each has its cause and remedy in words (troubles.js).
 * @typedef {'insecure' | 'unsupported' | 'denied' | 'denied_by_system' | 'not_found' | 'in_use' | 'lost' | 'failed'} DeviceTrouble
 */

export class DeviceError extends Error {
  /**
   * @param {DeviceTrouble} code
   * @param {Device} device
   * @param {string} detail the browser's own words, for the clerk's technician
   */
  constructor(code, device, detail) {
    super(detail || code);
    this.code = code;
    this.device = device;
    this.detail = detail;
  }
}

/** @type {Record<string, DeviceTrouble>} */
const CODES = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'not_found',
  DevicesNotFoundError: 'not_found',
  OverconstrainedError: 'not_found',
  NotReadableError: 'in_use',
  TrackStartError: 'in_use',
  AbortError: 'in_use',
};

/** @param {Device} device */
const chosenKey = (device) => `device.${device}`;

/**
 * The device a person chose last on this computer, or "".
 * @param {Device} device
 */
export function chosen(device) {
  try {
    return localStorage.getItem(chosenKey(device)) ?? '';
  } catch {
    return '';
  }
}

/**
 * @param {Device} device
 * @param {string} id
 */
export function choose(device, id) {
  try {
    localStorage.setItem(chosenKey(device), id);
  } catch {
    // Private windows may keep nothing; the choice then lasts as long as the page.
  }
}

/**
 * The devices of this computer, with names once one has been opened.
 * @param {Device | 'speaker'} device
 * @returns {Promise<MediaDeviceInfo[]>}
 */
export async function list(device) {
  const kind = { microphone: 'audioinput', camera: 'videoinput', speaker: 'audiooutput' }[device];
  const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return found.filter((info) => info.kind === kind && info.deviceId !== '');
}

/** Whether this browser can take part at all; the missing part where not. */
export function missing() {
  if (!globalThis.isSecureContext) return 'insecure';
  if (typeof RTCPeerConnection === 'undefined' || !navigator.mediaDevices?.getUserMedia) return 'unsupported';
  if (!('replaceTrack' in RTCRtpSender.prototype) || typeof WebSocket === 'undefined') return 'unsupported';
  return null;
}

/**
 * Open a device. The one chosen last is taken if it is still there, otherwise the computer's default.
 * @param {Device} device
 * @param {string} [id]
 * @returns {Promise<MediaStreamTrack>}
 * @throws {DeviceError}
 */
export async function open(device, id = chosen(device)) {
  const cannot = missing();
  if (cannot) throw new DeviceError(cannot, device, '');
  try {
    return await request(device, id);
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (id && (name === 'OverconstrainedError' || name === 'NotFoundError')) return open(device, '');
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const code = name === 'NotAllowedError' && /system/i.test(detail) ? 'denied_by_system' : CODES[name] ?? 'failed';
    throw new DeviceError(code, device, detail);
  }
}

/**
 * @param {Device} device
 * @param {string} id
 */
async function request(device, id) {
  const which = id ? { deviceId: { exact: id } } : {};
  const stream = await navigator.mediaDevices.getUserMedia(
    device === 'microphone'
      ? { audio: { ...which, echoCancellation: true, noiseSuppression: true, autoGainControl: true } }
      : { video: { ...which, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } } },
  );
  const track = stream.getTracks()[0];
  if (!track) throw new DOMException('the browser gave no track', 'NotFoundError');
  track.contentHint = device === 'microphone' ? 'speech' : '';
  return track;
}

/** The devices a page holds open. Closing one ends its track, so that the camera's light goes out. */
export class Devices {
  /** @type {Map<Device, MediaStreamTrack>} */
  #open = new Map();
  /** Openings that are under way, by device: a second press waits for the first. @type {Map<Device, Promise<MediaStreamTrack>>} */
  #opening = new Map();
  /** Closed while it was still being opened. @type {Set<Device>} */
  #unwanted = new Set();
  /** Called when a device was pulled out. @type {(device: Device) => void} */
  onlost = () => {};

  /** @param {Device} device */
  track(device) {
    return this.#open.get(device) ?? null;
  }

  /**
   * @param {Device} device
   * @param {string} [id] another device than the one chosen last
   * @returns {Promise<MediaStreamTrack>}
   * @throws {DeviceError}
   */
  async open(device, id) {
    this.#unwanted.delete(device);
    const former = this.#open.get(device);
    if (former && id === undefined) return former;
    const pending = this.#opening.get(device);
    if (pending && id === undefined) return pending;
    const opening = former ? this.#exchange(device, id ?? '', former) : open(device, id);
    this.#opening.set(device, opening);
    try {
      const track = await opening;
      if (this.#unwanted.delete(device)) {
        track.stop();
        throw new DeviceError('lost', device, 'closed while it was being opened');
      }
      if (id !== undefined) choose(device, id);
      this.#opened(device, track);
      return track;
    } finally {
      if (this.#opening.get(device) === opening) this.#opening.delete(device);
    }
  }

  /**
   * Open another device while one is open. Telephones open one camera at a time: there the first is closed before, and opened again
   * when the other does not work.
   * @param {Device} device
   * @param {string} id
   * @param {MediaStreamTrack} former
   */
  async #exchange(device, id, former) {
    try {
      return await open(device, id);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== 'in_use') throw error;
      const back = former.getSettings().deviceId ?? '';
      this.#end(device);
      try {
        return await open(device, id);
      } catch {
        this.#opened(device, await open(device, back));
        throw error;
      }
    }
  }

  /** @param {Device} device @param {MediaStreamTrack} track */
  #opened(device, track) {
    this.#end(device);
    this.#open.set(device, track);
    track.onended = () => {
      if (this.#open.get(device) !== track) return;
      this.#open.delete(device);
      this.onlost(device);
    };
  }

  /** @param {Device} device */
  close(device) {
    if (this.#opening.has(device)) this.#unwanted.add(device);
    this.#end(device);
  }

  /** @param {Device} device */
  #end(device) {
    const track = this.#open.get(device);
    this.#open.delete(device);
    if (!track) return;
    track.onended = null;
    track.stop();
  }

  closeAll() {
    this.close('microphone');
    this.close('camera');
  }
}
