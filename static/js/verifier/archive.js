// What a person chose, as files of a package by their paths: a whole folder, its files one by one, or one .zip with everything in it.

/** @typedef {Map<string, Blob>} Files */

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65535;
const LARGE = 0xffffffff;

/** @param {Blob} file @param {number} from @param {number} [to] */
async function viewOf(file, from, to) {
  return new DataView(await file.slice(from, to).arrayBuffer());
}

/** A number of eight bytes; above 2^53 no file is. @param {DataView} view @param {number} at */
function long(view, at) {
  return Number(view.getBigUint64(at, true));
}

/**
 * The files in a .zip, each as a piece of it: nothing is copied (APPNOTE.TXT sections 4.3 to 4.5). Packages are stored, not compressed.
 * Throws where it is no .zip, or one of another kind.
 * @param {Blob} zip
 * @returns {Promise<Files>}
 */
async function unzipped(zip) {
  const from = Math.max(0, zip.size - END_BYTES - LONGEST_COMMENT);
  const tail = await viewOf(zip, from);
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end -= 1;
  if (end < 0) throw new TypeError("no .zip");
  let count = tail.getUint16(end + 10, true);
  let size = tail.getUint32(end + 12, true);
  let start = tail.getUint32(end + 16, true);
  if (end >= 20 && tail.getUint32(end - 20, true) === LOCATOR64) {
    const at = long(tail, end - 20 + 8);
    const wide = await viewOf(zip, at, at + 56);
    if (wide.getUint32(0, true) !== END64) throw new TypeError("no .zip");
    [count, size, start] = [long(wide, 32), long(wide, 40), long(wide, 48)];
  }
  const listed = await viewOf(zip, start, start + size);
  /** @type {Files} */
  const files = new Map();
  for (let at = 0, number = 0; number < count; number += 1) {
    const entry = entryOf(listed, at);
    at = entry.next;
    if (entry.name.endsWith("/")) continue;
    if (entry.method !== 0 || files.has(entry.name)) throw new TypeError(entry.name);
    const head = await viewOf(zip, entry.offset, entry.offset + 30);
    if (head.getUint32(0, true) !== LOCAL) throw new TypeError(entry.name);
    const begins = entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
    files.set(entry.name, zip.slice(begins, begins + entry.size));
  }
  return files;
}

/** One row of the central directory. @param {DataView} view @param {number} at */
function entryOf(view, at) {
  if (view.getUint32(at, true) !== ENTRY) throw new TypeError("no .zip");
  const [named, extra, comment] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)];
  const name = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, named));
  let [packed, size, offset] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true), view.getUint32(at + 42, true)];
  const [begin, end] = [at + 46 + named, at + 46 + named + extra];
  for (let field = begin; field + 4 <= end; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue;
    let place = field + 4;
    if (size === LARGE) [size, place] = [long(view, place), place + 8];
    if (packed === LARGE) [packed, place] = [long(view, place), place + 8];
    if (offset === LARGE) offset = long(view, place);
  }
  return { name, method: view.getUint16(at + 10, true), size, offset, next: end + comment };
}

/**
 * Files that were chosen one by one have no folders: the package's own lists say where each belongs.
 * @param {Files} loose by their bare names
 * @returns {Promise<Files>}
 */
async function placed(loose) {
  const around = await namesIn(loose.get("package.json"));
  const inside = await namesIn(loose.get("manifest.json"));
  if (!loose.has("package.json")) return loose;
  /** @type {Files} */
  const files = new Map();
  const belongs = new Map(inside.map((path) => [path.slice(path.lastIndexOf("/") + 1), path]));
  for (const [name, file] of loose) {
    const outer = name === "package.json" || around.includes(name);
    files.set(outer ? name : `recording/${belongs.get(name) ?? name}`, file);
  }
  return files;
}

/** The names of files in a list; none where it cannot be read, which the check says. @param {Blob | undefined} file @returns {Promise<string[]>} */
async function namesIn(file) {
  try {
    const rows = file ? JSON.parse(await file.text()).files : [];
    return rows.map((/** @type {any} */ row) => String(row.file));
  } catch {
    return [];
  }
}

/**
 * The files that were chosen, by their path in the package. Throws where the only one is a .zip that cannot be read.
 * @param {File[]} chosen
 * @returns {Promise<Files>}
 */
export async function filesChosen(chosen) {
  const [first] = chosen;
  if (chosen.length === 1 && first && /\.zip$/i.test(first.name)) return unzipped(first);
  const paths = chosen.map((file) => file.webkitRelativePath || file.name);
  const named = new Map(chosen.map((file, index) => [paths[index] ?? file.name, file]));
  if (!paths.some((path) => path.includes("/"))) return placed(named);
  const top = paths[0]?.includes("/") ? paths[0].slice(0, paths[0].indexOf("/") + 1) : "";
  const shared = top !== "" && paths.every((path) => path.startsWith(top)) ? top.length : 0;
  return new Map([...named].map(([path, file]) => [path.slice(shared), file]));
}
