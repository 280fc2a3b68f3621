// Identity by looking at face and document side by side: a still of each is kept as evidence. A person decides, no machine compares.

import { t, word } from './i18n.js';
import { csrfToken } from './page.js';
import { el, fill, icon } from './markup.js';
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {'face' | 'document'} Still */

/** The court takes no larger file. */
const LARGEST_BYTES = 1_000_000;
const QUALITIES = [0.92, 0.8, 0.65, 0.5];

export class IdentityDialog {
  #body = el('form', { class: 'dialog-body identity', method: 'dialog', novalidate: true });
  #dialog = el('dialog', { class: 'identity-dialog', 'aria-labelledby': 'identity-title' }, this.#body);
  #video = el('video', { playsinline: true, autoplay: true, muted: true });
  #note = el('textarea', { id: 'identity-note', rows: 2, maxlength: 500 });
  #problem = el('p', { class: 'field-error', role: 'alert', hidden: true });
  /** @type {Record<Still, string | null>} */
  #stills = { face: null, document: null };
  /** @type {ParticipantView | null} */
  #person = null;
  #opener = /** @type {Element | null} */ (null);

  /**
   * @param {string} url below which the stills of the sitting are kept
   * @param {(message: ProcedureMessage) => void} send
   * @param {(person: ParticipantView) => MediaStream | null} picture what is seen of him now
   */
  constructor(url, send, picture) {
    this.url = url;
    this.send = send;
    this.picture = picture;
    document.body.append(this.#dialog);
    this.#body.addEventListener('click', (event) => void this.#press(event));
    this.#body.addEventListener('submit', (event) => event.preventDefault());
    this.#dialog.addEventListener('close', () => {
      this.#video.srcObject = null;
      if (this.#opener instanceof HTMLElement && this.#opener.isConnected) this.#opener.focus();
      this.#person = null;
    });
  }

  /** Whose picture is looked at in the dialog: it is wanted large. */
  get looksAt() {
    return this.#person && { endpoint: this.#person.endpoint ?? '', video: this.#video };
  }

  /** @param {ParticipantView} person */
  open(person) {
    this.#person = person;
    this.#opener = document.activeElement;
    const known = person.identity;
    this.#stills = { face: known?.face ?? null, document: known?.document ?? null };
    this.#note.value = '';
    this.#problem.hidden = true;
    this.#video.srcObject = this.picture(person);
    this.#video.muted = true;
    void this.#video.play().catch(() => {}); // no picture yet: it plays when it comes
    this.#draw();
    this.#dialog.showModal();
  }

  #draw() {
    const person = this.#person;
    if (!person) return;
    const half = (/** @type {Still} */ still) => {
      const kept = this.#stills[still];
      const title = still === 'face' ? t('Face') : t('Document');
      return el('figure', { class: 'identity-still' },
        el('figcaption', {}, title),
        kept ? el('img', { src: `${this.url}/${kept}`, alt: still === 'face' ? t('Still of the face of {name}', { name: person.name }) : t('Still of the document of {name}', { name: person.name }) })
          : el('p', { class: 'identity-none' }, still === 'face' ? t('The person looks into the camera.') : t('The person holds the document before the camera.')),
        el('button', { class: 'button button-small', type: 'button', 'data-still': still }, icon('camera', 18), kept ? t('Take again') : still === 'face' ? t('Keep the face') : t('Keep the document')));
    };
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.still : undefined;
    fill(
      this.#body,
      el('h2', { id: 'identity-title' }, t('Identity of {name}', { name: `${person.name} · ${word(`role.${person.role}`)}` })),
      el('p', { class: 'muted' }, t('Look at face and document and compare them with the file. A still of each is kept as evidence.')),
      el('div', { class: 'identity-live' }),
      el('div', { class: 'identity-pair' }, half('face'), half('document')),
      el('div', { class: 'field' }, el('label', { for: 'identity-note' }, t('Note (document and number, or why there is no still)')), el('div', { class: 'identity-note' })),
      el('div', { class: 'identity-problem' }),
      el('div', { class: 'dialog-actions' },
        el('button', { class: 'button', type: 'button', 'data-act': 'cancel' }, t('Cancel')),
        el('button', { class: 'button button-danger', type: 'button', 'data-act': 'refused' }, t('Not confirmed')),
        el('button', { class: 'button button-primary', type: 'button', 'data-act': 'confirmed' }, icon('shield-check', 18), t('Confirm identity'))),
    );
    // The picture lies over the words; where there is none they are seen.
    this.#body.querySelector('.identity-live')?.replaceChildren(el('p', {}, t('There is no picture of this person just now.')), this.#video);
    this.#body.querySelector('.identity-note')?.replaceChildren(this.#note);
    this.#body.querySelector('.identity-problem')?.replaceChildren(this.#problem);
    void this.#video.play().catch(() => {});
    const again = focused ? this.#body.querySelector(`[data-still="${focused}"]`) : null;
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {Event} event */
  async #press(event) {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    if (!button || !this.#person) return;
    const { still, act } = button.dataset;
    if (still === 'face' || still === 'document') return this.#keep(still, button);
    if (act === 'cancel') return this.#dialog.close();
    if (act === 'confirmed' || act === 'refused') {
      const note = this.#note.value.trim();
      if (note === '' && (act === 'refused' || Object.values(this.#stills).includes(null))) {
        this.#trouble(act === 'refused' ? t('Please write why.') : t('Keep a still of both, or write why there is none.'));
        return this.#note.focus();
      }
      this.send({ type: 'identify', participant: this.#person.id, result: act, face: this.#stills.face, document: this.#stills.document, note });
      this.#dialog.close();
    }
  }

  /** @param {Still} still @param {HTMLButtonElement} button */
  async #keep(still, button) {
    const person = this.#person;
    const file = await jpeg(this.#video);
    if (!file) return this.#trouble(t('There is no picture of this person just now.'));
    button.setAttribute('aria-busy', 'true');
    const id = await this.#upload(file);
    button.removeAttribute('aria-busy');
    if (this.#person !== person) return;
    if (!id) return this.#trouble(t('The still was not kept. Try again.'));
    this.#stills[still] = id;
    this.#problem.hidden = true;
    this.#draw();
  }

  /** @param {Blob} file @returns {Promise<string | null>} its id */
  async #upload(file) {
    try {
      const response = await fetch(this.url, { method: 'POST', headers: { 'Content-Type': 'image/jpeg', 'X-CSRF-Token': csrfToken(), Accept: 'application/json' }, body: file });
      return response.ok ? /** @type {{id: string}} */ (await response.json()).id : null;
    } catch {
      return null; // the network: said to the person, who tries again
    }
  }

  /** @param {string} text */
  #trouble(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = false;
  }
}

/** What the video shows now, small enough for the court. @param {HTMLVideoElement} video @returns {Promise<Blob | null>} */
async function jpeg(video) {
  if (video.videoWidth === 0) return null;
  const canvas = el('canvas', { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  for (const quality of QUALITIES) {
    /** @type {Blob | null} */
    const file = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
    if (file && file.size <= LARGEST_BYTES) return file;
  }
  return null;
}
