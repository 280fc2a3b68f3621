// The intercom of an officer who watches: with whom, and his microphone, which goes out only while its key is held, or is latched.

import { t, word } from './i18n.js';
import { DeviceError, open } from './devices.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce, send, toast } from './page.js';
import { namesIn, talkLine, TalkSound } from './talk-words.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').IntercomView} IntercomView */
/** @typedef {import('./media.js').Media} Media */

/** Held, this key is the key of the intercom, wherever nothing is typed. */
const KEY = 't';

export class Talking {
  /** @type {{media: Media, name: string} | null} */
  #watch = null;
  /** @type {View | null} */
  #view = null;
  /** His microphone, open as long as the talk. @type {MediaStreamTrack | null} */
  #track = null;
  #sound = new TalkSound();
  #provided = false;
  #asking = false;
  #held = false;
  #latched = false;
  /** His hand goes to the key of the intercom, as soon as it is there. */
  #aims = false;

  /** @param {HTMLElement} root the silent watch @param {string} sitting */
  constructor(root, sitting) {
    this.sitting = sitting;
    this.bar = find(root, '[data-talk-bar]');
    this.state = find(root, '[data-talk-state]');
    this.button = /** @type {HTMLButtonElement} */ (find(root, '[data-talk]'));
    this.key = /** @type {HTMLButtonElement} */ (find(root, '[data-talk-key]'));
    this.latch = /** @type {HTMLButtonElement} */ (find(root, '[data-talk-latch]'));
    this.over = /** @type {HTMLButtonElement} */ (find(root, '[data-talk-end]'));
    this.dialog = /** @type {HTMLDialogElement} */ (find(document, '#talk-dialog'));
    this.release = /** @type {HTMLDialogElement} */ (find(document, '#talk-end-dialog'));
    this.people = find(this.dialog, '[data-talk-people]');
    this.groups = find(this.dialog, '[data-talk-groups]');
    this.button.addEventListener('click', () => this.#choose());
    this.over.addEventListener('click', () => (this.#now?.you ? void this.#end(null) : this.#ask(this.release)));
    this.groups.addEventListener('click', (event) => this.#take(event));
    for (const dialog of [this.dialog, this.release]) {
      find(dialog, 'form').addEventListener('submit', (event) => {
        event.preventDefault();
        if (!this.#asking) void (dialog === this.dialog ? this.#begin() : this.#end(dialog));
      });
    }
    for (const radio of this.dialog.querySelectorAll('input[type="radio"]')) radio.addEventListener('change', () => this.#whole());
    this.#pressed();
  }

  /** The talk that goes on. */
  get #now() {
    return this.#view?.intercom ?? null;
  }

  /** The watch begins. @param {Media} media @param {string} name of the watch, as the server knows it */
  start(media, name) {
    this.#watch = { media, name };
  }

  /** Whether it is provided in this kind of sitting, and now. @param {Situation} situation */
  allow(situation) {
    this.#provided = situation.centre.includes('talk');
    this.#draw();
  }

  /** @param {View} view */
  follow(view) {
    const former = this.#now;
    this.#view = view;
    const now = this.#now;
    const media = this.#watch?.media;
    if (now?.you && media) {
      media.publishes = true;
      if (view.media === 'up') media.publisher.start();
      for (const id of now.answering) if (!former?.answering.includes(id)) announce(t('{names} answers', { names: namesIn(view, [id]) }));
    } else if (former?.you) {
      this.#silence(view.break_in?.you === true);
      toast(t('talk.over'));
    }
    if (now && !now.you && former?.endpoint !== now.endpoint) announce(talkLine(view, now));
    this.play();
    this.#draw();
  }

  /** What an officer says to all, who is not he. */
  play() {
    if (this.#watch) void this.#sound.play(this.#view, this.#watch.media.remote);
  }

  /** The watch is over, and with it what it sent. */
  stop() {
    this.#silence(false);
    this.#watch = null;
    this.#view = null;
    void this.#sound.play(null, new Map());
    for (const dialog of [this.dialog, this.release]) if (dialog.open) dialog.close();
    this.#draw();
  }

  /** @param {boolean} goesOn he breaks in on the same connection */
  #silence(goesOn) {
    [this.#held, this.#latched] = [false, false];
    if (this.#watch && this.#track && !goesOn) {
      this.#watch.media.publishes = false;
      this.#watch.media.publisher.stop();
      void this.#watch.media.set('microphone', null);
    }
    this.#track?.stop();
    this.#track = null;
  }

  // -- the key ------------------------------------------------------------------------------------------------

  #pressed() {
    const hold = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#hold(true);
    };
    this.key.addEventListener('pointerdown', (event) => {
      this.key.setPointerCapture(event.pointerId);
      hold(event);
    });
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) this.key.addEventListener(name, () => this.#hold(false));
    this.key.addEventListener('contextmenu', (event) => event.preventDefault());
    this.key.addEventListener('keydown', (event) => (event.key === ' ' || event.key === 'Enter') && hold(event));
    this.key.addEventListener('keyup', (event) => (event.key === ' ' || event.key === 'Enter') && this.#hold(false));
    document.addEventListener('keydown', (event) => {
      const free = this.#now?.you && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey && !typed(event) && document.querySelector('dialog[open]') === null;
      if (free && event.key.toLowerCase() === KEY) hold(event);
    });
    document.addEventListener('keyup', (event) => event.key.toLowerCase() === KEY && this.#hold(false));
    addEventListener('blur', () => this.#hold(false));
    this.latch.addEventListener('click', () => {
      this.#latched = !this.#latched;
      this.#send();
    });
  }

  /** @param {boolean} held */
  #hold(held) {
    if (this.#held === held) return;
    this.#held = held;
    this.#send();
  }

  /** A microphone that is not to be heard sends nothing at all. */
  #send() {
    const heard = this.#track !== null && (this.#held || this.#latched);
    if (this.#now?.you && this.#watch) void this.#watch.media.set('microphone', heard ? this.#track : null);
    this.#draw();
  }

  // -- what is shown ------------------------------------------------------------------------------------------

  #draw() {
    const [now, view] = [this.#now, this.#view];
    const may = this.button.dataset['may'] === 'yes';
    this.button.hidden = !may;
    this.button.disabled = !this.#provided || view?.break_in?.you === true;
    say(find(this.button, 'span'), now?.you ? t('Talk with others…') : t('Intercom…'));
    const inside = this.bar.contains(document.activeElement);
    this.bar.hidden = now === null;
    if (inside && now === null) this.button.focus();
    if (!now || !view) return;
    for (const key of [this.key, this.latch]) key.hidden = !now.you;
    const heard = now.you && (this.#held || this.#latched);
    this.key.setAttribute('aria-pressed', String(heard));
    this.latch.setAttribute('aria-pressed', String(this.#latched));
    fill(this.key, icon(heard ? 'mic' : 'mic-off', 18), el('span', {}, heard ? t('You are heard') : t('Hold to talk (T)')));
    this.over.hidden = !(now.you || may);
    say(find(this.over, 'span'), now.you ? t('End the talk') : t('End the talk of {name}', { name: now.name }));
    say(this.state, now.you ? yours(view, now) : talkLine(view, now));
    const answers = namesIn(view, now.answering);
    say(find(this.bar, '[data-talk-answers]'), now.to_all ? '' : answers ? t('Answering: {names}', { names: answers }) : t('Nobody answers yet.'));
    if (this.#aims && now.you) {
      this.#aims = false;
      if (document.activeElement === this.button || document.activeElement === document.body) this.key.focus();
    }
  }

  // -- with whom ----------------------------------------------------------------------------------------------

  #choose() {
    const view = this.#view;
    if (!view) return;
    /** @type {Map<string, import('./protocol.js').ParticipantView[]>} */
    const devices = new Map();
    for (const person of view.participants) {
      if (person.endpoint !== null && person.presence === 'present') devices.set(person.endpoint, [...(devices.get(person.endpoint) ?? []), person]);
    }
    const before = new Set(this.#now?.you ? this.#now.participants : []);
    // Who shares a device is talked with together: the others there would hear it.
    fill(this.people, ...[...devices.values()].map((people) => el('label', { class: 'check' },
      el('input', { type: 'checkbox', value: people.map((person) => person.id).join(' '), checked: people.every((person) => before.has(person.id)) }),
      el('span', {}, people.map((person) => person.name).join(t(', ')), ' ', el('span', { class: 'muted small' }, [...new Set(people.map((person) => word(`role.${person.role}`)))].join(t(', ')))))));
    const present = [...devices.values()].flat();
    const roles = [...new Set(present.map((person) => person.role))].filter((role) => present.filter((person) => person.role === role).length > 1);
    const sides = /** @type {const} */ (['bench', 'left', 'right']).filter((side) => present.some((person) => person.side === side));
    fill(this.groups,
      ...sides.map((side) => chip(word(`talk.side.${side}`), present.filter((person) => person.side === side))),
      ...roles.map((role) => chip(word(`role.${role}`), present.filter((person) => person.role === role))));
    this.#whole();
    this.#ask(this.dialog);
  }

  /** All of a group are chosen, and taken back by a second press. @param {Event} event */
  #take(event) {
    const pressed = event.target instanceof Element ? event.target.closest('button') : null;
    if (!pressed) return;
    const wanted = new Set((pressed.dataset['whose'] ?? '').split(' '));
    const boxes = this.#boxes().filter((box) => box.value.split(' ').some((id) => wanted.has(id)));
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
  }

  #boxes() {
    return /** @type {HTMLInputElement[]} */ ([...this.people.querySelectorAll('input')]);
  }

  get #toAll() {
    return /** @type {HTMLInputElement} */ (find(this.dialog, '#talk-all')).checked;
  }

  #whole() {
    find(this.dialog, '[data-talk-few]').hidden = this.#toAll;
  }

  /** @param {HTMLDialogElement} dialog */
  #ask(dialog) {
    find(dialog, '[data-error]').hidden = true;
    dialog.showModal();
    find(dialog, dialog === this.dialog ? 'input[type="radio"]:checked' : 'textarea').focus();
  }

  /** @param {HTMLDialogElement} dialog @param {string} text */
  #refuse(dialog, text) {
    const error = find(dialog, '[data-error]');
    error.textContent = text;
    error.hidden = false;
    error.scrollIntoView({ block: 'nearest' });
  }

  async #begin() {
    const { dialog } = this;
    const watch = this.#watch;
    if (!watch) return dialog.close();
    const reason = reasonIn(dialog);
    const participants = this.#toAll ? [] : this.#boxes().filter((box) => box.checked).flatMap((box) => box.value.split(' '));
    if (!this.#toAll && participants.length === 0) return this.#refuse(dialog, word('error.talk_with_whom'));
    if (reason === '') return this.#refuse(dialog, word('error.required'));
    this.#asking = true;
    try {
      this.#track ??= await open('microphone');
      const answer = await send(`/console/sittings/${this.sitting}/talk?view=${encodeURIComponent(watch.name)}`, { reason, participants, to_all: this.#toAll });
      if (!answer.ok) {
        if (!this.#now?.you) this.#silence(true);
        return this.#refuse(dialog, answer.data?.title ?? t('That did not work. Try again.'));
      }
      dialog.close();
      [this.#held, this.#latched] = [false, false];
      this.#aims = true;
      this.#send();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#refuse(dialog, t('Your microphone could not be opened. Without it nobody would hear you.'));
    } finally {
      this.#asking = false;
    }
  }

  /** @param {HTMLDialogElement | null} dialog that of another's, in which he says why */
  async #end(dialog) {
    const reason = dialog ? reasonIn(dialog) : '';
    if (dialog && reason === '') return this.#refuse(dialog, word('error.required'));
    const answer = await send(`/console/sittings/${this.sitting}/talk/end`, { reason });
    const trouble = answer.ok ? '' : String(answer.data?.title ?? t('That did not work. Try again.'));
    if (trouble && dialog) return this.#refuse(dialog, trouble);
    if (trouble) return toast(trouble);
    dialog?.close();
  }
}

/** What the officer who talks is told. @param {View} view @param {IntercomView} talk */
function yours(view, talk) {
  return talk.to_all ? t('talk.yours_to_all') : t('talk.yours', { names: namesIn(view, talk.participants) });
}

/** @param {string} text @param {import('./protocol.js').ParticipantView[]} people */
function chip(text, people) {
  return el('button', { type: 'button', class: 'button button-small', 'data-whose': people.map((person) => person.id).join(' ') }, text);
}

/** @param {HTMLDialogElement} dialog */
function reasonIn(dialog) {
  return /** @type {HTMLTextAreaElement} */ (find(dialog, 'textarea')).value.trim();
}

/** Whether a key is meant for what is typed. @param {KeyboardEvent} event */
function typed(event) {
  return event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable]') !== null;
}
