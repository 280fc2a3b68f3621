"""Calendars that are subscribed to by a secret address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatch.booking import bookings
from dispatch.errors import Forbidden, NotFound, ValidationFailed
from dispatch.identity import people
from dispatch.notices import feeds
from dispatch.store.notice_tables import CalendarFeed
from dispatch.store.tables import User
from dispatch.web.translations import catalogue
from tests.dispatch.making import NOW, URGENT, Court, at, audited, make_sitting, other_sitting
from tests.dispatch.notices.told import told_sitting, whole_database
from tests.dispatch.notices.understood import understood, utc


async def feed(court: Court, user: User, kind: str = "person", target: str = "") -> str:
    """The secret of a new feed."""
    token = feeds.token_of(court.db, await feeds.make(court.db, user, kind, target, NOW))
    assert token is not None
    return token


async def read(court: Court, token: str) -> tuple[bytes, dict[str, Any]]:
    """What a calendar program fetches, and what it understands."""
    opened = await feeds.opened(court.db, token, NOW)
    body = await feeds.calendar(court.db, opened, catalogue("zh-CN").gettext, "https://court.example", NOW)
    return body, understood(body)


async def test_a_person_sees_his_own_sittings_and_none_of_the_parties(court: Court) -> None:
    mine = await told_sitting(court)
    await other_sitting(court)
    body, calendar = await read(court, await feed(court, court.judge))
    (event,) = calendar["events"]
    assert (calendar["method"], utc(event["start"]), event["location"]) == ("PUBLISH", mine.starts_at, "第一法庭")
    assert event["description"] == "（2026）京0105民初31号\n审判员: 陈明远\n书记员: 赵书宁"
    for personal in ("吴译", "example.com", "1234", "/join/"):
        assert personal not in body.decode().replace("\r\n ", "")
    assert event["attendees"] == []


async def test_a_room_and_all_rooms_are_for_those_who_see_all(court: Court) -> None:
    await make_sitting(court)
    await other_sitting(court)
    _, one = await read(court, await feed(court, court.clerk, "room", court.room.id))
    _, both = await read(court, await feed(court, court.clerk, "site"))
    assert ([len(calendar["events"]) for calendar in (one, both)]) == [1, 2]
    with pytest.raises(Forbidden):
        await feeds.make(court.db, court.judge, "room", court.room.id, NOW)
    with pytest.raises(ValidationFailed):
        await feeds.make(court.db, court.clerk, "room", "nowhere", NOW)
    with pytest.raises(ValidationFailed):
        await feeds.make(court.db, court.clerk, "planet", "", NOW)


async def test_a_move_and_a_cancellation_come_with_a_higher_sequence_and_the_same_uid(court: Court) -> None:
    sitting = await make_sitting(court)
    token = await feed(court, court.judge)
    first, before = await read(court, token)
    assert (await read(court, token))[0] == first, "nothing has changed: the very same bytes"
    await bookings.move(
        court.db, sitting.id, court.room.id, at("15:00"), at("16:00"), court.clerk, NOW + timedelta(minutes=1), override_reason=URGENT
    )
    _, moved = await read(court, token)
    await bookings.cancel(court.db, sitting.id, "法官病假", court.clerk, NOW + timedelta(minutes=2))
    _, cancelled = await read(court, token)
    events = [calendar["events"][0] for calendar in (before, moved, cancelled)]
    assert [(event["sequence"], event["status"]) for event in events] == [(0, "CONFIRMED"), (1, "CONFIRMED"), (2, "CANCELLED")]
    assert len({event["uid"] for event in events}) == 1


async def test_a_renewed_or_revoked_address_leads_nowhere(court: Court) -> None:
    former = await feed(court, court.judge)
    latter = await feed(court, court.judge)
    with pytest.raises(NotFound):
        await feeds.opened(court.db, former, NOW)
    opened = await feeds.opened(court.db, latter, NOW)
    with pytest.raises(NotFound):
        await feeds.revoke(court.db, court.clerk, opened.id, NOW)
    await feeds.revoke(court.db, court.judge, opened.id, NOW)
    with pytest.raises(NotFound):
        await feeds.opened(court.db, latter, NOW)
    assert [row.action for row in await audited(court.db, "feed_made", "feed_renewed", "feed_revoked")] == [
        "feed_made",
        "feed_renewed",
        "feed_revoked",
    ]


async def test_it_ends_with_the_account_and_with_the_role(court: Court) -> None:
    own, all_rooms = await feed(court, court.users["he"]), await feed(court, court.users["he"], "site")
    he = court.users["he"].id
    await people.change_user(court.db, he, lambda user: replace(people.draft_of(user), role="judge"), court.clerk)
    await feeds.opened(court.db, own, NOW)
    with pytest.raises(NotFound):
        await feeds.opened(court.db, all_rooms, NOW)
    await people.change_user(court.db, he, lambda user: replace(people.draft_of(user), active=False), court.clerk)
    with pytest.raises(NotFound):
        await feeds.opened(court.db, own, NOW)


async def test_its_secret_does_not_lie_in_the_database(court: Court) -> None:
    token = await feed(court, court.judge)
    async with court.db.reader() as session:
        kept = (await feeds.of_user(court.db, court.judge))[0]
        assert await session.get(CalendarFeed, kept.id) is not None
    assert token not in (kept.token_hash, kept.token_sealed)
    assert token.encode() not in await whole_database(court)
