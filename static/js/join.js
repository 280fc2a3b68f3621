// First page of joining: sends a browser that cannot take part to the page that says what to do.

import { missing } from './devices.js';

const place = document.querySelector('[data-unsupported]');
const why = missing();
if (why && place instanceof HTMLElement) location.replace(`${place.dataset.unsupported}?why=${why}`);
