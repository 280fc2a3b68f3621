// One screen of the room: shows what officers put on it, for years without anybody at it. It connects again without end, loads itself
// again when the server has other pages, and a worker of its own waits for the server when it is not there at all (wall-waiting.js).

import { t } from './i18n.js';
import { find, say } from './markup.js';
import { pageData } from './page.js';
import { TellingLine } from './telling-line.js';
import { WallView } from './wall-view.js';

/** Loads of this page that came of another build: should the server itself not know which it has, the page must not load without end. */
const LOADED_FOR = 'wall-loaded-for';

const data = pageData();
const view = find(document, 'wall-view');
if (!(view instanceof WallView)) throw new Error('no wall on this page');
const note = find(document, '[data-screen-note]');

view.choose(String(data.number), true);
/** @type {TellingLine<import('./wall-line.js').Message>} */
const line = new TellingLine(() => `/ws/console/wall/${data.number}`, (message) => {
  if (message.type !== 'wall') return;
  if (message.build !== data.build && sessionStorage.getItem(LOADED_FOR) !== message.build) {
    sessionStorage.setItem(LOADED_FOR, message.build);
    view.stop();
    location.reload();
    return;
  }
  say(find(document, '[data-screen-name]'), message.name);
  view.take(message);
}, (open) => {
  note.hidden = open;
  say(note, open ? '' : t('The connection to the server is broken. Trying again…'));
}, () => location.reload());
line.open();

// The pointer is hidden where nobody moves it; a person at the screen gets it back at once.
let still = setTimeout(hide, 3_000);
function hide() {
  document.body.classList.add('wall-still');
}
addEventListener('pointermove', () => {
  document.body.classList.remove('wall-still');
  clearTimeout(still);
  still = setTimeout(hide, 3_000);
});
addEventListener('dblclick', () => void document.documentElement.requestFullscreen().catch(() => {}));
addEventListener('keydown', (event) => {
  if (event.key === 'f') void document.documentElement.requestFullscreen().catch(() => {});
});

/** @type {{request: (kind: 'screen') => Promise<unknown>} | undefined} */
const awake = /** @type {any} */ (navigator).wakeLock;
const keepAwake = () => void awake?.request('screen').catch(() => {});
keepAwake();
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && keepAwake());

if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/console/wall/screens/waiting.js').catch(() => {});
