// Signature and time-stamp of a manifest. Whether the root is to be trusted, a page cannot know: it shows the root's digest.

import { certificateOf, isSigned } from "./certificate.js";
import { bytesOf, wholeOf } from "./checks.js";
import { hexOf, sha256Of } from "./digests.js";

/**
 * @typedef {import("./checks.js").Files} Files
 * @typedef {import("./checks.js").Vouched} Vouched
 * @typedef {(code: string, file: string, detail?: string) => void} Add
 */

const SIGNATURE = "manifest.sig.json";
const CMS = "manifest.p7s";
const STAMP = "manifest.stamp.json";
const ANSWER = "manifest.tsr";

/** @param {string} state @param {Partial<Vouched>} [about] @returns {Vouched} */
function vouched(state, about = {}) {
  return { state, by: "", at: "", algorithm: "", detail: "", root: "", ...about };
}

/** @param {string} text */
function bytesIn(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

/** A list with its own digest, null where it was changed. @param {Blob} file @returns {Promise<any>} */
async function wholeIn(file) {
  try {
    return wholeOf(await bytesOf(file));
  } catch {
    return null; // neither UTF-8 nor JSON any more
  }
}

/** @param {Files} recording @param {any} manifest @param {Vouched} stamp @param {Add} add @returns {Promise<Vouched>} */
export async function checkSignature(recording, manifest, stamp, add) {
  const named = manifest.signer;
  const file = recording.get(SIGNATURE);
  if (!named) {
    for (const name of [SIGNATURE, CMS]) if (recording.has(name)) add("file_extra", name);
    return vouched("");
  }
  const about = { by: named.subject, algorithm: named.algorithm };
  /** @param {string} code @param {string} [detail] @param {string} [name] */
  const bad = (code, detail = "", name = SIGNATURE) => {
    add(code, name, detail);
    return vouched("bad", about);
  };
  if (!file) return bad("signature_missing", named.subject);
  const found = await wholeIn(file);
  if (!found) return bad("signature_changed");
  const content = await bytesOf(/** @type {Blob} */ (recording.get("manifest.json")));
  if (found.manifest_sha256 !== (await sha256Of(content))) return bad("signature_other");
  const chain = found.chain.map(bytesIn);
  if ((await sha256Of(chain[0])) !== named.certificate_sha256 || found.algorithm !== named.algorithm) return bad("signer_other", named.subject);
  const value = bytesIn(found.signature);
  await checkCms(recording, found.cms, value, add);
  const at = stamp.state === "good" ? stamp.at : manifest.made_at;
  return checkChain(chain, value, content, { ...about, at }, bad);
}

/** @param {Files} recording @param {any} cms @param {Uint8Array} value @param {Add} add */
async function checkCms(recording, cms, value, add) {
  const file = recording.get(CMS);
  if (!cms) return file ? add("file_extra", CMS) : undefined;
  if (!file) return add("file_missing", CMS);
  const raw = await bytesOf(file);
  if ((await sha256Of(raw)) !== cms.sha256 || !hexOf(raw).includes(hexOf(value))) add("signature_changed", CMS);
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} chain @param {Uint8Array<ArrayBuffer>} value @param {Uint8Array<ArrayBuffer>} content
 * @param {{by: string, algorithm: string, at: string}} about @param {(code: string, detail?: string) => Vouched} bad
 */
async function checkChain(chain, value, content, about, bad) {
  let certificates;
  try {
    certificates = chain.map(certificateOf);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    return vouched("unchecked", { ...about, detail: String(error) });
  }
  const good = certificates[0].algorithm === about.algorithm ? await isSigned(certificates[0], value, content) : null;
  if (good === null) return vouched("unchecked", { ...about, detail: about.algorithm });
  if (!good) return bad("signature_wrong", about.by);
  const at = new Date(about.at);
  for (const [index, certificate] of certificates.entries()) {
    if (at < certificate.from || at > certificate.to) return bad("certificate_refused", `${certificate.subject}: ${about.at}`);
    const issuer = certificates[index + 1];
    if (!issuer) break;
    const signed = issuer.algorithm === certificate.made ? await isSigned(issuer, certificate.signature, certificate.signed) : null;
    if (signed === null) return vouched("unchecked", { ...about, detail: issuer.subject });
    if (!signed || certificate.issuerName !== issuer.subjectName) return bad("certificate_refused", certificate.subject);
  }
  return vouched("good", { ...about, root: await sha256Of(/** @type {Uint8Array<ArrayBuffer>} */ (chain.at(-1))) });
}

/**
 * Whether the time-stamp is whole and over what it says. The signature of its authority needs a program (openssl, server.py verify).
 * @param {Files} recording @param {Add} add @returns {Promise<Vouched>}
 */
export async function checkStamp(recording, add) {
  const [file, answer] = [recording.get(STAMP), recording.get(ANSWER)];
  if (!file && !answer) return vouched("");
  /** @param {string} code @param {string} name @param {string} [detail] */
  const bad = (code, name, detail = "") => {
    add(code, name, detail);
    return vouched("bad");
  };
  if (!file || !answer) return bad("file_missing", file ? ANSWER : STAMP);
  const about = await wholeIn(file);
  if (!about) return bad("stamp_changed", STAMP);
  const raw = await bytesOf(answer);
  if ((await sha256Of(raw)) !== about.answer.sha256) return bad("stamp_changed", ANSWER);
  const over = recording.get(about.over);
  if (!over) return bad("file_missing", about.over);
  if (!hexOf(raw).includes(await sha256Of(await bytesOf(over)))) return bad("stamp_other", ANSWER, about.over);
  return vouched("good", { at: about.at, detail: about.over });
}
