"""Every message between a browser and a conference, one frozen type each. The document is docs/protocol.md.

JSON text frames over ``/ws/sittings/{id}``, one object each with its `type`. What the browser sends may carry `ref`,
a number that comes back in the error for that message, so that a page can show it at the right button. The server
counts what it sends to one connection in `number`, from 1 without gaps.

A connection begins with the browser's `hello` and the server's `welcome`; then the server sends a complete `state` for
that viewer, and again whenever anything the viewer may see has changed. A state is never a difference: nothing is
replayed after a reconnection, so gaps and former rights leak nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rooms.media.engine import Source

MAX_MESSAGE_BYTES = 65_536
"""Longest text frame taken from a browser (an SDP of a 12-person conference is below 40 kB)."""

SUBPROTOCOL = "sitting.v1"

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Sdp = Annotated[str, Field(min_length=1, max_length=60_000)]
Reason = Annotated[str, Field(max_length=500)]


class CloseCode:
    """WebSocket close codes of this protocol (RFC 6455 section 7.4.2, private range)."""

    MALFORMED = 4400
    """not JSON, not a known message, or out of order (anything before `hello`)"""
    UNAUTHORISED = 4401
    """no valid ticket"""
    FORBIDDEN = 4403
    """the ticket does not open this sitting, or not this stage of it"""
    NOT_FOUND = 4404
    """no such sitting, or it is not open yet"""
    REPLACED = 4409
    """the same participant now sits at another device"""
    REMOVED = 4410
    """removed by the chair, or the link was revoked"""
    CLOSED = 4411
    """the sitting is closed"""
    OVERSIZED = 4413
    SLOW = 4429
    """the browser did not take its messages, or sent too many"""
    RESTARTING = 4503
    """the server goes; come back at once"""


class Message(BaseModel):
    """Base of all messages: frozen, unknown fields refused, and no number that JSON has no word for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class FromBrowser(Message):
    """Base of what a browser sends."""

    ref: int | None = None


# -------------------------------------------------------------------------------------------- browser → server


class Hello(FromBrowser):
    """First message. `publish` and `subscribe` name the transports the page still holds from before a reconnection, so
    that media which flowed on is kept; `language` is the page's."""

    type: Literal["hello"] = "hello"
    publish: Id | None = None
    subscribe: Id | None = None
    language: Literal["zh-CN", "en"] = "zh-CN"


class TrackOffered(Message):
    """One m-line of a publish offer."""

    mid: Annotated[str, Field(min_length=1, max_length=16)]
    source: Annotated[Source, Field(strict=False)]


class Publish(FromBrowser):
    """SDP offer of the publish connection; one with another ICE user fragment restarts ICE. Answered by `published`."""

    type: Literal["publish"] = "publish"
    sdp: Sdp
    tracks: Annotated[tuple[TrackOffered, ...], Field(max_length=3, strict=False)]


class Subscribe(FromBrowser):
    """Ask for a fresh subscribe connection or, where `restart` names the transport of the one that is held, for new ICE credentials
    of it: the network changed. Answered by `offer`."""

    type: Literal["subscribe"] = "subscribe"
    restart: Id | None = None


class Answer(FromBrowser):
    """SDP answer to an `offer`."""

    type: Literal["answer"] = "answer"
    transport: Id
    revision: int
    sdp: Sdp


class Shown(Message):
    """One picture on a page and how high it is there, in device pixels; 0: nobody looks at it."""

    endpoint: Id
    source: Annotated[Source, Field(strict=False)]
    height: Annotated[int, Field(ge=0, le=8192)]


class Show(FromBrowser):
    """What the page shows of the pictures of others, in place of what it said before. A picture that it does not name comes at its
    full size."""

    type: Literal["show"] = "show"
    pictures: Annotated[tuple[Shown, ...], Field(max_length=64, strict=False)]


class SetSource(FromBrowser):
    """Switch one's own microphone, camera or screen on or off."""

    type: Literal["source"] = "source"
    source: Annotated[Source, Field(strict=False)]
    on: bool


