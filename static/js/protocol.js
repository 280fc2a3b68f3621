// @ts-check
/**
 * Speaks the protocol of a conference (docs/protocol.md) over one WebSocket that comes back by itself. Knows no DOM.
 *
 * The types below name every message of rooms/protocol/; tests/dispatch/web/test_protocol_types.py holds them against it.
 */

/** @typedef {'microphone' | 'camera' | 'screen'} Source */
/** @typedef {'absent' | 'waiting' | 'present' | 'lost' | 'left' | 'removed'} Presence */
/** @typedef {'waiting' | 'inside' | 'device_pending' | 'observing'} Place */

/**
 * @typedef {object} SourceView
 * @property {boolean} allowed
 * @property {boolean} on
 * @property {boolean} live
 * @property {boolean} muted_by_chair
 * @property {boolean} undecodable
 */
/** @typedef {'good' | 'fair' | 'poor' | 'bad'} Score */
/** @typedef {{score: Score | null, up: Score | null, down: Score | null, blocked: boolean, lost_percent: number | null, rtt_ms: number | null, received_bps: number | null, sent_bps: number | null}} NetworkView */
/** Texts by language. @typedef {Record<string, string>} Names */
/** @typedef {'bench' | 'left' | 'right' | 'middle'} Side */
/** @typedef {'mix' | 'original' | 'interpretation'} Channel */
/** @typedef {'for' | 'against' | 'abstain'} Choice */
/** @typedef {'network' | 'equipment' | 'power' | 'force_majeure' | 'left'} Cause */
/** @typedef {{cause: Cause, at_us: number}} DepartureView */
/** @typedef {{participant: string, text: string}} OpinionText */
/** @typedef {{due: string[], given: string[], mine: string, mine_final: boolean, opened: OpinionText[]}} OpinionsView */
/** @typedef {{participant: string, choice: Choice, dissent: string}} VoteView */
/** @typedef {{yes: number, no: number, abstain: number, votes: VoteView[]}} QuestionResult */
/** @typedef {{id: string, text: string, open: boolean, given: string[], mine: Choice | '', may_vote: boolean, result: QuestionResult | null}} QuestionView */
/** @typedef {{kind: 'deliberation' | 'consultation', id: string, members: string[], member: boolean, out: boolean, since_us: number}} PrivateView */
/** @typedef {{endpoint: string, name: string, office: string, reason: string, since_us: number, camera: boolean, you: boolean}} BreakInView */
/** @typedef {{endpoint: string, name: string, office: string, reason: string, since_us: number, to_all: boolean, participants: string[], answering: string[], called: boolean, recorded: boolean, you: boolean}} IntercomView */
/** @typedef {{members: string[], helpers: string[]}} TalkOffer */
/** @typedef {'present' | 'absent' | 'late' | ''} Roll */
/** @typedef {{result: 'confirmed' | 'refused', face: string | null, document: string | null, at_us: number}} IdentityView */
/** @typedef {{degree: 'prompt' | 'warning', reason: string, at_us: number}} AdmonitionView */
/** @typedef {{stage: string, names: Names, text: string, version: string}} ConsentDue */
/** @typedef {{participant: string, since_us: number}} FloorView */
/** @typedef {{side: Side, seconds: number, running: boolean}} SpeakingView */
/** @typedef {{name: string, names: Names, status: 'open' | 'live' | 'recess' | 'closed', recorded: boolean, private: boolean, pause: boolean, opinions: boolean, votes: boolean}} StageView */
/** @typedef {{names: Names, version: string}} ProcedureView */
/**
 * @typedef {object} ParticipantView
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {Presence} presence
 * @property {boolean} you
 * @property {string | null} endpoint
 * @property {boolean} consented
 * @property {Record<string, SourceView>} sources
 * @property {number | null} hand_at_us
 * @property {NetworkView | null} network
 * @property {Record<string, any> | null} device_check
 * @property {number | null} lost_at_us
 * @property {Side} side
 * @property {Roll} roll
 * @property {IdentityView | null} identity
 * @property {boolean} identity_missing
 * @property {boolean} held_back
 * @property {string[]} consents_missing
 * @property {ConsentDue[]} consents_due
 * @property {string[]} consents_given
 * @property {number} spoke_s
 * @property {number} prompts
 * @property {number} warnings
 * @property {AdmonitionView | null} admonition
 * @property {string | null} guards
 * @property {string[]} guarded_by
 * @property {boolean} out
 * @property {Channel | null} channel
 * @property {DepartureView | null} departure
 */
