// A copy that is being made: how far it is and how long it will take. When that is over the page is loaded anew, with what may be done then.

const POLL_MS = 1500;

export class CopyState extends HTMLElement {
  connectedCallback() {
    if (this.dataset.state === 'approved') void this._follow();
  }

  /** Ask until it is made. A page that is not looked at does not ask. */
  async _follow() {
    while (this.isConnected) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      if (document.hidden) continue;
      const response = await fetch(`/copies/${this.dataset.copy ?? ''}/state`, { headers: { Accept: 'application/json' } }).catch(() => null);
      if (!response?.ok) continue;
      /** @type {{state: string, text: string, progress: number}} */
      const now = await response.json();
      if (now.state !== 'approved') {
        location.reload();
        return;
      }
      const text = this.querySelector('[data-text]');
      if (text && text.textContent !== now.text) text.textContent = now.text;
      const bar = this.querySelector('progress');
      if (bar) bar.value = now.progress;
    }
  }
}

customElements.define('copy-state', CopyState);
