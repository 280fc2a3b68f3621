// Who looks at a recording and when, over the pictures: what is photographed off the screen says by whom. It takes no clicks.

const EVERY_MS = 1000;
const PLACES = 12;

export class ViewerMark extends HTMLElement {
  connectedCallback() {
    if (this._timer) return;
    const { name = '', timeZone = 'UTC' } = this.dataset;
    const options = /** @type {const} */ ({ timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
    const clock = new Intl.DateTimeFormat('sv-SE', options);
    const places = Array.from({ length: PLACES }, () => document.createElement('span'));
    this.replaceChildren(...places);
    const write = () => {
      const text = `${name} ${clock.format(new Date())}`;
      for (const place of places) place.textContent = text;
    };
    write();
    this._timer = setInterval(write, EVERY_MS);
  }

  disconnectedCallback() {
    clearInterval(this._timer);
    this._timer = undefined;
  }
}

customElements.define('viewer-mark', ViewerMark);
