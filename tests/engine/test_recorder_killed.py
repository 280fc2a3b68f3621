"""A recorder that is killed, and a server that is started anew, in the midst of a sitting: on either engine, with real processes.

An interrogation does not go on unrecorded. And whatever dies inside a private phase, nothing of it is recorded afterwards: what comes
back asks the log where the sitting stands, and not what it did before.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.rooms.courthouse import alerts, until

from .chamber import Chamber

pytestmark = pytest.mark.timeout(240)


async def test_an_interrogation_stops_when_its_recorder_is_killed_and_goes_on_with_the_next(chamber: Chamber) -> None:
    walk = await chamber.open("remote_interrogation")
    await walk.to("questioning")
    people = chamber.people
    for who in ("judge", "zhang"):
        await people[who].sends()
    await chamber.recorded("judge", "zhang")
    await walk.chair.sees(lambda view: view["recording"]["state"] == "recording")
    await until(lambda: sum(chamber.on_disk().values()) > 10_000)

    chamber.kill_recorder()
    view = await walk.chair.sees(lambda view: view["sitting"]["stage"] == "recess")
    assert "recorder_lost" in alerts(view) or "recording_failed" in alerts(view)
    stopped = await chamber.house.logged("stopped")
    assert stopped.data["reason"] == "recording_failed"
    changed = [row for row in await chamber.house.hub.rows("sitting") if row.type == "stage_changed"][-1]
    assert (changed.data["to"], changed.data["by"]) == ("recess", {"system": True}), "nobody had to notice it"
    assert await people["zhang"].page.refused("source", source="microphone", on=True) == "source_not_in_stage", "nobody is questioned"
    assert await walk.chair.refused("stage", to="questioning") == "recording_not_ready"
    before = chamber.on_disk()

    chamber.start_recorder()
    await walk.chair.sees(lambda view: not {"recorder_lost", "recording_failed"} & set(alerts(view)))
    await walk.go("questioning")
    assert (await chamber.house.logged("resumed")).data["reason"] == "recording_failed"
    for who in ("judge", "zhang"):
        await people[who].switch_on("microphone", "camera")
    await chamber.recorded("judge", "zhang")
    await walk.chair.sees(lambda view: view["recording"]["state"] == "recording")
    await until(lambda: len(chamber.on_disk()) > len(before))
    assert all(chamber.on_disk()[name] >= size - 1 for name, size in before.items())


@pytest.mark.parametrize("dies", ["recorder", "server"])
async def test_nothing_of_a_private_phase_is_recorded_by_what_is_started_inside_it(chamber: Chamber, dies: str) -> None:
    members = ("first", "second")
    walk = await chamber.open("public_hearing")
    await walk.to("questions")
    people = chamber.people
    for who in (*members, "judge"):
        await people[who].sends()
    await people["first"].receives()
    await walk.chair.send("give_floor", participant="second")
    await people["second"].switch_on("microphone")
    await chamber.recorded("second", "judge")
    await until(lambda: sum(chamber.on_disk().values()) > 10_000)

    await walk.go("discussion")
    acknowledged_s, acknowledged_us = asyncio.get_running_loop().time(), chamber.house.clock()
    await until(lambda: [row["kind"] for row in chamber.ledger_of_recorder()][-1:] == ["stop"])
    before = chamber.on_disk()
    for who in members:
        await people[who].switch_on("microphone", "camera")
    await people["first"].gets("second")

    if dies == "recorder":
        told: list[str] = []
        chamber.house.recorder.on_event(lambda event: told.append(event.name))
        chamber.kill_recorder()
        await until(lambda: "lost" in told)
        chamber.start_recorder()
        await until(lambda: "up" in told)
    else:
        await chamber.restart_server()
        walk = chamber.walk or walk
        await walk.chair.sees(lambda view: view["sitting"]["stage"] == "discussion")
        await people["first"].receives()
    await people["first"].gets("second", more=8000)
    await chamber.ledger.goes_on(*members, "judge", packets=150)
    await people["first"].gets("second")
    assert chamber.leaked(acknowledged_s) == {}, "no byte of it comes to the recorder"
    assert chamber.on_disk() == before
    assert chamber.tracks_begun_after(acknowledged_us) == []
    assert chamber.ledger_of_recorder()[-1]["kind"] != "start"

    for who in ("first", "second", "third"):
        await people[who].page.send("opinion", text=f"{who} 同意", final=True)
    await walk.go("opinions")
    await people["judge"].switch_on("microphone", "camera")
    await chamber.recorded("judge")
    await until(lambda: len(chamber.on_disk()) > len(before))
