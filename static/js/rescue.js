// A connection whose network went: first ICE is restarted on it (RFC 8445 section 9), which keeps keys, numbers and tiles; only if
// that does not help it is given up for a new one.

/** A pause that ends by itself is none of ours, ms. */
const PAUSE_MS = 1_500;
/** So long may a restart take, ms. */
const RESTART_LIMIT_MS = 4_000;

/** Watches one RTCPeerConnection after another. */
export class Rescue {
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  #restarted = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{restart: (pc: RTCPeerConnection) => boolean, give_up: () => void, connected: () => void}} acts `restart`: false where nothing
   *   can be asked just now; it is asked again by {@link look}
   */
  constructor(acts) {
    this.acts = acts;
  }

  /** @param {RTCPeerConnection} pc */
  watch(pc) {
    this.forget();
    this.#pc = pc;
    pc.onconnectionstatechange = () => this.look();
  }

  forget() {
    clearTimeout(this.#timer);
    this.#pc = null;
    this.#restarted = false;
  }

  /** See how it is, and help; call it too when something can be asked again. */
  look() {
    const pc = this.#pc;
    if (pc === null) return;
    if (pc.connectionState === 'connected') {
      clearTimeout(this.#timer);
      this.#restarted = false;
      this.acts.connected();
    } else if (pc.connectionState === 'failed') {
      this.hurry();
    } else if (pc.connectionState === 'disconnected' && !this.#restarted) {
      this.#later(PAUSE_MS, () => this.hurry());
    }
  }

  /** The network is another one: restart at once what is up, or was. */
  hurry() {
    const pc = this.#pc;
    if (pc === null || pc.connectionState === 'new' || pc.connectionState === 'closed') return;
    if (this.#restarted) {
      if (pc.connectionState === 'failed') this.acts.give_up();
      return;
    }
    if (!this.acts.restart(pc)) return;
    this.#restarted = true;
    this.#later(RESTART_LIMIT_MS, () => {
      this.#restarted = false;
      if (pc.connectionState !== 'connected') this.acts.give_up();
    });
  }

  /** @param {number} wait_ms @param {() => void} act */
  #later(wait_ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, wait_ms);
  }
}

/**
 * Call `act` when this computer has a network again, or another one (a phone says which kind: Wi-Fi, cellular).
 * @param {() => void} act
 */
export function onNetworkChange(act) {
  addEventListener('online', act);
  /** @type {any} */
  const network = /** @type {any} */ (navigator).connection;
  let kind = network?.type;
  network?.addEventListener?.('change', () => {
    if (network.type === kind) return; // only another estimate of how fast it is
    kind = network.type;
    act();
  });
}
