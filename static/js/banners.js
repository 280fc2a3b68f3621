// Lines above the pictures: what everybody has to know now. A line goes when its cause goes.

import { lineOf } from './break-in-words.js';
import { clock, t } from './i18n.js';
import { keyed } from './keyed.js';
import { el, fill, icon } from './markup.js';
import { SOON_MINUTES, minutesLeft } from './more-time.js';
import { notOpen, privateOf, rests, stageOf, stageWord, stepByStep } from './procedure.js';
import { reasonWord } from './stage-acts.js';
import { answersHere, talkLine } from './talk-words.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').Link} Link */
/** @typedef {import('./own-sources.js').OwnSources} OwnSources */
/** @typedef {{key: string, kind: 'note' | 'warning' | 'danger', icon: string, text: string, act?: {word: string, run: () => void}, dismiss?: boolean}} Line */

const OVERRUN_SOON_MS = 10 * 60_000;

/**
 * What a viewer is told of what his path carries; nothing where it carries all.
 * @param {import('./protocol.js').Downlink['state']} state
 */
export function downlinkWord(state) {
  switch (state) {
    case 'smaller':
      return t('Your network is slow: the others are shown less sharply.');
    case 'slower':
      return t('Your network is slow: the pictures of others move less smoothly. Sound goes on.');
    case 'audio':
      return t('Your network carries only sound just now. You go on hearing everybody; pictures come back by themselves.');
    case 'full':
      return '';
  }
}

/** Why nobody is seen or heard just now. @param {View} view */
function restWord(view) {
  if (!stepByStep(view)) return t('Recess. Nobody is seen or heard, nothing is recorded. Stay on this page until the chair resumes.');
  const { name, pause } = stageOf(view);
  // That a recess is called for a recess says nothing.
  const reason = pause && !['', 'recess'].includes(view.sitting.reason) ? reasonWord(view.sitting.reason) : '';
  const stage = stageWord(view, name);
  return t('{stage}. Nobody is seen or heard, nothing is recorded. Stay on this page until the chair resumes.', { stage: reason && reason !== stage ? `${stage}${t(': ')}${reason}` : stage });
}

