"""A court by the ordinary procedure, for tests of what four stages do not have."""

from __future__ import annotations

from typing import Any

from rooms.fold import apply
from rooms.log import Event
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, Identify
from tests.rooms.making import Sitting

COURT = (
    PlanParticipant("judge", "审判长", "judge", chair=True),
    PlanParticipant("panel", "审判员", "panel"),
    PlanParticipant("clerk", "书记员", "clerk"),
    PlanParticipant("zhang", "张某", "party"),
    PlanParticipant("lawyer", "代理人", "agent"),
    PlanParticipant("li", "李某", "party"),
    PlanParticipant("guardian", "法定代理人", "guardian", guards="zhang"),
    PlanParticipant("interpreter", "翻译", "interpreter"),
    PlanParticipant("witness", "证人", "witness"),
    PlanParticipant("gallery", "旁听", "gallery"),
)
EVERYBODY = tuple(p.id for p in COURT if p.id not in {"judge", "witness"})


def court(*inside: str, stage: str = "investigation", **plan: Any) -> Sitting:
    """A court that has come to `stage`, with judge and these inside, and known."""
    people = plan.pop("people", tuple(p for p in COURT if p.id in {"judge", "witness", *inside}))
    sitting = Sitting(people=people, procedure=PROCEDURES["remote_court"].text, **plan)
    sitting.arrive("judge")
    for person in inside:
        sitting.arrive(person)
    sitting.act("e-judge", Admit())
    for person in inside:
        if sitting.state.unidentified(person) and sitting.presence(person) == "present":
            sitting.act("e-judge", Identify(participant=person, result="confirmed", note="身份证"))
    go(sitting, *path_to("remote_court", stage))
    return sitting


def go(sitting: Sitting, *stages: str) -> None:
    """The sitting comes to these stages, one after another, as its log says; what they need was there."""
    for stage in stages:
        data = {"from": sitting.state.stage, "to": stage, "by": {"participant": sitting.state.chair}, "reason": ""}
        sitting.log.append(Event("stage_changed", sitting.now_us, data))
        sitting._state = apply(sitting.state, sitting.log[-1])


def path_to(kind: str, stage: str) -> tuple[str, ...]:
    """The stages on the shortest way to one, without the first of the procedure."""
    procedure = PROCEDURES[kind]
    ways: dict[str, tuple[str, ...]] = {procedure.first: ()}
    waiting = [procedure.first]
    while waiting:
        here = waiting.pop(0)
        for following in procedure.changes[here]:
            if following not in ways:
                ways[following] = (*ways[here], following)
                waiting.append(following)
    return ways[stage]
