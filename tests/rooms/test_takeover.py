"""After a restart everybody is where he was; and of two servers only one owns a conference, whatever the other believes."""

from __future__ import annotations

import asyncio

import pytest

import rooms.hub
from rooms import live, media_link
from rooms.log import GENESIS
from rooms.media.engine import Source
from rooms.sqlite_log import SqliteLog
from tests.rooms.courthouse import Courthouse, alerts, person, until
from tests.rooms.in_memory import MemoryEngine
from tests.rooms.making import make_plan, ticket

MICROPHONE = Source.MICROPHONE


# ------------------------------------------------------------------------------------------------ a restart


async def test_after_a_restart_everybody_is_in_place_role_and_rights(house: Courthouse) -> None:
    pages = await house.opened("clerk", "zhang", "li", "gallery")
    await pages["zhang"].send("source", source="microphone", on=True)
    await pages["judge"].send("mute", participant="li", source="microphone")
    await pages["judge"].sees(lambda view: person(view, "li")["sources"]["microphone"]["muted_by_chair"])
    before = {who: page.view for who, page in pages.items()}
    await house.close()
    assert house.engine.routings["sitting"].publish["e-zhang"] == {MICROPHONE}, "media flows on"
    assert house.recorder.on["sitting"], "the recording goes on"

    house.clock.forward(8)
    successor = await house.successor().start()
    assert (await successor.logged("server_restarted")).data["down_from_us"] > 0
    judge = await successor.enter("judge")
    lost = {p["id"]: p["presence"] for p in judge.view["participants"]}
    assert lost == {"judge": "present", **dict.fromkeys(("clerk", "zhang", "li", "gallery"), "lost"), "witness": "absent"}
    await successor.routed(lambda routing: {"e-judge", "e-clerk", "e-zhang", "e-li", "e-gallery"} <= set(routing.publish))

    back = {"judge": judge} | {who: await successor.enter(who) for who in ("clerk", "zhang", "li", "gallery")}
    for who, page in back.items():
        seen = await page.sees(lambda view: all(p["presence"] in {"present", "absent"} for p in view["participants"]))
        seen = await page.sees(lambda view: view["recording"]["state"] == "recording")
        for part in ("place", "rights", "alerts"):
            assert seen[part] == before[who][part], who
        for then, now in zip(before[who]["participants"], seen["participants"], strict=True):
            for part in ("id", "name", "role", "presence", "endpoint", "sources"):
                assert now[part] == then[part], who
        assert seen["sitting"]["stage"] == "hearing"
    assert successor.types().count("endpoint_resumed") == 5
    assert "endpoint_lost" not in successor.types()
    await successor.close()


