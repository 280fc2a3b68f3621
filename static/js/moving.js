// Moving a sitting from any of the calendars: it is asked for, the server decides, and what is in the way is told with the nearest free
// time. Nothing is shown as moved before the server says so.

import { ask } from "./ask.js";
import { announce, send, toast } from "./page.js";
import { t } from "./i18n.js";

export const STEP = 15; // minutes
export const SHORTEST = 10;
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** @typedef {{room: string, day: string, from: number, to: number}} Place from and to in minutes of the day */
/** @typedef {{item: HTMLElement, place: Place, from: Place}} KeyMove a move by keyboard that is not decided yet */
/**
 * What a day, a week or a month does for a move. `spotOf`: where a place is, in words. `obstacle`: what lies in the way as it is shown.
 * `stepped`: the place one arrow further, with Shift its second meaning. `showPlace`: where it would go. `abandon`: nothing moves.
 * @typedef {HTMLElement & {
 *   busy: boolean, keyMove: KeyMove | null, placeOf: (item: HTMLElement) => Place, spotOf: (place: Place) => string,
 *   obstacle: (place: Place, but: HTMLElement) => HTMLElement | undefined, stepped: (place: Place, key: string, shift: boolean) => Place,
 *   showPlace: (place: Place, item: HTMLElement) => void, abandon: (item?: HTMLElement) => void,
 * }} Calendar
 */

