// Tells the court how high each picture of others stands on this page, so that nobody sends a larger one than is seen.

import { keyOf } from './media.js';

/** @typedef {import('./protocol.js').Shown} Shown */
/** @typedef {import('./protocol.js').Source} Source */

/** Layouts change step by step: what is told is told at most so often, ms. */
const EVERY_MS = 250;

/** Watches the video elements of one page. */
export class Showing {
  /** @type {Map<Element, {endpoint: string, source: Source}>} */
  #pictures = new Map();
  /** Those that can be seen, of all that are watched. @type {Set<Element>} */
  #seen = new Set();
  #told = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #sizes = new ResizeObserver(() => this.#soon());
  #sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#seen.add(target);
      else this.#seen.delete(target);
    }
    this.#soon();
  });
  #hidden = () => this.#soon();

  /**
   * @param {import('./protocol.js').Connection} connection
   * @param {import('./media.js').Media} media
   */
  constructor(connection, media) {
    this.connection = connection;
    this.media = media;
    connection.on('welcome', () => {
      this.#told = '';
    });
    connection.on('state', () => this.#soon());
    document.addEventListener('visibilitychange', this.#hidden);
  }

  /**
   * These elements show these pictures now, and no others do.
   * @param {Map<Element, {endpoint: string, source: Source}>} pictures
   */
  show(pictures) {
    for (const element of this.#pictures.keys()) {
      if (pictures.has(element)) continue;
      this.#sizes.unobserve(element);
      this.#sight.unobserve(element);
      this.#seen.delete(element);
    }
    for (const element of pictures.keys()) {
      if (this.#pictures.has(element)) continue;
      this.#sizes.observe(element);
      this.#sight.observe(element);
    }
    this.#pictures = new Map(pictures);
    this.#soon();
  }

  close() {
    clearTimeout(this.#timer);
    this.#sizes.disconnect();
    this.#sight.disconnect();
    document.removeEventListener('visibilitychange', this.#hidden);
  }

  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, EVERY_MS);
  }

  #tell() {
    /** What comes in and stands nowhere is not seen. @type {Map<string, Shown>} */
    const shown = new Map();
    for (const [key, { endpoint, source }] of this.media.remote) {
      if (source === 'camera' || source === 'screen') shown.set(key, { endpoint, source, height: 0 });
    }
    for (const [element, { endpoint, source }] of this.#pictures) {
      const key = keyOf(endpoint, source);
      const height = document.hidden || !this.#seen.has(element) ? 0 : Math.round(element.clientHeight * devicePixelRatio);
      if (height >= (shown.get(key)?.height ?? 0)) shown.set(key, { endpoint, source, height: Math.min(8192, height) });
    }
    const pictures = [...shown.values()].sort((a, b) => (keyOf(a.endpoint, a.source) < keyOf(b.endpoint, b.source) ? -1 : 1)).slice(0, 64);
    const told = JSON.stringify(pictures);
    if (told === this.#told || pictures.length === 0) return;
    if (this.connection.send({ type: 'show', pictures }) !== 0) this.#told = told;
  }
}
