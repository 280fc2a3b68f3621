"""Each kind of sitting from its waiting room to its end with all its roles, private phase included: two at browsers, the others robots
that send and decode, an officer of the command centre who watches. After every step it is counted who received what: each exactly what
his role has a right to, in no stage anything of one whom he must not see or hear."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import expect

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.participant.participant import Refused
from rooms.procedure import BRIEF_COURT, PROCEDURES
from rooms.votes import NO_VOTE
from tests.browser.arrivals import AtPage, AtRecorder, AtRobot
from tests.browser.casts import CASTS
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import to_the_waiting_room
from tests.browser.recorded import Folder
from tests.browser.site import Site
from tests.browser.walk import BUSY_S, RECORDER, Track, Walk, switch_on
from tests.robot import Robot

AT_BROWSERS = {
    "remote_court": ("陪审员赵敏", "旁听陈静"),
    "petition_intake": ("信访人李秀英", "对接干部何勇"),
    "public_hearing": ("听证员甲", "代理人王芳"),
    "round_table": ("成员甲", "成员乙"),
    "remote_interrogation": ("犯罪嫌疑人小吴", "民警郑刚"),
}
OPINION = "事实清楚"


async def choose_what_to_hear(walk: Walk) -> None:
    """A listener chooses on his page: the original, the interpretation, or both; the sound follows, the pictures stay."""
    seat = next(seat for seat in walk.seats if walk.rights(seat.name).see)
    interpreter = next(name for name, role in walk.cast.people if role == "interpreter")
    if not walk.rights(interpreter).speak:
        await walk.chair.send(type="give_floor", participant=walk.held.participants[interpreter])
        await switch_on(walk.robot(interpreter), "microphone")
    original, interpretation = (seat.name, walk.chair.name, "microphone"), (seat.name, interpreter, "microphone")
    choices: dict[str, set[Track]] = {
        "original": {original},
        "interpretation": {interpretation},
        "mix": {original, interpretation},
    }
    for choice, heard in choices.items():
        button = seat.person.page.locator(f'[data-listen="{choice}"]')
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        await walk.arrive(heard | {(seat.name, walk.chair.name, "camera")}, f"{seat.name} hears the {choice} and sees")
        unwanted = await walk.grown() & {original, interpretation} - heard
        assert not unwanted, f"{seat.name} wants the {choice}"
    if walk.chair.view["sitting"]["floor"]:
        await walk.chair.send(type="take_floor")
        await walk.chair.until(lambda view: view["sitting"]["floor"] is None, "has the floor back")


async def send_the_guardian_out(walk: Walk) -> None:
    """While the guardian waits outside nobody hears the minor, who was heard before."""
    assert walk.cast.guards is not None
    guardian, minor = walk.cast.guards
    if not walk.rights(minor).speak:
        await walk.chair.send(type="give_floor", participant=walk.held.participants[minor])
    if minor in walk.counting and not any(seat.name == minor for seat in walk.seats):
        await switch_on(walk.robot(minor), "microphone")
    await walk.arrive({(walk.chair.name, minor, "microphone")}, f"{minor} is heard")
    await walk.chair.send(type="to_waiting", participant=walk.held.participants[guardian])
    await walk.chair.until(lambda _: guardian not in set(walk.inside()), "the guardian is outside", BUSY_S)
    said = sorted(track for track in await walk.grown() if track[1:] == (minor, "microphone") or track[0] == guardian)
    assert said == [], "a minor is not heard alone, and whoever is outside receives nothing"
    await walk.chair.send(type="admit", participants=[walk.held.participants[guardian]])
    await walk.takes_part(walk.robot(guardian))
    await walk.chair.until(lambda _: guardian in set(walk.inside()), "the guardian is back", BUSY_S)
    await switch_on(walk.robot(guardian), "camera")
    await walk.arrive({(walk.chair.name, minor, "microphone")}, f"{minor} is heard again")
    if walk.chair.view["sitting"]["floor"]:
        await walk.chair.send(type="take_floor")
        await walk.chair.until(lambda view: view["sitting"]["floor"] is None, "has the floor back")
    await walk.all_on()


async def talk_with_the_lawyer(walk: Walk) -> None:
    """Client and lawyer, with the guardian, talk among themselves: nobody else gets anything of them, and they nothing of others."""
    names = frozenset(name for name, role in walk.cast.people if role in {"petitioner", "lawyer", "guardian"})
    await walk.chair.send(type="consult", participants=[walk.held.participants[name] for name in names])
    await walk.chair.until(lambda view: len(view["consults"]) == 1, "they talk among themselves", BUSY_S)
    walk.apart = names
    await walk.told(lambda name, view: bool(view["private"]) and view["private"]["member"] == (name in names))
    await walk.all_on()
    await walk.counted()
    await walk.chair.send(type="end_consult", consult=walk.chair.view["consults"][0]["id"])
    await walk.chair.until(lambda view: not view["consults"], "the talk is over", BUSY_S)
    walk.apart = frozenset()
    await walk.told(lambda _, view: view["private"] is None)
    await walk.all_on()


async def hand_in_opinions(walk: Walk, then: str) -> None:
    """Each hearing officer hands in his opinion, the last on his page; nobody reads one of another before, and the chair cannot go on."""
    seat = next(seat for seat in walk.seats if walk.role(seat.name) == "hearing_officer")
    writers = {name for name, role in walk.cast.people if role == "hearing_officer"}
    await walk.chair.until(
        lambda view: len(view["opinions"]["given"]) == len(writers) - 1, "sees who of them has handed in his opinion", BUSY_S
    )
    assert walk.next_stage(then)["blocked"], "an opinion is missing"
    await seat.person.page.fill('[data-part="opinion-text"]', f"{seat.name}：{OPINION}，同意拟不起诉")
    await seat.person.page.click('[data-act="opinion"]')
    await seat.person.page.click('dialog[open] button[type="submit"]')
    await seat.until(lambda f: f["view"]["opinions"]["mine_final"], "has handed in his opinion", BUSY_S)
    await walk.chair.until(lambda _: not walk.next_stage(then)["blocked"], "may go on", BUSY_S)
    for reader, view in (await walk.views()).items():
        told = json.dumps(view, ensure_ascii=False)
        assert [name for name in writers - {reader} if f"{name}：{OPINION}" in told] == [], f"{reader} reads before all are opened"


async def opinions_are_opened(walk: Walk) -> None:
    """All of them, to all who are inside and see."""
    writers = {walk.held.participants[name] for name, role in walk.cast.people if role == "hearing_officer"}
    for reader, view in (await walk.views()).items():
        if reader in set(walk.inside()) and walk.rights(reader).see:
            opened = {each["participant"]: each["text"] for each in view["opinions"]["opened"]}
            assert set(opened) == writers, f"{reader} reads all of them"
            assert all(OPINION in text for text in opened.values())


async def vote(walk: Walk) -> None:
    """The members vote on a question, those at browsers with a dissent; how, nobody reads before all have voted and it is closed. Of the
    question itself they alone are told who see the stage, those among them who do not vote (a clerk) included."""
    await walk.chair.send(type="put_question", text="是否从轻处罚？")
    await walk.chair.until(lambda view: len(view["questions"]) == 1, "has put a question", BUSY_S)
    question = walk.chair.view["questions"][0]["id"]
    see = {name for name in walk.inside() if walk.rights(name).see}
    members = {name for name in see if walk.role(name) not in NO_VOTE}
    for robot in walk.robots:
        if robot.name in members:
            await robot.until(lambda view: bool(view["questions"]), "is asked", BUSY_S)
            await robot.send(type="vote", question=question, choice="for")
    at_pages = [seat for seat in walk.seats if seat.name in members]
    for seat in at_pages:
        for reader, view in (await walk.views()).items():
            shown = [each for each in view["questions"] if each["result"] is not None or reader not in see]
            assert shown == [], f"{reader} is told nothing yet"
        await seat.person.page.click('[data-act="vote"][data-choice="against"]')
        await seat.person.page.fill("dialog[open] textarea", "应当从重")
        await seat.person.page.click('dialog[open] button[type="submit"]')
        await seat.until(lambda f: f["view"]["questions"][0]["mine"] == "against", "has voted", BUSY_S)
    await walk.chair.until(lambda view: len(view["questions"][0]["given"]) == len(members), "sees that all have voted", BUSY_S)
    assert walk.chair.view["questions"][0]["result"] is None
    await walk.chair.send(type="close_question", question=question)
    for robot in walk.robots:
        if robot.name in members:
            await robot.until(lambda view: view["questions"][0]["result"] is not None, "reads the result", BUSY_S)
            result = robot.view["questions"][0]["result"]
            assert (result["yes"], result["no"]) == (len(members) - len(at_pages), len(at_pages))
    for reader, view in (await walk.views()).items():
        assert reader in see or not view["questions"], f"{reader} does not see the stage"


@pytest.mark.alone
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", CASTS)
async def test_everybody_in_a_sitting_of_each_kind_receives_what_he_has_a_right_to_and_nothing_else(
    site: Site, person: PersonFactory, kind: str
) -> None:
    cast, procedure = CASTS[kind], PROCEDURES[kind]
    court = await Court.open(site)
    robots: list[Robot] = []
    administrator = (await court.person("administrator")).user
    try:
        await procedures.adopt(court.db, procedure.text, administrator, utc_now())  # this site's unit has adopted a short court
        held = await court.sitting(cast.people, kind=kind, with_clerk=True, guards=cast.guards, screened=cast.screened)
        assert held.clerk is not None
        robots.append(await Robot.signed_in(site, held, held.chair))
        robots.append(await Robot.signed_in(site, held, held.clerk))
        for name, _ in cast.people:
            if name not in AT_BROWSERS[kind]:
                robots.append(await Robot.by_link(site, held, name))
        counting: dict[str, AtPage | AtRobot | AtRecorder] = {robot.name: AtRobot(robot) for robot in robots}
        seats = []
        for name, role in cast.people:
            if name in AT_BROWSERS[kind]:
                at = await person()
                counting[name] = AtPage(at)
                seats.append(await to_the_waiting_room(at, held, name, devices=bool(procedure.rights_of(role, procedure.first).sources)))
        officer = await court.person("officer")
        observer = Robot(site, held, officer.user.name)
        walking = robots[:]
        robots.append(observer)
        if procedure.stages[procedure.first].observable:
            await observer.observe(officer)
            counting[observer.name] = AtRobot(observer)
        else:
            with pytest.raises(Refused, match="private"):
                await observer.observe(officer)
        recorder = counting[RECORDER] = AtRecorder(Folder(site.data / "recordings" / held.id))
        walk = Walk(kind, cast, held, walking, observer, seats, counting, recorder, procedure.first)

        await walk.chair.admit_everybody(len(cast.people))
        for seat in seats:
            await seat.until_inside(BUSY_S)
        there = set(procedure.rights[procedure.first])

        def all_in(view: dict[str, list[dict[str, str]]]) -> bool:
            return all(p["presence"] == "present" or p["role"] not in there for p in view["participants"])

        await walk.chair.until(all_in, "all are in", BUSY_S)
        for robot in walk.robots:
            if robot.name in set(walk.inside()):
                await walk.takes_part(robot)
            else:
                await robot.watches_in_vain()
        await walk.all_on()
        await walk.counted()
        for number, stage in enumerate(cast.stages):
            await walk.prepare(stage)
            opened = "opinions" in procedure.stages[stage].needs
            if opened:
                await hand_in_opinions(walk, stage)
            await walk.go(stage)
            if opened:
                await opinions_are_opened(walk)
            await walk.counted()
            if procedure.stages[stage].votes and not walk.chair.view["questions"]:
                await vote(walk)
            if number == 1:
                await choose_what_to_hear(walk)
                if cast.guards:
                    await send_the_guardian_out(walk)
                if kind == "petition_intake":
                    await talk_with_the_lawyer(walk)
                await walk.counted()
        await walk.go(procedure.last)
        for seat in seats:
            await seat.until(lambda f: f["screen"] == "ended", "sees that it is over", BUSY_S)
        assert [seat.person.errors for seat in seats] == [[], []]
        assert set(walk.arrived_in) == {procedure.first, *cast.stages}
        assert all(walk.arrived_in.values()), "in every stage somebody received something"
    finally:
        await asyncio.gather(*(robot.close() for robot in robots))
        await procedures.adopt(court.db, BRIEF_COURT.text, administrator, utc_now())
        await court.close()

