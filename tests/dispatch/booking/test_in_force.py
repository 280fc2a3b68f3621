"""Booking by the version that the unit holds a kind by: how many there must be, and in which roles they may come."""

from __future__ import annotations

import pytest

from dispatch.booking import bookings, in_force, templates
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.templates import TemplateDraft
from dispatch.errors import ValidationFailed
from dispatch.sittings import participants, procedures
from dispatch.store.tables import ProcedureVersion
from rooms.procedure import PROCEDURES
from tests.dispatch.making import NOW, Court, make_draft, make_sitting

HEARING = PROCEDURES["public_hearing"]
FIVE_OFFICERS = HEARING.text.replace("version: 2026-1", "version: 云河 2027").replace("least: 3", "least: 5")
COURT = PROCEDURES["remote_court"]
WITH_SUPERVISOR = COURT.text.replace("version: 2026-1", "version: 云河 2027").replace("  gallery: {", "  supervisor: {}\n  gallery: {", 1)


def officers(number: int) -> tuple[ParticipantDraft, ...]:
    return tuple(ParticipantDraft(f"听证员{n}", "hearing_officer") for n in range(number))


async def test_how_many_there_must_be_is_what_the_version_in_force_says(court: Court) -> None:
    with_three = make_draft(court, kind="public_hearing", participants=officers(3))
    assert await bookings.create_sitting(court.db, with_three, court.clerk, NOW)
    await procedures.adopt(court.db, FIVE_OFFICERS, "root", NOW)
    with_four = make_draft(court, "16:00", kind="public_hearing", participants=officers(4))
    with pytest.raises(ValidationFailed) as refused:
        await bookings.create_sitting(court.db, with_four, court.clerk, NOW)
    ((field, code, data),) = refused.value.errors
    assert (field, code, data["least"]) == ("participants", "quorum_few", 5)
    with_five = make_draft(court, "16:00", kind="public_hearing", participants=officers(5))
    assert await bookings.create_sitting(court.db, with_five, court.clerk, NOW)


async def test_a_role_that_only_the_units_version_has_can_be_booked(court: Court) -> None:
    watcher = ParticipantDraft("周秀英", "supervisor")
    both = (ParticipantDraft("刘芳", "party"), watcher)
    template = TemplateDraft("有监督员的庭审", "remote_court", 60, roles=("party", "supervisor"))
    with pytest.raises(ValidationFailed):
        await make_sitting(court, participants=both)
    with pytest.raises(ValidationFailed):
        await templates.add(court.db, template, court.users["xu"], NOW)
    await procedures.adopt(court.db, WITH_SUPERVISOR, "root", NOW)
    sitting = await make_sitting(court, participants=both)
    assert [person.role for person in sitting.participants if person.user_id is None] == ["party", "supervisor"]
    assert await templates.add(court.db, template, court.users["xu"], NOW)
    later = await participants.add(court.db, sitting.id, ParticipantDraft("钱监督", "supervisor"), court.clerk, NOW)
    assert later.role == "supervisor"
    assert [code for _field, code, _data in await _refused(court, sitting.id)] == ["role_unknown"]


async def _refused(court: Court, sitting: str) -> list[tuple[str, str, object]]:
    with pytest.raises(ValidationFailed) as refused:
        await participants.add(court.db, sitting, ParticipantDraft("嫌疑人", "suspect"), court.clerk, NOW)
    return list(refused.value.errors)


async def test_a_version_that_cannot_be_read_any_more_keeps_nobody_from_booking(court: Court) -> None:
    made = await procedures.adopt(court.db, FIVE_OFFICERS, "root", NOW)
    async with court.db.writer() as session:
        (await session.get_one(ProcedureVersion, made.id)).text = "words: of another time"
    assert await in_force.held(court.db) == PROCEDURES
    assert await bookings.create_sitting(court.db, make_draft(court, kind="public_hearing", participants=officers(3)), court.clerk, NOW)