/**
 * @typedef {object} DeviceView
 * @property {string} endpoint
 * @property {string} participant
 * @property {string} device
 */
/**
 * @typedef {object} RoomView
 * @property {string} endpoint
 * @property {string} name
 * @property {string[]} people
 * @property {string[]} coming
 * @property {string | null} voice
 * @property {number | null} voice_at_us
 */
/**
 * @typedef {object} RecordingView
 * @property {'off' | 'starting' | 'recording' | 'failed'} state
 * @property {number} seconds
 * @property {number} at_us
 * @property {string} cause
 * @property {number} interruptions
 */
/**
 * @typedef {object} AlertView
 * @property {string} id
 * @property {string} code
 * @property {'info' | 'warning' | 'critical'} severity
 * @property {Record<string, string>} data
 * @property {number} raised_at_us
 * @property {string | null} acknowledged_by
 */
/**
 * @typedef {object} MessageView
 * @property {string} id
 * @property {number} at_us
 * @property {string} sender
 * @property {string | null} role
 * @property {boolean} you
 * @property {'all' | 'chair' | 'clerk' | 'people'} to
 * @property {string[]} to_names
 * @property {string} text
 * @property {boolean} notice
 */
/**
 * @typedef {object} SittingView
 * @property {string} id
 * @property {string} kind
 * @property {string} title
 * @property {string} case_number
 * @property {string} court
 * @property {string} stage
 * @property {number} stage_since_us
 * @property {number} starts_at_us
 * @property {number} ends_at_us
 * @property {Record<string, any> | null} next_booking
 * @property {Array<Record<string, any>>} next_stages
 * @property {string} reason
 * @property {string} called_from
 * @property {boolean} locked
 * @property {StageView[]} stages
 * @property {ProcedureView} procedure
 * @property {FloorView | null} floor
 * @property {SpeakingView[]} speaking
 * @property {boolean} recordable
 * @property {boolean} recording_wanted
 */
/**
 * @typedef {object} RightsView
 * @property {boolean} speak
 * @property {boolean} see
 * @property {boolean} publish
 * @property {boolean} admit
 * @property {boolean} record
 * @property {boolean} leave
 * @property {boolean} direct
 * @property {boolean} speak_in_turn
 * @property {boolean} publish_in_turn
 */
/**
 * @typedef {object} View
 * @property {Place} place
 * @property {SittingView} sitting
 * @property {RightsView} rights
 * @property {ParticipantView[]} participants
 * @property {DeviceView[]} devices
 * @property {RoomView[]} rooms
 * @property {RecordingView} recording
 * @property {number} watching
 * @property {string[]} watchers
 * @property {BreakInView | null} break_in
 * @property {IntercomView | null} intercom
 * @property {AlertView[]} alerts
 * @property {MessageView[]} messages
 * @property {number} max_height
 * @property {number} max_video_bps
 * @property {'up' | 'away'} media
 * @property {PrivateView | null} private
 * @property {PrivateView[]} consults
 * @property {TalkOffer[]} talks
 * @property {Channel} listening
 * @property {string[]} interpreters
 * @property {OpinionsView | null} opinions
 * @property {QuestionView[]} questions
 */

/** @typedef {{type: 'welcome', number: number, endpoint: string, keep_publish: boolean, keep_subscribe: boolean, heartbeat_s: number, now_us: number, ice: Ice}} Welcome */
/** @typedef {{urls: string[], username: string, credential: string}} IceServer */
/** @typedef {{servers: IceServer[], policy: 'all' | 'relay'}} Ice */
/** @typedef {{type: 'state', number: number, now_us: number, view: View}} State */
/** @typedef {{type: 'published', number: number, transport: string, sdp: string}} PublishedAnswer */
/** @typedef {{mid: string, endpoint: string, source: string}} OfferTrack */
/** @typedef {{type: 'offer', number: number, transport: string, revision: number, sdp: string, tracks: OfferTrack[]}} SubscribeOffer */
/** @typedef {{type: 'demand', number: number, source: Source, wanted: boolean, rids: string[]}} Demand */
/** @typedef {{type: 'downlink', number: number, state: 'full' | 'smaller' | 'slower' | 'audio', estimate_bps: number}} Downlink */
/** @typedef {{type: 'speaker', number: number, endpoint: string | null}} Speaker */
/** @typedef {{type: 'media_reset', number: number}} MediaReset */
/** @typedef {{type: 'heartbeat', number: number, now_us: number}} Heartbeat */
/** @typedef {{type: 'error', number: number, ref: number | null, code: string, message: string, field: string | null}} ServerError */
/** @typedef {{type: 'farewell', number: number, code: number, reason: string, detail: string}} Farewell */
/** @typedef {Welcome | State | PublishedAnswer | SubscribeOffer | Demand | Downlink | Speaker | MediaReset | Heartbeat | ServerError | Farewell} ServerMessage */

