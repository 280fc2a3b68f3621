"""Retention classes and legal holds: what a recording has at first, who changes it, and that several holds are lifted one by one."""

from __future__ import annotations

from datetime import date

import pytest

from dispatch.errors import Forbidden, NotFound, Refused, UserError
from dispatch.keeping import classes, holds, standing
from dispatch.keeping.standing import Standing
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Sitting
from tests.dispatch.keeping.conftest import Archive
from tests.dispatch.making import NOW, audited


async def now(archive: Archive, sitting: Sitting) -> Standing:
    async with archive.court.db.reader() as session:
        (found,) = await standing.of(session, [await session.get_one(Recording, sitting.id)], archive.court.db.site.zone)
        return found


async def test_a_recording_keeps_the_class_that_its_kind_had_when_it_was_sealed(archive: Archive) -> None:
    first = await archive.recorded()
    await classes.set_defaults(archive.court.db, {"remote_court": "years_60"}, archive.court.users["xu"], NOW)
    second = await archive.recorded("16:00")
    assert ((await now(archive, first)).kept.retention, (await now(archive, second)).kept.retention) == ("permanent", "years_60")
    (row,) = await audited(archive.court.db, "retention_defaults")
    assert row.detail == {"changed": {"remote_court": ["permanent", "years_60"]}}


@pytest.mark.parametrize("wanted", [{"remote_court": "for ever"}, {"birthday": "years_10"}])
async def test_there_are_no_other_kinds_and_classes(archive: Archive, wanted: dict[str, str]) -> None:
    with pytest.raises(UserError, match="retention_unknown"):
        await classes.set_defaults(archive.court.db, wanted, archive.court.users["xu"], NOW)


async def test_a_time_counts_from_sealing_until_a_clerk_says_when_the_case_was_closed(archive: Archive) -> None:
    sitting, db, clerk = await archive.recorded(), archive.court.db, archive.court.clerk
    assert (await now(archive, sitting)).kept.since == NOW.date()
    await classes.change(db, sitting.id, "years_30", date(2020, 2, 29), "案件已归档", clerk, NOW)
    assert (await now(archive, sitting)).expires_on == date(2050, 3, 1)
    await classes.change(db, sitting.id, "years_30", None, "日期有误", clerk, NOW)
    assert (await now(archive, sitting)).kept.since == NOW.date()
    first, second = await audited(db, "retention_changed")
    assert (first.detail["retention"], first.detail["counted_from"]) == (["permanent", "years_30"], ["", "2020-02-29"])
    assert second.detail["reason"] == "日期有误"


@pytest.mark.parametrize(
    ("retention", "day", "reason", "code"),
    [
        ("years_20", None, "理由", "retention_unknown"),
        ("years_30", None, " ", "reason_missing"),
        ("years_30", date(2026, 11, 25), "理由", "day_impossible"),
        ("years_30", date(1900, 1, 1), "理由", "day_impossible"),
    ],
)
async def test_a_change_that_cannot_be_changes_nothing(archive: Archive, retention: str, day: date | None, reason: str, code: str) -> None:
    sitting = await archive.recorded()
    with pytest.raises(UserError, match=code):
        await classes.change(archive.court.db, sitting.id, retention, day, reason, archive.court.clerk, NOW)
    assert (await now(archive, sitting)).kept.retention == "permanent"


async def test_several_holds_are_lifted_one_by_one(archive: Archive) -> None:
    sitting, db, judge = await archive.recorded(), archive.court.db, archive.court.judge
    first = await holds.place(db, sitting.id, "（2026）监督1号", "申诉审查", judge, NOW)
    second = await holds.place(db, sitting.id, "（2026）监督2号", "检委会调阅", judge, NOW)
    with pytest.raises(Refused, match="hold_there"):
        await holds.place(db, sitting.id, "（2026）监督2号", "再次", judge, NOW)
    for hold, left in ((first, 1), (second, 0)):
        await holds.lift(db, sitting.id, hold.id, "审查终结", judge, NOW)
        assert (await now(archive, sitting)).kept.holds == left
    with pytest.raises(Refused, match="hold_lifted"):
        await holds.lift(db, sitting.id, first.id, "再次", judge, NOW)
    assert len(await audited(db, "hold_placed")) == len(await audited(db, "hold_lifted")) == 2


async def test_a_hold_on_a_case_holds_all_of_it_those_to_come_too(archive: Archive) -> None:
    first, other = await archive.recorded(), await archive.recorded("16:00", case_number="（2026）京0105民初99号")
    await holds.place(archive.court.db, first.id, "（2026）监督1号", "申诉审查", archive.court.judge, NOW, whole_case=True)
    later = await archive.recorded("10:00", days=1)
    assert [(await now(archive, each)).kept.holds for each in (first, later, other)] == [1, 1, 0]


async def test_the_hold_of_another_is_lifted_with_the_power_alone(archive: Archive) -> None:
    sitting, db = await archive.recorded(), archive.court.db
    hold = await holds.place(db, sitting.id, "（2026）监督1号", "申诉审查", archive.court.judge, NOW)
    with pytest.raises(Forbidden, match="hold_of_another"):
        await holds.lift(db, sitting.id, hold.id, "审查终结", archive.court.clerk, NOW)
    await archive.give("zhao", "holds")
    await holds.lift(db, sitting.id, hold.id, "审查终结", archive.court.clerk, NOW)


async def test_a_hold_of_another_recording_is_not_there(archive: Archive) -> None:
    sitting, other = await archive.recorded(), await archive.recorded("16:00", case_number="（2026）京0105民初99号")
    hold = await holds.place(archive.court.db, sitting.id, "（2026）监督1号", "申诉审查", archive.court.judge, NOW)
    with pytest.raises(NotFound, match="hold_unknown"):
        await holds.lift(archive.court.db, other.id, hold.id, "审查终结", archive.court.judge, NOW)
