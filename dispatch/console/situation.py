"""A sitting as the command centre sees it: what is booked and what goes on, in words, trouble first. Pure.

`Words` is a catalogue's ``gettext``. Everything that has a code leaves here as words of the viewer's language, so that
pages need no tables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatch.console.alerts.watching import subject_of
from dispatch.sittings.stage_names import stage_name

Words = Callable[..., str]
Json = dict[str, Any]

LATE_US = 5 * 60_000_000
"""A sitting that has not been opened this long after its start is late: the officer asks the room."""

_TROUBLE_ORDER = {"critical": 0, "warning": 1, "none": 2}
_STATUS_ORDER = {"live": 0, "recess": 1, "open": 2, "planned": 3, "closed": 4, "cancelled": 5}

BARS = {"good": 4, "fair": 3, "poor": 2, "bad": 1}


@dataclass(frozen=True, slots=True)
class Booked:
    """What the control plane knows of a sitting. Times: microseconds, UTC. `status` as in the table of sittings."""

    id: str
    kind: str
    title: str
    case_number: str
    room: str
    room_id: str
    starts_at_us: int
    ends_at_us: int
    status: str
    people: tuple[tuple[str, str, str, bool], ...]
    """id, name, role, whether he presides"""
    room_en: str = ""
    named: tuple[str, ...] | None = None
    """officers who alone may watch it; None where every one may"""
    officer: str = ""
    """the officer of the command centre who has it in charge, "" for none"""
    officer_id: str = ""


def order(found: Mapping[str, Any]) -> tuple[int, int, int, str]:
    """The place of a sitting on the board: trouble first, then what goes on, by time. The page puts them into the same order."""
    return (_TROUBLE_ORDER[found["trouble"]], _STATUS_ORDER[found["status"]], found["starts_at_us"], found["id"])


def situation(
    booked: Booked, live: Json | None, now_us: int, _: Words, *, people: bool = False, handled: Sequence[Handled] = ()
) -> Json:
    """One sitting; `live` is its overview, None while nobody has come or after it was put away. `people`: with participants;
    `handled`: its alerts that are on."""
    going = live if booked.status != "cancelled" else None
    status = going["status"] if going else booked.status
    tasks = _tasks(going, handled, _)
    if all(one.code != "overrun" for one in handled):  # what somebody can take and close is not said twice
        tasks += _clock_tasks(booked, status, now_us, _)
    chair = next((name for _id, name, _role, chair in booked.people if chair), "")
    found: Json = {
        "id": booked.id,
        "kind": booked.kind,
        "kind_text": _(f"kind.{booked.kind}"),
        "title": booked.title,
        "case_number": booked.case_number,
        "room": booked.room,
        "room_id": booked.room_id,
        "chair": chair,
        "officer": booked.officer,
        "officer_id": booked.officer_id,
        "starts_at_us": booked.starts_at_us,
        "ends_at_us": booked.ends_at_us,
        "status": status,
        "status_text": _(f"status.{status}"),
        "stage_text": _stage(going, status, _),
        "stage_since_us": going["stage_since_us"] if going else None,
        "trouble": _trouble(tasks),
        "recording": _recording(going, status, _),
        "present": _present(going),
        "expected": len(booked.people),
        "counted": going is not None or status not in {"closed", "cancelled"},
        "waiting": going["waiting"] if going else 0,
        "watchers": list(going["watchers"]) if going else [],
        "observable": bool(going and going["observable"] and status in {"open", "live", "recess"}),
        "centre": list(going["centre"]) if going else [],
        "named": going["named"] if going else list(booked.named) if booked.named is not None else None,
        "media": going["media"] if going else "up",
        "tasks": tasks,
        "people": _at_a_glance(booked, going, status),
        "participants": _people(booked, going, status, _) if people else [],
        "recording_path": "",
        "seal": [],
    }
    return found


def _present(live: Json | None) -> int:
    return sum(person["presence"] == "present" for person in live["participants"]) if live else 0


def _stage(live: Json | None, status: str, _: Words) -> str:
    """Where it stands: its stage while it is held and at its end, its status before."""
    return stage_name(live["stage"], live["stage_names"], _) if live and status in {"live", "recess", "closed"} else _(f"status.{status}")


def _recording(live: Json | None, status: str, _: Words) -> Json:
    shown: Json = live["recording"] if live else {"state": "off", "seconds": 0.0, "at_us": 0}
    state = str(shown["state"])
    word = {
        "starting": _("Recording starts…"),
        "recording": _("Recording"),
        "failed": _("Recording failed"),
        "off": _("Not recorded now") if status in {"open", "live", "recess"} else "",
    }[state]
    return {"state": state, "text": word, "seconds": shown["seconds"], "at_us": shown["at_us"]}


# ------------------------------------------------------------------------------------------------ what needs somebody


@dataclass(frozen=True, slots=True)
class Handled:
    """An alert that is on, as the command centre keeps it (:class:`dispatch.store.alert_tables.Alert`), and what was done about it."""

    alert: str
    code: str
    severity: str
    subject: str
    data: Json
    since_us: int
    count: int = 1
    owner: str = ""
    acknowledged_by: str | None = None
    escalated: bool = False
    closed: bool = False


def _tasks(live: Json | None, handled: Sequence[Handled], _: Words) -> list[Json]:
    """What the conference says, with what is done about it; then what only the command centre knows. What somebody closed needs nobody."""
    kept = {(one.code, one.subject): one for one in handled}
    tasks = []
    for alert in live["alerts"] if live else ():
        one = kept.pop((alert["code"], subject_of(alert)), None)
        if one is not None and one.closed:
            continue
        task = _task(alert["code"], alert["severity"], _alert_values(live or {}, alert["data"], _), alert["raised_at_us"], _)
        tasks.append(task | {"id": alert["id"], "acknowledged_by": alert["acknowledged_by"]} | (_done(one) if one else {}))
        tasks[-1]["acknowledged_by"] = tasks[-1]["acknowledged_by"] or alert["acknowledged_by"]
    return tasks + [kept_task(one, live, _) for one in kept.values() if not one.closed]


def named_in_english(one: Handled) -> Handled:
    """With the English names of what has one."""
    return replace(one, data=one.data | {key.removesuffix("_en"): name for key, name in one.data.items() if key.endswith("_en") and name})


def kept_task(one: Handled, live: Json | None, _: Words, sitting: str = "") -> Json:
    """An alert that no conference says. `sitting`: of which, where the board has no row of that."""
    found = _task(one.code, one.severity, _alert_values(live or {}, one.data, _), one.since_us, _) | _done(one)
    if one.code == "task_overdue":
        return found | {"place": _("Open the task"), "path": f"/console/tasks/{one.subject}"}
    return found | {"place": _("Open the sitting"), "path": f"/console/sittings/{sitting}"} if sitting else found


def _task(code: str, severity: str, values: Json, since_us: int, _: Words) -> Json:
    return {
        "id": "",
        "alert": "",
        "code": code,
        "severity": severity,
        "text": _(f"alert.{code}", **values),
        "place": "",
        "path": "",
        "remedy": remedy(code, _),
        "since_us": since_us,
        "acknowledged_by": None,
        "owner": "",
        "count": 1,
        "escalated": False,
    }


def _done(one: Handled) -> Json:
    return {
        "alert": one.alert,
        "acknowledged_by": one.acknowledged_by,
        "owner": one.owner,
        "count": one.count,
        "escalated": one.escalated and one.acknowledged_by is None,
    }


def _alert_values(live: Json, data: Mapping[str, Any], _: Words) -> Json:
    names = {str(person["id"]): str(person["name"]) for person in live.get("participants", ())}
    values: Json = {key: names.get(str(value), value) for key, value in data.items()}
    for key in ("source", "cause", "part"):
        if key in data:
            values[key] = word(key, str(data[key]), _)
    return values


def word(family: str, code: str, _: Words) -> str:
    """The word for a source, a cause or a reason ("log.<family>.<code>"); one that has none is said to be unknown."""
    msgid = f"log.{family}.{code}"
    text = _(msgid)
    return text if text != msgid else _("cause unknown") if family == "cause" else code


def remedy(code: str, _: Words) -> str:
    """What the officer does about an alert."""
    text = _(f"remedy.{code}")
    return text if text != f"remedy.{code}" else _("Open the sitting and ask the chair.")


def _clock_tasks(booked: Booked, status: str, now_us: int, _: Words) -> list[Json]:
    """What only the clock says. Nobody has to acknowledge it: it goes when the sitting goes on."""
    code, minutes = clock_minutes(booked, status, now_us) or ("", 0)
    if code == "late_to_open":
        return [_clock_task(code, booked.starts_at_us, _("Not opened yet, {n} min after its time", n=minutes), _)]
    if code == "past_end":
        return [_clock_task(code, booked.ends_at_us, _("Goes on {n} min past its booked end", n=minutes), _)]
    return []


def clock_minutes(booked: Booked, status: str, now_us: int) -> tuple[str, int] | None:
    """What only the clock says of a sitting, and for how many minutes: that it is late to open, or past its end."""
    if status in {"planned", "open"} and booked.starts_at_us + LATE_US <= now_us < booked.ends_at_us:
        return "late_to_open", (now_us - booked.starts_at_us) // 60_000_000
    if status in {"live", "recess"} and now_us >= booked.ends_at_us:
        return "past_end", (now_us - booked.ends_at_us) // 60_000_000
    return None


def _clock_task(code: str, since_us: int, text: str, _: Words) -> Json:
    return _task(code, "warning" if code == "late_to_open" else "info", {}, since_us, _) | {"text": text}


def _trouble(tasks: Sequence[Json]) -> str:
    """Seen or not, trouble stays trouble until it is over; seen, a grave one no longer shouts."""
    grave = [task for task in tasks if task["severity"] == "critical"]
    if any(task["acknowledged_by"] is None for task in grave):
        return "critical"
    return "warning" if grave or any(task["severity"] == "warning" for task in tasks) else "none"


# ------------------------------------------------------------------------------------------------ people


def _at_a_glance(booked: Booked, live: Json | None, status: str) -> list[list[Any]]:
    """Name, presence ("" once it is over) and bars of everybody, who only watches left out while he is not there. A row of the board has
    no more of people: figures differ with every measurement, and a row is told anew only when something differs that it shows."""
    if status in {"closed", "cancelled"}:
        return [[name, "", 0] for _id, name, _role, _chair in booked.people]
    if live is None:
        return [[name, "absent", 0] for _id, name, role, _chair in booked.people if role != "gallery"]
    return [
        [person["name"], person["presence"], _bars(person)]
        for person in live["participants"]
        if person["role"] != "gallery" or person["presence"] in {"present", "waiting", "lost"}
    ]


def _bars(person: Json) -> int:
    """As :func:`network` says, without its words."""
    found = person["network"] if person["presence"] in {"present", "waiting"} else None
    return BARS[found["score"]] if found and found["score"] is not None else 0


def _people(booked: Booked, live: Json | None, status: str, _: Words) -> list[Json]:
    """Everybody; of a sitting that is over and put away it is not said who is here."""
    if live is not None:
        rooms = {room["endpoint"]: room for room in live.get("rooms", ())}
        return [_person(person, _) | {"room_text": _room(person, rooms, _)} for person in live["participants"]]
    over = {"presence_text": "", "device_check": {"state": "none", "text": "", "details": []}} if status in {"closed", "cancelled"} else {}
    absent: Json = {"presence": "absent", "endpoint": None, "sources": {}, "network": None, "device_check": None, "consented": False}
    return [
        _person({"id": person, "name": name, "role": role, "chair": chair, "lost_at_us": None} | absent, _) | over
        for person, name, role, chair in booked.people
    ]


def _person(person: Json, _: Words) -> Json:
    return {
        "id": person["id"],
        "name": person["name"],
        "role": _(f"role.{person['role']}"),
        "chair": person["chair"],
        "presence": person["presence"],
        "presence_text": _(f"presence.{person['presence']}"),
        "lost_at_us": person["lost_at_us"],
        "endpoint": person["endpoint"],
        "sources": _sources(person, _),
        "network": network(person["network"], _) if person["presence"] in {"present", "waiting"} else {"bars": 0, "text": ""},
        "device_check": device_check(person["device_check"], _),
        "consented": person["consented"],
        "room_text": "",
    }


def _room(person: Json, rooms: Mapping[str, Json], _: Words) -> str:
    """At which room's device he sits with others, and whether he is the one who speaks there."""
    room = rooms.get(person["endpoint"] or "")
    if room is None:
        coming = next((each["name"] for each in rooms.values() if person["id"] in each["coming"]), "")
        return _("Sat down at {room} and waits to be let in there", room=coming) if coming else ""
    if room["voice"] == person["id"] and len(room["people"]) > 1:
        return _("At {room}, speaking", room=room["name"])
    return _("At {room}", room=room["name"])


