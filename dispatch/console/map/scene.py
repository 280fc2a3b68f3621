"""What stands on the map just now, in words: sites with the state of their rooms, people of the teams, tasks, reports. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dispatch.console.map.coordinates import Place
from dispatch.console.situation import Words

Json = dict[str, Any]
Turn = Callable[[Place], Place]
"""Turns a place from WGS-84 into the system in which the map is drawn."""

STATES = ("fault", "live", "private", "recess", "waiting", "idle")
"""States of a room, that which is shown first where several are true."""
STALE = timedelta(minutes=10)
"""A position that is older is shown as old."""
OPEN_TASKS = ("sent", "signed", "on_site", "reported")
REPORTS_STAY = timedelta(hours=24)
"""So long a report is on the map, also when its task is closed; until then one that nobody checked."""


@dataclass(frozen=True, slots=True)
class RoomAt:
    """A room of a site, by names of the viewer's language."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class SiteAt:
    """A site with its rooms; `place` in WGS-84, None where it is not known."""

    id: str
    name: str
    address: str
    place: Place | None
    rooms: tuple[RoomAt, ...]


@dataclass(frozen=True, slots=True)
class PersonAt:
    """Somebody of a team in the field, how he is called on the telephone, and when he was there."""

    id: str
    name: str
    phone: str
    team_id: str
    team: str
    place: Place
    accuracy_m: float
    at: datetime


@dataclass(frozen=True, slots=True)
class TaskAt:
    """A task that is not closed yet."""

    id: str
    number: str
    title: str
    team: str
    where: str
    state: str
    place: Place | None
    deadline: datetime


@dataclass(frozen=True, slots=True)
class FileAt:
    """A photo or video of a report: id and what the file is called."""

    id: str
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class ReportAt:
    """The last report of a task. `at`: when the phone sent it off; `place`: where the phone was, None where it did not say;
    `task_place`: where the task is, where that is known."""

    task_id: str
    number: str
    title: str
    team: str
    state: str
    by: str
    text: str
    at: datetime
    place: Place | None
    accuracy_m: float | None
    task_place: Place | None
    files: tuple[FileAt, ...]


def room_state(sitting: Mapping[str, Any]) -> str:
    """What a sitting, as :func:`dispatch.console.situation.situation` tells it, makes of its room."""
    status = sitting["status"]
    if status in {"closed", "cancelled"}:
        return "idle"
    if sitting["trouble"] == "critical":
        return "fault"
    if status in {"live", "recess"} and not sitting["observable"]:
        return "private"
    if status in {"live", "recess"}:
        return str(status)
    return "waiting" if status == "open" else "idle"


def sites(found: Iterable[SiteAt], sittings: Sequence[Mapping[str, Any]], turn: Turn, _: Words) -> list[Json]:
    """Each site with its rooms, each room with the sitting that makes it what it is; a site is what its first room in
    :data:`STATES` is."""
    by_room: dict[str, list[Mapping[str, Any]]] = {}
    for sitting in sittings:
        by_room.setdefault(sitting["room_id"], []).append(sitting)
    shown = []
    for site in found:
        rooms = [_room(room, by_room.get(room.id, ()), _) for room in site.rooms]
        state = min((room["state"] for room in rooms), key=STATES.index, default="idle")
        shown.append(
            {"id": site.id, "name": site.name, "address": site.address, "rooms": rooms}
            | {"state": state, "state_text": _(f"map.room.{state}")}
            | _placed(site.place, turn)
        )
    return shown


def _room(room: RoomAt, sittings: Sequence[Mapping[str, Any]], _: Words) -> Json:
    first = min(sittings, key=lambda each: STATES.index(room_state(each)), default=None)
    state = room_state(first) if first else "idle"
    told = None
    if first is not None and state != "idle":
        told = {key: first[key] for key in ("id", "title", "kind", "stage_text", "observable")}
    return {"id": room.id, "name": room.name, "state": state, "state_text": _(f"map.room.{state}"), "sitting": told}


def people(found: Iterable[PersonAt], now: datetime, turn: Turn, _: Words) -> list[Json]:
    """Everybody of whom a position is known, with its age in words."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "phone": each.phone,
            "team_id": each.team_id,
            "team": each.team,
            "accuracy_m": round(each.accuracy_m),
            "age_text": age(now - each.at, _),
            "stale": now - each.at > STALE,
        }
        | _placed(each.place, turn)
        for each in found
    ]


def age(since: timedelta, _: Words) -> str:
    """How long ago, as one says it: just now, 5 min ago, 3 h ago, 2 days ago."""
    minutes = max(0, int(since.total_seconds() // 60))
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("{n} min ago", n=minutes)
    return _("{n} h ago", n=minutes // 60) if minutes < 48 * 60 else _("{n} days ago", n=minutes // (24 * 60))


def tasks(found: Iterable[TaskAt], now: datetime, turn: Turn, _: Words) -> list[Json]:
    """The tasks that are not closed, those that are overdue first."""
    shown = [
        {
            "id": each.id,
            "number": each.number,
            "title": each.title,
            "team": each.team,
            "where": each.where,
            "state": each.state,
            "state_text": _(f"task.state.{each.state}"),
            "overdue": each.deadline < now and each.state != "reported",
        }
        | _placed(each.place, turn)
        for each in found
    ]
    return sorted(shown, key=lambda each: (not each["overdue"], each["number"]))


def reports(found: Iterable[ReportAt], now: datetime, turn: Turn, _: Words) -> list[Json]:
    """What was brought from the field, the newest first. One without a place of its own stands where its task is, and says so."""
    return [
        {
            "id": each.task_id,
            "number": each.number,
            "title": each.title,
            "team": each.team,
            "state_text": _(f"task.state.{each.state}"),
            "by": each.by,
            "text": each.text,
            "age_text": age(now - each.at, _),
            "at_task": each.place is None and each.task_place is not None,
            "accuracy_m": None if each.accuracy_m is None else round(each.accuracy_m),
            "files": [{"id": file.id, "name": file.name, "video": file.media_type.startswith("video/")} for file in each.files],
        }
        | _placed(each.place or each.task_place, turn)
        for each in sorted(found, key=lambda each: each.at, reverse=True)
    ]


def _placed(place: Place | None, turn: Turn) -> Json:
    at = turn(place) if place else None
    return {"latitude": round(at.latitude, 7) if at else None, "longitude": round(at.longitude, 7) if at else None}
