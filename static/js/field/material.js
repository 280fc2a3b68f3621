// Material of a task, added on its page in the command centre.

import { t } from '../i18n.js';
import { announce, csrfToken, send } from '../page.js';
import { UploadRefused, newKey, upload } from './upload.js';

const PATIENCE = 5;

class MaterialFiles extends HTMLElement {
  connectedCallback() {
    this.input = /** @type {HTMLInputElement} */ (this.querySelector('input[type=file]'));
    this.input.addEventListener('change', () => void this.#send());
    document.querySelector('followed-part')?.addEventListener('click', (event) => void remove(event));
  }

  async #send() {
    const chosen = [...(this.input?.files ?? [])];
    for (const [index, blob] of chosen.entries()) {
      const word = { name: blob.name, n: index + 1, of: chosen.length };
      const key = newKey();
      for (let attempt = 1; ; attempt++) {
        try {
          await upload({
            announce: `/console/tasks/${this.dataset.task}/files`, files: '/console/files', token: csrfToken, blob, name: blob.name, key,
            told: (sent, size) => this.#say(t('{n} of {of}: {name}, {percent} %', { ...word, percent: Math.round((100 * sent) / size) })),
          });
          break;
        } catch (error) {
          if (error instanceof UploadRefused || attempt === PATIENCE) {
            this.#say(`${blob.name}: ${error instanceof UploadRefused ? error.message : t('The server does not answer. Check the network and try again.')}`);
            return;
          }
          await new Promise((done) => setTimeout(done, 1000 * attempt));
        }
      }
    }
    if (this.input) this.input.value = '';
    this.#say(t('The material is with the task.'));
    stale();
  }

  /** @param {string} text */
  #say(text) {
    const place = this.querySelector('[data-state]');
    if (place) place.textContent = text;
  }
}

/** @param {Event} event */
async function remove(event) {
  const button = event.target instanceof Element ? event.target.closest('[data-remove]') : null;
  if (!(button instanceof HTMLButtonElement)) return;
  button.disabled = true;
  const answer = await send(`/console/files/${button.dataset.remove}/remove`, {});
  if (!answer.ok) announce(answer.data?.title ?? '');
  stale();
}

function stale() {
  document.querySelector('followed-part')?.dispatchEvent(new Event('stale'));
}

customElements.define('material-files', MaterialFiles);
