// How long to wait before something is tried again. Knows no DOM.

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 4_000;

/** Waits between tries: doubled after each failure, short again after a success. */
export class Backoff {
  #wait_ms = FIRST_RETRY_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  succeeded() {
    this.#wait_ms = FIRST_RETRY_MS;
  }

  /** @param {() => void} again */
  later(again) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(again, this.#wait_ms);
    this.#wait_ms = Math.min(this.#wait_ms * 2, LONGEST_RETRY_MS);
  }

  cancel() {
    clearTimeout(this.#timer);
  }
}