class Direction(Message):
    """One direction between a page and the court since the page's last report. `lost_percent` of all packets, `sound_lost_percent` of
    those of sound; `width` and `height` of its largest picture, `codec` of that ("VP8") or of the sound; `frames_per_s` of its largest
    camera picture; `freezes` and `frozen_ms`: how often and how long pictures stood still; `limited`: why less is sent than was asked
    for; `candidate` the type of the page's end of the path (RFC 8445 section 4), `protocol` how it is carried. "" and 0 where there
    is none, null where it is not measured."""

    lost_percent: Annotated[float, Field(ge=0, le=100, strict=False)]
    sound_lost_percent: Annotated[float, Field(ge=0, le=100, strict=False)] | None = None
    jitter_ms: Annotated[float, Field(ge=0, le=60_000, strict=False)]
    rtt_ms: Annotated[float, Field(ge=0, le=60_000, strict=False)] | None
    bps: Annotated[float, Field(ge=0, le=1e10, strict=False)]
    width: Annotated[int, Field(ge=0, le=8192)] = 0
    height: Annotated[int, Field(ge=0, le=8192)]
    frames_per_s: Annotated[float, Field(ge=0, le=1000, strict=False)] | None
    freezes: Annotated[int, Field(ge=0, le=10_000)]
    frozen_ms: Annotated[float, Field(ge=0, le=60_000, strict=False)] = 0.0
    limited: Literal["", "bandwidth", "cpu", "other"] = ""
    codec: Annotated[str, Field(max_length=16, pattern=r"^[A-Za-z0-9-]*$")]
    candidate: Literal["", "host", "srflx", "prflx", "relay"]
    protocol: Literal["", "udp", "tcp", "tls"]


class Quality(FromBrowser):
    """What the page measures, each 5 s, of its own connections and of nobody else's; kept for chair, clerk and officer, never logged.
    `up`: from the page to the court, `down`: to the page; null while that connection is not there. The other fields are those of
    pages of an earlier version, which may be open while the server is upgraded; they are not used."""

    type: Literal["quality"] = "quality"
    up: Direction | None = None
    down: Direction | None = None
    rtt_ms: float | None = None
    lost_percent: float | None = None
    received_bps: float | None = None
    sent_bps: float | None = None


class Leave(FromBrowser):
    """Leave of one's own will; the link brings one back until the sitting closes."""

    type: Literal["leave"] = "leave"


class Admit(FromBrowser):
    """Chair or clerk: let these waiting participants in; an empty list means all who wait."""

    type: Literal["admit"] = "admit"
    participants: Annotated[tuple[Id, ...], Field(max_length=64, strict=False)] = ()


class ReturnToWaiting(FromBrowser):
    """Chair or clerk: send a participant back to the waiting room."""

    type: Literal["to_waiting"] = "to_waiting"
    participant: Id


class AdmitDevice(FromBrowser):
    """Chair or clerk: the participant goes on at the other device, which replaces the first; or refuse it."""

    type: Literal["admit_device"] = "admit_device"
    endpoint: Id
    accept: bool


class Mute(FromBrowser):
    """Chair or clerk: close a participant's microphone or camera in the router; he cannot open it himself."""

    type: Literal["mute"] = "mute"
    participant: Id
    source: Annotated[Source, Field(strict=False)]


class Allow(FromBrowser):
    """Chair or clerk: take a mute back. The participant then opens the source himself."""

    type: Literal["allow"] = "allow"
    participant: Id
    source: Annotated[Source, Field(strict=False)]


class MuteAll(FromBrowser):
    """Chair or clerk: close the microphones of all but the bench."""

    type: Literal["mute_all"] = "mute_all"


class Remove(FromBrowser):
    """Chair: put a participant out of the sitting, with the reason that goes into the log."""

    type: Literal["remove"] = "remove"
    participant: Id
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Readmit(FromBrowser):
    """Chair: take a removal back; the participant returns to the waiting room."""

    type: Literal["readmit"] = "readmit"
    participant: Id


