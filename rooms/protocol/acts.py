"""What somebody in a sitting does there: what a browser asks of the conference."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rooms.media.engine import Source
from rooms.protocol.base import FromBrowser, Id, Reason


class SetSource(FromBrowser):
    """Switch one's own microphone, camera or screen on or off."""

    type: Literal["source"] = "source"
    source: Annotated[Source, Field(strict=False)]
    on: bool


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


class AnswerCentre(FromBrowser):
    """Answer the command centre, which talks with those at this device aside, and be heard by nobody else; or hang up."""

    type: Literal["answer_centre"] = "answer_centre"
    on: bool


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


Act = (
    SetSource
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
    | AnswerCentre
    | Step
    | Listen
    | GiveOpinion
    | PutQuestion
    | CastVote
    | CloseQuestion
    | Classify
    | AcknowledgeAlert
)
