"""A hearing goes on while its log cannot be written: what restricts is done and kept, what permits is refused, nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

import rooms.hub
from rooms.fold import fold
from rooms.log import GENESIS, Row, chain
from rooms.log import Event as Happened
from rooms.media.engine import Source
from rooms.metrics import RESERVED
from rooms.reserve import Reserve
from tests.rooms.courthouse import Courthouse, alerts, person, until
from tests.rooms.making import ticket
from tests.rooms.outage import unwritable

CAMERA, MICROPHONE = Source.CAMERA, Source.MICROPHONE


Fragile = tuple[Courthouse, Path | None]


@pytest.fixture(params=["a full disk", "a full file"])
async def fragile(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fragile]:
    """A server whose disk is small and can be filled; where none can be mounted, one whose log may not grow."""
    disk: Path | None = None
    if request.param == "a full disk":
        disk = request.getfixturevalue("small_disk")
    monkeypatch.setattr(rooms.hub, "TICK_S", 0.02)
    house = await Courthouse(disk or tmp_path).start()
    yield house, disk
    await house.close()


def assert_whole(rows: Sequence[Row]) -> None:
    """Numbered without gaps, each chained to the one before."""
    prev = GENESIS
    for seq, row in enumerate(rows, 1):
        assert row == chain(row.sitting, row.epoch, seq, prev, Happened(row.type, row.at_us, row.data))
        prev = row.hash


async def test_with_a_full_log_rights_are_taken_at_once_and_none_are_given(fragile: Fragile) -> None:
    house, disk = fragile
    reserved_before = RESERVED._value.get()
    pages = await house.opened("zhang", "li", "gallery")
    judge, zhang = pages["judge"], pages["zhang"]
    await zhang.send("source", source="microphone", on=True)
    await judge.send("mute", participant="gallery", source="camera")
    await house.routed(lambda routing: MICROPHONE in routing.publish["e-zhang"])
    await house.enter("witness")
    async with unwritable(house.log, disk):
        seq = house.live().journal.seq
        await judge.send("mute", participant="zhang", source="microphone")
        await house.routed(lambda routing: MICROPHONE not in routing.publish["e-zhang"])
        await zhang.sees(lambda view: person(view, "zhang")["sources"]["microphone"]["muted_by_chair"])
        await judge.sees(lambda view: "log_unwritable" in alerts(view))
        overview = house.hub.overview("sitting")
        assert overview is not None
        assert [a["code"] for a in overview.alerts] == ["log_unwritable"]
        for kind, fields in (
            ("admit", {"participants": ["witness"]}),
            ("allow", {"participant": "zhang", "source": "microphone"}),
            ("source", {"source": "camera", "on": True}),
        ):
            assert (kind, await judge.refused(kind, **fields)) == (kind, "log_unwritable")
        await judge.send("remove", participant="li", reason="disturbs")
        assert await pages["li"].sent_away() == (4410, "removed")
        assert await judge.refused("readmit", participant="li") == "log_unwritable"
        await judge.send("stage", to="recess")
        await house.routed(lambda routing: not any(routing.publish.values()) and routing.record == frozenset())
        await zhang.sees(lambda view: view["sitting"]["stage"] == "recess")
        assert await judge.refused("stage", to="hearing") == "log_unwritable"
        assert house.live().journal.seq == seq, "not one row got in"
        kept = [one.event.type for one in Reserve(house.folder / "reserve.log").pending]
        assert [kind for kind in kept if kind != "recording_stopped"] == ["muted", "alert_raised", "removed", "stage_changed"]
        assert RESERVED._value.get() >= reserved_before + 4

    await judge.sees(lambda view: not view["alerts"])
    rows = list(await house.hub.rows("sitting"))
    assert_whole(rows)
    assert fold(rows) == house.state()
    during = [row for row in rows[seq:] if row.type != "recording_stopped"]
    assert [row.type for row in during] == ["muted", "alert_raised", "removed", "stage_changed", "log_outage", "alert_cleared"]
    assert [("reserve" in row.data) for row in during] == [True] * 4 + [False] * 2
    outage = next(row for row in rows if row.type == "log_outage")
    assert outage.data["rows"] == sum("reserve" in row.data for row in rows)
    assert house.types() == [row.type for row in rows], "who listens to rows hears of all of them, in order"
    assert RESERVED._value.get() == reserved_before
    await until(lambda: house.recorder.rows["sitting"] == [row.line() for row in rows])
    await judge.send("admit")
    await judge.sees(lambda view: person(view, "witness")["presence"] == "present")


@pytest.mark.usefixtures("brisk")
async def test_people_come_and_go_through_an_outage_and_keep_their_places(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    async with unwritable(house.log):
        await pages["zhang"].vanish()
        await pages["judge"].sees(lambda view: person(view, "zhang")["presence"] == "lost")
        back = await house.enter("zhang")
        assert back.view["place"] == "inside"
        stranger = await house.enter("witness")
        assert stranger.view["place"] == "waiting", "the waiting room gives nobody anything"
        clerk = await house.connect(ticket("clerk"))
        await clerk.send("hello")
        assert await clerk.sent_away() == (4503, "log_unwritable")
    assert (await house.logged("endpoint_resumed")).data["reserve"]
    rows = await house.hub.rows("sitting")
    assert fold(rows) == house.state()


async def test_what_was_done_in_an_outage_holds_after_a_kill_in_the_middle_of_it(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].send("source", source="microphone", on=True)
    await house.routed(lambda routing: MICROPHONE in routing.publish["e-zhang"])
    async with unwritable(house.log):
        await pages["judge"].send("mute", participant="zhang", source="microphone")
        await pages["judge"].send("remove", participant="li", reason="disturbs")
        await pages["li"].sent_away()
        await house.close()
    successor = await house.successor().start()
    judge = await successor.enter("judge")
    assert (person(judge.view, "li")["presence"], house.passes("e-zhang", MICROPHONE)) == ("removed", False)
    await successor.routed(lambda routing: "e-li" not in routing.publish and routing.publish["e-zhang"] == frozenset())
    again = await successor.connect(ticket("li"))
    await again.send("hello")
    assert await again.sent_away() == (4410, "removed")
    await successor.logged("log_outage")
    rows = list(await successor.hub.rows("sitting"))
    assert_whole(rows)
    assert [row.type for row in rows].count("muted") == [row.type for row in rows].count("removed") == 1
    await successor.close()


async def test_a_hearing_that_ends_in_an_outage_is_sealed_with_its_whole_log(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    async with unwritable(house.log):
        await pages["judge"].send("stage", to="closed")
        for page in pages.values():
            assert await page.sent_away() == (4411, "closed")
        await until(lambda: not house.recorder.on["sitting"])
        assert "sitting" not in house.recorder.sealed, "what is not in the log cannot be sealed"
    await house.logged("sealed")
    rows = await house.hub.rows("sitting")
    sealed = house.recorder.rows["sitting"]
    assert sealed == [row.line() for row in rows][: len(sealed)]
    assert {"stage_changed", "recording_stopped", "log_outage"} <= {Row.from_line(line).type for line in sealed}
    assert {row.type for row in rows[len(sealed) :]} <= {"alert_cleared", "sealed"}
