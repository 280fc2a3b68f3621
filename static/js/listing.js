// The week's list: shows how far it is until it is made, then the page with the proposal.

const EVERY_MS = 1000;

const state = document.querySelector("#listing-state");
const address = state instanceof HTMLElement ? state.dataset.running : undefined;

/** Ask once, show it, and go on while it runs. */
async function follow() {
  if (!(state instanceof HTMLElement) || !address) return;
  const response = await fetch(address, { headers: { "X-Fragment": "state" } }).catch(() => null);
  if (response?.ok) {
    const text = await response.text();
    if (!text.includes("listing-progress")) {
      location.reload();
      return;
    }
    const focused = state.contains(document.activeElement);
    const words = new DOMParser().parseFromString(text, "text/html").querySelector(".listing-progress .muted");
    const shown = state.querySelector(".listing-progress .muted");
    // The button stays the same element, so that whoever is on it stays there.
    if (words && shown && shown.textContent !== words.textContent) shown.textContent = words.textContent;
    if (focused && !state.contains(document.activeElement)) state.querySelector("button")?.focus();
  }
  setTimeout(() => void follow(), EVERY_MS);
}

if (address) setTimeout(() => void follow(), EVERY_MS);
