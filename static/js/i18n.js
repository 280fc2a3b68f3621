// The texts of the page's language, the same catalogue as the server's.

/** @type {Record<string, string>} */
let texts = {};

/** Language tag of the page: "zh-CN" or "en". */
export const language = document.documentElement.lang || "zh-CN";
/** What stands between two sentences. */
export const gap = language === "en" ? " " : "";

try {
  const response = await fetch(new URL(`../i18n/${language}.json`, import.meta.url));
  if (response.ok) texts = await response.json();
} catch {
  // Without the catalogue the page speaks English: better than not at all.
}

/** What the sitting of this page, those who conduct it and those who let people in are called: filled into every text that names them. @type {Record<string, string>} */
const nouns = {};
const kind = document.getElementById('hearing')?.dataset['kind'] ?? '';
for (const noun of ['sitting', 'house', 'usher']) nouns[noun] = texts[`noun.${noun}.${kind}`] ?? texts[`noun.${noun}`] ?? noun;

const ISO_DAY = /^(\d{4}-\d{2}-\d{2})( \d{2}:\d{2})?$/;
const englishDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

/** A day of the server's rules, 2026-12-04, is 4 Dec 2026 in an English text. @param {string | number} value */
function written(value) {
  const [, day = '', time = ''] = (language === 'en' && ISO_DAY.exec(String(value))) || [];
  const moment = Date.parse(day);
  return Number.isNaN(moment) ? String(value) : `${englishDay.format(moment)}${time}`;
}

/**
 * The text for a msgid, its {values} filled. Write the msgid as a literal, so that the missing-translation test finds it.
 * @param {string} msgid
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(msgid, values = {}) {
  const text = texts[msgid] ?? msgid;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? written(values[name] ?? '') : nouns[name] ?? whole));
}

/**
 * The text for a code ("role.judge", "error.conflict"); the fallback where the catalogue has none.
 * @param {string} code
 * @param {Record<string, string | number>} [values]
 * @param {string} [fallback]
 * @returns {string}
 */
export function word(code, values = {}, fallback = code) {
  return code in texts ? t(code, values) : fallback;
}

/**
 * Time of day in a zone, 09:30 or 09:30:05.
 * @param {number | Date} moment milliseconds since 1970 or a Date
 * @param {string} timeZone
 * @param {boolean} [seconds]
 * @returns {string}
 */
export function clock(moment, timeZone, seconds = false) {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone, hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}), hourCycle: "h23",
  }).format(moment);
}

/**
 * Day as the pages write it: 2026-11-24 周二 or Tue 24 Nov.
 * @param {number | Date} moment
 * @param {string} timeZone
 * @returns {string}
 */
export function day(moment, timeZone) {
  if (language === "en") {
    return new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", day: "numeric", month: "short" }).format(moment).replace(",", "");
  }
  const date = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(moment);
  return `${date} ${new Intl.DateTimeFormat("zh-CN", { timeZone, weekday: "short" }).format(moment)}`;
}
