"""A file that a program sent is booked once, however often and by however many servers it is asked for, and is forgotten after a day."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from dispatch.booking.orders import Order
from dispatch.errors import NotFound, Refused, UserError
from dispatch.exchange import drafts
from dispatch.exchange.importing import Given
from dispatch.exchange.reading import Row, read
from dispatch.store.database import Database
from dispatch.store.notice_tables import ImportDraft
from dispatch.store.tables import Sitting
from dispatch.web.exchange import kind_words, role_words
from tests.dispatch.exchange.files import GOOD, csv_of
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court, audited

LATER = ("（2026）京0105民初32号", "借款纠纷", "2026-11-24", "16:00", "17:00", "第一法庭", "陈明远", "", "王某|party")


def rows(*lines: tuple[str, ...]) -> list[Row]:
    return read(csv_of(*lines), "a.csv", SHANGHAI)


async def sent(court: Court, *lines: tuple[str, ...], order: Order | None = None) -> ImportDraft:
    given = Given(role_words(), kind_words(), override_reason=URGENT)
    return await drafts.keep(court.db, "a.csv", rows(*lines), court.clerk, NOW, given, order)


async def book(db: Database, court: Court, draft: ImportDraft) -> ImportDraft:
    return await drafts.book(db, draft.id, "all", court.clerk, NOW, role_words(), kind_words(), lambda _draft: None)


async def count(court: Court) -> int:
    async with court.db.reader() as session:
        return int(await session.scalar(select(func.count()).select_from(Sitting)) or 0)


async def test_two_servers_that_are_asked_at_once_book_it_once_and_give_one_answer(court: Court) -> None:
    draft = await sent(court, GOOD, LATER)
    assert await count(court) == 0
    other = await Database.connect(court.db.url, court.db.site)
    try:
        answers = await asyncio.gather(*(book(db, court, draft) for db in (court.db, other, court.db, other)))
    finally:
        await other.close()
    assert await count(court) == 2
    assert {each.state for each in answers} == {"booked"}
    assert len({str(each.judged) for each in answers}) == 1
    assert len(await audited(court.db, "sittings_imported")) == 1


async def test_one_that_is_sent_twice_under_a_key_at_once_is_kept_once(court: Court) -> None:
    other = await Database.connect(court.db.url, court.db.site)
    order, given = Order(court.clerk.id, "k", b"the same"), Given(role_words(), kind_words(), override_reason=URGENT)
    try:
        kept = await asyncio.gather(
            *(drafts.keep(db, "a.csv", rows(GOOD), court.clerk, NOW, given, order) for db in (court.db, other, court.db))
        )
    finally:
        await other.close()
    assert len({each.id for each in kept}) == 1
    with pytest.raises(UserError, match="key_reused"):
        await drafts.keep(court.db, "a.csv", rows(GOOD), court.clerk, NOW, given, Order(court.clerk.id, "k", b"another"))


async def test_what_a_clash_refused_is_kept_with_why_and_can_be_booked_once_it_is_gone(court: Court) -> None:
    first, second = await sent(court, GOOD), await sent(court, (LATER[0], LATER[1], *GOOD[2:]))
    await book(court.db, court, first)
    with pytest.raises(Refused, match="import_rows_bad"):
        await book(court.db, court, second)
    kept = await drafts.get(court.db, second.id, court.clerk, NOW)
    ((state, errors, _),) = kept.judged
    assert (kept.state, state, errors[0][:2]) == ("preview", "bad", ["start", "room_taken"])
    assert await count(court) == 1


async def test_it_is_its_senders_and_forgotten_after_a_day(court: Court) -> None:
    draft = await sent(court, GOOD)
    with pytest.raises(NotFound, match="import_gone"):
        await drafts.get(court.db, draft.id, court.users["he"], NOW)
    day = timedelta(hours=24)
    await drafts.forget(court.db, NOW + day - timedelta(seconds=1))
    assert (await drafts.get(court.db, draft.id, court.clerk, NOW)).id == draft.id
    with pytest.raises(NotFound):
        await drafts.get(court.db, draft.id, court.clerk, NOW + day)
    await drafts.forget(court.db, NOW + day)
    with pytest.raises(NotFound):
        await drafts.get(court.db, draft.id, court.clerk, NOW)
