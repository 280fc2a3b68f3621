// The day's grid of rooms × time: drag to move, pull an edge to change the length, click an empty time to book; the
// arrow keys do the same. Nothing is moved before the server says so.

import { openPanel } from "./booking-panel.js";
import { follow, followKeys, isWide, proposeMove, SHORTEST, span, STEP, time } from "./moving.js";

const FINE_STEP = 5;
const NEW_LENGTH = 60;

/** @typedef {import("./moving.js").Place} Place */

export class BookingGrid extends HTMLElement {
  constructor() {
    super();
    this.day = "";
    /** Milliseconds of performance.now() at which the grid was made. */
    this.madeAt = performance.now();
    this.first = 0;
    this.last = 1440;
    this.busy = false;
    /** @type {HTMLElement | null} */
    this.ghost = null;
    /** @type {import("./moving.js").KeyMove | null} */
    this.keyMove = null;
  }

  /** Whether it may be replaced: nobody is in the midst of something. */
  get idle() {
    return !this.busy && !this.keyMove && (!this.ghost || this.ghost.classList.contains("is-hint"));
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
    followKeys(this);
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
    const now = Number(this.dataset.now) + (performance.now() - this.madeAt) / 60_000;
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
    return { room: room instanceof HTMLElement ? (room.dataset.room ?? "") : "", day: this.day, from: Number(item.dataset.from), to: Number(item.dataset.to) };
  }

  /** @param {HTMLElement} element @param {Place} place */
  position(element, place) {
    const from = Math.max(place.from, this.first);
    const to = Math.min(place.to, this.last);
    element.style.setProperty("--start", String(this.share(from)));
    element.style.setProperty("--length", String((to - from) / (this.last - this.first)));
  }

  /** Where a place is, in words. @param {Place} place */
  spotOf(place) {
    return this.rooms().find((room) => room.dataset.room === place.room)?.dataset.name ?? "";
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

  /** Where an item would go. @param {Place} place @param {HTMLElement} item */
  showPlace(place, item) {
    this.showGhost(place, span(place), item);
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
    if (!target || target.closest(".bg-item") || !isWide()) return null;
    const track = target.closest(".bg-track");
    const room = track?.closest(".bg-room");
    if (!track || !(room instanceof HTMLElement)) return null;
    const box = track.getBoundingClientRect();
    const minutes = this.first + ((event.clientX - box.left) / box.width) * (this.last - this.first);
    const from = Math.floor(minutes / 30) * 30;
    const place = { room: room.dataset.room ?? "", day: this.day, from, to: Math.min(from + NEW_LENGTH, this.last) };
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
    if (!isWide()) return;
    const edge = target instanceof HTMLElement ? target.dataset.edge : undefined;
    const track = item.parentElement;
    if (!track) return;
    const was = this.placeOf(item);
    const perPixel = (this.last - this.first) / track.getBoundingClientRect().width;
    let place = was;
    follow(this, event, {
      begin: () => item.classList.add("is-moving"),
      move: (now) => {
        const step = now.shiftKey ? FINE_STEP : STEP;
        const by = Math.round(((now.clientX - event.clientX) * perPixel) / step) * step;
        if (edge === "start") place = { ...was, from: Math.max(0, Math.min(was.from + by, was.to - SHORTEST)) };
        else if (edge === "end") place = { ...was, to: Math.min(1440, Math.max(was.to + by, was.from + SHORTEST)) };
        else {
          const length = was.to - was.from;
          const from = Math.max(0, Math.min(was.from + by, 1440 - length));
          place = { ...was, room: this.roomAt(now.clientY) ?? was.room, from, to: from + length };
        }
        this.showPlace(place, item);
      },
      drop: () => void proposeMove(this, item, was, place),
      abort: () => this.abandon(item),
    });
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
}

customElements.define("booking-grid", BookingGrid);
