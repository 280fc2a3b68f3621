// Questions in a dialog: the consequence in words, then yes or no. Esc is always no.

import { t, word } from './i18n.js';
import { el } from './markup.js';

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text what follows from a yes
 * @property {string[]} [points] what is missing or should be known, one line each
 * @property {string} act the word on the button that does it
 * @property {boolean} [danger]
 * @property {string} [reason] label of a reason that has to be given
 * @property {string} [hint] below the reason
 * @property {number} [longest] characters of the reason
 * @property {boolean} [optional] the reason may be left out
 * @property {boolean} [short] what is asked for is a name on one line and no reason
 * @property {{value: string, text: string}[]} [choices] one of these has to be chosen
 * @property {string} [choice] label of the choices
 * @property {boolean} [several] any number of the choices, at least one
 * @property {boolean} [none] or none of them
 */

/** @typedef {{text: string, chosen: string[]}} Answer */

/**
 * Ask. Resolves to the reason ("" where none was asked), or null for no.
 * @param {Question} question
 * @returns {Promise<string | null>}
 */
export async function ask(question) {
  return (await choose(question))?.text ?? null;
}

/**
 * Ask, with choices. Resolves to what was chosen and written, or null for no.
 * @param {Question} question
 * @returns {Promise<Answer | null>}
 */
export function choose({ title, text, points = [], act, danger = false, reason, hint, longest = 500, optional = false, short = false, choices = [], choice = '', several = false, none = false }) {
  return new Promise((resolve) => {
    const written = { id: 'ask-reason', maxlength: longest, required: !optional, 'aria-describedby': 'ask-hint ask-problem' };
    const field = reason ? (short ? el('input', { ...written, type: 'text', autocomplete: 'off' }) : el('textarea', { ...written, rows: 3 })) : null;
    const boxes = choices.map(({ value }) => el('input', { type: several ? 'checkbox' : 'radio', name: 'ask-choice', value }));
    const options = choices.map((one, index) => el('label', { class: 'check ask-choice' }, boxes[index] ?? null, el('span', {}, one.text)));
    const problem = el('p', { class: 'field-error', id: 'ask-problem', role: 'alert', hidden: true });
    const fault = el('p', { class: 'field-error', role: 'alert', hidden: true }, t('Please choose.'));
    const yes = el('button', { class: danger ? 'button button-danger solid' : 'button button-primary', type: 'submit' }, act);
    const no = el('button', { class: 'button', type: 'button' }, t('Cancel'));
    const form = el(
      'form',
      { class: 'dialog-body', method: 'dialog', novalidate: true },
      el('h2', { id: 'ask-title' }, title),
      el('p', { id: 'ask-text' }, text),
      points.length > 0 && el('ul', { class: 'ask-points' }, ...points.map((point) => el('li', {}, point))),
      boxes.length > 0 && el('fieldset', { class: 'ask-choices' }, el('legend', {}, choice), ...options, fault),
      field && el('div', { class: 'field' }, el('label', { for: 'ask-reason' }, reason ?? ''), field, hint ? el('span', { class: 'hint', id: 'ask-hint' }, hint) : null, problem),
      el('div', { class: 'dialog-actions' }, no, yes),
    );
    const dialog = el('dialog', { 'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-text' }, form);
    const former = document.activeElement;
    /** @type {Answer | null} */
    let answer = null;
    no.addEventListener('click', () => dialog.close());
    field?.addEventListener('input', () => {
      if (!field.value.trim()) return;
      problem.hidden = true;
      field.removeAttribute('aria-invalid');
    });
    for (const box of boxes) box.addEventListener('change', () => (fault.hidden = true));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const given = field?.value.trim() ?? '';
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      if (boxes.length > 0 && chosen.length === 0 && !none) {
        fault.hidden = false;
        return boxes[0]?.focus();
      }
      fault.hidden = true;
      if (field && !given && !optional) {
        problem.textContent = short ? word('error.required') : t('Please write the reason.');
        problem.hidden = false;
        field.setAttribute('aria-invalid', 'true');
        field.focus();
        return;
      }
      answer = { text: given, chosen };
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (former instanceof HTMLElement && former.isConnected) former.focus();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    (boxes[0] ?? field ?? (danger ? no : yes)).focus();
  });
}
