"""Sealed juvenile records: what is proposed, who opens, and that no reader of the control plane finds one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from dispatch import audit
from dispatch.archive import recordings
from dispatch.booking import timeline
from dispatch.errors import Forbidden, NotFound, Refused
from dispatch.exchange import exporting
from dispatch.keeping import juvenile, rules
from dispatch.notices import feeds, ledger
from dispatch.sittings import listing, sittings
from dispatch.store.notice_tables import CalendarFeed
from dispatch.store.tables import Participant, Sitting
from dispatch.web import lookups
from tests.dispatch.keeping.conftest import Archive
from tests.dispatch.making import NOW, SHANGHAI, TODAY, at, audited, make_sitting

GROUND = "犯罪时不满十八周岁，被判处三年有期徒刑"


async def minor_in(archive: Archive, sitting: Sitting) -> None:
    async with archive.court.db.writer() as session:
        await session.execute(update(Participant).where(Participant.sitting_id == sitting.id).values(minor=True))


async def proposals(archive: Archive) -> list[str]:
    async with archive.court.db.reader() as session:
        return [each.id for each in await session.scalars(juvenile.proposed())]


async def test_a_closed_sitting_with_a_minor_is_proposed_until_somebody_decides(archive: Archive) -> None:
    sitting, other, plain = await archive.recorded(), await archive.recorded("16:00"), await archive.recorded("10:00", days=1)
    planned = await make_sitting(archive.court, "11:00", days=2)
    for each in (sitting, other, planned):
        await minor_in(archive, each)
    assert sorted(await proposals(archive)) == sorted([sitting.id, other.id])
    await juvenile.seal(archive.court.db, sitting.id, GROUND, archive.court.clerk, NOW)
    await juvenile.leave_open(archive.court.db, other.id, "被判处五年以上有期徒刑", archive.court.clerk, NOW)
    assert await proposals(archive) == []
    assert plain.withheld_at is None


async def test_only_what_is_over_is_sealed_and_only_once(archive: Archive) -> None:
    planned, sitting = await make_sitting(archive.court, "11:00", days=2), await archive.recorded()
    with pytest.raises(Refused, match="juvenile_not_closed"):
        await juvenile.seal(archive.court.db, planned.id, GROUND, archive.court.clerk, NOW)
    await juvenile.seal(archive.court.db, sitting.id, GROUND, archive.court.clerk, NOW)
    with pytest.raises(Refused, match="juvenile_sealed"):
        await juvenile.seal(archive.court.db, sitting.id, GROUND, archive.court.clerk, NOW)


async def test_a_whole_case_is_sealed_together(archive: Archive) -> None:
    first, second = await archive.recorded(), await archive.recorded("16:00")
    other = await archive.recorded("10:00", days=1, case_number="（2026）京0105刑初99号")
    assert await juvenile.seal(archive.court.db, first.id, GROUND, archive.court.clerk, NOW, whole_case=True) == 2
    found, _ = await recordings.found(archive.court.db, archive.court.clerk)
    assert [each.sitting_id for each in found] == [other.id]
    assert second.id in {row.detail["sitting"] for row in await audited(archive.court.db, "juvenile_sealed")}


async def test_no_reader_finds_a_sealed_record_and_all_find_it_when_it_is_opened(archive: Archive) -> None:
    sitting, db, clerk = await archive.recorded(), archive.court.db, archive.court.clerk
    number, begin, end = sitting.case.number, at("00:00"), at("00:00", 1)
    feed = CalendarFeed(kind="person", user_id=archive.court.judge.id, target="", user=archive.court.judge)

    async def readers() -> dict[str, bool]:
        async with db.reader() as session:
            exported = list(await session.scalars(exporting.Wanted(begin, end).rows()))
            fed = list(await session.scalars(feeds._sittings(feed, NOW)))
        found, _ = await recordings.found(db, clerk, number)
        listed, _ = await recordings.listed(db, clerk, "", (None, None), None, 20)
        page, _ = await listing.page(db, clerk, listing.Wanted(begin, end), None, 20)
        by_number, _ = await listing.page(db, clerk, listing.Wanted(case_number=number), None, 20)
        slots = await timeline.timeline(db, [archive.court.room.id], begin, end)
        messages, _ = await ledger.page(db, ledger.Wanted(), None, 20)
        of_number, _ = await ledger.page(db, ledger.Wanted(text=number), None, 20)
        rows, _ = await audit.list_rows(db, text=number)
        hidden = await audit.withheld(db, (await audit.list_rows(db))[0])
        return {
            "archive, searched": any(each.sitting_id == sitting.id for each in found),
            "archive, listed": any(each.sitting_id == sitting.id for each in listed),
            "day": any(each.id == sitting.id for each in await sittings.of_day(db, TODAY, SHANGHAI)),
            "my day": any(each.id == sitting.id for each in await sittings.for_user(db, archive.court.judge.id, TODAY, SHANGHAI)),
            "list": any(each.id == sitting.id for each in page),
            "list by number": any(each.id == sitting.id for each in by_number),
            "calendar": any(slot.id == sitting.id for slots_of in slots.values() for slot in slots_of),
            "export": any(each.id == sitting.id for each in exported),
            "feed": any(each.id == sitting.id for each in fed),
            "notices": any(each.sitting_id == sitting.id for each in messages),
            "notices by number": bool(of_number),
            "cases offered": any(case.number == number for case in await lookups.cases(db)),
            "audit by number": bool(rows),
            "audit's subjects": not hidden,
        }

    async def by_id() -> list[str]:
        codes = []
        for ask in (
            lambda: recordings.get(db, clerk, sitting.id),
            lambda: recordings.get(db, clerk, sitting.id, NOW),
            lambda: listing.visible(db, archive.court.judge, sitting.id),
            lambda: sittings.in_sight(db, sitting.id),
        ):
            try:
                await ask()
                codes.append("")
            except NotFound as error:
                codes.append(error.code)
        return codes

    before = await readers()
    assert all(before[each] for each in before if each not in ("notices", "notices by number")), before
    assert await by_id() == ["", "", "", ""]
    await juvenile.seal(db, sitting.id, GROUND, clerk, NOW)
    assert not any((await readers()).values()), await readers()
    assert await by_id() == ["recording_unknown", "recording_unknown", "sitting_unknown", "sitting_unknown"]
    await archive.give("zhao", "sealed")
    await juvenile.open_again(db, sitting.id, "再审", clerk, NOW)
    assert await readers() == before


async def test_a_look_needs_the_power_and_a_ground_and_lasts_an_hour(archive: Archive) -> None:
    sitting, db, clerk = await archive.recorded(), archive.court.db, archive.court.clerk
    await juvenile.seal(db, sitting.id, GROUND, clerk, NOW)
    with pytest.raises(Forbidden, match="power_missing"):
        await juvenile.look(db, sitting.id, "办案需要", clerk, NOW)
    await archive.give("zhao", "sealed")
    with pytest.raises(Exception, match="reason_missing"):
        await juvenile.look(db, sitting.id, " ", clerk, NOW)
    await juvenile.look(db, sitting.id, "（2026）京0105刑再1号，办案需要", clerk, NOW)
    assert (await recordings.get(db, clerk, sitting.id, NOW)).sitting_id == sitting.id
    for user, moment in ((clerk, NOW + rules.LOOK), (clerk, NOW - timedelta(seconds=1)), (archive.court.judge, NOW)):
        with pytest.raises(NotFound, match="recording_unknown"):
            await recordings.get(db, user, sitting.id, moment)
    (row,) = await audited(db, "juvenile_looked_at")
    assert row.detail["ground"] == "（2026）京0105刑再1号，办案需要"


async def test_opening_needs_the_power(archive: Archive) -> None:
    sitting, db = await archive.recorded(), archive.court.db
    await juvenile.seal(db, sitting.id, GROUND, archive.court.clerk, NOW)
    with pytest.raises(Forbidden, match="power_missing"):
        await juvenile.open_again(db, sitting.id, "再审", archive.court.clerk, NOW)
    await archive.give("zhao", "sealed")
    with pytest.raises(NotFound, match="recording_unknown"):
        await juvenile.look(db, "nothing", "再审", archive.court.clerk, NOW)


async def test_the_power_is_an_administrators_to_give_and_is_audited(archive: Archive) -> None:
    await archive.give("zhao", "sealed", "approve", "everything")
    await archive.give("zhao", "approve")
    first, second = await audited(archive.court.db, "keeping_powers")
    assert (first.detail["powers"], second.detail["powers"]) == ([[], ["approve", "sealed"]], [["approve", "sealed"], ["approve"]])

