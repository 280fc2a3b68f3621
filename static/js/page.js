// What every page has: the running clock, menus that close, copy buttons, dialogs opened by a button, forms sent once.

import { clock, day, t } from "./i18n.js";

/**
 * Say something to screen readers without moving the focus.
 * @param {string} text
 */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

/**
 * A short word that something was done; goes by itself.
 * @param {string} text
 */
export function toast(text) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const shown = document.createElement("div");
  shown.className = "toast";
  shown.textContent = text;
  place.append(shown);
  setTimeout(() => shown.remove(), 4000);
}

/** The token a changing request must carry. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}

/**
 * Send JSON and read the answer: `ok` with data, or the problem details of the refusal.
 * @param {string} url
 * @param {unknown} body
 * @param {string} [method]
 * @returns {Promise<{ok: boolean, status: number, data: any}>}
 */
export async function send(url, body, method = "POST") {
  try {
    const response = await fetch(url, {
      method,
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken(), Accept: "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, data: text ? JSON.parse(text) : null };
  } catch {
    return { ok: false, status: 0, data: { title: t("The server does not answer. Check the network and try again.") } };
  }
}

/**
 * The data a page was given in <script type="application/json" id="…">.
 * @param {string} [id]
 * @returns {any}
 */
export function pageData(id = "data") {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

function runClocks() {
  for (const place of document.querySelectorAll("[data-clock]")) {
    if (!(place instanceof HTMLElement)) continue;
    const zone = place.dataset.timeZone ?? "Asia/Shanghai";
    const now = Date.now();
    place.firstChild && (place.firstChild.textContent = day(now, zone));
    const figures = place.querySelector("b");
    if (figures) figures.textContent = clock(now, zone);
  }
}

/** @param {Element} button */
async function copy(button) {
  if (!(button instanceof HTMLElement)) return;
  const text = button.dataset.copy ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  toast(button.dataset.copied ?? t("Copied"));
}

// What the server opened anew, as something in it was refused, lies over the page like any other.
for (const dialog of document.querySelectorAll("dialog[open]")) {
  if (!(dialog instanceof HTMLDialogElement)) continue;
  dialog.open = false; // without the event of a dialog that somebody closes
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (!target) return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.removeAttribute("open");
  }
  const copying = target.closest("[data-copy]");
  if (copying) void copy(copying);
  const opening = target.closest("[data-dialog]");
  if (opening instanceof HTMLElement) {
    const dialog = document.getElementById(opening.dataset.dialog ?? "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  }
  const closing = target.closest("[data-close]");
  if (closing) closing.closest("dialog")?.close();
  if (target instanceof HTMLDialogElement) target.close();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.removeAttribute("open");
    const summary = menu.querySelector("summary");
    summary?.focus();
  }
});

// A key that is held presses once: where the focus goes on to the next button, that one waits for a press of its own.
document.addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter" && event.target instanceof HTMLButtonElement) event.preventDefault();
});

// A form is sent once: the second press of an impatient hand does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    form.removeAttribute("data-sent");
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

/** Where a bar of sections is wider than the screen, the section that is shown stands in its middle. */
function showSections() {
  for (const bar of document.querySelectorAll(".centre-sections, .staff-nav-row, .catalogue-tabs")) {
    const here = bar.querySelector("[aria-current]");
    if (!here || bar.scrollWidth <= bar.clientWidth) continue;
    const at = here.getBoundingClientRect();
    bar.scrollLeft += at.left + at.width / 2 - bar.getBoundingClientRect().left - bar.clientWidth / 2;
  }
}
showSections();
addEventListener("resize", showSections);

if (document.querySelector("[data-clock]")) {
  runClocks();
  setInterval(runClocks, 5000);
}

const firstError = document.querySelector('[aria-invalid="true"]');
if (firstError instanceof HTMLElement) firstError.focus();
