// JSON in the one form that is digested (RFC 8785), and the text of an object without some of its members.

/** Keys in the order of their UTF-16 code units, numbers and strings as ECMAScript writes them. @param {unknown} value @returns {string} */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}

/**
 * The text of an object without the members `names`, byte for byte as it was written: so that how another program writes
 * a number plays no part.
 * @param {string} text an object with no space between its parts
 * @param {string[]} names
 */
export function without(text, names) {
  /** @type {string[]} */
  const kept = [];
  let depth = 0;
  let from = 1;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (sign === "{" || sign === "[") {
      depth++;
    } else if ((sign === "," && depth === 1) || ((sign === "}" || sign === "]") && --depth === 0)) {
      const member = text.slice(from, at);
      if (!names.some((name) => member.startsWith(`"${name}":`))) kept.push(member);
      from = at + 1;
    }
  }
  return `{${kept.join(",")}}`;
}
