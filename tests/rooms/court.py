"""A court by the ordinary procedure, for tests of what four stages do not have."""

from __future__ import annotations

from typing import Any

from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, ChangeStage
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
    """A court that has come to `stage`, with judge and these inside."""
    people = plan.pop("people", tuple(p for p in COURT if p.id in {"judge", "witness", *inside}))
    sitting = Sitting(people=people, procedure=PROCEDURES["remote_court"].text, **plan)
    sitting.arrive("judge")
    for person in inside:
        sitting.arrive(person)
    sitting.act("e-judge", Admit())
    for step in ("roll_call", "identity", "investigation", "debate", "final_statements", "deliberation"):
        if sitting.state.stage != stage:
            sitting.act("e-judge", ChangeStage(to=step))
    return sitting
