// Keeps the time of a recording whose film is not made yet: what a player asks of a film, without one. Everybody's own picture and
// sound follow it as they would follow the film.

export class WithoutFilm extends EventTarget {
  #position_s = 0;
  #since_ms = 0;
  #rate = 1;
  #ticking = 0;

  paused = true;
  ended = false;
  seeking = false;
  muted = false;
  volume = 1;
  readyState = HTMLMediaElement.HAVE_ENOUGH_DATA;

  /** @param {number} duration_s */
  constructor(duration_s) {
    super();
    this.duration = duration_s;
  }

  get currentTime() {
    const gone_s = this.paused ? 0 : ((performance.now() - this.#since_ms) / 1000) * this.#rate;
    return Math.min(this.duration, this.#position_s + gone_s);
  }

  set currentTime(seconds) {
    this.#set(seconds);
    this.ended = false;
    for (const name of ['seeking', 'seeked', 'timeupdate']) this.dispatchEvent(new Event(name));
  }

  get playbackRate() {
    return this.#rate;
  }

  set playbackRate(rate) {
    this.#set(this.currentTime);
    this.#rate = rate;
    this.dispatchEvent(new Event('ratechange'));
  }

  async play() {
    if (!this.paused) return;
    if (this.currentTime >= this.duration) this.#set(0);
    this.#since_ms = performance.now();
    [this.paused, this.ended] = [false, false];
    this.#ticking = window.setInterval(() => this.#tick(), 100);
    this.dispatchEvent(new Event('play'));
  }

  pause() {
    if (this.paused) return;
    this.#set(this.currentTime);
    this.paused = true;
    clearInterval(this.#ticking);
    this.dispatchEvent(new Event('pause'));
  }

  #tick() {
    this.dispatchEvent(new Event('timeupdate'));
    if (this.currentTime < this.duration) return;
    this.pause();
    this.ended = true;
    this.dispatchEvent(new Event('ended'));
  }

  /** @param {number} seconds */
  #set(seconds) {
    this.#position_s = Math.max(0, Math.min(this.duration, seconds));
    this.#since_ms = performance.now();
  }
}
