// The silent watch: pictures and sound of one sitting, received only. The same protocol and media as a hearing; the server
// gives an observer no right to send, and this page asks for camera and microphone only where he breaks in (break-in.js) or talks by
// intercom (talking.js).

import { t, word } from './i18n.js';
import { downlinkWord } from './banners.js';
import { BreakingIn } from './break-in.js';
import { officeWord } from './break-in-words.js';
import { announce } from './page.js';
import { el, fill, find, icon, say } from './markup.js';
import { remoteLevel } from './levels.js';
import { Media } from './media.js';
import { Connection } from './protocol.js';
import { onNetworkChange } from './rescue.js';
import { roomOf } from './rooms.js';
import { Showing } from './showing.js';
import { Talking } from './talking.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */

const LEVEL_EVERY_MS = 250;
const MEASURE_EVERY_MS = 5_000;
const SPEAKING = 0.25;

/** One place of the grid: an endpoint with everybody who sits at it. */
class Tile {
  /** @param {string} endpoint */
  constructor(endpoint) {
    this.endpoint = endpoint;
    /** @type {'camera' | 'screen'} */
    this.shows = 'camera';
    this.video = el('video', { playsinline: true, autoplay: true });
    this.stream = new MediaStream();
    this.video.srcObject = this.stream;
    this.empty = el('div', { class: 'watch-tile-empty' });
    this.name = el('div', { class: 'watch-name' });
    this.element = el('div', { class: 'watch-tile', role: 'group', 'data-endpoint': endpoint }, this.video, this.empty, this.name);
  }

  /** @param {ParticipantView[]} people @param {Media} media @param {boolean} sound @param {boolean} answers him who watches, on the intercom @param {import('./protocol.js').RoomView} [room] */
  show(people, media, sound, answers, room) {
    const first = people[0];
    if (!first) return;
    // A video element shows one picture: the document that is shared, not who shares it.
    this.shows = first.sources.screen?.live ? 'screen' : 'camera';
    this._play(media, sound);
    const seen = first.presence === 'present' && (first.sources.camera?.live === true || first.sources.screen?.live === true);
    this.video.hidden = !seen;
    fill(this.empty, icon(first.presence === 'lost' ? 'network-off' : 'camera-off', 28),
      el('span', {}, first.presence === 'lost' ? t('Connection lost; the place is kept') : t('Camera off')));
    this.empty.hidden = seen;
    const speaks = first.sources.microphone?.live === true || answers;
    this.element.classList.toggle('watch-tile-answers', answers);
    const names = people.map((person) => person.name).join(t(', '));
    const voice = people.length > 1 ? people.find((person) => person.id === room?.voice) : undefined;
    fill(this.name, el('b', { class: 'truncate' }, names), voice && el('span', {}, t('Speaking: {name}', { name: voice.name })), el('span', {}, people.map((person) => word(`role.${person.role}`)).join(t(', '))),
      !speaks && icon('mic-off', 16), !speaks && el('span', { class: 'visually-hidden' }, t('Microphone off')));
    this.element.setAttribute('aria-label', names);
  }

  /** @param {import('./protocol.js').BreakInView} officer who broke in @param {Media} media @param {boolean} sound */
  showOfficer(officer, media, sound) {
    this._play(media, sound);
    this.video.hidden = !officer.camera;
    fill(this.empty, icon('camera-off', 28), el('span', {}, t('Camera off')));
    this.empty.hidden = officer.camera;
    fill(this.name, el('b', { class: 'truncate' }, officer.name), el('span', {}, officeWord(officer)));
    this.element.classList.add('watch-tile-officer');
    this.element.setAttribute('aria-label', `${officeWord(officer)} ${officer.name}`);
  }

  /** @param {Media} media @param {boolean} sound */
  _play(media, sound) {
    const wanted = ['microphone', this.shows].flatMap((source) => media.remote.get(`${this.endpoint}/${source}`)?.track ?? []);
    const shown = this.stream.getTracks();
    for (const track of shown) if (!wanted.includes(track)) this.stream.removeTrack(track);
    for (const track of wanted) if (!shown.includes(track)) this.stream.addTrack(track);
    this.video.muted = !sound;
    if (this.video.paused && wanted.length > 0) void this.video.play().catch(() => {});
  }

