// The sitting's form: rows of participants added and removed by hand or keyboard; a known case number brings its title.

import { announce } from "./page.js";
import { t } from "./i18n.js";

/** Rows of participants. Without this script the same buttons work through the server. */
class ParticipantRows extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("[data-add-row]")) {
        event.preventDefault();
        this.add();
      }
      const remove = target?.closest("[data-remove-row]");
      if (remove) {
        event.preventDefault();
        this.remove_row(remove.closest("[data-row]"));
      }
    });
  }

  add() {
    const template = this.querySelector("template");
    const button = this.querySelector("[data-add-row]");
    if (!template || !button) return;
    const number = Number(this.dataset.next ?? 0);
    this.dataset.next = String(number + 1);
    const row = document.createElement("div");
    row.innerHTML = template.innerHTML.replaceAll("__n__", String(number));
    const added = row.firstElementChild;
    if (!added) return;
    button.before(added);
    const first = added.querySelector("input:not([type=hidden])");
    if (first instanceof HTMLElement) first.focus();
    this.dispatchEvent(new Event("rows-changed", { bubbles: true }));
    announce(t("A row was added"));
  }

  /** @param {Element | null} row */
  remove_row(row) {
    if (!row) return;
    const rows = [...this.querySelectorAll("[data-row]")];
    const next = rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1];
    row.remove();
    const aim = next?.querySelector("[data-remove-row]") ?? this.querySelector("[data-add-row]");
    if (aim instanceof HTMLElement) aim.focus();
    this.dispatchEvent(new Event("rows-changed", { bubbles: true }));
    announce(t("The row was removed"));
  }
}
customElements.define("participant-rows", ParticipantRows);

document.addEventListener("change", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.name !== "case_number") return;
  const form = field.form;
  const title = form?.elements.namedItem("case_title");
  const known = [...(field.list?.options ?? [])].find((option) => option.value === field.value.trim());
  if (known && title instanceof HTMLInputElement && !title.value.trim()) title.value = known.dataset.title ?? "";
});
