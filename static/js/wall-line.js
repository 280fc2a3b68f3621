// The line over which a wall says what it shows (dispatch/web/console/wall_lines.py), and the types of what it says. Comes back by itself
// without end: a screen stands where nobody can press a button.

/** @typedef {{sitting: string, participant: string}} Source A sitting, or one participant of it. */
/** @typedef {{column: number, row: number, width: number, height: number}} Cells A window: its first cell, and how many it covers. */
/** @typedef {{columns: number, rows: number, windows: Cells[]}} Layout */
/** @typedef {{sources: Source[], windows: number[], dwell_s: number, paused: boolean}} Patrol */
/** @typedef {{layout: Layout, sources: (Source | null)[], patrol: Patrol | null, heard: number | null}} Arrangement */
/** @typedef {{id: string, name: string, role: string, presence: string, picture: boolean}} Somebody */
/**
 * @typedef {object} Told A sitting as a tile shows it.
 * @property {string} id
 * @property {string} kind
 * @property {string} title
 * @property {string} case_number
 * @property {string} room
 * @property {string} status
 * @property {string} stage_text
 * @property {'critical' | 'warning' | 'none'} trouble
 * @property {boolean} observable
 * @property {'up' | 'away'} media
 * @property {string} alarm what the trouble is, in words
 * @property {boolean} recorded
 * @property {boolean} going
 * @property {Somebody[]} people
 */
/**
 * @typedef {object} WallMessage
 * @property {'wall'} type
 * @property {string} build of the server's pages
 * @property {number | null} number of the screen, null for an officer's own wall
 * @property {string} name
 * @property {Arrangement} arrangement
 * @property {(Source | null)[]} shown what each window shows now, whosever turn it is
 * @property {boolean[]} on of the patrol's sources
 * @property {Record<string, string>} answers who put each sitting there
 * @property {Told[]} sittings
 */
/** @typedef {{number: number, name: string, lit: number, signed_in: boolean, waits: boolean}} Screen */
/** @typedef {{id: string, name: string, key: string}} Preset */
/** @typedef {{type: 'room', screens: Screen[], presets: Preset[]}} RoomMessage */
/** @typedef {{type: 'sources', sources: Told[]}} SourcesMessage */
/** @typedef {WallMessage | RoomMessage | SourcesMessage} Message */

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 3_000;
/** The server says something at least each 5 s; a line silent for longer is dead. */
const SILENCE_LIMIT_MS = 12_000;
const UNAUTHORISED = 4401;
const NOT_FOUND = 4404;

export class WallLine {
  /** @type {WebSocket | null} */
  #socket = null;
  #retry_ms = FIRST_RETRY_MS;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;

  /**
   * @param {string} path of the WebSocket
   * @param {(message: Message) => void} onMessage
   * @param {(open: boolean) => void} onLink
   * @param {() => void} onRefused the sign-in is good no longer, or the screen is there no more
   */
  constructor(path, onMessage, onLink, onRefused) {
    this.path = path;
    this.onMessage = onMessage;
    this.onLink = onLink;
    this.onRefused = onRefused;
  }

  open() {
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#heard();
    socket.onmessage = (event) => {
      this.#heard();
      this.#retry_ms = FIRST_RETRY_MS;
      const message = JSON.parse(event.data);
      this.onLink(true);
      if (message.type !== 'alive') this.onMessage(message);
    };
    socket.onclose = (event) => {
      if (event.code === UNAUTHORISED || event.code === NOT_FOUND) this.onRefused();
      this.#lost();
    };
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#watch);
    if (this.#socket) this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #lost() {
    clearTimeout(this.#watch);
    if (this.#socket) this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    if (this.#closed) return;
    this.onLink(false);
    setTimeout(() => this.#closed || this.open(), this.#retry_ms);
    this.#retry_ms = Math.min(this.#retry_ms * 2, LONGEST_RETRY_MS);
  }

  #heard() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#socket?.close();
      this.#lost();
    }, SILENCE_LIMIT_MS);
  }
}
