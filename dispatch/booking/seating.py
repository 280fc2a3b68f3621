"""The case of a sitting and its people, made those of the form: who stays is changed, who is new gets a link, who is gone loses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from dispatch.booking import protection
from dispatch.booking.draft import SittingDraft, normal_case_number, rows_of
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.identity import invitations
from dispatch.notices.addresses import normal_email
from dispatch.store import ready
from dispatch.store.base import Base
from dispatch.store.postgresql import is_postgresql
from dispatch.store.ready import Ready
from dispatch.store.tables import Case, Invitation, Participant, Sitting, SittingApart, User, new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


async def case_of(session: AsyncSession, draft: SittingDraft, now: datetime) -> Case:
    """The case of that number, locked; a new one takes the draft's title. One statement, whether it was there or not, which waits for
    others that make the same case."""
    row = {"id": new_id(), "number": normal_case_number(draft.case_number), "created_at": now}
    row["title"] = tidy(draft.case_title) or tidy(draft.title)
    return (await ready.objects(session, Case, _CASE[is_postgresql(session)], row))[0]


def _upsert(insert: Callable[[Any], Any]) -> Ready:
    cases = Base.metadata.tables[Case.__tablename__]
    made = insert(cases).values({name: bindparam(name) for name in ("id", "number", "title", "created_at")})
    found = made.on_conflict_do_update(index_elements=[cases.c.number], set_={"number": made.excluded.number})
    return Ready(found.returning(*cases.columns))


_CASE = {True: _upsert(postgresql.insert), False: _upsert(sqlite.insert)}
"""By whether the database is PostgreSQL."""


def seated(
    db: Database, sitting: Sitting, draft: SittingDraft, staff: dict[str, User], now: datetime
) -> Iterator[Participant | SittingApart | Invitation]:
    """The participants of a sitting that is being made, who of them is kept from whom, then the links of those who need one; to be
    written in this order."""
    people, rows = [], rows_of(draft)
    for position, row in enumerate(rows):
        person = Participant(id=new_id(), sitting_id=sitting.id, invitations=[])
        _fill(person, row, staff.get(row.user_id), position)
        people.append(person)
    apart = _protected(people, rows, draft)
    yield from people
    yield from (SittingApart(sitting_id=sitting.id, one_id=one, other_id=other) for one, other in sorted(apart))
    for person in people:
        if invitations.needs_link(person):
            yield invitations.make(db, person, invitations.expiry(db, sitting), now)[1]


async def seat(session: AsyncSession, db: Database, sitting: Sitting, draft: SittingDraft, staff: dict[str, User], now: datetime) -> None:
    """Make the sitting's participants those of the draft: change who stays, add who is new, take out who is gone."""
    present = await _participants(session, sitting.id)
    by_user = {p.user_id: p for p in present.values() if p.user_id is not None}
    people, rows = [], rows_of(draft)
    for position, row in enumerate(rows):
        user = staff.get(row.user_id)
        participant = present.get(row.id) or (by_user.get(user.id) if user else None)
        if participant is None:
            participant = Participant(id=new_id(), sitting_id=sitting.id, invitations=[])
            session.add(participant)
        _fill(participant, row, user, position)
        people.append(participant)
        _settle_link(session, db, sitting, participant, now)
    apart = _protected(people, rows, draft)
    kept = {participant.id for participant in people}
    for participant in present.values():
        if participant.id not in kept:
            participant.removed_at = now
            invitations.withdraw(participant, "removed", now)
    await session.flush()
    await keep_apart(session, sitting, apart)
    session.expire(sitting, ["participants"])


async def keep_apart(session: AsyncSession, sitting: Sitting, pairs: set[protection.Pair]) -> None:
    """These of the sitting must not see or hear each other (ids of participants who are written, the lesser first), and no others."""
    there = {(pair.one_id, pair.other_id): pair for pair in sitting.apart}
    for pair in there.keys() - pairs:
        sitting.apart.remove(there[pair])
    sitting.apart += [SittingApart(sitting_id=sitting.id, one_id=one, other_id=other) for one, other in sorted(pairs - there.keys())]
    await session.flush()


def _protected(people: list[Participant], rows: list[ParticipantDraft], draft: SittingDraft) -> set[protection.Pair]:
    """Whom each guards is written to the participants of the rows; the pairs of the form, by their ids."""
    places = protection.by_word(rows)
    for participant, row in zip(people, rows, strict=True):
        participant.minor = row.minor
        participant.guards_id = people[places[row.guards]].id if row.guards else ""
    return {protection.ordered(people[places[one]].id, people[places[other]].id) for one, other in draft.apart}


def _fill(participant: Participant, row: ParticipantDraft, user: User | None, position: int) -> None:
    participant.user_id = user.id if user else None
    participant.name = tidy(row.name) or (user.name if user else "")
    participant.phone = row.phone.strip() or (user.phone if user else "")
    participant.email = "" if user or not row.email.strip() else normal_email(row.email)
    participant.role, participant.position = row.role, position
    participant.presides = position == 0  # who presides is the first of the rows
    participant.seat = "link" if user else row.seat


async def _participants(session: AsyncSession, sitting_id: str) -> dict[str, Participant]:
    found = await session.scalars(select(Participant).where(Participant.sitting_id == sitting_id, Participant.removed_at.is_(None)))
    return {participant.id: participant for participant in found}


def _settle_link(session: AsyncSession, db: Database, sitting: Sitting, participant: Participant, now: datetime) -> None:
    """A link for whoever needs one and has none; none for whoever sits in the room by now."""
    if not invitations.needs_link(participant):
        invitations.withdraw(participant, "reissued", now)
    elif not any(invitation.revoked_at is None for invitation in participant.invitations):
        invitations.give(session, db, participant, invitations.expiry(db, sitting), now)


async def reissue_links(session: AsyncSession, db: Database, sitting: Sitting, now: datetime) -> None:
    """New links for all who come by one: whoever holds an old one is told to ask."""
    for participant in sitting.participants:
        if invitations.withdraw(participant, "moved", now) or invitations.needs_link(participant):
            invitations.give(session, db, participant, invitations.expiry(db, sitting), now)
    await session.flush()
    for participant in sitting.participants:
        await session.refresh(participant, ["invitations"])