class ChangeStage(FromBrowser):
    """Chair: open the hearing, call a recess, resume, close. `to` is a stage of the procedure."""

    type: Literal["stage"] = "stage"
    to: Id
    reason: Reason = ""


class RaiseHand(FromBrowser):
    """Raise or lower one's own hand: a wish to speak, seen by all, in the order in which hands went up."""

    type: Literal["hand"] = "hand"
    up: bool


class LowerHand(FromBrowser):
    """Chair or clerk: a participant's hand is lowered, the wish was heard."""

    type: Literal["lower_hand"] = "lower_hand"
    participant: Id


class Write(FromBrowser):
    """A written message: to `all` inside, to the `chair`, to the `clerk` (also from the waiting room), or, by chair or clerk,
    to the `people` named. Kept in the log with those who could read it."""

    type: Literal["write"] = "write"
    to: Literal["all", "chair", "clerk", "people"]
    participants: Annotated[tuple[Id, ...], Field(max_length=64, strict=False)] = ()
    text: Annotated[str, Field(min_length=1, max_length=1000)]


class Lock(FromBrowser):
    """Chair or clerk: nobody more is let in while it is on; who is inside or whose connection broke is not concerned."""

    type: Literal["lock"] = "lock"
    on: bool


class Seat(FromBrowser):
    """Chair or clerk: the participant, who has consented, sits at this room's device with the others, and is let in with them."""

    type: Literal["seat"] = "seat"
    participant: Id
    endpoint: Id


class Unseat(FromBrowser):
    """The participant does not sit at the room's device any more: said by chair or clerk, or at that device."""

    type: Literal["unseat"] = "unseat"
    participant: Id


class Voice(FromBrowser):
    """Whose voice comes from a room's device now, for the record; null: nobody's in particular. Said by chair or clerk, or at
    that device (`endpoint` null)."""

    type: Literal["voice"] = "voice"
    participant: Id | None
    endpoint: Id | None = None


class GiveFloor(FromBrowser):
    """Chair: this participant has the floor; his hand goes down, and a mute of his microphone is taken back."""

    type: Literal["give_floor"] = "give_floor"
    participant: Id


class TakeFloor(FromBrowser):
    """Chair: nobody has the floor."""

    type: Literal["take_floor"] = "take_floor"


class YieldFloor(FromBrowser):
    """Whoever has the floor has finished."""

    type: Literal["yield_floor"] = "yield_floor"


class CallRoll(FromBrowser):
    """Chair or clerk: what was noted for a participant at roll-call; "" takes it back."""

    type: Literal["roll"] = "roll"
    participant: Id
    answer: Literal["present", "absent", "late", ""]


class Identify(FromBrowser):
    """Chair or clerk: what a look at face and document showed. `face`, `document`: a still of each (``POST /sittings/{id}/stills``), or
    null; without both, and for a refusal, `note` says why."""

    type: Literal["identify"] = "identify"
    participant: Id
    result: Literal["confirmed", "refused"]
    face: Id | None = None
    document: Id | None = None
    note: Reason = ""


class ConsentToStages(FromBrowser):
    """The participant consents to these stages' being held online, or takes his consent back. `participant`: who, where several sit at
    the device."""

    type: Literal["consent"] = "consent"
    stages: Annotated[tuple[Id, ...], Field(min_length=1, max_length=40, strict=False)]
    agree: bool
    participant: Id | None = None


class Warn(FromBrowser):
    """Chair: a participant is prompted or warned, with the reason that he sees and that goes into the log."""

    type: Literal["warn"] = "warn"
    participant: Id
    degree: Literal["prompt", "warning"]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class RecordWish(FromBrowser):
    """Whoever may run the recording: record what the procedure leaves to him, or do not."""

    type: Literal["record"] = "record"
    on: bool


class Consult(FromBrowser):
    """Chair: let these participants talk among themselves, unheard and unrecorded: a lawyer and his client."""

    type: Literal["consult"] = "consult"
    participants: Annotated[tuple[Id, ...], Field(min_length=2, max_length=16, strict=False)]


