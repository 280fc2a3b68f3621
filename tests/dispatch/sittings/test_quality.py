"""Hours of connections are kept: added to their rows, written when a sitting closes and when the server ends, gone with their sitting."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from sqlalchemy import text

from dispatch.sittings.moments import microseconds, moment
from dispatch.sittings.quality import EVERY_S, QualityKeeper, of_sitting
from dispatch.store.tables import Sitting
from rooms.figures import STEP_US, Figures, Point, Score
from rooms.hours import HOUR_US, Hour, hour_of
from tests.dispatch.making import NOW, Court, make_rows, make_sitting, to_stage
from tests.dispatch.sittings.test_live import Server, running

TOP = Path(__file__).resolve().parents[3]
NOW_US = microseconds(NOW)


def measured(server: Server, sitting: Sitting, steps: int, lost: float = 1.0, at_us: int = NOW_US) -> None:
    """Points of everybody in the sitting, as the live plane makes them."""
    quality = server.hub._lives[sitting.id].quality
    for number in range(steps):
        for way in ("up", "down"):
            figures = Figures(lost_percent=lost, rtt_ms=40, freezes=1, candidate="relay", protocol="tls", codec="VP8")
            quality.keep([person.id for person in sitting.participants], way, Point(at_us + number * STEP_US, figures, Score.FAIR))


async def kept(court: Court, sitting: Sitting) -> dict[tuple[str, str], Hour]:
    names = {person.id: person.name for person in sitting.participants}
    return {(names[each.participant_id], each.direction): each.hour for each in await of_sitting(court.db, sitting.id)}


async def test_what_is_summed_up_is_written_when_the_server_ends_and_added_to_by_the_next(court: Court) -> None:
    sitting = await make_sitting(court)
    for steps in (4, 6):
        async with running(court) as server:
            await server.live.ensure_open(sitting.id)
            measured(server, sitting, steps)
    found = await kept(court, sitting)
    assert len(found) == 2 * len(sitting.participants)
    for hour in found.values():
        assert (hour.steps, hour.seconds(Score.FAIR), hour.freezes, dict(hour.paths)) == (10, 50, 10, {"relay/tls": 10})
        assert sum(hour.buckets["lost_percent"]) == 10


async def test_each_hour_has_rows_of_its_own(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        measured(server, sitting, 4, at_us=hour_of(NOW_US) + HOUR_US - 2 * STEP_US)
    rows = await of_sitting(court.db, sitting.id)
    assert {each.begins_at for each in rows} == {moment(hour_of(NOW_US)), moment(hour_of(NOW_US) + HOUR_US)}
    assert {each.hour.steps for each in rows} == {2}
    assert [each.begins_at for each in rows] == sorted(each.begins_at for each in rows)


async def test_a_sitting_that_closes_does_not_wait_for_the_minute(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        measured(server, sitting, 3)
        server.hub._written(make_rows(sitting.id, to_stage("closed")))
        async with asyncio.timeout(30):
            while not await kept(court, sitting):
                await asyncio.sleep(0.01)


async def test_a_server_that_is_killed_loses_only_what_came_since_it_wrote_last(court: Court) -> None:
    """And it wrote by itself, with nothing closed and nothing ended: in the test each 0.2 s instead of each minute."""
    assert EVERY_S <= 60
    script = """
import asyncio, sys
from pathlib import Path
from dispatch.sittings import quality
from dispatch.store.database import Database
from dispatch.store.tables import Sitting
from tests.dispatch.making import Court
from tests.dispatch.sittings.test_live import running
from tests.dispatch.sittings.test_quality import NOW_US, measured

async def main() -> None:
    quality.EVERY_S = 0.2
    db = await Database.connect(f"sqlite:///{sys.argv[1]}")
    async with running(Court(db, Path(sys.argv[1]), {}, None, None)) as server:
        await server.live.ensure_open(sys.argv[2])
        async with db.reader() as session:
            sitting = await session.get_one(Sitting, sys.argv[2])
        for steps in (4, 3):
            measured(server, sitting, steps)
            print(steps, flush=True)
            await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""
    sitting = await make_sitting(court)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(court.file), sitting.id, cwd=TOP, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert killed.stdin is not None
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"4\n"
    async with asyncio.timeout(30):
        while not await kept(court, sitting):
            await asyncio.sleep(0.01)
    killed.stdin.write(b"\n")
    assert await killed.stdout.readline() == b"3\n"
    killed.send_signal(signal.SIGKILL)
    assert await killed.wait() == -signal.SIGKILL

    before = {who: hour.steps for who, hour in (await kept(court, sitting)).items()}
    assert len(before) == 2 * len(sitting.participants)
    assert set(before.values()) in ({4}, {7}), "all of a writing, or nothing of it"
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        measured(server, sitting, 2)
    assert {who: hour.steps for who, hour in (await kept(court, sitting)).items()} == {who: steps + 2 for who, steps in before.items()}


async def test_what_cannot_be_written_is_added_to_what_comes_next(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        keeper = QualityKeeper(court.db, server.hub)
        async with court.db.writer() as session:
            await session.execute(text("ALTER TABLE quality_hour RENAME TO away"))
        measured(server, sitting, 2)
        await keeper.keep()
        async with court.db.writer() as session:
            await session.execute(text("ALTER TABLE away RENAME TO quality_hour"))
        measured(server, sitting, 3)
        await keeper.keep()
        assert {hour.steps for hour in (await kept(court, sitting)).values()} == {5}


async def test_of_somebody_who_is_in_no_such_sitting_nothing_is_kept(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        server.hub._lives[sitting.id].quality.keep(["f" * 16], "up", Point(NOW_US, Figures(rtt_ms=1), Score.GOOD))
        await QualityKeeper(court.db, server.hub).keep()
    assert await of_sitting(court.db, sitting.id) == []


async def test_hours_go_with_their_sitting(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        measured(server, sitting, 1)
    assert await of_sitting(court.db, sitting.id)
    async with court.db.writer() as session:
        await session.execute(text("DELETE FROM sitting WHERE id = :id"), {"id": sitting.id})
    async with court.db.reader() as session:
        assert await session.scalar(text("SELECT count(*) FROM quality_hour")) == 0
