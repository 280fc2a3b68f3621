// The chair's next act: what it is called, what follows from it, what is missing for it and how to mend that.

import { t, word } from './i18n.js';
import { nextStages, stageOf, stagesOf, stageWord } from './procedure.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').NextStage} NextStage */
/** @typedef {import('./procedure.js').Missing} Missing */

/** @param {View} view @param {string} to */
function aim(view, to) {
  const stage = stagesOf(view).find((one) => one.name === to);
  return { status: stage?.status ?? 'live', private: stage?.private ?? false, pause: stage?.pause ?? false, recorded: stage?.recorded ?? true };
}

/** Whether the sitting has one stage in which it is in session, and needs no other name for it. @param {View} view */
function single(view) {
  return stagesOf(view).filter((stage) => stage.status === 'live').length < 2;
}

/** @param {View} view @param {string} to */
export function actWord(view, to) {
  const { status, pause, private: unheard } = aim(view, to);
  const stage = stageWord(view, to);
  if (status === 'closed') return view.sitting.kind === 'remote_court' ? t('Close the hearing') : t('End the {sitting}');
  if (pause || (status === 'recess' && !unheard)) return single(view) ? t('Call a recess') : t('Announce: {stage}', { stage });
  if (status === 'live' && single(view)) return stageOf(view).status === 'recess' ? t('Resume the hearing') : t('Open the hearing');
  if (stageOf(view).pause) return t('Resume: {stage}', { stage });
  return t('Go to: {stage}', { stage });
}

/** @param {View} view @param {string} to */
export function consequence(view, to) {
  const { status, pause, private: unheard, recorded } = aim(view, to);
  const now = stageOf(view);
  if (status === 'closed') return t('The {sitting} ends for everybody, the recording is sealed, and this cannot be undone.');
  if (unheard) return t('Only the members see and hear each other; everybody else sees a card and hears nothing. Nothing is recorded, nobody watches.');
  if (pause || status === 'recess') return t('The recording stops and every microphone and camera is closed until you resume.');
  if (now.status === 'recess') return t('The recording goes on, and everybody inside may open microphone and camera again.');
  if (now.status === 'open' && !recorded) return t('The {sitting} begins. It is recorded only if whoever may run the recording wants it.');
  if (now.status === 'open') return t('The {sitting} begins, and everything that is seen and heard is recorded from now on.');
  return t('Rights to speak, to show and to be heard change at once for everybody.');
}

/** A pause and the end are no steps forward. @param {View} view @param {NextStage} next */
function isForward(view, next) {
  const { status, pause } = aim(view, next.to);
  return !pause && status !== 'closed';
}

/** The next stage that is the usual one. @param {View} view @returns {NextStage | undefined} */
export function mainAct(view) {
  const next = nextStages(view);
  return next.find((one) => isForward(view, one)) ?? next[0];
}

/** @param {View} view @param {NextStage} next */
export function isEnd(view, next) {
  return aim(view, next.to).status === 'closed';
}

/** The reasons that a pause may have. @param {NextStage} next */
export function reasonsOf(next) {
  return (next.reasons ?? []).map((reason) => ({ value: reason, text: reasonWord(reason) }));
}

/** @param {string} reason */
export function reasonWord(reason) {
  switch (reason) {
    case 'minutes_signed':
      return t('The minutes were read and signed.');
    case 'recess':
      return t('Recess');
    case 'rest':
      return t('Rest');
    case 'equipment':
      return t('Equipment has failed');
    case 'redirect':
      return t('Referred to another office');
    case 'closed_evidence':
      return t('Evidence that is not public');
    case 'mediation':
      return t('Mediation');
    case 'order':
      return t('Disorder');
    case 'medical':
      return t('Medical need');
    case 'recording_failed':
      return t('The recording has failed');
    case 'rebook':
      return t('Somebody is gone: to be booked anew, with the day of receipt kept');
    case 'concluded':
      return t('Concluded');
    default:
      return word(`reason.${reason}`);
  }
}

/** @param {Missing} missing */
export function missingWord(missing) {
  const { code, names } = missing;
  const who = names.join(t(', '));
  switch (code) {
    case 'recording_not_ready':
      return t('The recording is not ready: the {sitting} cannot begin yet.');
    case 'media_away':
      return t('Picture and sound are not available at the moment.');
    case 'people_absent':
      return t('Not here: {names}', { names: who });
    case 'people_gone':
      return t('Gone, and the sitting waits for: {names}', { names: who });
    case 'people_waiting':
      return t('Still in the waiting room: {names}', { names: who });
    case 'consent_missing':
      return t('Has not consented to taking part online: {names}', { names: who });
    case 'roll_call_missing':
      return t('Not yet answered at the roll-call: {names}', { names: who });
    case 'identity_missing':
      return t('Identity not confirmed: {names}', { names: who });
    case 'opinions_missing':
      return t('Opinion not handed in: {names}', { names: who });
    case 'minutes_missing':
      return t('The minutes are not signed yet.');
    case 'quorum_missing':
      return quorumWord(missing);
    default:
      return word(`missing.${code}`, { names: who });
  }
}

/** @param {Missing} missing */
function quorumWord({ least, most, present, roles }) {
  const who = (roles ?? []).map((role) => word(`role.${role}`)).join(t(' or '));
  const values = { who, least: least ?? 1, most: most ?? '', present: present ?? 0 };
  if (!most) return t('{who}: at least {least} required, {present} present', values);
  return most === values.least ? t('{who}: {least} required, {present} present', values) : t('{who}: {least} to {most} required, {present} present', values);
}

/** How it can be mended from here. @param {Missing} missing @returns {{act: string, text: string} | null} */
export function mend(missing) {
  switch (missing.code) {
    case 'people_waiting':
      return { act: 'admit-everybody', text: t('Admit all') };
    case 'identity_missing':
      return { act: 'identify', text: t('Identity…') };
    case 'roll_call_missing':
    case 'people_absent':
    case 'people_gone':
      return { act: 'to-roll', text: t('To the roll-call') };
    case 'consent_missing':
      return { act: 'remind-consent', text: t('Remind them') };
    case 'opinions_missing':
      return { act: 'remind-opinion', text: t('Remind them') };
    default:
      return null;
  }
}

