// The hearing's page: puts the connection, the media and the parts of the page together.

import { Alerts } from './alerts.js';
import { ask } from './ask.js';
import { Banners } from './banners.js';
import { Board } from './board.js';
import { DeviceMenu } from './device-menu.js';
import { Devices } from './devices.js';
import { Drawer } from './drawer.js';
import { ending } from './endings.js';
import { Entrance } from './entrance.js';
import { EventLog } from './hearing-log.js';
import { language, t, word } from './i18n.js';
import { audioContext } from './levels.js';
import { find } from './markup.js';
import { Media } from './media.js';
import { Messages, Notices } from './messages.js';
import { MoreTime } from './more-time.js';
import { Outside } from './outside.js';
import { OwnScreen } from './own-screen.js';
import { OwnSources } from './own-sources.js';
import { announce, pageData, toast } from './page.js';
import { onNetworkChange } from './rescue.js';
import { inSession, keepsDesk } from './procedure.js';
import { ProcedurePage } from './procedure-page.js';
import { IdentityDialog } from './identity.js';
import { RoomSeats } from './room-seats.js';
import { onlyListens, placesOf } from './places.js';
import { OwnLevel, OwnPreview } from './preview.js';
import { Connection } from './protocol.js';
import { Showing } from './showing.js';
import { TalkSound } from './talk-words.js';
import { ToolBar } from './tool-bar.js';
import { TopBar } from './top-bar.js';
import { deviceTrouble, screenTrouble } from './troubles.js';
import { Uplink } from './uplink.js';

/** @typedef {import('./protocol.js').View} View */
/**
 * What the server tells this page.
 * @typedef {object} PageData
 * @property {string} sitting
 * @property {string} kind of the sitting
 * @property {string} socket path of the WebSocket
 * @property {string} time_zone
 * @property {boolean} lobby whether the person enters by a button of this page (staff) or waits at once (citizens)
 * @property {boolean} citizen
 * @property {string} room where a room's own device asks who may sit at it, empty for everybody else
 * @property {string} home where "leave" leads to
 * @property {string} extend_url empty for whom it is not meant
 * @property {string} log_url empty for whom the log is not meant
 * @property {string} seal_url
 */

const LEVEL_EVERY_MS = 120;
const MEASURE_EVERY_MS = 1_000;
/** Measurements for each report to the server. */
const REPORT_EVERY = 5;
/** A path that nothing gets through for so long is told of; a restart that helps takes less. */
const CUT_AFTER_MS = 5_000;
/** How one's own connection is told while nothing gets through. @type {import('./protocol.js').NetworkView} */
const NOTHING = { score: 'bad', up: 'bad', down: 'bad', blocked: true, lost_percent: null, rtt_ms: null, received_bps: null, sent_bps: null };

class HearingPage {
  /** @type {View | null} */
  view = null;
  /** @type {'lobby' | 'connecting' | 'waiting' | 'device_pending' | 'inside' | 'ended'} */
  screen = 'connecting';
  /** The person has just pressed "enter": no countdown, this was the act. */
  #entering = false;
  #measured = 0;
  /** Since when nothing gets through to the court or from it; the server cannot always say so. @type {number | null} */
  #silent_ms = null;
  /** @type {Record<string, import('./measure.js').Inbound>} */
  #inbound = {};