  /** @param {Media} media @param {string | null | undefined} speaker as the court hears it, undefined: it has not said */
  level(media, speaker) {
    const receiver = media.remote.get(`${this.endpoint}/microphone`)?.receiver;
    const heard = receiver !== undefined && remoteLevel(receiver) > SPEAKING;
    this.element.classList.toggle('watch-speaking', speaker === undefined ? heard : speaker === this.endpoint);
  }

  close() {
    this.video.srcObject = null;
    this.element.remove();
  }
}

export class SilentWatch extends HTMLElement {
  /** @type {Connection | null} */
  _connection = null;
  /** @type {Media | null} */
  _media = null;
  /** @type {View | null} */
  _view = null;
  /** @type {Map<string, Tile>} */
  _tiles = new Map();
  /** @type {Showing | null} */
  _showing = null;
  /** Who speaks as the court hears it; undefined: it has not said. @type {string | null | undefined} */
  _speaker = undefined;
  /** @type {import('./protocol.js').Downlink['state']} */
  _downlink = 'full';
  _sound = true;
  /** @type {BreakingIn | null} */
  _breaking = null;
  /** @type {Talking | null} */
  _talking = null;
  /** @type {ReturnType<typeof setInterval>[]} */
  _timers = [];

  /** Wire the buttons; called once by the page. @param {string} sitting @param {string} me the officer's account */
  prepare(sitting, me) {
    this._sitting = sitting;
    this._me = me;
    this._button = /** @type {HTMLButtonElement} */ (find(document, '[data-watch]'));
    this._dialog = /** @type {HTMLDialogElement} */ (find(document, '#watch-dialog'));
    this._button.addEventListener('click', () => this._dialog?.showModal());
    find(document, '[data-watch-yes]').addEventListener('click', () => {
      this._dialog?.close();
      this.start();
    });
    find(this, '[data-stop]').addEventListener('click', () => this.stop());
    const sound = find(this, '[data-sound]');
    sound.addEventListener('click', () => {
      this._sound = !this._sound;
      this._showSound();
      this._show();
    });
    this._showSound();
    this._breaking = new BreakingIn(this, sitting);
    this._talking = new Talking(this, sitting);
    addEventListener('resize', () => this._arrange());
    addEventListener('pagehide', () => this.stop());
  }

  get watching() {
    return this._connection !== null;
  }

  /** Whether there is anything to watch. @param {Situation} situation */
  follow(situation) {
    if (!this._button) return;
    this._button.hidden = this.watching || situation.status === 'closed' || situation.status === 'cancelled';
    this._breaking?.allow(situation);
    this._talking?.allow(situation);
    const named = situation.named === null || situation.named.includes(this._me ?? '');
    this._button.disabled = !situation.observable || !named;
    // In words beside the button: a title is neither read on a phone nor seen by whoever does not point at it.
    const why = find(document, '[data-watch-why]');
    say(why, this._button.hidden ? '' : !named ? t('You are not named for this sitting. Only officers whom a commander has named may watch it.')
      : situation.observable ? '' : t('There is nothing to watch now.'));
    why.hidden = why.textContent === '';
  }