class EndConsult(FromBrowser):
    """A member, or the chair: the talk is over and its members are in the main room again, with everything switched off."""

    type: Literal["end_consult"] = "end_consult"
    consult: Id


class Step(FromBrowser):
    """Step out of a consultation or of a private stage, or into it again."""

    type: Literal["step"] = "step"
    out: bool


class Listen(FromBrowser):
    """What one wants to hear: everybody, everybody but the interpreters, or the interpreters."""

    type: Literal["listen"] = "listen"
    to: Literal["mix", "original", "interpretation"]


class GiveOpinion(FromBrowser):
    """A member of a closed phase: what he thinks, sealed until all have given theirs. Not `final`: he goes on writing."""

    type: Literal["opinion"] = "opinion"
    text: Annotated[str, Field(min_length=1, max_length=5000)]
    final: bool


class PutQuestion(FromBrowser):
    """Chair: the members vote on this."""

    type: Literal["put_question"] = "put_question"
    text: Annotated[str, Field(min_length=1, max_length=1000)]


class CastVote(FromBrowser):
    """A member: his one vote, and the dissent that he wants to have noted."""

    type: Literal["vote"] = "vote"
    question: Id
    choice: Literal["for", "against", "abstain"]
    dissent: Annotated[str, Field(max_length=2000)] = ""


class CloseQuestion(FromBrowser):
    """Chair: everybody has voted, and it is counted."""

    type: Literal["close_question"] = "close_question"
    question: Id


class Classify(FromBrowser):
    """Chair or clerk: why somebody is not there. Only `left` is not excused."""

    type: Literal["classify"] = "classify"
    participant: Id
    cause: Literal["network", "equipment", "power", "force_majeure", "left"]
    note: Reason = ""


class AcknowledgeAlert(FromBrowser):
    """Chair, clerk or officer: I have seen it."""

    type: Literal["acknowledge"] = "acknowledge"
    alert: Id


BrowserMessage = (
    Hello
    | Publish
    | Subscribe
    | Answer
    | Show
    | SetSource
    | Quality
    | Leave
    | Admit
    | ReturnToWaiting
    | AdmitDevice
    | Mute
    | Allow
    | MuteAll
    | Remove
    | Readmit
    | ChangeStage
    | RaiseHand
    | LowerHand
    | Write
    | Lock
    | Seat
    | Unseat
    | Voice
    | GiveFloor
    | TakeFloor
    | YieldFloor
    | CallRoll
    | Identify
    | ConsentToStages
    | Warn
    | RecordWish
    | Consult
    | EndConsult
    | Step
    | Listen
    | GiveOpinion
    | PutQuestion
    | CastVote
    | CloseQuestion
    | Classify
    | AcknowledgeAlert
)


# -------------------------------------------------------------------------------------------- server → browser


class SourceView(Message):
    """One source as a viewer sees it. `allowed`: the procedure and the chair permit it; `on`: its owner opened it;
    `live`: packets may pass right now (allowed, on and published); `undecodable`: the viewer's browser cannot show it."""

    allowed: bool
    on: bool
    live: bool
    muted_by_chair: bool
    undecodable: bool = False


Graded = Literal["good", "fair", "poor", "bad"]


class NetworkView(Message):
    """How good a participant's connection is, by the rule of :mod:`rooms.scores`: `up` to the court, `down` from it, `score` the worse of
    both; null: not measured. `blocked`: nothing gets through in one of them. The figures, the worse of both directions, are for chair,
    clerk and officers only."""

    score: Graded | None = None
    up: Graded | None = None
    down: Graded | None = None
    blocked: bool = False
    lost_percent: float | None = None
    rtt_ms: float | None = None
    received_bps: float | None = None
    sent_bps: float | None = None


class IdentityView(Message):
    """What a look at face and document showed, with a still of each (``GET /sittings/{id}/stills/{still}``) or null."""

    result: Literal["confirmed", "refused"]
    face: Id | None
    document: Id | None
    at_us: int


class AdmonitionView(Message):
    """The newest prompt or warning of a participant."""

    degree: Literal["prompt", "warning"]
    reason: str
    at_us: int


