// What the server says of the sittings on the console (dispatch/console/situation.py), and the board that keeps it.
// Everything that has a code comes in words already, in the page's language: the page only lays it out.

/**
 * @typedef {object} Task An alert as a task: what it is, what to do.
 * @property {string} id of a conference's own alert, "" for others
 * @property {string} alert its id in the command centre, "" until that keeps it and for what the clock alone says
 * @property {string} owner who takes care of it, "" while nobody does
 * @property {number} count how often it came
 * @property {boolean} escalated nobody has seen it in time
 * @property {string} code
 * @property {'info' | 'warning' | 'critical'} severity
 * @property {string} text
 * @property {string} remedy
 * @property {string} path where what it is about can be seen, and `place` what that is called; "" for its sitting and for the whole site
 * @property {string} place
 * @property {number} since_us
 * @property {string | null} acknowledged_by
 */
/**
 * @typedef {object} Network
 * @property {0 | 1 | 2 | 3 | 4} bars 0: no figures yet
 * @property {string} text
 */
/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {boolean} chair
 * @property {'absent' | 'waiting' | 'present' | 'lost' | 'left' | 'removed'} presence
 * @property {string} presence_text
 * @property {number | null} lost_at_us
 * @property {string | null} endpoint
 * @property {{source: string, icon: string, text: string, live: boolean}[]} sources
 * @property {Network} network
 * @property {{state: 'ok' | 'trouble' | 'none', text: string, details: string[]}} device_check
 * @property {boolean} consented
 * @property {string} room_text at which room's device he sits, "" for whoever sits at his own
 */
/** @typedef {[name: string, presence: Person['presence'] | '', bars: Network['bars']]} Glance presence "" once the sitting is over */
/**
 * @typedef {object} Situation
 * @property {string} id
 * @property {string} kind
 * @property {string} kind_text
 * @property {string} title
 * @property {string} case_number
 * @property {string} room
 * @property {string} room_id
 * @property {string} officer of the command centre, who has it in charge, '' for none
 * @property {string} officer_id
 * @property {string} chair
 * @property {number} starts_at_us
 * @property {number} ends_at_us
 * @property {'planned' | 'open' | 'live' | 'recess' | 'closed' | 'cancelled'} status
 * @property {string} status_text
 * @property {string} stage_text
 * @property {number | null} stage_since_us
 * @property {'critical' | 'warning' | 'none'} trouble
 * @property {{state: 'off' | 'starting' | 'recording' | 'failed', text: string, seconds: number, at_us: number}} recording
 * @property {number} present
 * @property {number} expected
 * @property {boolean} counted false where it is over and nobody counts any more
 * @property {string} recording_path where its recording is, "" while there is none
 * @property {{family: string, icon: string, text: string, more: string}[]} seal whether that is sealed, signed, time-stamped
 * @property {number} waiting
 * @property {string[]} watchers
 * @property {boolean} observable
 * @property {string[]} centre what the command centre may do now
 * @property {string[] | null} named users who alone may watch; null where every officer may
 * @property {'up' | 'away'} media
 * @property {Task[]} tasks
 * @property {Glance[]} people
 * @property {Person[]} participants only where one sitting is shown
 */
/** @typedef {{seq: number, at_us: number, mark: string, text: string}} LogLine */
/** @typedef {{type: 'console', now_us: number, sittings: Situation[], alerts: Task[], rooms: {id: string, name: string}[]}} ConsoleMessage the whole; `alerts`: of the site */
/**
 * @typedef {object} ChangesMessage what changed since
 * @property {'changes'} type
 * @property {number} now_us
 * @property {Situation[]} sittings that are new or differ
 * @property {string[]} gone
 * @property {{id: string, name: string}[]} [rooms] where they differ
 * @property {Task[]} [alerts] where they differ
 */
/** @typedef {{type: 'log', lines: LogLine[]}} LogMessage */

const TROUBLE_ORDER = { critical: 0, warning: 1, none: 2 };
const STATUS_ORDER = { live: 0, recess: 1, open: 2, planned: 3, closed: 4, cancelled: 5 };

/** Trouble first, then what goes on, by time (`order` of dispatch/console/situation.py). @param {Situation} a @param {Situation} b */
function inOrder(a, b) {
  return TROUBLE_ORDER[a.trouble] - TROUBLE_ORDER[b.trouble] || STATUS_ORDER[a.status] - STATUS_ORDER[b.status]
    || a.starts_at_us - b.starts_at_us || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/** The board as the messages tell it. Knows no DOM. */
export class Board {
  /** @type {Map<string, Situation>} */
  #sittings = new Map();
  /** Trouble first. @type {Situation[]} */
  sittings = [];
  /** @type {{id: string, name: string}[]} */
  rooms = [];
  /** @type {Task[]} */
  alerts = [];

  /**
   * @param {ConsoleMessage | ChangesMessage} message
   * @returns {boolean} whether anything that is shown differs
   */
  take(message) {
    const { sittings, rooms, alerts } = message;
    const gone = message.type === 'changes' ? message.gone : [...this.#sittings.keys()];
    for (const id of gone) this.#sittings.delete(id);
    for (const sitting of sittings) this.#sittings.set(sitting.id, sitting);
    if (gone.length + sittings.length > 0) this.sittings = [...this.#sittings.values()].sort(inOrder);
    if (rooms) this.rooms = rooms;
    if (alerts) this.alerts = alerts;
    return gone.length + sittings.length > 0 || rooms !== undefined || alerts !== undefined;
  }
}
