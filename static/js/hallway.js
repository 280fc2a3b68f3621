// The board in the hallway: takes its lines anew, says when it cannot, and turns pages where there are more lines than the screen holds.

const REFRESH_MS = 10_000;
const PAGE_MS = 8_000;
/** Without an answer for so long, what is shown may be wrong. */
const STALE_MS = 45_000;

let heard = performance.now();

function lines() {
  const found = document.querySelector("[data-lines]");
  return found instanceof HTMLElement ? found : null;
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-Fragment": "board" }, cache: "no-store" }).catch(() => null);
  const text = answer?.ok && !answer.redirected ? await answer.text().catch(() => "") : "";
  const made = document.createElement("template");
  made.innerHTML = text;
  const fresh = made.content.querySelector("[data-lines]");
  const shown = lines();
  if (fresh instanceof HTMLElement && shown) {
    heard = performance.now();
    const at = shown.scrollTop;
    shown.replaceWith(fresh);
    fresh.scrollTop = at;
  }
  const stale = document.querySelector("[data-stale]");
  if (stale instanceof HTMLElement) stale.hidden = performance.now() - heard < STALE_MS;
}

/** The next lines that the screen has not shown, and after the last the first. */
function turn() {
  const shown = lines();
  if (!shown || shown.scrollHeight <= shown.clientHeight + 1) return;
  const rest = shown.scrollHeight - shown.scrollTop - shown.clientHeight;
  const line = shown.querySelector(".hallway-line");
  const height = line instanceof HTMLElement ? line.offsetHeight : 0;
  const page = Math.max(height, Math.floor((shown.clientHeight - height) / Math.max(1, height)) * height);
  shown.scrollTop = rest < 2 ? 0 : shown.scrollTop + page;
}

setInterval(() => void refresh(), REFRESH_MS);
setInterval(turn, PAGE_MS);
