"""Senders and bookings go beside each other on PostgreSQL: none waits for another, and what is changed is not told as it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from dispatch.booking import holds
from dispatch.notices import outbox
from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.store.notice_tables import Message
from tests.dispatch.making import NOW, Court, at
from tests.dispatch.notices.conftest import Post
from tests.dispatch.notices.mail_server import MailBox
from tests.dispatch.notices.told import LIU, WU, messages, told_sitting


@pytest.fixture
def court(postgresql_court: Court) -> Court:
    """On SQLite whoever writes is alone."""
    postgresql_court.db.site = replace(postgresql_court.db.site, mail=True)
    return postgresql_court


async def test_a_sender_leaves_to_a_booking_what_it_changes_and_sends_the_rest(court: Court, box: MailBox, post: Post) -> None:
    changed = await told_sitting(court)
    await told_sitting(court, days=1, case_number="（2026）京0105民初2号")
    settled, go_on = asyncio.Event(), asyncio.Event()

    async def revise(session: AsyncSession) -> None:
        sitting = await holds.locked_sitting(session, changed.id)
        sitting.starts_at, sitting.ends_at = at("15:00"), at("16:00")
        sitting.revise(NOW)
        await outbox.settle(session, court.db, sitting, NOW)
        settled.set()
        await go_on.wait()

    other = await Database.connect(court.db.url, court.db.site)
    booking = asyncio.create_task(other.act(revise))
    try:
        await settled.wait()
        async with asyncio.timeout(30):
            await post.deliver()
        assert sorted(box.addresses) == [LIU, WU], "what the booking has in hand was sent, or the rest waited for it"
        assert {mail["Subject"].count("11月25日") for _, mail in box.taken} == {1}
    finally:
        go_on.set()
        await booking
        await other.close()
    await post.deliver()
    told = [mail.get_body(("plain",)).get_content() for mail in box.to(LIU)]  # type: ignore[union-attr]
    assert len(told) == 2
    assert "15:00" in told[1]
    assert "14:00" not in told[1], "who was told nothing yet gets an invitation, not a change of what he does not know"
    both = await messages(court.db, kind="invitation", sitting_id=changed.id, address=LIU)  # due at the same time: in no order
    assert sorted(message.state for message in both) == ["sent", "superseded"]


async def test_what_a_sender_has_in_hand_is_not_superseded_but_followed(court: Court, box: MailBox, post: Post, settings: Settings) -> None:
    """The booking waits for the claim, which is short, and then sees that it was taken."""
    sitting = await told_sitting(court)
    claimed, go_on = asyncio.Event(), asyncio.Event()
    other = await Database.connect(court.db.url, court.db.site)
    slow = Post(Court(other, court.file, court.users, court.room, court.other_room), settings)
    pack = slow.line.pack

    async def waits(session: AsyncSession, row: Message, now: object) -> object:
        found = await pack(session, row, now)  # type: ignore[arg-type]
        claimed.set()
        await go_on.wait()
        return found

    slow.line.pack = waits  # type: ignore[method-assign,assignment]
    sending = asyncio.create_task(slow.sender.work())

    async def revise(session: AsyncSession) -> None:
        found = await holds.locked_sitting(session, sitting.id)
        found.starts_at, found.ends_at = at("15:00"), at("16:00")
        found.revise(NOW)
        await outbox.settle(session, court.db, found, NOW)

    try:
        await claimed.wait()
        booking = asyncio.create_task(court.db.act(revise))
        done, _ = await asyncio.wait([booking], timeout=0.3)
        assert not done, "it did not wait for the claim"
        go_on.set()
        await asyncio.gather(sending, booking)
    finally:
        go_on.set()
        await slow.line.close()
        await other.close()
    ((first, _),) = box.taken
    states = {(m.kind, m.state) for m in await messages(court.db, address=first) if m.kind != "reminder"}
    assert states == {("invitation", "sent"), ("changed", "queued")}
    await post.deliver()
    assert [mail["Subject"][:2] for mail in box.to(first)] == ["开庭", "庭审"]
