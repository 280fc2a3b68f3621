"""What is asked of a conference: the acts that browsers send (:mod:`rooms.protocol`) and, here, those that come from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rooms.media.engine import Source
from rooms.plan import SittingPlan, Ticket
from rooms.protocol import Act
from rooms.sealing import Seal
from rooms.state import Severity


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: an endpoint of the sitting, or (all fields empty) the system, or a member of staff outside (`name`, `user`)."""

    endpoint: str = ""
    name: str = ""
    user: str = ""


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision needs to know besides the state. `recorder_ready`: folder open, disk free, heartbeat alive. `seal`: the
    sitting's own."""

    recorder_ready: bool = True
    seal: Seal | None = None

    @property
    def sealed_with(self) -> Seal:
        """The seal, where something is sealed or opened. Raises ValueError where none was passed in."""
        if self.seal is None:
            raise ValueError("a decision about what is sealed needs the sitting's seal")
        return self.seal


@dataclass(frozen=True, slots=True)
class Open:
    """Make the conference of this plan."""

    plan: SittingPlan


@dataclass(frozen=True, slots=True)
class Revise:
    """The booking was changed."""

    plan: SittingPlan


@dataclass(frozen=True, slots=True)
class Cancel:
    """The booking was cancelled."""

    reason: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A participant read the notice and consented; `text_sha256` says to which words, `text` has them ("": only the digest was kept).
    `given_at_us`: when he did, which may be days before the conference opened; None where it is now."""

    participant: str
    version: str
    text_sha256: str
    device: str
    text: str = ""
    given_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class RefuseConsent:
    """A participant read the notice at a room's device and does not consent: he does not sit down there, and the chair hears of it."""

    participant: str
    version: str
    text_sha256: str
    device: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class SitDown:
    """At a room's device somebody says who sits there; `device` is its name in words."""

    participant: str
    endpoint: str
    device: str


@dataclass(frozen=True, slots=True)
class StandUp:
    """At a room's device somebody says who does not sit there any more."""

    participant: str
    endpoint: str
    device: str


@dataclass(frozen=True, slots=True)
class CheckDevice:
    """Result of a device check."""

    participant: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arrive:
    """A WebSocket with this ticket was opened and has said hello. `awaited`: the server has restarted since it was here."""

    ticket: Ticket
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Disappear:
    """Nothing was heard from an endpoint for as long as the grace lasts."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """The participant's link was revoked or reissued."""

    participant: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetNextBooking:
    """What is booked in the same room next, or None: {"title", "room", "starts_at_us"}."""

    booking: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class KeepStill:
    """A still of a face or a document was put on disk by this participant, who keeps the desk. `still` is its SHA-256."""

    participant: str
    still: str
    octets: int


@dataclass(frozen=True, slots=True)
class Notify:
    """A message of the command centre to these participants, or to everybody who is there."""

    text: str
    participants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepIn:
    """An officer of the command centre intervenes: one of mute, admit, waiting, restart, time, release (:data:`rooms.procedure.CENTRE`).
    `reason`: his own words; `notice`: what those in the room are told of it. `participant`, of the first three; `source`, of a mute."""

    act: str
    reason: str
    notice: str
    participant: str = ""
    source: Source = Source.MICROPHONE


@dataclass(frozen=True, slots=True)
class BreakIn:
    """An officer who watches at this endpoint wants to be seen and heard. `office` names his rank, `rank` is how high it is."""

    endpoint: str
    office: str
    rank: int
    reason: str
    camera: bool = True
    act: ClassVar[str] = "break_in"


@dataclass(frozen=True, slots=True)
class EndBreakIn:
    """The officer who broke in ends it; or one of a higher `rank`, with a reason."""

    rank: int
    reason: str = ""
    act: ClassVar[str] = "break_in"


@dataclass(frozen=True, slots=True)
class Talk:
    """An officer who watches at this endpoint wants to talk with these participants aside, or (none named) with everybody inside."""

    endpoint: str
    office: str
    rank: int
    reason: str
    participants: tuple[str, ...] = ()
    act: ClassVar[str] = "talk"


@dataclass(frozen=True, slots=True)
class EndTalk:
    """The officer who talks ends it; or one of a higher `rank`, with a reason."""

    rank: int
    reason: str = ""
    act: ClassVar[str] = "talk"


@dataclass(frozen=True, slots=True)
class RaiseAlert:
    """A condition began. `subject` tells alerts of one code apart (a participant's id)."""

    code: str
    severity: Severity
    subject: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClearAlert:
    """A condition ended."""

    code: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Observe:
    """Something was seen that goes into the log as it is (engine_lost, recording_started, gap, ...)."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)


def alert_id(code: str, subject: str = "") -> str:
    """The id of an alert: one condition of one subject has one alert at a time."""
    return f"{code}-{subject}"[:64] if subject else code


Command = (
    Open
    | Revise
    | Cancel
    | Consent
    | RefuseConsent
    | SitDown
    | StandUp
    | CheckDevice
    | Arrive
    | Disappear
    | Revoke
    | SetNextBooking
    | RaiseAlert
    | ClearAlert
    | Observe
    | Notify
    | StepIn
    | BreakIn
    | EndBreakIn
    | Talk
    | EndTalk
    | KeepStill
    | Act
)
