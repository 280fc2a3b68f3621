"""What stands on the map, in words: the state of a room, of a site, the age of a position."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatch.console.map import scene
from dispatch.console.map.coordinates import Place
from dispatch.console.map.scene import FileAt, PersonAt, ReportAt, RoomAt, SiteAt, TaskAt
from dispatch.web.translations import catalogue

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
WORDS = catalogue("en").gettext
PLACE = Place(39.9, 116.6)


def sitting(room: str = "r1", status: str = "live", trouble: str = "none", observable: bool = True, **more: Any) -> dict[str, Any]:
    found = {"id": "s1", "title": "第一次开庭", "kind": "remote_court", "stage_text": "Investigation", "room_id": room}
    return found | {"status": status, "trouble": trouble, "observable": observable} | more


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (sitting(status="planned"), "idle"),
        (sitting(status="open"), "waiting"),
        (sitting(), "live"),
        (sitting(status="recess"), "recess"),
        (sitting(observable=False), "private"),
        (sitting(trouble="critical"), "fault"),
        (sitting(trouble="warning"), "live"),
        (sitting(status="closed", trouble="critical"), "idle"),
        (sitting(status="cancelled"), "idle"),
    ],
)
def test_a_room_is_what_its_sitting_makes_of_it(told: dict[str, Any], state: str) -> None:
    assert scene.room_state(told) == state


def test_a_site_is_what_is_first_among_its_rooms() -> None:
    site = SiteAt("a", "云河区", "", PLACE, (RoomAt("r1", "第一法庭"), RoomAt("r2", "第二法庭"), RoomAt("r3", "第三法庭")))
    told = [sitting("r2"), sitting("r2", "planned"), sitting("r3", trouble="critical", id="s3")]
    (shown,) = scene.sites([site], told, lambda place: place, WORDS)
    assert (shown["state"], shown["state_text"], shown["latitude"]) == ("fault", "Fault", 39.9)
    held = [(room["sitting"] or {}).get("id") for room in shown["rooms"]]
    assert ([room["state"] for room in shown["rooms"]], held) == (["idle", "live", "fault"], [None, "s1", "s3"])


def test_a_site_without_coordinates_is_told_without_them() -> None:
    (shown,) = scene.sites([SiteAt("a", "云河区", "", None, ())], [], lambda place: place, WORDS)
    assert (shown["latitude"], shown["longitude"], shown["state"]) == (None, None, "idle")


@pytest.mark.parametrize(
    ("minutes", "text", "stale"),
    [(0, "just now", False), (5, "5 min ago", False), (11, "11 min ago", True), (125, "2 h ago", True), (3000, "2 days ago", True)],
)
def test_a_position_says_how_old_it_is(minutes: int, text: str, stale: bool) -> None:
    at = NOW - timedelta(minutes=minutes)
    person = PersonAt("u", "马俊", "", "t", "北片区", PLACE, 12.4, at)
    (shown,) = scene.people([person], NOW, lambda place: Place(place.latitude + 1, 0), WORDS)
    assert (shown["age_text"], shown["stale"], shown["accuracy_m"], shown["latitude"]) == (text, stale, 12, 40.9)


def test_what_is_overdue_comes_first() -> None:
    def task(number: str, hours: int, state: str = "sent") -> TaskAt:
        return TaskAt(number, number, "取水样", "北片区", "北河沿", state, None, NOW + timedelta(hours=hours))

    shown = scene.tasks([task("1", 2), task("2", -1), task("3", -1, "reported")], NOW, lambda place: place, WORDS)
    assert [(each["number"], each["overdue"]) for each in shown] == [("2", True), ("1", False), ("3", False)]


def test_a_report_stands_where_it_was_sent_from_or_where_its_task_is_and_says_which() -> None:
    film = FileAt("f", "现场.mp4", "video/mp4")

    def report(number: str, minutes: int, place: Place | None, task_place: Place | None, *files: FileAt) -> ReportAt:
        at = NOW - timedelta(minutes=minutes)
        accuracy = 8.6 if place else None
        return ReportAt(number, number, "取水样", "北片区", "reported", "马俊", "已取样", at, place, accuracy, task_place, files)

    found = [report("1", 9, None, PLACE), report("2", 3, Place(39.95, 116.7), PLACE, film), report("3", 20, None, None)]
    shown = scene.reports(found, NOW, lambda place: place, WORDS)
    assert [(each["id"], each["latitude"], each["at_task"], each["accuracy_m"]) for each in shown] == [
        ("2", 39.95, False, 9), ("1", 39.9, True, None), ("3", None, False, None),
    ]  # fmt: skip
    assert shown[0]["files"] == [{"id": "f", "name": "现场.mp4", "video": True}]
