// The list of further rooms and equipment in a sitting's form: searched while typing, and how much is chosen. Without this script it is a
// plain list of boxes.

import { t } from "./i18n.js";

class MeansList extends HTMLElement {
  connectedCallback() {
    const search = this.querySelector(".means-search");
    if (search instanceof HTMLElement) search.hidden = false;
    this.addEventListener("input", (event) => {
      if (event.target instanceof HTMLInputElement && event.target.type === "search") this.show(event.target.value);
    });
    this.addEventListener("change", () => this.count());
    this.addEventListener("keydown", (event) => {
      const field = event.target;
      if (!(field instanceof HTMLInputElement) || field.type !== "search") return;
      // Enter would send the form; Escape would close the panel: here they go to the first found, and end the search.
      if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        const first = this.querySelector("li:not([hidden]) input");
        if (first instanceof HTMLElement) first.focus();
      } else if (event.key === "Escape" && field.value) {
        event.preventDefault();
        event.stopPropagation();
        field.value = "";
        this.show("");
      }
    });
  }

  /** What is chosen stays in sight, whatever is searched for. @param {string} text */
  show(text) {
    const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of this.querySelectorAll("[data-means-group]")) {
      let shown = 0;
      for (const entry of group.querySelectorAll("li")) {
        const name = (entry.dataset.means ?? "").toLocaleLowerCase();
        const chosen = entry.querySelector("input")?.checked;
        entry.hidden = !chosen && !words.every((word) => name.includes(word));
        if (!entry.hidden) shown += 1;
      }
      if (group instanceof HTMLElement) group.hidden = shown === 0;
      found += shown;
    }
    const nothing = this.querySelector(".means-nothing");
    if (nothing instanceof HTMLElement) nothing.hidden = found > 0;
  }

  count() {
    const chosen = this.querySelectorAll("input[type=checkbox]:checked").length;
    const place = this.querySelector("[data-means-count]");
    if (place) place.textContent = chosen ? t("{n} chosen", { n: chosen }) : t("None chosen");
  }
}
customElements.define("means-list", MeansList);
