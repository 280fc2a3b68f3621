"""Five kinds of sitting are booked: who presides, whom a row may name, and how many there must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.booking import bookings, days
from dispatch.booking.draft import SittingDraft, draft_of
from dispatch.booking.finding.searching import Wanted, search
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.roles import chair_role, roles_for
from dispatch.errors import Refused, ValidationFailed
from dispatch.sittings import participants, sittings
from dispatch.store.tables import Participant, Resource, User, new_id
from rooms.procedure import PROCEDURES, procedure_of
from tests.dispatch.making import NOW, SHANGHAI, TODAY, Court, make_draft, make_sitting

OUTSIDE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "remote_court": (("刘芳", "party"),),
    "petition_intake": (("郑桂兰", "petitioner"), ("韩松", "officer")),
    "public_hearing": (("冯立群", "hearing_officer"), ("沈若兰", "hearing_officer"), ("曹文博", "hearing_officer"), ("梁志强", "party")),
    "round_table": (("许安", "member"),),
    "remote_interrogation": (("马某", "suspect"), ("田勇", "custody_officer")),
}


async def prosecutor(court: Court, name: str = "唐慧", sign_in: str = "tang") -> User:
    user = User(id=new_id(), name=name, sign_in_name=sign_in, role="prosecutor", password_hash="x")
    async with court.db.writer() as session:
        session.add(user)
    return user


def form(court: Court, kind: str, chair: User, *also: ParticipantDraft, **changes: Any) -> SittingDraft:
    rows = tuple(ParticipantDraft(name, role) for name, role in OUTSIDE[kind])
    return make_draft(court, kind=kind, chair_id=chair.id, participants=(*rows, *also), **changes)


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_each_kind_is_booked_with_the_one_who_presides_it(court: Court, kind: str) -> None:
    chair = court.judge if kind == "remote_court" else await prosecutor(court)
    sitting = await bookings.create_sitting(court.db, form(court, kind, chair), court.clerk, NOW)
    (presiding,) = [person for person in sitting.participants if person.presides]
    assert (presiding.role, presiding.user_id) == (PROCEDURES[kind].chair, chair.id)
    plan = sittings.plan(sitting, court.db)
    assert [(person.role, person.chair) for person in plan.participants if person.chair] == [(PROCEDURES[kind].chair, True)]
    assert {person.role for person in plan.participants} <= procedure_of(plan.procedure).roles
    ((_, (slot,)), *_) = [row for row in await days.day(court.db, TODAY, SHANGHAI) if row[1]]
    assert slot.chair == chair.name
    assert draft_of(sitting).chair_id == chair.id
    again = await bookings.update_sitting(court.db, sitting.id, draft_of, court.clerk, NOW)
    assert [(p.id, p.role, p.presides) for p in again.participants] == [(p.id, p.role, p.presides) for p in sitting.participants]


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_a_court_is_presided_by_a_judge_and_everything_else_by_a_prosecutor_or_a_judge(court: Court, kind: str) -> None:
    draft = form(court, kind, court.judge)
    assert await bookings.create_sitting(court.db, draft, court.clerk, NOW)
    for wrong in (court.users["he"], await prosecutor(court)) if kind == "remote_court" else (court.users["he"],):
        with pytest.raises(ValidationFailed) as refused:
            await bookings.create_sitting(court.db, form(court, kind, wrong, start="16:00"), court.clerk, NOW)
        assert ("chair_id", "user_unknown", {}) in refused.value.errors


@pytest.mark.parametrize(
    ("kind", "rows", "error"),
    [
        ("public_hearing", [("听", "hearing_officer")] * 2, ("quorum_few", ["hearing_officer"], 3)),
        ("public_hearing", [("听", "hearing_officer")] * 8, ("quorum_many", ["hearing_officer"], 7)),
        ("petition_intake", [("韩松", "officer")], ("quorum_few", ["petitioner"], 1)),
        ("petition_intake", [("访", "petitioner")] * 6, ("quorum_many", ["petitioner"], 5)),
        ("round_table", [("专家", "expert")], ("quorum_few", ["member"], 1)),
        ("remote_interrogation", [("马某", "suspect")] * 2, ("quorum_many", ["suspect"], 1)),
    ],
)
async def test_too_few_or_too_many_of_a_role_are_refused(
    court: Court, kind: str, rows: list[tuple[str, str]], error: tuple[str, list[str], int]
) -> None:
    people = tuple(ParticipantDraft(name, role) for name, role in rows)
    with pytest.raises(ValidationFailed) as refused:
        await bookings.create_sitting(court.db, make_draft(court, kind=kind, participants=people), court.clerk, NOW)
    code, roles, number = error
    ((field, said, data),) = refused.value.errors
    assert (field, said, data["roles"]) == ("participants", code, roles)
    assert data["least" if code == "quorum_few" else "most"] == number


async def test_an_interrogation_needs_two_of_the_prosecution(court: Court) -> None:
    first, second = await prosecutor(court), await prosecutor(court, "罗峰", "luo")
    alone = form(court, "remote_interrogation", first, clerk_id="")
    with pytest.raises(ValidationFailed) as refused:
        await bookings.create_sitting(court.db, alone, court.clerk, NOW)
    assert [(field, code) for field, code, _ in refused.value.errors] == [("participants", "quorum_few")]
    with_clerk = await bookings.create_sitting(court.db, form(court, "remote_interrogation", first), court.clerk, NOW)
    both = form(court, "remote_interrogation", first, ParticipantDraft("", "interrogator", user_id=second.id), clerk_id="", start="16:00")
    two = await bookings.create_sitting(court.db, both, court.clerk, NOW)
    assert [(p.name, p.role, p.presides) for p in two.participants][:2] == [("唐慧", "interrogator", True), ("马某", "suspect", False)]
    assert [p.name for p in two.participants if p.role == "interrogator" and not p.presides] == ["罗峰"]
    assert [p.role for p in with_clerk.participants] == ["interrogator", "clerk", "suspect", "custody_officer"]


def test_a_row_takes_the_roles_of_its_kind() -> None:
    for kind, procedure in PROCEDURES.items():
        assert set(roles_for(kind)) <= procedure.roles
        assert "clerk" not in roles_for(kind)
        assert (procedure.chair in roles_for(kind)) == (kind == "remote_interrogation")
        assert chair_role(kind) == procedure.chair


async def test_a_prosecutor_beside_the_chair_is_there_only_where_the_kind_has_one(court: Court) -> None:
    chair, beside = await prosecutor(court), await prosecutor(court, "罗峰", "luo")
    with pytest.raises(ValidationFailed) as refused:
        await bookings.create_sitting(court.db, form(court, "petition_intake", chair, prosecutor_id=beside.id), court.clerk, NOW)
    assert refused.value.errors == [("prosecutor_id", "role_not_in_kind", {"roles": ["prosecutor"]})]
    with pytest.raises(ValidationFailed) as twice:
        await bookings.create_sitting(court.db, form(court, "public_hearing", chair, prosecutor_id=chair.id), court.clerk, NOW)
    assert ("prosecutor_id", "person_twice", {}) in twice.value.errors
    held = await bookings.create_sitting(court.db, form(court, "public_hearing", chair, prosecutor_id=beside.id), court.clerk, NOW)
    assert draft_of(held).prosecutor_id == beside.id


async def test_later_no_more_join_than_the_kind_takes_and_the_chair_stays(court: Court) -> None:
    sitting = await bookings.create_sitting(court.db, form(court, "remote_interrogation", await prosecutor(court)), court.clerk, NOW)
    with pytest.raises(ValidationFailed) as refused:
        await participants.add(court.db, sitting.id, ParticipantDraft("第二人", "suspect"), court.clerk, NOW)
    assert [(field, code) for field, code, _ in refused.value.errors] == [("role", "quorum_many")]
    (chair,) = [person for person in sitting.participants if person.presides]
    with pytest.raises(Refused):
        await participants.remove(court.db, chair.id, court.clerk, NOW)
    with pytest.raises(Refused):
        await participants.update(court.db, chair.id, ParticipantDraft(chair.name, "suspect"), court.clerk, NOW)
    officer = next(person for person in sitting.participants if person.role == "custody_officer")
    with pytest.raises(ValidationFailed):
        await participants.update(court.db, officer.id, ParticipantDraft(officer.name, "suspect"), court.clerk, NOW)


async def test_a_search_for_anybody_who_presides_looks_among_those_who_may(court: Court) -> None:
    tang = await prosecutor(court)
    wanted = Wanted(TODAY, TODAY, kind="remote_court", chair_id="any", outside_hours=True)
    in_court = {slot.resource_ids[1] for slot in (await search(court.db, wanted, NOW)).slots}
    assert in_court
    assert in_court <= {court.judge.id, court.other_judge.id}
    named = Wanted(TODAY, TODAY, kind="round_table", chair_id=tang.id, outside_hours=True)
    assert {slot.resource_ids[1] for slot in (await search(court.db, named, NOW)).slots} == {tang.id}
    with pytest.raises(ValidationFailed):
        await search(court.db, Wanted(TODAY, TODAY, kind="remote_court", chair_id=tang.id), NOW)


async def test_a_resource_is_shown_anew_when_another_presides(court: Court) -> None:
    tang = await prosecutor(court)
    sitting = await bookings.create_sitting(court.db, form(court, "round_table", tang), court.clerk, NOW)

    async def revision() -> int:
        async with court.db.reader() as session:
            return (await session.scalars(select(Resource.revision).where(Resource.id == court.room.id))).one()

    before = await revision()
    async with court.db.writer() as session:
        chair = (await session.scalars(select(Participant).where(Participant.sitting_id == sitting.id, Participant.presides))).one()
        chair.name = "唐慧（代）"
    assert await revision() > before


async def test_a_judge_of_a_court_presides_as_before(court: Court) -> None:
    sitting = await make_sitting(court)
    assert [(p.role, p.presides) for p in sitting.participants][:2] == [("judge", True), ("clerk", False)]
