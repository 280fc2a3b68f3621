// Playback: picture, timeline and log keep the same time; a click on any of them moves the others. The film of all leads; one
// person's own sound and picture follow it.

import { AllTracks } from './all-tracks.js';
import { ClipMarks } from './clip.js';
import { pageData, toast } from './page.js';
import { CourtClock, duration } from './court-clock.js';
import { CompositeState } from './composite.js';
import { logItem } from './log-lines.js';
import { find, say } from './markup.js';
import { OnePerson } from './one-person.js';
import { PlayerBar } from './player-bar.js';
import { t } from './i18n.js';
import { TimelineChart } from './timeline.js';
import { VerificationBadge } from './verification.js';
import './viewer-mark.js';
import { WithoutFilm } from './without-film.js';

/** @typedef {import('./timeline.js').Timeline} Timeline */
/** @typedef {import('./situation.js').LogLine} LogLine */

/** Seconds before an event at which playback begins, so that one hears how it came about. */
const RUN_UP_S = 1;
const PEEK_S = 2;

/**
 * The last line that has happened by `us`, -1 before the first.
 * @param {LogLine[]} lines in order of time @param {number} us
 */
function lineAt(lines, us) {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.at_us ?? 0) <= us) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

class RecordingPlayer extends HTMLElement {
  connectedCallback() {
    if (this._timeline) return;
    /** @type {{sitting: string, time_zone: string, now_us: number, timeline: Timeline, lines: LogLine[], people: import('./one-person.js').Person[], verification: import('./verification.js').Verification}} */
    const data = pageData();
    this._timeline = data.timeline;
    this._lines = data.lines;
    this._clock = new CourtClock(data.time_zone, data.now_us);
    const tracks = this.querySelector('all-tracks');
    /** @type {import('./player-bar.js').Film | null} */
    this._video = tracks ? new WithoutFilm(data.timeline.duration_s) : this.querySelector('video');
    this._list = find(this, '[data-log]');
    this._items = data.lines.map((line) => logItem(line, /** @type {CourtClock} */ (this._clock), (picked) => this._pick(picked)));
    this._list.replaceChildren(...this._items);
    const chart = find(this, 'timeline-chart');
    if (chart instanceof TimelineChart) {
      this._chart = chart;
      chart.show(data.timeline, data.lines, this._clock, (seconds) => this.seek(seconds));
    }
    const badge = find(this, 'verification-badge');
    if (badge instanceof VerificationBadge) badge.show(data.sitting, data.verification);
    this.addEventListener('made', (event) => event.target instanceof CompositeState && this._made());
    this._video?.addEventListener('timeupdate', () => this._moved());
    this._video?.addEventListener('seeking', () => this._moved());
    this._video?.addEventListener('loadedmetadata', () => this._peek());
    this._attach(data.people);
    this._moved();
  }

  /** Whoever is watching the tracks goes over to the film when he likes to. */
  _made() {
    const button = this.querySelector('[data-show-film]');
    if (!(button instanceof HTMLElement) || this._video?.paused !== false) {
      location.reload();
      return;
    }
    button.hidden = false;
    button.addEventListener('click', () => location.reload());
    toast(t('The film is made'));
  }

  /** Controls, and each person's sound and picture. @param {import('./one-person.js').Person[]} people */
  _attach(people) {
    const [video, bar, one, all] = [this._video, this.querySelector('player-bar'), this.querySelector('one-person'), this.querySelector('all-tracks')];
    if (!video || !this._timeline || !(bar instanceof PlayerBar)) return;
    const chooser = one instanceof OnePerson && people.length > 0 && video instanceof HTMLVideoElement ? one : null;
    const tracks = all instanceof AllTracks ? all : null;
    const clip = this.querySelector('clip-marks');
    const marks = clip instanceof ClipMarks ? clip : null;
    const stage = /** @type {Element} */ (bar.parentElement);
    bar.attach(video, stage, {
      seek: (seconds) => this.seek(seconds),
      heard: () => {
        if (chooser) chooser.heard();
        else if (tracks) tracks.heard();
        else [video.muted, video.volume] = [bar.silent, bar.loudness];
      },
      event: (step) => this._event(step),
      clip: (edge) => marks?.[edge](),
    });
    if (video instanceof HTMLVideoElement) chooser?.attach(people, video, /** @type {HTMLElement} */ (find(this, '[data-screen]')), this._timeline, () => bar);
    else tracks?.attach(people, video, this._timeline, () => bar);
    marks?.attach(video, this._timeline.duration_s, {
      seek: (seconds) => this.seek(seconds),
      shown: (part) => this._chart?.mark(part),
    });
  }