/** @typedef {{type: 'hello', publish?: string | null, subscribe?: string | null, language?: 'zh-CN' | 'en'}} Hello */
/** @typedef {{mid: string, source: Source}} TrackOffered */
/** @typedef {{type: 'publish', sdp: string, tracks: TrackOffered[]}} Publish */
/** @typedef {{type: 'subscribe', restart?: string}} Subscribe */
/** @typedef {{type: 'answer', transport: string, revision: number, sdp: string}} Answer */
/** @typedef {{endpoint: string, source: Source, height: number}} Shown */
/** @typedef {{type: 'show', pictures: Shown[]}} Show */
/** @typedef {{type: 'source', source: Source, on: boolean}} SetSource */
/** @typedef {{lost_percent: number, sound_lost_percent: number | null, jitter_ms: number, rtt_ms: number | null, bps: number, width: number, height: number, frames_per_s: number | null, freezes: number, frozen_ms: number, limited: string, codec: string, candidate: string, protocol: string}} Direction */
/** @typedef {{type: 'quality', up: Direction | null, down: Direction | null, rtt_ms?: number, lost_percent?: number, received_bps?: number, sent_bps?: number}} Quality */
/** @typedef {{type: 'leave'}} Leave */
/** @typedef {{type: 'admit', participants: string[]}} Admit */
/** @typedef {{type: 'to_waiting', participant: string}} ReturnToWaiting */
/** @typedef {{type: 'admit_device', endpoint: string, accept: boolean}} AdmitDevice */
/** @typedef {{type: 'mute', participant: string, source: Source}} Mute */
/** @typedef {{type: 'allow', participant: string, source: Source}} Allow */
/** @typedef {{type: 'mute_all'}} MuteAll */
/** @typedef {{type: 'remove', participant: string, reason: string}} Remove */
/** @typedef {{type: 'readmit', participant: string}} Readmit */
/** @typedef {{type: 'stage', to: string, reason?: string}} ChangeStage */
/** @typedef {{type: 'hand', up: boolean}} RaiseHand */
/** @typedef {{type: 'lower_hand', participant: string}} LowerHand */
/** @typedef {{type: 'write', to: 'all' | 'chair' | 'clerk' | 'people', participants?: string[], text: string}} Write */
/** @typedef {{type: 'lock', on: boolean}} Lock */
/** @typedef {{type: 'seat', participant: string, endpoint: string}} Seat */
/** @typedef {{type: 'unseat', participant: string}} Unseat */
/** @typedef {{type: 'voice', participant: string | null, endpoint?: string | null}} Voice */
/** @typedef {{type: 'acknowledge', alert: string}} AcknowledgeAlert */
/** @typedef {{type: 'give_floor', participant: string}} GiveFloor */
/** @typedef {{type: 'take_floor'}} TakeFloor */
/** @typedef {{type: 'yield_floor'}} YieldFloor */
/** @typedef {{type: 'roll', participant: string, answer: Roll}} CallRoll */
/** @typedef {{type: 'identify', participant: string, result: 'confirmed' | 'refused', face: string | null, document: string | null, note: string}} Identify */
/** @typedef {{type: 'consent', stages: string[], agree: boolean, participant?: string | null}} ConsentToStages */
/** @typedef {{type: 'warn', participant: string, degree: 'prompt' | 'warning', reason: string}} Warn */
/** @typedef {{type: 'record', on: boolean}} RecordWish */
/** @typedef {{type: 'consult', participants: string[]}} Consult */
/** @typedef {{type: 'end_consult', consult: string}} EndConsult */
/** @typedef {{type: 'answer_centre', on: boolean}} AnswerCentre */
/** @typedef {{type: 'step', out: boolean}} Step */
/** @typedef {{type: 'listen', to: Channel}} Listen */
/** @typedef {{type: 'opinion', text: string, final: boolean}} GiveOpinion */
/** @typedef {{type: 'put_question', text: string}} PutQuestion */
/** @typedef {{type: 'vote', question: string, choice: Choice, dissent?: string}} CastVote */
/** @typedef {{type: 'close_question', question: string}} CloseQuestion */
/** @typedef {{type: 'classify', participant: string, cause: Cause, note?: string}} Classify */
/** @typedef {Hello | Publish | Subscribe | Answer | Show | SetSource | Quality | Leave | Admit | ReturnToWaiting | AdmitDevice | Mute | Allow | MuteAll | Remove | Readmit | ChangeStage | RaiseHand | LowerHand | Write | Lock | Seat | Unseat | Voice | AcknowledgeAlert | GiveFloor | TakeFloor | YieldFloor | CallRoll | Identify | ConsentToStages | Warn | RecordWish | Consult | EndConsult | AnswerCentre | Step | Listen | GiveOpinion | PutQuestion | CastVote | CloseQuestion | Classify} BrowserMessage */

