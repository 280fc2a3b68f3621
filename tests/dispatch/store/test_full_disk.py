"""A full disk under the database: acts are refused in words, nothing is lost, reading goes on, and space mends it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from dispatch import audit
from dispatch.booking import days
from dispatch.identity import sign_in
from dispatch.store.database import CannotWrite, Database
from dispatch.store.tables import Sitting
from dispatch.web.translations import LANGUAGES, catalogue
from tests import disks
from tests.disks import fill
from tests.dispatch.conftest import FoundedCourt
from tests.dispatch.making import NOW, PASSWORD, SHANGHAI, TODAY, Court, make_sitting


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    with disks.mounted(tmp_path / "disk", 2) as disk:
        yield disk


@pytest.fixture
async def cramped(small_disk: Path, founded_court: FoundedCourt) -> AsyncIterator[Court]:
    """A court whose data lies on a small disk."""
    file = small_disk / "dispatch.db"
    shutil.copy(founded_court.file, file)
    db = await Database.connect(f"sqlite:///{file}")
    yield Court(db, file, founded_court.users, *founded_court.rooms)
    await db.close()


async def book_until_refused(court: Court) -> tuple[int, CannotWrite]:
    """Sittings booked one after the other, and what the clerk is told when no more fit."""
    for number in range(500):
        try:
            await make_sitting(court, "08:00", 10, days=1 + number, title="长" * 200)
        except CannotWrite as told:
            return number, told
    raise AssertionError("the disk did not get full")


async def count(db: Database) -> int:
    async with db.reader() as session:
        return await session.scalar(select(func.count()).select_from(Sitting)) or 0


async def test_a_full_disk_refuses_in_words_keeps_what_was_booked_and_goes_on_when_there_is_space(cramped: Court) -> None:
    first = await make_sitting(cramped)
    token, _ = await sign_in.sign_in(cramped.db, "zhao", PASSWORD, "", NOW)
    ballast = fill(cramped.file.parent)
    booked, told = await book_until_refused(cramped)
    assert (told.code, told.status) == ("store_full", 503)
    for language in LANGUAGES:
        assert catalogue(language).gettext("error.store_full") != "error.store_full"

    # Nothing of the refused act is there; what was booked can be read; who was signed in stays so.
    assert await count(cramped.db) == 1 + booked
    assert [b.id for _, taken in await days.day(cramped.db, TODAY, SHANGHAI) for b in taken] == [first.id]
    assert await sign_in.session(cramped.db, token, NOW + timedelta(minutes=5)) is not None
    assert (await audit.verify_chain(cramped.db)).ok

    ballast.unlink()
    await make_sitting(cramped, "17:00")
    assert await count(cramped.db) == 2 + booked
    assert (await audit.verify_chain(cramped.db)).ok
    async with cramped.db.reader() as session:
        assert await session.scalar(text("PRAGMA integrity_check")) == "ok"


async def test_a_file_that_may_not_grow_refuses_in_the_same_words(court: Court) -> None:
    async with court.db.writer() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count = {pages + 4}"))
    booked, told = await book_until_refused(court)
    assert told.code == "store_full"
    assert await count(court.db) == booked
    async with court.db.writer() as session:
        await session.execute(text("PRAGMA max_page_count = 1000000"))
    await make_sitting(court)
    assert (await audit.verify_chain(court.db)).ok
