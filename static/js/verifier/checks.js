// Checks a package, or the sealed folder in it, that a person chose: what rooms/verification/folder.py checks, by code of its own
// in the browser. Nothing leaves the page.

import { canonical, without } from "./canonical.js";
import { digestsOf, Sha256, Sm3 } from "./digests.js";
import { checkSignature, checkStamp } from "./seals.js";

const LISTS = ["segments.jsonl", "ledger.jsonl", "events.jsonl", "heartbeat.jsonl", "digests.jsonl"];
const SEALS = ["manifest.json", "manifest.sig.json", "manifest.p7s", "manifest.stamp.json", "manifest.tsr"];
const INSIDE = "recording/";
const GENESIS = "0".repeat(64);

/**
 * @typedef {{code: string, file: string, detail: string}} Problem
 * @typedef {{file: string, bytes: number, sha256: string, sm3: string, good: boolean}} Checked
 * @typedef {{state: string, by: string, at: string, algorithm: string, detail: string, root: string}} Vouched
 * @typedef {{sitting: string, title: string, sealedAt: string, manifestSha256: string, manifestSm3: string, problems: Problem[],
 *   files: Checked[], gaps: any[], lost: string[], tracks: any[], people: Record<string, string>, devices: Record<string, string[]>,
 *   events: number, signature: Vouched, stamp: Vouched, unchecked: string[], copy: Copy | null}} Report
 * @typedef {import("./archive.js").Files} Files
 * @typedef {{number: string, receiver: string, unit: string, purpose: string, content: string, approved_by: string}} Copy what a package says of the copy that it is
 */

/** Where in a package the recording lies: "" where it is the sealed folder itself that was chosen. @param {Files} files */
export function insideOf(files) {
  return files.has("package.json") || [...files.keys()].some((path) => path.startsWith(INSIDE)) ? INSIDE : "";
}

/** Whether there is anything to check in what was chosen. @param {Files} files @param {string} inside */
export function isRecording(files, inside) {
  return [...SEALS, ...LISTS].some((name) => files.has(inside + name)) || files.has("package.json");
}

/**
 * @param {Files} files
 * @param {string} inside
 * @param {(bytes: number) => void} told how many bytes more were read
 * @returns {Promise<Report>}
 */
export async function check(files, inside, told) {
  const report = emptyReport();
  /** @param {string} code @param {string} file @param {string | number} [detail] */
  const add = (code, file, detail = "") => void report.problems.push({ code, file, detail: String(detail) });
  const list = inside ? await listOf(files) : null;
  report.copy = copyOf(list);
  const film = report.copy !== null && ["film", "span"].includes(report.copy.content) && ![...files.keys()].some((path) => path.startsWith(INSIDE));
  const recording = new Map([...files].filter(([path]) => path.startsWith(inside)).map(([path, file]) => [path.slice(inside.length), file]));
  try {
    const manifest = film ? null : await readManifest(recording, report, (code, file, detail) => add(code, inside + file, detail));
    if (manifest) {
      await checkFiles(recording, manifest.files, presentIn(recording), inside, report, told);
      await checkLog(recording.get("events.jsonl"), manifest, report, (code, detail) => add(code, `${inside}events.jsonl`, detail));
      report.stamp = await checkStamp(recording, (code, file, detail) => add(code, inside + file, detail));
      report.signature = await checkSignature(recording, manifest, report.stamp, (code, file, detail) => add(code, inside + file, detail));
      if (report.signature.state === "unchecked") report.unchecked.push("signature");
    }
  } catch (error) {
    add("manifest_unreadable", `${inside}manifest.json`, String(error));
  }
  if (film) {
    report.manifestSha256 = list.manifest_sha256;
    report.sitting = list.sitting;
    report.unchecked.push("originals");
  }
  if (inside) await checkPackage(files, list, report, told);
  return report;
}

/** @returns {Report} */
function emptyReport() {
  const none = { state: "", by: "", at: "", algorithm: "", detail: "", root: "" };
  return {
    sitting: "", title: "", sealedAt: "", manifestSha256: "", manifestSm3: "", problems: [], files: [], gaps: [], lost: [], tracks: [],
    people: {}, devices: {}, events: 0, signature: { ...none }, stamp: { ...none }, unchecked: [], copy: null,
  };
}

/** @param {Blob} file */
export async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}

/**
 * The text of a list or manifest with its own digests, or null where they are not those of the rest.
 * @param {Uint8Array} bytes @returns {any}
 */
export function wholeOf(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const value = JSON.parse(text);
  const own = ["digest", ...("digest_sm3" in value ? ["digest_sm3"] : [])];
  const body = new TextEncoder().encode(without(text, own));
  const same = value.digest === new Sha256().update(body).hex() && (own.length === 1 || value.digest_sm3 === new Sm3().update(body).hex());
  return same && (value.format < 3 && "files" in value && "segments" in value ? true : canonical(value) === text) ? value : null;
}

/**
 * @param {Files} recording @param {Report} report @param {(code: string, file: string, detail?: string) => void} add
 * @returns {Promise<any>}
 */
