// The composite picture being made: progress that moves, a failed one with a button to try again. On the list of
// recordings and on the playback page.

import { t } from './i18n.js';
import { send, toast } from './page.js';
import { el, fill, icon } from './markup.js';

/** @typedef {{state: 'none' | 'queued' | 'running' | 'done' | 'failed', progress: number, text: string, error: string}} Composite */

const POLL_MS = 1500;

export class CompositeState extends HTMLElement {
  connectedCallback() {
    if (this._now) return;
    const { state = 'none', progress = '0', text = '', error = '' } = this.dataset;
    this._show({ state: /** @type {Composite['state']} */ (state), progress: Number(progress), text, error });
    this.addEventListener('click', (event) => {
      if (event.target instanceof Element && event.target.closest('[data-retry]')) void this._retry();
    });
    void this._follow();
  }

  get _url() {
    return `/archive/${this.dataset.sitting ?? ''}/composite`;
  }

  /** Ask until it is made. A page that is not looked at does not ask. */
  async _follow() {
    while (this.isConnected && (this._now?.state === 'queued' || this._now?.state === 'running')) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      if (document.hidden) continue;
      const response = await fetch(this._url, { headers: { Accept: 'application/json' } }).catch(() => null);
      if (response?.ok) this._show(await response.json());
    }
  }

  async _retry() {
    const answer = await send(this._url, {});
    if (!answer.ok) {
      toast(answer.data?.title ?? t('That did not work. Try again.'));
      return;
    }
    this._show(answer.data);
    void this._follow();
  }

  /** @param {Composite} now */
  _show(now) {
    const before = this._now?.state;
    this._now = now;
    const going = now.state === 'queued' || now.state === 'running';
    fill(this,
      el('span', { class: `badge ${BADGES[now.state]}` }, now.state === 'failed' && icon('alert', 15), now.state === 'done' && icon('check', 15), now.text),
      going && el('progress', { max: 1, value: now.progress, 'aria-label': now.text }),
      now.state === 'failed' && now.error !== '' && this.hasAttribute('data-full') && el('span', { class: 'small muted' }, now.error),
      now.state === 'failed' && this.dataset.mayRetry === 'yes' && el('button', { type: 'button', class: 'button button-small', 'data-retry': true }, icon('refresh', 16), t('Try again')));
    if (now.state === 'done' && before !== undefined && before !== 'done') this.dispatchEvent(new CustomEvent('made', { bubbles: true }));
  }
}

/** @type {Record<Composite['state'], string>} */
const BADGES = { none: 'badge-hollow', queued: 'badge-hollow', running: 'badge-note', done: 'badge-well', failed: 'badge-warning' };

customElements.define('composite-state', CompositeState);
