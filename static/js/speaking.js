// Who speaks: whose picture is marked, and whom the layout follows. Levels (0 to 1) and times are passed in. Knows no DOM.
//
// Speech is loud and silent many times a second, and rooms are never still: what is shown of it waits a little before it begins and
// longer before it ends, so that nothing flickers.

/** Level from which somebody may be speaking, and below which he is silent; between them nothing changes. */
const SPEAKS = 0.35;
const SILENT = 0.25;
/** So long somebody is heard before his picture is marked: a cough or a sheet of paper marks nobody. */
const MARKED_AFTER_MS = 240;
/** A mark outlasts the pauses between words. */
const MARK_STAYS_MS = 900;
/** Somebody is the speaker who was heard so long; a word thrown in moves no picture. */
const FOLLOWED_AFTER_MS = 800;
/** A speaker stays large so long at least. */
const SPEAKER_STAYS_MS = 3_000;

/** Whether one person speaks, as his picture shows it. */
export class SpeechMark {
  speaking = false;
  /** Since when he has been heard, with pauses. @type {number | null} */
  #since_ms = null;
  #heard_ms = 0;

  /** @param {number} level @param {number} now_ms @returns {boolean} whether he is marked as speaking */
  hear(level, now_ms) {
    if (level > (this.#since_ms === null ? SPEAKS : SILENT)) {
      this.#since_ms ??= now_ms;
      this.#heard_ms = now_ms;
    } else if (this.#since_ms !== null && now_ms - this.#heard_ms >= (this.speaking ? MARK_STAYS_MS : MARKED_AFTER_MS)) this.#since_ms = null;
    if (this.#since_ms === null) this.speaking = false;
    else if (this.#heard_ms - this.#since_ms >= MARKED_AFTER_MS) this.speaking = true;
    return this.speaking;
  }
}

/** Who is the speaker among several. */
export class SpeakerWatch {
  /** @type {string | null} */
  speaker = null;
  #since_ms = 0;
  /** @type {string | null} */
  #candidate = null;
  #first_ms = 0;
  #last_ms = 0;

  /**
   * @param {string | null} loudest whom one hears most of those who are marked as speaking, null when nobody is
   * @param {number} now_ms
   * @returns {boolean} whether the speaker is another one now
   */
  hear(loudest, now_ms) {
    if (loudest === null) return false;
    if (loudest !== this.#candidate || now_ms - this.#last_ms > MARK_STAYS_MS) [this.#candidate, this.#first_ms] = [loudest, now_ms];
    this.#last_ms = now_ms;
    if (loudest === this.speaker || now_ms - this.#first_ms < FOLLOWED_AFTER_MS) return false;
    if (this.speaker !== null && now_ms - this.#since_ms < SPEAKER_STAYS_MS) return false;
    [this.speaker, this.#since_ms] = [loudest, now_ms];
    return true;
  }
}
