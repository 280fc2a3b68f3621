"""The small rules behind the pages: the day's grid, addresses to go on to, masks, tries, forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from dispatch.booking.timeline import Slot
from dispatch.store.tables import Room
from dispatch.web.access import LINK, PUBLIC, STAFF, Access, roles
from dispatch.web.attempts import Attempts
from dispatch.web.day_grid import day_grid, minute_of, moment_at
from dispatch.web.formats import day_of_year, duration, lately, masked_phone, minute, moment
from dispatch.web.logs import mask, mask_phones, masked_path
from dispatch.web.navigation import BY_ROLE, entries, home
from dispatch.web.request import rows
from dispatch.web.signing_in import safe_aim
from dispatch.web.sitting_form import PersonRow, draft_of, typed, with_rows

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 24)


def local(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def make_slot(starts_at: datetime, ends_at: datetime, status: str = "planned") -> Slot:
    return Slot("r", "s", "remote_court", "t", "n", status, "confirmed", starts_at, ends_at, starts_at, ends_at, None, "周明远")


ROOM = Room(id="r", name="第一远程法庭", name_en="Court 1", kind="court")


class TestTheDay:
    def test_shows_office_hours_when_nothing_lies_outside_them(self) -> None:
        grid = day_grid([(ROOM, [make_slot(local(9), local(10))])], DAY, SHANGHAI, local(9, 30), "zh-CN")
        assert (grid.first, grid.last, grid.now) == (8 * 60, 19 * 60, 9 * 60 + 30)

    def test_grows_to_the_hours_that_something_needs(self) -> None:
        grid = day_grid([(ROOM, [make_slot(local(6, 30), local(7)), make_slot(local(20), local(21, 15))])], DAY, SHANGHAI, local(9), "en")
        assert (grid.first, grid.last) == (6 * 60, 22 * 60)
        assert grid.rows[0].name == "Court 1"

    def test_cuts_a_sitting_over_midnight_and_does_not_let_it_be_dragged(self) -> None:
        late = make_slot(local(23), local(1, day=DAY + timedelta(days=1)))
        grid = day_grid([(ROOM, [late])], DAY, SHANGHAI, local(9), "en")
        item = grid.rows[0].items[0]
        assert (item.first, item.last, item.after, item.movable) == (23 * 60, 24 * 60, True, False)

    def test_has_no_line_of_now_on_another_day(self) -> None:
        assert day_grid([], DAY, SHANGHAI, local(9, day=DAY + timedelta(days=1)), "en").now is None

    def test_begins_at_the_courts_midnight(self) -> None:
        assert minute_of(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), DAY, SHANGHAI) == 0
        assert moment_at(DAY, 0, SHANGHAI) == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)

    def test_keeps_wall_clock_minutes_when_clocks_are_put_forward(self) -> None:
        berlin, spring = ZoneInfo("Europe/Berlin"), date(2026, 3, 29)
        assert minute_of(moment_at(spring, 10 * 60, berlin), spring, berlin) == 10 * 60

    @pytest.mark.parametrize(
        ("status", "movable"), [("planned", True), ("open", True), ("live", False), ("recess", False), ("closed", False)]
    )
    def test_offers_to_move_only_what_has_not_begun(self, status: str, movable: bool) -> None:
        grid = day_grid([(ROOM, [make_slot(local(9), local(10), status)])], DAY, SHANGHAI, local(9), "en")
        assert grid.rows[0].items[0].movable is movable


class TestAccess:
    def test_joins_with_or(self) -> None:
        both = LINK | roles("judge")
        assert both == Access(link=True, roles=frozenset({"judge"}))
        assert (PUBLIC | STAFF).public

    def test_refuses_a_role_nobody_has(self) -> None:
        with pytest.raises(ValueError, match="jugde"):
            roles("jugde")

    def test_gives_each_role_a_home_among_its_pages(self) -> None:
        for role, pages in BY_ROLE.items():
            assert home(role) == pages[0].path
            assert [entry.path for entry in entries(role, home(role)) if entry.current] == [home(role)]


@pytest.mark.parametrize(
    "aim", ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "", "booking", "/a\nb"]
)
def test_signing_in_never_leads_to_another_site(aim: str) -> None:
    assert safe_aim(aim) == "/"


def test_signing_in_leads_back_to_the_page_that_was_wanted() -> None:
    assert safe_aim("/booking?day=2026-11-24&sitting=5") == "/booking?day=2026-11-24&sitting=5"


class TestLogs:
    def test_hide_the_token_of_a_personal_link(self) -> None:
        assert masked_path("/join/Zp3kq8x_5w7vA2bnTq9rYcLd0e1fGhIjKlMnOpQrSt") == "/join/***"

    def test_keep_the_pages_behind_it(self) -> None:
        assert masked_path("/join/sitting/abc/check") == "/join/sitting/abc/check"

    def test_hide_the_middle_of_telephone_numbers(self) -> None:
        assert mask_phones("call 13812345678 now") == "call 138****5678 now"

    def test_hide_the_name_in_an_email_address(self) -> None:
        event = {"event": "550 <liu.fang@example.com>: no such user", "path": "13812345678"}
        assert mask(None, "info", event) == {"event": "550 <l***@example.com>: no such user", "path": "138****5678"}

    def test_leave_identifiers_alone(self) -> None:
        assert mask_phones("a1b2c3d413812345678") == "a1b2c3d413812345678"

    def test_hide_whatever_is_named_a_secret(self) -> None:
        assert mask(None, "info", {"event": "x", "token": "abc", "path": "13812345678"}) == {
            "event": "x",
            "token": "***",
            "path": "138****5678",
        }


class TestAttempts:
    def test_are_limited_for_one_address_only(self) -> None:
        attempts = Attempts(limit=2, seconds=60)
        assert [attempts.allowed("a", now) for now in (0, 1, 2)] == [True, True, False]
        assert attempts.allowed("b", 2)

    def test_are_forgotten_after_a_while(self) -> None:
        attempts = Attempts(limit=1, seconds=60)
        assert attempts.allowed("a", 0)
        assert not attempts.allowed("a", 59)
        assert attempts.allowed("a", 60)


class TestForms:
    FIELDS: ClassVar = {
        "case_number": "（2026）京0105刑初1号",
        "day": "2026-11-24",
        "start": "9:05",
        "minutes": "90",
        "participants-0-name": "陈国栋",
        "participants-0-role": "party",
        "participants-3-name": "",
        "participants-3-role": "agent",
        "participants-10-name": "林晓梅",
        "participants-10-seat": "room",
    }

    def test_keep_the_order_of_rows_by_number(self) -> None:
        assert [row.get("name") for row in rows(self.FIELDS, "participants")] == ["陈国栋", "", "林晓梅"]

    def test_leave_out_rows_that_nobody_filled_in(self) -> None:
        draft = draft_of(typed(self.FIELDS), SHANGHAI)
        assert [(p.name, p.seat) for p in draft.participants] == [("陈国栋", "link"), ("林晓梅", "room")]

    def test_read_times_by_the_courts_clock(self) -> None:
        draft = draft_of(typed(self.FIELDS), SHANGHAI)
        assert draft.starts_at == local(9, 5)
        assert draft.ends_at == local(10, 35)

    @pytest.mark.parametrize("change", [{"day": "someday"}, {"start": "25:00"}, {"start": ""}, {"day": ""}])
    def test_leave_a_time_empty_that_is_none(self, change: dict[str, str]) -> None:
        assert draft_of(typed(self.FIELDS | change), SHANGHAI).starts_at is None

    def test_take_an_offered_time(self) -> None:
        form = typed(self.FIELDS | {"take": "2026-11-25T14:30"})
        assert (form.day, form.start) == ("2026-11-25", "14:30")

    def test_add_and_remove_rows_without_a_script(self) -> None:
        form = typed(self.FIELDS)
        added, removed = with_rows(form, "add"), with_rows(form, "remove-0")
        assert added is not None
        assert added.participants[-1] == PersonRow()
        assert removed is not None
        assert [row.name for row in removed.participants] == ["", "林晓梅"]
        assert with_rows(form, "save") is None


@pytest.mark.parametrize(
    ("minutes", "english", "chinese"), [(45, "45 min", "45 分钟"), (60, "1 h", "1 小时"), (90, "1 h 30 min", "1 小时 30 分钟")]
)
def test_lengths_are_said_as_people_say_them(minutes: int, english: str, chinese: str) -> None:
    assert (duration(timedelta(minutes=minutes), "en"), duration(timedelta(minutes=minutes), "zh-CN")) == (english, chinese)


@pytest.mark.parametrize(
    ("write", "english", "chinese"),
    [
        (day_of_year, "30 Nov 2026", "2026-11-30"),
        (lately, "30 Nov 08:29", "11-30 08:29"),
        (minute, "30 Nov 2026 08:29", "2026-11-30 08:29"),
        (moment, "30 Nov 2026 08:29:05", "2026-11-30 08:29:05"),
    ],
)
def test_a_day_is_written_in_the_readers_language(write: Callable[..., str], english: str, chinese: str) -> None:
    at = datetime(2026, 11, 30, 0, 29, 5, tzinfo=UTC)
    assert write(at, "en", SHANGHAI) == english
    assert write(at, "zh-CN", SHANGHAI) == chinese


def test_short_numbers_are_hidden_whole() -> None:
    assert (masked_phone("13812345678"), masked_phone("12345")) == ("138****5678", "*****")
