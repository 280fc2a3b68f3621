// Keeps a list of elements in step with a list of things: what stays keeps its element, its focus and its video.

/**
 * @template T
 * @template {HTMLElement} E
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} key unique within `items`
 * @param {(item: T) => E} make
 * @param {(element: E, item: T) => void} update called for new and old alike
 */
export function keyed(parent, items, key, make, update) {
  /** @type {Map<string, E>} */
  const former = new Map();
  for (const child of parent.children) former.set(/** @type {HTMLElement} */ (child).dataset.key ?? '', /** @type {E} */ (child));
  /** @type {Element | null} */
  let before = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = former.get(name);
    former.delete(name);
    if (!element) {
      element = make(item);
      element.dataset.key = name;
    }
    // Moving an element restarts its video and takes its focus: only what is out of place is moved.
    while (before && former.has(/** @type {HTMLElement} */ (before).dataset.key ?? '') && !items.some((one) => key(one) === /** @type {HTMLElement} */ (before).dataset.key)) {
      const gone = before;
      before = before.nextElementSibling;
      former.delete(/** @type {HTMLElement} */ (gone).dataset.key ?? '');
      gone.remove();
    }
    if (element === before) before = before.nextElementSibling;
    else parent.insertBefore(element, before);
    update(element, item);
  }
  for (const element of former.values()) element.remove();
}
