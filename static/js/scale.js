// By how much this screen shows everything larger (css/tokens.css): what a script draws in CSS pixels is drawn larger by the same.

/** 1 on a desk screen. */
export function scale() {
  return Number(getComputedStyle(document.documentElement).getPropertyValue('--scale')) || 1;
}
