// What is asked before a step of a task goes off: whether the place goes with it, a reason, or a report with photos and videos.

import { t } from '../i18n.js';
import { el } from '../markup.js';
import { newKey } from './upload.js';

/** @typedef {import('./queue.js').Chosen} Chosen */

/**
 * What somebody wants to send with a step. `place`: his position is to go with it.
 * @typedef {{text: string, files: Chosen[], place: boolean}} Wanted
 */

const PICTURES = 'image/jpeg,image/png,image/webp';
const VIDEOS = 'video/mp4,video/quicktime,video/webm';
const MOST = 20;

/**
 * What was written and chosen, so far.
 * @typedef {{text: string, files: Chosen[]}} Draft
 */

/**
 * @param {string} title
 * @param {(HTMLElement | null)[]} content
 * @param {string} act
 * @param {HTMLTextAreaElement | null} text the field of `content` beside which it is said that something is missing
 * @param {() => string} check says what is missing, "" where nothing is
 * @returns {Promise<boolean>}
 */
function dialog(title, content, act, text = null, check = () => '') {
  return new Promise((resolve) => {
    const problem = el('p', { class: 'field-error', id: 'step-problem', role: 'alert', hidden: true });
    text?.setAttribute('aria-describedby', problem.id);
    text?.after(problem);
    const back = el('button', { type: 'button', class: 'button' }, t('Back'));
    const form = el(
      'form', { class: 'dialog-body', method: 'dialog', novalidate: true },
      el('h2', { id: 'step-title' }, title), ...content,
      el('div', { class: 'dialog-actions' }, back, el('button', { class: 'button button-primary' }, act)),
    );
    const made = el('dialog', { 'aria-labelledby': 'step-title' }, form);
    let sent = false;
    form.addEventListener('submit', (event) => {
      const missing = check();
      problem.textContent = missing;
      problem.hidden = !missing;
      text?.setAttribute('aria-invalid', String(missing !== ''));
      sent = missing === '';
      if (sent) return;
      event.preventDefault();
      text?.focus();
    });
    const mended = () => {
      if (problem.hidden || check() !== '') return;
      problem.hidden = true;
      text?.removeAttribute('aria-invalid');
    };
    made.addEventListener('input', mended);
    made.addEventListener('change', mended); // files are there only then
    back.addEventListener('click', () => made.close());
    made.addEventListener('close', () => {
      made.remove();
      resolve(sent);
    });
    document.body.append(made);
    made.showModal();
    text?.focus();
  });
}

/** The box by which the place goes with a step, and why. */
function placeBox() {
  const box = el('input', { type: 'checkbox', checked: true });
  const why = el('span', { class: 'hint' }, t('It shows the command centre that somebody is there. It is written into the log of the task, with this step alone.'));
  return { box, label: el('label', { class: 'check' }, box, el('span', {}, el('b', {}, t('Send my position with it')), el('br'), why)) };
}

/** He is there. @returns {Promise<Wanted | null>} */
export async function askArrival() {
  const { box, label } = placeBox();
  const yes = await dialog(t('I am on site'), [label], t('I am on site'));
  return yes ? { text: '', files: [], place: box.checked } : null;
}

/**
 * He hands it back. @param {Draft} former what he had written before
 * @param {(draft: Draft) => void} keep takes what he has written, where he goes back
 * @returns {Promise<Wanted | null>}
 */
export async function askReason(former, keep) {
  const text = el('textarea', { id: 'step-text', rows: 3, maxlength: 4000 });
  text.value = former.text;
  const field = el('div', { class: 'field' }, el('label', { for: 'step-text' }, t('Reason')), text);
  const said = el('p', {}, t('The task goes back to the command centre, which sends somebody else.'));
  const yes = await dialog(t('Hand the task back'), [said, field], t('Hand it back'), text, () => (text.value.trim() ? '' : t('Please say why.')));
  if (!yes) keep({ text: text.value, files: [] });
  return yes ? { text: text.value.trim(), files: [], place: false } : null;
}

/**
 * He reports. @param {Draft} former what he had written and chosen before
 * @param {(draft: Draft) => void} keep takes what he has written and chosen, where he goes back
 * @returns {Promise<Wanted | null>}
 */
export async function askReport(former, keep) {
  const text = el('textarea', { id: 'step-text', rows: 5, maxlength: 4000 });
  text.value = former.text;
  /** @type {Chosen[]} */
  let files = [...former.files];
  const shown = el('ul', { class: 'field-pictures', role: 'list' });
  const over = el('p', { class: 'field-error', role: 'alert', hidden: true });
  const draw = () => {
    shown.replaceChildren(...files.map((file) => {
      const address = URL.createObjectURL(file.blob);
      const picture = file.blob.type.startsWith('video/') ? el('video', { src: address, muted: true, preload: 'metadata' }) : el('img', { src: address, alt: file.name });
      const drop = () => {
        URL.revokeObjectURL(address);
        files = files.filter((one) => one !== file);
        draw();
      };
      return el('li', {}, picture, el('button', { type: 'button', class: 'button button-small', 'aria-label': t('Remove the file {name}', { name: file.name }), onclick: drop }, t('Remove the file')));
    }));
  };
  /** @param {string} label @param {string} accept */
  const pick = (label, accept) => {
    const input = el('input', { type: 'file', multiple: true, accept });
    input.addEventListener('change', () => {
      const chosen = [...(input.files ?? [])];
      const room = MOST - files.length;
      for (const blob of chosen.slice(0, room)) files.push({ key: newKey(), name: blob.name, blob });
      input.value = '';
      over.hidden = chosen.length <= room;
      over.textContent = t('A report takes {most} files at most. Left out: {n}.', { most: MOST, n: Math.max(chosen.length - room, 0) });
      draw();
    });
    return el('label', { class: 'button field-pick' }, label, input);
  };
  draw();
  const { box, label } = placeBox();
  const content = el(
    'div', { class: 'field-report' },
    el('div', { class: 'field' }, el('label', { for: 'step-text' }, t('What you found and did')), text),
    el('div', { class: 'field-picks' }, pick(t('Add photos'), PICTURES), pick(t('Add videos'), VIDEOS)),
    over, shown, label,
  );
  const missing = () => (text.value.trim() || files.length > 0 ? '' : t('Write something or add a photo.'));
  const yes = await dialog(t('Report'), [content], t('Send the report'), text, missing);
  if (!yes) keep({ text: text.value, files });
  return yes ? { text: text.value.trim(), files, place: box.checked } : null;
}
