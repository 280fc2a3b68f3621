"""The end of the booked time: in the last ten minutes, and beyond, a live sitting is told what its room is booked for next."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatch.sittings import sittings
from dispatch.sittings.clock import Following, notice, tell
from dispatch.sittings.moments import microseconds
from dispatch.store.tables import Sitting
from rooms.hub import Hub
from rooms.sqlite_log import SqliteLog
from tests.dispatch.making import NOW, Court, at, bring_to, make_sitting, other_sitting
from tests.rooms.in_memory import MemoryEngine, MemoryRecorder

ENDS = at("15:00")
FOLLOWING = Following("第二案", "第一法庭", at("15:30"))


@pytest.mark.parametrize(
    ("now", "told"),
    [(at("14:00"), False), (at("14:49"), False), (at("14:50"), True), (at("15:00"), True), (at("17:00"), True)],
)
def test_it_is_told_from_ten_minutes_before_the_end_on(now: datetime, told: bool) -> None:
    expected = {"title": "第二案", "room": "第一法庭", "starts_at_us": microseconds(at("15:30"))}
    assert notice(now, ENDS, FOLLOWING) == (expected if told else None)


def test_a_room_that_is_free_for_hours_is_nothing_to_tell() -> None:
    assert notice(ENDS, ENDS, None) is None
    assert notice(ENDS, ENDS, Following("夜", "第一法庭", ENDS + timedelta(hours=4))) is not None
    assert notice(ENDS, ENDS, Following("夜", "第一法庭", ENDS + timedelta(hours=4, minutes=1))) is None


class TellingHub(Hub):
    """The hub, and what it was told; nothing else of it is changed."""

    def __init__(self, folder: Path) -> None:
        self.log = SqliteLog(folder / "log.db")
        self.heard: list[tuple[str, str]] = []
        super().__init__(
            log=self.log, engine=MemoryEngine(), recorder=MemoryRecorder(lambda: microseconds(NOW)),
            reserve=folder / "reserve.log", clock_us=lambda: microseconds(NOW), owner="test",
        )  # fmt: skip

    async def set_next_booking(self, sitting: str, info: dict[str, object] | None) -> None:
        self.heard.append((sitting, str(info["title"]) if info else ""))
        await super().set_next_booking(sitting, info)


async def open_in(hub: Hub, court: Court, sitting: Sitting) -> Sitting:
    await hub.open(sittings.plan(sitting, court.db))
    return await bring_to(court.db, sitting, "live")


async def test_each_live_sitting_is_told_of_its_own_room_and_only_when_it_changes(court: Court, tmp_path: Path) -> None:
    first, elsewhere = await make_sitting(court), await other_sitting(court)
    await make_sitting(court, "15:00", title="第二案")
    await other_sitting(court, "18:00", title="晚场")
    hub = TellingHub(tmp_path)
    await hub.start()
    try:
        for sitting in (first, elsewhere):
            await open_in(hub, court, sitting)
        told: dict[str, dict[str, object] | None] = {}
        await tell(court.db, hub, at("14:30"), told)
        assert set(hub.heard) == {(first.id, ""), (elsewhere.id, "")}
        hub.heard.clear()
        for now in (at("14:50"), at("14:55"), at("15:20")):
            await tell(court.db, hub, now, told)
        assert sorted(hub.heard) == sorted([(first.id, "第二案"), (elsewhere.id, "晚场")])
        hub.heard.clear()
        async with court.db.writer() as session:
            (await session.get_one(Sitting, first.id)).status = "closed"
        await tell(court.db, hub, at("15:30"), told)
        assert hub.heard == []
        assert set(told) == {elsewhere.id}
    finally:
        await hub.close()
        await hub.log.close()
