"""Personal links: random, known by their hash, reusable, expiring, revocable; opening one consumes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from dispatch.errors import NotFound, Refused
from dispatch.identity import invitations
from dispatch.identity.invitations import LinkRefused, open_link
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import Invitation, Sitting
from tests.dispatch.making import NOW, Court, as_it_is, at, audited, bring_to, make_sitting, named

EXPIRES = at("15:00", 1)
"""A day after the planned end of :func:`make_sitting`'s sitting."""


async def link_of(court: Court, sitting: Sitting, name: str = "刘芳") -> str:
    token = await invitations.link_of(court.db, named(sitting, name).id)
    assert token is not None
    return token


async def refused(db: Database, token: str, now: datetime = NOW) -> LinkRefused:
    with pytest.raises(LinkRefused) as told:
        await open_link(db, token, now)
    return told.value


async def test_a_link_opens_the_place_of_one_person_in_one_sitting(court: Court) -> None:
    sitting = await make_sitting(court)
    opened = await open_link(court.db, await link_of(court, sitting), NOW)
    assert (opened.participant.name, opened.participant.sitting.id) == ("刘芳", sitting.id)
    assert opened.participant.sitting.room.name == "第一法庭"


async def test_links_are_random_and_known_by_their_hash(court: Court) -> None:
    first, second = await make_sitting(court), await make_sitting(court, "16:00")
    tokens = [await link_of(court, sitting) for sitting in (first, second)]
    assert len(set(tokens)) == 2
    assert all(is_token(token) for token in tokens)
    kept = [named(sitting, "刘芳").invitations[0] for sitting in (first, second)]
    assert [each.token_hash for each in kept] == [token_hash(token) for token in tokens]
    assert not any(token in each.token_sealed for token, each in zip(tokens, kept, strict=True))


def content(court: Court) -> list[str]:
    """The whole database as text."""
    with closing(sqlite3.connect(court.file)) as database:
        return list(database.iterdump())


async def test_opening_a_link_consumes_nothing(court: Court) -> None:
    """A messenger's preview, a virus scanner and an old telephone may all fetch it before its owner does."""
    token = await link_of(court, await make_sitting(court))
    before = content(court)
    for _ in range(20):
        await open_link(court.db, token, NOW)
    assert content(court) == before


async def test_a_link_is_good_from_the_day_it_is_issued_to_a_day_after_the_end(court: Court) -> None:
    token = await link_of(court, await make_sitting(court))
    await open_link(court.db, token, NOW - timedelta(days=30))
    await open_link(court.db, token, EXPIRES - timedelta(seconds=1))
    told = await refused(court.db, token, EXPIRES)
    assert (told.code, told.status) == ("link_expired", 410)


@pytest.mark.parametrize("status", ["live", "recess"])
async def test_a_sitting_that_is_under_way_lets_its_people_back_in_whatever_the_clock_says(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    await open_link(court.db, await link_of(court, sitting), EXPIRES + timedelta(days=1))


@pytest.mark.parametrize("status", ["planned", "open"])
async def test_a_sitting_that_never_began_lets_nobody_in_after_its_links_expired(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    assert (await refused(court.db, await link_of(court, sitting), EXPIRES)).code == "link_expired"


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_a_link_of_a_sitting_that_is_over_says_which(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court, title="第一次开庭"), status)
    told = await refused(court.db, await link_of(court, sitting))
    assert (told.code, told.status, told.data) == (f"sitting_{status}", 410, {"title": "第一次开庭"})
    assert told.sitting is not None
    assert told.sitting.id == sitting.id
    assert told.participant is not None


@pytest.mark.parametrize("token", ["", "short", "x" * 43, "x" * 10_000, "\ud800" * 43, "../../etc/passwd"])
async def test_what_is_no_link_is_unknown(court: Court, token: str) -> None:
    await make_sitting(court)
    told = await refused(court.db, token)
    assert (told.code, told.status, told.sitting, told.revoked_as) == ("link_unknown", 404, None, "")


async def test_a_link_of_nobody_is_unknown(court: Court) -> None:
    assert (await refused(court.db, new_token())).code == "link_unknown"


async def test_a_revoked_link_says_why_and_the_person_has_none(court: Court) -> None:
    sitting = await make_sitting(court)
    person, token = named(sitting, "刘芳"), await link_of(court, sitting)
    await invitations.revoke(court.db, person.id, "clerk", court.clerk, NOW)
    told = await refused(court.db, token)
    assert (told.code, told.status, told.revoked_as) == ("link_revoked", 410, "clerk")
    assert await invitations.link_of(court.db, person.id) is None
    await invitations.revoke(court.db, person.id, "clerk", court.clerk, NOW)
    (row,) = await audited(court.db, "link_revoked")
    assert (row.actor, row.subject) == ("赵书宁", "（2026）京0105民初31号 刘芳")
    assert row.detail == {"sitting": sitting.id, "participant": person.id}


async def test_a_link_issued_anew_replaces_the_former(court: Court) -> None:
    sitting = await make_sitting(court)
    person, old = named(sitting, "刘芳"), await link_of(court, sitting)
    fresh = await invitations.reissue(court.db, person.id, court.clerk, NOW)
    assert (await refused(court.db, old)).revoked_as == "reissued"
    assert (await open_link(court.db, fresh, NOW)).expires_at == EXPIRES
    assert await link_of(court, sitting) == fresh
    assert [row.action for row in await audited(court.db)] == ["sitting_booked", "link_reissued"]


async def test_a_second_link_leaves_the_first_good(court: Court) -> None:
    sitting = await make_sitting(court)
    first = await link_of(court, sitting)
    second = await invitations.issue(court.db, named(sitting, "刘芳").id, EXPIRES)
    for token in (first, second):
        await open_link(court.db, token, NOW)


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_no_link_is_issued_anew_for_a_sitting_that_is_over(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    with pytest.raises(Refused, match=f"sitting_{status}"):
        await invitations.reissue(court.db, named(sitting, "刘芳").id, court.clerk, NOW)


async def test_who_is_not_there_has_no_link(court: Court) -> None:
    for attempt in (
        invitations.issue(court.db, "nobody", EXPIRES),
        invitations.reissue(court.db, "nobody"),
        invitations.revoke(court.db, "nobody"),
    ):
        with pytest.raises(NotFound, match="participant_unknown"):
            await attempt
    assert await invitations.link_of(court.db, "nobody") is None


async def test_the_clerk_can_show_a_link_again_only_with_the_key_of_the_installation(court: Court) -> None:
    sitting = await make_sitting(court)
    assert set(invitations.links(court.db, sitting)) == {named(sitting, "刘芳").id}
    elsewhere = await Database.connect(court.db.url, Site())
    assert invitations.links(elsewhere, await as_it_is(elsewhere, sitting)) == {}
    assert await invitations.link_of(elsewhere, named(sitting, "刘芳").id) is None
    # It still opens: the lookup needs no key.
    await open_link(elsewhere, await link_of(court, sitting), NOW)
    await elsewhere.close()


async def test_a_sealed_link_put_at_another_persons_name_does_not_open(court: Court) -> None:
    first, second = await make_sitting(court), await make_sitting(court, "16:00")
    async with court.db.writer() as session:
        own = await session.get_one(Invitation, named(first, "刘芳").invitations[0].id)
        other = await session.get_one(Invitation, named(second, "刘芳").invitations[0].id)
        own.token_sealed = other.token_sealed
    assert await invitations.link_of(court.db, named(first, "刘芳").id) is None
