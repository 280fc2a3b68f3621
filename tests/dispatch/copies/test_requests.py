"""Copies on both databases: asked for, decided on by somebody else, taken back, fetched; each act audited and told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dispatch.booking.orders import Order
from dispatch.copies import listing, requests
from dispatch.errors import Forbidden, NotFound, Refused, UserError, ValidationFailed
from dispatch.store.archive_tables import Job
from dispatch.store.copy_tables import Copy
from dispatch.store.notice_tables import AskerMessage
from dispatch.store.tables import Sitting, User
from tests.dispatch.copies.conftest import WISH, asked, recorded
from tests.dispatch.making import NOW, Court, audited

DAY = timedelta(days=1)


async def told(court: Court) -> list[tuple[str, str]]:
    """Kind and address of each e-mail that waits, in their order."""
    async with court.db.reader() as session:
        return sorted((row.kind, row.address) for row in await session.scalars(select(AskerMessage)))


async def with_mail(court: Court) -> None:
    court.db.site = replace(court.db.site, mail=True)
    async with court.db.writer() as session:
        for user in await session.scalars(select(User)):
            user.email = f"{user.sign_in_name}@court.example"


async def jobs(court: Court) -> list[tuple[str, str, str]]:
    async with court.db.reader() as session:
        return [(job.kind, job.subject, job.state) for job in await session.scalars(select(Job))]


async def ready(court: Court, copy: Copy) -> None:
    """As the jobs process leaves it."""
    async with court.db.writer() as session:
        kept = await session.get_one(Copy, copy.id)
        kept.state, kept.file, kept.sha256, kept.made_at, kept.expires_at = "ready", "x.zip", "a" * 64, NOW, NOW + 7 * DAY


async def test_a_copy_goes_from_asking_to_fetching_and_each_act_is_in_the_audit_log(either: Court) -> None:
    await with_mail(either)
    sitting = await recorded(either)
    copy = await asked(either, sitting)
    assert (copy.number, copy.state) == ("2026-0001", "requested")
    assert await told(either) == [("copy_asked", "chen@court.example"), ("copy_asked", "xu@court.example")]
    assert await jobs(either) == []
    await requests.approve(either.db, copy.id, either.judge, NOW)
    assert await jobs(either) == [("copy", copy.id, "queued")]
    assert ("copy_allowed", "zhao@court.example") in await told(either)
    await ready(either, copy)
    for user in (either.clerk, either.judge):
        await requests.fetched(either.db, copy.id, user, NOW + DAY)
    found = await listing.get(either.db, either.clerk, copy.id)
    assert (found.fetches, found.fetched_at, found.decided_name) == (2, NOW + DAY, "陈明远")
    rows = await audited(either.db, "copy_requested", "copy_approved", "copy_fetched")
    assert [(row.action, row.actor) for row in rows] == [
        ("copy_requested", "赵书宁"), ("copy_approved", "陈明远"), ("copy_fetched", "赵书宁"), ("copy_fetched", "陈明远"),
    ]  # fmt: skip
    assert all((row.detail["number"], row.detail["receiver"]) == ("2026-0001", "王律师") for row in rows)


async def test_nobody_decides_on_what_he_asked_for_himself(either: Court) -> None:
    sitting = await recorded(either)
    own = await requests.ask(either.db, sitting.id, WISH, either.judge, NOW)
    for user in (either.judge, either.clerk, either.other_judge, either.users["gao"]):
        with pytest.raises(Forbidden, match="copy_decision_not_yours"):
            await requests.approve(either.db, own.id, user, NOW)
    assert (await requests.approve(either.db, own.id, either.users["xu"], NOW)).state == "approved"
    with pytest.raises(Refused, match="copy_state"):
        await requests.refuse(either.db, own.id, "晚了", either.users["xu"], NOW)


async def test_a_refusal_has_a_reason_which_whoever_asked_is_told(either: Court) -> None:
    await with_mail(either)
    copy = await asked(either, await recorded(either))
    with pytest.raises(ValidationFailed):
        await requests.refuse(either.db, copy.id, " ", either.judge, NOW)
    await requests.refuse(either.db, copy.id, "无法律依据", either.judge, NOW)
    assert ("copy_refused", "zhao@court.example") in await told(either)
    (row,) = await audited(either.db, "copy_refused")
    assert row.detail["reason"] == "无法律依据"
    assert await jobs(either) == []
    with pytest.raises(Refused, match="copy_state"):
        await requests.approve(either.db, copy.id, either.judge, NOW)


async def test_what_is_taken_back_is_made_by_nobody(either: Court) -> None:
    copy = await asked(either, await recorded(either))
    await requests.approve(either.db, copy.id, either.judge, NOW)
    with pytest.raises(Forbidden, match="copy_not_yours"):
        await requests.revoke(either.db, copy.id, "误发", either.users["he"], NOW)
    await requests.revoke(either.db, copy.id, "误发", either.clerk, NOW)
    assert await jobs(either) == []
    with pytest.raises(Refused, match="copy_not_there"):
        await requests.fetched(either.db, copy.id, either.clerk, NOW)


async def test_what_was_fetched_is_out_and_cannot_be_taken_back(either: Court) -> None:
    copy = await asked(either, await recorded(either))
    await requests.approve(either.db, copy.id, either.judge, NOW)
    await ready(either, copy)
    await requests.fetched(either.db, copy.id, either.clerk, NOW)
    with pytest.raises(Refused, match="copy_fetched"):
        await requests.revoke(either.db, copy.id, "误发", either.judge, NOW)


async def test_a_copy_is_fetched_by_two_people_alone_and_not_for_ever(either: Court) -> None:
    copy = await asked(either, await recorded(either))
    await requests.approve(either.db, copy.id, either.judge, NOW)
    await ready(either, copy)
    for user in (either.users["he"], either.users["xu"], either.users["gao"]):
        with pytest.raises(NotFound, match="copy_unknown"):
            await requests.fetched(either.db, copy.id, user, NOW)
    with pytest.raises(Refused, match="copy_not_there"):
        await requests.fetched(either.db, copy.id, either.clerk, NOW + 7 * DAY)
    assert await audited(either.db, "copy_fetched") == []


async def test_numbers_run_without_gap_through_the_courts_year_however_many_ask_at_once(either: Court) -> None:
    sitting = await recorded(either)
    made = await asyncio.gather(*(asked(either, sitting, receiver=f"接收人{n}") for n in range(8)))
    assert sorted(copy.number for copy in made) == [f"2026-{n:04d}" for n in range(1, 9)]
    eve = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    assert (await requests.ask(either.db, sitting.id, WISH, either.clerk, eve)).number == "2027-0001", "it is the new year in the court"


async def test_an_order_that_is_sent_twice_asks_once(either: Court) -> None:
    sitting = await recorded(either)
    order = Order(either.clerk.id, "key", b"content")
    first = await requests.ask(either.db, sitting.id, WISH, either.clerk, NOW, order)
    assert (await requests.ask(either.db, sitting.id, WISH, either.clerk, NOW, order)).id == first.id
    with pytest.raises(UserError, match="key_reused"):
        await requests.ask(either.db, sitting.id, WISH, either.clerk, NOW, Order(either.clerk.id, "key", b"other"))


async def test_who_may_not_see_a_recording_may_not_ask_for_a_copy_of_it(either: Court) -> None:
    sitting = await recorded(either)
    with pytest.raises(NotFound, match="recording_unknown"):
        await requests.ask(either.db, sitting.id, WISH, either.users["sun"], NOW)
    assert await audited(either.db, "copy_requested") == []


async def test_a_film_is_asked_for_where_there_is_one(either: Court) -> None:
    sitting = await recorded(either, film=False)
    with pytest.raises(ValidationFailed):
        await asked(either, sitting)
    assert (await asked(either, sitting, content="package", originals_reason="鉴定")).content == "package"


async def test_everybody_sees_the_copies_that_are_his_to_know(either: Court) -> None:
    copies = [await asked(either, await recorded(either, start), receiver=start) for start in ("10:00", "14:00", "16:00")]

    async def seen(user: User, **filters: object) -> list[str]:
        found, _more = await listing.listed(either.db, user, **filters)  # type: ignore[arg-type]
        return sorted(copy.receiver for copy in found)

    for name in ("zhao", "gao", "xu", "chen"):
        assert await seen(either.users[name]) == ["10:00", "14:00", "16:00"], name
    for name in ("sun", "lin"):
        assert await seen(either.users[name]) == [], name
    assert await seen(either.clerk, sitting_id=copies[1].sitting_id) == ["14:00"]
    await requests.refuse(either.db, copies[2].id, "无依据", either.judge, NOW)
    assert await seen(either.clerk, states=("requested",)) == ["10:00", "14:00"]
    assert (await listing.counts(either.db)) | {} == dict.fromkeys(
        ("approved", "ready", "failed", "revoked", "removed"), 0
    ) | {"requested": 2, "refused": 1}  # fmt: skip
    may = await listing.rights(either.db, either.judge, copies[:1], NOW)
    assert (may[copies[0].id].decide, may[copies[0].id].fetch) == (True, False)


async def test_of_a_sealed_juvenile_record_there_are_no_copies_to_be_seen_decided_on_or_fetched(either: Court) -> None:
    sitting = await recorded(either)
    one, other = await asked(either, sitting), await asked(either, sitting)
    await requests.approve(either.db, one.id, either.judge, NOW)
    await ready(either, one)
    async with either.db.writer() as session:
        (await session.get_one(Sitting, sitting.id)).withheld_at = NOW
    assert (await listing.listed(either.db, either.clerk))[0] == []
    with pytest.raises(NotFound):
        await requests.fetched(either.db, one.id, either.clerk, NOW)
    with pytest.raises(NotFound):
        await requests.approve(either.db, other.id, either.judge, NOW)
    with pytest.raises(NotFound):
        await asked(either, sitting)


async def test_a_list_goes_on_behind_its_last(either: Court) -> None:
    sitting = await recorded(either)
    for minute in range(5):
        await requests.ask(either.db, sitting.id, replace(WISH, receiver=str(minute)), either.clerk, NOW + timedelta(minutes=minute))
    first, more = await listing.listed(either.db, either.clerk, size=3)
    rest, none = await listing.listed(either.db, either.clerk, after=(first[-1].requested_at, first[-1].id), size=3)
    assert ([copy.receiver for copy in first + rest], more, none) == (["4", "3", "2", "1", "0"], True, False)