class ConsentDue(Message):
    """A stage that needs the viewer's consent: its names by language, and the words of this version to which he consents."""

    stage: str
    names: dict[str, str]
    text: str
    version: str


class FloorView(Message):
    """Who has the floor, since when."""

    participant: Id
    since_us: int


class SpeakingView(Message):
    """How long a side has had the floor. While `running`, `seconds` are those up to when the floor was given; the page counts on."""

    side: Literal["bench", "left", "right", "middle"]
    seconds: float
    running: bool


class StageView(Message):
    """A stage of the procedure, with its names by language."""

    name: str
    names: dict[str, str]
    status: Literal["open", "live", "recess", "closed"]
    recorded: bool
    private: bool
    pause: bool
    opinions: bool
    votes: bool


class ProcedureView(Message):
    """By which version of which procedure the sitting is held; names by language."""

    names: dict[str, str]
    version: str


class DepartureView(Message):
    """Why a participant was not there, as chair or clerk said last."""

    cause: str
    at_us: int


class ParticipantView(Message):
    """One participant. `presence`: absent (never came), waiting, present, lost (connection broke, place kept), left,
    removed. `you` marks the viewer's own. The device check is for chair, clerk and officers only, and so is another one's network;
    roll, identity, missing consents, prompts and warnings are for chair, clerk and himself. `spoke_s`: how long he had the floor before he
    has it now."""

    id: Id
    name: str
    role: str
    presence: Literal["absent", "waiting", "present", "lost", "left", "removed"]
    you: bool
    endpoint: Id | None
    consented: bool
    sources: dict[str, SourceView]
    hand_at_us: int | None = None
    network: NetworkView | None = None
    device_check: dict[str, Any] | None = None
    lost_at_us: int | None = None
    side: Literal["bench", "left", "right", "middle"] = "middle"
    roll: Literal["present", "absent", "late", ""] = ""
    identity: IdentityView | None = None
    consents_missing: tuple[str, ...] = ()
    consents_due: tuple[ConsentDue, ...] = ()
    consents_given: tuple[str, ...] = ()
    spoke_s: float = 0.0
    prompts: int = 0
    warnings: int = 0
    admonition: AdmonitionView | None = None
    guards: Id | None = None
    guarded_by: tuple[Id, ...] = ()
    out: bool = False
    channel: Literal["mix", "original", "interpretation"] | None = None
    departure: DepartureView | None = None


class DeviceView(Message):
    """A second device that asks to replace the first of a participant (chair and clerk only)."""

    endpoint: Id
    participant: Id
    device: str


class RoomView(Message):
    """A room's device with several people. `people`: who sits there; `coming`: who sat down and waits to be let in (chair, clerk,
    officers and that device only); `voice`: who of them speaks, since `voice_at_us`, as somebody has marked."""

    endpoint: Id
    name: str
    people: tuple[Id, ...]
    coming: tuple[Id, ...]
    voice: Id | None
    voice_at_us: int | None


class RecordingView(Message):
    """`state`: off (not due), starting, recording, failed (due, but not on disk). `seconds` recorded up to `at_us`."""

    state: Literal["off", "starting", "recording", "failed"]
    seconds: float
    at_us: int
    cause: str = ""


class AlertView(Message):
    """An alert: `code` is a word of the catalogue ("recording_failed", "participant_lost", ...), `data` fills its text."""

    id: Id
    code: str
    severity: Literal["info", "warning", "critical"]
    data: dict[str, str]
    raised_at_us: int
    acknowledged_by: str | None = None


class MessageView(Message):
    """A written message that the viewer may read. `sender`: name; `role` of a participant, null for the command centre and for
    several people of different roles; `to_names` where it was for people named; `notice`: of the command centre, shown above
    everything else."""

    id: Id
    at_us: int
    sender: str
    role: str | None
    you: bool
    to: Literal["all", "chair", "clerk", "people"]
    to_names: tuple[str, ...]
    text: str
    notice: bool


