// The court's time: the server's clock shown in the court's time zone, whatever the officer's computer believes.

export class CourtClock {
  /**
   * @param {string} timeZone IANA name, such as Asia/Shanghai
   * @param {number} nowUs the server's clock when the page was made, microseconds since the epoch
   */
  constructor(timeZone, nowUs) {
    const options = /** @type {const} */ ({ timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    this.timeZone = timeZone;
    this._minutes = new Intl.DateTimeFormat('en-GB', options);
    this._seconds = new Intl.DateTimeFormat('en-GB', { ...options, second: '2-digit' });
    this._aheadMs = 0;
    this.set(nowUs);
  }

  /** Take the server's time of a message that has just arrived. @param {number} nowUs */
  set(nowUs) {
    this._aheadMs = nowUs / 1000 - Date.now();
  }

  /** Microseconds since the epoch by the server's clock. @returns {number} */
  nowUs() {
    return (Date.now() + this._aheadMs) * 1000;
  }

  /** "09:30" @param {number} us */
  minute(us) {
    return this._minutes.format(us / 1000);
  }

  /** "09:30:05" @param {number} us */
  second(us) {
    return this._seconds.format(us / 1000);
  }

  /** Midnight before `us` in the court's zone, microseconds. @param {number} us */
  midnight(us) {
    const [hours = 0, minutes = 0, seconds = 0] = this.second(us).split(':').map(Number);
    const intoDay = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000;
    return us - intoDay - (us % 1_000_000);
  }
}

/**
 * "0:41:07" of a number of seconds.
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
