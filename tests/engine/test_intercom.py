"""The intercom leaks nothing: on either engine, with real processes, what an officer and who answers him say comes to nobody else. Bytes of
payload are counted as in test_private_phases.py; each goes on sending whatever his rights are."""

from __future__ import annotations

import asyncio

import pytest

from rooms.commands import EndTalk, Talk
from tests.rooms.making import observer

from .chamber import Chamber

pytestmark = pytest.mark.timeout(240)
OTHERS = ("judge", "panel", "li", "gallery")


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def settled(chamber: Chamber) -> float:
    """The router has what is desired now; since when."""
    await chamber.house.hub._lives["sitting"].media.settled()
    return now_s()


async def test_what_is_said_with_one_aside_comes_to_nobody_else_and_to_the_record(chamber: Chamber) -> None:
    walk = await chamber.open("remote_court")
    await walk.to("investigation")
    people, hub = chamber.people, chamber.house.hub
    for who in ("zhang", *OTHERS):
        await people[who].receives()
    officer = await chamber.watched()
    for who in ("judge", "zhang"):  # the end of a picture may be too short to be known again
        await people[who].sends(switched_on=False)
    await people["judge"].switch_on("microphone")
    assert await officer.page.refused("publish", sdp="v=0", tracks=[]) == "not_inside"

    async def talks(*participants: str) -> None:
        await hub.step_in("sitting", Talk(observer().endpoint, "lead", 2, "核实设备", participants), user="u-officer", name=observer().name)
        await officer.page.sees(lambda view: view["intercom"] and view["intercom"]["participants"] == list(participants))

    began_s = now_s()
    await talks("zhang")
    await officer.sends(switched_on=False)
    await people["zhang"].gets("watcher")
    await chamber.recorded("watcher")
    await people["zhang"].page.send("answer_centre", on=True)
    await officer.gets("zhang")
    await chamber.recorded("zhang")
    await chamber.ledger.goes_on("watcher", "zhang", packets=150)
    assert chamber.leaked(began_s, *OTHERS, of=("watcher", "zhang"), recorder=False) == {}, "nobody in the room hears either of them"
    await people["li"].gets("judge")
    await people["zhang"].gets("judge")

    await people["zhang"].page.send("answer_centre", on=False)
    await officer.page.sees(lambda view: view["intercom"] and view["intercom"]["answering"] == [])
    hung_up_s = await settled(chamber)
    await chamber.ledger.goes_on("zhang", packets=150)
    assert chamber.leaked(hung_up_s, *OTHERS, "watcher", of=("zhang",)) == {}, "who hung up is heard nowhere until he opens his microphone"

    await people["zhang"].page.send("answer_centre", on=True)
    await officer.gets("zhang")
    await hub.step_in("sitting", EndTalk(2), user="u-officer", name=observer().name)
    await walk.chair.sees(lambda view: view["intercom"] is None)
    ended_s = await settled(chamber)
    await chamber.ledger.goes_on("watcher", "zhang", packets=150)
    assert chamber.leaked(ended_s, *OTHERS, "zhang", of=("watcher",)) == {}
    assert chamber.leaked(ended_s, *OTHERS, "watcher", of=("zhang",)) == {}

    await talks()
    for who in (*OTHERS, "zhang"):
        await people[who].gets("watcher")
    await chamber.recorded("watcher")
    for stage in ("debate", "final_statements", "deliberation"):
        await walk.go(stage)
    acknowledged_s, acknowledged_us = now_s(), chamber.house.clock()
    await chamber.ledger.goes_on("watcher", packets=150)
    assert chamber.leaked(acknowledged_s, "zhang", *OTHERS, of=("watcher",)) == {}
    assert chamber.tracks_begun_after(acknowledged_us) == []