class SittingView(Message):
    """The sitting as all may see it. `next_stages`: what the viewer may do next, each with what is still missing."""

    id: Id
    kind: str
    title: str
    case_number: str
    court: str
    stage: str
    stage_since_us: int
    starts_at_us: int
    ends_at_us: int
    next_booking: dict[str, Any] | None
    next_stages: tuple[dict[str, Any], ...]
    reason: str
    locked: bool
    stages: tuple[StageView, ...]
    procedure: ProcedureView
    floor: FloorView | None
    speaking: tuple[SpeakingView, ...]
    recordable: bool
    recording_wanted: bool


class RightsView(Message):
    """What the viewer may do now, after DOMAIN.md section 3: S V P A R L."""

    speak: bool
    see: bool
    publish: bool
    admit: bool
    record: bool
    leave: bool
    direct: bool
    """may change the stage, remove, mute: the chair"""
    speak_in_turn: bool
    publish_in_turn: bool
    """only while having the floor"""


class PrivateView(Message):
    """A private phase. `members`: for a member, and of a consultation for chair and clerk; else nobody is named. `member`: the viewer
    is one; `out`: and has stepped out of it. `id`: for `end_consult`, else ""."""

    kind: Literal["deliberation", "consultation"]
    id: str
    members: tuple[Id, ...]
    member: bool
    out: bool
    since_us: int


class OpinionText(Message):
    """An opinion that was opened."""

    participant: Id
    text: str


class OpinionsView(Message):
    """Written opinions. `due`: of whom one is awaited; `given`: whose is final; both for members and who leads. `mine`: the viewer's
    own, "" where there is none. `opened`: all, when all were in."""

    due: tuple[Id, ...]
    given: tuple[Id, ...]
    mine: str
    mine_final: bool
    opened: tuple[OpinionText, ...]


class VoteView(Message):
    """How somebody voted: `for`, `against` or `abstain`, and his dissent or ""."""

    participant: Id
    choice: str
    dissent: str


class QuestionResult(Message):
    """What a closed question came to."""

    yes: int
    no: int
    abstain: int
    votes: tuple[VoteView, ...]


class QuestionView(Message):
    """A question that is or was voted on, for those among whom it was put. `given`: who has voted; `mine`: the viewer's own choice or
    ""; `result`: null while it is open."""

    id: Id
    text: str
    open: bool
    given: tuple[Id, ...]
    mine: str
    may_vote: bool
    result: QuestionResult | None


class View(Message):
    """All that one viewer may see. `place`: where the viewer is. `quality`: ceiling for what he publishes."""

    place: Literal["waiting", "inside", "device_pending", "observing"]
    sitting: SittingView
    rights: RightsView
    participants: tuple[ParticipantView, ...]
    devices: tuple[DeviceView, ...]
    rooms: tuple[RoomView, ...]
    recording: RecordingView
    watching: int
    watchers: tuple[str, ...]
    alerts: tuple[AlertView, ...]
    messages: tuple[MessageView, ...]
    """the newest that the viewer may read, oldest first"""
    private: PrivateView | None
    """the private phase that goes on and concerns the viewer most"""
    consults: tuple[PrivateView, ...]
    """every consultation that goes on, for chair and clerk"""
    listening: Literal["mix", "original", "interpretation"]
    interpreters: tuple[Id, ...]
    """who interprets and is inside"""
    opinions: OpinionsView | None
    questions: tuple[QuestionView, ...]
    max_height: int
    max_video_bps: int
    media: Literal["up", "away"]


class FromServer(Message):
    """Base of what the server sends."""

    number: int = 0


class IceServer(Message):
    """A TURN server with credentials of this endpoint, as RTCIceServer of the W3C."""

    urls: tuple[str, ...]
    username: str
    credential: str


class Ice(Message):
    """How both connections are to be made: RTCConfiguration's `iceServers` and `iceTransportPolicy`."""

    servers: tuple[IceServer, ...] = ()
    policy: Literal["all", "relay"] = "all"


