// Questions in a dialog: the consequence in words, then yes or no. Esc is always no.

import { t } from './i18n.js';
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
 */

/**
 * Ask. Resolves to the reason ("" where none was asked), or null for no.
 * @param {Question} question
 * @returns {Promise<string | null>}
 */
export function ask({ title, text, points = [], act, danger = false, reason, hint, longest = 500 }) {
  return new Promise((resolve) => {
    const field = reason ? el('textarea', { id: 'ask-reason', maxlength: longest, required: true, rows: 3, 'aria-describedby': 'ask-hint' }) : null;
    const problem = el('p', { class: 'field-error', role: 'alert', hidden: true });
    const yes = el('button', { class: danger ? 'button button-danger solid' : 'button button-primary', type: 'submit' }, act);
    const no = el('button', { class: 'button', type: 'button' }, t('Cancel'));
    const form = el(
      'form',
      { class: 'dialog-body', method: 'dialog', novalidate: true },
      el('h2', { id: 'ask-title' }, title),
      el('p', { id: 'ask-text' }, text),
      points.length > 0 && el('ul', { class: 'ask-points' }, ...points.map((point) => el('li', {}, point))),
      field && el('div', { class: 'field' }, el('label', { for: 'ask-reason' }, reason ?? ''), field, hint ? el('span', { class: 'hint', id: 'ask-hint' }, hint) : null, problem),
      el('div', { class: 'dialog-actions' }, no, yes),
    );
    const dialog = el('dialog', { 'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-text' }, form);
    const former = document.activeElement;
    /** @type {string | null} */
    let answer = null;
    no.addEventListener('click', () => dialog.close());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const given = field?.value.trim() ?? '';
      if (field && !given) {
        problem.textContent = t('Please write the reason.');
        problem.hidden = false;
        field.setAttribute('aria-invalid', 'true');
        field.focus();
        return;
      }
      answer = given;
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (former instanceof HTMLElement && former.isConnected) former.focus();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    (field ?? (danger ? no : yes)).focus();
  });
}
