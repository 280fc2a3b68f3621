"""The hub: conferences are opened, follow their bookings, do not know each other, and are forgotten when they are over."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import rooms.hub
from rooms.census import Census
from rooms.log import Event, Row
from rooms.metrics import CONFERENCES, ENGINE_UP, RECORDER_UP, RECORDINGS
from rooms.sqlite_log import SqliteLog
from tests.rooms.courthouse import Clock, Courthouse, alerts, person, until
from tests.rooms.in_memory import MemoryRecorder
from tests.rooms.making import PEOPLE, make_plan, refused, ticket
from tests.rooms.outage import unwritable

# ------------------------------------------------------------------------------------------------ what the control plane asks


async def test_a_conference_is_opened_once_and_then_follows_its_plan(house: Courthouse) -> None:
    await house.hub.open(make_plan())
    await house.hub.open(make_plan())
    await house.hub.open(make_plan(title="new title"))
    assert house.types() == ["conference_opened", "plan_revised"]
    overview = house.hub.overview("sitting")
    assert overview is not None
    assert (overview.title, overview.status) == ("new title", "planned")
    assert [one.sitting for one in house.hub.overviews()] == ["sitting"]


async def test_all_who_ask_are_given_one_overview_until_something_changes(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    first = house.hub.overview("sitting")
    assert first is not None
    assert house.hub.overview("sitting") is first
    await pages["judge"].send("mute", participant="zhang", source="microphone")
    await until(lambda: house.hub.overview("sitting") is not first)
    overview = house.hub.overview("sitting")
    assert overview is not None
    assert next(p for p in overview.participants if p["id"] == "zhang")["sources"]["microphone"]["muted_by_chair"]
    house.engine.lose()
    await until(lambda: house.hub.overview("sitting") is not overview)
    assert getattr(house.hub.overview("sitting"), "media", "") == "away"


async def test_what_is_not_open_yet_takes_no_notice_of_its_booking(house: Courthouse) -> None:
    await house.hub.revise(make_plan())
    await house.hub.cancel("sitting", "moved")
    await house.hub.revoke("sitting", "zhang", "reissued")
    await house.hub.set_next_booking("sitting", None)
    assert house.written == []
    assert house.hub.overview("sitting") is None


async def test_what_is_not_open_yet_takes_no_consent(house: Courthouse) -> None:
    with refused("sitting_not_open"):
        await house.hub.consent("sitting", "zhang", version="1", text_sha256="ab", device="phone")
    with refused("sitting_not_open"):
        await house.hub.device_checked("sitting", "zhang", {})
    with refused("sitting_not_open"):
        await house.hub.acknowledge("sitting", "engine_lost", "指挥员 孙")


async def test_a_kind_without_procedure_is_refused_and_leaves_nothing_behind(house: Courthouse) -> None:
    with refused("kind_unknown"):
        await house.hub.open(make_plan(kind="karaoke"))
    assert house.hub.overviews() == []
    early = await house.connect(ticket("zhang"))
    assert await early.sent_away() == (4404, "not_open")
    await house.hub.open(make_plan())
    assert house.types() == ["conference_opened"]


class SlowLog(SqliteLog):
    """A log on a disk that takes its time."""

    async def append(self, sitting: str, epoch: int, expected_seq: int, events: Sequence[Event]) -> Sequence[Row]:
        await asyncio.sleep(0.3)
        return await super().append(sitting, epoch, expected_seq, events)


async def test_a_conference_that_takes_long_to_open_is_not_forgotten_meanwhile(house: Courthouse) -> None:
    """The hub looks round several times before the first row is written."""
    slow = await house.successor(log=SlowLog(house.folder / "log.db")).start()
    await slow.hub.open(make_plan())
    assert slow.hub.overview("sitting") is not None
    assert (await slow.enter("judge")).view["place"] == "inside"
    await slow.close()


async def test_consent_and_device_check_are_logged_and_shown_to_those_who_conduct_the_hearing(house: Courthouse) -> None:
    pages = await house.opened("clerk", "zhang", "li")
    officer = await house.watch()
    await house.hub.consent("sitting", "zhang", version="2026-1", text_sha256="ab" * 32, device="phone")
    await house.hub.device_checked("sitting", "zhang", {"camera": {"ok": True}})
    assert (await house.logged("consented")).data["text_sha256"] == "ab" * 32
    for page in (pages["judge"], pages["clerk"], officer):
        seen = await page.sees(lambda view: person(view, "zhang")["device_check"])
        assert person(seen, "zhang")["consented"]
    for page in (pages["zhang"], pages["li"]):
        assert person(await page.sees(lambda view: person(view, "zhang")["consented"]), "zhang")["device_check"] is None
    with refused("participant_unknown"):
        await house.hub.consent("sitting", "nobody", version="1", text_sha256="ab", device="phone")


async def test_chair_clerk_and_officer_see_what_is_booked_next_and_nobody_else(house: Courthouse) -> None:
    pages = await house.opened("clerk", "zhang")
    officer = await house.watch()
    booking = {"title": "听证", "room": "第一法庭", "starts_at_us": 5}
    await house.hub.set_next_booking("sitting", booking)
    for page in (pages["judge"], pages["clerk"], officer):
        seen = await page.sees(lambda view: view["sitting"]["next_booking"] == booking)
        assert alerts(seen) == ["overrun_soon"]
    assert (pages["zhang"].view["sitting"]["next_booking"], pages["zhang"].view["alerts"]) == (None, [])
    await house.hub.set_next_booking("sitting", None)
    await pages["judge"].sees(lambda view: view["sitting"]["next_booking"] is None and not view["alerts"])


async def test_an_officer_at_the_console_acknowledges_by_name(house: Courthouse) -> None:
    pages = await house.opened()
    await house.hub.set_next_booking("sitting", {"title": "听证", "room": "第一法庭", "starts_at_us": 5})
    await house.hub.acknowledge("sitting", "overrun_soon", "指挥员 孙")
    seen = await pages["judge"].sees(lambda view: view["alerts"] and view["alerts"][0]["acknowledged_by"])
    assert seen["alerts"][0]["acknowledged_by"] == "指挥员 孙"
    with refused("alert_unknown"):
        await house.hub.acknowledge("sitting", "engine_lost", "指挥员 孙")


async def test_a_listener_that_fails_costs_the_conference_nothing(house: Courthouse) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("a projection that cannot cope")

    heard: list[Row] = []
    house.hub.on_row(fails)
    house.hub.on_change(fails)
    house.hub.on_row(heard.append)
    pages = await house.opened("zhang")
    assert pages["zhang"].view["place"] == "inside"
    assert heard == house.written
    assert "sitting" in house.changed


async def test_the_log_is_read_from_where_one_left_off(house: Courthouse) -> None:
    await house.gathered("zhang")
    rows = await house.hub.rows("sitting")
    assert [row.type for row in rows] == house.types()
    assert await house.hub.rows("sitting", rows[-2].seq) == rows[-1:]
    assert await house.hub.rows("elsewhere") == []


async def test_sittings_do_not_know_each_other(house: Courthouse) -> None:
    """Ids of another sitting open nothing here, and change nothing there."""
    pages = await house.opened("zhang")
    people = tuple(type(p)(f"other-{p.id}", p.name, p.role, p.chair) for p in PEOPLE)
    await house.hub.open(make_plan("other", people))
    other_judge = await house.enter(ticket("other-judge", sitting="other"))
    other_zhang = await house.enter(ticket("other-zhang", sitting="other"))
    phone = await house.enter(ticket("other-judge", "other-phone", sitting="other"))
    await house.hub.set_next_booking("other", {"title": "听证", "room": "第一法庭", "starts_at_us": 5})
    await other_judge.sees(lambda view: alerts(view) == ["overrun_soon"])
    written = house.types("other")
    judge = pages["judge"]
    for kind, fields, code in (
        ("admit", {"participants": ["other-zhang"]}, "participant_unknown"),
        ("admit_device", {"endpoint": "other-phone", "accept": True}, "device_unknown"),
        ("to_waiting", {"participant": "other-zhang"}, "participant_unknown"),
        ("mute", {"participant": "other-judge", "source": "microphone"}, "participant_unknown"),
        ("allow", {"participant": "other-judge", "source": "microphone"}, "participant_unknown"),
        ("remove", {"participant": "other-zhang", "reason": "why"}, "participant_unknown"),
        ("readmit", {"participant": "other-zhang"}, "participant_unknown"),
        ("acknowledge", {"alert": "overrun_soon"}, "alert_unknown"),
    ):
        assert (kind, await judge.refused(kind, **fields)) == (kind, code)
    assert house.types("other") == written
    assert (other_zhang.view["place"], phone.view["place"]) == ("waiting", "device_pending")
    await other_judge.send("admit")
    await other_zhang.sees(lambda view: view["place"] == "inside")


async def test_what_is_over_leaves_engine_and_memory(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["judge"].send("stage", to="closed")
    await until(lambda: house.hub.overview("sitting") is None)
    assert house.engine.routings == {}
    assert house.types()[-1] == "sealed"
    assert house.hub.overviews() == []


async def test_numbers_say_what_goes_on(house: Courthouse) -> None:
    await house.opened()
    recordings = RECORDINGS.labels("recording")
    await until(lambda: (CONFERENCES._value.get(), recordings._value.get()) == (1, 1))
    assert (ENGINE_UP._value.get(), RECORDER_UP._value.get()) == (1, 1)
    assert house.hub.media_state() == {"engine": True, "recorder": True}
    house.engine.lose()
    house.recorder.lose()
    assert (ENGINE_UP._value.get(), RECORDER_UP._value.get()) == (0, 0)
    assert house.hub.media_state() == {"engine": False, "recorder": False}


# ------------------------------------------------------------------------------------------------ the clock


async def test_a_defect_in_one_second_costs_the_next_one_nothing(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0

    def breaks(*_: object) -> None:
        nonlocal seconds
        seconds += 1
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(Census, "count", breaks)
        pages = await house.opened("zhang")
        async with unwritable(house.log):
            await pages["judge"].send("mute", participant="zhang", source="camera")
            await pages["judge"].sees(lambda view: alerts(view) == ["log_unwritable"])
        await pages["judge"].sees(lambda view: not view["alerts"])
        await until(lambda: seconds > 2)


async def test_an_engine_that_reports_nonsense_is_asked_again(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    asked = 0
    report = house.engine.report

    async def nonsense() -> list[str]:
        nonlocal asked
        asked += 1
        return ["nothing of use"]

    house.engine.report = nonsense  # type: ignore[assignment,method-assign]
    await until(lambda: asked > 2)
    house.engine.report = report  # type: ignore[method-assign]
    await pages["zhang"].send("source", source="camera", on=True)
    await pages["zhang"].send("publish", sdp="v=0", tracks=[{"mid": "0", "source": "camera"}])
    await pages["judge"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["live"])


# ------------------------------------------------------------------------------------------------ logs that cannot be written or read


@asynccontextmanager
async def locked(log: SqliteLog, path: Path) -> AsyncIterator[None]:
    """Another process holds the log's file, and the log does not wait long for it."""
    await log._run(lambda: log._db.execute("PRAGMA busy_timeout=20").fetchone())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_a_sitting_that_could_not_be_opened_is_opened_when_the_log_is_back(house: Courthouse) -> None:
    async with unwritable(house.log):
        with refused("log_unwritable"):
            await house.hub.open(make_plan())
        assert house.hub.overviews() == []
        with refused("log_unwritable"):
            await house.hub.open(make_plan())
    await asyncio.sleep(0.2)
    await house.hub.open(make_plan())
    pages = {who: await house.enter(who) for who in ("judge", "zhang")}
    await pages["judge"].send("admit")
    await pages["zhang"].sees(lambda view: view["place"] == "inside")
    assert house.types()[0] == "conference_opened"
    assert "log_outage" not in house.types()


