"""Factories for tests of the control plane: times of the court, drafts, sittings, and rows of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch.booking import bookings, draft
from dispatch.booking.catalogue import resources
from dispatch.booking.catalogue.details import Details
from dispatch.booking.catalogue.resources import PLAIN, ResourceDraft
from dispatch.booking.catalogue.sites import site_named
from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.sittings.moments import microseconds
from dispatch.sittings.statuses import project_rows
from dispatch.store.database import Database
from dispatch.store.tables import AuditRow, Participant, Resource, Room, Sitting, User
from rooms.log import GENESIS, Event, Row, chain

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""
PASSWORD = "Yunhe-2026"


def at(clock: str, days: int = 0) -> datetime:
    """The moment at which the court's clock shows that, today or so many days later; UTC."""
    return datetime.combine(TODAY + timedelta(days=days), time.fromisoformat(clock), SHANGHAI).astimezone(UTC)


@dataclass(frozen=True)
class Court:
    """A court with a database of its own: two rooms, and staff who all have the same password. `users` goes by sign-in name."""

    db: Database
    file: Path
    users: dict[str, User]
    room: Room
    other_room: Room

    @property
    def clerk(self) -> User:
        return self.users["zhao"]

    @property
    def judge(self) -> User:
        return self.users["chen"]

    @property
    def other_judge(self) -> User:
        return self.users["lin"]


URGENT = "双方当事人同意即时开庭"
"""Why a sitting is held today, or at night: the parties have agreed to it."""


def make_draft(court: Court, start: str = "14:00", minutes: int = 60, *, days: int = 0, **changes: Any) -> SittingDraft:
    """A good form: today 14:00, one hour, first room, Chen presides, Zhao keeps the record; a party by link, an interpreter in the room.
    At such short notice it says why."""
    starts_at = at(start, days)
    good = SittingDraft(
        case_number="（2026）京0105民初31号",
        case_title="云河物业公司与刘芳物业服务合同纠纷案",
        title="",
        room_id=court.room.id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        chair_id=court.judge.id,
        clerk_id=court.clerk.id,
        participants=(
            ParticipantDraft("刘芳", "party", phone="138 1234 5678"),
            ParticipantDraft("吴译", "interpreter", seat="room"),
        ),
        override_reason=URGENT,
    )
    return replace(good, **changes)


async def make_sitting(court: Court, start: str = "14:00", minutes: int = 60, *, now: datetime = NOW, **changes: Any) -> Sitting:
    """A sitting booked by Zhao, as :func:`make_draft` says."""
    return await bookings.create_sitting(court.db, make_draft(court, start, minutes, **changes), court.clerk, now)


async def other_sitting(court: Court, start: str = "14:00", minutes: int = 60, **changes: Any) -> Sitting:
    """A sitting that shares neither room nor people with :func:`make_sitting`'s."""
    others = {"room_id": court.other_room.id, "chair_id": court.other_judge.id, "clerk_id": court.users["he"].id}
    return await make_sitting(court, start, minutes, **(others | {"case_number": "（2026）京0105民初77号", "title": "另案"} | changes))


def draft_of(sitting: Sitting, **changes: Any) -> SittingDraft:
    """The form as the clerk finds it when he opens a sitting that is there, with what he changes in it."""
    return replace(draft.draft_of(sitting), **changes)


def named(sitting: Sitting, name: str) -> Participant:
    """The participant of that name."""
    return next(participant for participant in sitting.participants if participant.name == name)


def make_rows(sitting_id: str, *events: tuple[str, dict[str, Any]], first: int = 1, at: datetime = NOW) -> list[Row]:
    """Rows of a sitting's log, one second apart; `first` is the number of the first."""
    rows: list[Row] = []
    for number, (kind, data) in enumerate(events):
        event = Event(kind, microseconds(at + timedelta(seconds=number)), data)
        rows.append(chain(sitting_id, 1, first + number, rows[-1].hash if rows else GENESIS, event))
    return rows


def to_stage(stage: str) -> tuple[str, dict[str, Any]]:
    """A change of stage by the chair."""
    return "stage_changed", {"from": "", "to": stage, "by": {"participant": "judge"}, "reason": ""}


OPENED: tuple[str, dict[str, Any]] = ("conference_opened", {"plan": {}})
CANCELLED: tuple[str, dict[str, Any]] = ("conference_cancelled", {"reason": "法官病假"})
INTO: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "planned": (),
    "open": (OPENED,),
    "live": (OPENED, to_stage("hearing")),
    "recess": (OPENED, to_stage("hearing"), to_stage("recess")),
    "closed": (OPENED, to_stage("hearing"), to_stage("closed")),
    "cancelled": (OPENED, CANCELLED),
}
"""What a log says of a sitting that has come to a status."""


async def bring_to(db: Database, sitting: Sitting, status: str) -> Sitting:
    """The sitting after its log brought it to `status`."""
    await project_rows(db, sitting.id, make_rows(sitting.id, *INTO[status]))
    return await as_it_is(db, sitting)


async def as_it_is(db: Database, sitting: Sitting) -> Sitting:
    """The sitting read again."""
    async with db.reader() as session:
        return await session.get_one(Sitting, sitting.id)


async def audited(db: Database, *actions: str) -> list[AuditRow]:
    """Rows of the audit log, oldest first; of these actions only where some are given."""
    wanted = select(AuditRow).order_by(AuditRow.seq)
    async with db.reader() as session:
        return list(await session.scalars(wanted.where(AuditRow.action.in_(actions)) if actions else wanted))


async def add_movable(
    db: Database, kind: str, name: str, by: User, now: datetime, *, site: str = "", slots: int = 1, details: Details = PLAIN
) -> list[Resource]:
    """Equipment, or a custody place of so many slots, at the site of that name, which is made where there is none."""
    async with db.writer() as session:
        place = await site_named(session, site)
    draft = ResourceDraft(name, site_id=place.id if place is not None else "", details=details)
    return await resources.add_resources(db, kind, draft, by, now, slots=slots)


async def set_terms(db: Database, resource_id: str, details: Details, by: User, now: datetime) -> Resource:
    """These are how the resource is booked from now on; its hours and features stay."""

    def changed(was: Resource) -> ResourceDraft:
        draft = resources.draft_of(was)
        return replace(draft, details=replace(details, hours=draft.details.hours, features=draft.details.features))

    return await resources.change_resource(db, resource_id, changed, by, now)
