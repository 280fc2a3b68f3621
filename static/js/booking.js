// The day's grid of rooms × time: drag to move, pull an edge to change the length, click an empty time to book; the
// arrow keys do the same. Nothing is moved before the server says so.

import { announce, csrfToken, send, toast } from "./page.js";
import { t } from "./i18n.js";

const STEP = 15; // minutes
const FINE_STEP = 5;
const SHORTEST = 10;
const NEW_LENGTH = 60;
const REFRESH_MS = 15_000;

/** @typedef {{room: string, from: number, to: number}} Place from and to in minutes of the day */

/** @param {number} minutes */
function time(minutes) {
  const whole = Math.max(0, Math.min(24 * 60, Math.round(minutes)));
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

/** @param {Place} place */
function span(place) {
  return `${time(place.from)}–${time(place.to)}`;
}

/** @param {string} id @returns {HTMLDialogElement | null} */
function dialogOf(id) {
  const found = document.getElementById(id);
  return found instanceof HTMLDialogElement ? found : null;
}

export class BookingGrid extends HTMLElement {
  /** Milliseconds of performance.now() at which the grid was made. */
  static loadedAt = performance.now();

  constructor() {
    super();
    this.day = "";
    this.first = 0;
    this.last = 1440;
    this.busy = false;
    /** @type {HTMLElement | null} */
    this.ghost = null;
    /** @type {{item: HTMLElement, place: Place, from: Place} | null} */
    this.keyMove = null;
  }

  connectedCallback() {
    this.day = this.dataset.day ?? "";
    this.first = Number(this.dataset.from);
    this.last = Number(this.dataset.to);
    this.place();
    this.addEventListener("pointerdown", (event) => this.grab(event));
    this.addEventListener("pointermove", (event) => this.hover(event));
    this.addEventListener("pointerleave", () => this.clearHint());
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("keydown", (event) => this.pressed(event));
    this.addEventListener("focusout", (event) => {
      const next = event.relatedTarget;
      if (this.keyMove && !(next instanceof Node && this.keyMove.item.contains(next)) && !this.busy) this.abandon();
    });
  }

  /** Minutes of the day → share of the track's width. @param {number} minutes */
  share(minutes) {
    return (minutes - this.first) / (this.last - this.first);
  }

  place() {
    const span_ = this.last - this.first;
    this.style.setProperty("--hour", `${6000 / span_}%`);
    for (const mark of this.querySelectorAll(".bg-hours span")) {
      if (mark instanceof HTMLElement) mark.style.setProperty("--at", String(this.share(Number(mark.dataset.at))));
    }
    for (const item of this.items()) {
      this.position(item, this.placeOf(item));
      if (item.hasAttribute("data-movable") && !item.querySelector(".bg-edge")) {
        for (const edge of ["start", "end"]) {
          const handle = document.createElement("span");
          handle.className = `bg-edge bg-edge-${edge}`;
          handle.dataset.edge = edge;
          item.append(handle);
        }
      }
    }
    this.classList.add("is-placed");
    this.tick();
  }

  /** The line of now, from the server's clock when the page was made plus what has passed since. */
  tick() {
    if (this.dataset.now === undefined) return;
    const now = Number(this.dataset.now) + (performance.now() - BookingGrid.loadedAt) / 60_000;
    let line = this.querySelector(".bg-now");
    if (now < this.first || now > this.last) {
      line?.remove();
      return;
    }
    if (!(line instanceof HTMLElement)) {
      line = document.createElement("div");
      line.className = "bg-now";
      line.setAttribute("aria-hidden", "true");
      this.append(line);
    }
    if (line instanceof HTMLElement) {
      line.dataset.time = time(now);
      line.style.setProperty("--at", String(this.share(now)));
    }
  }

  /** @returns {HTMLElement[]} */
  items() {
    return [...this.querySelectorAll(".bg-item")].filter((item) => item instanceof HTMLElement);
  }

  /** @returns {HTMLElement[]} */
  rooms() {
    return [...this.querySelectorAll(".bg-room")].filter((room) => room instanceof HTMLElement);
  }

  /** @param {HTMLElement} item @returns {Place} */
  placeOf(item) {
    const room = item.closest(".bg-room");
    return { room: room instanceof HTMLElement ? (room.dataset.room ?? "") : "", from: Number(item.dataset.from), to: Number(item.dataset.to) };
  }

  /** @param {HTMLElement} element @param {Place} place */
  position(element, place) {
    const from = Math.max(place.from, this.first);
    const to = Math.min(place.to, this.last);
    element.style.setProperty("--start", String(this.share(from)));
    element.style.setProperty("--length", String((to - from) / (this.last - this.first)));
  }

  /** @param {string} id */
  roomName(id) {
    return this.rooms().find((room) => room.dataset.room === id)?.dataset.name ?? "";
  }

  /** What lies in the way, in the grid as it is shown; the server decides. @param {Place} place @param {HTMLElement} [but] */
  obstacle(place, but) {
    return this.items().find((item) => {
      if (item === but) return false;
      const other = this.placeOf(item);
      return other.room === place.room && other.from < place.to && place.from < other.to;
    });
  }

  // ---------------------------------------------------------------------------------------------- the ghost

  /** @param {Place} place @param {string} text @param {HTMLElement} [but] */
  showGhost(place, text, but) {
    const room = this.rooms().find((row) => row.dataset.room === place.room);
    const track = room?.querySelector(".bg-track");
    if (!track) return;
    if (!this.ghost) {
      this.ghost = document.createElement("div");
      this.ghost.setAttribute("aria-hidden", "true");
    }
    this.ghost.className = "bg-ghost";
    this.ghost.classList.toggle("is-taken", Boolean(this.obstacle(place, but)));
    this.ghost.textContent = text;
    this.position(this.ghost, place);
    if (this.ghost.parentElement !== track) track.append(this.ghost);
  }

  hideGhost() {
    this.ghost?.remove();
    this.ghost = null;
  }

  clearHint() {
    if (this.ghost?.classList.contains("is-hint")) this.hideGhost();
  }

  /** @param {PointerEvent} event */
  hover(event) {
    if (this.busy || event.pointerType !== "mouse" || event.buttons || this.keyMove) return;
    const place = this.emptyAt(event);
    if (!place) return this.clearHint();
    this.showGhost(place, `＋ ${time(place.from)}`);
    this.ghost?.classList.add("is-hint");
  }

  /** The free time under the pointer. @param {MouseEvent} event @returns {Place | null} */
  emptyAt(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target || target.closest(".bg-item") || !matchMedia("(min-width: 821px)").matches) return null;
    const track = target.closest(".bg-track");
    const room = track?.closest(".bg-room");
    if (!track || !(room instanceof HTMLElement)) return null;
    const box = track.getBoundingClientRect();
    const minutes = this.first + ((event.clientX - box.left) / box.width) * (this.last - this.first);
    const from = Math.floor(minutes / 30) * 30;
    const place = { room: room.dataset.room ?? "", from, to: Math.min(from + NEW_LENGTH, this.last) };
    const other = this.obstacle(place);
    if (other) {
      const there = this.placeOf(other);
      if (there.from > from) place.to = there.from;
      else place.from = there.to;
      if (place.to - place.from < SHORTEST || minutes < place.from || this.obstacle(place)) return null;
    }
    return place;
  }

  // ---------------------------------------------------------------------------------------------- by pointer

  /** @param {PointerEvent} event */
  grab(event) {
    const target = event.target instanceof Element ? event.target : null;
    const item = target?.closest(".bg-item");
    if (!(item instanceof HTMLElement) || !item.hasAttribute("data-movable") || event.button !== 0 || this.busy) return;
    if (!matchMedia("(min-width: 821px)").matches) return;
    const edge = target instanceof HTMLElement ? target.dataset.edge : undefined;
    const track = item.parentElement;
    if (!track) return;
    const was = this.placeOf(item);
    const perPixel = (this.last - this.first) / track.getBoundingClientRect().width;
    const startX = event.clientX;
    const startY = event.clientY;
    let moved = false;
    let place = was;

    /** @param {PointerEvent} now */
    const move = (now) => {
      if (!moved && Math.abs(now.clientX - startX) < 5 && Math.abs(now.clientY - startY) < 5) return;
      if (!moved) {
        moved = true;
        item.classList.add("is-moving");
        this.setPointerCapture(event.pointerId);
      }
      const step = now.shiftKey ? FINE_STEP : STEP;
      const by = Math.round(((now.clientX - startX) * perPixel) / step) * step;
      if (edge === "start") place = { ...was, from: Math.max(0, Math.min(was.from + by, was.to - SHORTEST)) };
      else if (edge === "end") place = { ...was, to: Math.min(1440, Math.max(was.to + by, was.from + SHORTEST)) };
      else {
        const length = was.to - was.from;
        const from = Math.max(0, Math.min(was.from + by, 1440 - length));
        place = { room: this.roomAt(now.clientY) ?? was.room, from, to: from + length };
      }
      this.showGhost(place, span(place), item);
    };
    const stop = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", abort);
      removeEventListener("keydown", escape, true);
    };
    const abort = () => {
      stop();
      item.classList.remove("is-moving");
      this.hideGhost();
    };
    const up = () => {
      stop();
      if (!moved) return;
      // The click that follows a drag must not open the sitting.
      /** @param {MouseEvent} click */
      const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
      addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => {
        removeEventListener("click", swallow, { capture: true });
        void this.ask(item, was, place);
      }, 0);
    };
    /** @param {KeyboardEvent} key */
    const escape = (key) => {
      if (key.key === "Escape") {
        key.preventDefault();
        abort();
      }
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", abort);
    addEventListener("keydown", escape, true);
  }

  /** @param {number} y */
  roomAt(y) {
    return this.rooms().find((row) => {
      const box = row.getBoundingClientRect();
      return y >= box.top && y < box.bottom;
    })?.dataset.room;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest(".bg-link");
    if (link instanceof HTMLAnchorElement) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void openPanel(link.href, link);
      return;
    }
    const add = target?.closest("[data-new-sitting]");
    if (add) return;
    const place = this.emptyAt(event);
    if (!place) return;
    const query = new URLSearchParams({ day: this.day, room: place.room, start: time(place.from), minutes: String(place.to - place.from) });
    void openPanel(`/sittings/new?${query}`, null);
  }

  // ---------------------------------------------------------------------------------------------- by keyboard

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const target = event.target instanceof Element ? event.target : null;
    const item = target?.closest(".bg-item");
    if (!(item instanceof HTMLElement)) return;
    if (this.keyMove && (event.key === "Escape" || event.key === "Enter")) {
      event.preventDefault();
      event.stopPropagation();
      const { place, from } = this.keyMove;
      this.keyMove = null;
      if (event.key === "Enter") void this.ask(item, from, place);
      else {
        this.abandon(item);
        announce(t("Left where it was"));
      }
      return;
    }
    const arrows = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
    if (!arrows.includes(event.key) || !(event.altKey || this.keyMove) || this.busy) return;
    event.preventDefault();
    if (!item.hasAttribute("data-movable")) {
      announce(t("A sitting that has begun or is over cannot be moved"));
      return;
    }
    const from = this.placeOf(item);
    this.keyMove ??= { item, place: from, from };
    const place = this.stepped(this.keyMove.place, event.key, event.shiftKey);
    this.keyMove.place = place;
    item.classList.add("is-moving");
    this.showGhost(place, span(place), item);
    const taken = this.obstacle(place, item);
    const state = taken ? t("taken by {title}", { title: taken.dataset.title ?? "" }) : t("free");
    announce(t("{room}, {span}: {state}. Enter moves it there, Escape leaves it.", { room: this.roomName(place.room), span: span(place), state }));
  }

  /** @param {Place} place @param {string} key @param {boolean} length @returns {Place} */
  stepped(place, key, length) {
    if (length) {
      const by = key === "ArrowRight" || key === "ArrowDown" ? STEP : -STEP;
      return { ...place, to: Math.min(1440, Math.max(place.from + SHORTEST, place.to + by)) };
    }
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const by = key === "ArrowRight" ? STEP : -STEP;
      const from = Math.max(0, Math.min(place.from + by, 1440 - (place.to - place.from)));
      return { ...place, from, to: from + (place.to - place.from) };
    }
    const rooms = this.rooms().map((room) => room.dataset.room ?? "");
    const at = rooms.indexOf(place.room) + (key === "ArrowDown" ? 1 : -1);
    return { ...place, room: rooms[Math.max(0, Math.min(at, rooms.length - 1))] };
  }

  /** @param {HTMLElement} [item] */
  abandon(item = this.keyMove?.item) {
    item?.classList.remove("is-moving", "is-pending");
    this.keyMove = null;
    this.hideGhost();
  }

  // ---------------------------------------------------------------------------------------------- the change

  /** Ask before the links change, then let the server decide. @param {HTMLElement} item @param {Place} was @param {Place} place */
  async ask(item, was, place) {
    if (place.room === was.room && place.from === was.from && place.to === was.to) return this.abandon(item);
    const dialog = dialogOf("move-dialog");
    if (!dialog) return;
    this.busy = true;
    /** @param {string} name @param {string} text */
    const fill = (name, text) => {
      const spot = dialog.querySelector(`[data-move-${name}]`);
      if (spot) spot.textContent = text;
    };
    fill("what", item.dataset.title ?? "");
    fill("from", `${this.roomName(was.room)}, ${span(was)}`);
    fill("to", `${this.roomName(place.room)}, ${span(place)}`);
    const agreed = await answered(dialog, "[data-move-go]", "[data-move-back]");
    if (!agreed) {
      this.busy = false;
      this.abandon(item);
      focusOn(item);
      return;
    }
    await this.move(item, place);
  }

  /** @param {HTMLElement} item @param {Place} place @param {string} [day] */
  async move(item, place, day = this.day) {
    item.classList.remove("is-moving");
    item.classList.add("is-pending");
    const result = await send(`/booking/${item.dataset.sitting}/move`, {
      room_id: place.room, day, start: time(place.from), minutes: place.to - place.from,
    });
    this.busy = false;
    this.abandon(item);
    if (result.ok) {
      toast(t("Moved. New personal links were made."));
      if (day !== this.day) location.assign(`/booking?day=${day}&sitting=${item.dataset.sitting}`);
      else await refresh(item.dataset.sitting);
      return;
    }
    this.refused(item, place, result.data);
  }

  /** @param {HTMLElement} item @param {Place} place @param {any} problem */
  refused(item, place, problem) {
    const dialog = dialogOf("conflict-dialog");
    const words = dialog?.querySelector("[data-conflict-words]");
    const button = dialog?.querySelector("[data-conflict-nearest]");
    if (!dialog || !words || !(button instanceof HTMLButtonElement)) return;
    words.textContent = problem?.title ?? t("The server does not answer. Check the network and try again.");
    const nearest = problem?.nearest;
    button.hidden = !nearest;
    if (nearest) {
      button.textContent = t("Take {time} instead", { time: nearest.words });
      button.onclick = () => {
        dialog.close();
        this.busy = true;
        void this.move(item, { ...place, from: nearest.minutes, to: nearest.minutes + place.to - place.from }, nearest.day);
      };
    }
    dialog.addEventListener("close", () => focusOn(item), { once: true });
    dialog.showModal();
  }
}

