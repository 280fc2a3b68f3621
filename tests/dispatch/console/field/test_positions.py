"""Where people in the field are: who may be known, when, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.console.field import positions, teams
from dispatch.console.field.positions import Fix, fix_of
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.console.map.coordinates import Place, gcj02_from_wgs84
from dispatch.errors import Refused, ValidationFailed
from dispatch.store.base import new_id
from dispatch.store.database import Database
from dispatch.store.field_tables import FieldTask, Team
from dispatch.store.tables import User
from tests.dispatch.distances import distance_m
from tests.dispatch.making import NOW

HERE = Fix(39.9219, 116.4432, 12.0)


async def somebody(db: Database, name: str = "程海") -> User:
    user = User(id=new_id(), name=name, sign_in_name=new_id(), role="field", password_hash="x")
    async with db.writer() as session:
        session.add(user)
    return user


async def team_of(db: Database, *people: User, name: str = "望河中队") -> Team:
    return await teams.add(db, TeamDraft(name, members=tuple(Member(user.id) for user in people)), "test", NOW)


async def sent_out(db: Database, team: Team, state: str = "signed") -> None:
    async with db.writer() as session:
        running = {"year": 2026, "running": int(new_id()[:6], 16), "created_by": "x", "created_name": "x", "deadline": NOW}
        session.add(FieldTask(title="查看排污口", place="北河沿", team_id=team.id, state=state, **running))


async def test_a_position_is_kept_while_a_task_is_under_way_and_its_owner_agrees(db: Database) -> None:
    user = await somebody(db)
    team = await team_of(db, user)
    assert not await positions.note(db, user, HERE, NOW, NOW)
    await positions.agree(db, user, True, NOW)
    assert not await positions.note(db, user, HERE, NOW, NOW)
    await sent_out(db, team)
    assert await positions.note(db, user, HERE, NOW, NOW)
    (found,) = await positions.latest(db)
    assert (found.name, found.team, found.latitude, found.longitude, found.accuracy_m, found.at) == (
        "程海", "望河中队", 39.9219, 116.4432, 12.0, NOW,
    )  # fmt: skip


@pytest.mark.parametrize("state", ["drafted", "sent", "reported", "closed", "cancelled"])
async def test_no_position_is_taken_before_a_task_is_signed_for_or_after_it_is_reported(db: Database, state: str) -> None:
    user = await somebody(db)
    await sent_out(db, await team_of(db, user), state)
    await positions.agree(db, user, True, NOW)
    assert not await positions.note(db, user, HERE, NOW, NOW)
    assert await positions.latest(db) == []


async def test_who_agrees_no_longer_is_forgotten_at_once(db: Database) -> None:
    user = await somebody(db)
    await sent_out(db, await team_of(db, user))
    await positions.agree(db, user, True, NOW)
    await positions.note(db, user, HERE, NOW, NOW)
    await positions.agree(db, user, False, NOW)
    assert await positions.latest(db) == []
    assert not await positions.note(db, user, HERE, NOW, NOW)


async def test_an_older_position_that_comes_late_replaces_none_and_a_clock_that_is_ahead_is_not_believed(db: Database) -> None:
    user = await somebody(db)
    await sent_out(db, await team_of(db, user))
    await positions.agree(db, user, True, NOW)
    assert await positions.note(db, user, HERE, NOW + timedelta(hours=3), NOW)
    assert not await positions.note(db, user, Fix(40.0, 116.5, 5.0), NOW - timedelta(minutes=1), NOW)
    (found,) = await positions.latest(db)
    assert (found.at, found.latitude) == (NOW, 39.9219)


async def test_who_belongs_to_no_team_or_to_one_of_the_past_is_on_no_map(db: Database) -> None:
    stranger, user = await somebody(db), await somebody(db, "马兰")
    with pytest.raises(Refused, match="no_team"):
        await positions.agree(db, stranger, True, NOW)
    team = await team_of(db, user)
    await sent_out(db, team)
    await positions.agree(db, user, True, NOW)
    await positions.note(db, user, HERE, NOW, NOW)
    await teams.change(db, team.id, TeamDraft(team.name, active=False, members=(Member(user.id),)), "test", NOW)
    assert await positions.latest(db) == []
    await teams.change(db, team.id, TeamDraft(team.name), "test", NOW)
    await teams.change(db, team.id, TeamDraft(team.name, members=(Member(user.id),)), "test", NOW)
    assert await positions.latest(db) == []


def test_what_a_phone_says_in_gcj02_is_the_place_that_it_means() -> None:
    said = gcj02_from_wgs84(Place(39.9219, 116.4432))
    fix = fix_of({"latitude": said.latitude, "longitude": said.longitude, "accuracy_m": 8, "system": "gcj02"})
    assert distance_m(said, Place(39.9219, 116.4432)) > 100
    assert distance_m(Place(fix.latitude, fix.longitude), Place(39.9219, 116.4432)) < 0.01


@pytest.mark.parametrize(
    "given",
    [
        {}, {"latitude": 1, "longitude": 2}, {"latitude": 91, "longitude": 0, "accuracy_m": 1},
        {"latitude": "1", "longitude": 2, "accuracy_m": 3},
        {"latitude": True, "longitude": 2, "accuracy_m": 3},
        {"latitude": float("nan"), "longitude": 2, "accuracy_m": 3},
        {"latitude": 1, "longitude": 2, "accuracy_m": -1}, {"latitude": 1, "longitude": 2, "accuracy_m": 1, "system": "bd09"},
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationFailed):
        fix_of(given)


async def test_a_team_takes_people_of_the_field_alone_and_each_belongs_to_one(db: Database) -> None:
    user, clerk = await somebody(db), User(id=new_id(), name="赵", sign_in_name="z2", role="clerk", password_hash="x")
    async with db.writer() as session:
        session.add(clerk)
    first = await team_of(db, user)
    with pytest.raises(ValidationFailed) as refused:
        await teams.add(db, TeamDraft("望河中队", phone="x", members=(Member(clerk.id),)), "test", NOW)
    assert [(field, code) for field, code, _ in refused.value.errors] == [
        ("name", "team_name_taken"), ("phone", "phone_shape"), ("members", "member_unknown"),
    ]  # fmt: skip
    second = await team_of(db, user, name="小庙中队")
    assert [len(team.members) for team in await teams.listed(db)] == [0, 1]
    member = await teams.member_of(db, user.id)
    assert member is not None
    assert (member.team_id, first.id != second.id) == (second.id, True)
