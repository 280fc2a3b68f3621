// What a view says of the procedure: its stages, whose turn it is, what is private. Knows no DOM. A part that the court does not tell
// (another version of the procedure, a viewer whom it does not concern) is simply not there.

import { language, word } from './i18n.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {import('./protocol.js').Names} Names */
/** @typedef {import('./protocol.js').Side} Side */
/** @typedef {import('./protocol.js').Roll} Roll */
/** @typedef {import('./protocol.js').ConsentDue} ConsentDue */
/** @typedef {import('./protocol.js').AdmonitionView} Admonition */
/** @typedef {import('./protocol.js').BrowserMessage} BrowserMessage */
/** @typedef {{code: string, names: string[], least?: number, most?: number | null, present?: number, roles?: string[]}} Missing */
/** @typedef {{to: string, blocked: boolean, missing: Missing[], names?: Names, reasons?: string[], private?: boolean}} NextStage */
/** @typedef {import('./protocol.js').OpinionsView} Opinions */
/** @typedef {import('./protocol.js').Choice} Choice */
/** @typedef {import('./protocol.js').QuestionView} Question */
/** @typedef {import('./protocol.js').QuestionResult} Result */
/** @typedef {import('./protocol.js').Cause} Cause */
/** @typedef {BrowserMessage} ProcedureMessage */

/** All stages in their order. @param {View} view */
export function stagesOf(view) {
  return view.sitting.stages;
}

/** The stage of now. @param {View} view */
export function stageOf(view) {
  const found = view.sitting.stages.find((stage) => stage.name === view.sitting.stage);
  if (!found) throw new Error(`no stage ${view.sitting.stage} in its own procedure`);
  return found;
}

/** What it is called. @param {View} view @param {string} name */
export function stageWord(view, name) {
  const names = stagesOf(view).find((stage) => stage.name === name)?.names ?? {};
  return named(names, word(`stage.${name}`));
}

/** @param {Names} names @param {string} otherwise */
export function named(names, otherwise) {
  return names[language === 'en' ? 'en' : 'zh-CN'] || names['zh-CN'] || otherwise;
}

/** People are gathering, nobody has opened the sitting. @param {View} view */
export const notOpen = (view) => stageOf(view).status === 'open';
/** @param {View} view */
export const inSession = (view) => stageOf(view).status === 'live';
/** The sitting rests; nobody is heard but the members of what is private. @param {View} view */
export const rests = (view) => stageOf(view).status === 'recess';

/** Whether the court conducts step by step: with roll-call, floor and consents, which the court in four stages goes without. @param {View} view */
export function stepByStep(view) {
  return stagesOf(view).length > 4;
}

/** The stages that are gone through one after another: without pauses and the end. @param {View} view */
export function stepsOf(view) {
  return stagesOf(view).filter((stage) => !stage.pause && stage.status !== 'closed');
}

/** @param {View} view @returns {NextStage[]} */
export function nextStages(view) {
  return /** @type {NextStage[]} */ (view.sitting.next_stages);
}

/** Who has the floor, and since when. @param {View} view */
export function floorOf(view) {
  return view.sitting.floor;
}

/** How long each side has spoken. @param {View} view */
export function speakingOf(view) {
  return view.sitting.speaking;
}

/** What is private now, as it concerns the viewer. @param {View} view */
export function privateOf(view) {
  return view.private;
}

/**
 * Something private goes on, and the viewer has no part in it. Beside a talk of others the main room goes on, with everybody who is in it.
 * @param {View} view
 */
export function shutOut(view) {
  const phase = privateOf(view);
  return phase !== null && (phase.member ? phase.out : phase.kind !== 'consultation');
}

/** @param {View} view @returns {Opinions | null} */
export function opinionsOf(view) {
  return view.opinions;
}

/** @param {View} view @returns {Question[]} */
export function questionsOf(view) {
  return view.questions;
}

/** Those at this device. @param {View} view */
export function mine(view) {
  return view.participants.filter((person) => person.you);
}

/** Whoever conducts or lets people in has the desk beside the pictures, and so has the clerk, who keeps the record. @param {View} view */
export function keepsDesk(view) {
  return view.rights.admit || view.rights.direct || (view.place === 'inside' && mine(view).length > 0 && mine(view).every((person) => person.role === 'clerk'));
}

/** @param {View} view */
export function holdsFloor(view) {
  const floor = floorOf(view);
  return floor !== null && mine(view).some((person) => person.id === floor.participant);
}

/** Whether the viewer is heard only while he has the floor. @param {View} view */
export function speaksInTurn(view) {
  return !holdsFloor(view) && !view.rights.speak && view.rights.speak_in_turn;
}

/** Whether the viewer is not heard because nobody has looked at face and document of everybody at his device. @param {View} view */
export const heldBack = (view) => view.place === 'inside' && mine(view).some((person) => person.held_back);

/** Whether anybody needs the floor in this stage: the court hands it out. @param {View} view */
export function floorIsGiven(view) {
  return inSession(view) && (floorOf(view) !== null || view.participants.some((person) => person.hand_at_us !== null) || view.rights.speak_in_turn || view.rights.direct);
}

/** @param {View} view @param {string} id */
export function nameOf(view, id) {
  return view.participants.find((person) => person.id === id)?.name ?? '';
}

/** The first who sits on a side: it is called by him. @param {View} view @param {Side} side */
export function firstOf(view, side) {
  return view.participants.find((person) => person.side === side) ?? null;
}
