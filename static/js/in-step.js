// Keeps one medium in step with another: a person's own sound or picture with the film of the hearing.

/** Further off than this, the follower jumps; nearer, it goes a little faster or slower until it is there. */
const JUMP_S = 0.3;
/** Nearer than this is in step: an ear notices nothing, and the speed rests. */
const CLOSE_S = 0.015;
/** At most so much faster or slower; the pitch is kept. */
const MOST = 0.1;
/** A jump is not tried again before it can have taken effect. */
const JUMP_PAUSE_MS = 800;

/**
 * What a follower is to do. Pure.
 * @param {number} drift_s how far it is ahead of its leader
 * @param {number} rate the leader's speed
 * @returns {{jump: true} | {jump: false, rate: number}}
 */
function correction(drift_s, rate) {
  if (Math.abs(drift_s) > JUMP_S) return { jump: true };
  if (Math.abs(drift_s) <= CLOSE_S) return { jump: false, rate };
  return { jump: false, rate: rate * (1 - Math.max(-MOST, Math.min(MOST, drift_s))) };
}

export class Follower {
  #jumped_ms = -Infinity;

  /**
   * @param {HTMLMediaElement} medium
   * @param {HTMLMediaElement} leader
   */
  constructor(medium, leader) {
    this.medium = medium;
    this.leader = leader;
    /** The leader's position at which the medium begins, s. */
    this.offset_s = 0;
  }

  /** How far the medium is ahead of its leader, s. */
  get drift_s() {
    return this.medium.currentTime - (this.leader.currentTime - this.offset_s);
  }

  /** Do what is to be done now. Called at each event of the leader, and several times a second while it plays. */
  step() {
    const { medium, leader } = this;
    if (medium.readyState < HTMLMediaElement.HAVE_METADATA || medium.seeking) return;
    const target_s = leader.currentTime - this.offset_s;
    if (target_s < 0 || target_s >= medium.duration) {
      this.rest();
      return;
    }
    const goes = !leader.paused && !leader.ended && !leader.seeking && leader.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    if (!goes) {
      this.rest();
      if (Math.abs(this.drift_s) > CLOSE_S && !leader.seeking) medium.currentTime = target_s;
      return;
    }
    const todo = correction(this.drift_s, leader.playbackRate);
    if (!todo.jump) medium.playbackRate = todo.rate;
    else if (performance.now() - this.#jumped_ms > JUMP_PAUSE_MS) {
      this.#jumped_ms = performance.now();
      medium.playbackRate = leader.playbackRate;
      medium.currentTime = target_s;
    }
    if (medium.paused) void medium.play().catch(() => {}); // a browser that asks for a click first gets one with the leader's
  }

  /** Stand still. */
  rest() {
    if (!this.medium.paused) this.medium.pause();
  }

  /** Give back what the browser holds for it. */
  close() {
    this.rest();
    this.medium.removeAttribute('src');
    this.medium.load();
  }
}
