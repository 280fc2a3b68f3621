// What everybody is told of an officer of the command centre who broke in.

import { t, word } from './i18n.js';

/** His office, as everybody reads it. @param {import('./protocol.js').BreakInView} now */
export function officeWord(now) {
  return t('break_in.office', { office: word(`rank.${now.office}`) });
}

/** What everybody is told. @param {import('./protocol.js').BreakInView} now */
export function lineOf(now) {
  return t('break_in.banner', { name: now.name, office: word(`rank.${now.office}`), reason: now.reason });
}