/** What the connection is doing: `ended` is final, everything else comes back by itself. */
/** @typedef {'idle' | 'connecting' | 'open' | 'broken' | 'ended'} Link */

/**
 * @typedef {object} Events
 * @property {Link} link
 * @property {Welcome} welcome
 * @property {State} state
 * @property {PublishedAnswer} published
 * @property {SubscribeOffer} offer
 * @property {Demand} demand
 * @property {Downlink} downlink
 * @property {Speaker} speaker
 * @property {MediaReset} media_reset
 * @property {ServerError} error
 * @property {Farewell} farewell
 */

const SUBPROTOCOL = 'sitting.v1';

/** WebSocket close codes of rooms/protocol/, CloseCode. */
export const CloseCode = Object.freeze({
  MALFORMED: 4400,
  UNAUTHORISED: 4401,
  FORBIDDEN: 4403,
  NOT_FOUND: 4404,
  REPLACED: 4409,
  REMOVED: 4410,
  CLOSED: 4411,
  OVERSIZED: 4413,
  SLOW: 4429,
  RESTARTING: 4503,
});

/** After these the server would only say the same again. */
const FINAL = new Set([4400, 4401, 4403, 4404, 4409, 4410, 4411, 4413]);

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 1_000;
/**
 * A try that no answer comes to is given up after so many times what the last good one took, within these limits: the system waits longer
 * and longer before it knocks again, so that on a network that was away another try comes through sooner.
 */
const CONNECT_TIMES = 8;
const CONNECT_LIMITS_MS = /** @type {const} */ ([2_000, 8_000]);
/** Heartbeats that may be missed before the path counts as dead. */
const MISSED_HEARTBEATS = 3;

