"""What the control plane tells the live plane about a sitting, and who stands behind a WebSocket. Frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class PlanParticipant:
    """One person in one role. `role` is a role of the procedure; `chair` marks the one who presides, at most one a sitting. `guards`:
    the participant, a minor, whose guardian or appropriate adult he is; neither is heard while the other is not there."""

    id: str
    name: str
    role: str
    chair: bool = False
    guards: str = ""


@dataclass(frozen=True, slots=True)
class SittingPlan:
    """A sitting as booked. Times are microseconds since the epoch, UTC; `time_zone` is the court's (IANA name)."""

    id: str
    kind: str
    title: str
    case_number: str
    court: str
    room: str
    starts_at_us: int
    ends_at_us: int
    time_zone: str
    participants: tuple[PlanParticipant, ...]
    procedure: str = ""
    """the version that it is held by, as :func:`rooms.procedure.read_procedure` reads it; "": see :func:`rooms.procedure.procedure_of`"""
    received_at_us: int | None = None
    """when the matter was first received, where that was before this sitting: a petition that is booked anew keeps its day"""
    apart: tuple[tuple[str, str], ...] = ()
    """pairs of participants who must not see or hear each other, in no stage and at no device"""

    watchers: tuple[str, ...] = ()
    """users of the command centre who are named to watch it, where only those may"""

    @property
    def received_us(self) -> int:
        """When the matter was received, microseconds: its own begin, where nothing was before it."""
        return self.starts_at_us if self.received_at_us is None else self.received_at_us

    def to_json(self) -> dict[str, Any]:
        """The shape in the log: event `conference_opened` and `plan_revised`."""
        lists = {"apart": [list(pair) for pair in self.apart], "watchers": list(self.watchers)}
        return asdict(self) | {"participants": [asdict(p) for p in self.participants]} | lists

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SittingPlan:
        """Inverse of :meth:`to_json`, also of what was written before a field was there."""
        people = tuple(PlanParticipant(**p) for p in data["participants"])
        apart = tuple((str(one), str(other)) for one, other in data.get("apart", ()))
        return cls(**{**data, "participants": people, "apart": apart, "watchers": tuple(map(str, data.get("watchers", ())))})

    def kept_from(self, people: Iterable[str]) -> frozenset[str]:
        """Those whom one of `people` must not see or hear."""
        if not self.apart:
            return frozenset()
        own = set(people)
        return frozenset(other for pair in self.apart for one, other in (pair, pair[::-1]) if one in own)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who a WebSocket is, established before it is served (cookie, link, session or room device).

    * `endpoint`: the same browser brings the same id again, which makes it a resumption.
    * `participants`: whom this endpoint carries; empty for an observer.
    * `name`: an observer's name, or a device in words ("Chromium · Windows").
    * `user`: the signed-in member of staff; whoever signed in himself needs nobody's leave to change the device.
    * `shared`: a room's own device. It carries whoever sat down at it (:class:`rooms.commands.SitDown`), as the log knows.
    """

    sitting: str
    endpoint: str
    kind: Literal["participant", "observer"]
    participants: tuple[str, ...]
    name: str
    user: str = ""
    device: str = ""
    shared: bool = False
