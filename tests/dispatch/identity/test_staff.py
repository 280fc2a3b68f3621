"""The staff: who is added, who is listed, and what is wrong with a new account."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dispatch.errors import NotFound, ValidationFailed
from dispatch.identity import people
from dispatch.identity.sign_in import sign_in
from dispatch.store.database import Database
from dispatch.store.tables import Resource, User
from tests.dispatch.making import NOW, PASSWORD, Court, audited


async def added(db: Database, **changes: Any) -> User:
    fields: dict[str, Any] = {"name": "魏生", "sign_in_name": "wei", "role": "clerk", "password": PASSWORD}
    return await people.add_user(db, **(fields | changes))


def _given(draft: people.UserDraft, _was: User) -> people.UserDraft:
    return draft


async def wrong(db: Database, **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as told:
        await added(db, **changes)
    return [(field, code) for field, code, _ in told.value.errors]


async def test_who_is_added_can_sign_in_by_the_name_as_it_is_compared(db: Database) -> None:
    user = await added(db, name=" 魏生 ", sign_in_name=" Wei.Sheng@court ", phone=" 010-5550 1200 ")
    assert (user.name, user.sign_in_name, user.phone) == ("魏生", "wei.sheng@court", "010-5550 1200")
    _, session = await sign_in(db, "WEI.SHENG@COURT", PASSWORD, "", NOW)
    assert session.user_id == user.id


async def test_every_bad_field_of_a_new_account_is_named_at_once(db: Database) -> None:
    assert await wrong(db, name=" ", sign_in_name="w", role="king", password="short") == [
        ("name", "required"), ("role", "role_unknown"), ("sign_in_name", "sign_in_name_shape"), ("password", "password_short"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["w", "w" * 81, "wei sheng", "wei/sheng", "<b>", "", "\ud800\ud800"])
async def test_a_sign_in_name_is_what_can_be_typed_and_told_on_the_telephone(db: Database, name: str) -> None:
    assert ("sign_in_name", "sign_in_name_shape") in await wrong(db, sign_in_name=name)


async def test_a_name_is_taken_however_it_is_written(db: Database) -> None:
    assert await wrong(db, sign_in_name="ZHAO ") == [("sign_in_name", "sign_in_name_taken")]


async def test_of_two_who_add_the_same_name_at_once_one_succeeds(db: Database) -> None:
    outcomes = await asyncio.gather(*(added(db) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert [e.errors[0][1] for e in outcomes if isinstance(e, ValidationFailed)] == ["sign_in_name_taken"] * 2


async def test_adding_is_audited_by_whom_and_in_which_role(court: Court) -> None:
    user = await added(court.db, role="officer", by=court.users["xu"])
    (row,) = await audited(court.db, "user_added")
    assert (row.actor, row.subject, row.detail) == ("许文博", "wei", {"user": user.id, "role": "officer", "rank": "watch"})


async def test_only_officers_have_a_rank_and_keep_it_until_they_are_none(court: Court) -> None:
    assert await wrong(court.db, role="officer", rank="admiral") == [("rank", "rank_unknown")]
    assert (await added(court.db, role="clerk", rank="command")).rank == ""
    officer = await added(court.db, role="officer", sign_in_name="gao2", rank="lead")
    steps: list[tuple[dict[str, Any], str]] = [
        ({"phone": "010-5550 1200"}, "lead"),
        ({"rank": "command"}, "command"),
        ({"role": "clerk"}, ""),
        ({"role": "officer"}, "watch"),
    ]
    for changes, rank in steps:
        draft = replace(people.draft_of(await people.get_user(court.db, officer.id)), **changes)
        officer, _ = await people.change_user(court.db, officer.id, partial(_given, draft), court.users["xu"])
        assert officer.rank == rank
    assert [row.detail["rank"] for row in await audited(court.db, "user_changed")] == ["lead", "command", "", "watch"]


async def test_the_staff_is_listed_by_role_and_name(court: Court) -> None:
    everybody = await people.list_users(court.db)
    assert [(user.role, user.name) for user in everybody] == sorted((user.role, user.name) for user in court.users.values())
    assert {user.role for user in await people.list_users(court.db, ("judge", "clerk"))} == {"judge", "clerk"}


async def test_who_left_is_listed_apart(court: Court) -> None:
    async with court.db.writer() as session:
        (await session.get_one(User, court.users["gao"].id)).active = False
    assert [user.sign_in_name for user in await people.list_users(court.db, active=False)] == ["gao"]
    assert len(await people.list_users(court.db, active=True)) == len(court.users) - 1


async def test_a_person_is_found_by_id_or_named_as_unknown(court: Court) -> None:
    assert (await people.get_user(court.db, court.clerk.id)).name == "赵书宁"
    with pytest.raises(NotFound, match="user_unknown"):
        await people.get_user(court.db, "nobody")


async def test_who_works_in_the_field_is_booked_into_no_room(court: Court) -> None:
    async def bookable(user: User) -> bool:
        async with court.db.reader() as session:
            return (await session.get_one(Resource, user.id)).active

    worker = await added(court.db, role="field")
    assert not await bookable(worker)
    for role, booked in (("clerk", True), ("field", False)):
        draft = replace(people.draft_of(worker), role=role)
        await people.change_user(court.db, worker.id, partial(_given, draft), court.users["xu"])
        assert await bookable(worker) == booked