/** A conference's connection. Emits the events of {@link Events}; listen with {@link Connection.on}. */
export class Connection {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Link} */
  #link = 'idle';
  #retry_ms = FIRST_RETRY_MS;
  #refs = 0;
  #heartbeat_ms = 3_000;
  /** How long the last try took that came through. */
  #took_ms = Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** @type {Farewell | null} */
  #farewell = null;
  /** Server time minus `performance.now()`, in ms. */
  #offset_ms = Date.now() - performance.now();
  #target = new EventTarget();
  /** How connections are to be made, as of the newest welcome. @type {Ice | null} */
  ice = null;

  /**
   * @param {string} url of the WebSocket, ws: or wss:
   * @param {() => Omit<Hello, 'type'>} hello names what the page still holds, asked at each (re)connection
   */
  constructor(url, hello) {
    this.url = url;
    this.hello = hello;
  }

  get link() {
    return this.#link;
  }

  /** The server's clock, in ms since the epoch. Not the computer's, which may be wrong or be set. */
  now() {
    return performance.now() + this.#offset_ms;
  }

  /**
   * @template {keyof Events} K
   * @param {K} name
   * @param {(message: Events[K]) => void} listener
   */
  on(name, listener) {
    this.#target.addEventListener(name, (event) => listener(/** @type {CustomEvent<Events[K]>} */ (event).detail));
  }

  /** Connect, and stay connected until {@link close} or a final close code. */
  open() {
    if (this.#link !== 'idle') return;
    this.#connect();
  }

  /** Try again now instead of at the end of the back-off (the network came back, the person pressed a button). */
  retry() {
    if (this.#link !== 'broken') return;
    clearTimeout(this.#again);
    this.#connect();
  }

  /** End for good. Idempotent; no event follows. */
  close() {
    clearTimeout(this.#again);
    clearTimeout(this.#watch);
    this.#link = 'ended';
    const socket = this.#socket;
    this.#socket = null;
    if (socket) silence(socket).close(1000);
  }

  /**
   * Send a message. Nothing is kept for later: what is sent while the link is broken would be said into another state.
   * @param {BrowserMessage | import('./procedure.js').ProcedureMessage} message
   * @returns {number} the `ref` that an error for it carries, or 0 when there is no connection
   */
  send(message) {
    if (this.#link !== 'open' || this.#socket === null) return 0;
    const ref = ++this.#refs;
    this.#socket.send(JSON.stringify({ ...message, ref }));
    return ref;
  }

  #connect() {
    this.#change('connecting');
    const socket = new WebSocket(this.url, [SUBPROTOCOL]);
    this.#socket = socket;
    const began_ms = performance.now();
    this.#alive(Math.min(CONNECT_LIMITS_MS[1], Math.max(CONNECT_LIMITS_MS[0], this.#took_ms * CONNECT_TIMES)));
    socket.onopen = () => {
      this.#took_ms = performance.now() - began_ms;
      this.#alive(CONNECT_LIMITS_MS[1]);
      socket.send(JSON.stringify({ type: 'hello', ...this.hello() }));
    };
    socket.onmessage = (event) => this.#receive(/** @type {ServerMessage} */ (JSON.parse(event.data)));
    socket.onclose = (event) => this.#closed(event.code);
  }

  /**
   * @param {ServerMessage} message
   */
  #receive(message) {
    this.#alive(this.#heartbeat_ms * MISSED_HEARTBEATS);
    if ('now_us' in message) this.#offset_ms = message.now_us / 1000 - performance.now();
    switch (message.type) {
      case 'heartbeat':
        return;
      case 'welcome':
        this.#heartbeat_ms = message.heartbeat_s * 1000;
        this.#retry_ms = FIRST_RETRY_MS;
        this.#alive(this.#heartbeat_ms * MISSED_HEARTBEATS);
        this.#link = 'open';
        this.ice = message.ice;
        this.#emit('welcome', message);
        this.#emit('link', 'open');
        return;
      case 'farewell':
        this.#farewell = message;
        return;
      default:
        this.#emit(message.type, /** @type {any} */ (message));
    }
  }

  /**
   * @param {number} code
   */
  #closed(code) {
    clearTimeout(this.#watch);
    this.#socket = null;
    const farewell = this.#farewell;
    this.#farewell = null;
    if (FINAL.has(code) || (farewell !== null && FINAL.has(farewell.code))) {
      this.#change('ended');
      this.#emit('farewell', farewell ?? { type: 'farewell', number: 0, code, reason: '', detail: '' });
      return;
    }
    this.#change('broken');
    const wait_ms = this.#retry_ms * (0.75 + Math.random() / 2);
    this.#retry_ms = Math.min(this.#retry_ms * 2, LONGEST_RETRY_MS);
    this.#again = setTimeout(() => this.#connect(), wait_ms);
  }

  /**
   * The other side was heard; when it is not heard again within `limit_ms`, the path is dead and a new one is made.
   * @param {number} limit_ms
   */
  #alive(limit_ms) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const socket = this.#socket;
      // The close handshake of a dead path takes a minute: do not wait for it.
      if (socket) silence(socket).close();
      this.#closed(1006);
    }, limit_ms);
  }

  /** @param {Link} link */
  #change(link) {
    if (this.#link === link) return;
    this.#link = link;
    this.#emit('link', link);
  }

  /**
   * @template {keyof Events} K
   * @param {K} name
   * @param {Events[K]} detail
   */
  #emit(name, detail) {
    this.#target.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/**
 * Take the handlers off a socket that is given up.
 * @param {WebSocket} socket
 */
function silence(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
  return socket;
}
