// What the sitting wants of its viewer himself: consents, his opinion, his vote; and what came of them. Cards beside the pictures.

import { gap, language, t, word } from './i18n.js';
import { ask } from './ask.js';
import { keepingFocus } from './focus.js';
import { keyed } from './keyed.js';
import { el, fill, icon, say } from './markup.js';
import { mine, named, nameOf, opinionsOf, questionsOf, shutOut, stageWord } from './procedure.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').ConsentDue} ConsentDue */
/** @typedef {import('./procedure.js').Question} Question */
/** @typedef {import('./procedure.js').Choice} Choice */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */

/** As the court takes them. */
const LONGEST_OPINION = 5000;
const LONGEST_DISSENT = 2000;

export class OwnTasks {
  /** @type {View | null} */
  #view = null;
  /** Person and stage to whom the answer here was no: asked no further, and free to think better of it. @type {Set<string>} */
  #refused = new Set();
  /** Person and stage whose text is unfolded in the other language too. @type {Set<string>} */
  #unfolded = new Set();

  /**
   * @param {HTMLElement} root
   * @param {string} sitting
   * @param {(message: ProcedureMessage) => void} send
   */
  constructor(root, sitting, send) {
    this.root = root;
    this.draftKey = `opinion:${sitting}`;
    this.send = send;
    this.consents = el('div', { class: 'tasks-part', hidden: true });
    this.opinion = el('div', { class: 'tasks-part', hidden: true });
    this.votes = el('div', { class: 'tasks-part', hidden: true });
    root.append(this.consents, this.opinion, this.votes);
    root.addEventListener('click', (event) => void this.#press(event));
    root.addEventListener('toggle', (event) => this.#unfold(event.target), true);
    root.addEventListener('input', (event) => event.target instanceof HTMLTextAreaElement && event.target.dataset.part === 'opinion-text' && this.#written(event.target.value));
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const here = view.place === 'inside' && !shutOut(view);
    this.#showConsents(view);
    this.#showOpinion(view);
    this.#showVotes(view);
    this.root.hidden = !here || [this.consents, this.opinion, this.votes].every((part) => part.hidden);
  }

  /** One card for each who is asked at this device; each stage is answered for itself. @param {View} view */
  #showConsents(view) {
    const asked = mine(view).filter((person) => person.consents_due.length > 0);
    this.consents.hidden = asked.length === 0;
    keyed(this.consents, asked, (person) => person.id, () => el('section', { class: 'task-card' }), (card, person) => {
      const due = person.consents_due;
      const open = due.filter((one) => !this.#refused.has(`${person.id}/${one.stage}`));
      const refused = due.filter((one) => !open.includes(one));
      keepingFocus(card, 'act', () => fill(
        card,
        el('h2', {}, icon('shield', 20), mine(view).length > 1 ? t('{name}: do you agree?', { name: person.name }) : t('Do you agree?')),
        open.length > 0 && el('p', { class: 'hint' }, t('You may refuse, and you may take it back later. Your answer is kept in the log.')),
        ...open.map((one) => el('div', { class: 'consent' },
          el('h3', {}, named(one.names, stageWord(view, one.stage))),
          ...this.#agreedText(`${person.id}/${one.stage}`, one.text),
          el('div', { class: 'row' }, agreeButton('agree', person, one, t('I agree')), agreeButton('refuse', person, one, t('I do not agree'))))),
        open.length > 1 && el('button', { class: 'button button-primary', type: 'button', 'data-act': 'agree-all', 'data-for': person.id }, t('I agree to all of these')),
        ...refused.map((one) => el('div', { class: 'consent' },
          el('p', {}, t('You have not agreed to: {stage}. It is for {house} to decide how to go on.', { stage: named(one.names, stageWord(view, one.stage)) })),
          agreeButton('agree', person, one, t('Agree after all')))),
      ));
    });
  }

  /**
   * What is agreed to is one text in both languages: the page's own is read at once, the other unfolds below it.
   * @param {string} key person and stage
   * @param {string} text
   */
  #agreedText(key, text) {
    const own = language === 'en' ? 'en' : 'zh-CN';
    const paragraphs = text.split('\n').filter(Boolean).map((one) => ({ one, lang: /[\u4e00-\u9fff]/.test(one) ? 'zh-CN' : 'en' }));
    const read = paragraphs.filter(({ lang }) => lang === own);
    const folded = paragraphs.filter(({ lang }) => lang !== own);
    return [
      ...read.map(({ one }) => el('p', { class: 'task-text' }, one)),
      folded.length > 0 && el('details', { class: 'consent-other', 'data-key': key, open: this.#unfolded.has(key) },
        el('summary', {}, word('consent.other_language')),
        ...folded.map(({ one, lang }) => el('p', { class: 'task-text hint', lang }, one))),
    ];
  }

  /** @param {EventTarget | null} details */
  #unfold(details) {
    if (!(details instanceof HTMLDetailsElement)) return;
    const key = details.dataset['key'] ?? '';
    if (details.open) this.#unfolded.add(key);
    else this.#unfolded.delete(key);
  }

  /** @param {View} view */
  #showOpinion(view) {
    const opinions = opinionsOf(view);
    const due = opinions !== null && mine(view).some((person) => opinions.due.includes(person.id));
    const given = opinions !== null && mine(view).some((person) => opinions.given.includes(person.id));
    const opened = opinions?.opened ?? [];
    this.opinion.hidden = opinions === null || (!due && opened.length === 0 && opinions.given.length === 0);
    if (!opinions) return;
    const kind = opened.length > 0 ? 'opened' : due && !given ? 'form' : 'sealed';
    if (this.opinion.dataset.kind !== kind) {
      this.opinion.dataset.kind = kind;
      this.opinion.replaceChildren();
      if (given) this.#keep(''); // only now the court has it
    }
    if (kind === 'form') this.#opinionForm(opinions);
    else if (kind === 'sealed') fill(this.opinion, el('section', { class: 'task-card' }, el('h2', {}, icon('lock', 20), t('Opinions are sealed')), el('p', {}, count(opinions)), given && opinions.mine !== '' && el('p', { class: 'task-text' }, opinions.mine)));
    else {
      fill(this.opinion, el('section', { class: 'task-card' }, el('h2', {}, icon('document', 20), t('Opinions')),
        ...opened.map((one) => el('article', { class: 'opinion' }, el('h3', {}, nameOf(view, one.participant)), el('p', { class: 'task-text' }, one.text)))));
    }
  }

  /** The form stands as long as it is filled in: what others do redraws only the count. @param {import('./procedure.js').Opinions} opinions */
  #opinionForm(opinions) {
    if (!this.opinion.firstChild) {
      this.opinion.append(el('section', { class: 'task-card' },
        el('h2', {}, icon('pencil', 20), t('Your opinion')),
        el('p', {}, t('Nobody reads it before all are in. Then all are opened together.')),
        el('label', { class: 'visually-hidden', for: 'opinion-text' }, t('Your opinion')),
        el('textarea', { id: 'opinion-text', rows: 8, maxlength: LONGEST_OPINION, 'data-part': 'opinion-text', 'aria-describedby': 'opinion-problem' }, this.#kept() || opinions.mine),
        el('p', { class: 'field-error', id: 'opinion-problem', role: 'alert', 'data-part': 'opinion-problem', hidden: true }),
        el('p', { class: 'hint', 'data-part': 'opinion-count' }),
        el('div', { class: 'row' }, el('button', { class: 'button button-primary', type: 'button', 'data-act': 'opinion' }, icon('lock', 18), t('Hand in, sealed')))));
    }
    const counted = this.opinion.querySelector('[data-part="opinion-count"]');
    if (counted) say(counted, `${t('What you write is kept on this page until you hand it in.')}${gap}${count(opinions)}`);
  }

  /** @param {View} view */
  #showVotes(view) {
    const shown = questionsOf(view).filter((question) => question.open || question.result !== null);
    this.votes.hidden = shown.length === 0;
    keyed(this.votes, shown, (question) => question.id, () => el('section', { class: 'task-card' }), (card, question) =>
      keepingFocus(card, 'act', () => fill(
        card,
        el('h2', {}, icon('check-circle', 20), question.open ? t('Vote') : t('Result of the vote')),
        el('p', { class: 'task-text' }, question.text),
        question.may_vote && el('div', { class: 'vote-choices', role: 'group', 'aria-label': t('Your vote') }, ...CHOICES.map((choice) =>
          el('button', { class: 'button', type: 'button', 'data-act': 'vote', 'data-choice': choice, 'data-for': `${question.id}/${choice}` }, choiceWord(choice)))),
        question.mine !== '' && el('p', {}, t('Your vote: {choice}', { choice: choiceWord(question.mine) })),
        question.open && el('p', { class: 'hint' }, t('{n} have voted.', { n: question.given.length })),
        question.result !== null && el('dl', { class: 'vote-result' }, ...CHOICES.map((choice) => el('div', {}, el('dt', {}, choiceWord(choice)), el('dd', { class: 'figures' }, String(question.result ? counted(question.result, choice) : 0))))),
        ...dissents(view, question),
      )));
  }

