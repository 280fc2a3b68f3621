"""The state of one live sitting: the fold of its events. Frozen; nothing here waits, reads a clock or does I/O.

An *endpoint* (a connection with its tracks) is not a *participant* (a person in a role). A seat is what the sitting keeps
for a participant, whether or not he is connected; an endpoint carries one or several of them.

`State` answers questions; :func:`rooms.fold.apply` is the only thing that makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from rooms.kept import BreakIn, Consultation, Departure, Intercom, OpenedOpinion, Opinion, Question, Stop
from rooms.media.engine import Source
from rooms.plan import PlanParticipant, SittingPlan
from rooms.procedure import NOTHING, Procedure, Rights, Stage, intersection, procedure_of

Presence = Literal["absent", "waiting", "present", "lost", "left", "removed"]
Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a look at face and document showed: "confirmed" or "refused", with the SHA-256 of a still of each, None where there is none;
    `device`: the one at which he was looked at."""

    result: str
    face: str | None
    document: str | None
    at_us: int
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Admonition:
    """The newest that the chair had to say to somebody: a "prompt" or a "warning"."""

    degree: str
    reason: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Seat:
    """What the sitting keeps for one participant.

    * `admitted`: let in; stays true while the connection is lost, so that he comes back to his place.
    * `endpoint`: the device on which he takes part, also while it is lost.
    * `muted`: sources that chair or clerk closed; only they open them again.
    * `consent`: version of the notice he consented to, "" if he has not.
    * `hand_at_us`: since when his hand is up.
    * `beside`: the room's device at which he sat down and has no place yet: it has not come, or nobody has let him in.
    * `roll`: what was noted at roll-call: "present", "absent", "late", or "" before. `identity`: who he was found to be.
    * `consents`: stage → version of the words with which he consented to its being held online.
    * `prompts`, `warnings`: how often the chair had to; `admonition` is the newest of them.
    * `listens`: to everybody ("mix"), to everybody but the interpreters ("original"), or to the interpreters ("interpretation").
    * `departure`: why he was not there, as was said last.
    """

    participant: PlanParticipant
    presence: Presence = "absent"
    admitted: bool = False
    endpoint: str | None = None
    muted: frozenset[Source] = frozenset()
    consent: str = ""
    device_check: Mapping[str, Any] | None = None
    lost_at_us: int | None = None
    hand_at_us: int | None = None
    beside: str | None = None
    roll: str = ""
    identity: Identity | None = None
    consents: Mapping[str, str] = field(default_factory=dict)
    prompts: int = 0
    warnings: int = 0
    admonition: Admonition | None = None
    listens: str = "mix"
    departure: Departure | None = None

    @property
    def device(self) -> str | None:
        """The device at which he sits, with or without a place there yet."""
        return self.endpoint or self.beside


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One device. `pending`: asks to replace another device and has nothing until it is admitted. `connected`: as the log
    knows it, false from `endpoint_lost` to `endpoint_resumed`. `on`: the sources its owner switched on. `shared`: a room's own
    device, at which people sit down and stand up; `voice`: who of them speaks, as somebody has marked, since `voice_at_us`."""

    id: str
    participants: tuple[str, ...]
    device: str
    pending: bool = False
    connected: bool = True
    on: frozenset[Source] = frozenset()
    shared: bool = False
    voice: str | None = None
    voice_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class Observer:
    """Somebody of the command centre who watches; silently, unless he broke in."""

    endpoint: str
    name: str
    user: str
    break_in: BreakIn | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs a look. `data` fills the text of `code` in the catalogue."""

    id: str
    code: str
    severity: Severity
    data: Mapping[str, str]
    raised_at_us: int
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """Something written. `by`: {"participant"} or {"user", "name"}; `readers`: the participants who may read it, the sender
    among them; `observed`: whoever watched could read it; `notice`: of the command centre. In a private phase it is in the `box`,
    and `text` is empty."""

    id: str
    at_us: int
    by: Mapping[str, Any]
    to: Literal["all", "chair", "clerk", "people"]
    readers: tuple[str, ...]
    observed: bool
    text: str
    notice: bool
    box: str = ""


