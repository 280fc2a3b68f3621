// The page of a package: takes the files that a person chose, shows how far the check is, and says in both languages what it found.

import { filesChosen } from "./archive.js";
import { check, insideOf, isRecording } from "./checks.js";

/** @typedef {import("./checks.js").Report} Report @typedef {[string, string]} Both English and Chinese */

/** What verification says, for people: the same words as those of the command. @type {{texts: Record<string, Both>, causes: Record<string, Both>, sources: Record<string, Both>}} */
const WORDS = JSON.parse(/** @type {HTMLElement} */ (document.querySelector("#words")).textContent ?? "");

/** @type {Record<string, Both>} */
const SAID = {
  ok: ["Unchanged since it was sealed", "自封存以来未被改动"],
  bad: ["Problems found", "发现问题"],
  incomplete: ["Nothing was found changed, but the signature could not be checked in this browser", "未发现改动，但本浏览器无法校验签名"],
  film: ["Everything fits the list of this copy. It holds no originals, and nobody signed the list: for certainty compare the digests with those of whoever gave it", "与本副本目录一致。副本不含原始文件，目录未签名：如需确证，请与提供单位核对摘要"],
  copy: ["Copy", "副本编号"],
  receiver: ["Given to", "接收人"],
  given_for: ["For", "用途"],
  approved: ["Approved by", "批准人"],
  unread: ["This .zip cannot be read here: unpack it and choose the folder", "无法在此读取该 .zip：请解压后选择文件夹"],
  none: ["What was chosen is no recording: choose the whole folder of the package", "所选内容不是录制材料：请选择整个卷宗包文件夹"],
  reading: ["Reading", "正在读取"],
  sitting: ["Sitting", "场次"],
  sealed: ["Sealed at", "封存时间"],
  events: ["Rows of the event log, chained without a break", "事件日志行数（逐行相连）"],
  manifest: ["SHA-256 of the manifest", "清单文件的 SHA-256"],
  manifest_sm3: ["SM3 of the manifest", "清单文件的 SM3"],
  signature: ["Signature", "签名"],
  stamp: ["Time-stamp", "时间戳"],
  good: ["valid", "有效"],
  wrong: ["NOT GOOD", "无效"],
  unchecked: ["could not be checked in this browser", "本浏览器无法校验"],
  unsigned: ["nobody signed this manifest", "本清单未签名"],
  unstamped: ["none", "无"],
  stamped: [
    "whole and over {detail}; whether its authority signed it, server.py verify or openssl tells",
    "内容完整，对象为 {detail}；签发机构的签名请用 server.py verify 或 openssl 校验",
  ],
  root: ["compare this SHA-256 of the root certificate with the one that the site publishes", "请将此根证书 SHA-256 与单位公布的核对"],
  recorded: ["What was recorded", "录制内容"],
  device: ["Device", "设备"],
  from: ["From", "起"],
  to: ["To", "止"],
  parts: ["Files", "文件数"],
  gaps: ["Gaps stated in the ledger", "台账中记载的中断"],
  cause: ["Cause", "原因"],
  no_gaps: ["none", "无"],
  lost: ["Files that were lost before sealing, as the manifest states", "清单注明封存前已丢失的文件"],
  digests: ["Digest of each file", "各文件摘要"],
  problems: ["What is wrong", "问题"],
  same: ["as the manifest or list says", "与清单或目录一致"],
  other: ["NOT as the manifest or list says", "与清单或目录不符"],
  file: ["File", "文件"],
  bytes: ["Bytes", "字节"],
  digest: ["Digest", "摘要"],
  result: ["Result", "结果"],
  limits: [
    "Not checked by this page: who signed the time-stamp, and whether opinions, votes and the texts consented to are those that were sealed. server.py verify checks these.",
    "本页不核对：时间戳由谁签发；已公开的意见、表决和同意书文本是否与封存时一致。这些由 server.py verify 核对。",
  ],
};

/** @param {string} tag @param {{class?: string}} about @param {...(Node | string)} children */
function make(tag, about, ...children) {
  const element = document.createElement(tag);
  if (about.class) element.className = about.class;
  element.append(...children);
  return element;
}

/** Chinese first, English behind it. @param {Both | undefined} both @param {Record<string, string>} [values] */
function both([english, chinese] = ["", ""], values = {}) {
  /** @param {string} text */
  const filled = (text) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const other = make("span", { class: "en" }, filled(english));
  other.lang = "en";
  return make("span", {}, filled(chinese), " ", other);
}

/** @param {string} key @param {Record<string, string>} [values] */
function said(key, values) {
  return both(SAID[key], values);
}

/** @param {number} us microseconds since the epoch */
function clock(us) {
  return us ? new Date(us / 1000).toISOString().replace("T", " ") : "";
}

/** @param {(Node | string)[]} head @param {(Node | string)[][]} rows @param {string} [shape] "stacked": on phones a row's cells stand below each other */
function table(head, rows, shape = "") {
  const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))));
  const whole = make("table", {}, make("thead", {}, make("tr", {}, ...head.map((cell) => make("th", {}, cell)))), body);
  return make("div", { class: `wide ${shape}` }, whole);
}

/** @param {Report} report @param {string} device @returns {string} */
function whose(report, device) {
  return (report.devices[device] ?? []).map((id) => report.people[id]).filter(Boolean).join("、") || device;
}