  /** @param {Event} event */
  async #press(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
    if (!(button instanceof HTMLElement) || !this.#view) return;
    const of = button.dataset.for ?? '';
    switch (button.dataset.act) {
      case 'agree':
      case 'refuse':
        return this.#consent(of, button.dataset.stage ?? '', button.dataset.act === 'agree');
      case 'agree-all':
        return this.#consent(of, '', true);
      case 'opinion':
        return this.#handIn();
      case 'vote':
        return this.#vote(of.split('/')[0] ?? '', /** @type {Choice} */ (button.dataset.choice));
    }
  }

  /** @param {string} of the person, or person and stage @param {string} stage "" for all @param {boolean} agree */
  #consent(of, stage, agree) {
    const [id = ''] = of.split('/');
    const person = this.#view?.participants.find((one) => one.id === id);
    if (!person || !this.#view) return;
    const stages = stage ? [stage] : person.consents_due.map((one) => one.stage);
    for (const one of stages) {
      if (agree) this.#refused.delete(`${id}/${one}`);
      else this.#refused.add(`${id}/${one}`);
    }
    this.send({ type: 'consent', stages, agree, participant: id });
    this.show(this.#view);
  }

  async #handIn() {
    const field = this.opinion.querySelector('textarea');
    const text = field?.value.trim() ?? '';
    if (!field) return;
    this.#opinionProblem(text === '' ? t('Please write your opinion first.') : '');
    if (text === '') return field.focus();
    const question = { title: t('Hand in your opinion?'), text: t('It is sealed and cannot be changed. It is opened together with those of the others.'), act: t('Hand in, sealed') };
    if ((await ask(question)) === null) return;
    this.send({ type: 'opinion', text, final: true });
  }

