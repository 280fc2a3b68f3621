// What is said of an intercom of the command centre, and its sound. Used by the page of a hearing and by that of an officer who watches.

import { t, word } from './i18n.js';
import { el } from './markup.js';
import { chosenSpeaker, setSpeaker } from './speakers.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').IntercomView} IntercomView */

/** The names of these, as the view has them. @param {View} view @param {string[]} people */
export function namesIn(view, people) {
  return people.map((id) => view.participants.find((person) => person.id === id)?.name ?? id).join(t(', '));
}

/** What the viewer is told. @param {View} view @param {IntercomView} talk */
export function talkLine(view, talk) {
  const who = { name: talk.name, office: word(`rank.${talk.office}`), reason: talk.reason, names: namesIn(view, talk.participants) };
  if (talk.to_all) return t('talk.to_all', who);
  if (!talk.called) return t('talk.with_others', who);
  const told = answersHere(view, talk) ? t('talk.you_answer', who) : t('talk.with_you', who);
  return talk.recorded ? `${told}${t('talk.recorded')}` : told;
}

/** Whether the viewer's own device answers. @param {View} view @param {IntercomView} talk */
export function answersHere(view, talk) {
  return view.participants.some((person) => person.you && talk.answering.includes(person.id));
}

/** Plays what an officer says on the intercom, for whom it is meant: he has no picture, so nothing else plays it. */
export class TalkSound {
  #audio = el('audio', { autoplay: true, hidden: true });
  /** @type {MediaStreamTrack | null} */
  #track = null;

  /** @param {View | null} view @param {Map<string, import('./media.js').RemoteTrack>} remote tracks that come in @returns {Promise<boolean>} false where the browser waits for a press */
  async play(view, remote) {
    const talk = view?.intercom ?? null;
    // Who broke in has a picture, which plays his sound.
    const heard = talk !== null && !talk.you && (talk.called || talk.to_all);
    const track = heard ? remote.get(`${talk.endpoint}/microphone`)?.track ?? null : null;
    if (track === this.#track) return true;
    this.#track = track;
    this.#audio.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return true;
    document.body.append(this.#audio);
    void setSpeaker(this.#audio, chosenSpeaker());
    return this.resume();
  }

  /** After a press. */
  async resume() {
    if (!this.#track) return true;
    try {
      await this.#audio.play();
      return true;
    } catch {
      return false;
    }
  }
}
