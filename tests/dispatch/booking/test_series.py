"""Sittings that repeat: booked whole or not at all, and changed, moved and cancelled one by one, from one on, or all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from dispatch.booking import bookings, decisions
from dispatch.booking.catalogue import closures
from dispatch.booking.orders import Order
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.series import changes as series_changes
from dispatch.booking.series import prolonging, series
from dispatch.booking.series.recurrence import Series, with_one_moved
from dispatch.booking.series.rule_words import words_of
from dispatch.booking.series.rules import read_rule
from dispatch.booking.wall_clock import wall_time
from dispatch.errors import Conflict, NotFound, Refused, SeriesConflict, UserError, ValidationFailed
from dispatch.notices import ledger
from dispatch.notices.calendar import uid_of
from dispatch.store.database import Database
from dispatch.store.notice_tables import Message
from dispatch.store.tables import CalendarDay, CourtSite, Hold, Resource, SiteDay, Sitting
from dispatch.web.translations import catalogue as texts
from tests.dispatch.making import (
    NOW,
    SHANGHAI,
    URGENT,
    Court,
    as_it_is,
    at,
    audited,
    bring_to,
    draft_of,
    make_draft,
    make_sitting,
    other_sitting,
)

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def weekly(rule: str = "FREQ=WEEKLY;COUNT=4", starts: str = "2026-11-25T09:00", zone: ZoneInfo = SHANGHAI, **more: Any) -> Series:
    """Wednesdays at nine, from tomorrow on."""
    return Series(datetime.fromisoformat(starts), 60, zone, read_rule(rule, zone), **more)


async def booked(court: Court, plan: Series | None = None, **changes: Any) -> list[Sitting]:
    """The sittings of a new series, in order."""
    draft = make_draft(court, **changes)
    made = await series.create(court.db, draft, plan or weekly(), court.clerk, NOW)
    return await sittings_of(court.db, made)


async def sittings_of(db: Database, series_id: str) -> list[Sitting]:
    return (await series.get(db, series_id))[2]


async def anew(court: Court, sittings: Sequence[Sitting]) -> list[Sitting]:
    return [await as_it_is(court.db, each) for each in sittings]


def clocks(sittings: Sequence[Sitting]) -> list[str]:
    return [f"{each.starts_at.astimezone(SHANGHAI):%m-%d %H:%M}" for each in sittings]


async def count(db: Database, what: Any) -> int:
    async with db.reader() as session:
        return int(await session.scalar(select(func.count()).select_from(what)) or 0)


# ------------------------------------------------------------------------------------------------ booking


async def test_all_sittings_are_booked_each_with_its_own_links_and_entry(court: Court) -> None:
    made = await booked(court)
    assert clocks(made) == ["11-25 09:00", "12-02 09:00", "12-09 09:00", "12-16 09:00"]
    assert [each.occurrence for each in made] == ["2026-11-25T09:00", "2026-12-02T09:00", "2026-12-09T09:00", "2026-12-16T09:00"]
    assert len({uid_of(each.id) for each in made}) == 4
    links = [link.token_hash for each in made for person in each.participants for link in person.invitations]
    assert len(set(links)) == len(links) == 4
    assert len(await audited(court.db, "sitting_booked")) == 4
    (act,) = await audited(court.db, "series_booked")
    assert (act.detail["count"], act.detail["rule"], act.detail["sittings"]) == (4, "FREQ=WEEKLY;COUNT=4", [each.id for each in made])
    member = await series.membership(court.db, made[2])
    assert member is not None
    assert (member.number, len(member.sittings)) == (3, 4)


async def test_what_is_in_the_way_of_any_is_named_with_the_nearest_time_and_nothing_is_booked(court: Court) -> None:
    taken = await make_sitting(court, "09:30", days=8)
    closed = at("00:00", 22)
    day = closed, closed + timedelta(days=1)
    await closures.close(court.db, *day, "maintenance", "检修", court.users["xu"], NOW, resource_id=court.room.id)
    before = await count(court.db, Hold)
    with pytest.raises(SeriesConflict) as told:
        await booked(court)
    second, fourth = told.value.clashes
    assert (second.occurrence.isoformat(), second.conflict.sitting_id) == ("2026-12-02T09:00:00", taken.id)
    assert (second.conflict.code, second.conflict.nearest_free) == ("room_taken", at("10:30", 8))
    assert (fourth.occurrence.day, fourth.conflict.code, fourth.conflict.data["reason"]) == (16, "resource_closed", "检修")
    assert told.value.data == {"count": 2, "of": 4}
    assert await count(court.db, Hold) == before
    assert await audited(court.db, "series_booked") == []


async def test_the_clerk_leaves_out_what_is_taken_or_takes_another_time(court: Court) -> None:
    await make_sitting(court, "09:30", days=8)
    plan = weekly()
    outlook = await series.try_out(court.db, make_draft(court), plan, court.clerk, NOW)
    (clash,) = outlook.clashes
    assert len(outlook.occurrences) == 4
    assert await count(court.db, Sitting) == 1
    without = replace(plan, excluded=frozenset({clash.occurrence}))
    assert clocks(await booked(court, without, room_id=court.other_room.id, chair_id=court.other_judge.id, clerk_id="")) == [
        "11-25 09:00",
        "12-09 09:00",
        "12-16 09:00",
    ]
    elsewhen = with_one_moved(plan, clash.occurrence, wall_time(clash.conflict.nearest_free, SHANGHAI), 60)
    made = await booked(court, elsewhen)
    assert clocks(made)[1] == "12-02 10:30"
    assert words_of((await series.get(court.db, made[0].series_id or ""))[1], texts("en").gettext) == (
        "Every Wednesday at 09:00, 4 times, 1 moved"
    )


async def test_holidays_are_left_out_and_loaded_ones_count_before_those_that_are_known(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CalendarDay(day=date(2026, 12, 9), kind="holiday", name="停诉日"))
    made = await booked(court, weekly(skip_holidays=True))
    assert clocks(made) == ["11-25 09:00", "12-02 09:00", "12-16 09:00"]
    _, plan, _ = await series.get(court.db, made[0].series_id or "")
    assert (plan.excluded, words_of(plan, texts("zh-CN").gettext)) == (frozenset(), "每周三 09:00，共 4 次，节假日不安排")


async def test_holidays_are_those_of_the_site_at_which_a_series_is_held(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CourtSite(id="east", name="东院"))
        await session.flush()
        session.add(CalendarDay(day=date(2026, 12, 9), kind="holiday", name="停诉日"))
        session.add(SiteDay(site_id="east", day=date(2026, 12, 9), kind="working", name="值班", works_like=2))
        for day in (date(2026, 12, 2), date(2026, 12, 23)):
            session.add(SiteDay(site_id="east", day=day, kind="holiday", name="停电检修"))
        (await session.get_one(Resource, court.room.id)).site_id = "east"
    ahead = await series.look_ahead(court.db, make_draft(court), weekly(skip_holidays=True))
    assert [each.day for each in ahead.skipped] == [2]
    made = await booked(court, weekly(skip_holidays=True))
    assert clocks(made) == ["11-25 09:00", "12-09 09:00", "12-16 09:00"]
    assert (await series.get(court.db, made[0].series_id or ""))[1].excluded == frozenset()
    # Put off from the second one on: what is a new series by then goes by the same calendar.
    start, end = made[1].starts_at + HOUR, made[1].ends_at + HOUR
    await series_changes.move(court.db, made[1].id, "later", court.room.id, start, end, court.clerk, NOW, override_reason=URGENT)
    later = await as_it_is(court.db, made[2])
    assert later.series_id != made[0].series_id
    await prolonging.prolong(court.db, later.series_id or "", prolonging.Further(count=4), court.clerk, NOW)
    assert clocks(await sittings_of(court.db, later.series_id or "")) == ["12-09 10:00", "12-16 10:00", "12-30 10:00"]


async def test_nine_o_clock_stays_nine_where_the_clock_is_put_back_and_midnight_is_none(court: Court) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    made = await booked(court, weekly("FREQ=WEEKLY;COUNT=2", "2027-03-24T09:00", berlin))
    assert [each.starts_at for each in made] == [datetime(2027, 3, 24, 8, tzinfo=UTC), datetime(2027, 3, 31, 7, tzinfo=UTC)]
    # All an hour later by the clock of that zone, on both sides of the change.
    start, end = made[0].starts_at + HOUR, made[0].ends_at + HOUR
    await series_changes.move(court.db, made[0].id, "all", court.room.id, start, end, court.clerk, NOW, override_reason=URGENT)
    assert [each.starts_at for each in await anew(court, made)] == [
        datetime(2027, 3, 24, 9, tzinfo=UTC),
        datetime(2027, 3, 31, 8, tzinfo=UTC),
    ]
    over = await booked(court, weekly("FREQ=DAILY;COUNT=3", "2026-12-01T23:30"))
    assert clocks(over) == ["12-01 23:30", "12-02 23:30", "12-03 23:30"]
    with pytest.raises(Conflict):
        await make_sitting(court, "00:00", 30, days=8)


@pytest.mark.parametrize(
    ("plan", "field", "code"),
    [
        (weekly("FREQ=WEEKLY;BYDAY=FR;COUNT=2"), "starts", "rule_start"),
        (weekly("FREQ=DAILY;UNTIL=20271125"), "rule.until", "rule_many"),
        (weekly("FREQ=YEARLY;COUNT=9"), "rule.count", "rule_too_long"),
        (replace(weekly(), minutes=5), "minutes", "too_short"),
        (weekly(starts="2026-11-18T09:00"), "starts_at", "in_the_past"),
    ],
)
async def test_a_bad_rule_is_refused_at_its_field(court: Court, plan: Series, field: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as told:
        await booked(court, plan)
    assert (field, code) in {(found[0], found[1]) for found in told.value.errors}
    assert await count(court.db, Sitting) == 0


async def test_an_order_that_comes_twice_makes_one_series(court: Court) -> None:
    order = Order(court.clerk.id, "k", b"order")
    made = [await series.create(court.db, make_draft(court), weekly(), court.clerk, NOW, order) for _ in range(2)]
    assert made[0] == made[1]
    assert await count(court.db, Sitting) == 4


async def test_rules_that_any_of_them_breaks_are_told_together_and_one_reason_is_for_all(court: Court) -> None:
    """The first is within three days, all are before the court opens."""
    early = weekly(starts="2026-11-25T07:00")
    with pytest.raises(ValidationFailed) as told:
        await booked(court, early, override_reason="")
    codes = [(field, code) for field, code, _ in told.value.errors]
    assert set(codes) == {("override_reason", "rule_hours"), ("override_reason", "rule_notice")}
    assert len(codes) == len(set(codes))
    assert await count(court.db, Sitting) == 0
    made = await booked(court, early)
    assert {each.booking.override_reason for each in made} == {URGENT}
    later = draft_of(made[0], starts_at=made[0].starts_at - HOUR, ends_at=made[0].ends_at - HOUR, override_reason="当事人同意")
    await series_changes.change(court.db, made[0].id, "all", later, court.clerk, NOW)
    assert {each.booking.override_reason for each in await anew(court, made)} == {"当事人同意"}


async def test_tentative_ones_lapse_each(court: Court) -> None:
    made = await series.create(court.db, make_draft(court), weekly(), court.clerk, NOW, held_until=NOW + HOUR)
    await decisions.confirm(court.db, (await sittings_of(court.db, made))[1].id, court.clerk, NOW)
    await decisions.lapse(court.db, NOW + 2 * HOUR)
    assert clocks(await sittings_of(court.db, made)) == ["12-02 09:00"]


# ------------------------------------------------------------------------------------------------ changing and moving


async def test_this_one_alone_is_moved_and_the_series_tells_it_apart(court: Court) -> None:
    made = await booked(court)
    await series_changes.move(
        court.db, made[1].id, "this", court.room.id, made[1].starts_at + HOUR, made[1].ends_at + HOUR, court.clerk, NOW
    )
    row, plan, sittings = await series.get(court.db, made[0].series_id or "")
    assert clocks(sittings) == ["11-25 09:00", "12-02 10:00", "12-09 09:00", "12-16 09:00"]
    assert [each.isoformat() for each in plan.overrides] == ["2026-12-02T09:00:00"]
    assert row.rule == "FREQ=WEEKLY;COUNT=4"


async def test_this_and_later_become_a_series_of_their_own(court: Court) -> None:
    made = await booked(court)
    change = draft_of(made[2], starts_at=made[2].starts_at + timedelta(days=1), ends_at=made[2].ends_at + timedelta(days=1, minutes=30))
    changed = await series_changes.change(court.db, made[2].id, "later", change, court.clerk, NOW)
    assert set(changed) == {made[2].id, made[3].id}
    first, second, third, fourth = await anew(court, made)
    assert clocks([first, second, third, fourth]) == ["11-25 09:00", "12-02 09:00", "12-10 09:00", "12-17 09:00"]
    assert third.ends_at - third.starts_at == timedelta(minutes=90)
    assert first.series_id == second.series_id != third.series_id == fourth.series_id
    former, latter = [(await series.get(court.db, each.series_id or ""))[1] for each in (second, third)]
    say = texts("en").gettext
    assert words_of(former, say) == "Every Wednesday at 09:00, 2 times"
    assert words_of(latter, say) == "Every Thursday at 09:00, 2 times"
    (act,) = await audited(court.db, "series_changed")
    assert act.detail["count"] == 2


async def test_all_are_moved_by_a_day_into_the_time_that_the_next_gives_up(court: Court) -> None:
    made = await booked(court, weekly("FREQ=DAILY;COUNT=5"))
    day = timedelta(days=1)
    await series_changes.move(court.db, made[3].id, "all", court.room.id, made[3].starts_at + day, made[3].ends_at + day, court.clerk, NOW)
    assert clocks(await anew(court, made)) == ["11-26 09:00", "11-27 09:00", "11-28 09:00", "11-29 09:00", "11-30 09:00"]
    assert (await as_it_is(court.db, made[0])).series_id == made[0].series_id
    await make_sitting(court, "09:00", days=1)
    with pytest.raises(Conflict):
        await make_sitting(court, "09:00", days=2)


async def test_what_one_of_them_has_of_its_own_stays(court: Court) -> None:
    made = await booked(court)
    own = draft_of(made[1], chair_id=court.other_judge.id, starts_at=made[1].starts_at + HOUR, ends_at=made[1].ends_at + HOUR)
    await bookings.update_sitting(court.db, made[1].id, own, court.clerk, NOW)
    now_is = await as_it_is(court.db, made[0])
    party, interpreter = draft_of(now_is).participants
    witness = ParticipantDraft("钱证人", "witness")
    change = draft_of(
        now_is, title="续行审理", clerk_id=court.users["he"].id, chair_id=court.other_judge.id,
        participants=(replace(party, phone="13900000000"), witness),
        starts_at=now_is.starts_at + 2 * HOUR, ends_at=now_is.ends_at + 2 * HOUR,
    )  # fmt: skip
    await series_changes.change(court.db, made[0].id, "all", change, court.clerk, NOW)
    after = await anew(court, made)
    assert clocks(after) == ["11-25 11:00", "12-02 10:00", "12-09 11:00", "12-16 11:00"]
    for each in after:
        people = {person.name: person for person in each.participants}
        assert people.keys() == {"林静姝", "何晓岚", "刘芳", "钱证人"}
        assert (each.title, people["刘芳"].phone) == ("续行审理", "13900000000")
        assert interpreter.name not in people
    assert after[2].participants[2].id == made[2].participants[2].id


async def test_a_change_that_meets_others_names_each_and_does_nothing(court: Court) -> None:
    made = await booked(court)
    for days in (8, 22):
        await other_sitting(court, "10:00", days=days, chair_id=court.judge.id)
    start, end = made[0].starts_at + HOUR, made[0].ends_at + HOUR
    with pytest.raises(SeriesConflict) as told:
        await series_changes.move(court.db, made[0].id, "all", court.room.id, start, end, court.clerk, NOW)
    assert [clash.sitting_id for clash in told.value.clashes] == [made[1].id, made[3].id]
    assert [clash.conflict.code for clash in told.value.clashes] == ["person_taken"] * 2
    assert clocks(await anew(court, made)) == ["11-25 09:00", "12-02 09:00", "12-09 09:00", "12-16 09:00"]
    # Left as they are, the others go.
    leave = [clash.sitting_id for clash in told.value.clashes]
    await series_changes.move(court.db, made[0].id, "all", court.room.id, start, end, court.clerk, NOW, leave)
    assert clocks(await anew(court, made)) == ["11-25 10:00", "12-02 09:00", "12-09 10:00", "12-16 09:00"]
    _, plan, _ = await series.get(court.db, made[0].series_id or "")
    assert len(plan.overrides) == 2


async def test_what_has_begun_or_passed_is_not_touched(court: Court) -> None:
    made = await booked(court)
    await bring_to(court.db, made[0], "closed")
    await bring_to(court.db, made[1], "live")
    later = NOW + timedelta(days=8)
    await series_changes.move(
        court.db, made[3].id, "all", court.other_room.id, made[3].starts_at + HOUR, made[3].ends_at + HOUR, court.clerk, later
    )
    after = await anew(court, made)
    assert clocks(after) == ["11-25 09:00", "12-02 09:00", "12-09 10:00", "12-16 10:00"]
    assert [each.room.id == court.other_room.id for each in after] == [False, False, True, True]
    with pytest.raises(Refused, match="sitting_live"):
        await series_changes.change(court.db, made[1].id, "all", draft_of(made[1]), court.clerk, later)


async def test_days_of_a_monthly_rule_are_not_moved_by_a_day(court: Court) -> None:
    made = await booked(court, weekly("FREQ=MONTHLY;BYDAY=4WE;COUNT=3"))
    day = timedelta(days=1)
    with pytest.raises(UserError, match="rule_must_be_typed"):
        await series_changes.move(
            court.db, made[0].id, "all", court.room.id, made[0].starts_at + day, made[0].ends_at + day, court.clerk, NOW
        )
    assert clocks(await anew(court, made)) == ["11-25 09:00", "12-23 09:00", "01-27 09:00"]


async def test_one_that_is_in_no_series_has_no_others(court: Court) -> None:
    alone = await make_sitting(court)
    with pytest.raises(NotFound, match="series_unknown"):
        await series_changes.cancel(court.db, alone.id, "all", "撤诉", court.clerk, NOW)
    assert await series.membership(court.db, alone) is None
    with pytest.raises(NotFound, match="series_unknown"):
        await series.get(court.db, "0" * 16)


# ------------------------------------------------------------------------------------------------ cancelling


@pytest.mark.parametrize(
    ("scope", "left", "words"),
    [
        ("this", [0, 2, 3], "Every Wednesday at 09:00, 4 times, 1 left out"),
        ("later", [0], "Every Wednesday at 09:00, 1 times"),
        ("all", [], "Every Wednesday at 09:00, 4 times, 4 left out"),
    ],
)
async def test_cancelling_three_ways(court: Court, scope: series_changes.Scope, left: list[int], words: str) -> None:
    made = await booked(court)
    gone = await series_changes.cancel(court.db, made[1].id, scope, "当事人撤诉", court.clerk, NOW)
    assert gone == [each.id for number, each in enumerate(made) if number not in left]
    _, plan, sittings = await series.get(court.db, made[0].series_id or "")
    assert [each.id for each in sittings] == [made[number].id for number in left]
    assert words_of(plan, texts("en").gettext) == words
    for each in await anew(court, [each for each in made if each.id in gone]):
        assert (each.status, each.cancel_reason) == ("cancelled", "当事人撤诉")
        assert all(link.revoked_at is not None for person in each.participants for link in person.invitations)
        await make_sitting(court, "09:00", days=(each.starts_at - made[0].starts_at).days + 1)
    assert len(await audited(court.db, "sitting_cancelled")) == len(gone)


async def test_a_series_is_cancelled_for_a_reason(court: Court) -> None:
    made = await booked(court)
    with pytest.raises(ValidationFailed):
        await series_changes.cancel(court.db, made[0].id, "all", " ", court.clerk, NOW)
    assert [each.status for each in await anew(court, made)] == ["planned"] * 4


# ------------------------------------------------------------------------------------------------ telling people


async def test_people_are_told_of_each_sitting_by_itself_and_of_those_that_are_moved_or_cancelled_alone(court: Court) -> None:
    db = court.db
    db.site = replace(db.site, mail=True)
    try:
        party = ParticipantDraft("刘芳", "party", email="liu@example.com")
        made = await booked(court, participants=(party,))

        async def told(sitting: Sitting) -> list[str]:
            messages, _ = await ledger.page(db, ledger.Wanted(sitting.id), None, 50)
            return sorted(message.kind for message in messages if message.kind != "reminder" and message.state == "queued")

        assert [await told(each) for each in made] == [["invitation"]] * 4
        async with db.writer() as session:  # the invitations went out
            await session.execute(update(Message).where(Message.kind == "invitation").values(state="sent", attempts=1))
        start, end = made[1].starts_at + HOUR, made[1].ends_at + HOUR
        await series_changes.move(db, made[1].id, "later", court.room.id, start, end, court.clerk, NOW)
        await series_changes.cancel(db, made[3].id, "later", "撤诉", court.clerk, NOW)
        assert [await told(each) for each in made] == [[], ["changed"], ["changed"], ["cancelled"]]
        # Calendars follow the higher number of each entry.
        assert [each.sequence for each in await anew(court, made)] == [0, 1, 1, 2]
    finally:
        db.site = replace(db.site, mail=False)


# ------------------------------------------------------------------------------------------------ in parallel


async def test_series_against_singles_and_series_one_wins_and_nobody_waits_for_ever(court: Court) -> None:
    """Series and singles over the same rooms, named in different orders, at once."""
    plan = weekly("FREQ=DAILY;COUNT=6")

    def draft(number: int) -> Any:
        rooms = (court.room.id, court.other_room.id) if number % 2 else (court.other_room.id, court.room.id)
        chair = court.judge.id if number % 3 else court.other_judge.id
        return make_draft(
            court, "09:30", days=1 + number % 6, room_id=rooms[0], rooms=rooms, chair_id=chair, clerk_id="", title=f"{number}"
        )

    async def one(number: int) -> str:
        if number % 4 == 0:
            return await series.create(court.db, draft(number), plan, court.clerk, NOW)
        return (await bookings.create_sitting(court.db, draft(number), court.clerk, NOW)).id

    outcomes = await asyncio.gather(*(one(number) for number in range(24)), return_exceptions=True)
    lost = [each for each in outcomes if isinstance(each, BaseException)]
    assert all(isinstance(each, Conflict | SeriesConflict) for each in lost), lost
    assert len(lost) < len(outcomes)
    assert court.db.again == 0
    async with court.db.reader() as session:
        rows = list(await session.execute(select(Hold.resource_id, Hold.starts_at, Hold.ends_at).where(Hold.active)))
        members = list(await session.scalars(select(Sitting).where(Sitting.series_id.is_not(None))))
    for one_row in rows:
        for other in rows:
            same = one_row is other or one_row.resource_id != other.resource_id
            assert same or one_row.ends_at <= other.starts_at or other.ends_at <= one_row.starts_at
    assert len(members) % 6 == 0


async def test_acts_on_one_series_at_once_come_one_after_the_other(court: Court) -> None:
    made = await booked(court)

    async def put_off(sitting: Sitting, scope: series_changes.Scope) -> Any:
        start, end = sitting.starts_at + HOUR, sitting.ends_at + HOUR
        return await series_changes.move(court.db, sitting.id, scope, court.room.id, start, end, court.clerk, NOW)

    outcomes = await asyncio.gather(
        put_off(made[0], "all"),
        put_off(made[2], "later"),
        series_changes.cancel(court.db, made[3].id, "this", "撤诉", court.clerk, NOW),
        put_off(made[1], "this"),
        return_exceptions=True,
    )
    assert [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, Refused)] == []
    async with court.db.reader() as session:
        active = await session.scalar(select(func.count()).select_from(Hold).where(Hold.active, Hold.resource_id == court.room.id))
    assert active == 3
