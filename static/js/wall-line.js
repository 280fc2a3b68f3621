// What the server says of a wall (dispatch/web/console/wall_lines.py).

/** @typedef {{sitting: string, participant: string}} Source A sitting, or one participant of it. */
/** @typedef {{column: number, row: number, width: number, height: number}} Cells A window: its first cell, and how many it covers. */
/** @typedef {{columns: number, rows: number, windows: Cells[]}} Layout */
/** @typedef {{sources: Source[], windows: number[], dwell_s: number, paused: boolean}} Patrol */
/** @typedef {{layout: Layout, sources: (Source | null)[], patrol: Patrol | null, heard: number | null}} Arrangement */
/** @typedef {{id: string, name: string, role: string, presence: string, picture: boolean}} Somebody */
/**
 * @typedef {object} Told A sitting as a tile shows it.
 * @property {string} id
 * @property {string} kind
 * @property {string} title
 * @property {string} case_number
 * @property {string} room
 * @property {string} status
 * @property {string} stage_text
 * @property {'critical' | 'warning' | 'none'} trouble
 * @property {boolean} observable
 * @property {'up' | 'away'} media
 * @property {string} alarm what the trouble is, in words
 * @property {boolean} recorded
 * @property {boolean} going
 * @property {Somebody[]} people
 */
/**
 * @typedef {object} WallMessage
 * @property {'wall'} type
 * @property {string} build of the server's pages
 * @property {number | null} number of the screen, null for an officer's own wall
 * @property {string} name
 * @property {Arrangement} arrangement
 * @property {(Source | null)[]} shown what each window shows now, whosever turn it is
 * @property {boolean[]} on of the patrol's sources
 * @property {Record<string, string>} answers who put each sitting there
 * @property {Told[]} sittings
 */
/** @typedef {{number: number, name: string, lit: number, signed_in: boolean, waits: boolean}} Screen */
/** @typedef {{id: string, name: string, key: string}} Preset */
/** @typedef {{type: 'room', screens: Screen[], presets: Preset[]}} RoomMessage */
/** @typedef {{type: 'sources', sources: Told[]}} SourcesMessage */
/** @typedef {WallMessage | RoomMessage | SourcesMessage} Message */

export {};
