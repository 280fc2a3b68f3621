// Why a page is no longer in the hearing, in words, and what the person can do now.

import { t, word } from './i18n.js';
import { CloseCode } from './protocol.js';

/** @typedef {{mark: string, title: string, text: string, detail: string, back: string, sealing?: boolean}} Ending `back`: word of the button that tries again, "" for none; `sealing`: the recording is being sealed */

/**
 * @param {import('./protocol.js').Farewell} farewell
 * @param {import('./protocol.js').View | null} view the last that was seen
 * @returns {Ending}
 */
export function ending(farewell, view) {
  const detail = farewell.detail;
  switch (farewell.code) {
    case CloseCode.CLOSED:
      if (farewell.reason === 'cancelled') return { mark: 'calendar', title: t('The {sitting} was cancelled'), text: t('You do not have to do anything. The clerk tells you the new date.'), detail, back: '' };
      return {
        mark: 'check-circle',
        title: t('The {sitting} is over'),
        text: view?.recording && view.recording.seconds > 0 ? t('The recording is being sealed. You may close this page. Thank you for taking part.') : t('You may close this page. Thank you for taking part.'),
        detail,
        back: '',
        sealing: Boolean(view?.recording && view.recording.seconds > 0),
      };
    case CloseCode.REPLACED:
      return { mark: 'device', title: t('You go on at another device'), text: t('This page has handed your place over to your other device or tab. Close it, or take the place back here.'), detail, back: t('Go on here instead') };
    case CloseCode.REMOVED:
      if (farewell.reason === 'revoked') return { mark: 'link', title: t('Your link is no longer valid'), text: t('The clerk has withdrawn it or sent you a new one. Please open the newest link, or call the clerk.'), detail: '', back: '' };
      return { mark: 'cross-circle', title: t('You have been removed from the {sitting}'), text: t('Your microphone and camera are closed. Call the clerk if you think this is a mistake.'), detail: detail ? t('Reason: {reason}', { reason: detail }) : '', back: '' };
    case CloseCode.NOT_FOUND:
      return { mark: 'clock', title: t('The {sitting} is not open yet'), text: t('Please come back shortly before it begins, with the same link.'), detail, back: t('Try again') };
    case CloseCode.UNAUTHORISED:
      return { mark: 'lock', title: t('Please open your link again'), text: t('This page no longer knows who you are. Open the link that you were sent, or sign in again.'), detail, back: '' };
    case CloseCode.FORBIDDEN:
      if (farewell.reason === 'nobody_seated') return { mark: 'users', title: t('Nobody sits at this device any more'), text: t('Say who sits here to come in again.'), detail: '', back: t('Say who sits here') };
      return { mark: 'lock', title: t('You may not enter this {sitting}'), text: t('Ask the clerk if you think this is a mistake.'), detail, back: '' };
    default:
      return { mark: 'refresh', title: t('This page has to be loaded again'), text: word(`farewell.${farewell.reason}`, {}, t('The page and the server did not understand each other. Your place is kept.')), detail: '', back: t('Load again') };
  }
}
