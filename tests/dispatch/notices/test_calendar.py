"""Sittings in people's calendars: what another program understands of the files that we write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatch.booking import bookings, extension
from dispatch.errors import ValidationFailed
from dispatch.notices.calendar import Contact, Entry, uid_of, written
from dispatch.notices.zones import observances
from dispatch.sittings.statuses import project_rows
from tests.dispatch.making import CANCELLED, NOW, OPENED, SHANGHAI, URGENT, Court, as_it_is, at, make_rows, make_sitting
from tests.dispatch.notices.understood import understood, utc

ENTRY = Entry(
    uid=uid_of("0123456789abcdef"),
    sequence=3,
    starts_at=at("14:00"),
    ends_at=at("15:30"),
    summary="云河物业公司与刘芳物业服务合同纠纷案，第二次开庭；证人吴译出庭，当事人请提前十五分钟完成设备检测",
    location="第一法庭, 京州市云河区人民法院",
    description="案号：（2026）京0105民初31号\n请勿转发。Do not forward; it is personal, and yours.",
    told_at=NOW,
    url="https://court.example/join/abc",
    organizer=Contact("court@court.example", "京州市云河区人民法院"),
    attendees=(Contact("liu@example.com", '刘"芳', "party"), Contact("chen@court.example", "陈明远", "judge", comes=True, presides=True)),
    alarms=(timedelta(hours=48), timedelta(hours=1)),
)


def test_an_invitation_is_understood_as_it_was_meant() -> None:
    found = understood(written("REQUEST", [ENTRY], SHANGHAI))
    assert (found["method"], found["zones"]) == ("REQUEST", ["Asia/Shanghai"])
    event = found["events"][0]
    assert (event["uid"], event["sequence"], event["status"]) == (ENTRY.uid, 3, "CONFIRMED")
    assert (utc(event["start"]), utc(event["end"]), utc(event["stamp"])) == (ENTRY.starts_at, ENTRY.ends_at, NOW)
    assert event["start"]["local"] == "2026-11-24T14:00:00"
    assert [event[name] for name in ("summary", "location", "description", "url")] == [
        ENTRY.summary,
        ENTRY.location,
        ENTRY.description,
        ENTRY.url,
    ]
    assert event["organizer"][0]["address"] == "mailto:court@court.example"
    assert [(one["address"], one["role"], one["status"]) for one in event["attendees"]] == [
        ("mailto:liu@example.com", "REQ-PARTICIPANT", "NEEDS-ACTION"),
        ("mailto:chen@court.example", "CHAIR", "ACCEPTED"),
    ]
    assert event["alarms"] == ["-P2D", "-PT1H"]


def test_a_cancellation_is_understood_and_rings_no_more() -> None:
    found = understood(written("CANCEL", [replace(ENTRY, sequence=4, cancelled=True)], SHANGHAI))
    event = found["events"][0]
    assert (found["method"], event["uid"], event["sequence"], event["status"]) == ("CANCEL", ENTRY.uid, 4, "CANCELLED")
    assert event["alarms"] == []


def test_no_line_is_longer_than_75_octets_and_no_character_is_cut() -> None:
    lines = written("PUBLISH", [ENTRY], SHANGHAI, "第一法庭").split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    for line in lines:
        line.decode("utf-8")
    assert any(line.startswith(b" ") for line in lines), "the summary was folded"


@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        ("Europe/Berlin", ("2026-03-29T00:59", "2026-03-29T01:00", "2026-03-29T01:30", "2026-10-25T00:59", "2026-10-25T01:00")),
        ("America/New_York", ("2026-03-08T06:59", "2026-03-08T07:00", "2026-11-01T05:59", "2026-11-01T06:00")),
        ("Australia/Lord_Howe", ("2026-04-04T14:59", "2026-04-04T15:00", "2026-10-03T15:30", "2026-10-03T16:00")),
        ("Asia/Shanghai", ("2026-03-29T01:30", "1988-07-01T04:00")),
        ("UTC", ("2026-03-29T01:30",)),
    ],
)
def test_times_around_daylight_saving_are_the_same_moments_elsewhere(zone: str, moments: tuple[str, ...]) -> None:
    starts = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments]
    entries = [replace(ENTRY, uid=uid_of(str(n)), starts_at=start, ends_at=start + timedelta(days=120)) for n, start in enumerate(starts)]
    events = understood(written("PUBLISH", entries, ZoneInfo(zone)))["events"]
    assert [utc(event["start"]) for event in events] == starts
    assert [utc(event["end"]) for event in events] == [entry.ends_at for entry in entries]


def test_times_are_by_the_courts_clock_unless_it_shows_them_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    starts = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in range(3)]
    entries = [replace(ENTRY, uid=uid_of(str(n)), starts_at=start, ends_at=start + timedelta(days=1)) for n, start in enumerate(starts)]
    shown = [event["start"]["local"] for event in understood(written("PUBLISH", entries, berlin))["events"]]
    assert shown == ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T03:30:00"]


def test_a_zone_that_never_puts_its_clock_is_one_line() -> None:
    assert [(each.name, each.after) for each in observances(SHANGHAI, 2025, 2027)] == [("CST", timedelta(hours=8))]


def test_the_uid_of_a_sitting_is_its_own_and_stays() -> None:
    assert uid_of("0123456789abcdef") == uid_of("0123456789abcdef") != uid_of("0123456789abcdee")


async def test_each_change_of_time_place_and_cancellation_raises_the_sequence(court: Court) -> None:
    sitting = await make_sitting(court)
    assert sitting.sequence == 0
    sitting = await bookings.move(court.db, sitting.id, court.room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason=URGENT)
    sitting = await bookings.move(
        court.db, sitting.id, court.other_room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason=URGENT
    )
    sitting = await extension.extend(court.db, sitting.id, 30, court.clerk, NOW)
    assert (sitting.sequence, sitting.revised_at) == (3, NOW)
    sitting = await bookings.cancel(court.db, sitting.id, "法官病假", court.clerk, NOW)
    assert sitting.sequence == 4


async def test_what_changes_neither_time_nor_place_leaves_it(court: Court) -> None:
    sitting = await make_sitting(court)
    await bookings.move(court.db, sitting.id, court.room.id, sitting.starts_at, sitting.ends_at, court.clerk, NOW, override_reason=URGENT)
    with pytest.raises(ValidationFailed):
        await bookings.cancel(court.db, sitting.id, " ", court.clerk, NOW)
    assert (await as_it_is(court.db, sitting)).sequence == 0


async def test_a_cancellation_that_the_log_brings_counts_once(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, OPENED, CANCELLED)
    await project_rows(court.db, sitting.id, rows)
    await project_rows(court.db, sitting.id, rows)
    assert (await as_it_is(court.db, sitting)).sequence == 1
