// Which of the day's sittings the board shows: by state, kind, room, officer, words; and how that stands in the page's address. Knows no DOM.

/** @typedef {import('./situation.js').Situation} Situation */
/**
 * @typedef {object} View As dispatch/console/views.py keeps it.
 * @property {string} show a state: all, session, coming, ended
 * @property {boolean} alerts only those with an alert
 * @property {boolean} mine only those that the viewer has in charge
 * @property {string} kind
 * @property {string} room id
 * @property {string} officer id
 * @property {string} text
 */
/** @typedef {{id: string, name: string, shown: View, opens: boolean}} SavedView */

/** @type {Readonly<View>} */
export const EVERYTHING = { show: 'all', alerts: false, mine: false, kind: '', room: '', officer: '', text: '' };

/** @type {Record<string, (sitting: Situation) => boolean>} */
const STATES = {
  all: () => true,
  session: (s) => s.status === 'live' || s.status === 'recess',
  coming: (s) => s.status === 'planned' || s.status === 'open',
  ended: (s) => s.status === 'closed' || s.status === 'cancelled',
};

/** Whether a sitting is of a state. @param {Situation} sitting @param {string} state */
export function isOf(sitting, state) {
  return (STATES[state] ?? (() => true))(sitting);
}

/**
 * The sittings that a view leaves over.
 * @param {readonly Situation[]} sittings @param {View} view @param {string} me id of the viewer
 */
export function chosen(sittings, view, me) {
  const words = view.text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return sittings.filter((s) => isOf(s, view.show)
    && (!view.alerts || s.tasks.length > 0) && (!view.mine || s.officer_id === me)
    && (!view.kind || s.kind === view.kind) && (!view.room || s.room_id === view.room) && (!view.officer || s.officer_id === view.officer)
    && (words.length === 0 || has(s, words)));
}

/** @param {Situation} s @param {string[]} words */
function has(s, words) {
  const text = [s.title, s.case_number, s.room, s.officer, s.chair, s.stage_text, s.kind_text, ...s.people.map(([name]) => name)].join(' ').toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

/** The view that an address asks for; null where it asks for none. @param {URLSearchParams} asked @returns {View | null} */
export function viewOf(asked) {
  const { show, alerts, mine, q, ...others } = Object.fromEntries(asked);
  const picked = { kind: others['kind'] ?? '', room: others['room'] ?? '', officer: others['officer'] ?? '' };
  if ([show, alerts, mine, q, ...Object.values(picked)].every((value) => !value)) return null;
  return { show: show && show in STATES ? show : 'all', alerts: Boolean(alerts), mine: Boolean(mine), ...picked, text: q ?? '' };
}

/** Have an address ask for a view. @param {View} view @param {URLSearchParams} asked */
export function askFor(view, asked) {
  asked.set('show', view.show); // also "all": with nothing in the address the page opens with the view that was saved for that
  for (const [name, value] of [['alerts', view.alerts && '1'], ['mine', view.mine && '1'], ['kind', view.kind], ['room', view.room], ['officer', view.officer], ['q', view.text.trim()]]) {
    value ? asked.set(String(name), String(value)) : asked.delete(String(name));
  }
}

/** @param {View} a @param {View} b */
export function isSame(a, b) {
  return a.show === b.show && a.alerts === b.alerts && a.mine === b.mine && a.kind === b.kind && a.room === b.room && a.officer === b.officer && a.text.trim() === b.text.trim();
}