def _sources(person: Json, _: Words) -> list[Json]:
    if person["presence"] not in {"present", "lost"}:
        return []
    shown = [("microphone", "mic", "mic-off"), ("camera", "camera", "camera-off"), ("screen", "screen", "screen")]
    found = []
    for source, icon, icon_off in shown:
        view = person["sources"].get(source)
        if view is None or (source == "screen" and not view["on"]):
            continue
        state = "muted" if view["muted_by_chair"] else "live" if view["live"] else "off"
        text = _(f"console.{source}.{state}")
        found.append({"source": source, "icon": icon if state == "live" else icon_off, "text": text, "live": state == "live"})
    return found


def network(found: Mapping[str, Any] | None, _: Words) -> Json:
    """Bars and words for a connection (`NetworkView` of docs/protocol.md): 4 good … 1 bad, 0 while nothing was measured."""
    if not found or found["score"] is None:
        return {"bars": 0, "text": _("No figures yet")}
    parts = [graded(found["score"], _)]
    if found["blocked"]:
        parts.append(_("nothing gets through"))
    if found["lost_percent"] is not None:
        parts.append(_("{lost} % lost", lost=f"{found['lost_percent']:.1f}"))
    if found["rtt_ms"] is not None:
        parts.append(f"{round(found['rtt_ms'])} ms")
    return {"bars": BARS[found["score"]], "text": " · ".join(parts)}


def graded(score: str, _: Words) -> str:
    """The word for a score."""
    return {"good": _("Good"), "fair": _("Fair"), "poor": _("Poor"), "bad": _("Bad")}[score]


def device_check(result: Mapping[str, Any] | None, _: Words) -> Json:
    """The result of a device check: each part is ``{"ok": bool}`` or a bool, other fields are for the clerk's page."""
    if not result:
        return {"state": "none", "text": _("Not checked"), "details": []}
    parts = [part for part in ("camera", "microphone", "speaker", "network") if part in result]
    failed = [part for part in parts if not _passed(result[part])]
    if not failed:
        return {"state": "ok", "text": _("Devices in order"), "details": []}
    return {"state": "trouble", "text": _("Device trouble"), "details": [_(f"console.check.{part}") for part in failed]}


def _passed(part: Any) -> bool:
    return bool(part.get("ok")) if isinstance(part, Mapping) else part is True or part == "ok"
