// A week (rooms × days) or a month (weeks × days): drag a sitting to another cell to move it there at the same time of day; the arrow
// keys do the same; click an empty place to book. Nothing is moved before the server says so.

import { openPanel } from "./booking-panel.js";
import { follow, followKeys, isWide, proposeMove, SHORTEST, span, STEP } from "./moving.js";

/** @typedef {import("./moving.js").Place} Place */

export class BookingCells extends HTMLElement {
  constructor() {
    super();
    this.busy = false;
    /** @type {HTMLElement | null} */
    this.target = null;
    /** @type {import("./moving.js").KeyMove | null} */
    this.keyMove = null;
  }

  /** Whether it may be replaced: nobody is in the midst of something. */
  get idle() {
    return !this.busy && !this.keyMove && !this.target;
  }

  connectedCallback() {
    this.addEventListener("pointerdown", (event) => this.grab(event));
    this.addEventListener("click", (event) => this.clicked(event));
    followKeys(this);
  }

  /** Whether a day is among those that are shown. @param {string} day */
  shows(day) {
    return this.cells().some((cell) => cell.dataset.day === day);
  }

  /** @returns {HTMLElement[]} */
  cells() {
    return [...this.querySelectorAll(".bw-cell")].filter((cell) => cell instanceof HTMLElement);
  }

  /** The cells in rows, as they are seen. @returns {HTMLElement[][]} */
  rows() {
    return [...this.querySelectorAll(".bw-row")].map((row) => [...row.querySelectorAll(".bw-cell")].filter((cell) => cell instanceof HTMLElement));
  }

  /** @param {HTMLElement} item @returns {Place} */
  placeOf(item) {
    const { room, day, from, to } = item.dataset;
    return { room: room ?? "", day: day ?? "", from: Number(from), to: Number(to) };
  }

  /** Where a place is, in words. @param {Place} place */
  spotOf(place) {
    const item = this.querySelector(`[data-room="${CSS.escape(place.room)}"][data-name]`);
    const room = item instanceof HTMLElement ? (item.dataset.name ?? "") : "";
    const day = this.cells().find((cell) => cell.dataset.day === place.day)?.dataset.words ?? place.day;
    return [room, day].filter(Boolean).join(", ");
  }

  /** The cell of a place. @param {Place} place */
  cellOf(place) {
    return this.cells().find((cell) => cell.dataset.day === place.day && (!cell.dataset.room || cell.dataset.room === place.room));
  }

  /** What lies in the way, as it is shown; the server decides. @param {Place} place @param {HTMLElement} but */
  obstacle(place, but) {
    const items = [...(this.cellOf(place)?.querySelectorAll(".bg-item") ?? [])].filter((item) => item instanceof HTMLElement);
    return items.find((item) => {
      const other = this.placeOf(item);
      return item !== but && other.room === place.room && other.from < place.to && place.from < other.to;
    });
  }

  /** The place that the item takes in another cell. @param {Place} place @param {HTMLElement} cell @returns {Place} */
  into(place, cell) {
    return { ...place, room: cell.dataset.room || place.room, day: cell.dataset.day ?? place.day };
  }

  /** @param {Place} place @param {HTMLElement} item */
  showPlace(place, item) {
    this.clearTarget();
    const cell = this.cellOf(place);
    if (!cell) return;
    this.target = cell;
    cell.classList.add("is-target");
    cell.classList.toggle("is-taken", Boolean(this.obstacle(place, item)));
    cell.dataset.span = span(place);
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  clearTarget() {
    this.target?.classList.remove("is-target", "is-taken");
    this.target = null;
  }

  /** @param {HTMLElement} [item] */
  abandon(item = this.keyMove?.item) {
    item?.classList.remove("is-moving", "is-pending");
    this.keyMove = null;
    this.clearTarget();
  }

  /** @param {PointerEvent} event */
  grab(event) {
    const target = event.target instanceof Element ? event.target : null;
    const item = target?.closest(".bg-item");
    if (!(item instanceof HTMLElement) || !item.hasAttribute("data-movable") || event.button !== 0 || this.busy || !isWide()) return;
    const was = this.placeOf(item);
    let place = was;
    follow(this, event, {
      begin: () => item.classList.add("is-moving"),
      move: (now) => {
        const over = document.elementsFromPoint(now.clientX, now.clientY).find((each) => each.matches(".bw-cell"));
        if (over instanceof HTMLElement && this.contains(over)) place = this.into(was, over);
        this.showPlace(place, item);
      },
      drop: () => void proposeMove(this, item, was, place),
      abort: () => this.abandon(item),
    });
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (event.ctrlKey || event.metaKey || event.shiftKey || target?.closest("[data-new-sitting], .bw-number, .bw-more")) return;
    const link = target?.closest(".bg-link");
    if (link instanceof HTMLAnchorElement) {
      event.preventDefault();
      void openPanel(link.href, link);
      return;
    }
    const cell = target?.closest(".bw-cell");
    if (!(cell instanceof HTMLElement) || !isWide()) return;
    const query = new URLSearchParams({ day: cell.dataset.day ?? "", room: cell.dataset.room ?? "" });
    void openPanel(`/sittings/new?${query}`, null);
  }

  /** @param {Place} place @param {string} key @param {boolean} start with Shift the arrows change the start @returns {Place} */
  stepped(place, key, start) {
    const on = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
    if (start) {
      const length = Math.max(place.to - place.from, SHORTEST);
      const from = Math.max(0, Math.min(place.from + on * STEP, 1440 - length));
      return { ...place, from, to: from + length };
    }
    const rows = this.rows();
    const cell = this.cellOf(place);
    const row = rows.findIndex((cells) => cell && cells.includes(cell));
    const column = cell ? (rows[row]?.indexOf(cell) ?? 0) : 0;
    const aside = key === "ArrowLeft" || key === "ArrowRight";
    const next = aside ? rows[row]?.[column + on] : rows[row + on]?.[column];
    return next ? this.into(place, next) : place;
  }
}

customElements.define("booking-cells", BookingCells);
