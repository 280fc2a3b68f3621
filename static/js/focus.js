// Drawing anew without taking the focus away.

/**
 * Draw, and put the focus back on what bears the same `data-` word (with the same key of its row), or on the first button there.
 * @param {HTMLElement} place
 * @param {string} name of the data attribute, such as "act"
 * @param {() => unknown} draw
 */
export function keepingFocus(place, name, draw) {
  const focused = document.activeElement;
  const inside = focused instanceof HTMLElement && place.contains(focused) ? focused : null;
  const word = inside?.dataset[name];
  const key = inside?.dataset['for'];
  draw();
  if (!inside || inside.isConnected) return;
  const again = (word === undefined ? null : [...place.querySelectorAll(`[data-${name}="${CSS.escape(word)}"]`)].find((one) => one instanceof HTMLElement && one.dataset['for'] === key)) ?? place.querySelector('button');
  if (again instanceof HTMLElement) again.focus();
}