@dataclass(frozen=True, slots=True)
class RecordingSpan:
    """What the log says of the recording: `ever`, a recorded stage was reached; `running_since_us` while it is on disk,
    `seconds` of the spans before that; `failure` is the cause while it should be on disk and is not; `interruptions`: how often it was not,
    each of which has to be explained when the sitting is over."""

    ever: bool = False
    running_since_us: int | None = None
    seconds: float = 0.0
    failure: str = ""
    interruptions: int = 0
    orders: int = 0
    """how often it was ordered to begin anew"""
    ordered_by: Mapping[str, Any] = field(default_factory=dict)
    """who did so last"""


@dataclass(frozen=True)
class State:
    """One sitting. `seq` is that of the last row applied; `sealed` the digest of the manifest once there is one."""

    plan: SittingPlan
    stage: str
    stage_since_us: int
    stage_by: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    called_from: str = ""
    """in a pause: the stage in which it was called, to which the sitting returns"""
    floor: str | None = None
    """the participant who has the floor"""
    floor_since_us: int | None = None
    spoke_us: Mapping[str, int] = field(default_factory=dict)
    """microseconds for which each participant has had the floor, before he has it now"""
    recording_wanted: bool = False
    """whoever may run the recording wants what is recordable recorded"""
    identity_due: bool = False
    """a stage was reached that needs everybody's identity: from then on nobody is heard of whom it is not known"""
    words_stated: frozenset[str] = frozenset()
    """SHA-256 of the texts that stand in the log, to which somebody consented"""
    stills: frozenset[str] = frozenset()
    """SHA-256 of the stills that were kept as evidence"""
    cancelled: bool = False
    seats: Mapping[str, Seat] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    observers: Mapping[str, Observer] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    recording: RecordingSpan = RecordingSpan()
    next_booking: Mapping[str, Any] | None = None
    locked: bool = False
    messages: tuple[WrittenMessage, ...] = ()
    """the newest; all of them are in the log"""
    messages_sent: int = 0
    sealed: str = ""
    consults: Mapping[str, Consultation] = field(default_factory=dict)
    consults_held: int = 0
    out: frozenset[str] = frozenset()
    """members of a consultation or of a private stage who stepped out of it for a while"""
    intercom: Intercom | None = None
    """an officer of the command centre talks with some, or with all"""
    opinions: Mapping[str, Opinion] = field(default_factory=dict)
    """sealed, by participant"""
    opinions_opened: tuple[OpenedOpinion, ...] = ()
    questions: Mapping[str, Question] = field(default_factory=dict)
    stopped: Stop | None = None
    """why the system stopped the sitting, until it goes on"""

    # What follows from a state is asked many hundred times while its viewers are told of it, and is worked out once: nothing in it changes.

    @cached_property
    def procedure(self) -> Procedure:
        """The version of the procedure with which the sitting was opened."""
        return procedure_of(self.plan.procedure)

    @cached_property
    def now(self) -> Stage:
        """The stage the sitting is in."""
        return self.procedure.stages[self.stage]

    @property
    def is_recorded(self) -> bool:
        """Whether this stage is to be recorded: by rule, or because it may be and somebody wants it. A private one never is."""
        return (self.now.recorded or (self.now.recordable and self.recording_wanted)) and not self.now.private and not self.closed

    @cached_property
    def closed(self) -> bool:
        """Over, by the chair or by cancellation."""
        return self.stage == self.procedure.last

    @cached_property
    def chair(self) -> str | None:
        """The participant who presides: the one the plan names, else the first in the role that presides."""
        people = self.plan.participants
        named = [p.id for p in people if p.chair] or [p.id for p in people if p.role == self.procedure.chair]
        return named[0] if named else None

    @property
    def broken_in(self) -> Observer | None:
        """The officer who broke in; one at a time."""
        return next((o for o in self.observers.values() if o.break_in is not None), None)

    @property
    def next_stages(self) -> tuple[str, ...]:
        """The stages that may follow; the first is where a pause was called."""
        found = self.procedure.changes[self.stage]
        return (self.called_from, *(each for each in found if each != self.called_from)) if self.now.pause and self.called_from else found

    def has_the_floor(self, participant: str) -> bool:
        """Whether the floor is his, or of somebody at the same device: one microphone is open or is not."""
        if self.floor is None or participant == self.floor:
            return participant == self.floor
        seat, holder = self.seats.get(participant), self.seats.get(self.floor)
        return seat is not None and holder is not None and seat.endpoint is not None and seat.endpoint == holder.endpoint

    def rights_in_role(self, participant: str, stage: str | None = None) -> Rights:
        """What the procedure gives to this participant's role in a stage (default: now), were he inside."""
        seat = self.seats.get(participant)
        if seat is None:
            return NOTHING
        given = self.procedure.rights_of(seat.participant.role, stage or self.stage, chair=participant == self.chair)
        if stage is None and self.circle(participant):
            return replace(given, speak=True, see=True, publish=True, admit=False, record=False)
        if stage is None and self.now.private and (participant in self.out or self.held_back(participant)):
            return replace(given, speak=False, see=False, publish=False, speak_in_turn=False, publish_in_turn=False)
        if stage is None and self.held_back(participant):
            return given.waiting_for_the_floor()
        return given.holding_the_floor() if self.has_the_floor(participant) else given

    def sources_in_role(self, participant: str) -> frozenset[Source]:
        """What his rights let him send now; to the command centre, which talks with him aside, his voice whatever they are."""
        given = self.rights_in_role(participant).sources
        return given | {Source.MICROPHONE} if self.answers(participant) else given

    def unidentified(self, participant: str) -> bool:
        """Whether he has to show a document and was not found to be who he says, at the device at which he sits now: who comes back
        at another one may be somebody else."""
        seat = self.seats.get(participant)
        if seat is None or seat.participant.role not in self.procedure.identified:
            return False
        return seat.identity is None or seat.identity.result != "confirmed" or seat.identity.device != seat.device

    def held_back(self, participant: str) -> bool:
        """Whether he may be seen and not heard, and counts for nothing, until chair or clerk have looked at face and document: he came
        after the identities were established, or was found not to be who he says. Source: rules of online litigation, article 7."""
        return self.identity_due and self.unidentified(participant)

    def called(self, endpoint: Endpoint) -> bool:
        """Whether the command centre talks aside with everybody at this device: whoever else sat there would hear it."""
        talk = self.intercom
        known = bool(endpoint.participants) and talk is not None and set(endpoint.participants) <= set(talk.people)
        return known and not endpoint.pending and all(self.seats[p].admitted for p in endpoint.participants)

    def answers_at(self, endpoint: Endpoint) -> bool:
        """Whether what is said at this device goes to the command centre, and to those with whom it talks, and to nobody else."""
        return self.intercom is not None and endpoint.id in self.intercom.answering and self.called(endpoint)

    def answers(self, participant: str) -> bool:
        """The same of the device at which a participant sits."""
        seat = self.seats.get(participant) if self.intercom is not None else None
        endpoint = self.endpoints.get(seat.endpoint) if seat is not None and seat.endpoint else None
        return endpoint is not None and self.answers_at(endpoint)

    def circle(self, participant: str) -> str:
        """The consultation in which he is; "" in the main room, also while he stepped out of one."""
        return "" if participant in self.out else self.member_of(participant)

    def member_of(self, participant: str) -> str:
        """The consultation whose member he is, stepped out or not; "" is none."""
        return next((c.id for c in self.consults.values() if participant in c.members), "") if self.consults else ""

    def circle_at(self, endpoint: Endpoint) -> str | None:
        """The consultation in which everybody at this device is, "" the main room; None where they belong to different ones."""
        found = {self.circle(p) for p in endpoint.participants} if self.consults else {""}
        return found.pop() if len(found) == 1 else None

    def rights(self, endpoint: str) -> Rights:
        """What an endpoint may do now: what all its participants may, and nothing unless all of them are inside. Where some of them talk
        among themselves, or must not hear each other, nothing is seen, heard or said there."""
        if endpoint not in self._rights:
            self._rights[endpoint] = self._rights_of(endpoint)
        return self._rights[endpoint]

    @cached_property
    def _rights(self) -> dict[str, Rights]:
        """Those that were asked for, by endpoint."""
        return {}

    def _rights_of(self, endpoint: str) -> Rights:
        found = self.endpoints.get(endpoint)
        if found is None or not self.is_inside(found):
            return NOTHING
        given = intersection(self.rights_in_role(p) for p in found.participants)
        if self.circle_at(found) is None or not self.plan.kept_from(found.participants).isdisjoint(found.participants):
            return replace(given, speak=False, see=False, publish=False, speak_in_turn=False, publish_in_turn=False)
        return given

    def is_inside(self, endpoint: Endpoint) -> bool:
        """Connected, admitted with everybody it carries, and each of them sits at this device and no other."""
        if endpoint.pending or not endpoint.connected or not endpoint.participants or self.closed:
            return False
        seats = [self.seats.get(p) for p in endpoint.participants]
        return all(s is not None and s.admitted and s.presence == "present" and s.endpoint == endpoint.id for s in seats)

    def inside(self) -> Iterator[Endpoint]:
        """The endpoints that are inside."""
        return (e for e in self.endpoints.values() if self.is_inside(e))

    def people_inside(self) -> int:
        """How many participants are inside."""
        return sum(len(e.participants) for e in self.inside())

    def publishable(self, endpoint: Endpoint) -> frozenset[Source]:
        """Sources that the procedure gives this endpoint in this stage, muted or not, and the voice that answers the command centre."""
        given = self.rights(endpoint.id).sources
        return given | {Source.MICROPHONE} if self.answers_at(endpoint) and self.is_inside(endpoint) else given

    def muted(self, endpoint: Endpoint) -> frozenset[Source]:
        """Sources that are closed for any participant of this endpoint. A talk aside, or an answer to the command centre, is no affair of
        whoever closed them."""
        if self.circle_at(endpoint):
            return frozenset()
        closed = frozenset[Source]().union(*(self.seats[p].muted for p in endpoint.participants if p in self.seats))
        return closed - {Source.MICROPHONE} if self.answers_at(endpoint) else closed

    def passing(self, endpoint: Endpoint) -> frozenset[Source]:
        """Sources whose packets pass the router: given, switched on by the owner, and not muted; of a minor without his guardian, and
        of the guardian without him, no sound."""
        found = (self.publishable(endpoint) & endpoint.on) - self.muted(endpoint)
        if Source.MICROPHONE in found and not all(self.may_be_heard(p) for p in endpoint.participants):
            found -= {Source.MICROPHONE}
        return found

    def may_be_heard(self, participant: str) -> bool:
        """Whether nobody to whom he is bound is missing: a guardian's minor, and of a minor's guardians one, in the same talk."""
        seat = self.seats.get(participant)
        bound = [seat.participant.guards] if seat and seat.participant.guards else []
        bound += [p.id for p in self.plan.participants if p.guards == participant]
        circle = self.circle(participant)
        return not bound or any(self.is_there(p) and self.circle(p) == circle for p in bound)

    def is_there(self, participant: str) -> bool:
        """Whether he is inside: admitted, at a device that is connected."""
        seat = self.seats.get(participant)
        endpoint = self.endpoints.get(seat.endpoint) if seat and seat.endpoint else None
        return endpoint is not None and participant in endpoint.participants and self.is_inside(endpoint)

    def name(self, participant: str) -> str:
        """The person's name, or the id where the plan knows none."""
        seat = self.seats.get(participant)
        return seat.participant.name if seat else participant

    def sitting_at(self, device: str) -> tuple[str, ...]:
        """Who sits at this device, with or without a place there yet, in the order of the plan."""
        return tuple(p for p, seat in self.seats.items() if seat.device == device)

    def admitted_at(self, device: str) -> bool:
        """Whether the people of this device were let in, also while its connection is lost."""
        endpoint = self.endpoints.get(device)
        return endpoint is not None and any(self.seats[p].admitted for p in endpoint.participants)

    def acting(self, endpoint: Endpoint) -> dict[str, Any]:
        """Who acts through an endpoint, as the log says it: nobody knows which of several pressed the button, so all are named."""
        people = endpoint.participants
        return {"participant": people[0]} if len(people) == 1 else {"participants": list(people)}

    def doer(self, who: Mapping[str, Any]) -> str:
        """The names in a `by`."""
        return "、".join(self.name(p) for p in doers(who)) or str(who.get("name", ""))


def doers(who: Mapping[str, Any]) -> tuple[str, ...]:
    """The participants in a `by`; none where somebody outside did it, or the system."""
    return (str(who["participant"]),) if "participant" in who else tuple(who.get("participants", ()))