async def test_after_a_restart_a_page_keeps_the_media_that_flowed_on(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    for who in ("zhang", "li"):
        await pages[who].send("publish", sdp="v=0", tracks=[{"mid": "0", "source": "camera"}])
        await pages[who].send("subscribe")
    mine = {who: ((await pages[who].told("published"))["transport"], await pages[who].told("offer")) for who in ("zhang", "li")}
    await house.close()
    successor = await house.successor().start()
    publish, offer = mine["zhang"]
    back = await successor.enter("zhang", publish=publish, subscribe=offer["transport"])
    welcome = await back.told("welcome")
    assert (welcome["keep_publish"], welcome["keep_subscribe"]) == (True, True)

    other = await successor.enter("li", publish=publish, subscribe="gone")
    welcome = await other.told("welcome")
    assert (welcome["keep_publish"], welcome["keep_subscribe"]) == (False, False), "another's transport is nobody's own"
    await successor.close()


async def test_after_a_restart_the_recording_goes_on_and_its_log_is_complete(house: Courthouse) -> None:
    await house.opened("zhang")
    house.clock.forward(10)
    await house.close()
    successor = await house.successor().start()
    judge = await successor.enter("judge")
    house.clock.forward(5)
    successor.recorder.beat("sitting")
    seen = await judge.sees(lambda view: view["recording"]["state"] == "recording")
    recording = seen["recording"]
    assert recording["seconds"] + (house.clock.now_us - recording["at_us"]) / 1e6 == 15
    assert ("record", True, "recorder_restarted", "审判长 周正") in successor.recorder.commands
    await successor.logged("endpoint_resumed")
    rows = [row.line() for row in await successor.hub.rows("sitting")]
    await until(lambda: successor.recorder.rows["sitting"] == rows)
    await successor.close()


async def test_who_does_not_come_back_after_a_restart_is_lost_and_keeps_his_place(
    house: Courthouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.opened("zhang")
    await house.close()
    monkeypatch.setattr(live, "LOST_AFTER_S", 0.5)
    successor = await house.successor().start()
    await successor.routed(lambda routing: not routing.publish)
    assert {row.data["endpoint"] for row in successor.written if row.type == "endpoint_lost"} == {"e-judge", "e-zhang"}
    monkeypatch.setattr(live, "LOST_AFTER_S", 60.0)
    assert (await successor.enter("zhang")).view["place"] == "inside"
    await successor.close()


async def test_what_was_closed_while_nobody_could_seal_it_is_sealed_after_the_restart(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    house.recorder.faults["seal"] = "timeout"
    await pages["judge"].send("stage", to="closed")
    await house.logged("recording_stopped")
    await house.close()
    assert "sealed" not in house.types()
    house.recorder.faults.clear()
    successor = await house.successor().start()
    assert (await successor.logged("sealed")).data["manifest_sha256"] == "ab" * 32
    await until(lambda: successor.hub.overview("sitting") is None)
    assert set(house.recorder.sealed["sitting"]["endpoints"]) == {"e-judge", "e-zhang"}
    await successor.close()


async def test_what_is_over_is_not_taken_up_again(house: Courthouse) -> None:
    pages = await house.gathered("zhang")
    await pages["judge"].send("stage", to="closed")
    await until(lambda: house.hub.overview("sitting") is None)
    await house.close()
    successor = await house.successor().start()
    assert successor.hub.overviews() == []
    await successor.hub.open(make_plan())
    assert successor.hub.overview("sitting") is None
    assert successor.written == []
    await successor.close()


async def test_an_engine_that_is_not_there_after_a_restart_is_called_lost(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.opened("zhang")
    await house.close()
    monkeypatch.setattr(rooms.hub, "ENGINE_GRACE_S", 0.1)
    monkeypatch.setattr(MemoryEngine, "start", _does_nothing)
    successor = await house.successor().start()
    judge = await successor.enter("judge")
    seen = await judge.sees(lambda view: alerts(view) == ["engine_lost"])
    assert seen["media"] == "away"
    await asyncio.sleep(0.3)
    assert successor.types().count("engine_lost") == 1
    successor.engine.up()
    seen = await judge.sees(lambda view: not view["alerts"])
    assert seen["media"] == "up"
    await judge.told("media_reset")
    assert "engine_restored" in successor.types()
    await successor.close()


async def _does_nothing(_: object) -> None:
    pass


async def test_closing_the_server_twice_is_closing_it_once(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await house.hub.close()
    await house.hub.close()
    assert (await pages["zhang"].closed(), await pages["judge"].closed()) == (4503, 4503)
    assert house.engine.routings["sitting"].publish.keys() == {"e-judge", "e-zhang"}
    assert house.recorder.on["sitting"]


# ------------------------------------------------------------------------------------------------ two servers


async def test_a_second_server_takes_over_and_the_first_can_write_nothing_any_more(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    second = await house.successor(log=SqliteLog(house.folder / "log.db")).start()
    judge = await second.enter("judge")
    await judge.send("mute", participant="zhang", source="camera")
    await second.logged("muted")

    await pages["judge"].send("remove", participant="zhang", reason="disturbs")
    for page in pages.values():
        assert await page.sent_away() == (4503, "reconnect")
    rows = await second.hub.rows("sitting")
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert [row.prev for row in rows] == [GENESIS, *(row.hash for row in rows[:-1])]
    assert "removed" not in [row.type for row in rows]
    assert second.state().seats["zhang"].presence == "present"
    assert judge.socket.close_code is None

    again = await house.connect(ticket("zhang"))
    await again.send("hello")
    assert await again.sent_away() == (4503, "reconnect"), "whoever still reaches the first is sent to look for the second"
    await second.close()


async def test_the_engine_tells_the_first_server_that_it_is_not_the_one(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_link, "AGAIN_S", 0.05)
    pages = await house.opened("zhang")
    second = await house.successor(log=SqliteLog(house.folder / "log.db")).start()
    await until(lambda: house.engine.epochs["sitting"] == second.live().journal.epoch)
    for page in pages.values():
        assert await page.sent_away() == (4503, "reconnect")
    assert house.live().journal.epoch < second.live().journal.epoch
    await second.close()


async def test_so_does_the_recorder(house: Courthouse) -> None:
    """The engine is not asked for a while; the recorder is, because its connection was made anew."""
    pages = await house.opened("zhang")
    await house.live().media.settled()
    second = await house.successor(log=SqliteLog(house.folder / "log.db")).start()
    await until(lambda: house.recorder.epochs["sitting"] == second.live().journal.epoch)
    commands, told, written = len(house.recorder.commands), len(house.engine.history), len(house.written)
    house.recorder.up()
    for page in pages.values():
        assert await page.sent_away() == (4503, "reconnect")
    assert (len(house.recorder.commands), len(house.engine.history), len(house.written)) == (commands, told, written)
    await second.close()