/** @param {number} minutes */
export function time(minutes) {
  const whole = Math.max(0, Math.min(24 * 60, Math.round(minutes)));
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

/** @param {Place} place */
export function span(place) {
  return `${time(place.from)}–${time(place.to)}`;
}

/** @param {Place} a @param {Place} b */
function same(a, b) {
  return a.room === b.room && a.day === b.day && a.from === b.from && a.to === b.to;
}

/** @param {HTMLElement} item */
export function focusOn(item) {
  const link = item.querySelector(".bg-link");
  if (link instanceof HTMLElement) link.focus();
}

/** Whether there is room for a calendar with a pointer; below that it is a list. */
export function isWide() {
  return matchMedia("(min-width: 821px)").matches;
}

/** Move by keyboard: Alt and an arrow begin it, Enter proposes it, Escape and leaving it end it. @param {Calendar} calendar */
export function followKeys(calendar) {
  calendar.addEventListener("keydown", (event) => pressed(calendar, event));
  calendar.addEventListener("focusout", (event) => {
    const next = event.relatedTarget;
    const { keyMove } = calendar;
    if (keyMove && !(next instanceof Node && keyMove.item.contains(next)) && !calendar.busy) calendar.abandon();
  });
}

/** @param {Calendar} calendar @param {KeyboardEvent} event */
function pressed(calendar, event) {
  const target = event.target instanceof Element ? event.target : null;
  const item = target?.closest(".bg-item");
  if (!(item instanceof HTMLElement)) return;
  if (calendar.keyMove && (event.key === "Escape" || event.key === "Enter")) {
    event.preventDefault();
    event.stopPropagation();
    const { place, from } = calendar.keyMove;
    calendar.keyMove = null;
    if (event.key === "Enter") void proposeMove(calendar, item, from, place);
    else {
      calendar.abandon(item);
      announce(t("Left where it was"));
    }
    return;
  }
  if (!ARROWS.includes(event.key) || !(event.altKey || calendar.keyMove) || calendar.busy) return;
  event.preventDefault();
  if (!item.hasAttribute("data-movable")) {
    announce(t("A sitting that has begun or is over cannot be moved"));
    return;
  }
  const from = calendar.placeOf(item);
  calendar.keyMove ??= { item, place: from, from };
  const place = calendar.stepped(calendar.keyMove.place, event.key, event.shiftKey);
  calendar.keyMove.place = place;
  item.classList.add("is-moving");
  calendar.showPlace(place, item);
  const obstacle = calendar.obstacle(place, item);
  const state = obstacle ? t("taken by {title}", { title: obstacle.dataset.title ?? "" }) : t("free");
  announce(t("{room}, {span}: {state}. Enter moves it there, Escape leaves it.", { room: calendar.spotOf(place), span: span(place), state }));
}

/** Ask before the links change, then let the server decide. @param {Calendar} calendar @param {HTMLElement} item @param {Place} was @param {Place} place */
export async function proposeMove(calendar, item, was, place) {
  if (same(was, place)) return calendar.abandon(item);
  const dialog = dialogOf("move-dialog");
  if (!dialog) return;
  calendar.busy = true;
  /** @param {string} name @param {string} text */
  const fill = (name, text) => {
    const spot = dialog.querySelector(`[data-move-${name}]`);
    if (spot) spot.textContent = text;
  };
  fill("what", item.dataset.title ?? "");
  fill("from", `${calendar.spotOf(was)}, ${span(was)}`);
  fill("to", `${calendar.spotOf(place)}, ${span(place)}`);
  const repeats = dialog.querySelector("[data-move-series]");
  if (repeats instanceof HTMLElement) repeats.hidden = !item.dataset.series;
  const first = dialog.querySelector('input[name="scope"]');
  if (first instanceof HTMLInputElement) first.checked = true;
  const agreed = await answered(dialog, "[data-move-go]", "[data-move-back]");
  if (!agreed) {
    calendar.busy = false;
    calendar.abandon(item);
    focusOn(item);
    return;
  }
  await carryOut(calendar, item, place, was.room);
}

/** Which sittings of a series the move is for, as the dialog was answered. @param {HTMLElement} item */
function scopeOf(item) {
  const chosen = dialogOf("move-dialog")?.querySelector('input[name="scope"]:checked');
  return item.dataset.series && chosen instanceof HTMLInputElement ? chosen.value : "this";
}

/**
 * @param {Calendar} calendar @param {HTMLElement} item @param {Place} place @param {string} room out of which it goes
 * @param {string} [reason] why it is to be outside the rules there
 */
async function carryOut(calendar, item, place, room, reason = "") {
  item.classList.remove("is-moving");
  item.classList.add("is-pending");
  const result = await send(`/booking/${item.dataset.sitting}/move`, {
    room_id: place.room, day: place.day, start: time(place.from), minutes: place.to - place.from, from_room: room,
    override_reason: reason, scope: scopeOf(item),
  });
  if (!result.ok && result.data?.code === "reason_needed") {
    const given = await reasonFor(result.data);
    if (given) return carryOut(calendar, item, place, room, given);
    calendar.busy = false;
    calendar.abandon(item);
    focusOn(item);
    return;
  }
  calendar.busy = false;
  calendar.abandon(item);
  if (!result.ok) return refused(calendar, item, place, room, result.data);
  toast(t("Moved. New personal links were made."));
  calendar.dispatchEvent(new CustomEvent("sitting-moved", { bubbles: true, detail: { sitting: item.dataset.sitting, day: place.day } }));
}

/** Why a sitting is to be outside the rules, null where it is not to be. @param {{errors?: {detail: string}[]}} problem */
function reasonFor(problem) {
  return ask({
    title: t("This needs a reason"),
    text: (problem.errors ?? []).map((error) => error.detail).join(" "),
    act: t("Move all the same"),
    reason: t("Reason for the exception"),
    longest: 200,
    hint: t("It is kept with the booking and in the audit log. Without it the sitting is not booked for that time."),
  });
}

/** @param {Calendar} calendar @param {HTMLElement} item @param {Place} place @param {string} room @param {any} problem */
function refused(calendar, item, place, room, problem) {
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
      calendar.busy = true;
      void carryOut(calendar, item, { ...place, day: nearest.day, from: nearest.minutes, to: nearest.minutes + place.to - place.from }, room);
    };
  }
  dialog.addEventListener("close", () => focusOn(item), { once: true });
  dialog.showModal();
}

/** @param {string} id @returns {HTMLDialogElement | null} */
function dialogOf(id) {
  const found = document.getElementById(id);
  return found instanceof HTMLDialogElement ? found : null;
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

/**
 * Follow a pointer that may become a drag; what it was pressed on is not opened by the click that ends the drag.
 * @param {HTMLElement} calendar @param {PointerEvent} event
 * @param {{begin: () => void, move: (now: PointerEvent) => void, drop: () => void, abort: () => void}} drag
 */
export function follow(calendar, event, drag) {
  let moved = false;
  /** @param {PointerEvent} now */
  const move = (now) => {
    if (!moved && Math.abs(now.clientX - event.clientX) < 5 && Math.abs(now.clientY - event.clientY) < 5) return;
    if (!moved) {
      moved = true;
      drag.begin();
      calendar.setPointerCapture(event.pointerId);
    }
    drag.move(now);
  };
  const stop = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", abort);
    removeEventListener("keydown", escape, true);
  };
  const abort = () => {
    stop();
    drag.abort();
  };
  const up = () => {
    stop();
    if (!moved) return;
    /** @param {MouseEvent} click */
    const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => {
      removeEventListener("click", swallow, { capture: true });
      drag.drop();
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
