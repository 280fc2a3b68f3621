// The booking page: a day's grid or the cells of a week or month, kept up to date, and the panel beside it.

import { BookingCells } from "./booking-cells.js";
import { BookingGrid } from "./booking-grid.js";
import "./booking-panel.js";
import { focusOn } from "./moving.js";

const REFRESH_MS = 15_000;
const TICK_MS = 20_000;

/** @param {ParentNode} within */
function calendar(within = document) {
  const found = within.querySelector("booking-grid, booking-cells");
  return found instanceof BookingGrid || found instanceof BookingCells ? found : null;
}

/** Take the calendar anew from the server. @param {string} [focus] sitting that gets the focus */
async function refresh(focus) {
  const shown = calendar();
  if (!shown?.idle) return;
  const response = await fetch(location.href, { headers: { "X-Fragment": "grid" } }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const made = document.createElement("template");
  made.innerHTML = await response.text();
  const fresh = calendar(document.importNode(made.content, true));
  if (!fresh || !shown.idle) return;
  const active = document.activeElement;
  const focused = focus ?? (active instanceof Element ? active.closest(".bg-item")?.getAttribute("data-sitting") : undefined);
  const inside = shown.contains(active) || Boolean(focus);
  shown.replaceWith(fresh);
  if (inside && focused) {
    const item = fresh.querySelector(`.bg-item[data-sitting="${CSS.escape(focused)}"]`);
    if (item instanceof HTMLElement) focusOn(item);
  }
}

document.addEventListener("sitting-moved", (event) => {
  if (!(event instanceof CustomEvent)) return;
  const { sitting, day } = event.detail;
  const shown = calendar();
  if (shown instanceof BookingCells ? shown.shows(day) : shown?.day === day) return void refresh(sitting);
  const there = new URL(location.href);
  there.searchParams.set("day", day);
  there.searchParams.set("sitting", sitting);
  location.assign(there);
});

for (const field of document.querySelectorAll("[data-day-form] :is(input[type=date], select)")) {
  field.addEventListener("change", () => {
    if ((field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field.validity.valid) field.form?.requestSubmit();
  });
}

setInterval(() => {
  const shown = calendar();
  if (shown instanceof BookingGrid) shown.tick();
}, TICK_MS);
setInterval(() => {
  if (!document.hidden) void refresh();
}, REFRESH_MS);
