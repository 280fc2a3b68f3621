"""A sitting on the console: what an officer may see of it at a glance, computed from the state and from what is measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rooms.desired import may_observe
from rooms.measured import Measured
from rooms.participant_views import participant_view
from rooms.privacy import Doors
from rooms.procedure.model import CENTRE
from rooms.state import State
from rooms.views import alert_view, room_view


@dataclass(frozen=True, slots=True)
class Overview:
    """A sitting on the console: everything an officer may see of it at a glance."""

    sitting: str
    kind: str
    title: str
    case_number: str
    room: str
    court: str
    stage: str
    stage_names: dict[str, str]
    status: str
    stage_since_us: int
    starts_at_us: int
    ends_at_us: int
    participants: tuple[dict[str, Any], ...]
    waiting: int
    recording: dict[str, Any]
    alerts: tuple[dict[str, Any], ...]
    watchers: tuple[str, ...]
    media: str
    observable: bool
    centre: tuple[str, ...] = ()
    """what the command centre may do now (:data:`rooms.procedure.model.CENTRE`)"""
    named: tuple[str, ...] | None = None
    """users who alone may watch; None where every officer may"""
    rooms: tuple[dict[str, Any], ...] = ()
    private: bool = False
    """a private stage, or somebody consults"""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "participants": list(self.participants),
            "alerts": list(self.alerts),
            "watchers": list(self.watchers),
            "centre": list(self.centre),
            "named": list(self.named) if self.named is not None else None,
            "rooms": list(self.rooms),
        }


def status(state: State) -> str:
    """The status of the sitting as the control plane names it: planned, open, live, recess, closed or cancelled."""
    if state.cancelled:
        return "cancelled"
    nobody = all(seat.presence == "absent" for seat in state.seats.values())
    return "planned" if nobody and state.stage == state.procedure.first else state.now.status


def overview(state: State, measured: Measured) -> Overview:
    """The sitting for the console."""
    people = []
    doors = Doors(state, "")
    for seat in state.seats.values():
        view = participant_view(state, measured, seat, you=False, all_of_it=True, behind=doors.hide(seat.participant.id))
        people.append(view.model_dump(mode="json", exclude={"you"}) | {"chair": seat.participant.id == state.chair})
    return Overview(
        sitting=state.plan.id,
        kind=state.plan.kind,
        title=state.plan.title,
        case_number=state.plan.case_number,
        room=state.plan.room,
        court=state.plan.court,
        stage=state.stage,
        stage_names=dict(state.now.names),
        status=status(state),
        stage_since_us=state.stage_since_us,
        starts_at_us=state.plan.starts_at_us,
        ends_at_us=state.plan.ends_at_us,
        participants=tuple(people),
        waiting=sum(seat.presence == "waiting" for seat in state.seats.values()),
        recording=measured.recording.model_dump(mode="json"),
        alerts=tuple(alert_view(a).model_dump(mode="json") for a in state.alerts.values()),
        watchers=tuple(sorted(o.name for o in state.observers.values())),
        media=measured.media,
        observable=may_observe(state),
        centre=tuple(act for act in CENTRE if act in state.procedure.centre) if may_observe(state) else (),
        named=state.plan.watchers if "named" in state.procedure.centre else None,
        rooms=tuple(room_view(state, e, coming=True).model_dump(mode="json") for e in state.endpoints.values() if e.shared),
        private=state.now.private or bool(state.consults),
    )