  /**
   * @param {HTMLElement} root
   * @param {PageData} data
   */
  constructor(root, data) {
    this.root = root;
    this.data = data;
    const url = new URL(data.socket, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.devices = new Devices();
    /** @type {Connection} */
    this.connection = new Connection(url.href, () => ({ ...this.media.held(), language: language === 'en' ? 'en' : 'zh-CN' }));
    /** @type {Media} */
    this.media = new Media(this.connection);
    this.showing = new Showing(this.connection, this.media);
    this.uplink = new Uplink();
    this.sources = new OwnSources(this.connection, this.media, this.devices, {
      onchange: () => this.#showOwn(),
      ontrouble: (error) => this.#showTrouble(error),
      onreplaced: (device, label) => this.#replaced(device, label),
    });
    this.ownScreen = new OwnScreen(this.connection, this.media, {
      onchange: () => this.#showOwn(),
      ontrouble: (code) => this.#screenTrouble(code),
      onended: (by) => toast({ browser: t('Your screen is not shared any more.'), court: t('The share of your screen was ended by {house}.'), page: t('The page was loaded anew, which ended the share of your screen. Share it again if need be.') }[by]),
    });
    this.ownLevel = new OwnLevel();
    const part = (/** @type {string} */ name) => find(root, `[data-part="${name}"]`);
    this.part = part;
    this.outside = new Outside(part, data);
    this.preview = /** @type {OwnPreview} */ (find(root, 'own-preview'));
    this.preview.sources = this.sources;
    this.top = new TopBar(part('top'), () => this.connection.now(), data.time_zone);
    this.banners = new Banners(part('banners'), data.time_zone, {
      unmute: () => this.#unmute(),
      retry: () => this.connection.retry(),
      openBoth: () => void this.#openBoth(),
      endScreen: () => this.ownScreen.stop(),
      answer: (on) => this.connection.send({ type: 'answer_centre', on }),
    });
    this.alerts = new Alerts(part('alerts'), part('alarm'), (alert) => this.connection.send({ type: 'acknowledge', alert }), data.time_zone);
    this.board = new Board(part('pictures'), { large: part('bench'), left: part('left'), others: part('floor'), right: part('right') }, data.kind);
    this.board.onend = (participant) => this.connection.send({ type: 'mute', participant, source: 'screen' });
    this.board.onchange = () => {
      if (this.view) this.#showTiles(this.view);
      this.tools.showLayout();
    };
    this.board.ownLevel = () => this.ownLevel.of(this.devices.track('microphone'));
    this.identity = new IdentityDialog(`/sittings/${data.sitting}/stills`, (message) => this.connection.send(message), (person) => {
      const stream = this.board.tiles.find((tile) => tile.dataset.key === person.endpoint)?.picture.srcObject;
      return stream instanceof MediaStream ? stream : null;
    });
    this.drawer = new Drawer(part('drawer'), (message) => this.connection.send(message), data.time_zone, {
      now: () => this.connection.now(),
      identify: (person) => this.identity.open(person),
    });
    this.procedure = new ProcedurePage(root, data.sitting, {
      send: (message) => this.connection.send(message),
      now: () => this.connection.now(),
      microphone: () => this.sources.condition.microphone,
      camera: () => this.sources.condition.camera,
      open: (device) => void this.sources.switch(device, true),
      admonished: (admonition) => this.banners.admonished(admonition),
    });
    this.deviceMenu = new DeviceMenu(part('devices-menu'), this.sources, (speaker) => {
      this.board.speaker = speaker;
      for (const tile of this.board.tiles) tile.hearAt(speaker);
    });
    this.tools = new ToolBar(root, this.sources, this.ownScreen, {
      leave: () => void this.#leave(),
      alone: () => this.screen === 'inside',
      hand: (up) => this.connection.send({ type: 'hand', up }),
      read: () => this.messages.read(),
      board: this.board,
      devices: this.deviceMenu,
    });
    this.seats = new RoomSeats(part('room-seats'), data.room, (message) => this.connection.send(message));
    const send = (/** @type {import('./protocol.js').Write} */ message) => this.connection.send(message);
    this.messages = new Messages(part('messages-panel'), { send, timeZone: data.time_zone, onunread: (count) => this.tools.showUnread(count) });
    this.clerkMessages = new Messages(part('clerk-messages'), { send, timeZone: data.time_zone });
    const time = root.querySelector('[data-section="time"]');
    this.time = time instanceof HTMLElement ? new MoreTime(time, data.extend_url, data.time_zone, () => this.connection.now()) : null;
    this.talkSound = new TalkSound();
    this.notices = new Notices(part('notices'), part('notice-alarm'), `notices:${data.sitting}`, data.time_zone);
    this.entrance = new Entrance(part('entrance'), this.sources);
    const log = root.querySelector('details[data-part="log"]');
    this.log = log instanceof HTMLDetailsElement ? new EventLog(log, part('log-lines'), data.log_url, data.time_zone) : null;
  }

  start() {
    const { connection, media } = this;
    connection.on('link', (link) => this.#linked(link));
    connection.on('state', ({ view }) => this.#take(view));
    connection.on('error', ({ ref, code, message }) => {
      const why = word(`error.${code}`, {}, message);
      if (![this.messages, this.clerkMessages].some((one) => one.refused(ref, why))) toast(why);
    });
    connection.on('speaker', ({ endpoint }) => this.board.hear(endpoint));
    connection.on('downlink', ({ state }) => this.banners.downlink(state));
    connection.on('media_reset', () => {
      this.board.hearNobody();
      this.banners.downlink('full');
    });
    connection.on('farewell', (farewell) => this.#end(ending(farewell, this.view)));
    media.onchange = () => {
      if (this.view) this.#showTiles(this.view);
      void this.#playTalk();
    };
    this.part('enter').addEventListener('click', () => this.#enter());
    this.part('step-out').addEventListener('click', () => void this.#leave());
    onNetworkChange(() => {
      connection.retry();
      media.moved();
    });
    addEventListener('pagehide', () => this.devices.closeAll());
    document.addEventListener('pointerdown', () => audioContext(), { once: true });
    setInterval(() => this.#listen(), LEVEL_EVERY_MS);
    setInterval(() => void this.#measure(), MEASURE_EVERY_MS);
    if (this.data.lobby && !this.outside.wasInside()) this.#show('lobby');
    else this.#connect();
    this.preview.show();
    this.top.tick();
  }

  #connect() {
    this.#show('connecting');
    this.connection.open();
  }

  #enter() {
    this.#entering = true;
    this.#connect();
  }

  /** @param {import('./protocol.js').Link} link */
  #linked(link) {
    this.banners.link(link);
    this.root.classList.toggle('is-broken', link === 'broken' || (link === 'connecting' && this.view !== null));
    if (link === 'broken') for (const one of [this.messages, this.clerkMessages]) one.broke();
    if (link === 'open' && this.view) announce(t('The connection is back.'));
  }

  /** @param {View} view */
  #take(view) {
    const former = this.view;
    this.view = view;
    const screen = view.place === 'observing' ? 'inside' : view.place;
    this.root.classList.toggle('is-listener', onlyListens(view));
    if (screen === 'inside' && former?.place !== 'inside' && !onlyListens(view)) this.#arrive(former);
    if (screen === 'inside') this.outside.remember(true);
    if (screen !== 'inside') this.entrance.cancel();
    this.#show(screen);
    if (screen === 'waiting' && former?.place === 'inside') this.outside.takenBack();
    this.top.show(view);
    this.banners.show(view, former, this.sources);
    this.alerts.show(view.alerts);
    if (keepsDesk(view)) this.drawer.show(view);
    this.tools.show(view);
    this.procedure.show(view, former);
    this.seats.show(view);
    this.notices.show(view.messages);
    this.time?.show(view);
    (screen === 'inside' ? this.messages : this.clerkMessages).show(view);
    if (screen === 'inside') this.#showTiles(view);
    else this.outside.before(view);
    void this.#playTalk();
    this.log?.changed();
    publish(this);
  }

  /** Let in: open to the court what the person chose, by his own act or after a countdown that he sees. @param {View | null} former */
  #arrive(former) {
    const entering = this.#entering;
    this.#entering = false;
    if (entering) this.sources.enter();
    else if (former !== null && (this.sources.wanted.microphone || this.sources.wanted.camera)) this.entrance.begin();
  }

  /** @param {HearingPage['screen']} screen */
  #show(screen) {
    if (this.screen === screen && this.root.dataset.screen === screen) return;
    const former = this.screen;
    this.screen = screen;
    this.root.dataset.screen = screen;
    for (const element of this.root.querySelectorAll('[data-show]')) {
      if (element instanceof HTMLElement) element.hidden = !(element.dataset.show ?? '').split(' ').includes(screen);
    }
    document.body.classList.toggle('is-inside', screen === 'inside');
    if (screen === 'connecting') {
      this.outside.connecting();
    }
    if (screen === 'inside' && former !== 'inside') {
      announce(t('You are in the {sitting}.'));
      this.part(this.root.classList.contains('is-listener') ? 'tool-messages' : 'tool-microphone').focus();
    }
    this.preview.show();
  }

  /** @param {View} view */
  #showTiles(view) {
    const cut = this.#cut;
    const [tiles, screens] = this.board.show(view, (place) => (place.you && cut ? NOTHING : place.people.find((person) => person.network)?.network ?? null));
    this.root.classList.toggle('shows-one', this.board.showsOne);
    this.part('alone').hidden = placesOf(view).some((place) => !place.you);
    for (const place of placesOf(view)) {
      const tile = tiles.get(place.key);
      if (!tile) continue;
      if (place.you) void tile.play(this.devices.track('camera'), null, null);
      else void this.#playRemote(tile, place.key);
    }
    const others = placesOf(view).filter((place) => !place.you);
    /** @type {Map<Element, {endpoint: string, source: import('./protocol.js').Source}>} */
    const pictures = new Map();
    for (const { key } of others) {
      const [tile, screen] = [tiles.get(key), screens.get(key)];
      if (tile) pictures.set(tile.picture, { endpoint: key, source: 'camera' });
      if (screen) pictures.set(screen.picture, { endpoint: key, source: 'screen' });
    }
    const looked = this.identity.looksAt;
    if (looked) pictures.set(looked.video, { endpoint: looked.endpoint, source: 'camera' });
    this.showing.show(pictures);
    for (const [endpoint, tile] of screens) {
      const own = !others.some((place) => place.key === endpoint);
      tile.play(own ? this.ownScreen.track : this.media.remote.get(`${endpoint}/screen`)?.track ?? null);
    }
  }

  /**
   * @param {import('./tiles.js').HearingTile} tile
   * @param {string} endpoint
   */
  async #playRemote(tile, endpoint) {
    const sound = this.media.remote.get(`${endpoint}/microphone`);
    const picture = this.media.remote.get(`${endpoint}/camera`);
    const heard = await tile.play(picture?.track ?? null, sound?.track ?? null, sound?.receiver ?? null);
    if (!heard) this.banners.soundBlocked(true);
  }

