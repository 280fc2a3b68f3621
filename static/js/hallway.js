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
    shown.replaceWith(fresh);
    fit();
  }
  const stale = document.querySelector("[data-stale]");
  if (stale instanceof HTMLElement) stale.hidden = performance.now() - heard < STALE_MS;
}

/** The line that the page begins with, and the one that the next page does. */
let first = 0;
let next = 0;

/**
 * As many whole lines as there is room for: half a line at the edge of a screen that nobody touches cannot be read.
 * @param {ScrollBehavior} behavior seen to move only when a page is turned
 */
function fit(behavior = "instant") {
  const shown = lines();
  if (!shown) return;
  shown.style.flex = shown.style.height = "";
  const rows = [...shown.querySelectorAll(".hallway-line")].map((row) => row.getBoundingClientRect());
  const fits = shown.scrollHeight <= shown.clientHeight + 1;
  if (fits || first >= rows.length) first = 0;
  next = 0;
  const [top, begin] = [rows[0], rows[first]];
  if (fits || !top || !begin) return;
  const head = shown.querySelector("thead")?.getBoundingClientRect().height ?? 0;
  const end = begin.top + shown.clientHeight - head;
  const below = rows.findIndex((row, place) => place > first && row.bottom > end);
  const last = rows[below === -1 ? rows.length - 1 : below - 1] ?? begin;
  shown.style.flex = "none";
  shown.style.height = `${head + last.bottom - begin.top}px`;
  shown.scrollTo({ top: begin.top - top.top, behavior });
  next = below === -1 ? 0 : below;
}

/** The next lines that the screen has not shown, and after the last the first. */
function turn() {
  first = next;
  fit("auto");
}

fit();
addEventListener("resize", () => fit());
setInterval(() => void refresh(), REFRESH_MS);
setInterval(turn, PAGE_MS);