  /** To the event before or after. @param {-1 | 1} step */
  _event(step) {
    const [lines, timeline, video] = [this._lines, this._timeline, this._video];
    if (!lines || !timeline || !video) return;
    const us = timeline.start_us + video.currentTime * 1e6;
    const before = lines.filter((line) => (line.at_us - us) / 1e6 < -0.5).at(-1);
    const line = step < 0 ? before : lines.find((one) => (one.at_us - us) / 1e6 > 0.5);
    if (line) this.seek(Math.max(0, (line.at_us - timeline.start_us) / 1e6));
  }

  /** Go to a place of the composite. @param {number} seconds */
  seek(seconds) {
    if (this._video) this._video.currentTime = seconds;
    this._show(seconds);
  }

  /** @param {LogLine} line */
  _pick(line) {
    const start_us = this._timeline?.start_us ?? 0;
    const seconds = Math.max(0, (line.at_us - start_us) / 1e6 - RUN_UP_S);
    this._held = line.seq;
    this.seek(seconds);
    this._light(this._lines?.indexOf(line) ?? -1, false);
    void this._video?.play().catch(() => {});
  }

  /** The very first picture is of empty places: until somebody plays or seeks, a moment later is shown. */
  _peek() {
    const video = this._video;
    if (!video || video.currentTime > 0 || location.search !== '') return;
    const peek_s = Math.min(PEEK_S, video.duration / 2);
    video.currentTime = peek_s;
    video.addEventListener('play', () => {
      if (video.currentTime === peek_s) video.currentTime = 0;
    }, { once: true });
  }

  _moved() {
    if (this._video) this._show(this._video.currentTime);
    else this._show(0);
  }

  /** @param {number} seconds */
  _show(seconds) {
    const timeline = this._timeline;
    const clock = this._clock;
    if (!timeline || !clock || !this._lines) return;
    const us = timeline.start_us + seconds * 1e6;
    this._chart?.at(seconds);
    say(find(this, '[data-wall]'), clock.second(us));
    say(find(this, '[data-position]'), `${duration(seconds)} / ${duration(timeline.duration_s)}`);
    const stage = timeline.stages.find((s) => s.from_us <= us && us < s.to_us);
    say(find(this, '[data-stage]'), stage?.text ?? '');
    const held = this._lines.findIndex((line) => line.seq === this._held);
    // The picked line stays lit through its run-up, until the time has passed it.
    if (held >= 0 && (this._lines[held]?.at_us ?? 0) >= us) return;
    this._held = undefined;
    this._light(lineAt(this._lines, us), true);
  }

  /** @param {number} index @param {boolean} follow */
  _light(index, follow) {
    if (this.dataset.lit === String(index)) return;
    this.dataset.lit = String(index);
    this._items?.forEach((item, i) => {
      item.toggleAttribute('data-now', i === index);
      item.firstElementChild?.[i === index ? 'setAttribute' : 'removeAttribute']('aria-current', 'time');
    });
    const item = this._items?.[index];
    if (follow && item && this._list && !this._list.contains(document.activeElement) && !this._list.matches(':hover')) {
      const scroller = find(this, '[data-log-scroll]');
      scroller.scrollTop = item.offsetTop - scroller.clientHeight / 3;
    }
  }
}

customElements.define('recording-player', RecordingPlayer);
