"""Each kind of sitting from its waiting room to its end, private phase included: two at browsers, the others robots that send and decode;
getStats says who received what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.procedure import BRIEF_COURT, PROCEDURES
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court, Held
from tests.browser.hearing import Seat, to_the_waiting_room
from tests.browser.site import Site
from tests.robot import Robot

BUSY_S = 60.0
"""A limit that only ends a test on a machine that is busy with something else."""
SILENT_S = 2.0


@dataclass(frozen=True)
class Kind:
    """Who takes part (name, role), who of them sits at a browser, and the stages in the order in which they are gone through."""

    people: tuple[tuple[str, str], ...]
    at_browsers: tuple[str, str]
    stages: tuple[str, ...]
    clerk: bool = False
    private: str = ""


KINDS = {
    "remote_court": Kind(
        (("李明", "party"), ("王芳", "party"), ("陪审员赵", "panel"), ("旁听陈", "gallery")),
        ("陪审员赵", "旁听陈"),
        ("roll_call", "identity", "investigation", "debate", "final_statements", "deliberation", "judgment", "minutes"),
        private="deliberation",
    ),
    "public_hearing": Kind(
        (("听证员甲", "hearing_officer"), ("听证员乙", "hearing_officer"), ("听证员丙", "hearing_officer"), ("李明", "party")),
        ("听证员甲", "李明"),
        ("roll_call", "presentation", "parties", "questions", "discussion", "opinions", "last_statements", "summary", "minutes"),
        private="discussion",
    ),
    "round_table": Kind(
        (("成员甲", "member"), ("成员乙", "member"), ("成员丙", "member")),
        ("成员甲", "成员乙"),
        ("report", "opinions", "conclusion", "tasks"),
    ),
    "remote_interrogation": Kind(
        (("犯罪嫌疑人吴某", "suspect"), ("看守所民警郑", "custody_officer")),
        ("犯罪嫌疑人吴某", "看守所民警郑"),
        ("out_of_cell", "identity", "rights", "recording_notice", "questioning", "minutes", "back_in_cell"),
        clerk=True,
    ),
}
"""The fifth, petition intake, is walked through its pages in test_procedure_pages.py."""


@dataclass
class Walk:
    """One sitting under way. The chair is a robot; `robots` are all of them."""

    kind: str
    held: Held
    chair: Robot
    robots: list[Robot] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)

    @property
    def stage(self) -> str:
        return str(self.chair.view["sitting"]["stage"])

    def role(self, name: str) -> str:
        return str(next(p["role"] for p in self.chair.view["participants"] if p["name"] == name))

    async def prepare(self, to: str) -> None:
        """Whatever the next stage needs is done by those whom it concerns."""
        needs = PROCEDURES[self.kind].stages[to].needs
        listed = [p for p in self.chair.view["participants"] if p["presence"] == "present" and not p["you"]]
        if "roll_call" in needs:
            for person in listed:
                await self.chair.send(type="roll", participant=person["id"], answer="present")
        if "identity" in needs:
            for person in listed:
                if person["role"] in PROCEDURES[self.kind].identified:
                    await self.chair.send(
                        type="identify", participant=person["id"], result="confirmed", face=None, document=None, note="当庭核对身份证原件"
                    )
        if "consents" in needs:
            for robot in self.robots:
                due = [d["stage"] for p in robot.view["participants"] if p["you"] for d in p["consents_due"]]
                if due:
                    await robot.send(type="consent", stages=due, agree=True)
        if "opinions" in needs:
            for robot in self.robots:
                if self.role(robot.name) == "hearing_officer":
                    await robot.send(type="opinion", text=f"{robot.name}：同意拟不起诉", final=True)

    async def go(self, to: str) -> None:
        """The chair goes on as soon as nothing is missing any more."""

        def entry() -> dict[str, object]:
            found: dict[str, object] = next((n for n in self.chair.view["sitting"]["next_stages"] if n["to"] == to), {})
            return found

        await self.chair.until(lambda _: bool(entry()) and not entry()["blocked"], f"may go to {to}", BUSY_S)
        reasons = entry()["reasons"]
        await self.chair.send(type="stage", to=to, reason=reasons[0] if isinstance(reasons, list) and reasons else "")
        if to != PROCEDURES[self.kind].last:
            await self.chair.until(lambda view: view["sitting"]["stage"] == to, f"is in {to}", BUSY_S)
            for seat in self.seats:
                await seat.until_stage(to, BUSY_S)

    async def all_on(self) -> None:
        """Every robot that may switches its camera on, which a pause or a private phase has closed."""
        for robot in self.robots:
            await robot.until(lambda view: view["sitting"]["stage"] == self.stage, f"is told of {self.stage}", BUSY_S)
            mine = next(p for p in robot.view["participants"] if p["you"])
            if mine["sources"]["camera"]["allowed"] and not mine["sources"]["camera"]["on"]:
                await robot.send(type="source", source="camera", on=True)

    async def received(self) -> None:
        """Each at a browser gets the pictures that his role has a right to in this stage, and where it has none nothing at all."""
        procedure = PROCEDURES[self.kind]
        for seat in self.seats:
            rights = procedure.rights_of(self.role(seat.name), self.stage)
            sends = [r for r in self.robots if procedure.rights_of(self.role(r.name), self.stage, r is self.chair).sources]
            if rights.see and sends:
                await seat.sees(sends[0].name, BUSY_S)
            elif not rights.see:
                await asyncio.sleep(0.5)
                before = [await seat.person.packets_received(kind) for kind in ("audio", "video")]
                await asyncio.sleep(SILENT_S)
                after = [await seat.person.packets_received(kind) for kind in ("audio", "video")]
                assert before == after, f"{seat.name} gets packets in {self.stage}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.main) if kind == "public_hearing" else kind for kind in KINDS])
async def test_a_sitting_of_each_kind_from_the_waiting_room_to_its_end(site: Site, person: PersonFactory, kind: str) -> None:
    about = KINDS[kind]
    court = await Court.open(site)
    robots: list[Robot] = []
    administrator = (await court.person("administrator")).user
    try:
        # The court of the other tests sits in four stages.
        await procedures.adopt(court.db, PROCEDURES[kind].text, administrator, utc_now())
        held = await court.sitting(about.people, kind=kind, with_clerk=about.clerk)
        chair = await Robot.signed_in(site, held, held.chair)
        robots.append(chair)
        if held.clerk is not None:
            robots.append(await Robot.signed_in(site, held, held.clerk))
        robots += [await Robot.by_link(site, held, name) for name, _ in about.people if name not in about.at_browsers]
        speaks = {name: bool(PROCEDURES[kind].rights_of(role, PROCEDURES[kind].first).sources) for name, role in about.people}
        seats = [await to_the_waiting_room(await person(), held, name, devices=speaks[name]) for name in about.at_browsers]
        walk = Walk(kind, held, chair, robots, seats)
        await chair.admit_everybody(len(about.people))
        for seat in seats:
            await seat.until_inside(BUSY_S)
        for number, robot in enumerate(robots):
            await robot.take_part("VP8", 60 + 30 * number)
        await walk.received()
        for stage in about.stages:
            await walk.prepare(stage)
            if "opinions" in PROCEDURES[kind].stages[stage].needs:
                await hand_in_the_opinion(seats[0])
            await walk.go(stage)
            await walk.all_on()
            await walk.received()
            recorded = PROCEDURES[kind].stages[stage].recorded
            await chair.until(lambda view, on=recorded: (view["recording"]["state"] == "recording") == on, "records", BUSY_S)  # type: ignore[misc]
        await walk.go("closed")
        for seat in seats:
            await seat.until(lambda f: f["screen"] == "ended", "sees that it is over", BUSY_S)
        assert [seat.person.errors for seat in seats] == [[], []]
    finally:
        await asyncio.gather(*(robot.close() for robot in robots))
        await procedures.adopt(court.db, BRIEF_COURT.text, administrator, utc_now())
        await court.close()


async def hand_in_the_opinion(seat: Seat) -> None:
    """A hearing officer writes his opinion on the page and hands it in, after which it is sealed."""
    page = seat.person.page
    await page.fill('[data-part="opinion-text"]', "事实清楚，情节轻微，同意拟不起诉")
    await page.click('[data-act="opinion"]')
    if await page.locator("dialog[open]").count():
        await page.click('dialog[open] button[type="submit"]')
    await seat.until(lambda f: f["view"]["opinions"]["mine_final"], "has handed in his opinion", BUSY_S)
