"""What can be done to a task in the field, in which state, and by whom. Pure.

drafted → sent → signed (signed for) → on_site → reported → closed. Whatever is not over can be cancelled. The centre returns a report for
more, reassigns and urges; a team hands back what it cannot do, to the centre, as a draft.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dispatch.errors import Refused

State = Literal["drafted", "sent", "signed", "on_site", "reported", "closed", "cancelled"]
Act = Literal["send", "sign", "arrive", "report", "hand_back", "close", "return", "urge", "reassign", "cancel"]

STATES: tuple[State, ...] = ("drafted", "sent", "signed", "on_site", "reported", "closed", "cancelled")
OUT: tuple[State, ...] = ("sent", "signed", "on_site")
"""The team has to do something; past its deadline such a task is overdue."""
OVER: tuple[State, ...] = ("closed", "cancelled")
ACTS: tuple[Act, ...] = ("send", "sign", "arrive", "report", "hand_back", "close", "return", "urge", "reassign", "cancel")
CENTRE: tuple[Act, ...] = ("send", "close", "return", "urge", "reassign", "cancel")
TEAM: tuple[Act, ...] = ("sign", "arrive", "report", "hand_back")
REASONED: tuple[Act, ...] = ("hand_back", "return", "cancel")
"""Acts that take a reason."""

NEXT: dict[tuple[State, Act], State] = {
    ("drafted", "send"): "sent",
    ("drafted", "reassign"): "drafted",
    ("drafted", "cancel"): "cancelled",
    ("sent", "sign"): "signed",
    ("sent", "hand_back"): "drafted",
    ("sent", "urge"): "sent",
    ("sent", "reassign"): "sent",
    ("sent", "cancel"): "cancelled",
    ("signed", "arrive"): "on_site",
    ("signed", "hand_back"): "drafted",
    ("signed", "urge"): "signed",
    ("signed", "reassign"): "sent",
    ("signed", "cancel"): "cancelled",
    ("on_site", "report"): "reported",
    ("on_site", "hand_back"): "drafted",
    ("on_site", "urge"): "on_site",
    ("on_site", "reassign"): "sent",
    ("on_site", "cancel"): "cancelled",
    ("reported", "close"): "closed",
    ("reported", "return"): "signed",
    ("reported", "cancel"): "cancelled",
}
"""Every change that there is; what is not here is refused."""

OFFICER = "officer"
FIELD = "field"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to do something: his role, and what he is to the team of the task."""

    role: str
    member: bool = False
    leads: bool = False


def after(state: State, act: Act) -> State:
    """The state that follows. Raises Refused("task_state")."""
    try:
        return NEXT[state, act]
    except KeyError:
        raise Refused("task_state") from None


def may(act: Act, asking: Asking, *, for_one: bool, for_him: bool) -> bool:
    """Whether somebody may ever do that: officers what is the centre's, people of the team what is the team's. A task `for_one` person is
    that one's (`for_him`) and his leader's."""
    if act in CENTRE:
        return asking.role == OFFICER
    return asking.role == FIELD and asking.member and (not for_one or for_him or asking.leads)


def sees(asking: Asking, state: State) -> bool:
    """Whether a task in that state is there for somebody at all: for the centre all are, for a team its own once they were sent."""
    return asking.role != FIELD or (asking.member and state != "drafted")


def offered(state: State, asking: Asking, *, for_one: bool, for_him: bool) -> tuple[Act, ...]:
    """What somebody can do now, in the order of ACTS."""
    return tuple(act for act in ACTS if (state, act) in NEXT and may(act, asking, for_one=for_one, for_him=for_him))


def is_overdue(state: State, deadline: datetime, now: datetime) -> bool:
    """Whether it should have been reported by now. What was reported in time and waits to be checked is not."""
    return state in OUT and now > deadline
