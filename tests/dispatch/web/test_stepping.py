"""Stepping in from the command centre: which officer may do what, and what is kept of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from dispatch.store.tables import AuditRow, Sitting, User
from tests.dispatch.web.conftest import Person, Site


@pytest.fixture
async def sitting(site: Site) -> str:
    booked = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(booked)
    return booked


async def officer(site: Site, rank: str) -> Person:
    async with site.db.writer() as session:
        await session.execute(update(User).where(User.role == "officer").values(rank=rank))
    person = await site.signed_in("officer")
    await person.page("/console")
    return person


async def step(person: Person, sitting: str, act: str, **more: Any) -> tuple[int, str]:
    answer = await person.send(f"/console/sittings/{sitting}/step-in", {"act": act, "reason": "线路故障", **more})
    return answer.status, (await answer.json()).get("code", "")


async def rows(site: Site, *actions: str) -> list[AuditRow]:
    async with site.db.reader() as session:
        return list(await session.scalars(select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.seq)))


@pytest.mark.parametrize(("rank", "may"), [("watch", []), ("lead", ["time"]), ("command", ["time", "release"])])
async def test_each_rank_does_what_it_may_and_refusals_are_audited(site: Site, sitting: str, rank: str, may: list[str]) -> None:
    person = await officer(site, rank)
    for act, needs in (("time", "rank_lead"), ("release", "rank_command")):
        status, code = await step(person, sitting, act, minutes=15)
        assert (status, code) == ((200, "") if act in may else (403, needs))
    kept = await rows(site, "stepped_in", "stepping_in_refused")
    assert [row.action for row in kept] == ["stepped_in" if act in may else "stepping_in_refused" for act in ("time", "release")]
    assert all((row.detail["reason"], row.detail["sitting"]) == ("线路故障", sitting) for row in kept)


async def test_more_time_moves_the_end_of_the_booking_and_is_in_the_log(site: Site, sitting: str) -> None:
    async with site.db.reader() as session:
        before = (await session.get_one(Sitting, sitting)).ends_at
    assert await step(await officer(site, "lead"), sitting, "time", minutes=30) == (200, "")
    async with site.db.reader() as session:
        assert ((await session.get_one(Sitting, sitting)).ends_at - before).total_seconds() == 1800
    assert "time_added" in [row.type for row in await site.context.hub.rows(sitting)]


async def test_an_end_by_force_closes_the_sitting_for_good(site: Site, sitting: str) -> None:
    person = await officer(site, "command")
    assert await step(person, sitting, "release") == (200, "")
    overview = site.context.hub.overview(sitting)
    assert overview is None or overview.status == "closed"
    assert (await step(person, sitting, "release"))[0] == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"act": "fly"}, "act"),
        ({"act": "release", "reason": " "}, "reason"),
        ({"act": "release", "reason": "长" * 201}, "reason"),
        ({"act": "mute"}, "participant"),
        ({"act": "mute", "participant": "x", "source": "smell"}, "source"),
        ({"act": "time", "minutes": 7}, "minutes"),
    ],
)
async def test_what_makes_no_sense_is_named_at_its_field(site: Site, sitting: str, body: dict[str, Any], field: str) -> None:
    person = await officer(site, "command")
    answer = await person.send(f"/console/sittings/{sitting}/step-in", {"reason": "线路故障", **body})
    assert answer.status == 422
    assert [error["field"] for error in (await answer.json())["errors"]] == [field]
    assert await rows(site, "stepped_in") == []


async def test_somebody_who_is_not_there_cannot_be_muted(site: Site, sitting: str) -> None:
    assert await step(await officer(site, "lead"), sitting, "mute", participant="nobody") == (409, "participant_unknown")


@pytest.mark.parametrize("role", ["clerk", "judge", "administrator"])
async def test_nobody_else_steps_in(site: Site, sitting: str, role: str) -> None:
    person = await site.signed_in(role)
    await person.page("/preferences")
    assert (await step(person, sitting, "release"))[0] == 403


async def test_a_commander_names_who_may_watch(site: Site, sitting: str) -> None:
    me = site.users["officer"].id
    lead = await officer(site, "lead")
    assert (await lead.send(f"/console/sittings/{sitting}/watchers", {"users": [me]})).status == 403
    commander = await officer(site, "command")
    assert (await commander.send(f"/console/sittings/{sitting}/watchers", {"users": [site.users["judge"].id]})).status == 422
    assert (await commander.send(f"/console/sittings/{sitting}/watchers", {"users": [me]})).status == 200
    (row,) = await rows(site, "watchers_named")
    assert row.detail["watchers"] == [site.users["officer"].name]
    live = site.context.hub._lives[sitting].state
    assert live is not None
    assert live.plan.watchers == (me,)
    page = await commander.page(f"/console/sittings/{sitting}")
    assert "data-name-watchers" in page
    assert "data-name-watchers" not in await (await officer(site, "watch")).page(f"/console/sittings/{sitting}")
