// A line on which only the server speaks (dispatch/web/console/lines.py): comes back by itself without end, since a screen stands where
// nobody can press a button. Knows no DOM.

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 3_000;
/** The server says something at least each 5 s; a line silent for longer is dead. */
const SILENCE_LIMIT_MS = 12_000;
const UNAUTHORISED = 4401;
const NOT_FOUND = 4404;

/** @template M what the server says, by its `type` */
export class TellingLine {
  /** @type {WebSocket | null} */
  #socket = null;
  #retry_ms = FIRST_RETRY_MS;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;

  /**
   * @param {() => string} path of the WebSocket, asked at each connection
   * @param {(message: M) => void} onMessage
   * @param {(open: boolean) => void} onLink
   * @param {() => void} [onRefused] the sign-in is good no longer, or what it tells of is there no more
   */
  constructor(path, onMessage, onLink, onRefused = () => {}) {
    this.path = path;
    this.onMessage = onMessage;
    this.onLink = onLink;
    this.onRefused = onRefused;
  }

  open() {
    const url = new URL(this.path(), location.href);
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
    this.#drop();
  }

  #drop() {
    clearTimeout(this.#watch);
    if (this.#socket) this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #lost() {
    this.#drop();
    if (this.#closed) return;
    this.onLink(false);
    setTimeout(() => this.#closed || this.open(), this.#retry_ms);
    this.#retry_ms = Math.min(this.#retry_ms * 2, LONGEST_RETRY_MS);
  }

  #heard() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lost(), SILENCE_LIMIT_MS);
  }
}