async def test_a_sitting_whose_log_is_locked_at_the_start_is_taken_up_as_soon_as_it_can_be(house: Courthouse) -> None:
    await house.opened("zhang")
    await house.close()
    log = SqliteLog(house.folder / "log.db")
    successor = house.successor(log=log)
    async with locked(log, house.folder / "log.db"):
        await successor.start()
        assert successor.hub.overviews() == []
    await successor.logged("server_restarted")
    assert (await successor.enter("zhang")).view["place"] == "inside"
    assert "endpoint_resumed" in successor.types()
    await successor.close()


async def test_somebody_who_comes_first_does_not_hide_the_restart(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sitting is opened by its page before the hub's own turn comes; the log has the outage all the same."""
    await house.opened("zhang")
    await house.close()
    log = SqliteLog(house.folder / "log.db")
    successor = house.successor(log=log)
    async with locked(log, house.folder / "log.db"):
        await successor.start()
        monkeypatch.setattr(rooms.hub, "TICK_S", 60.0)
    await successor.hub.open(make_plan())
    assert "server_restarted" in successor.types()
    await successor.enter("zhang")
    assert "endpoint_resumed" in successor.types()
    await successor.close()


async def test_a_log_that_nobody_understands_keeps_no_other_sitting_down(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    for sitting, first in (("a-strange", Event("gap", 1, {})), ("sitting", Event("conference_opened", 1, {"plan": make_plan().to_json()}))):
        await log.append(sitting, await log.lease(sitting, "before"), 1, [first])
    clock = Clock()
    house = await Courthouse(tmp_path, clock=clock, log=log, recorder=MemoryRecorder(clock)).start()
    assert [one.sitting for one in house.hub.overviews()] == ["sitting"]
    assert (await house.enter("judge")).view["place"] == "inside"
    await house.close()
