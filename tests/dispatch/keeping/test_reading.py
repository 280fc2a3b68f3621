"""What is listed as due, held and waiting, for whom, and what the metrics say of it."""

from __future__ import annotations

from datetime import date

from dispatch.keeping import classes, destructions, figures, holds, juvenile, reading
from dispatch.keeping.figures import KEEPING
from tests.dispatch.keeping.conftest import Archive
from tests.dispatch.making import NOW


async def due(archive: Archive, name: str = "zhao") -> list[str]:
    found, count = await reading.due(archive.court.db, archive.court.users[name], NOW)
    assert count == len(found)
    return [each.recording.sitting_id for each in found]


async def test_the_first_day_after_its_time_it_is_due_and_not_the_day_before(archive: Archive) -> None:
    sitting, db, clerk = await archive.recorded(), archive.court.db, archive.court.clerk
    for day, expected in ((date(2016, 11, 24), [sitting.id]), (date(2016, 11, 25), [])):
        await classes.change(db, sitting.id, "years_10", day, "归档", clerk, NOW)
        assert await due(archive) == expected


async def test_what_is_held_listed_or_sealed_is_not_due(archive: Archive) -> None:
    held, listed, sealed, left = [await archive.expired(start) for start in ("10:00", "11:30", "14:00", "16:00")]
    db, clerk = archive.court.db, archive.court.clerk
    await holds.place(db, held.id, "（2026）监督1号", "申诉审查", clerk, NOW)
    await destructions.propose(db, [listed.id], "期满", "", clerk, NOW)
    await juvenile.seal(db, sealed.id, "犯罪时不满十八周岁", clerk, NOW)
    assert await due(archive) == [left.id]
    found, count = await reading.held(db, clerk)
    assert ([each.recording.sitting_id for each in found], count) == ([held.id], 1)


async def test_judges_see_what_is_due_of_their_own_sittings(archive: Archive) -> None:
    sitting = await archive.expired()
    assert await due(archive, "chen") == [sitting.id]
    assert await due(archive, "lin") == []


async def test_the_metrics_count_what_waits(archive: Archive) -> None:
    await archive.expired("10:00")
    held, listed, sealed = [await archive.expired(start) for start in ("11:30", "14:00", "16:00")]
    db, clerk = archive.court.db, archive.court.clerk
    await holds.place(db, held.id, "（2026）监督1号", "申诉审查", clerk, NOW)
    await destructions.propose(db, [listed.id], "期满", "", clerk, NOW)
    await juvenile.seal(db, sealed.id, "犯罪时不满十八周岁", clerk, NOW)
    await figures.read(db, NOW)
    states = ("due", "held", "juvenile_sealed", "juvenile_proposed", "destroyed", "destruction_proposed", "destruction_troubled")
    # What is due is counted whoever sees it.
    assert [KEEPING.labels(state)._value.get() for state in states] == [2, 1, 1, 0, 0, 1, 0]
