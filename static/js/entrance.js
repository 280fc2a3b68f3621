// The moment of being let in: a countdown that is seen before one's camera and microphone open.

import { t } from './i18n.js';
import { find, say } from './markup.js';

const SECONDS = 5;

export class Entrance {
  #left = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} root
   * @param {import('./own-sources.js').OwnSources} sources
   */
  constructor(root, sources) {
    this.root = root;
    this.sources = sources;
    this.now = find(root, '[data-part="entrance-now"]');
    this.now.addEventListener('click', () => this.#open());
    find(root, '[data-part="entrance-off"]').addEventListener('click', () => this.#keepOff());
    root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#keepOff();
    });
  }

  begin() {
    const { microphone, camera } = this.sources.wanted;
    this.sources.held = true;
    this.#left = SECONDS;
    this.root.hidden = false;
    say(find(this.root, '[data-part="entrance-text"]'), microphone && camera ? t('Everybody inside will see and hear you.') : camera ? t('Everybody inside will see you.') : t('Everybody inside will hear you.'));
    this.#draw();
    // After the page has moved the focus to its tools.
    setTimeout(() => this.now.focus(), 0);
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  cancel() {
    clearInterval(this.#timer);
    this.sources.held = false;
    this.root.hidden = true;
  }

  #tick() {
    this.#left -= 1;
    if (this.#left <= 0) this.#open();
    else this.#draw();
  }

  #draw() {
    const { microphone, camera } = this.sources.wanted;
    const values = { seconds: this.#left };
    say(this.now, microphone && camera ? t('Open both now ({seconds})', values) : camera ? t('Open the camera now ({seconds})', values) : t('Open the microphone now ({seconds})', values));
  }

  #open() {
    this.cancel();
    this.sources.enter();
  }

  #keepOff() {
    this.cancel();
    void this.sources.switch('microphone', false);
    void this.sources.switch('camera', false);
  }
}
