// SHA-256 (FIPS 180-4) and SM3 (GB/T 32905-2016), a piece at a time: files may be larger than what a page may hold,
// and no browser has SM3.

const ROUNDS_SHA256 = roundsOfSha256();
const ROUNDS_SM3 = roundsOfSm3();

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
function roundsOfSha256() {
  const rounds = new Int32Array(64);
  for (let number = 2, found = 0; found < 64; number++) {
    let prime = true;
    for (let by = 2; by * by <= number && prime; by++) prime = number % by !== 0;
    if (prime) rounds[found++] = ((Math.cbrt(number) % 1) * 2 ** 32) | 0;
  }
  return rounds;
}

function roundsOfSm3() {
  const rounds = new Int32Array(64);
  for (let j = 0; j < 64; j++) rounds[j] = left(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32);
  return rounds;
}

/** @param {number} word @param {number} by */
function left(word, by) {
  return by ? (word << by) | (word >>> (32 - by)) : word;
}

/** What both have in common: blocks of 64 bytes, eight words of state, the length at the end. */
class Digest {
  /** @param {number[]} start */
  constructor(start) {
    this.state = Int32Array.from(start, (word) => word | 0);
    this.block = new Uint8Array(64);
    this.words = new Int32Array(132);
    this.filled = 0;
    this.length = 0;
  }

  /** @param {Uint8Array} _bytes @param {number} _at */
  compress(_bytes, _at) {
    throw new Error("of no kind");
  }

  /** @param {Uint8Array} bytes @returns {this} */
  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.filled) {
      at = Math.min(64 - this.filled, bytes.length);
      this.block.set(bytes.subarray(0, at), this.filled);
      this.filled += at;
      if (this.filled < 64) return this;
      this.compress(this.block, 0);
      this.filled = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.compress(bytes, at);
    this.block.set(bytes.subarray(at));
    this.filled = bytes.length - at;
    return this;
  }

  /** Lower-case hexadecimal; nothing may be added afterwards. @returns {string} */
  hex() {
    const bits = this.length * 8;
    const padded = new Uint8Array(this.filled < 56 ? 64 : 128);
    padded.set(this.block.subarray(0, this.filled));
    padded[this.filled] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padded.length - 4, bits >>> 0);
    for (let at = 0; at < padded.length; at += 64) this.compress(padded, at);
    return Array.from(this.state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

export class Sha256 extends Digest {
  constructor() {
    super([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
  }

  /** @override @param {Uint8Array} bytes @param {number} at */
  compress(bytes, at) {
    const w = this.words;
    for (let j = 0; j < 16; j++, at += 4) w[j] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    for (let j = 16; j < 64; j++) {
      const x = w[j - 15];
      const y = w[j - 2];
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[j] = w[j - 16] + low + w[j - 7] + high;
    }
    let [a, b, c, d, e, f, g, h] = this.state;
    for (let j = 0; j < 64; j++) {
      const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + high + ((e & f) ^ (~e & g)) + ROUNDS_SHA256[j] + w[j]) | 0;
      const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => (this.state[index] += word));
  }
}

export class Sm3 extends Digest {
  constructor() {
    super([0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e]);
  }

  /** @override @param {Uint8Array} bytes @param {number} at */
  compress(bytes, at) {
    const w = this.words;
    for (let j = 0; j < 16; j++, at += 4) w[j] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    for (let j = 16; j < 68; j++) {
      const z = w[j - 3];
      const x = w[j - 16] ^ w[j - 9] ^ ((z << 15) | (z >>> 17));
      const y = w[j - 13];
      w[j] = x ^ ((x << 15) | (x >>> 17)) ^ ((x << 23) | (x >>> 9)) ^ ((y << 7) | (y >>> 25)) ^ w[j - 6];
    }
    let [a, b, c, d, e, f, g, h] = this.state;
    for (let j = 0; j < 64; j++) {
      const turned = (a << 12) | (a >>> 20);
      const sum = (turned + e + ROUNDS_SM3[j]) | 0;
      const one = (sum << 7) | (sum >>> 25);
      const two = one ^ turned;
      const first = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const second = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const x = (first + d + two + (w[j] ^ w[j + 4])) | 0;
      const y = (second + h + one + w[j]) | 0;
      d = c; c = (b << 9) | (b >>> 23); b = a; a = x;
      h = g; g = (f << 19) | (f >>> 13); f = e; e = y ^ ((y << 9) | (y >>> 23)) ^ ((y << 17) | (y >>> 15));
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => (this.state[index] ^= word));
  }
}

/** What a page may hold at once; larger files are read in pieces. */
const AT_ONCE_BYTES = 64 * 2 ** 20;
const PIECE_BYTES = 4 * 2 ** 20;

/**
 * SHA-256 and SM3 of a file. SHA-256 is the browser's own where the file can be held at once.
 * @param {Blob} file
 * @param {(bytes: number) => void} [told]
 */
export async function digestsOf(file, told = () => {}) {
  const own = file.size > AT_ONCE_BYTES ? new Sha256() : null;
  const sm3 = new Sm3();
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    const piece = new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
    own?.update(piece);
    sm3.update(piece);
    told(piece.length);
  }
  const sha256 = own ? own.hex() : await sha256Of(new Uint8Array(await file.arrayBuffer()));
  return { sha256, sm3: sm3.hex() };
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
export async function sha256Of(bytes) {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** @param {Uint8Array} bytes */
export function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
