// The verification badge: runs the check on request and shows what was checked.

import { t } from './i18n.js';
import { announce, send } from './page.js';
import { el, fill, find, icon, say } from './markup.js';

/**
 * @typedef {object} Verification
 * @property {'never' | 'running' | 'done' | 'failed'} state
 * @property {boolean | null} ok
 * @property {string} text the badge's words
 * @property {string} at when, in words
 * @property {{ok: boolean | null, text: string}[]} checks
 * @property {{name: string, whose: string, size: string, ok: boolean, text: string}[]} files
 * @property {string[]} problems
 * @property {string[]} gaps
 */

const POLL_MS = 700;

export class VerificationBadge extends HTMLElement {
  /** @param {string} sitting @param {Verification} now */
  show(sitting, now) {
    this._sitting = sitting;
    find(this, '[data-open]').addEventListener('click', () => this._dialog().showModal());
    find(this, '[data-verify]').addEventListener('click', () => this._verify());
    this._say(now);
    if (now.state === 'running') void this._wait();
  }

  _dialog() {
    return /** @type {HTMLDialogElement} */ (find(this, 'dialog'));
  }

  get _url() {
    return `/archive/${this._sitting}/verification`;
  }

  async _verify() {
    const button = /** @type {HTMLButtonElement} */ (find(this, '[data-verify]'));
    button.disabled = true;
    const answer = await send(this._url, {});
    if (answer.ok) {
      this._say(answer.data);
      await this._wait();
    } else {
      fill(find(this, '[data-problems]'), el('li', {}, icon('alert', 18), el('span', {}, answer.data?.title ?? t('That did not work. Try again.'))));
    }
    button.disabled = false;
  }

  async _wait() {
    for (;;) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      const response = await fetch(this._url, { headers: { Accept: 'application/json' } }).catch(() => null);
      if (!response?.ok) continue;
      const now = /** @type {Verification} */ (await response.json());
      this._say(now);
      if (now.state === 'running') continue;
      announce(now.text);
      return;
    }
  }

  /** @param {Verification} now */
  _say(now) {
    const family = now.state === 'running' ? 'note' : now.state === 'failed' ? 'warning' : now.ok === null ? 'hollow' : now.ok ? 'well' : 'danger';
    const sign = now.state === 'running' ? 'refresh' : now.ok === true ? 'shield-check' : now.ok === false ? 'alert' : 'shield';
    fill(find(this, '[data-open]'), el('span', { class: `badge badge-${family}` }, icon(sign, 16), now.text));
    fill(find(this, '[data-verdict]'), icon(sign, 28), el('div', {}, el('strong', {}, now.text), now.at !== '' && el('p', { class: 'small muted' }, now.at)));
    find(this, '[data-verdict]').className = `verdict verdict-${family}`;
    fill(find(this, '[data-problems]'), ...now.problems.map((text) => el('li', {}, icon('alert', 18), el('span', {}, text))));
    fill(find(this, '[data-checks]'), ...now.checks.map((check) => tick(check.ok, check.text)));
    fill(find(this, '[data-files]'), ...now.files.map((file) => el('li', { class: file.ok ? '' : 'bad' }, icon(file.ok ? 'check' : 'cross-circle', 18),
      el('span', { class: 'checked-file' }, file.whose !== '' && el('b', {}, file.whose), el('code', {}, file.name)), el('span', { class: 'figures muted' }, file.size), el('span', {}, file.text))));
    fill(find(this, '[data-gaps]'), ...now.gaps.map((text) => el('li', {}, icon('info', 18), el('span', {}, text))));
    for (const part of this.querySelectorAll('[data-part]')) {
      if (part instanceof HTMLElement) part.hidden = part.querySelector('li') === null;
    }
    const button = /** @type {HTMLButtonElement} */ (find(this, '[data-verify]'));
    button.disabled = now.state === 'running';
    say(find(button, 'span'), now.state === 'running' ? t('Checking…') : now.state === 'never' ? t('Check now') : t('Check again'));
  }
}

/** @param {boolean | null} ok null: there is nothing to check @param {string} text */
function tick(ok, text) {
  return el('li', { class: ok === false ? 'bad' : '' }, icon(ok === null ? 'minus' : ok ? 'check' : 'cross-circle', 18), el('span', {}, text));
}

customElements.define('verification-badge', VerificationBadge);
