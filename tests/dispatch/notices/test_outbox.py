"""Who is told what: written with the act itself, once, and taken back when it is so no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.booking import bookings, decisions
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Conflict, ValidationFailed
from dispatch.identity import invitations, people
from dispatch.notices import outbox
from dispatch.sittings import participants
from dispatch.sittings.statuses import project_rows
from dispatch.store.notice_tables import Message
from dispatch.store.tables import Sitting
from tests.dispatch.making import (
    CANCELLED,
    NOW,
    OPENED,
    URGENT,
    Court,
    as_it_is,
    at,
    audited,
    draft_of,
    make_draft,
    make_rows,
    make_sitting,
    named,
)
from tests.dispatch.notices.told import LIU, WU, messages, queue, told_sitting


async def test_a_booking_invites_everybody_with_an_address_and_reminds_them_in_time(court: Court) -> None:
    await told_sitting(court, days=5)
    assert await queue(court.db) == [("invitation", LIU), *[("reminder", LIU)] * 2, ("invitation", WU), *[("reminder", WU)] * 2]
    assert [(m.kind, m.address) for m in await messages(court.db, "sms")] == [
        ("invitation", "13812345678"),
        *[("reminder", "13812345678")] * 2,
    ]
    reminders = await messages(court.db, kind="reminder", address=LIU)
    assert [message.next_at for message in reminders] == [at("14:00", 5) - timedelta(hours=48), at("13:00", 5)]


async def test_nobody_is_reminded_of_what_he_was_only_just_told(court: Court) -> None:
    await told_sitting(court, "10:15")
    assert await queue(court.db) == [("invitation", LIU), ("invitation", WU)]


async def test_a_booking_that_is_refused_tells_nobody(court: Court) -> None:
    await told_sitting(court)
    with pytest.raises(Conflict):
        await told_sitting(court)
    assert len(await messages(court.db, kind="invitation")) == 2


async def test_nobody_is_told_of_what_is_not_firm_and_nobody_of_its_end(court: Court) -> None:
    liu = ParticipantDraft("刘芳", "party", email=LIU)
    draft, until = make_draft(court, days=5, participants=(liu,)), NOW + timedelta(days=1)
    firm = await bookings.create_sitting(court.db, draft, court.clerk, NOW, held_until=until)
    assert await queue(court.db) == []
    await decisions.confirm(court.db, firm.id, court.clerk, NOW)
    assert ("invitation", LIU) in await queue(court.db)
    later = make_draft(court, "16:00", days=5, participants=(liu,))
    given_up = await bookings.create_sitting(court.db, later, court.clerk, NOW, held_until=until)
    await bookings.cancel(court.db, given_up.id, "不再需要", court.clerk, NOW)
    assert ("cancelled", LIU) not in await queue(court.db)


async def test_where_there_is_no_mail_server_nothing_is_written(court: Court) -> None:
    court.db.site = replace(court.db.site, mail=False, sms=False)
    await told_sitting(court)
    assert await messages(court.db) == await messages(court.db, "sms") == []


async def test_settling_again_writes_nothing(court: Court) -> None:
    sitting = await told_sitting(court)
    before = await queue(court.db)
    async with court.db.writer() as session:
        await outbox.settle(session, court.db, await session.get_one(Sitting, sitting.id), NOW)
    assert await queue(court.db) == before


async def test_an_invitation_that_nobody_has_seen_is_replaced_not_corrected(court: Court) -> None:
    sitting = await told_sitting(court)
    await bookings.move(court.db, sitting.id, court.room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason=URGENT)
    invited = await messages(court.db, kind="invitation", address=LIU)
    assert {(message.state, message.sequence) for message in invited} == {("superseded", 0), ("queued", 1)}
    assert await messages(court.db, kind="changed") == []


async def test_a_change_of_what_was_told_says_what_it_was_before(court: Court) -> None:
    sitting = await told_sitting(court)
    await _as_sent(court)
    await bookings.move(court.db, sitting.id, court.other_room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason=URGENT)
    await bookings.move(court.db, sitting.id, court.other_room.id, at("16:00"), at("17:00"), court.clerk, NOW, override_reason=URGENT)
    superseded, queued = sorted(await messages(court.db, kind="changed", address=LIU), key=lambda message: message.sequence)
    assert (superseded.state, queued.state) == ("superseded", "queued")
    assert queued.detail["former_starts"] == at("14:00").isoformat(), "the first change was never heard of"
    assert queued.detail["former_room"] == "第一法庭"
    assert (queued.detail["starts"], queued.detail["room"]) == (at("16:00").isoformat(), "第二法庭")


async def test_a_move_has_its_own_reminders(court: Court) -> None:
    sitting = await told_sitting(court, days=5)
    await bookings.move(court.db, sitting.id, court.room.id, at("15:00", 6), at("16:00", 6), court.clerk, NOW, override_reason=URGENT)
    reminders = await messages(court.db, kind="reminder", address=LIU)
    assert sorted((m.state, m.next_at) for m in reminders if m.state == "queued") == [
        ("queued", at("15:00", 4)),
        ("queued", at("14:00", 6)),
    ]
    assert [m.state for m in reminders].count("superseded") == 2


async def test_a_cancellation_is_told_and_takes_back_what_waits(court: Court) -> None:
    sitting = await told_sitting(court, days=5)
    await bookings.cancel(court.db, sitting.id, "法官病假", court.clerk, NOW)
    assert await queue(court.db) == [("cancelled", LIU), ("cancelled", WU)]


async def test_a_cancellation_that_the_log_brings_is_told_once(court: Court) -> None:
    sitting = await told_sitting(court)
    rows = make_rows(sitting.id, OPENED, CANCELLED)
    await project_rows(court.db, sitting.id, rows)
    await project_rows(court.db, sitting.id, rows)
    assert await queue(court.db) == [("cancelled", LIU), ("cancelled", WU)]


async def test_a_change_of_the_title_alone_tells_nobody_anything(court: Court) -> None:
    sitting = await told_sitting(court)
    before = await queue(court.db)
    await bookings.update_sitting(court.db, sitting.id, replace(draft_of(sitting), title="第二次开庭"), court.clerk, NOW)
    assert await queue(court.db) == before


async def test_who_is_added_is_invited_and_who_is_taken_out_is_told(court: Court) -> None:
    sitting = await told_sitting(court)
    await _as_sent(court)
    row = ParticipantDraft("马俊", "agent", email="ma@example.com")
    await participants.add(court.db, sitting.id, row, court.clerk, NOW)
    await participants.remove(court.db, named(sitting, "刘芳").id, court.clerk, NOW)
    assert [each for each in await queue(court.db) if each[0] != "reminder"] == [("removed", LIU), ("invitation", "ma@example.com")]


async def test_who_is_taken_out_before_he_heard_of_it_hears_of_neither(court: Court) -> None:
    sitting = await told_sitting(court)
    added = await participants.add(court.db, sitting.id, ParticipantDraft("马俊", "agent"), court.clerk, NOW)
    await participants.remove(court.db, added.id, court.clerk, NOW)
    assert {address for _, address in await queue(court.db)} == {LIU, WU}


async def test_a_new_link_is_sent_and_a_revoked_one_is_the_clerks_to_tell(court: Court) -> None:
    sitting = await told_sitting(court)
    await _as_sent(court)
    liu = named(sitting, "刘芳").id
    await invitations.reissue(court.db, liu, court.clerk, NOW)
    assert ("link", LIU) in await queue(court.db)
    await _as_sent(court)
    await invitations.revoke(court.db, liu, "clerk", court.clerk, NOW)
    assert [each for each in await queue(court.db) if each[0] != "reminder"] == []


async def test_another_address_gets_an_invitation_and_the_audit_keeps_both_masked(court: Court) -> None:
    sitting = await told_sitting(court)
    await _as_sent(court)
    person = named(sitting, "刘芳")
    row = ParticipantDraft(person.name, person.role, phone=person.phone, email="liu.fang@example.org")
    await participants.update(court.db, person.id, row, court.clerk, NOW)
    assert ("invitation", "liu.fang@example.org") in await queue(court.db)
    (noted,) = await audited(court.db, "address_changed")
    assert (noted.detail["former"], noted.detail["latter"]) == ("l***@example.com", "l***@example.org")


async def test_an_address_changed_in_the_form_is_noted_too(court: Court) -> None:
    sitting = await told_sitting(court)
    draft = draft_of(sitting)
    rows = tuple(replace(row, email="") if row.name == "吴译" else row for row in draft.participants)
    await bookings.update_sitting(court.db, sitting.id, replace(draft, participants=rows), court.clerk, NOW)
    assert [row.detail["latter"] for row in await audited(court.db, "address_changed")] == [""]


async def test_staff_are_told_at_the_address_of_their_account(court: Court) -> None:
    await make_sitting(court, days=5, now=NOW)
    assert await queue(court.db) == []
    await people.change_user(court.db, court.judge.id, lambda user: replace(people.draft_of(user), email="chen@court.example"), court.clerk)
    await make_sitting(court, "16:00", days=5)
    assert ("invitation", "chen@court.example") in await queue(court.db)


async def test_an_address_that_is_none_is_refused_at_its_field(court: Court) -> None:
    people_ = (ParticipantDraft("刘芳", "party", email="liu(at)example.com"),)
    with pytest.raises(ValidationFailed) as refused:
        await make_sitting(court, participants=people_)
    assert [(field, code) for field, code, _ in refused.value.errors] == [("participants.0.email", "email_shape")]
    with pytest.raises(ValidationFailed) as refused:
        await people.change_user(court.db, court.judge.id, lambda user: replace(people.draft_of(user), email="chen"), court.clerk)
    assert [(field, code) for field, code, _ in refused.value.errors] == [("email", "email_shape")]


async def test_who_is_added_while_it_is_live_gets_his_link(court: Court) -> None:
    sitting = await told_sitting(court)
    await project_rows(
        court.db, sitting.id, make_rows(sitting.id, OPENED, ("stage_changed", {"from": "", "to": "hearing", "by": {}, "reason": ""}))
    )
    assert (await as_it_is(court.db, sitting)).status == "live"
    await participants.add(court.db, sitting.id, ParticipantDraft("马俊", "agent", email="ma@example.com"), court.clerk, NOW)
    assert ("invitation", "ma@example.com") in await queue(court.db)
    assert ("reminder", "ma@example.com") not in await queue(court.db)


async def _as_sent(court: Court) -> None:
    """As if everything but the reminders had arrived."""
    async with court.db.writer() as session:
        for message in await session.scalars(select(Message).where(Message.state == "queued", Message.kind != "reminder")):
            message.state, message.attempts = "sent", 1
