"""The board in the hallway and the day's list on paper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.booking.timeline import Slot
from dispatch.store.tables import Room
from dispatch.web.day_lists import STAYS, board
from tests.dispatch.web.conftest import Site

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ROOM = Room(id="r", name="第一法庭", name_en="Court room 1", kind="court", position=1)


def held(minutes: int, status: str = "planned", *, kind: str = "remote_court", length: int = 60, closed: int | None = None) -> Slot:
    """A booking that begins so many minutes from now."""
    start = NOW + timedelta(minutes=minutes)
    end = start + timedelta(minutes=length)
    closed_at = NOW + timedelta(minutes=closed) if closed is not None else None
    return Slot(ROOM.id, "s", kind, "张某诉李某", f"no {minutes}", status, "confirmed", start, end, start, end, closed_at, None)


def shown(*slots: Slot) -> list[str]:
    return [line.case_number for line in board([(ROOM, slots)], NOW, "en")]


def test_what_is_under_way_comes_first_then_what_is_to_come_then_what_has_ended() -> None:
    over = held(-70, "closed", closed=-5)
    assert shown(held(60), held(10, "open"), over, held(-30, "live"), held(-80, "recess")) == [
        "no -80",
        "no -30",
        "no 10",
        "no 60",
        "no -70",
    ]


def test_what_ended_a_while_ago_and_what_never_began_leaves_the_board_and_what_runs_over_stays() -> None:
    long_over = held(-200, "closed", closed=-int(STAYS.total_seconds() / 60) - 1)
    assert shown(long_over, held(-120), held(-120, "live")) == ["no -120"]
    (late,) = board([(ROOM, [held(-5)])], NOW, "en")
    assert late.late


@pytest.mark.parametrize(
    ("kind", "told"),
    [("remote_court", True), ("public_hearing", True), ("petition_intake", False), ("remote_interrogation", False), ("round_table", False)],
)
def test_the_case_number_hangs_in_the_hallway_only_where_the_kind_is_public(kind: str, told: bool) -> None:
    (line,) = board([(ROOM, [held(5, kind=kind)])], NOW, "en")
    assert bool(line.case_number) == told


async def test_the_board_names_no_person_and_no_title(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk)
    page = await clerk.page("/board")
    assert "（2026）京0105民初31号" in page
    for hidden in ("刘芳", "云河物业公司"):
        assert hidden in await clerk.page("/booking/list?day=2026-11-24")
        assert hidden not in page
    assert "<html" not in await clerk.page("/board", headers={"X-Fragment": "board"})


async def test_a_stranger_sees_neither(site: Site) -> None:
    stranger = site.visitor()
    for path in ("/board", "/booking/list"):
        answer = await stranger.get(path)
        assert answer.status in (303, 401, 403), path


async def test_an_empty_day_says_so(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    page = await clerk.page("/booking/list?day=2031-01-01")
    assert 'class="empty"' in page
