"""Private phases leak nothing: on either engine, with real processes, bytes of payload are counted wherever they could come out.

Each member sends on whatever his rights are, and what he sends is known again by its bytes (ledger.py): a payload that leaves him after
the chair's page was told of the phase reaches no outsider, no watcher and no recorder. What left him before may still be on its way, for as
long as the machine is busy; nothing comes that nobody has sent.
"""

from __future__ import annotations

import asyncio

import pytest

from rooms.commands import BreakIn, EndBreakIn
from tests.rooms.making import observer

from .chamber import Chamber

pytestmark = pytest.mark.timeout(240)


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_while_hearing_officers_discuss_nobody_else_gets_a_byte(chamber: Chamber) -> None:
    members, outsiders = ("first", "second"), ("judge", "zhang", "gallery", "watcher")
    walk = await chamber.open("public_hearing")
    await walk.to("questions")
    people = chamber.people
    for who in (*members, "judge"):
        await people[who].sends()
    for who in ("first", *outsiders[:-1]):
        await people[who].receives()
    await chamber.watched()
    await walk.chair.send("give_floor", participant="second")
    await people["second"].switch_on("microphone")
    for who in outsiders:
        await people[who].gets("second")
    await chamber.recorded("second", "judge")

    await walk.go("discussion")
    acknowledged_s, acknowledged_us = now_s(), chamber.house.clock()
    for who in members:
        await people[who].switch_on("microphone", "camera")
    await people["first"].gets("second", more=8000)
    await chamber.ledger.goes_on(*members, "judge", packets=150)
    await people["first"].gets("second")
    assert chamber.leaked(acknowledged_s, *outsiders) == {}, "no media of anybody comes to anybody outside"
    assert chamber.tracks_begun_after(acknowledged_us) == []

    for who in ("first", "second", "third"):
        await people[who].page.send("opinion", text=f"{who} 同意", final=True)
    await walk.go("opinions")
    await people["second"].switch_on("camera")
    await people["judge"].switch_on("microphone", "camera")
    await people["watcher"].receives()
    for who in ("judge", "zhang", "gallery", "watcher", "first"):
        await people[who].gets("second" if who == "judge" else "judge")
    await chamber.recorded("second", "judge")


async def test_while_a_lawyer_talks_with_his_client_the_hearing_goes_on_without_a_byte_of_theirs(chamber: Chamber) -> None:
    members, outsiders = ("zhang", "lawyer"), ("judge", "panel", "li", "gallery", "watcher")
    walk = await chamber.open("remote_court")
    await walk.to("investigation")
    people = chamber.people
    for who in (*members, "judge"):
        await people[who].sends()
    for who in ("zhang", *outsiders[:-1]):
        await people[who].receives()
    await chamber.watched()
    await walk.chair.send("give_floor", participant="lawyer")
    await people["lawyer"].switch_on("microphone")
    for who in outsiders:
        await people[who].gets("lawyer")
    await chamber.recorded("lawyer", "judge")

    await walk.chair.send("consult", participants=list(members))
    await walk.chair.sees(lambda view: view["consults"])
    acknowledged_s = now_s()
    for who in members:
        await people[who].switch_on("microphone", "camera")
    await people["zhang"].gets("lawyer", more=8000)
    await people["li"].gets("judge")
    settled_s = now_s()
    await chamber.ledger.goes_on(*members, packets=150)
    await people["zhang"].gets("lawyer")
    await people["li"].gets("judge")
    await chamber.recorded("judge")
    assert chamber.leaked(acknowledged_s, *outsiders, of=members) == {}
    assert chamber.leaked(settled_s, "zhang", of=("judge",), recorder=False) == {}, "nor do they get anything of the main room"
    assert chamber.leaked(settled_s, "watcher", recorder=False) == {}, "the command centre watches nothing meanwhile, not even the judge"

    await people["zhang"].page.send("end_consult", consult="1")
    await walk.chair.sees(lambda view: not view["consults"])
    await people["lawyer"].switch_on("microphone", "camera")
    await people["watcher"].receives()
    for who in outsiders:
        await people[who].gets("lawyer")
    await people["zhang"].gets("judge")
    await chamber.recorded("lawyer")


async def test_an_officer_who_broke_in_reaches_everybody_until_he_ends_it_or_the_deliberation_begins(chamber: Chamber) -> None:
    walk = await chamber.open("remote_court")
    await walk.to("investigation")
    people, hub = chamber.people, chamber.house.hub
    for who in ("zhang", "judge", "panel"):
        await people[who].receives()
    officer = await chamber.watched()

    async def breaks_in() -> None:
        await hub.step_in("sitting", BreakIn(observer().endpoint, "lead", 2, "设备故障说明"), user="u-officer", name=observer().name)
        await officer.page.sees(lambda view: view["break_in"] and view["break_in"]["you"])

    assert await officer.page.refused("publish", sdp="v=0", tracks=[]) == "not_inside"
    await breaks_in()
    await officer.sends(switched_on=False)
    for who in ("zhang", "judge"):
        await people[who].gets("watcher")
    await chamber.recorded("watcher")

    await hub.step_in("sitting", EndBreakIn(2), user="u-officer", name=observer().name)
    await walk.chair.sees(lambda view: view["break_in"] is None)
    await chamber.house.logged("break_in_ended")
    await hub._lives["sitting"].media.settled()
    ended_s = now_s()
    await chamber.ledger.goes_on("watcher", packets=150)
    assert chamber.leaked(ended_s, "zhang", "judge", "panel") == {}, "who goes on sending reaches nobody, and no record"

    for stage in ("debate", "final_statements"):
        await walk.go(stage)
    await breaks_in()
    await people["zhang"].gets("watcher")
    await walk.go("deliberation")
    acknowledged_s, acknowledged_us = now_s(), chamber.house.clock()
    await chamber.ledger.goes_on("watcher", packets=150)
    assert chamber.leaked(acknowledged_s, "zhang", "judge", "panel") == {}
    assert chamber.tracks_begun_after(acknowledged_us) == []
