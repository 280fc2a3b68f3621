// Every trouble of a device or a path in words: what it is, and what the person can do about it.

import { t } from './i18n.js';

/** @typedef {{title: string, remedy: string}} Trouble */

/**
 * @param {import('./devices.js').DeviceTrouble} code
 * @param {import('./devices.js').Device} device
 * @returns {Trouble}
 */
export function deviceTrouble(code, device) {
  const camera = device === 'camera';
  switch (code) {
    case 'denied':
      return {
        title: camera ? t('The browser may not use your camera') : t('The browser may not use your microphone'),
        remedy: camera
          ? t('Press the lock or camera sign beside the address, allow the camera for this page, then try again.')
          : t('Press the lock or microphone sign beside the address, allow the microphone for this page, then try again.'),
      };
    case 'denied_by_system':
      return {
        title: camera ? t('Your camera is blocked by the system') : t('Your microphone is blocked by the system'),
        remedy: camera
          ? t('Open the settings of your phone or computer, choose Privacy, then Camera, allow it for this browser, and try again.')
          : t('Open the settings of your phone or computer, choose Privacy, then Microphone, allow it for this browser, and try again.'),
      };
    case 'not_found':
      return {
        title: camera ? t('No camera was found') : t('No microphone was found'),
        remedy: camera
          ? t('Connect a camera, or take a phone that has one and open your link there.')
          : t('Connect a microphone or headset, or take a phone and open your link there.'),
      };
    case 'in_use':
      return {
        title: camera ? t('Another program uses your camera') : t('Another program uses your microphone'),
        remedy: t('Close other programs that make video calls (WeChat, DingTalk, Tencent Meeting …), then try again.'),
      };
    case 'lost':
      return {
        title: camera ? t('The camera was disconnected') : t('The microphone was disconnected'),
        remedy: t('Plug it in again, or choose another one, then try again.'),
      };
    case 'insecure':
      return {
        title: t('This address is not secure'),
        remedy: t('Browsers allow camera and microphone only on addresses that begin with https. Open the very link that you were sent.'),
      };
    case 'unsupported':
      return {
        title: t('This browser cannot take part'),
        remedy: t('Open the link in a new version of Chrome, Edge, Safari or Firefox.'),
      };
    default:
      return {
        title: camera ? t('The camera did not start') : t('The microphone did not start'),
        remedy: t('Close the browser completely, open your link again and try once more. If it stays, restart the device.'),
      };
  }
}

/**
 * Why a screen was not shared.
 * @param {import('./own-screen.js').ScreenTrouble} code
 * @returns {Trouble}
 */
export function screenTrouble(code) {
  switch (code) {
    case 'denied_by_system':
      return {
        title: t('The system does not let this browser show your screen'),
        remedy: t('Open the settings of your computer, choose Privacy, then Screen recording, allow it for this browser, and try again.'),
      };
    case 'not_found':
      return {
        title: t('There is no screen or window to share'),
        remedy: t('Open what you want to show in a window of its own, then try again.'),
      };
    default:
      return {
        title: t('Your screen could not be shared'),
        remedy: t('Close other programs that share your screen, then try again. If it stays, restart the browser.'),
      };
  }
}

/** @typedef {'udp_blocked' | 'relay_blocked' | 'no_answer' | 'no_picture' | 'slow' | 'busy'} PathTrouble */

/**
 * @param {PathTrouble} code
 * @returns {Trouble}
 */
export function pathTrouble(code) {
  switch (code) {
    case 'udp_blocked':
      return {
        title: t('Your network blocks picture and sound (UDP)'),
        remedy: t('Switch to mobile data or another Wi-Fi and try again. In an office, ask the network administrator to allow UDP to the court.'),
      };
    case 'relay_blocked':
      return {
        title: t('Your network blocks every way for picture and sound'),
        remedy: t("Neither the direct way (UDP) nor the site's relay can be reached. Switch to mobile data or another Wi-Fi and try again. In an office, ask the network administrator to allow the site's relay."),
      };
    case 'no_answer':
      return {
        title: t('The court does not answer'),
        remedy: t('Check that you are on line, then try again.'),
      };
    case 'no_picture':
      return {
        title: t('The picture did not come back from the court'),
        remedy: t('The connection is too weak for pictures. Move closer to the Wi-Fi or switch to mobile data, then try again.'),
      };
    case 'busy':
      return {
        title: t('The test line is busy'),
        remedy: t('Wait a minute, then try again.'),
      };
    case 'slow':
      return {
        title: t('Your connection is weak'),
        remedy: t('You can take part, but picture and sound may break up. Move closer to the Wi-Fi, or close other programs that use the network.'),
      };
  }
}
