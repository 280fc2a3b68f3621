"""Five failures lock a sign-in name for half an hour, whether or not anybody has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.errors import Forbidden
from dispatch.identity import passwords
from dispatch.identity.sign_in import SignInLocked, sign_in
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import User
from tests.dispatch.conftest import QUICK
from tests.dispatch.making import NOW, PASSWORD, Court, audited

LOCK = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def quick_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's password costs what those of :func:`tests.dispatch.conftest.founded_court`'s people cost, as in the product."""
    monkeypatch.setattr(passwords, "_nobody_hash", [QUICK.hash("nobody knows")])


async def attempt(db: Database, name: str = "gao", password: str = "wrong", after: timedelta = timedelta(0)) -> str:
    """What comes of it: "in", "refused", or "locked" with the minutes told."""
    now = NOW + after
    try:
        await sign_in(db, name, password, "10.0.0.7", now)
    except SignInLocked as told:
        return f"locked {told.data['minutes']}"
    except Forbidden as told:
        return told.code.removeprefix("sign_in_")
    return "in"


async def fail(db: Database, times: int, name: str = "gao", after: timedelta = timedelta(0)) -> list[str]:
    return [await attempt(db, name, after=after) for _ in range(times)]


async def test_the_right_password_is_let_in_however_the_name_is_written(db: Database) -> None:
    assert [await attempt(db, name, PASSWORD) for name in ("gao", " GAO ", "Gao")] == ["in"] * 3


async def test_the_fifth_failure_locks_the_name_for_half_an_hour(db: Database) -> None:
    assert await fail(db, 6) == ["refused"] * 4 + ["locked 30"] * 2


async def test_in_that_half_hour_the_right_password_is_refused_too(db: Database) -> None:
    await fail(db, 5)
    assert await attempt(db, password=PASSWORD, after=LOCK - SECOND) == "locked 1"
    assert await attempt(db, password=PASSWORD, after=LOCK) == "in"


async def test_attempts_on_a_locked_name_do_not_lengthen_the_lock(db: Database) -> None:
    await fail(db, 5)
    assert await fail(db, 3, after=LOCK - SECOND) == ["locked 1"] * 3
    assert await attempt(db, password=PASSWORD, after=LOCK) == "in"


async def test_after_the_lock_one_has_five_attempts_again(db: Database) -> None:
    await fail(db, 5)
    assert await fail(db, 5, after=LOCK) == ["refused"] * 4 + ["locked 30"]


async def test_whoever_gets_in_begins_to_count_anew(db: Database) -> None:
    await fail(db, 4)
    assert await attempt(db, password=PASSWORD) == "in"
    assert await fail(db, 5) == ["refused"] * 4 + ["locked 30"]


async def test_locks_are_for_one_name_alone(db: Database) -> None:
    await fail(db, 5)
    assert await attempt(db, "zhao", PASSWORD) == "in"


async def test_a_lock_holds_however_the_name_is_written(db: Database) -> None:
    await fail(db, 5, " Gao")
    assert await attempt(db, "GAO ", PASSWORD) == "locked 30"


async def deactivate(court: Court, name: str) -> None:
    async with court.db.writer() as session:
        (await session.get_one(User, court.users[name].id)).active = False


@pytest.mark.parametrize(
    "minutes",
    [
        (0, 0, 0, 0, 0, 0, 29, 30, 30),
        (0, 0, 0, 0, 31, 31, 31, 31, 31, 31),
        (0, 10, 20, 30, 40, 50, 70, 71),
        (0, 0, 0, 0, 30, 60, 61, 61, 61, 61),
        (0, 0, 0, 0, 0, 20, 40, 40, 40, 40, 40),
    ],
    ids=str,
)
async def test_nobody_learns_from_refusals_which_names_exist(court: Court, minutes: tuple[int, ...]) -> None:
    """Whatever the rhythm of the guesses, a clerk, one who left, and nobody at all are refused in the same words."""
    await deactivate(court, "he")

    async def guess(name: str) -> list[str]:
        return [await attempt(court.db, name, after=timedelta(minutes=minute)) for minute in minutes]

    known = await guess("gao")
    assert await guess("nobody") == known
    assert await guess("he") == known
    assert any(outcome.startswith("locked") for outcome in known)


async def test_who_was_deactivated_is_refused_with_the_right_password(court: Court) -> None:
    await deactivate(court, "gao")
    assert await attempt(court.db, password=PASSWORD) == "refused"


async def test_a_hundred_guesses_at_once_are_not_a_hundred_guesses_looked_at(db: Database) -> None:
    """One of them is right; it comes too late."""
    outcomes = await asyncio.gather(*(attempt(db) for _ in range(99)), attempt(db, password=PASSWORD))
    assert "in" not in outcomes
    assert sorted(outcomes) == ["locked 30"] * 96 + ["refused"] * 4
    results = [row.result for row in await audited(db, "sign_in")]
    assert (results.count("refused"), results.count("locked")) == (5, 95)
    assert len(await audited(db, "sign_in_locked")) == 1


@pytest.mark.parametrize("change", ["deactivated", "another password"])
async def test_what_changes_while_the_password_is_checked_counts(court: Court, change: str) -> None:
    signing_in = asyncio.create_task(attempt(court.db, password=PASSWORD))
    await asyncio.sleep(0)  # it is inside its first transaction; ours is the next
    async with court.db.writer() as session:
        user = await session.get_one(User, court.users["gao"].id)
        assert user.failures == 1
        user.active = change != "deactivated"
        user.password_hash += "" if change == "deactivated" else "x"
    assert await signing_in == "refused"
    assert [row.result for row in await audited(court.db, "sign_in")] == ["refused"]


async def test_every_outcome_is_audited_with_name_and_address(court: Court) -> None:
    await attempt(court.db, "Gao", PASSWORD)
    await fail(court.db, 6)
    await attempt(court.db, " Nobody ")
    rows = await audited(court.db)
    outcomes = [(row.action, row.result) for row in rows]
    assert outcomes == [
        ("sign_in", "done"),
        *[("sign_in", "refused")] * 5,
        ("sign_in_locked", "done"),
        ("sign_in", "locked"),
        ("sign_in", "refused"),
    ]
    assert {(row.actor, row.actor_id, row.subject) for row in rows[:-1]} == {("高卫东", court.users["gao"].id, "gao")}
    assert (rows[-1].actor, rows[-1].actor_id, rows[-1].subject) == ("?", "", "nobody")
    assert {row.address for row in rows} == {"10.0.0.7"}
    assert rows[6].detail == {"failures": 5, "minutes": 30}
    assert {row.at for row in rows} == {NOW}


@pytest.mark.parametrize("name", ["", " ", "n" * 5000, "\ud800", "a\x00b", "'; DROP TABLE user; --"])
async def test_whatever_is_typed_as_a_name_is_refused_and_no_more(db: Database, name: str) -> None:
    assert await attempt(db, name) == "refused"


async def test_the_court_decides_how_many_failures_and_how_long(court: Court) -> None:
    strict = await Database.connect(court.db.url, replace(Site(), lockout_failures=2, lockout=timedelta(minutes=10)))
    assert await fail(strict, 2) == ["refused", "locked 10"]
    await strict.close()


def test_a_minute_that_has_begun_is_told_as_a_minute() -> None:
    assert SignInLocked(NOW + timedelta(seconds=61), NOW).data["minutes"] == 2
    assert SignInLocked(NOW, NOW).data["minutes"] == 1
