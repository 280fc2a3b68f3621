"""The people of a sitting, one by one: added, changed, taken out; their consent and their device check."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from dispatch.booking.draft import MOST_PARTICIPANTS
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Conflict, NotFound, Refused, ValidationFailed
from dispatch.identity import invitations
from dispatch.identity.invitations import LinkRefused, open_link
from dispatch.sittings import participants, sittings
from dispatch.store.tables import Participant, Sitting
from tests.dispatch.making import NOW, TODAY, Court, as_it_is, audited, bring_to, make_sitting, named, other_sitting

ZHANG = ParticipantDraft("张某", "witness", phone="139 1111 2222")


async def added(court: Court, sitting: Sitting, row: ParticipantDraft = ZHANG) -> Participant:
    return await participants.add(court.db, sitting.id, row, court.clerk, NOW)


async def token(court: Court, person: Participant) -> str:
    found = await invitations.link_of(court.db, person.id)
    assert found is not None
    return found


@pytest.mark.parametrize("status", ["planned", "open", "live", "recess"])
async def test_somebody_can_be_added_until_the_end_with_a_link_of_his_own(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    person = await added(court, sitting)
    assert (await open_link(court.db, await token(court, person), NOW)).participant.name == "张某"
    assert [p.name for p in (await as_it_is(court.db, sitting)).participants][-1] == "张某"
    (row,) = await audited(court.db, "participant_added")
    assert (row.subject, row.detail["role"]) == ("（2026）京0105民初31号 张某", "witness")


async def test_who_sits_in_the_room_or_is_of_the_staff_gets_no_link(court: Court) -> None:
    sitting = await make_sitting(court)
    in_room = await added(court, sitting, replace(ZHANG, seat="room"))
    staff = await added(court, sitting, ParticipantDraft("", "prosecutor", user_id=court.users["sun"].id))
    assert staff.name == "孙立言"
    for person in (in_room, staff):
        assert await invitations.link_of(court.db, person.id) is None


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_after_the_end_nobody_is_added_changed_or_taken_out(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    liu = named(sitting, "刘芳")
    for attempt in (
        participants.add(court.db, sitting.id, ZHANG, court.clerk, NOW),
        participants.update(court.db, liu.id, ZHANG, court.clerk, NOW),
        participants.remove(court.db, liu.id, court.clerk, NOW),
        participants.record_consent(court.db, liu.id, version="1", text="", device="", now=NOW),
        participants.record_device_check(court.db, liu.id, {}, NOW),
    ):
        with pytest.raises(Refused, match=f"sitting_{status}"):
            await attempt


async def test_everything_that_is_wrong_with_a_new_person_is_said_at_once(court: Court) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(ValidationFailed) as told:
        await added(court, sitting, ParticipantDraft("", "king", phone="call me", seat="cloud"))
    assert {field for field, _, _ in told.value.errors} == {"name", "role", "phone", "seat"}


async def test_nobody_is_added_twice_and_nobody_who_is_not_there(court: Court) -> None:
    sitting = await make_sitting(court)
    for user_id, code in ((court.judge.id, "person_twice"), ("nobody", "user_unknown")):
        with pytest.raises(ValidationFailed) as told:
            await added(court, sitting, ParticipantDraft("", "panel", user_id=user_id))
        assert [(field, found) for field, found, _ in told.value.errors] == [("name", code)]


async def test_staff_who_are_needed_elsewhere_are_not_added(court: Court) -> None:
    sitting, other = await make_sitting(court), await other_sitting(court)
    with pytest.raises(Conflict) as told:
        await added(court, sitting, ParticipantDraft("", "panel", user_id=court.other_judge.id))
    assert (told.value.code, told.value.data["person"], told.value.sitting_id) == ("person_taken", "林静姝", other.id)


async def test_a_witness_is_added_while_the_sitting_before_runs_over(court: Court) -> None:
    await bring_to(court.db, await make_sitting(court, "14:00"), "live")
    following = await make_sitting(court, "15:00", title="后")
    panel = ParticipantDraft("", "panel", user_id=court.other_judge.id)
    person = await participants.add(court.db, following.id, panel, court.clerk, NOW + timedelta(hours=6))
    assert person.name == "林静姝"


async def test_a_sitting_takes_only_so_many(court: Court) -> None:
    sitting = await make_sitting(court)
    for number in range(MOST_PARTICIPANTS - len(sitting.participants)):
        await added(court, sitting, replace(ZHANG, name=f"证人{number}"))
    with pytest.raises(ValidationFailed) as told:
        await added(court, sitting)
    assert [code for _, code, _ in told.value.errors] == ["participants_many"]


async def test_a_changed_name_keeps_the_link_and_a_changed_seat_does_not(court: Court) -> None:
    liu = named(await make_sitting(court), "刘芳")
    old = await token(court, liu)
    await participants.update(court.db, liu.id, ParticipantDraft("刘芳芳", "party", phone="139 0000 0000"), court.clerk, NOW)
    assert (await open_link(court.db, old, NOW)).participant.name == "刘芳芳"
    await participants.update(court.db, liu.id, ParticipantDraft("刘芳芳", "party", seat="room"), court.clerk, NOW)
    with pytest.raises(LinkRefused) as told:
        await open_link(court.db, old, NOW)
    assert told.value.revoked_as == "reissued"
    await participants.update(court.db, liu.id, ParticipantDraft("刘芳芳", "party"), court.clerk, NOW)
    fresh = await token(court, liu)
    assert fresh != old
    await open_link(court.db, fresh, NOW)


@pytest.mark.parametrize("row", [ParticipantDraft("刘芳", "judge"), ParticipantDraft("刘芳", "king"), ParticipantDraft(" ", "party")])
async def test_nobody_becomes_what_a_row_cannot_make_him(court: Court, row: ParticipantDraft) -> None:
    liu = named(await make_sitting(court), "刘芳")
    with pytest.raises(ValidationFailed):
        await participants.update(court.db, liu.id, row, court.clerk, NOW)


async def test_the_chair_stays_the_chair(court: Court) -> None:
    sitting = await make_sitting(court)
    judge = named(sitting, "陈明远")
    with pytest.raises(Refused, match="chair_needed"):
        await participants.remove(court.db, judge.id, court.clerk, NOW)
    with pytest.raises(Refused, match="chair_needed"):
        await participants.update(court.db, judge.id, ParticipantDraft("陈明远", "party"), court.clerk, NOW)
    assert named(await as_it_is(court.db, sitting), "陈明远").role == "judge"


async def test_who_is_taken_out_is_gone_and_his_link_says_so(court: Court) -> None:
    sitting = await make_sitting(court)
    liu = named(sitting, "刘芳")
    old = await token(court, liu)
    await participants.remove(court.db, liu.id, court.clerk, NOW)
    assert [p.name for p in (await as_it_is(court.db, sitting)).participants] == ["陈明远", "赵书宁", "吴译"]
    with pytest.raises(LinkRefused) as told:
        await open_link(court.db, old, NOW)
    assert (told.value.code, told.value.revoked_as) == ("link_revoked", "removed")
    with pytest.raises(NotFound, match="participant_unknown"):
        await participants.get(court.db, liu.id)
    assert len(await audited(court.db, "participant_removed")) == 1


async def test_who_is_not_there_is_named_as_unknown(court: Court) -> None:
    await make_sitting(court)
    for attempt in (
        participants.get(court.db, "nobody"),
        participants.update(court.db, "nobody", ZHANG, court.clerk, NOW),
        participants.remove(court.db, "nobody", court.clerk, NOW),
        participants.record_device_check(court.db, "nobody", {}, NOW),
    ):
        with pytest.raises(NotFound, match="participant_unknown"):
            await attempt
    with pytest.raises(NotFound, match="sitting_unknown"):
        await participants.add(court.db, "none", ZHANG, court.clerk, NOW)


async def test_the_first_consent_is_kept_with_its_words_time_and_device_and_audited_once(court: Court) -> None:
    liu = named(await make_sitting(court), "刘芳")

    async def consent(**changes: Any) -> Participant:
        fields: dict[str, Any] = {"version": "2026-1", "text": "告知书", "device": "Chromium", "address": "10.0.0.7", "now": NOW}
        return await participants.record_consent(court.db, liu.id, **(fields | changes))

    await consent()
    after = await consent(version="2026-2", text="另一告知书", now=NOW + timedelta(hours=1))
    assert (after.consented_at, after.consent_version, after.consent_sha256) == (NOW, "2026-1", sha256("告知书".encode()).hexdigest())
    assert await participants.agreed_words(court.db, after) == "告知书"
    (row,) = await audited(court.db, "consented")
    assert (row.actor, row.address, row.at) == ("刘芳", "10.0.0.7", NOW)
    assert row.detail == {"participant": liu.id, "version": "2026-1", "text_sha256": after.consent_sha256}


async def test_the_newest_device_check_is_kept(court: Court) -> None:
    liu = named(await make_sitting(court), "刘芳")
    later = NOW + timedelta(minutes=5)
    await participants.record_device_check(court.db, liu.id, {"camera": "denied"}, NOW)
    await participants.record_device_check(court.db, liu.id, {"camera": "ok"}, later)
    after = await participants.get(court.db, liu.id)
    assert (after.device_check, after.device_checked_at) == ({"camera": "ok"}, later)


# ------------------------------------------------------------------------------------------------ what lists and the live plane read


async def test_the_live_plane_is_told_the_plan_in_the_courts_words(court: Court) -> None:
    sitting = await make_sitting(court)
    plan = sittings.plan(sitting, court.db)
    assert (plan.id, plan.case_number, plan.room, plan.time_zone) == (sitting.id, "（2026）京0105民初31号", "第一法庭", "Asia/Shanghai")
    assert plan.court == court.db.site.court
    assert plan.ends_at_us - plan.starts_at_us == 3_600_000_000
    assert [(p.name, p.role, p.chair) for p in plan.participants] == [
        ("陈明远", "judge", True), ("赵书宁", "clerk", False), ("刘芳", "party", False), ("吴译", "interpreter", False),
    ]  # fmt: skip


async def test_sittings_of_a_day_come_in_order_and_with_cancelled_ones_only_where_asked(court: Court) -> None:
    zone = court.db.site.zone
    late = await make_sitting(court, "16:00", title="后")
    early = await make_sitting(court, "14:00", title="先")
    await make_sitting(court, "14:00", days=1, title="明日")
    gone = await bring_to(court.db, await other_sitting(court, "15:00"), "cancelled")
    assert [s.id for s in await sittings.of_day(court.db, TODAY, zone)] == [early.id, gone.id, late.id]
    assert [s.id for s in await sittings.of_day(court.db, TODAY, zone, cancelled=False)] == [early.id, late.id]


async def test_everybody_has_a_day_of_his_own(court: Court) -> None:
    own = await make_sitting(court, "14:00")
    other = await other_sitting(court, "14:00")
    await other_sitting(court, "16:00", days=1)
    assert [s.id for s in await sittings.for_user(court.db, court.judge.id, TODAY)] == [own.id]
    assert [s.id for s in await sittings.for_user(court.db, court.other_judge.id, TODAY)] == [other.id]
    assert await sittings.for_user(court.db, court.users["gao"].id, TODAY) == []
    assert sittings.takes_part(own, court.judge.id)
    assert not sittings.takes_part(own, court.other_judge.id)


async def test_what_is_under_way_is_listed_whatever_its_day(court: Court) -> None:
    await make_sitting(court, "16:00", title="后")
    live = await bring_to(court.db, await make_sitting(court, "14:00"), "live")
    resting = await bring_to(court.db, await other_sitting(court, "10:00", days=-1, now=NOW - timedelta(days=2)), "recess")
    assert [s.id for s in await sittings.under_way(court.db)] == [resting.id, live.id]


async def test_a_sitting_is_found_with_everything_that_belongs_to_it_or_named_as_unknown(court: Court) -> None:
    sitting = await make_sitting(court)
    found = await sittings.get(court.db, sitting.id)
    assert (found.case.number, found.room.id, len(found.participants)) == ("（2026）京0105民初31号", court.room.id, 4)
    assert await sittings.find(court.db, "none") is None
    with pytest.raises(NotFound, match="sitting_unknown"):
        await sittings.get(court.db, "none")
