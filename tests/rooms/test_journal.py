"""Decisions are durable before they take effect; while the log cannot be written, only what restricts is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rooms.commands import SYSTEM, Actor, Arrive, Command, Open
from rooms.conference import handle
from rooms.fold import fold
from rooms.journal import NEWEST, Journal
from rooms.log import Event, LogUnwritable, Row
from rooms.media.engine import Source
from rooms.protocol import Admit, ChangeStage, Mute, Remove, SetSource, UserError
from rooms.reserve import Reserve, ReserveFull
from rooms.sqlite_log import SqliteLog
from tests.disks import fill
from tests.rooms.making import NOW_US, make_plan, ticket


class FailingLog(SqliteLog):
    """A log whose disk can be made to fail."""

    failing = False

    async def append(self, sitting: str, epoch: int, expected_seq: int, events: Sequence[Event]) -> Sequence[Row]:
        if self.failing:
            raise LogUnwritable("disk full")
        return await super().append(sitting, epoch, expected_seq, events)


class Desk:
    """A journal with its files, and commands put straight to it."""

    def __init__(self, folder: Path, reserve_bytes: int = 1 << 16) -> None:
        self.folder = folder
        self.log = FailingLog(folder / "log.db")
        self.reserve = Reserve(folder / "reserve.log", reserve_bytes)
        self.written: list[Row] = []
        self.journal = Journal("sitting", self.log, self.reserve, self.written.extend)
        self.now_us = NOW_US

    async def opened(self) -> Desk:
        await self.journal.take_over("test")
        await self.do(SYSTEM, Open(make_plan()))
        await self.do(SYSTEM, Arrive(ticket("judge")))
        await self.do(SYSTEM, Arrive(ticket("zhang")))
        await self.do(Actor("e-judge"), Admit())
        await self.do(Actor("e-zhang"), SetSource(source=Source.MICROPHONE, on=True))
        return self

    async def do(self, actor: Actor, command: Command) -> None:
        self.now_us += 1000
        await self.journal.write(handle(self.journal.state, actor, command, self.now_us), self.now_us)

    async def killed(self) -> Desk:
        """The next server on the same files."""
        await self.log.close()
        self.reserve.close()
        return Desk(self.folder)


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    return await Desk(tmp_path).opened()


MUTE = Mute(participant="zhang", source=Source.MICROPHONE)


async def test_the_log_has_every_event_and_its_fold_is_the_state(desk: Desk) -> None:
    rows = await desk.log.read("sitting")
    assert list(rows) == desk.written
    assert fold(rows) == desk.journal.state


async def test_what_was_just_written_is_at_hand_and_the_whole_log_is_read(desk: Desk) -> None:
    newest, whole = await desk.journal.rows(2), await desk.journal.rows()
    assert newest == desk.written[2:] == list(await desk.log.read("sitting", 2))
    assert whole == list(await desk.log.read("sitting"))
    for _ in range(NEWEST):
        await desk.do(Actor("e-zhang"), SetSource(source=Source.MICROPHONE, on=False))
        await desk.do(Actor("e-zhang"), SetSource(source=Source.MICROPHONE, on=True))
    assert await desk.journal.rows(2) == desk.written[2:], "also where the first of them are no longer at hand"
    assert [row.line() for row in await desk.journal.rows(desk.journal.seq - 3)] == [row.line() for row in desk.written[-3:]]
    assert await desk.journal.rows(desk.journal.seq) == []


async def test_with_a_failing_log_a_mute_takes_effect_at_once(desk: Desk) -> None:
    desk.log.failing = True
    await desk.do(Actor("e-judge"), MUTE)
    assert desk.journal.state is not None
    assert desk.journal.state.seats["zhang"].muted == {Source.MICROPHONE}
    assert [one.event.type for one in desk.reserve.pending] == ["muted"]


@pytest.mark.parametrize("command", [ChangeStage(to="hearing"), Admit()])
async def test_with_a_failing_log_nothing_is_permitted(desk: Desk, command: Command) -> None:
    await desk.do(SYSTEM, Arrive(ticket("li")))
    desk.log.failing = True
    before = desk.journal.state
    with pytest.raises(UserError) as refusal:
        await desk.do(Actor("e-judge"), command)
    assert refusal.value.code == "log_unwritable"
    assert desk.journal.state == before


async def test_a_log_begins_with_its_conference_and_not_with_an_outage(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.journal.take_over("test")
    desk.log.failing = True
    with pytest.raises(UserError, match="only what restricts"):
        await desk.do(SYSTEM, Open(make_plan()))
    desk.log.failing = False
    assert await desk.journal.recover(desk.now_us)
    assert list(await desk.log.read("sitting")) == []
    await desk.do(SYSTEM, Open(make_plan()))
    assert fold(await desk.log.read("sitting")) == desk.journal.state


async def test_with_a_failing_log_the_hearing_can_be_closed(desk: Desk) -> None:
    await desk.do(Actor("e-judge"), ChangeStage(to="hearing"))
    desk.log.failing = True
    await desk.do(Actor("e-judge"), ChangeStage(to="closed"))
    assert desk.journal.state is not None
    assert desk.journal.state.closed


async def test_when_the_log_is_back_it_gets_what_was_kept_and_the_outage(desk: Desk) -> None:
    before = desk.journal.seq
    desk.log.failing = True
    await desk.do(Actor("e-judge"), MUTE)
    await desk.do(Actor("e-judge"), Remove(participant="zhang", reason="disturbs"))
    assert not await desk.journal.recover(desk.now_us)
    desk.log.failing = False
    assert await desk.journal.recover(desk.now_us)
    rows = await desk.log.read("sitting", before)
    assert [row.type for row in rows] == ["muted", "removed", "log_outage"]
    assert all("reserve" in row.data for row in rows[:2])
    assert rows[2].data["rows"] == 2
    assert fold(await desk.log.read("sitting")) == desk.journal.state
    assert not desk.reserve.pending


async def test_the_next_act_brings_the_backlog_with_it(desk: Desk) -> None:
    desk.log.failing = True
    await desk.do(Actor("e-judge"), MUTE)
    desk.log.failing = False
    await desk.do(SYSTEM, Arrive(ticket("li")))
    assert [row.type for row in desk.written[-3:]] == ["muted", "log_outage", "endpoint_arrived"]


async def test_what_was_kept_survives_a_kill(desk: Desk) -> None:
    desk.log.failing = True
    await desk.do(Actor("e-judge"), MUTE)
    state = desk.journal.state
    successor = await desk.killed()
    await successor.journal.take_over("next")
    assert successor.journal.state == state
    assert await successor.journal.recover(successor.now_us)
    assert [row.type for row in successor.written] == ["muted", "log_outage"]
    third = await successor.killed()
    await third.journal.take_over("third")
    assert third.journal.state == state
    assert not third.reserve.pending


async def test_a_kill_between_log_and_reserve_doubles_nothing(desk: Desk) -> None:
    desk.log.failing = True
    await desk.do(Actor("e-judge"), MUTE)
    kept = (desk.folder / "reserve.log").read_bytes()
    desk.log.failing = False
    await desk.journal.recover(desk.now_us)
    rows = len(await desk.log.read("sitting"))
    successor = await desk.killed()
    successor.reserve.close()
    (desk.folder / "reserve.log").write_bytes(kept)
    successor = Desk(desk.folder)
    await successor.journal.take_over("next")
    await successor.do(SYSTEM, Arrive(ticket("li")))
    assert len(await successor.log.read("sitting")) == rows + 1


async def test_with_a_full_reserve_too_a_mute_is_done_and_logged_later(tmp_path: Path) -> None:
    desk = await Desk(tmp_path, reserve_bytes=16).opened()
    desk.log.failing = True
    await desk.do(Actor("e-judge"), MUTE)
    assert desk.journal.state is not None
    assert desk.journal.state.seats["zhang"].muted
    desk.log.failing = False
    await desk.journal.recover(desk.now_us)
    assert [row.type for row in desk.written[-2:]] == ["muted", "log_outage"]


def test_the_reserve_has_its_full_size_from_the_first_day(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.log", 1 << 16)
    assert os_blocks(tmp_path / "reserve.log") >= 1 << 16
    with pytest.raises(ReserveFull):
        reserve.keep("s", [Event("muted", 1, {"text": "x" * (1 << 16)})])
    reserve.keep("s", [Event("muted", 1, {"text": "x"})])
    assert (tmp_path / "reserve.log").stat().st_size == 1 << 16


def test_a_line_cut_off_by_a_crash_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "reserve.log"
    reserve = Reserve(path, 1 << 16)
    reserve.keep("s", [Event("muted", 1, {}), Event("removed", 2, {})])
    reserve.close()
    text = path.read_bytes()
    end = text.index(b"\0")
    path.write_bytes(text[: end - 5] + bytes(len(text) - end + 5))
    assert [one.event.type for one in Reserve(path, 1 << 16).pending] == ["muted"]


async def test_the_reserve_takes_acts_on_a_full_disk(small_disk: Path) -> None:
    desk = await Desk(small_disk).opened()
    ballast = fill(small_disk)
    for number in range(400):  # until the pages that the log still has are used up
        await desk.do(Actor("e-judge"), Mute(participant="zhang", source=Source.CAMERA))
        await desk.journal.write([Event("left", desk.now_us, {"participant": f"nobody{number}", "text": "x" * 3000})], desk.now_us)
        if desk.journal.failing_since_us is not None:
            break
    assert desk.journal.failing_since_us is not None
    await desk.do(Actor("e-judge"), MUTE)
    assert desk.journal.state is not None
    assert Source.MICROPHONE in desk.journal.state.seats["zhang"].muted
    ballast.unlink()
    assert await desk.journal.recover(desk.now_us)
    assert fold(await desk.log.read("sitting")) == desk.journal.state
    await desk.log.close()
    desk.reserve.close()


def os_blocks(path: Path) -> int:
    return path.stat().st_blocks * 512
