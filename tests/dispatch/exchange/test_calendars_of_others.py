"""Calendars as Outlook, Google, Notes and others write them: zones by names of their own, times without a zone, whole days; what cannot be
taken is said of its entry in words, and the others are taken."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from dispatch.exchange import importing
from dispatch.exchange.importing import Given
from dispatch.exchange.reading import FAULTS, Row, read
from dispatch.web.translations import catalogue
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court

FIXED = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:{offset}
TZOFFSETTO:{offset}
END:STANDARD
END:VTIMEZONE
"""
WESTERN_EUROPE = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar(entries: Sequence[str], zones: str = "", product: str = "-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN") -> bytes:
    events = "".join(
        f"BEGIN:VEVENT\nUID:{number}\nSUMMARY:（2026）京0105民初{number}号 借款合同纠纷\nLOCATION:第一法庭\n"
        f"ATTENDEE;CN=刘芳:mailto:liu@example.com\n{entry}\nEND:VEVENT\n"
        for number, entry in enumerate(entries, 1)
    )
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:{product}\nMETHOD:PUBLISH\n{zones}{events}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def time_of(row: Row) -> tuple[str, str, str]:
    return row.fields["day"], row.fields["start"], row.fields["end"]


def hour(zone: str, day: str = "20261124", start: str = "140000", end: str = "150000") -> str:
    return f"DTSTART;TZID={zone}:{day}T{start}\nDTEND;TZID={zone}:{day}T{end}"


@pytest.mark.parametrize(
    ("zones", "entry", "start"),
    [
        ("", hour("China Standard Time"), "14:00"),
        (FIXED.format(name="China Standard Time", offset="+0800"), hour("China Standard Time"), "14:00"),
        (
            FIXED.format(name="(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi", offset="+0800"),
            hour('"(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi"'),
            "14:00",
        ),
        (FIXED.format(name="China", offset="+0800"), hour("China"), "14:00"),
        (FIXED.format(name="Tokyo Asia", offset="+0900"), hour("Tokyo Asia"), "13:00"),
        ("", hour("Asia/Tokyo"), "13:00"),
        (WESTERN_EUROPE.format(name="W. Europe"), hour("W. Europe", start="070000", end="080000"), "14:00"),
        (WESTERN_EUROPE.format(name="Customized Time Zone"), hour("Customized Time Zone", day="20270701"), "20:00"),
        ("", "DTSTART:20261124T140000\nDTEND:20261124T150000", "14:00"),
        ("", "DTSTART:20261124T060000Z\nDTEND:20261124T070000Z", "14:00"),
        ("", "DTSTART:20261124T060000Z\nDURATION:PT1H", "14:00"),
    ],
    ids=["Windows", "Windows described", "Outlook 2013", "Notes", "Notes abroad", "IANA", "winter", "summer", "floating", "UTC", "length"],
)
def test_a_time_is_the_moment_that_was_meant(zones: str, entry: str, start: str) -> None:
    (row,) = read(calendar([entry], zones), "a.ics", SHANGHAI)
    day = "2027-07-01" if "20270701" in entry else "2026-11-24"
    assert time_of(row) == (day, start, f"{int(start[:2]) + 1}:00")


def test_a_zone_is_what_its_own_file_says_whatever_another_called_so() -> None:
    """Outlook calls every zone that somebody made himself by one name."""
    name = "Customized Time Zone"
    for offset, start in (("+0900", "13:00"), ("+0300", "19:00"), ("+0800", "14:00")):
        (row,) = read(calendar([hour(name)], FIXED.format(name=name, offset=offset)), "a.ics", SHANGHAI)
        assert row.fields["start"] == start
    (row,) = read(calendar([hour(name)]), "a.ics", SHANGHAI)
    assert row.fields["fault"] == "import_zone"


BAD = {
    "a zone that nobody knows": (hour("Customized Time Zone"), "import_zone"),
    "a whole day": ("DTSTART;VALUE=DATE:20261124\nDTEND;VALUE=DATE:20261125", "import_all_day"),
    "no end": ("DTSTART:20261124T060000Z", "import_no_end"),
    "no start": ("DTEND:20261124T060000Z", "import_no_start"),
    "no time": ("DTSTART:2026-11-24 14:00\nDTEND:20261124T070000Z", "import_broken"),
    "two starts": ("DTSTART:20261124T060000Z\nDTSTART:20261125T060000Z\nDTEND:20261124T070000Z", "import_broken"),
    "backwards": ("DTSTART:20261124T060000Z\nDURATION:-PT1H", "import_order"),
    "two days": ("DTSTART:20261124T060000Z\nDTEND:20261126T060000Z", "import_days"),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_cannot_be_taken_is_said_of_its_entry_and_the_others_are_taken(court: Court, what: str) -> None:
    entry, code = BAD[what]
    rows = read(calendar(["DTSTART:20261124T020000Z\nDTEND:20261124T030000Z", entry, hour("Asia/Shanghai")]), "a.ics", SHANGHAI)
    given = Given({}, {}, chair_id=court.judge.id, override_reason=URGENT)
    good, bad, other = await importing.take(court.db, rows, court.clerk, NOW, "preview", given)
    assert (good.state, other.state) == ("good", "good"), (good.errors, other.errors)
    ((column, found, data),) = bad.errors
    assert (bad.state, column, found) == ("bad", "start", code)
    if what == "a zone that nobody knows":
        assert data["text"] == "Customized Time Zone"


def test_an_hour_that_the_clock_shows_twice_is_not_guessed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    entries = ["DTSTART:20261025T000000Z\nDTEND:20261025T003000Z", "DTSTART:20261025T010000Z\nDTEND:20261025T013000Z"]
    first, second = read(calendar(entries), "a.ics", berlin)
    assert time_of(first) == ("2026-10-25", "02:00", "02:30")
    assert second.fields["fault"] == "import_twice"


def test_every_fault_has_words_in_both_languages() -> None:
    for tag in ("zh-CN", "en"):
        assert [code for code in sorted(FAULTS) if f"error.{code}" not in catalogue(tag)] == []