/** @param {import("./checks.js").Vouched} about @param {"unsigned" | "unstamped"} none @param {"good" | "stamped"} good */
function vouchedFor(about, none, good) {
  const state = { "": none, good, bad: "wrong", unchecked: "unchecked" }[about.state] ?? none;
  const shown = make("span", {}, said(state, { detail: about.detail }), ` ${[about.by, about.algorithm, about.at].filter(Boolean).join(" · ")}`);
  if (about.root) shown.append(make("br", {}), make("code", {}, about.root), " ", said("root"));
  return shown;
}

/** @param {Report} report */
function verdict(report) {
  const state = report.problems.length ? "bad" : report.unchecked.includes("originals") ? "film" : report.unchecked.length ? "incomplete" : "ok";
  const heading = make("h2", { class: `verdict ${state}` }, said(state));
  heading.id = "verdict";
  heading.dataset.state = state;
  const list = make("ul", { class: "problems" });
  list.id = "problems";
  for (const { code, file, detail } of report.problems) {
    const item = make("li", {}, make("code", {}, file), " ", both(WORDS.texts[code], { detail }));
    Object.assign(item.dataset, { code, file });
    list.append(item);
  }
  return [heading, ...(report.problems.length ? [make("h3", {}, said("problems")), list] : [])];
}

/** Whose copy it is, by its list. @param {Report["copy"]} copy @returns {[string, string][]} */
function copyFacts(copy) {
  if (!copy) return [];
  return [["copy", copy.number], ["receiver", `${copy.receiver} · ${copy.unit}`], ["given_for", copy.purpose], ["approved", copy.approved_by]];
}

/** @param {Report} report */
function facts(report) {
  if (report.unchecked.includes("originals")) return rowsOf([...copyFacts(report.copy), ["sitting", report.sitting], ["manifest", make("code", {}, report.manifestSha256)]]);
  return rowsOf([
    ...copyFacts(report.copy),
    ["sitting", `${report.title} ${report.sitting}`.trim()],
    ["sealed", report.sealedAt],
    ["manifest", make("code", {}, report.manifestSha256)],
    ["manifest_sm3", make("code", {}, report.manifestSm3)],
    ["signature", vouchedFor(report.signature, "unsigned", "good")],
    ["stamp", vouchedFor(report.stamp, "unstamped", "stamped")],
    ["events", String(report.events)],
  ]);
}

/** @param {[string, Node | string][]} rows */
function rowsOf(rows) {
  return make("dl", {}, ...rows.flatMap(([key, value]) => [make("dt", {}, said(key)), make("dd", {}, value)]));
}

/** @param {Report} report @returns {Node[]} */
function digestTable(report) {
  const files = report.files.map(({ file, bytes, sha256, sm3, good }) => [
    make("code", {}, file), String(bytes), make("code", {}, `SHA-256 ${sha256}\nSM3 ${sm3}`), said(good ? "same" : "other"),
  ]);
  return [make("h3", {}, said("digests")), table([said("file"), said("bytes"), said("digest"), said("result")], files, "stacked")];
}

/** @param {Report} report @returns {Node[]} */
function details(report) {
  const span = [said("device"), said("from"), said("to")];
  const tracks = report.tracks.map((track) => [
    make("span", {}, `${whose(report, track.endpoint)} `, both(WORDS.sources[track.source] ?? [track.source, ""])),
    clock(track.start_us), clock(track.end_us), String(track.files.length),
  ]);
  const gaps = report.gaps.map((gap) => [
    make("span", {}, `${whose(report, gap.endpoint ?? "")} `, both(WORDS.sources[gap.source] ?? [gap.source ?? "", ""])),
    clock(gap.from_us), clock(gap.to_us), both(WORDS.causes[gap.cause] ?? ["", gap.cause ?? ""]),
  ]);
  return [
    make("h3", {}, said("recorded")), table([...span, said("parts")], tracks),
    make("h3", {}, said("gaps")), gaps.length ? table([...span.map((cell) => cell.cloneNode(true)), said("cause")], gaps) : make("p", {}, said("no_gaps")),
    ...(report.lost.length ? [make("h3", {}, said("lost")), make("p", {}, report.lost.join(", "))] : []),
    ...digestTable(report),
    make("p", { class: "limits" }, said("limits")),
  ];
}

/** @param {File[]} chosen @param {HTMLElement} shown */
async function look(chosen, shown) {
  shown.replaceChildren(make("p", {}, said("reading")));
  const files = await filesChosen(chosen).catch(() => null);
  const inside = files ? insideOf(files) : "";
  if (!files || !isRecording(files, inside)) {
    const heading = make("h2", { class: "verdict bad" }, said(files ? "none" : "unread"));
    heading.id = "verdict";
    heading.dataset.state = "none";
    return shown.replaceChildren(heading);
  }
  const total = chosen.reduce((sum, file) => sum + file.size, 0);
  const bar = document.createElement("progress");
  bar.max = total;
  shown.replaceChildren(make("p", {}, said("reading")), bar);
  const report = await check(files, inside, (bytes) => (bar.value += bytes));
  shown.replaceChildren(...verdict(report), facts(report), ...(report.unchecked.includes("originals") ? digestTable(report) : details(report)));
}

const result = /** @type {HTMLElement} */ (document.querySelector("#result"));
for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[type=file]"))) {
  // The same file may have been changed since: chosen again, it is read again.
  input.addEventListener("click", () => {
    input.value = "";
  });
  input.addEventListener("change", () => {
    if (input.files?.length) void look([...input.files], result);
  });
}
