"""Factories for tests of the live plane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rooms.commands import SYSTEM, Actor, Arrive, Command, Consent, Facts, Open, SitDown
from rooms.conference import handle
from rooms.fold import apply
from rooms.log import Event
from rooms.plan import PlanParticipant, SittingPlan, Ticket
from rooms.procedure import BRIEF_COURT, PROCEDURES
from rooms.procedure.model import Procedure, Stage, stages, table
from rooms.protocol import Admit, ChangeStage, UserError
from rooms.sealing import Seal
from rooms.state import State

NOW_US = 1_795_500_000_000_000
SEAL = Seal(b"the key of a site in the tests...", "sitting")
PEOPLE = (
    PlanParticipant("judge", "审判长 周正", "judge", chair=True),
    PlanParticipant("clerk", "书记员 赵敏", "clerk"),
    PlanParticipant("zhang", "张某", "party"),
    PlanParticipant("li", "李某", "party"),
    PlanParticipant("witness", "证人 王某", "witness"),
    PlanParticipant("gallery", "旁听 陈某", "gallery"),
)

IN_CAMERA: Procedure = replace(
    BRIEF_COURT,
    text="in camera",
    stages=stages(*BRIEF_COURT.stages.values(), Stage("deliberation", status="live", recorded=True, private=True)),
    changes={**BRIEF_COURT.changes, "hearing": ("deliberation", "recess", "closed"), "deliberation": ("hearing",)},
    rights={**BRIEF_COURT.rights, **table(deliberation={"judge": "SVPAD", "panel": "SVP", "clerk": "V"})},
)
"""A court that deliberates in the middle of the hearing: a private stage, in which judge and clerk are among themselves."""


def held_by(kind: str, **roles: str) -> dict[str, Any]:
    """What a plan says of a sitting of this kind: `roles` are those of its people by id, "judge" presides."""
    chair = PlanParticipant("judge", "主持人 周正", PROCEDURES[kind].chair, chair=True)
    others = (PlanParticipant(p, f"{p} 某", role) for p, role in roles.items())
    return {"kind": kind, "procedure": PROCEDURES[kind].text, "people": (chair, *others), "watchers": ("u-officer",)}


def make_plan(sitting: str = "sitting", people: tuple[PlanParticipant, ...] = PEOPLE, **changes: Any) -> SittingPlan:
    fields: dict[str, Any] = {
        "id": sitting,
        "kind": "remote_court",
        "title": "张某诉李某合同纠纷",
        "case_number": "(2026)京01民初1号",
        "court": "云河区人民法院",
        "room": "第一法庭",
        "starts_at_us": NOW_US,
        "ends_at_us": NOW_US + 3_600_000_000,
        "time_zone": "Asia/Shanghai",
        "participants": people,
    }
    return SittingPlan(**{**fields, **changes})


def ticket(participant: str, endpoint: str = "", *, user: str = "", sitting: str = "sitting", more: tuple[str, ...] = ()) -> Ticket:
    return Ticket(sitting, endpoint or f"e-{participant}", "participant", (participant, *more), "Chromium · Debian", user)


def room_ticket(endpoint: str = "room", name: str = "第一法庭主机", sitting: str = "sitting") -> Ticket:
    return Ticket(sitting, endpoint, "participant", (), name, device=name, shared=True)


def observer(name: str = "指挥员 孙", endpoint: str = "e-officer", sitting: str = "sitting") -> Ticket:
    return Ticket(sitting, endpoint, "observer", (), name, "u-officer")


def refused(code: str) -> pytest.RaisesExc[UserError]:
    """The person is told `code`."""
    return pytest.RaisesExc(UserError, check=lambda error: error.code == code)


class Sitting:
    """A conference without anything around it: commands in, state on. Keeps the log and checks that its fold is the state."""

    def __init__(self, **plan: Any) -> None:
        self.log: list[Event] = []
        self.now_us = NOW_US
        self._state: State | None = None
        self.system(Open(make_plan(**plan)))

    @property
    def state(self) -> State:
        assert self._state is not None
        return self._state

    def act(self, endpoint: str, command: Command, facts: Facts | None = None) -> list[str]:
        """The types of the events that follow."""
        return self._do(Actor(endpoint=endpoint), command, facts)

    def system(self, command: Command) -> list[str]:
        return self._do(SYSTEM, command, None)

    def outside(self, officer: Actor, command: Command) -> list[str]:
        return self._do(officer, command, None)

    def _do(self, actor: Actor, command: Command, facts: Facts | None) -> list[str]:
        self.now_us += 1_000_000
        events = handle(self._state, actor, command, self.now_us, facts or Facts(seal=SEAL))
        for event in events:
            self._state = apply(self._state, event)
        self.log += events
        return [event.type for event in events]

    def arrive(self, participant: str, endpoint: str = "", **more: Any) -> list[str]:
        return self.system(Arrive(ticket(participant, endpoint, **more)))

    def sit_down(self, *people: str, device: str = "room") -> list[str]:
        """They consent, each for himself, and somebody at the room's device says that they sit there."""
        found: list[str] = []
        for person in people:
            if not self.state.seats[person].consent:
                self.system(Consent(person, "2026-11", "ab" * 32, "第一法庭主机"))
            found += self.system(SitDown(person, device, "第一法庭主机"))
        return found

    def room_comes(self, device: str = "room") -> list[str]:
        return self.system(Arrive(room_ticket(device)))

    def watch(self) -> list[str]:
        return self.system(Arrive(observer()))

    def gathered(self, *people: str) -> Sitting:
        """Judge and `people` are inside."""
        self.arrive("judge")
        for person in people:
            self.arrive(person)
        if people:
            self.act("e-judge", Admit())
        return self

    def opened(self, *people: str) -> Sitting:
        """The hearing is open with judge and `people` inside."""
        self.gathered(*people)
        self.act("e-judge", ChangeStage(to="hearing"))
        return self

    def presence(self, participant: str) -> str:
        return self.state.seats[participant].presence
