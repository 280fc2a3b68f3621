// Builds elements without markup strings, so that nothing a participant typed is ever parsed as HTML.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element with attributes and children. `true` sets an empty attribute, `false`, `null` and `undefined` leave it out;
 * a function under `onclick` and the like becomes a listener.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, attributes);
  element.append(...children.filter(present).map(asNode));
  return element;
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  dress(element, attributes);
  element.append(...children.filter(present).map(asNode));
  return element;
}

/**
 * Replace what is inside `parent`, but only when it differs: an unchanged region keeps focus, selection and scroll.
 * @param {Element} parent
 * @param {...Child} children
 * @returns {boolean} whether anything changed
 */
export function fill(parent, ...children) {
  const box = parent.cloneNode(false);
  /** @type {Element} */ (box).append(...children.filter(present).map(asNode));
  if (/** @type {Element} */ (box).innerHTML === parent.innerHTML) return false;
  parent.replaceChildren(...box.childNodes);
  return true;
}

/**
 * Replace what is in `parent`, each child only where it differs from the one in its place: the others are not laid out again.
 * @param {Element} parent
 * @param {...Child} children
 */
export function renew(parent, ...children) {
  const made = new DocumentFragment();
  made.append(...children.filter(present).map(asNode));
  const count = made.childNodes.length;
  [...made.childNodes].forEach((child, n) => {
    const old = parent.childNodes[n];
    if (!old) parent.append(child);
    else if (!old.isEqualNode(child)) old.replaceWith(child);
  });
  while (parent.childNodes.length > count) parent.lastChild?.remove();
}

/**
 * Set a text only when it differs, so that screen readers are not told twice.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The element that must be there; the page is ours, so its absence is a defect.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no ${selector} on this page`);
  return found;
}

/**
 * An icon of the sprite. It is hidden from screen readers: the word stands beside it.
 * @param {string} name
 * @param {number} [size] px
 */
export function icon(name, size = 20) {
  const use = svg('use', { href: `${SPRITE}#${name}` });
  return svg('svg', { class: 'icon', width: size, height: size, 'aria-hidden': 'true' }, use);
}

const SPRITE = new URL('../icons.svg', import.meta.url).pathname;

/** @param {Child} child @returns {child is Node | string | number} */
function present(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {Node | string | number} child @returns {Node | string} */
function asNode(child) {
  return child instanceof Node ? child : String(child);
}

/**
 * @param {Element} element
 * @param {Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>} attributes
 */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
}
