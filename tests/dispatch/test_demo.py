"""The demonstration: rooms, staff and sittings around now, made once, and made again for another day."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dispatch import audit, demo
from dispatch.booking import bookings, days
from dispatch.booking.catalogue import loaded_days, resources
from dispatch.booking.draft import SittingDraft, normal_case_number
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.templates import STANDARD
from dispatch.console.field import listing, positions
from dispatch.demo import ROOMS, SITTINGS, STAFF, Account
from dispatch.identity import invitations
from dispatch.identity.passwords import check_policy
from dispatch.identity.sign_in import sign_in
from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.store.tables import CourtSite, Participant, Resource, Room, Sitting, User
from rooms.procedure import PROCEDURES
from tests.dispatch.making import NOW, SHANGHAI, TODAY, audited

LATE = NOW + timedelta(minutes=17)
"""09:47: the demonstration begins at the half hour."""


@dataclass(frozen=True)
class Shown:
    """A demonstration's data directory, its database, and who can sign in."""

    settings: Settings
    db: Database
    accounts: list[Account]

    @property
    def file(self) -> Path:
        return self.settings.secrets / "demo-accounts.json"

    async def again(self, now: datetime = LATE) -> list[Account]:
        return await demo.seed(self.db, self.settings, now)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Account]]:
    folder = tmp_path_factory.mktemp("demo")

    async def make() -> list[Account]:
        settings = Settings(data=folder)
        db = await Database.open(settings)
        accounts = await demo.seed(db, settings, LATE)
        await db.close()
        return accounts

    return folder, asyncio.run(make())


@pytest.fixture
async def shown(tmp_path: Path, made_once: tuple[Path, list[Account]]) -> AsyncIterator[Shown]:
    folder, accounts = made_once
    shutil.copytree(folder, tmp_path / "var")
    settings = Settings(data=tmp_path / "var")
    db = await Database.open(settings)
    yield Shown(settings, db, accounts)
    await db.close()


async def sittings(db: Database) -> list[Sitting]:
    async with db.reader() as session:
        return list(await session.scalars(select(Sitting).order_by(Sitting.starts_at, Sitting.title)))


async def test_everybody_who_is_shown_can_sign_in_with_the_password_that_was_made_for_him(shown: Shown) -> None:
    assert [(a.name, a.sign_in_name, a.role) for a in shown.accounts] == list(STAFF)
    assert len({a.password for a in shown.accounts}) == len(STAFF)
    for account in shown.accounts:
        check_policy(account.password)
    for account in shown.accounts[:2]:
        _, session = await sign_in(shown.db, account.sign_in_name, account.password, "", NOW)
        assert (session.user.name, session.user.role) == (account.name, account.role)


