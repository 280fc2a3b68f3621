// The tool bar below the pictures, and the keys that do the same.

import { t, word } from './i18n.js';
import { el, find, icon, say } from './markup.js';
import { MODES } from './layout.js';
import { announce, toast } from './page.js';
import { keepsDesk, speaksInTurn } from './procedure.js';
import { heldBack } from './rooms.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').Source} Source */
/** @typedef {import('./own-sources.js').OwnSources} OwnSources */

const WIDE = matchMedia('(min-width: 900px)');

export class ToolBar {
  #leads = false;
  /** Why somebody else at this device keeps a source closed. @type {Record<Source, string>} */
  #heldBack = { microphone: '', camera: '', screen: '' };
  /** Chair and clerk see the drawer at once where there is room for it. */
  #opened = false;

  /**
   * @param {HTMLElement} root
   * @param {OwnSources} sources
   * @param {import('./own-screen.js').OwnScreen} screen
   * @param {{leave: () => void, alone: () => boolean, hand: (up: boolean) => void, read: () => void, board: import('./board.js').Board,
   * devices: import('./device-menu.js').DeviceMenu}} acts `alone`: whether the keys are meant for this page now; `read`: the messages are open
   */
  constructor(root, sources, screen, acts) {
    this.root = root;
    this.sources = sources;
    this.screen = screen;
    this.buttons = { microphone: find(root, '[data-part="tool-microphone"]'), camera: find(root, '[data-part="tool-camera"]'), screen: find(root, '[data-part="tool-screen"]') };
    this.drawerButton = find(root, '[data-part="tool-drawer"]');
    this.drawer = find(root, '[data-part="drawer"]');
    this.count = find(root, '[data-part="tool-count"]');
    this.acts = acts;
    this.handButton = find(root, '[data-part="tool-hand"]');
    this.messagesButton = find(root, '[data-part="tool-messages"]');
    this.messages = find(root, '[data-part="messages-panel"]');
    this.unread = find(root, '[data-part="messages-count"]');
    this.handButton.addEventListener('click', () => this.#hand());
    this.messagesButton.addEventListener('click', () => this.#toggleMessages());
    find(root, '[data-part="messages-close"]').addEventListener('click', () => this.#toggleMessages(false));
    this.help = find(root, '#help');
    this.view = find(root, '#view-menu');
    this.view.addEventListener('change', (event) => {
      const mode = event.target instanceof HTMLInputElement ? MODES.find((one) => one === /** @type {HTMLInputElement} */ (event.target).value) : undefined;
      if (mode) acts.board.choose(mode);
    });
    const full = find(root, '[data-part="full-screen"]');
    full.hidden = !document.fullscreenEnabled;
    full.addEventListener('click', () => void fullScreen());
    document.addEventListener('fullscreenchange', () => say(find(full, 'span'), document.fullscreenElement ? t('Leave full screen') : t('Full screen')));
    this.view.addEventListener('toggle', (event) => event instanceof ToggleEvent && event.newState === 'open' && void acts.devices.show());
    for (const source of /** @type {const} */ (['microphone', 'camera', 'screen'])) this.buttons[source].addEventListener('click', () => this.#press(source));
    this.drawerButton.addEventListener('click', () => this.#toggleDrawer());
    find(root, '[data-part="drawer-close"]').addEventListener('click', () => this.#toggleDrawer(false));
    find(root, '[data-part="tool-leave"]').addEventListener('click', acts.leave);
    document.addEventListener('keydown', (event) => {
      if (acts.alone()) this.#key(event);
    });
    this.showOwn();
    this.showLayout();
  }

  /** The chosen layout is the one that is ticked. */
  showLayout() {
    for (const choice of this.view.querySelectorAll('input')) choice.checked = choice.value === this.acts.board.mode && this.acts.board.pinned === null;
  }

  #nextLayout() {
    const { board } = this.acts;
    const mode = MODES[(MODES.indexOf(board.mode) + 1) % MODES.length] ?? 'court';
    board.choose(mode);
    announce({ court: t('Bench large'), equal: t('All the same size'), speaker: t('Who speaks is large'), inset: t('One large, the others inset') }[mode]);
  }

  /** @param {View} view */
  show(view) {
    const inTurn = speaksInTurn(view) ? t('You are heard when the chair gives you the floor.') : '';
    this.#heldBack = { microphone: heldBack(view, 'microphone') || inTurn, camera: heldBack(view, 'camera'), screen: '' };
    this.#leads = keepsDesk(view);
    this.drawerButton.hidden = !this.#leads;
    find(this.root, '[data-part="help-people"]').hidden = !this.#leads;
    if (this.#leads && !this.#opened && view.place === 'inside') {
      this.#opened = true;
      this.#toggleDrawer(WIDE.matches);
    }
    if (!this.#leads) this.drawer.hidden = true;
    const asking = view.participants.filter((participant) => participant.presence === 'waiting').length + view.devices.length;
    this.count.hidden = asking === 0;
    say(this.count, String(asking));
    this.drawerButton.title = asking > 0 ? t('{count} waiting', { count: asking }) : '';
    this.#showHand(view.participants.some((participant) => participant.you && participant.hand_at_us !== null));
  }

  /** Messages that were not read yet. @param {number} count */
  showUnread(count) {
    this.unread.hidden = count === 0;
    say(this.unread, String(count));
    this.messagesButton.title = count > 0 ? t('{count} new messages', { count }) : '';
  }

  /** @param {boolean} up */
  #showHand(up) {
    const shown = up ? 'up' : 'down';
    if (this.handButton.dataset.hand === shown) return;
    this.handButton.dataset.hand = shown;
    this.handButton.setAttribute('aria-pressed', String(up));
    this.handButton.title = up ? t('Your hand is up. The chair sees it.') : t('Show the chair that you wish to speak');
    this.handButton.replaceChildren(icon('hand'), el('span', {}, t('Hand')), el('small', {}, up ? t('raised') : t('down')));
  }

  #hand() {
    if (this.root.classList.contains('is-listener')) return;
    this.acts.hand(this.handButton.dataset.hand !== 'up');
  }

  /** Messages and people share the right side. @param {boolean} [open] */
  #toggleMessages(open = this.messages.hidden !== false) {
    if (open && !this.drawer.hidden) this.#toggleDrawer(false);
    this.messages.hidden = !open;
    this.root.classList.toggle('has-drawer', open || !this.drawer.hidden);
    this.messagesButton.setAttribute('aria-expanded', String(open));
    if (open) {
      this.acts.read();
      find(this.messages, 'textarea').focus();
    } else if (document.activeElement === document.body || this.messages.contains(document.activeElement)) this.messagesButton.focus();
  }

  /** The settings of picture, sound and devices, by another way than their button. */
  openSettings() {
    this.view.showPopover();
    this.view.querySelector('select')?.focus();
  }

  /** Microphone, camera and screen as they are now. */
  showOwn() {
    this.#dress('microphone', this.sources.condition.microphone);
    this.#dress('camera', this.sources.condition.camera);
    this.#dress('screen', this.screen.condition);
    this.buttons.screen.hidden = !this.screen.offered;
    find(this.root, '[data-part="help-screen"]').hidden = !this.screen.offered;
  }

  /** @param {Source} source @param {import('./own-sources.js').Condition} condition */
  #dress(source, condition) {
    const button = this.buttons[source];
    if (button.dataset.condition === condition) return;
    button.dataset.condition = condition;
    const on = condition === 'on';
    const [name, open, closed] = { microphone: [t('Mic'), 'mic', 'mic-off'], camera: [t('Camera'), 'camera', 'camera-off'], screen: [t('Share'), 'screen', 'screen'] }[source];
    button.setAttribute('aria-pressed', String(on));
    button.setAttribute('aria-disabled', String(condition === 'muted' || condition === 'unavailable'));
    button.setAttribute('aria-busy', String(condition === 'opening'));
    const text = conditionWord(source, condition);
    button.title = text;
    button.setAttribute('aria-description', text);
    button.replaceChildren(icon(on ? open : closed), el('span', {}, name), el('small', {}, shortWord(source, condition)));
  }

  /** @param {Source} source */
  #press(source) {
    if (this.root.classList.contains('is-listener') || (source === 'screen' && !this.screen.offered)) return;
    const condition = source === 'screen' ? this.screen.condition : this.sources.condition[source];
    if (condition === 'muted' || condition === 'unavailable') return toast(this.#heldBack[source] || conditionWord(source, condition));
    void (source === 'screen' ? this.screen.switch() : this.sources.switch(source));
  }

  /** @param {boolean} [open] */
  #toggleDrawer(open = this.drawer.hidden !== false) {
    if (!this.#leads) return;
    if (open && !this.messages.hidden) this.#toggleMessages(false);
    this.drawer.hidden = !open;
    this.root.classList.toggle('has-drawer', open);
    this.drawerButton.setAttribute('aria-expanded', String(open));
    if (!open && document.activeElement === document.body) this.drawerButton.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && this.acts.board.showsOne) return this.acts.board.showOnly(null);
    if (event.key === 'Escape' && !this.messages.hidden) return this.#toggleMessages(false);
    if (event.target instanceof Element && event.target.closest('input, textarea, select')) return;
    if (event.key === 'Escape' && !this.drawer.hidden && !WIDE.matches && !document.querySelector('details[data-menu][open]')) return this.#toggleDrawer(false);
    switch (event.key.toLowerCase()) {
      case 'm':
        return this.#press('microphone');
      case 'v':
        return this.#press('camera');
      case 's':
        return this.#press('screen');
      case 'd':
        return void this.view.togglePopover();
      case 'h':
        return this.#hand();
      case 'c':
        event.preventDefault();
        return this.#toggleMessages();
      case 'l':
        return this.#nextLayout();
      case 'f':
        return void fullScreen();
      case 'p':
        return this.#toggleDrawer();
      case '?':
        return void this.help.togglePopover();
    }
  }
}

/** The whole screen, or back. */
async function fullScreen() {
  if (!document.fullscreenEnabled) return;
  await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => {});
}

