// The pictures of a hearing: one tile for each endpoint, with name plate, presence, level, network and what is closed.

import { officeWord } from './break-in-words.js';
import { t, word } from './i18n.js';
import { remoteLevel } from './levels.js';
import { el, icon, say } from './markup.js';
import { barsOf } from './measure.js';
import { floorOf, privateOf, rests, stageWord } from './procedure.js';
import { roomOf, tileWords } from './rooms.js';
import { setSpeaker } from './speakers.js';
import { SpeechMark } from './speaking.js';

/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').NetworkView} NetworkView */
/** @typedef {import('./places.js').Place} Place */

export class HearingTile extends HTMLElement {
  #video = el('video', { playsinline: true, autoplay: true });
  #stream = new MediaStream();
  #cover = el('div', { class: 'tile-cover' });
  #roles = el('span', { class: 'tile-role' });
  #names = el('span', { class: 'tile-name' });
  #voice = el('span', { class: 'tile-voice', hidden: true });
  #hand = el('span', { class: 'tile-hand', hidden: true });
  #sound = el('span', { class: 'tile-sign', hidden: true });
  #bars = el('span', { class: 'bars' }, el('i'), el('i'), el('i'), el('i'));
  #barsWord = el('span', { class: 'visually-hidden' });
  #network = el('span', { class: 'tile-network' }, this.#bars, this.#barsWord);
  #pin = el('button', { class: 'tile-pin', type: 'button', 'data-pin': true, 'aria-pressed': 'false' });
  /** What is heard of this tile now, 0 to 1. */
  level = 0;
  /** Whether it is marked as speaking. */
  speaking = false;
  #meter = el('span', { class: 'tile-level', 'aria-hidden': 'true' }, el('i'));
  /** @type {RTCRtpReceiver | null} */
  #receiver = null;
  /** Level of the own microphone, given by the page. @type {() => number} */
  ownLevel = () => 0;
  #own = false;
  #mark = new SpeechMark();
  #speaks = el('span', { class: 'tile-speaks', hidden: true }, icon('mic', 16), el('span', {}, t('Speaking')));
  /** The device for the sound, "" for the usual one. */
  #speaker = '';

