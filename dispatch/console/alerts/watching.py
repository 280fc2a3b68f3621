"""What of an open sitting needs somebody: the alerts that the conference raised itself, and what only lasts too long. Pure.

What lasts is remembered in a :class:`Lasting`, since when: an alert comes when it has lasted as long as the settings say, and ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatch.console.alerts.raising import Severity

Json = Mapping[str, Any]

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
_GOES_ON = frozenset({"live", "recess"})
_BAD = frozenset({"poor", "bad"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each may last, microseconds."""

    waiting_us: int = 5 * MINUTE_US
    private_us: int = 30 * MINUTE_US
    poor_us: int = 30 * SECOND_US
    overrun_us: int = 10 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alert that is to be on. `acknowledged_by`: who has seen it in the conference itself."""

    code: str
    severity: Severity
    subject: str = ""
    data: Json = field(default_factory=dict)
    acknowledged_by: str | None = None


@dataclass(slots=True)
class Lasting:
    """Since when what lasts has lasted, by what it is; forgotten with its end."""

    _since_us: dict[tuple[str, str], int] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def for_us(self, code: str, subject: str, now_us: int) -> int:
        """How long it has lasted now."""
        self._seen.add((code, subject))
        return now_us - self._since_us.setdefault((code, subject), now_us)

    def forget_others(self) -> None:
        """What was not asked for since the last time is over."""
        self._since_us = {key: since for key, since in self._since_us.items() if key in self._seen}
        self._seen.clear()


def wanted(overview: Json, now_us: int, limits: Limits, lasting: Lasting) -> dict[tuple[str, str], Wanted]:
    """The alerts of a sitting that are to be on now, by code and subject."""
    found = {(one.code, one.subject): one for one in (*_own(overview), *_derived(overview, now_us, limits, lasting))}
    lasting.forget_others()
    return found


def subject_of(alert: Json) -> str:
    """What a conference's own alert is about within its sitting."""
    return str(alert["id"]).removeprefix(str(alert["code"])).removeprefix("-")


def _own(overview: Json) -> Iterator[Wanted]:
    for alert in overview["alerts"]:
        yield Wanted(alert["code"], alert["severity"], subject_of(alert), alert["data"], alert["acknowledged_by"])


def _derived(overview: Json, now_us: int, limits: Limits, lasting: Lasting) -> Iterator[Wanted]:
    status, people = overview["status"], overview["participants"]
    due = now_us >= overview["starts_at_us"]
    if status == "closed" or status == "cancelled":
        return
    if status not in _GOES_ON and due and _missing_chair(people) and now_us < overview["ends_at_us"]:
        yield Wanted("chair_missing", "critical", data={"name": _missing_chair(people)})
    if status in _GOES_ON and overview["private"] and lasting.for_us("private_long", "", now_us) >= limits.private_us:
        yield Wanted("private_long", "warning", data={"n": limits.private_us // MINUTE_US})
    over_us = now_us - overview["ends_at_us"]
    if status in _GOES_ON and over_us >= limits.overrun_us:
        yield Wanted("overrun", "warning", data={"n": limits.overrun_us // MINUTE_US})
    for person in people:
        named = {"name": person["name"]}
        if due and person["presence"] == "waiting" and lasting.for_us("nobody_admitted", person["id"], now_us) >= limits.waiting_us:
            yield Wanted("nobody_admitted", "warning", person["id"], named | {"n": limits.waiting_us // MINUTE_US})
        poor = person["presence"] == "present" and _is_poor(person["network"])
        if poor and lasting.for_us("participant_poor", person["id"], now_us) >= limits.poor_us:
            yield Wanted("participant_poor", "warning", person["id"], named)
        if person["presence"] in {"waiting", "present"} and status not in _GOES_ON and _failed(person["device_check"]):
            yield Wanted("device_failed", "warning", person["id"], named)


def _missing_chair(people: Any) -> str:
    """Who is to preside and is not inside, "" where he is. Nobody is missed while nobody has come at all: that is late to open."""
    if all(person["presence"] == "absent" for person in people):
        return ""
    return next((str(person["name"]) for person in people if person["chair"] and person["presence"] in {"absent", "left"}), "")


def _is_poor(network: Json | None) -> bool:
    return bool(network) and network is not None and (network["score"] in _BAD or bool(network["blocked"]))


def _failed(result: Json | None) -> bool:
    """Whether a part of the device test did not pass (`device_check` of :mod:`dispatch.console.situation`)."""
    parts = [result[part] for part in ("camera", "microphone", "speaker", "network") if part in result] if result else []
    return any(not (part.get("ok") if isinstance(part, Mapping) else part is True or part == "ok") for part in parts)