/** @param {Source} source @param {import('./own-sources.js').Condition} condition */
function conditionWord(source, condition) {
  switch (condition) {
    case 'on':
      return { microphone: t('Your microphone is open: you are heard'), camera: t('Your camera is open: you are seen'), screen: t('Your screen is shared: everybody sees it') }[source];
    case 'opening':
      return t('Opening…');
    case 'muted':
      return {
        microphone: t('Your microphone was closed by {house}. You can open it when you are allowed to.'),
        camera: t('Your camera was closed by {house}. You can open it when you are allowed to.'),
        screen: t('The share of your screen was ended by {house}. You can share again when you are allowed to.'),
      }[source];
    case 'unavailable':
      return t('Not available in this stage');
    default:
      return { microphone: t('Your microphone is closed: nobody hears you'), camera: t('Your camera is closed: nobody sees you'), screen: t('Show the others your screen or a window') }[source];
  }
}

/** @param {Source} source @param {import('./own-sources.js').Condition} condition */
function shortWord(source, condition) {
  switch (condition) {
    case 'on':
      return source === 'screen' ? t('shared') : t('on');
    case 'opening':
      return t('opening');
    case 'muted':
      return t('closed for you');
    case 'unavailable':
      return word('source.not_now');
    default:
      return source === 'screen' ? t('none') : t('off');
  }
}