  connectedCallback() {
    if (this.firstChild) return;
    this.setAttribute('role', 'group');
    this.#video.srcObject = this.#stream;
    this.append(
      this.#video,
      this.#cover,
      this.#speaks,
      this.#pin,
      el('div', { class: 'tile-plate' }, this.#meter, el('div', { class: 'tile-who' }, this.#roles, this.#names, this.#voice), this.#hand, this.#sound, this.#network),
      el('span', { class: 'tile-frame', 'aria-hidden': 'true' }), // an element: the pseudo one is lost when a phone is turned
    );
  }

  /**
   * @param {Place} place
   * @param {View} view
   * @param {NetworkView | null} network
   */
  show(place, view, network) {
    const first = place.people[0];
    if (!first) return;
    const lost = place.people.every((participant) => participant.presence === 'lost');
    const camera = place.people.every((participant) => participant.sources['camera']?.live);
    const undecodable = camera && place.people.some((participant) => participant.sources['camera']?.undecodable);
    const room = roomOf(view, place.key);
    const { names: all, voice } = room ? tileWords(place.people, room) : { names: '', voice: '' };
    const names = all || place.people.map((participant) => participant.name).join(t(', '));
    const roles = place.officer ? officeWord(place.officer) : room?.name ?? [...new Set(place.people.map((participant) => word(`role.${participant.role}`)))].join(' · ');
    this.classList.toggle('tile-shared', room !== undefined);
    this.#voice.hidden = voice === '';
    say(this.#voice, voice);
    this.#own = place.you;
    this.classList.toggle('tile-you', place.you);
    this.classList.toggle('tile-bench', place.bench);
    this.classList.toggle('tile-officer', place.officer !== null);
    this.classList.toggle('tile-lost', lost);
    this.dataset.side = place.side;
    const floor = floorOf(view)?.participant;
    this.classList.toggle('tile-floor', place.people.some((person) => person.id === floor));
    const called = place.you ? t('{name} (you)', { name: names }) : names;
    this.setAttribute('aria-label', `${roles} ${called}${voice ? `, ${voice}` : ''}`);
    say(this.#names, called);
    if (this.#names.title !== called) this.#names.title = called; // a long name may end in an ellipsis
    say(this.#roles, roles);
    this.#showHand(place, view);
    this.#showSound(place, view);
    this.#showNetwork(lost ? null : network, place.you);
    const noDecoder = t("This browser cannot show {name}'s picture. Open the link in a current Edge or Chrome.", { name: names });
    const why = lost ? word('presence.lost') : undecodable ? noDecoder : camera ? '' : this.#whyNoPicture(place, view);
    this.#showCover(names, why, camera && !lost && !undecodable);
  }

  /**
   * The tracks to be shown.
   * @param {MediaStreamTrack | null} video
   * @param {MediaStreamTrack | null} audio
   * @param {RTCRtpReceiver | null} receiver of the sound, whose level is shown
   * @returns {Promise<boolean>} false when the browser does not let sound play before an act of the person
   */
  async play(video, audio, receiver) {
    this.#receiver = receiver;
    const wanted = [video, audio].filter((track) => track !== null);
    const same = wanted.length === this.#stream.getTracks().length && wanted.every((track) => this.#stream.getTrackById(track.id));
    if (!same) {
      for (const track of this.#stream.getTracks()) if (!wanted.includes(track)) this.#stream.removeTrack(track);
      for (const track of wanted) this.#stream.addTrack(track);
    }
    if (wanted.length === 0) return true;
    if (same && !this.#video.paused) return !this.#video.muted || this.#own;
    return this.unmute();
  }

  /** Play with sound; silently where the browser asks for an act of the person first. @returns {Promise<boolean>} */
  async unmute() {
    this.#video.muted = this.#own;
    try {
      await this.#video.play();
      return true;
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return true; // replaced by a newer track
      this.#video.muted = true;
      await this.#video.play().catch(() => {});
      return false;
    }
  }

  /** Whether its viewer has pinned it. @param {boolean} pinned @param {string} names */
  showPin(pinned, names) {
    const text = pinned ? t('Unpin {name}', { name: names }) : t('Pin {name}: large for me', { name: names });
    if (this.#pin.title === text) return;
    this.#pin.title = text;
    this.#pin.setAttribute('aria-label', text);
    this.#pin.setAttribute('aria-pressed', String(pinned));
    this.#pin.replaceChildren(icon('pin', 18));
  }

  /** The element that shows its picture. */
  get picture() {
    return this.#video;
  }

  /**
   * Draw the level; call it ten times a second.
   * @param {number} now_ms
   * @param {boolean | null} told whether the court says that he speaks, null: it says nothing, and the level here decides
   */
  listen(now_ms, told) {
    const level = this.level = this.#own ? this.ownLevel() : this.#receiver ? remoteLevel(this.#receiver) : 0;
    this.#meter.style.setProperty('--level', level.toFixed(2));
    const heard = this.#mark.hear(level, now_ms);
    const speaking = told ?? heard;
    if (speaking === this.speaking) return;
    this.speaking = speaking;
    this.classList.toggle('tile-speaking', speaking);
    this.#speaks.hidden = !speaking;
  }

  /** Where its sound is to be heard. @param {string} id "" for the usual device */
  hearAt(id) {
    if (this.#speaker === id) return;
    this.#speaker = id;
    void setSpeaker(this.#video, id);
  }

  /** Hands are numbered in the order in which they went up. @param {Place} place @param {View} view */
  #showHand(place, view) {
    const mine = Math.min(...place.people.map((participant) => participant.hand_at_us ?? Infinity));
    const before = view.participants.filter((participant) => participant.hand_at_us !== null && participant.hand_at_us < mine).length;
    const shown = mine === Infinity ? '' : String(before + 1);
    this.#hand.hidden = shown === '';
    if (this.#hand.dataset.shown === shown) return;
    this.#hand.dataset.shown = shown;
    this.#hand.replaceChildren(icon('hand', 16), el('span', { 'aria-hidden': 'true' }, shown), el('span', { class: 'visually-hidden' }, t('Hand raised, number {n}', { n: shown })));
  }

  /** @param {Place} place @param {View} view */
  #showSound(place, view) {
    const sources = place.people.map((participant) => participant.sources['microphone']);
    const muted = sources.some((source) => source?.muted_by_chair);
    const closed = (!rests(view) || privateOf(view) !== null) && !sources.every((source) => source?.on);
    const text = muted ? t('Microphone closed by {house}') : t('Microphone off');
    this.#sound.hidden = !muted && !closed;
    this.#sound.classList.toggle('tile-sign-muted', muted);
    if (this.#sound.title === text) return;
    this.#sound.title = text;
    this.#sound.replaceChildren(icon('mic-off', 18), el('span', { class: 'visually-hidden' }, text));
  }

  /** How others are connected is for chair and clerk: where it is not told, nothing is shown. @param {NetworkView | null} network @param {boolean} own */
  #showNetwork(network, own) {
    this.#network.hidden = network === null && !own;
    const text = networkWord(network?.score);
    const figures = networkFigures(network);
    this.#bars.dataset.bars = String(barsOf(network?.score));
    this.#bars.title = figures ? `${text} · ${figures}` : text;
    say(this.#barsWord, text);
  }

  /** @param {string} names @param {string} text @param {boolean} picture */
  #showCover(names, text, picture) {
    this.#cover.hidden = picture;
    const key = `${names}|${text}`;
    if (this.#cover.dataset.shown === key) return;
    this.#cover.dataset.shown = key;
    const initial = [...names][0] ?? '';
    this.#cover.replaceChildren(el('span', { class: 'tile-initial', 'aria-hidden': 'true' }, initial), text ? el('span', { class: 'tile-state' }, text) : '');
  }

  /** @param {Place} place @param {View} view */
  #whyNoPicture(place, view) {
    const sources = place.people.map((participant) => participant.sources['camera']);
    if (rests(view) && !privateOf(view)) return stageWord(view, view.sitting.stage);
    if (sources.some((source) => source?.muted_by_chair)) return t('Camera closed by {house}');
    if (sources.every((source) => source?.on)) return t('Picture is coming…');
    return t('Camera off');
  }
}

/** @param {import('./protocol.js').Score | null | undefined} score */
export function networkWord(score) {
  switch (score) {
    case 'good':
      return t('Good connection');
    case 'fair':
      return t('Fair connection');
    case 'poor':
      return t('Weak connection');
    case 'bad':
      return t('Bad connection');
    default:
      return t('Connection not measured');
  }
}

/** Delay and loss, where they are told. @param {NetworkView | null} network */
export function networkFigures(network) {
  if (network?.blocked) return t('Nothing gets through');
  return [
    network?.rtt_ms != null && `${Math.round(network.rtt_ms)} ms`,
    network?.lost_percent != null && `${network.lost_percent.toFixed(1)} %`,
  ].filter(Boolean).join(' · ');
}

customElements.define('hearing-tile', HearingTile);