/** @param {HTMLElement} item */
function focusOn(item) {
  const link = item.querySelector(".bg-link");
  if (link instanceof HTMLElement) link.focus();
}

/** Show a dialog and wait for yes or no; Escape is no. @param {HTMLDialogElement} dialog @param {string} yes @param {string} no @returns {Promise<boolean>} */
function answered(dialog, yes, no) {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const { signal } = controller;
    let agreed = false;
    dialog.querySelector(yes)?.addEventListener("click", () => { agreed = true; dialog.close(); }, { signal });
    dialog.querySelector(no)?.addEventListener("click", () => dialog.close(), { signal });
    dialog.addEventListener("close", () => { controller.abort(); resolve(agreed); }, { signal });
    dialog.showModal();
    const go = dialog.querySelector(yes);
    if (go instanceof HTMLElement) go.focus();
  });
}

customElements.define("booking-grid", BookingGrid);

// ------------------------------------------------------------------------------------------------ the panel beside

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
async function openPanel(url, from) {
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

/** Take the grid anew from the server. @param {string} [focus] sitting that gets the focus */
async function refresh(focus) {
  const grid = document.querySelector("booking-grid");
  if (!(grid instanceof BookingGrid) || grid.busy || grid.keyMove) return;
  const response = await fetch(location.href, { headers: { "X-Fragment": "grid" } }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const text = await response.text();
  const made = document.createElement("template");
  made.innerHTML = text;
  const fresh = made.content.querySelector("booking-grid");
  if (!(fresh instanceof HTMLElement) || grid.busy || grid.keyMove || grid.ghost?.classList.contains("is-hint") === false) return;
  BookingGrid.loadedAt = performance.now();
  const active = document.activeElement;
  const focused = focus ?? (active instanceof Element ? active.closest(".bg-item")?.getAttribute("data-sitting") : undefined);
  const inGrid = grid.contains(active) || Boolean(focus);
  grid.replaceWith(fresh);
  if (inGrid && focused) {
    const item = fresh.querySelector(`.bg-item[data-sitting="${focused}"]`);
    if (item instanceof HTMLElement) focusOn(item);
  }
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

// The form beside the grid: sent without leaving the page, so that what was typed stays beside the day it is about.
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

document.querySelector("[data-day-form] input[type=date]")?.addEventListener("change", (event) => {
  const field = event.target;
  if (field instanceof HTMLInputElement && field.value) field.form?.requestSubmit();
});

setInterval(() => {
  const grid = document.querySelector("booking-grid");
  if (grid instanceof BookingGrid) grid.tick();
}, 20_000);
setInterval(() => {
  if (!document.hidden) void refresh();
}, REFRESH_MS);
