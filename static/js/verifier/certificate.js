// What a certificate (X.509, RFC 5280) says, read from its DER, and whether a key signed something.

import { hexOf } from "./digests.js";

const P256 = "06072a8648ce3d020106082a8648ce3d030107";
const ED25519 = "06032b6570";
const MADE_BY = { "06082a8648ce3d040302": "ecdsa-p256-sha256", [ED25519]: "ed25519" };

/**
 * One value of DER: where it begins, where its content begins and where it ends.
 * @typedef {{tag: number, begin: number, content: number, end: number}} Part
 * @typedef {{subject: string, subjectName: string, issuerName: string, from: Date, to: Date, key: Uint8Array<ArrayBuffer>,
 *   algorithm: string, made: string, signed: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>}} Certificate
 */

/** @param {Uint8Array} der @param {number} begin @returns {Part} */
function partAt(der, begin) {
  let content = begin + 2;
  let length = der[begin + 1];
  if (length & 0x80) {
    const bytes = length & 0x7f;
    length = 0;
    for (let each = 0; each < bytes; each++) length = length * 256 + der[content++];
  }
  const end = content + length;
  if (!(end <= der.length)) throw new RangeError("a value of DER that ends outside");
  return { tag: der[begin], begin, content, end };
}

/** @param {Uint8Array} der @param {Part} whole @returns {Part[]} */
function partsOf(der, whole) {
  const parts = [];
  for (let at = whole.content; at < whole.end; ) {
    const part = partAt(der, at);
    parts.push(part);
    at = part.end;
  }
  return parts;
}

/** @param {Uint8Array<ArrayBuffer>} der @returns {Certificate} */
export function certificateOf(der) {
  const [toBeSigned, made, signature] = partsOf(der, partAt(der, 0));
  const fields = partsOf(der, toBeSigned).filter((part) => part.tag !== 0xa0);
  const [, , issuer, validity, subject, key] = fields;
  const [from, to] = partsOf(der, validity).map((part) => timeOf(der, part));
  return {
    subject: wordsOf(der, subject),
    subjectName: hexOf(der.subarray(subject.begin, subject.end)),
    issuerName: hexOf(der.subarray(issuer.begin, issuer.end)),
    from,
    to,
    key: der.slice(key.begin, key.end),
    algorithm: algorithmOf(der, key),
    made: Object.entries(MADE_BY).find(([oid]) => hexOf(der.subarray(made.content, made.end)) === oid)?.[1] ?? "",
    signed: der.slice(toBeSigned.begin, toBeSigned.end),
    signature: der.slice(signature.content + 1, signature.end),
  };
}

/** @param {Uint8Array} der @param {Part} key */
function algorithmOf(der, key) {
  const [about] = partsOf(der, key);
  const said = hexOf(der.subarray(about.content, about.end));
  return said === P256 ? "ecdsa-p256-sha256" : said === ED25519 ? "ed25519" : "";
}

/** UTCTime or GeneralizedTime. @param {Uint8Array} der @param {Part} part */
function timeOf(der, part) {
  const said = new TextDecoder().decode(der.subarray(part.content, part.end));
  const year = part.tag === 0x17 ? (Number(said.slice(0, 2)) < 50 ? "20" : "19") + said.slice(0, 2) : said.slice(0, 4);
  const rest = said.slice(part.tag === 0x17 ? 2 : 4);
  return new Date(`${year}-${rest.slice(0, 2)}-${rest.slice(2, 4)}T${rest.slice(4, 6)}:${rest.slice(6, 8)}:${rest.slice(8, 10)}Z`);
}

/** The values of a name, such as "Court". @param {Uint8Array} der @param {Part} name */
function wordsOf(der, name) {
  return partsOf(der, name)
    .flatMap((set) => partsOf(der, set))
    .map((pair) => partsOf(der, pair)[1])
    .map((value) => new TextDecoder().decode(der.subarray(value.content, value.end)))
    .join(", ");
}

/**
 * Whether the key of `by` made `signature` over `content`; null where this browser has not the algorithm.
 * @param {Certificate} by
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {Uint8Array<ArrayBuffer>} content
 * @returns {Promise<boolean | null>}
 */
export async function isSigned(by, signature, content) {
  if (!by.algorithm) return null;
  const curve = by.algorithm === "ed25519" ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256" };
  let key;
  try {
    key = await crypto.subtle.importKey("spki", by.key, curve, false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") return null;
    return false;
  }
  if (by.algorithm === "ed25519") return crypto.subtle.verify("Ed25519", key, signature, content);
  const plain = plainOf(signature);
  return plain !== null && crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, plain, content);
}

/** r and s of 32 bytes each, as browsers want them, of a signature in DER (RFC 3279, 2.2.3); null where it is none. @param {Uint8Array} der */
function plainOf(der) {
  const plain = new Uint8Array(64);
  try {
    const numbers = partsOf(der, partAt(der, 0));
    if (numbers.length !== 2) return null;
    numbers.forEach((part, index) => {
      let number = der.subarray(part.content, part.end);
      while (number.length > 32 && number[0] === 0) number = number.subarray(1);
      plain.set(number, index * 32 + 32 - number.length);
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return plain;
}
