"""Whoever asked for a booking, or waited for a time, is told what became of it, also where he takes no part in the sitting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.booking import asked_for, bookings, decisions, pending
from dispatch.booking.asked_for import Line as Waiters
from dispatch.booking.catalogue.details import Details
from dispatch.notices import ledger
from dispatch.notices.lines import AskerLine
from dispatch.notices.sender import FIRST_WAIT, Sender
from dispatch.settings import Settings
from dispatch.store.notice_tables import AskerMessage
from dispatch.store.tables import Sitting, User
from tests.dispatch.making import NOW, Court, make_draft, set_terms
from tests.dispatch.notices.conftest import words
from tests.dispatch.notices.mail_server import MailBox

ASKER = "asker@court.example"


@pytest.fixture
async def asker(court: Court) -> User:
    """The clerk, who is told by e-mail."""
    async with court.db.writer() as session:
        (await session.get_one(User, court.clerk.id)).email = ASKER
    return court.clerk


class Post:
    """The sender of these messages, by a clock that is put by hand."""

    def __init__(self, court: Court, settings: Settings) -> None:
        self.now = NOW
        self.line = AskerLine(settings, words)
        self.sender: Sender[AskerMessage] = Sender(court.db, self.line, lambda: self.now, rest_s=(0.01,), idle_s=0.01)

    async def deliver(self) -> None:
        while await self.sender.work():
            pass


@pytest.fixture
async def post(court: Court, settings: Settings) -> AsyncIterator[Post]:
    made = Post(court, settings)
    yield made
    await made.line.close()


async def asks(court: Court, start: str = "14:00", **changes: Any) -> Sitting:
    """A booking that somebody has to approve, by a clerk who takes no part in it."""
    await set_terms(court.db, court.room.id, Details(needs_approval=True), court.users["xu"], NOW)
    return await bookings.create_sitting(court.db, make_draft(court, start, clerk_id="", **changes), court.clerk, NOW)


async def rows(court: Court) -> list[tuple[str, str, int]]:
    async with court.db.reader() as session:
        found = await session.scalars(select(AskerMessage).order_by(AskerMessage.created_at, AskerMessage.kind))
        return [(each.kind, each.state, each.attempts) for each in found]


async def test_he_is_told_of_approval_and_of_refusal_with_its_reason(court: Court, asker: User, post: Post, box: MailBox) -> None:
    good, bad = await asks(court), await asks(court, "16:00")
    assert await rows(court) == []
    await decisions.approve(court.db, good.id, court.users["xu"], NOW)
    await decisions.decline(court.db, bad.id, "另有安排", court.users["xu"], NOW)
    await post.deliver()
    texts = {mail["Subject"]: mail.get_body(("plain",)).get_content() for mail in box.to(ASKER)}  # type: ignore[union-attr]
    assert len(texts) == 2
    assert [good.id in text for text in texts.values() if "另有安排" not in text] == [True]
    assert [bad.id in text for text in texts.values() if "另有安排" in text] == [False]  # there is nothing to go to any more
    (approved, *_) = [mail for mail in box.to(ASKER) if good.id in texts[mail["Subject"]]]
    assert [part.get_content_type() for part in approved.walk() if part.get_content_type() == "text/calendar"] == []
    assert {(kind, state) for kind, state, _ in await rows(court)} == {("approved", "sent"), ("declined", "sent")}
    outcomes = (await pending.pending(court.db, asker, NOW, everything=True)).outcomes
    assert {(each.action, each.told) for each in outcomes} == {("booking_approved", "sent"), ("booking_declined", "sent")}
    counts, _ = await ledger.counts(court.db, NOW)
    assert [(each.state, each.number) for each in counts if each.channel == "asker"] == [("sent", 2)]


async def test_a_time_that_he_waited_for_is_offered_to_him_and_lapses(court: Court, asker: User, post: Post, box: MailBox) -> None:
    taken = await bookings.create_sitting(court.db, make_draft(court, days=6, clerk_id=""), court.clerk, NOW)
    draft = make_draft(court, days=6, clerk_id="", case_number="（2026）京0105民初2号")
    await asked_for.ask(court.db, draft, asker, NOW)
    await bookings.cancel(court.db, taken.id, "撤诉", court.clerk, NOW)
    (offered,) = await Waiters().serve(court.db, NOW)
    await post.deliver()
    (mail,) = box.to(ASKER)
    assert offered in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    post.now = NOW + asked_for.KEPT
    await decisions.lapse(court.db, post.now)
    await post.deliver()
    assert [(kind, state) for kind, state, _ in await rows(court)] == [("offered", "sent"), ("lapsed", "sent")]


async def test_what_is_so_no_longer_is_not_told(court: Court, asker: User, post: Post, box: MailBox) -> None:
    sitting = await asks(court)
    await decisions.approve(court.db, sitting.id, court.users["xu"], NOW)
    await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
    await post.deliver()
    assert (await rows(court), box.to(ASKER)) == ([("approved", "superseded", 0)], [])


async def test_it_is_tried_again_and_who_has_no_address_is_not_told(court: Court, post: Post, box: MailBox) -> None:
    await decisions.approve(court.db, (await asks(court)).id, court.users["xu"], NOW)
    assert await rows(court) == []
    async with court.db.writer() as session:
        (await session.get_one(User, court.clerk.id)).email = ASKER
    sitting = await asks(court, "16:00")
    await decisions.approve(court.db, sitting.id, court.users["xu"], NOW)
    box.answers = ["451 4.3.0 later"]
    await post.deliver()
    assert await rows(court) == [("approved", "queued", 1)]
    post.now = NOW + FIRST_WAIT + timedelta(seconds=1)
    await post.deliver()
    assert (await rows(court), len(box.to(ASKER))) == ([("approved", "sent", 2)], 1)


async def test_who_takes_part_is_told_as_a_participant_alone(court: Court, asker: User) -> None:
    court.db.site = replace(court.db.site, mail=True)
    await set_terms(court.db, court.room.id, Details(needs_approval=True), court.users["xu"], NOW)
    sitting = await bookings.create_sitting(court.db, make_draft(court), asker, NOW)
    await decisions.approve(court.db, sitting.id, court.users["xu"], NOW)
    messages, _ = await ledger.page(court.db, ledger.Wanted(sitting.id), None, 50)
    assert ("approved", ASKER) in [(message.kind, message.address) for message in messages]
    assert await rows(court) == []
