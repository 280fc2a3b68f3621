"""A sitting of any kind, gone through over WebSockets as its people do it: what a stage needs is done, then the chair goes on."""

from __future__ import annotations

from collections.abc import Mapping

from rooms.procedure import PROCEDURES
from tests.rooms.court import path_to
from tests.rooms.courthouse import Courthouse, Message, Page, until
from tests.rooms.making import held_by

PEOPLE: Mapping[str, Mapping[str, str]] = {
    "remote_court": {"panel": "panel", "clerk": "clerk", "zhang": "party", "lawyer": "agent", "li": "party", "gallery": "gallery"},
    "petition_intake": {"clerk": "clerk", "zhang": "petitioner", "lawyer": "lawyer"},
    "public_hearing": {
        "first": "hearing_officer",
        "second": "hearing_officer",
        "third": "hearing_officer",
        "zhang": "party",
        "lawyer": "agent",
        "gallery": "gallery",
    },
    "round_table": {"first": "member", "second": "member", "clerk": "clerk"},
    "remote_interrogation": {"clerk": "clerk", "zhang": "suspect", "officer": "custody_officer"},
}
"""Who takes part in a sitting of each kind besides "judge", who presides: by id the role."""


class Walk:
    """A sitting of `kind` on its way; everybody is inside. `pages` by id."""

    def __init__(self, house: Courthouse, kind: str, pages: dict[str, Page]) -> None:
        self.house = house
        self.kind = kind
        self.pages = pages
        self.roles = {"judge": PROCEDURES[kind].chair, **PEOPLE[kind]}

    @classmethod
    async def begun(cls, house: Courthouse, kind: str) -> Walk:
        """Everybody has come and was let in."""
        people = PEOPLE[kind]
        return cls(house, kind, await house.gathered(*people, **held_by(kind, **people)))

    @property
    def chair(self) -> Page:
        return self.pages["judge"]

    async def to(self, stage: str) -> None:
        """By the shortest way from the beginning to this stage."""
        for step in path_to(self.kind, stage):
            await self.go(step)

    async def go(self, stage: str, reason: str = "") -> Message:
        """The next stage, with all that it needs; what the chair sees of it."""
        about = PROCEDURES[self.kind].stages[stage]
        for who in self.roles if "roll_call" in about.needs else ():
            if who != "judge":
                await self.chair.send("roll", participant=who, answer="present")
        for who, role in self.roles.items() if "identity" in about.needs else ():
            if role in PROCEDURES[self.kind].identified:
                await self.chair.send("identify", participant=who, result="confirmed", note="当庭核对身份证原件")
        for who, role in self.roles.items() if "consents" in about.needs else ():
            if role in PROCEDURES[self.kind].consents:
                await self.consent(who, stage)
        for who, role in self.roles.items() if "opinions" in about.needs else ():
            if role == "hearing_officer":
                await self.pages[who].send("opinion", text="同意不起诉", final=True)
        await self.chair.sees(lambda view: any(n["to"] == stage and not n["blocked"] for n in view["sitting"]["next_stages"]))
        allowed = next(n["reasons"] for n in self.chair.view["sitting"]["next_stages"] if n["to"] == stage)
        await self.chair.send("stage", to=stage, reason=reason or next(iter(allowed), ""))
        return await self.chair.sees(lambda view: view["sitting"]["stage"] == stage)

    async def consent(self, who: str, stage: str) -> None:
        """He consents to this stage if he has not."""
        if stage not in self.house.state().seats[who].consents:
            await self.pages[who].send("consent", stages=[stage], agree=True)
            await until(lambda: stage in self.house.state().seats[who].consents)