async def test_passwords_are_kept_for_the_owner_of_the_site_alone(shown: Shown) -> None:
    assert stat.S_IMODE(shown.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(shown.file.parent.stat().st_mode) == 0o700
    kept = json.loads(shown.file.read_text(encoding="utf-8"))
    assert [each["password"] for each in kept] == [a.password for a in shown.accounts]
    database = shown.settings.data / "dispatch.db"
    assert not any(a.password.encode() in database.read_bytes() for a in shown.accounts)


async def test_sittings_lie_around_now_in_rooms_that_do_not_collide(shown: Shown) -> None:
    held = await sittings(shown.db)
    assert len(held) == len(SITTINGS)
    assert {s.starts_at for s in held} == {NOW + timedelta(minutes=planned.start) for planned in SITTINGS}
    assert [s.starts_at for s in held if s.starts_at <= LATE < s.ends_at] == [NOW, NOW, NOW]
    grid = await days.day(shown.db, TODAY, SHANGHAI)
    assert [room.name for room, _ in grid] == [name for name, *_ in ROOMS]
    for _, taken in grid:
        for earlier, later in pairwise(taken):
            assert earlier.ends_at <= later.starts_at


async def test_every_kind_is_held_and_every_sitting_has_a_chair_and_a_link_for_each_of_its_people(shown: Shown) -> None:
    held = await sittings(shown.db)
    assert {sitting.kind for sitting in held} == set(PROCEDURES)
    for sitting in held:
        assert [p.role for p in sitting.participants if p.presides] == [PROCEDURES[sitting.kind].chair]
        assert sitting.room.kind == STANDARD[sitting.kind].room_kind
        parties = {p.id for p in sitting.participants if p.user_id is None}
        assert parties
        assert set(invitations.links(shown.db, sitting)) == parties
        assert normal_case_number(sitting.case.number) == sitting.case.number


async def test_starting_again_changes_nothing(shown: Shown) -> None:
    before = [(s.id, s.starts_at) for s in await sittings(shown.db)]
    rows = len(await audited(shown.db))
    assert await shown.again() == shown.accounts
    assert [(s.id, s.starts_at) for s in await sittings(shown.db)] == before
    assert len(await audited(shown.db)) == rows


async def test_another_day_gets_sittings_of_its_own(shown: Shown) -> None:
    later = LATE + timedelta(days=3)
    await shown.again(later)
    held = await sittings(shown.db)
    assert len(held) == 2 * len(SITTINGS)
    assert sum(s.starts_at <= later < s.ends_at for s in held) == 3
    async with shown.db.reader() as session:
        inside = select(func.count()).select_from(User).where(User.role != "field")
        assert await session.scalar(inside) == sum(role != "field" for _name, _sign_in, role in STAFF)
        assert await session.scalar(select(func.count()).select_from(Room)) == len(ROOMS)


async def test_a_lost_database_gets_the_same_people_again(shown: Shown, tmp_path: Path) -> None:
    await shown.db.close()
    for file in shown.settings.data.glob("dispatch.db*"):
        file.unlink()
    db = await Database.open(shown.settings)
    accounts = await demo.seed(db, shown.settings, LATE)
    _, session = await sign_in(db, accounts[0].sign_in_name, shown.accounts[0].password, "", NOW)
    await db.close()
    assert accounts == shown.accounts
    assert session.user.name == "赵书宁"


async def test_what_somebody_booked_himself_stays_where_it_is(shown: Shown) -> None:
    later = NOW + timedelta(days=3)
    async with shown.db.reader() as session:
        users = {user.sign_in_name: user for user in await session.scalars(select(User))}
        room = (await session.scalars(select(Room).where(Room.name == ROOMS[0][0]))).one()
    own = SittingDraft(
        case_number="（2026）1号",
        title="自己的",
        room_id=room.id,
        starts_at=later - timedelta(minutes=60),
        ends_at=later + timedelta(minutes=5),
        chair_id=users["zhou"].id,
        participants=(ParticipantDraft("某甲", "party"),),
        override_reason="双方当事人同意",
    )
    mine = await bookings.create_sitting(shown.db, own, users["zhao"], later - timedelta(hours=2))
    await shown.again(later + timedelta(minutes=6))  # what was booked is over, but lies in the present half hour
    held = await sittings(shown.db)
    assert [s.starts_at for s in held if s.id == mine.id] == [own.starts_at]
    assert len(held) == 2 * len(SITTINGS)  # one of the demonstration's had to give way


async def test_what_was_made_is_audited(shown: Shown) -> None:
    assert (await audit.verify_chain(shown.db)).ok
    assert len(await audited(shown.db, "user_added")) == len(STAFF)
    assert len(await audited(shown.db, "sitting_booked")) == len(SITTINGS)


async def test_names_are_made_up_and_nobodys_telephone_is_in_the_audit(shown: Shown) -> None:
    async with shown.db.reader() as session:
        phones = {phone for phone in await session.scalars(select(Participant.phone)) if phone}
    told = "".join(f"{row.subject}{row.detail}" for row in await audited(shown.db))
    assert phones
    assert not any(phone in told for phone in phones)


async def resources_of(db: Database, kind: str) -> dict[str, Resource]:
    async with db.reader() as session:
        return {each.name: each for each in await session.scalars(select(Resource).where(Resource.kind == kind))}


async def test_it_has_a_catalogue_and_what_somebody_changed_there_stays(shown: Shown) -> None:
    async with shown.db.reader() as session:
        sites = {site.name: site for site in await session.scalars(select(CourtSite))}
    house = sites["云河区看守所"]
    slots = await resources_of(shown.db, "custody")
    assert [(name, each.site_id, each.name_en) for name, each in sorted(slots.items())] == [
        ("看守所提讯席 1", house.id, "Detention house slot 1"),
        ("看守所提讯席 2", house.id, "Detention house slot 2"),
    ]
    assert house.hours is not None
    assert "evidence_screen" in (await resources_of(shown.db, "room"))["第一法庭"].features
    equipment = await resources_of(shown.db, "equipment")
    assert len(equipment) == 3
    assert len(await loaded_days.list_days(shown.db, NOW.year)) > 20
    camera = equipment["移动实物展台"]
    async with shown.db.reader() as session:
        keeper = (await session.scalars(select(User).where(User.role == "administrator"))).one()
    draft = resources.draft_of(camera)
    await resources.change_resource(shown.db, camera.id, lambda _was: replace(draft, active=False), keeper, NOW)
    await shown.again(NOW + timedelta(days=1))
    again = await resources_of(shown.db, "equipment")
    assert (len(again), again["移动实物展台"].active) == (3, False)


async def test_the_centre_has_tasks_on_their_way_and_knows_where_their_people_are(shown: Shown) -> None:
    async with shown.db.reader() as session:
        gao = (await session.scalars(select(User).where(User.sign_in_name == "gao"))).one()
    tasks, _ = await listing.by_urgency(shown.db, gao, listing.Filter(), LATE)
    assert sorted(task.state for task in tasks) == ["closed", "on_site", "sent", "signed"]
    assert all(task.deadline > LATE for task in tasks if task.state != "closed")
    people = {position.name: LATE - position.at for position in await positions.latest(shown.db)}
    assert people == {"段毅": timedelta(minutes=22), "邵强": timedelta(minutes=55), "安宁": timedelta(minutes=190)}