  start() {
    if (this._connection !== null) return;
    const url = new URL(`/ws/console/sittings/${this._sitting}`, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    // A name for this watch: after a broken connection the server knows that it is the same one and keeps its place.
    const view = crypto.getRandomValues(new Uint32Array(4)).join('-');
    url.searchParams.set('view', view);
    /** @type {Connection} */
    const connection = new Connection(url.href, () => media.held());
    const media = new Media(connection, { publishes: false });
    this._connection = connection;
    this._media = media;
    this._showing = new Showing(connection, media);
    this._breaking?.start(media, view);
    this._talking?.start(media, view);
    connection.on('speaker', ({ endpoint }) => {
      if (endpoint !== null || this._speaker !== undefined) this._speaker = endpoint;
    });
    connection.on('media_reset', () => {
      this._speaker = undefined;
      this._downlink = 'full';
    });
    connection.on('downlink', ({ state }) => {
      this._downlink = state;
      this._show();
    });
    media.onchange = () => {
      this._talking?.play();
      this._show();
    };
    connection.on('state', (message) => {
      this._view = message.view;
      this._breaking?.follow(message.view);
      this._talking?.follow(message.view);
      this._show();
    });
    connection.on('link', (link) => {
      if (link === 'broken') this._say(t('The connection is broken. Trying again…'));
    });
    connection.on('error', (message) => this._say(word(`error.${message.code}`, {}, message.message)));
    connection.on('farewell', (message) => {
      this.stop();
      this.hidden = false;
      this._say(word(`farewell.${message.reason}`, {}, t('The watch has ended.')));
    });
    this._timers = [
      setInterval(() => this._levels(), LEVEL_EVERY_MS),
      setInterval(() => void media.poll(), MEASURE_EVERY_MS),
    ];
    onNetworkChange(() => {
      connection.retry();
      media.moved();
    });
    connection.open();
    this.hidden = false;
    document.querySelector('main')?.classList.add('watching');
    if (this._button) this._button.hidden = true;
    this._say(t('Connecting…'));
    find(this, '[data-stop]').focus();
    announce(t('You are watching'));
  }

  stop() {
    const connection = this._connection;
    if (connection === null) return;
    this._connection = null;
    for (const timer of this._timers) clearInterval(timer);
    this._breaking?.stop();
    this._talking?.stop();
    connection.send({ type: 'leave' });
    this._media?.close();
    this._showing?.close();
    this._showing = null;
    this._speaker = undefined;
    this._downlink = 'full';
    connection.close();
    this._media = null;
    this._view = null;
    for (const tile of this._tiles.values()) tile.close();
    this._tiles.clear();
    this.hidden = true;
    document.querySelector('main')?.classList.remove('watching');
    if (this._button) {
      this._button.hidden = false;
      this._button.focus();
    }
    announce(t('You have stopped watching.'));
  }

  _show() {
    const view = this._view;
    const media = this._media;
    if (view === null || media === null) return;
    /** @type {Map<string, ParticipantView[]>} */
    const places = new Map();
    for (const person of view.participants) {
      if (person.endpoint === null || !['present', 'lost'].includes(person.presence)) continue;
      places.set(person.endpoint, [...(places.get(person.endpoint) ?? []), person]);
    }
    const officer = view.break_in?.you === false ? view.break_in : null;
    for (const [endpoint, tile] of this._tiles) {
      if (places.has(endpoint) || endpoint === officer?.endpoint) continue;
      tile.close();
      this._tiles.delete(endpoint);
    }
    const grid = find(this, '[data-tiles]');
    const tileOf = (/** @type {string} */ endpoint) => {
      const tile = this._tiles.get(endpoint) ?? new Tile(endpoint);
      if (!this._tiles.has(endpoint)) grid.append(tile.element);
      this._tiles.set(endpoint, tile);
      return tile;
    };
    for (const [endpoint, people] of places) {
      const answers = view.intercom?.you === true && people.some((person) => view.intercom?.answering.includes(person.id));
      tileOf(endpoint).show(people, media, this._sound || answers, answers, roomOf(view, endpoint));
    }
    if (officer) tileOf(officer.endpoint).showOfficer(officer, media, this._sound);
    this._showing?.show(new Map([...this._tiles.values()].map((tile) => [tile.video, { endpoint: tile.endpoint, source: tile.shows }])));
    this._arrange();
    this._say(view.place !== 'observing' || !view.rights.see ? t('This stage is closed to observers. The picture comes back by itself.')
      : view.media === 'away' ? t('Picture and sound are interrupted. They come back by themselves.')
      : places.size === 0 ? t('Nobody is inside yet.') : downlinkWord(this._downlink));
  }

  /** As many columns as show the pictures largest in the room there is. */
  _arrange() {
    const grid = find(this, '[data-tiles]');
    const count = Math.max(1, this._tiles.size);
    let best = 1;
    let widest = 0;
    for (let columns = 1; columns <= Math.min(count, 6); columns++) {
      const width = Math.min(grid.clientWidth / columns, (grid.clientHeight / Math.ceil(count / columns)) * (16 / 9));
      if (width > widest) [best, widest] = [columns, width];
    }
    grid.dataset.columns = String(best);
  }

  _levels() {
    const media = this._media;
    if (media) for (const tile of this._tiles.values()) tile.level(media, this._speaker);
  }

  _showSound() {
    const button = find(this, '[data-sound]');
    button.setAttribute('aria-pressed', String(this._sound));
    fill(button, icon(this._sound ? 'speaker' : 'speaker-off', 18), el('span', {}, this._sound ? t('Sound on') : t('Sound off')));
  }

  /** @param {string} text */
  _say(text) {
    say(find(this, '[data-watch-state]'), text);
  }
}

customElements.define('silent-watch', SilentWatch);