class Welcome(FromServer):
    """Answer to `hello`. `keep_publish` / `keep_subscribe`: that transport still lives, keep it; otherwise build anew.
    `heartbeat_s`: the server pings; a page that heard nothing for three of them reconnects."""

    type: Literal["welcome"] = "welcome"
    endpoint: Id
    keep_publish: bool
    keep_subscribe: bool
    heartbeat_s: float
    now_us: int
    ice: Ice = Ice()


class State(FromServer):
    """The complete view of this viewer."""

    type: Literal["state"] = "state"
    now_us: int
    view: View


class PublishedAnswer(FromServer):
    """SDP answer to `publish`."""

    type: Literal["published"] = "published"
    transport: Id
    sdp: str


class OfferTrack(Message):
    """A track in an offer."""

    mid: str
    endpoint: Id
    source: str


class SubscribeOffer(FromServer):
    """SDP offer for the subscribe connection. A new `transport` needs a new RTCPeerConnection, a known one renegotiates."""

    type: Literal["offer"] = "offer"
    transport: Id
    revision: int
    sdp: str
    tracks: tuple[OfferTrack, ...]


class Demand(FromServer):
    """What somebody wants of one's own picture now, the record included. `rids`: the simulcast layers (RFC 8853) that are wanted,
    lowest first; none where only one is sent. Not `wanted`: nobody sees it, so that sending it is a waste."""

    type: Literal["demand"] = "demand"
    source: Source
    wanted: bool
    rids: tuple[str, ...]


class Downlink(FromServer):
    """What the path from the court to this browser carries of the pictures on the page: all of them as shown, smaller ones, fewer
    frames, sound alone. `estimate_bps`: what it carries, bit/s."""

    type: Literal["downlink"] = "downlink"
    state: Literal["full", "smaller", "slower", "audio"]
    estimate_bps: int


class Speaker(FromServer):
    """Who speaks now, by what arrives at the court; null: nobody whom this browser may hear. To
    whoever sees the hearing."""

    type: Literal["speaker"] = "speaker"
    endpoint: Id | None


class MediaReset(FromServer):
    """The media worker was replaced: drop both connections, publish and subscribe again."""

    type: Literal["media_reset"] = "media_reset"


class Heartbeat(FromServer):
    """Each `heartbeat_s`, so that a page notices a dead path by itself."""

    type: Literal["heartbeat"] = "heartbeat"
    now_us: int


class Error(FromServer):
    """A refused message; nothing was changed. `code` is a word of the catalogue; `field` where one is to blame."""

    type: Literal["error"] = "error"
    ref: int | None = None
    code: str
    message: str
    field: str | None = None


class Farewell(FromServer):
    """Last message before the server closes: `code` as in CloseCode, `reason` a word of the catalogue, `detail` for people."""

    type: Literal["farewell"] = "farewell"
    code: int
    reason: str
    detail: str = ""


ServerMessage = Welcome | State | PublishedAnswer | SubscribeOffer | Demand | Downlink | Speaker | MediaReset | Heartbeat | Error | Farewell


# -------------------------------------------------------------------------------------------- parsing


class UserError(Exception):
    """Refused, shown to the person, connection kept. `code` is a word of the catalogue."""

    def __init__(self, code: str, message: str = "", field: str | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.field = field


class ProtocolError(Exception):
    """The browser broke the protocol: closed with `close_code`."""

    def __init__(self, close_code: int, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code


_browser = TypeAdapter[BrowserMessage](Annotated[BrowserMessage, Field(discriminator="type")])


def parse(text: str) -> BrowserMessage:
    """The message in one text frame.

    Raises :class:`ProtocolError` with 4413 when it is too long and 4400 when it is not a message of this protocol.
    """
    if len(text.encode()) > MAX_MESSAGE_BYTES:
        raise ProtocolError(CloseCode.OVERSIZED, f"message of {len(text)} characters")
    try:
        return _browser.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ProtocolError(CloseCode.MALFORMED, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def serialise(message: ServerMessage, number: int) -> str:
    """The text frame of a message, numbered for its connection."""
    return message.model_copy(update={"number": number}).model_dump_json()
