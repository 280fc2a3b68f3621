"""Moving, cancelling and changing a sitting: what becomes of its room, its people and their links."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dispatch.booking import bookings
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.upcoming import next_in_rooms
from dispatch.errors import Conflict, NotFound, Refused, ValidationFailed
from dispatch.identity import invitations
from dispatch.identity.invitations import LinkRefused, open_link
from dispatch.store.database import Database
from dispatch.store.tables import Sitting
from tests.dispatch.making import (
    NOW,
    URGENT,
    Court,
    as_it_is,
    at,
    audited,
    bring_to,
    draft_of,
    make_draft,
    make_sitting,
    named,
    other_sitting,
)


async def link(db: Database, sitting: Sitting, name: str = "刘芳") -> str:
    token = await invitations.link_of(db, named(sitting, name).id)
    assert token is not None
    return token


async def refusal(db: Database, token: str, now: datetime = NOW) -> tuple[str, str]:
    """Why a link does not open: the code, and as what it was revoked."""
    with pytest.raises(LinkRefused) as told:
        await open_link(db, token, now)
    return told.value.code, told.value.revoked_as


async def moved(court: Court, sitting: Sitting, start: str, *, days: int = 0, room: str = "") -> Sitting:
    begin = at(start, days)
    return await bookings.move(
        court.db, sitting.id, room or sitting.room.id, begin, begin + timedelta(hours=1), court.clerk, NOW, override_reason=URGENT
    )


# ------------------------------------------------------------------------------------------------ booking and its links


async def test_booking_gives_a_link_to_whoever_comes_by_one_and_to_nobody_else(court: Court) -> None:
    sitting = await make_sitting(court)
    assert [(p.name, p.role, p.seat) for p in sitting.participants] == [
        ("陈明远", "judge", "link"), ("赵书宁", "clerk", "link"), ("刘芳", "party", "link"), ("吴译", "interpreter", "room"),
    ]  # fmt: skip
    assert set(invitations.links(court.db, sitting)) == {named(sitting, "刘芳").id}


async def test_a_booking_is_audited_with_case_room_and_time(court: Court) -> None:
    sitting = await make_sitting(court, title="第一次开庭", days=6)
    (row,) = await audited(court.db, "sitting_booked")
    assert (row.actor, row.subject) == ("赵书宁", "（2026）京0105民初31号 第一次开庭")
    assert row.detail == {"sitting": sitting.id, "room": "第一法庭", "starts": "2026-11-30 14:00", "ends": "15:00"}


# ------------------------------------------------------------------------------------------------ moving


async def test_moving_issues_every_link_anew_and_says_so_at_the_old_one(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    later = await moved(court, sitting, "16:00")
    assert (later.starts_at, later.bookings[0].starts_at, later.ends_at) == (at("16:00"), at("16:00"), at("17:00"))
    assert await refusal(court.db, old) == ("link_revoked", "moved")
    fresh = await open_link(court.db, await link(court.db, later), NOW)
    assert (fresh.participant.name, fresh.expires_at) == ("刘芳", at("17:00") + court.db.site.link_life)
    assert [row.action for row in await audited(court.db)] == ["sitting_booked", "sitting_moved"]


async def test_moving_into_another_room_frees_the_first(court: Court) -> None:
    sitting = await make_sitting(court)
    there = await moved(court, sitting, "14:00", room=court.other_room.id)
    assert there.room.id == court.other_room.id
    await other_sitting(court, room_id=court.room.id)


async def test_a_sitting_is_not_in_its_own_way(court: Court) -> None:
    sitting = await make_sitting(court)
    assert (await moved(court, sitting, "14:30")).starts_at == at("14:30")


async def test_moving_to_where_it_is_changes_nothing(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    await moved(court, sitting, "14:00")
    assert await link(court.db, sitting) == old
    assert await audited(court.db, "sitting_moved") == []


async def test_moving_into_what_is_taken_is_refused_and_leaves_links_alone(court: Court) -> None:
    sitting = await make_sitting(court)
    other = await other_sitting(court, "16:00")
    old = await link(court.db, sitting)
    with pytest.raises(Conflict) as told:
        await moved(court, sitting, "16:30", room=court.other_room.id)
    assert (told.value.sitting_id, told.value.nearest_free) == (other.id, at("15:00"))
    await open_link(court.db, old, NOW)
    assert (await as_it_is(court.db, sitting)).starts_at == at("14:00")


async def test_where_a_sitting_cannot_be_moved_to_is_said_of_every_field(court: Court) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(ValidationFailed) as told:
        await bookings.move(court.db, sitting.id, "nowhere", at("07:00"), at("07:05"), court.clerk, NOW, override_reason=URGENT)
    assert [(field, code) for field, code, _ in told.value.errors] == [
        ("ends_at", "too_short"), ("starts_at", "in_the_past"), ("room_id", "room_unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code"),
    [("live", "sitting_live"), ("recess", "sitting_live"), ("closed", "sitting_closed"), ("cancelled", "sitting_cancelled")],
)
async def test_a_sitting_that_has_begun_or_is_over_is_neither_moved_nor_cancelled(court: Court, status: str, code: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    with pytest.raises(Refused, match=code):
        await moved(court, sitting, "16:00")
    with pytest.raises(Refused, match=code):
        await bookings.cancel(court.db, sitting.id, "原告撤诉", court.clerk, NOW)
    assert (await as_it_is(court.db, sitting)).status == status


async def test_people_who_wait_already_do_not_keep_a_sitting_from_being_moved(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "open")
    assert (await moved(court, sitting, "16:00")).status == "open"


async def test_what_is_not_there_cannot_be_moved_changed_or_cancelled(court: Court) -> None:
    for attempt in (
        bookings.move(court.db, "none", court.room.id, at("16:00"), at("17:00"), court.clerk, NOW, override_reason=URGENT),
        bookings.update_sitting(court.db, "none", make_draft(court), court.clerk, NOW),
        bookings.cancel(court.db, "none", "原告撤诉", court.clerk, NOW),
    ):
        with pytest.raises(NotFound, match="sitting_unknown"):
            await attempt


# ------------------------------------------------------------------------------------------------ cancelling


async def test_cancelling_frees_room_and_people_and_revokes_the_links(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    gone = await bookings.cancel(court.db, sitting.id, "  原告撤诉\n", court.clerk, NOW)
    assert (gone.status, gone.cancel_reason) == ("cancelled", "原告撤诉")
    assert invitations.links(court.db, gone) == {}
    assert (await refusal(court.db, old))[0] == "sitting_cancelled"
    await make_sitting(court, title="替")
    (row,) = await audited(court.db, "sitting_cancelled")
    assert row.detail["reason"] == "原告撤诉"


@pytest.mark.parametrize(("reason", "code"), [("", "required"), (" \n", "required"), ("由" * 201, "too_long")])
async def test_cancelling_needs_a_reason(court: Court, reason: str, code: str) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(ValidationFailed) as told:
        await bookings.cancel(court.db, sitting.id, reason, court.clerk, NOW)
    assert [(field, found) for field, found, _ in told.value.errors] == [("reason", code)]
    assert (await as_it_is(court.db, sitting)).status == "planned"


# ------------------------------------------------------------------------------------------------ changing


async def test_changing_anything_but_the_place_keeps_the_links(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    rows = draft_of(sitting).participants
    changed = draft_of(
        sitting, title="第二次开庭", case_number="（2026）京0105民初32号", chair_id=court.other_judge.id,
        participants=(replace(rows[0], name="刘芳芳", phone="139 0000 0000"), rows[1]),
    )  # fmt: skip
    after = await bookings.update_sitting(court.db, sitting.id, changed, court.clerk, NOW)
    assert (after.title, after.case.number) == ("第二次开庭", "（2026）京0105民初32号")
    assert [p.name for p in after.participants] == ["林静姝", "赵书宁", "刘芳芳", "吴译"]
    opened = await open_link(court.db, old, NOW)
    assert (opened.participant.id, opened.participant.name) == (named(sitting, "刘芳").id, "刘芳芳")


async def test_saving_a_form_unchanged_changes_nothing_but_the_audit(court: Court) -> None:
    sitting = await make_sitting(court, prosecutor_id=court.users["sun"].id)
    old = await link(court.db, sitting)
    after = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting), court.clerk, NOW)
    assert draft_of(after) == draft_of(sitting)
    assert await link(court.db, after) == old
    assert [row.action for row in await audited(court.db)] == ["sitting_booked", "sitting_changed"]


async def test_changing_the_time_issues_the_links_anew_as_moving_does(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    later = draft_of(sitting, starts_at=at("16:00"), ends_at=at("17:00"))
    after = await bookings.update_sitting(court.db, sitting.id, later, court.clerk, NOW)
    assert await refusal(court.db, old) == ("link_revoked", "moved")
    await open_link(court.db, await link(court.db, after), NOW)
    assert len(await audited(court.db, "sitting_moved")) == 1


async def test_changing_the_time_into_what_is_taken_changes_nothing_of_the_form(court: Court) -> None:
    sitting = await make_sitting(court)
    await make_sitting(court, "16:00", title="后")
    later = draft_of(sitting, title="新", starts_at=at("16:00"), ends_at=at("17:00"))
    with pytest.raises(Conflict):
        await bookings.update_sitting(court.db, sitting.id, later, court.clerk, NOW)
    assert draft_of(await as_it_is(court.db, sitting)) == draft_of(sitting)


async def test_who_is_added_gets_a_link_and_who_is_taken_out_loses_it(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    rows = (draft_of(sitting).participants[1], ParticipantDraft("张某", "witness"))
    after = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, participants=rows), court.clerk, NOW)
    assert [p.name for p in after.participants] == ["陈明远", "赵书宁", "吴译", "张某"]
    assert await refusal(court.db, old) == ("link_revoked", "removed")
    assert (await open_link(court.db, await link(court.db, after, "张某"), NOW)).participant.name == "张某"


async def test_who_takes_a_seat_in_the_room_needs_no_link_and_who_leaves_it_gets_one(court: Court) -> None:
    sitting = await make_sitting(court)
    old = await link(court.db, sitting)
    liu, wu = draft_of(sitting).participants
    swapped = draft_of(sitting, participants=(replace(liu, seat="room"), replace(wu, seat="link")))
    after = await bookings.update_sitting(court.db, sitting.id, swapped, court.clerk, NOW)
    assert await refusal(court.db, old) == ("link_revoked", "reissued")
    assert set(invitations.links(court.db, after)) == {named(after, "吴译").id}


@pytest.mark.parametrize("status", ["live", "recess"])
async def test_while_it_is_live_people_can_be_changed_but_not_the_place(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    rows = (*draft_of(sitting).participants, ParticipantDraft("张某", "witness"))
    after = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, participants=rows), court.clerk, at("14:30"))
    assert named(after, "张某")
    for change in ({"room_id": court.other_room.id}, {"ends_at": at("16:00")}):
        with pytest.raises(Refused, match="sitting_live"):
            await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, **change), court.clerk, at("14:30"))


async def test_a_live_sitting_beyond_its_end_can_still_be_changed(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "live")
    after = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, title="改"), court.clerk, at("15:30"))
    assert after.title == "改"


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_a_sitting_that_is_over_is_not_changed(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    with pytest.raises(Refused, match=f"sitting_{status}"):
        await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, title="改"), court.clerk, NOW)


async def test_a_row_takes_nobodys_place(court: Court) -> None:
    """Ids come from a browser: neither a person of another sitting nor one of the bench is what a row can name."""
    sitting, other = await make_sitting(court), await other_sitting(court)
    for stolen in (named(other, "刘芳").id, named(sitting, "陈明远").id):
        rows = (ParticipantDraft("某甲", "party", id=stolen),)
        with pytest.raises(ValidationFailed) as told:
            await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, participants=rows), court.clerk, NOW)
        assert [(field, code) for field, code, _ in told.value.errors] == [("participants.0.name", "participant_unknown")]
    assert [p.name for p in (await as_it_is(court.db, sitting)).participants] == ["陈明远", "赵书宁", "刘芳", "吴译"]


# ------------------------------------------------------------------------------------------------ what comes next


async def test_the_next_booking_of_a_room_is_the_first_that_still_takes_place(court: Court) -> None:
    first = await make_sitting(court, "14:00", title="一")
    called_off = await make_sitting(court, "15:00", title="二")
    await make_sitting(court, "17:00", title="四")
    following = await make_sitting(court, "16:00", title="三")
    await other_sitting(court, "15:30")
    await bookings.cancel(court.db, called_off.id, "原告撤诉", court.clerk, NOW)
    found = await next_in_rooms(court.db, [court.room.id], first.ends_at, but=first.id)
    assert found is not None
    assert (found[0].sitting_id, found[0].sitting.title, found[1].name) == (following.id, "三", "第一法庭")
    assert await next_in_rooms(court.db, [court.room.id], at("17:30")) is None
    found = await next_in_rooms(court.db, [court.room.id, court.other_room.id], first.ends_at, but=first.id)
    assert found is not None
    assert (found[0].starts_at, found[1].name) == (at("15:30"), "第二法庭")


async def test_a_sitting_that_follows_at_once_is_the_next(court: Court) -> None:
    first = await make_sitting(court, "14:00")
    second = await make_sitting(court, "15:00", title="后")
    found = await next_in_rooms(court.db, [court.room.id], first.ends_at, but=first.id)
    assert found is not None
    assert found[0].sitting_id == second.id