async function readManifest(recording, report, add) {
  const file = recording.get("manifest.json");
  if (!file) return add("manifest_missing", "manifest.json");
  const bytes = await bytesOf(file);
  report.manifestSha256 = new Sha256().update(bytes).hex();
  report.manifestSm3 = new Sm3().update(bytes).hex();
  let manifest;
  try {
    manifest = wholeOf(bytes);
  } catch (error) {
    return add("manifest_unreadable", "manifest.json", String(error));
  }
  if (!manifest) return add("manifest_changed", "manifest.json");
  report.sitting = manifest.sitting;
  report.title = [manifest.meta.case_number, manifest.meta.title].filter(Boolean).join(" ");
  report.sealedAt = manifest.made_at;
  report.lost = manifest.missing;
  report.tracks = manifest.tracks ?? [];
  report.gaps = manifest.ledger.filter((/** @type {any} */ row) => row.kind === "gap" || row.kind === "restart");
  for (const person of manifest.meta.participants ?? []) report.people[person.id] = person.name;
  for (const [device, about] of Object.entries(manifest.meta.endpoints ?? {})) report.devices[device] = about.participants;
  return manifest;
}

/** What of a recording the manifest has to name. @param {Files} recording */
function presentIn(recording) {
  return [...recording.keys()].filter((name) => !SEALS.includes(name) && !name.startsWith("derived/"));
}

/**
 * @param {Files} files @param {any[]} rows @param {string[]} present @param {string} inside @param {Report} report
 * @param {(bytes: number) => void} told
 */
async function checkFiles(files, rows, present, inside, report, told) {
  const belongs = new Map(rows.map((row) => [row.sha256, row.file]));
  const named = new Set(rows.map((row) => row.file));
  /** @param {string} code @param {string} file @param {string} [detail] */
  const add = (code, file, detail = "") => void report.problems.push({ code, file: inside + file, detail });
  for (const row of rows) {
    const file = files.get(row.file);
    if (!file) {
      add("file_missing", row.file);
      continue;
    }
    const { sha256, sm3 } = await digestsOf(file, told);
    const good = sha256 === row.sha256 && sm3 === (row.sm3 ?? sm3);
    report.files.push({ file: inside + row.file, bytes: file.size, sha256, sm3, good });
    if (good) continue;
    if (sha256 === row.sha256) add("sm3_other", row.file);
    else if (belongs.has(sha256)) add("file_swapped", row.file, inside + belongs.get(sha256));
    else if (file.size !== row.bytes) add("file_resized", row.file, `${file.size} B ≠ ${row.bytes} B`);
    else add("file_changed", row.file);
  }
  for (const name of present) if (!named.has(name)) add("file_extra", name);
}

/**
 * Follow the chain of the log; name the first row that breaks it, and tell whether the end is the manifest's.
 * @param {Blob | undefined} file @param {any} manifest @param {Report} report @param {(code: string, detail: string | number) => void} add
 */
async function checkLog(file, manifest, report, add) {
  if (!file) return;
  const encoder = new TextEncoder();
  const lines = (await file.text()).split("\n");
  if (lines.at(-1) === "") lines.pop();
  let previous = GENESIS;
  for (const [index, line] of lines.entries()) {
    let row;
    try {
      row = JSON.parse(line);
    } catch {
      row = null;
    }
    const place = row?.seq === index + 1 && row.prev === previous && row.sitting === manifest.sitting;
    if (!place || row.hash !== new Sha256().update(encoder.encode(without(line, ["hash"]))).hex()) return add("log_row", index + 1);
    previous = row.hash;
    report.events = index + 1;
  }
  const head = manifest.events;
  if (lines.length !== head.head_seq || (lines.length ? previous : "") !== head.head_hash) add("log_cut", `${lines.length} ≠ ${head.head_seq}`);
}

/** @param {any} name whether it is one of a file, in no other folder */
function isName(name) {
  return typeof name === "string" && !/[\\/]/.test(name);
}

/** Whether a row names a file of the package with all that is said of one: nobody signs the list, so that whoever changed it may have given it new digests. @param {any} row */
function isBeside(row) {
  return isName(row?.file) && ["bytes", "sha256", "sm3"].every((key) => key in row);
}

/** The list of what lies around the recording; null where it is missing or not whole. @param {Files} files @returns {Promise<any>} */
async function listOf(files) {
  const file = files.get("package.json");
  try {
    const list = file ? wholeOf(await bytesOf(file)) : null;
    return list && list.manifest_sha256 && list.files.every(isBeside) && (list.seals ?? []).every(isName) ? list : null;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    return null;
  }
}

/** What a list says of the copy that the package is. @param {any} list @returns {Copy | null} */
function copyOf(list) {
  const copy = list?.copy;
  return copy && typeof copy.number === "string" && typeof copy.receiver === "string" ? copy : null;
}

/** Hold the list against what lies around the recording. @param {Files} files @param {any} list @param {Report} report @param {(bytes: number) => void} told */
async function checkPackage(files, list, report, told) {
  /** @param {string} code @param {string} [detail] */
  const add = (code, detail = "") => void report.problems.push({ code, file: "package.json", detail });
  if (!files.has("package.json")) return add("package_missing");
  if (!list) return add("package_changed");
  const changed = report.problems.some((problem) => problem.file === `${INSIDE}manifest.json`);
  if (!changed && list.manifest_sha256 !== report.manifestSha256) add("package_other");
  const named = new Set(report.problems.map((problem) => problem.file));
  for (const path of (changed ? [] : (list.seals ?? [])).map((/** @type {string} */ name) => INSIDE + name)) {
    if (!named.has(path) && !files.has(path)) report.problems.push({ code: "file_missing", file: path, detail: "" });
  }
  const around = new Map([...files].filter(([path]) => !path.startsWith(INSIDE)));
  await checkFiles(around, list.files, [...around.keys()].filter((name) => name !== "package.json"), "", report, told);
}
