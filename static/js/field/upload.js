// Sends a file in parts, in the order of tus 1.0: announced with size and digest, each part with its offset and its own digest.
// A connection that breaks costs a part at most: whoever calls again goes on where the server says the file ends.

import { Sha256, hexOf } from '../verifier/digests.js';

const PART_BYTES = 512 * 1024;
const PIECE_BYTES = 4 * 1024 * 1024;
const AT_ODDS = new Set([409, 460]);

/** The server refused the file for good; the text is for people. */
export class UploadRefused extends Error {}
/** The server could not be reached, or could not answer now: to be tried again. */
class UploadBroken extends Error {}

/**
 * @typedef {object} Sending
 * @property {string} announce where it is announced
 * @property {string} files where it is sent, before the id
 * @property {() => string} token for changing requests
 * @property {Blob} blob
 * @property {string} name
 * @property {string} key by which it is known again
 * @property {string} [sha256] where it is known already
 * @property {(sent: number, of: number) => void} [told]
 */

/** @param {Blob} blob @returns {Promise<string>} */
async function digestOf(blob) {
  const digest = new Sha256();
  for (let at = 0; at < blob.size; at += PIECE_BYTES) digest.update(new Uint8Array(await blob.slice(at, at + PIECE_BYTES).arrayBuffer()));
  return digest.hex();
}

/**
 * Send the whole, however much of it is there already. Resolves to the file's id.
 * @param {Sending} sending
 * @returns {Promise<string>}
 */
export async function upload(sending) {
  const { blob, told } = sending;
  const sha256 = sending.sha256 ?? (await digestOf(blob));
  const body = JSON.stringify({ name: sending.name, bytes: blob.size, sha256, key: sending.key });
  const announced = await asked(sending, sending.announce, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  /** @type {{id: string, offset: number}} */
  const { id, offset: begin } = await announced.json();
  let offset = begin;
  for (let odds = 0; offset < blob.size; ) {
    told?.(offset, blob.size);
    const bytes = new Uint8Array(await blob.slice(offset, offset + PART_BYTES).arrayBuffer());
    const response = await asked(sending, `${sending.files}/${id}`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset), 'Upload-Checksum': `sha256 ${base64(bytes)}` },
      body: bytes,
    });
    if (AT_ODDS.has(response.status) && ++odds > 5) throw new UploadBroken();
    offset = AT_ODDS.has(response.status) ? await where(sending, id) : offset + bytes.length;
  }
  told?.(blob.size, blob.size);
  return id;
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  const digest = new Sha256().update(bytes).hex();
  return btoa(String.fromCharCode(...(digest.match(/../g) ?? []).map((pair) => parseInt(pair, 16))));
}

/** @param {Sending} sending @param {string} id */
async function where(sending, id) {
  const response = await asked(sending, `${sending.files}/${id}/offset`, {});
  return /** @type {number} */ ((await response.json()).offset);
}

/**
 * @param {Sending} sending
 * @param {string} address
 * @param {RequestInit} how
 */
async function asked(sending, address, how) {
  const headers = { ...how.headers, 'X-CSRF-Token': sending.token(), Accept: 'application/json' };
  const response = await fetch(address, { ...how, headers }).catch(() => null);
  if (response?.ok || (response && AT_ODDS.has(response.status) && how.method === 'PATCH')) return response;
  if (!response || response.status >= 500 || response.status === 429 || response.status === 401) throw new UploadBroken();
  const problem = await response.json().catch(() => null);
  if (response.status === 403 && !problem?.code) throw new UploadBroken(); // the token is of another session
  throw new UploadRefused(problem?.title ?? '');
}

/** A key of one's own, which nobody guesses. */
export function newKey() {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}
