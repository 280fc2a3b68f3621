// A part of a page of tasks that follows what happens: asked for again every few seconds, and put in place where it has changed.

const EVERY_MS = 2000;

export class FollowedPart extends HTMLElement {
  #version = '';

  connectedCallback() {
    void this.#follow();
    this.addEventListener('stale', () => void this.#look());
  }

  async #follow() {
    while (this.isConnected) {
      await new Promise((done) => setTimeout(done, EVERY_MS));
      if (!document.hidden) await this.#look();
    }
  }

  async #look() {
    const address = new URL(this.dataset.from ?? location.href, location.href);
    address.searchParams.set('part', this.dataset.part ?? '');
    const response = await fetch(address, { redirect: 'error' }).catch(() => null);
    const broken = document.querySelector('[data-broken]');
    if (broken instanceof HTMLElement) broken.hidden = Boolean(response?.ok);
    if (!response?.ok) return;
    const version = response.headers.get('ETag') ?? '';
    if (version === this.#version) return;
    const text = await response.text();
    const first = this.#version === '';
    this.#version = version;
    const made = new DOMParser().parseFromString(text, 'text/html');
    if (first && made.body.textContent === this.textContent) return;
    const focused = this.contains(document.activeElement) ? document.activeElement?.id : '';
    this.replaceChildren(...made.body.childNodes);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    const moved = document.querySelector('[data-moved]');
    const now = this.querySelector('[data-now]');
    if (moved instanceof HTMLElement && now instanceof HTMLElement) moved.hidden = now.dataset.now === this.dataset.state;
  }
}

customElements.define('followed-part', FollowedPart);
