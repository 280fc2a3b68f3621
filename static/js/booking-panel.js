// The form or the details of a sitting beside the calendar: opened, sent and closed without leaving the page, so that what was typed
// stays beside the day it is about.

import { announce, csrfToken, toast } from "./page.js";
import { t } from "./i18n.js";

/** @type {Element | null} */
let cameFrom = null;

function panel() {
  return document.getElementById("panel");
}

/** @param {boolean} open */
function showPanel(open) {
  const place = panel();
  if (!place) return;
  place.hidden = !open;
  place.parentElement?.setAttribute("data-panel-open", open ? "yes" : "no");
}

/**
 * Show the form or the details of a sitting beside the grid.
 * @param {string} url
 * @param {Element | null} from where the focus goes back to
 */
export async function openPanel(url, from) {
  const place = panel();
  if (!place) return;
  cameFrom = from ?? document.activeElement;
  const response = await fetch(url, { headers: { "X-Fragment": "panel" } }).catch(() => null);
  if (!response?.ok) {
    location.assign(url);
    return;
  }
  place.innerHTML = await response.text();
  showPanel(true);
  for (const item of document.querySelectorAll(".bg-item")) {
    item.toggleAttribute("data-chosen", item.contains(from));
  }
  const first = place.querySelector("#case_number") ?? place;
  if (first instanceof HTMLElement) first.focus({ preventScroll: matchMedia("(min-width: 821px)").matches });
}

function closePanel() {
  showPanel(false);
  for (const item of document.querySelectorAll("[data-chosen]")) item.removeAttribute("data-chosen");
  if (cameFrom instanceof HTMLElement && cameFrom.isConnected) cameFrom.focus();
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (!target || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
  const create = target.closest("a[data-new-sitting]");
  if (create instanceof HTMLAnchorElement) {
    event.preventDefault();
    void openPanel(create.href, create);
  }
  if (target.closest("#panel [data-panel-close]")) {
    event.preventDefault();
    closePanel();
  }
});

document.addEventListener("keydown", (event) => {
  const inside = event.target instanceof Element && event.target.closest("#panel");
  if (event.key === "Escape" && inside && !event.defaultPrevented && !document.querySelector("dialog[open]")) closePanel();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("#panel [data-sitting-form]")) return;
  event.preventDefault();
  event.stopPropagation();
  void sendForm(form, event.submitter);
}, true);

/** @param {HTMLFormElement} form @param {HTMLElement | null} button */
async function sendForm(form, button) {
  const fields = new URLSearchParams();
  new FormData(form).forEach((value, name) => {
    if (typeof value === "string") fields.append(name, value);
  });
  if (button instanceof HTMLButtonElement && button.name) fields.append(button.name, button.value);
  button?.setAttribute("aria-busy", "true");
  const response = await fetch(form.action, {
    method: "POST", body: fields, headers: { "X-Fragment": "panel", "X-CSRF-Token": csrfToken() },
  }).catch(() => null);
  button?.removeAttribute("aria-busy");
  if (!response) {
    toast(t("The server does not answer. Check the network and try again."));
    return;
  }
  const aim = response.headers.get("X-Location");
  if (aim) {
    location.assign(aim);
    return;
  }
  const place = panel();
  if (!place) return;
  place.innerHTML = await response.text();
  const first = place.querySelector('[aria-invalid="true"]') ?? place.querySelector("[role=alert]") ?? place;
  if (first instanceof HTMLElement) {
    first.scrollIntoView({ block: "nearest" });
    first.focus();
  }
  const alert = place.querySelector("[role=alert]");
  if (alert) announce(alert.textContent?.trim() ?? "");
}
