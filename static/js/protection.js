// Minors and guardians, and who must not see or hear whom, in the form of a sitting: the lists of people follow what is typed.
// Without this script the same fields and buttons work through the server.

import { announce } from "./page.js";
import { t } from "./i18n.js";

/** @typedef {{ word: string, words: string, ward: boolean }} Choice */

/** @param {Element} row @param {string} name @returns {HTMLInputElement | HTMLSelectElement | null} */
function field(row, name) {
  const found = row.querySelector(`[name$="-${name}"]`);
  return found instanceof HTMLInputElement || found instanceof HTMLSelectElement ? found : null;
}

/** @param {HTMLInputElement | HTMLSelectElement | null} select */
function chosen(select) {
  return select instanceof HTMLSelectElement && select.value ? (select.selectedOptions[0]?.text ?? "") : "";
}

/** The word by which the form means the person of a row. @param {Element} row */
function wordOf(row) {
  return field(row, "id")?.value || field(row, "key")?.value || "";
}

/** Everybody who is in the form, but for whoever presides. @param {HTMLFormElement} form @returns {Choice[]} */
function people(form) {
  /** @type {Choice[]} */
  const found = [];
  for (const name of ["clerk_id", "prosecutor_id"]) {
    const select = form.querySelector(`select[name=${name}]`);
    if (!(select instanceof HTMLSelectElement) || !/^[0-9a-f]{16}$/.test(select.value)) continue;
    found.push({ word: name, words: `${chosen(select)} · ${select.labels[0]?.textContent ?? ""}`, ward: false });
  }
  const wards = wardsOf(form);
  for (const row of form.querySelectorAll("participant-rows > [data-row]")) {
    const role = field(row, "role");
    const colleague = field(row, "user_id");
    const name = field(row, "name")?.value.trim() || chosen(colleague).split(" · ")[0] || "";
    if (name) found.push({ word: wordOf(row), words: `${name} · ${chosen(role)}`, ward: !colleague?.value && wards.includes(role?.value ?? "") });
  }
  return found;
}

/** @param {HTMLFormElement} form @returns {string[]} */
function wardsOf(form) {
  const rows = form.querySelector("participant-rows");
  return rows instanceof HTMLElement ? (rows.dataset.wards ?? "").split(" ").filter(Boolean) : [];
}

/** @param {HTMLSelectElement} select @param {Choice[]} choices */
function offer(select, choices) {
  const first = select.options[0];
  const now = [...select.options].slice(1).map((option) => `${option.value} ${option.text}`);
  if (!first || now.join("|") === choices.map((each) => `${each.word} ${each.words}`).join("|")) return;
  const value = select.value;
  select.replaceChildren(first, ...choices.map((each) => new Option(each.words, each.word, false, each.word === value)));
}

/** Lists and fields as they are to be for what is typed. @param {HTMLFormElement} form */
function follow(form) {
  const everybody = people(form);
  const rows = form.querySelector("participant-rows");
  const presides = rows instanceof HTMLElement ? (rows.dataset.presides ?? "").split(" ") : [];
  for (const row of form.querySelectorAll("participant-rows > [data-row]")) {
    const role = field(row, "role")?.value ?? "";
    const minor = row.querySelector("[data-minor]");
    if (minor instanceof HTMLElement) {
      const box = minor.querySelector("input");
      minor.hidden = !wardsOf(form).includes(role) && !(box?.type === "checkbox" && box.checked) && !minor.querySelector(".field-error");
    }
    const guards = row.querySelector("[data-guards]");
    if (guards instanceof HTMLElement) guards.hidden = role !== "guardian" && !guards.querySelector(".field-error");
    const leads = row.querySelector("[data-presides]");
    if (leads instanceof HTMLElement) leads.hidden = !presides.includes(role) || !field(row, "user_id")?.value;
    const whom = row.querySelector("select[data-people=wards]");
    if (whom instanceof HTMLSelectElement) offer(whom, everybody.filter((each) => each.ward && each.word !== wordOf(row)));
  }
  const present = new Set([...form.querySelectorAll("participant-rows > [data-row]")].map(wordOf));
  for (const pair of form.querySelectorAll("kept-apart > [data-pair]")) {
    const selects = [...pair.querySelectorAll("select")];
    if (selects.some((each) => each.value && !each.value.endsWith("_id") && !present.has(each.value))) {
      pair.remove(); // whoever was taken out of the form is kept from nobody
      continue;
    }
    for (const select of selects) offer(select, everybody);
  }
}

/** @param {EventTarget | null} target */
function formOf(target) {
  const form = target instanceof Element ? target.closest("form") : null;
  return form?.querySelector("participant-rows") ? form : null;
}

for (const kind of ["input", "change", "rows-changed"]) {
  document.addEventListener(kind, (event) => {
    const form = formOf(event.target);
    if (form) follow(form);
  });
}

/** The pairs, added and removed by hand or keyboard. */
class KeptApart extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("[data-add-pair]")) {
        event.preventDefault();
        this.add();
      }
      const remove = target?.closest("[data-remove-pair]");
      if (remove) {
        event.preventDefault();
        this.remove_pair(remove.closest("[data-pair]"));
      }
    });
    const form = formOf(this);
    if (form) follow(form);
  }

  add() {
    const template = this.querySelector("template");
    const button = this.querySelector("[data-add-pair]");
    if (!template || !button) return;
    const number = Number(this.dataset.next ?? 0);
    this.dataset.next = String(number + 1);
    const line = document.createElement("div");
    line.innerHTML = template.innerHTML.replaceAll("__n__", String(number));
    const added = line.firstElementChild;
    if (!added) return;
    button.before(added);
    const form = formOf(this);
    if (form) follow(form);
    added.querySelector("select")?.focus();
    announce(t("A row was added"));
  }

  /** @param {Element | null} pair */
  remove_pair(pair) {
    if (!pair) return;
    const next = pair.nextElementSibling ?? pair.previousElementSibling;
    pair.remove();
    const aim = next?.querySelector("[data-remove-pair]") ?? this.querySelector("[data-add-pair]");
    if (aim instanceof HTMLElement) aim.focus();
    announce(t("The row was removed"));
  }
}
customElements.define("kept-apart", KeptApart);