  async #playTalk() {
    if (!(await this.talkSound.play(this.view, this.media.remote))) this.banners.soundBlocked(true);
  }

  #unmute() {
    this.banners.soundBlocked(false);
    void this.talkSound.resume();
    for (const tile of this.board.tiles) void tile.unmute();
  }

  #showOwn() {
    this.preview.show();
    this.tools.showOwn();
    this.procedure.showOwn();
    if (this.view) {
      this.banners.own(this.view, this.sources);
      this.banners.ownScreen(this.ownScreen.condition === 'on');
      if (this.screen === 'inside') this.#showTiles(this.view);
    }
  }

  async #openBoth() {
    for (const device of /** @type {const} */ (['microphone', 'camera'])) if (this.sources.condition[device] === 'off') await this.sources.switch(device, true);
  }

  /** @param {import('./devices.js').DeviceError} error */
  #showTrouble(error) {
    const { title, remedy } = deviceTrouble(error.code, error.device);
    const again = () => void this.sources.switch(error.device, true);
    if (this.screen === 'inside') return this.banners.trouble(error.device, title, remedy, again);
    this.outside.trouble(title, remedy, again);
  }

  /** A device was pulled out and another one taken. @param {import('./devices.js').Device} device @param {string} label */
  #replaced(device, label) {
    const title = deviceTrouble('lost', device).title;
    const taken = device === 'camera' ? t('You are now seen by: {device}', { device: label }) : t('You are now heard by: {device}', { device: label });
    this.banners.replaced(device, `${title}${t('. ')}${taken}`, () => this.tools.openSettings());
  }

  /** @param {import('./own-screen.js').ScreenTrouble} code */
  #screenTrouble(code) {
    const { title, remedy } = screenTrouble(code);
    this.banners.trouble('screen', title, remedy, () => void this.ownScreen.switch(true));
  }

  #listen() {
    if (this.screen === 'inside') this.board.listen();
    else this.preview.level(this.ownLevel.of(this.devices.track('microphone')));
  }

  async #measure() {
    this.top.tick();
    this.time?.tick();
    this.banners.tick(this.connection.now(), this.time !== null);
    this.procedure.tick();
    this.drawer.tick();
    if (this.screen !== 'inside') return;
    const sample = await this.media.poll();
    const carries = sample.publish === 'connected' && sample.subscribe === 'connected';
    const asked = this.connection.link === 'open' && this.view?.media === 'up'; // without either another banner says more
    this.#silent_ms = carries || !asked ? null : (this.#silent_ms ?? performance.now());
    this.banners.path(this.#cut);
    const own = this.view?.participants.find((person) => person.you)?.network;
    this.banners.uplink(this.uplink.take(carries && !own?.blocked ? own?.up ?? null : null));
    this.#inbound = await this.media.inbound();
    this.#measured += 1;
    if (this.#measured % REPORT_EVERY === 0) this.media.report();
    if (this.view) this.#showTiles(this.view);
    publish(this);
  }

  /** Whether picture and sound have not got through this computer's own path for a while. */
  get #cut() {
    return this.#silent_ms !== null && performance.now() - this.#silent_ms > CUT_AFTER_MS;
  }

  async #leave() {
    const sits = this.view !== null && inSession(this.view) && this.screen === 'inside';
    if (this.view && this.screen === 'inside' && !this.view.rights.leave) {
      toast(t('Who presides does not leave while the {sitting} goes on. Call a pause or end it first.'));
      return;
    }
    const text = sits && this.data.citizen && this.data.kind !== 'remote_court'
      ? t('The {sitting} goes on without you. Your link brings you back until it ends.')
      : sits && this.data.citizen
      ? t('The court is in session. Leaving without the court\'s leave may count as leaving midway. Your link brings you back until the hearing closes.')
      : t('Your microphone and camera are closed. You can come back until the {sitting} ends.');
    if ((await ask({ title: t('Leave the {sitting}?'), text, act: t('Leave') })) === null) return;
    this.connection.send({ type: 'leave' });
    // At once: what was sent goes out first, and nothing that comes meanwhile may show the hearing again.
    this.connection.close();
    this.#end({ mark: 'leave', title: t('You have left the {sitting}'), text: t('You can come back until the {sitting} ends.'), detail: '', back: t('Come back') });
  }

  /** @param {import('./endings.js').Ending} ending */
  #end(ending) {
    this.outside.remember(false);
    this.entrance.cancel();
    this.ownScreen.stop();
    this.media.close();
    this.devices.closeAll();
    this.outside.end(ending);
    this.#show('ended');
    this.banners.clear();
    this.part('alerts').replaceChildren();
    this.part('notices').replaceChildren();
    this.part('end-title').focus();
    publish(this);
  }

  /** What the page shows, as data: for support and for tests. */
  figures() {
    return {
      screen: this.screen,
      link: this.connection.link,
      view: this.view,
      media: { transports: this.media.held(), sample: this.media.sample, inbound: this.#inbound, own: { ...this.sources.condition, screen: this.ownScreen.condition } },
    };
  }
}

/**
 * A copy as data under `window.__hearing`; nothing can be done with it.
 * @param {HearingPage} page
 */
function publish(page) {
  Object.defineProperty(globalThis, '__hearing', { value: Object.freeze(structuredClone(page.figures())), configurable: true, enumerable: false });
}

new HearingPage(find(document, '#hearing'), pageData()).start();
