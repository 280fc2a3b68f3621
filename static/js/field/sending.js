// Sends what waits in the queue, in order, one at a time in all windows together; whatever breaks off is sent again under the same key.

import { change, entries, remove } from './queue.js';
import { UploadRefused, upload } from './upload.js';

/** @typedef {import('./queue.js').Entry} Entry */

const LOCK = 'field-queue';

/** What came of a pass: "done", "broken" (no connection), or "stranger" (somebody has to sign in). @typedef {'done' | 'broken' | 'stranger'} Outcome */

/**
 * The tasks as the server knows them now, or why not.
 * @returns {Promise<{outcome: Outcome, state: any}>}
 */
export async function fresh() {
  const response = await fetch('/field/state', { headers: { Accept: 'application/json' } }).catch(() => null);
  if (response?.ok) return { outcome: 'done', state: await response.json() };
  return { outcome: response?.status === 401 || response?.status === 403 ? 'stranger' : 'broken', state: null };
}

/**
 * Send everything that waits.
 * @param {string} user who is signed in
 * @param {string} token
 * @param {(entry: Entry | null, part: number) => void} told what is being sent, and how much of it, 0 to 1
 * @returns {Promise<Outcome>}
 */
export async function sendAll(user, token, told) {
  /** @type {Outcome} */
  let outcome = 'done';
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    for (const entry of await entries()) {
      if (entry.user !== user || entry.refused) continue;
      outcome = await sendOne(entry, token, told);
      if (outcome !== 'done') break;
    }
  });
  told(null, 0);
  return outcome;
}

/**
 * @param {Entry} entry
 * @param {string} token
 * @param {(entry: Entry | null, part: number) => void} told
 * @returns {Promise<Outcome>}
 */
async function sendOne(entry, token, told) {
  const whole = entry.files.reduce((sum, file) => sum + file.blob.size, 0);
  const files = [];
  let sent = 0;
  try {
    for (const file of entry.files) {
      const before = sent;
      const where = { announce: `/field/tasks/${entry.task}/files`, files: '/field/files', token: () => token };
      files.push(await upload({ ...where, ...file, told: (bytes) => told(entry, whole ? (before + bytes) / whole : 0) }));
      sent += file.blob.size;
    }
  } catch (error) {
    if (!(error instanceof UploadRefused)) return 'broken';
    await change({ ...entry, refused: error.message || 'refused' });
    return 'done';
  }
  told(entry, 1);
  const { act, key, text, done_at_ms, position } = entry;
  const response = await fetch(`/field/tasks/${entry.task}/acts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token, Accept: 'application/json' },
    body: JSON.stringify({ act, key, text, done_at_ms, position, files }),
  }).catch(() => null);
  if (response?.ok) {
    await remove(entry);
    return 'done';
  }
  if (!response || response.status >= 500 || response.status === 429) return 'broken';
  if (response.status === 401) return 'stranger';
  const problem = await response.json().catch(() => null);
  if (response.status === 403 && !problem?.code) return 'broken'; // the token is of another session: the next pass has the new one
  await change({ ...entry, refused: problem?.title ?? 'refused' });
  return 'done';
}
