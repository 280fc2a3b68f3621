"""What a viewer may see of a sitting."""

from __future__ import annotations

from typing import Any, Literal

from rooms.protocol.base import Id, Message


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
    roll, identity, missing consents, prompts and warnings are for chair, clerk and himself. `identity_missing`, for chair and clerk: he
    shows a document and has not been looked at, or not at this device; `held_back`, for them and himself: he is not heard until he was.
    `spoke_s`: how long he had the floor before he has it now."""

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
    identity_missing: bool = False
    held_back: bool = False
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
    """`state`: off (not due), starting, recording, failed (due, but not on disk). `seconds` recorded up to `at_us`. `interruptions`: how
    often it failed so far."""

    state: Literal["off", "starting", "recording", "failed"]
    seconds: float
    at_us: int
    cause: str = ""
    interruptions: int = 0


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


class TalkOffer(Message):
    """A consultation that could begin now. `members` belong together by the procedure; `helpers` may be with them."""

    members: tuple[Id, ...]
    helpers: tuple[Id, ...]


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
    called_from: str
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


class BreakInView(Message):
    """An officer of the command centre who broke in: everybody inside sees and hears him. `endpoint`: whose tracks are his; `office`: his
    rank; `camera`: he shows his picture."""

    endpoint: Id
    name: str
    office: str
    reason: str
    since_us: int
    camera: bool
    you: bool


class IntercomView(Message):
    """An officer of the command centre who talks: with everybody (`to_all`), or aside with these `participants`, of whom `answering` are
    heard by him. `endpoint`: whose track is his; `called`: with the viewer; `you`: the viewer is he; `recorded`: the stage is, and this
    with it, on tracks that the film does not have."""

    endpoint: Id
    name: str
    office: str
    reason: str
    since_us: int
    to_all: bool
    participants: tuple[Id, ...]
    answering: tuple[Id, ...]
    called: bool
    recorded: bool
    you: bool


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
    break_in: BreakInView | None
    intercom: IntercomView | None
    alerts: tuple[AlertView, ...]
    messages: tuple[MessageView, ...]
    """the newest that the viewer may read, oldest first"""
    private: PrivateView | None
    """the private phase that goes on and concerns the viewer most"""
    consults: tuple[PrivateView, ...]
    """every consultation that goes on, for chair and clerk"""
    talks: tuple[TalkOffer, ...]
    """those that could begin now, for the chair"""
    listening: Literal["mix", "original", "interpretation"]
    interpreters: tuple[Id, ...]
    """who interprets and is inside"""
    opinions: OpinionsView | None
    questions: tuple[QuestionView, ...]
    max_height: int
    max_video_bps: int
    media: Literal["up", "away"]