export class Banners {
  /** @type {Map<string, Line>} */
  #lines = new Map();
  /** Until these the person is reminded that the hearing has resumed without his microphone. */
  #resumed = false;
  /** Of so many interruptions of the recording the person was told. */
  #explained = 0;
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} root
   * @param {string} timeZone
   * @param {{unmute: () => void, retry: () => void, openBoth: () => void, endScreen: () => void, answer: (on: boolean) => void}} acts
   */
  constructor(root, timeZone, acts) {
    this.root = root;
    this.timeZone = timeZone;
    this.acts = acts;
    root.addEventListener('click', (event) => this.#click(event));
  }

  /** @param {Link} link */
  link(link) {
    if (link === 'broken') {
      this.#set({ key: 'link', kind: 'danger', icon: 'network-off', text: t('Connection lost; coming back… Your place is kept.'), act: { word: t('Try now'), run: this.acts.retry } });
    } else if (link === 'open' || link === 'ended') this.#drop('link');
  }

  /**
   * @param {View} view
   * @param {View | null} former
   * @param {OwnSources} sources
   */
  show(view, former, sources) {
    this.#view = view;
    const inside = view.place === 'inside';
    const { status } = stageOf(view);
    this.#when(inside && notOpen(view), { key: 'stage', kind: 'note', icon: 'info', text: t('The {sitting} has not begun yet. You see and hear each other; nothing is recorded.') });
    if (inside && rests(view) && !privateOf(view)) {
      this.#set({ key: 'stage', kind: 'note', icon: 'pause', text: restWord(view) });
    }
    if (former && rests(former) && status === 'live' && view.rights.speak) this.#resumed = true;
    if (status !== 'live') this.#resumed = false;
    this.#when(inside && view.media === 'away', { key: 'media', kind: 'warning', icon: 'network-off', text: t('Picture and sound are interrupted; they come back by themselves.') });
    if (view.break_in) this.#set({ key: 'break-in', kind: 'danger', icon: 'alert', text: lineOf(view.break_in) });
    else this.#drop('break-in');
    this.#talk(view);
    if (view.recording.interruptions > this.#explained && view.rights.direct) this.#interrupted(view.recording.interruptions);
    this.own(view, sources);
    this.tick();
  }

  /** The command centre talks: with the viewer, who may answer; with others, which chair and clerk are told; or with all. @param {View} view */
  #talk(view) {
    const talk = view.intercom;
    if (!talk) return this.#drop('talk');
    const answers = answersHere(view, talk);
    const act = talk.called ? { word: answers ? t('Hang up') : t('Answer'), run: () => this.acts.answer(!answers) } : undefined;
    this.#set({ key: 'talk', kind: talk.called || talk.to_all ? 'danger' : 'note', icon: 'phone', text: talkLine(view, talk), ...(act && { act }) });
  }

  /** Whoever presides says on the recording what happened, while everybody remembers it. Hidden by him, it comes again with the next one. @param {number} count */
  #interrupted(count) {
    this.#explained = count;
    this.#set({
      key: 'interrupted', kind: 'warning', icon: 'alert', dismiss: true,
      text: t('The recording has been interrupted ({n}). Say now, so that it is recorded, when and why; after the end you are asked for a written explanation.', { n: count }),
    });
  }

  /** Whether picture and sound do not get through this computer's own path. @param {boolean} cut */
  path(cut) {
    this.#when(cut, {
      key: 'path', kind: 'warning', icon: 'network-off', text: t('Picture and sound do not get through your network; trying again… If it stays like this, change to mobile data or another Wi-Fi.'),
    });
  }

  /** @param {View} view @param {OwnSources} sources */
  own(view, sources) {
    const off = (['microphone', 'camera'].every((device) => sources.condition[/** @type {'camera'} */ (device)] !== 'on'));
    if (!off) this.#resumed = false;
    const can = view.place === 'inside' && (sources.condition.microphone === 'off' || sources.condition.camera === 'off');
    this.#when(this.#resumed && off && can, {
      key: 'resumed', kind: 'warning', icon: 'mic-off', text: t('The {sitting} goes on. Your microphone and camera are closed.'), act: { word: t('Open both'), run: this.acts.openBoth },
    });
    for (const device of /** @type {const} */ (['microphone', 'camera'])) if (sources.condition[device] === 'on') this.#drop(`trouble-${device}`);
  }

  /** One's own screen is shared: never hidden, since others read it. @param {boolean} shared */
  ownScreen(shared) {
    this.#when(shared, { key: 'screen', kind: 'note', icon: 'screen', text: t('Everybody here sees the screen that you share.'), act: { word: t('Stop sharing'), run: this.acts.endScreen } });
    if (shared) this.#drop('trouble-screen');
  }

  /** A device was pulled out and another one taken. @param {'microphone' | 'camera'} device @param {string} text @param {() => void} choose */
  replaced(device, text, choose) {
    this.#set({ key: `replaced-${device}`, kind: 'warning', icon: device === 'camera' ? 'camera' : 'mic', text, act: { word: t('Choose another device'), run: choose }, dismiss: true });
  }

  /** One was reminded of order or warned. @param {{degree: string, reason: string}} admonition */
  admonished({ degree, reason }) {
    const text = degree === 'warning' ? t('The chair warns you: {reason}', { reason }) : t('The chair reminds you: {reason}', { reason });
    this.#set({ key: 'admonition', kind: degree === 'warning' ? 'danger' : 'warning', icon: 'alert', text, dismiss: true });
  }

  /**
   * The next booking and the end of the booked time, for chair and clerk. Without `now_ms` what was said is only said again.
   * @param {number} [now_ms] @param {boolean} [keepsTime] whether this person may give it more time
   */
  tick(now_ms, keepsTime) {
    if (now_ms !== undefined) this.#end(now_ms, keepsTime === true);
    const view = this.#view;
    const next = view?.sitting.next_booking;
    if (!view || !next || view.place !== 'inside') return this.#drop('next');
    const start = clock(next.starts_at_us / 1000, this.timeZone);
    const late = now_ms !== undefined && now_ms > view.sitting.ends_at_us / 1000;
    if (now_ms !== undefined && next.starts_at_us / 1000 - now_ms > OVERRUN_SOON_MS * 2) return this.#drop('next');
    this.#set({
      key: 'next', kind: late ? 'danger' : 'warning', icon: 'calendar',
      text: t('{room} is booked from {time}: {title}. This {sitting} does not end by itself.', { room: String(next.room), time: start, title: String(next.title) }),
    });
  }

  /** @param {number} now_ms @param {boolean} keepsTime */
  #end(now_ms, keepsTime) {
    const view = this.#view;
    const left = view ? minutesLeft(view.sitting.ends_at_us, now_ms) : Infinity;
    const goes = view !== null && view.place === 'inside' && !notOpen(view) && !view.sitting.next_booking;
    this.#when(keepsTime && goes && left <= SOON_MINUTES, {
      key: 'end', kind: left > 0 ? 'note' : 'warning', icon: 'clock',
      text: left > 0 ? t('The booked time ends in {n} min. The {sitting} does not end by itself; more time can be given beside the list of people.', { n: left }) : t('The booked time is over. The {sitting} does not end by itself; more time can be given beside the list of people.'),
    });
  }

  /** What the way down carries. @param {import('./protocol.js').Downlink['state']} state */
  downlink(state) {
    this.#when(state !== 'full', { key: 'downlink', kind: state === 'audio' ? 'warning' : 'note', icon: 'network-off', text: downlinkWord(state) });
  }

  /** The way up has been weak for some time. @param {boolean} weak */
  uplink(weak) {
    this.#when(weak, { key: 'uplink', kind: 'warning', icon: 'network-off', text: t('Your connection is weak: the others may see and hear you badly. Move closer to the Wi-Fi, or close other programs that use the network.') });
  }

  /** @param {boolean} blocked */
  soundBlocked(blocked) {
    this.#when(blocked, { key: 'sound', kind: 'warning', icon: 'speaker-off', text: t('The browser waits for a press before it plays sound.'), act: { word: t('Hear the others'), run: this.acts.unmute } });
  }

  /**
   * @param {'microphone' | 'camera' | 'screen'} device
   * @param {string} title
   * @param {string} remedy
   * @param {() => void} again
   */
  trouble(device, title, remedy, again) {
    this.#set({ key: `trouble-${device}`, kind: 'danger', icon: { microphone: 'mic-off', camera: 'camera-off', screen: 'screen' }[device], text: `${title}${t('. ')}${remedy}`, act: { word: t('Try again'), run: again }, dismiss: true });
  }

  clear() {
    this.#lines.clear();
    this.#draw();
  }

  /** @param {boolean} shown @param {Line} line */
  #when(shown, line) {
    if (shown) this.#set(line);
    else this.#drop(line.key);
  }

  /** @param {Line} line */
  #set(line) {
    const former = this.#lines.get(line.key);
    this.#lines.set(line.key, line);
    if (former?.text !== line.text || former.kind !== line.kind) this.#draw();
  }

  /** @param {string} key */
  #drop(key) {
    if (this.#lines.delete(key)) this.#draw();
  }

  #draw() {
    const order = { danger: 0, warning: 1, note: 2 };
    const lines = [...this.#lines.values()].sort((a, b) => order[a.kind] - order[b.kind]);
    keyed(this.root, lines, (line) => line.key, () => el('div', {}), (row, line) => {
      row.className = `banner banner-${line.kind}`;
      fill(
        row,
        icon(line.icon),
        el('span', { class: 'grow' }, line.text),
        line.act && el('button', { class: 'button button-small', type: 'button', 'data-run': true }, line.act.word),
        line.dismiss && el('button', { class: 'button button-small button-icon button-quiet', type: 'button', 'data-dismiss': true, 'aria-label': t('Hide this message') }, icon('close', 18)),
      );
    });
  }

  /** @param {Event} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const row = button?.closest('[data-key]');
    if (!button || !(row instanceof HTMLElement)) return;
    const line = this.#lines.get(row.dataset.key ?? '');
    if (button.hasAttribute('data-dismiss') || line?.dismiss) this.#drop(row.dataset.key ?? '');
    if (button.hasAttribute('data-run')) line?.act?.run();
  }
}
