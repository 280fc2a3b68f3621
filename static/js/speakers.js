// Where the others are heard: the loudspeaker that a person chose on this computer.

const KEY = 'device.speaker';

/** Some browsers leave the choice to the system. */
export function canChooseSpeaker() {
  return 'setSinkId' in HTMLMediaElement.prototype;
}

/** The loudspeaker that was chosen last, "" for the usual one. */
export function chosenSpeaker() {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} id */
export function chooseSpeaker(id) {
  try {
    localStorage.setItem(KEY, id);
  } catch {
    // Private windows may keep nothing; the choice then lasts as long as the page.
  }
}

/**
 * Let an element be heard there; at the usual loudspeaker when that one is gone.
 * @param {HTMLMediaElement} element
 * @param {string} id "" for the usual one
 */
export async function setSpeaker(element, id) {
  if (!canChooseSpeaker()) return;
  try {
    await element.setSinkId(id);
  } catch {
    if (id !== '') await element.setSinkId('').catch(() => {});
  }
}