  /** What is wrong with the opinion, said at its field; "" for nothing. @param {string} text */
  #opinionProblem(text) {
    const problem = this.opinion.querySelector('[data-part="opinion-problem"]');
    if (!(problem instanceof HTMLElement)) return;
    problem.hidden = text === '';
    say(problem, text);
    this.opinion.querySelector('textarea')?.setAttribute('aria-invalid', String(text !== ''));
  }

  /** @param {string} question @param {Choice} choice */
  async #vote(question, choice) {
    const asked = this.#view && questionsOf(this.#view).find((one) => one.id === question);
    if (!asked) return;
    const dissent = await ask({
      title: t('Vote: {choice}', { choice: choiceWord(choice) }), text: asked.text, act: t('Vote'), reason: t('Dissent or remark, for the minutes (may be left out)'), optional: true, longest: LONGEST_DISSENT,
    });
    if (dissent !== null) this.send({ type: 'vote', question, choice, dissent });
  }

  /** @param {string} text */
  #written(text) {
    this.#keep(text);
    if (text.trim() !== '') this.#opinionProblem('');
  }

  /** What is not handed in yet stays in this tab: others may use the computer later. @param {string} text */
  #keep(text) {
    try {
      if (text) sessionStorage.setItem(this.draftKey, text);
      else sessionStorage.removeItem(this.draftKey);
    } catch {
      // Private windows may keep nothing: the draft lasts as long as the page.
    }
  }

  #kept() {
    try {
      return sessionStorage.getItem(this.draftKey) ?? '';
    } catch {
      return '';
    }
  }
}

/** @param {'agree' | 'refuse'} act @param {import('./protocol.js').ParticipantView} person @param {ConsentDue} due @param {string} text */
function agreeButton(act, person, due, text) {
  return el('button', { class: act === 'agree' ? 'button button-primary' : 'button', type: 'button', 'data-act': act, 'data-for': `${person.id}/${due.stage}`, 'data-stage': due.stage }, text);
}

const CHOICES = /** @type {const} */ (['for', 'against', 'abstain']);

/** @param {import('./procedure.js').Result} result @param {Choice} choice */
export function counted(result, choice) {
  return { for: result.yes, against: result.no, abstain: result.abstain }[choice];
}

/** @param {Choice} choice */
export function choiceWord(choice) {
  return { for: t('For'), against: t('Against'), abstain: t('Abstain') }[choice];
}

/** @param {View} view @param {Question} question */
function dissents(view, question) {
  const found = (question.result?.votes ?? []).filter((one) => one.dissent !== '');
  return found.map((one) => el('p', { class: 'task-text' }, el('b', {}, `${nameOf(view, one.participant)}${t(': ')}`), one.dissent));
}

/** @param {import('./procedure.js').Opinions} opinions */
function count(opinions) {
  return t('{given} of {due} are in.', { given: opinions.given.length, due: new Set([...opinions.due, ...opinions.given]).size });
}
