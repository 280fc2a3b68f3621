"""The board's message: whole at first, then what changed; both together are what a new line would be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dispatch.console.situation import Booked, order, situation
from dispatch.web.console.parts import Parts, Told
from dispatch.web.translations import catalogue
from rooms.commands import RaiseAlert
from rooms.measured import Measured
from rooms.overview import overview
from rooms.protocol import RecordingView
from tests.rooms.making import NOW_US, PEOPLE, Sitting

MINUTE_US = 60_000_000
WORDS = catalogue("zh-CN").gettext
PEOPLE_BOOKED = tuple((p.id, p.name, p.role, p.chair) for p in PEOPLE)
Json = dict[str, Any]


def booked(sitting: str) -> Booked:
    return Booked(
        sitting, "remote_court", f"案{sitting}", "（2026）1号", "第一法庭", "r1", NOW_US, NOW_US + 60 * MINUTE_US, "planned", PEOPLE_BOOKED
    )


def states() -> list[Json | None]:
    """A sitting that is not open, and four moments of one that is."""
    fresh, gathered, troubled = Sitting(), Sitting().gathered(), Sitting().gathered()
    troubled.system(RaiseAlert("recording_failed", "critical", data={"cause": "disk"}))
    recorded = Measured(recording=RecordingView(state="recording", seconds=3.0, at_us=NOW_US))
    shown = [overview(one.state, Measured()) for one in (fresh, gathered, troubled)] + [overview(gathered.state, recorded)]
    return [None, *(one.to_json() for one in shown)]


STATES = states()


class Browser:
    """Does with the messages what the page does."""

    def __init__(self) -> None:
        self.sittings: dict[str, Json] = {}
        self.rest: Json = {}

    def take(self, text: str | None) -> None:
        if text is None:
            return
        message = json.loads(text)
        if message["type"] == "console":
            self.sittings.clear()
        for sitting in message.get("gone", ()):
            del self.sittings[sitting]
        self.sittings |= {told["id"]: told for told in message["sittings"]}
        self.rest |= {name: value for name, value in message.items() if name not in {"type", "now_us", "sittings", "gone"}}

    def shown(self) -> list[Json]:
        return sorted(self.sittings.values(), key=order)


Step = tuple[str, str, int]
ACTS = st.sampled_from(["live", "booked", "moved", "time", "rooms"])
STEPS = st.lists(st.tuples(ACTS, st.sampled_from("abcd"), st.integers(0, 4)), max_size=25)


@given(STEPS, st.sets(st.integers(0, 24)))
def test_the_first_message_and_what_changed_since_are_the_whole(steps: list[Step], asked: set[int]) -> None:
    parts, early, now_us = Parts(WORDS), Browser(), NOW_US
    plans: dict[str, Booked] = {"a": booked("a")}
    lives: dict[str, Json | None] = {}
    rest: Json = {"rooms": []}
    line = Told()
    for number, (what, name, value) in enumerate(steps):
        if what == "live":
            lives[name] = STATES[value]
            parts.touch(name)
        elif what == "booked":
            plans = {**plans, name: booked(name)} if name not in plans else {key: plan for key, plan in plans.items() if key != name}
        elif what == "moved" and name in plans:
            plans[name] = replace(plans[name], title=f"{name}{value}", starts_at_us=NOW_US - value * MINUTE_US)
        elif what == "time":
            now_us += value * 5 * MINUTE_US
        elif what == "rooms":
            rest = {"rooms": [{"id": name, "name": str(value)}]}
        if number in asked:  # a slow line skips states
            early.take(line.next(parts.update(list(plans.values()), lives.get, now_us), rest, now_us))
    early.take(line.next(parts.update(list(plans.values()), lives.get, now_us), rest, now_us))
    whole = sorted((situation(plan, lives.get(plan.id), now_us, WORDS) for plan in plans.values()), key=order)
    assert early.shown() == json.loads(json.dumps(whole))
    assert early.rest == rest


def nothing(_sitting: str) -> Json | None:
    return None


def counting(lives: dict[str, Json | None]) -> tuple[list[str], Callable[[str], Json | None]]:
    asked: list[str] = []

    def overview_of(sitting: str) -> Json | None:
        asked.append(sitting)
        return lives.get(sitting)

    return asked, overview_of


def test_only_the_sitting_that_changed_is_built_and_sent() -> None:
    plans = [booked(str(n)) for n in range(100)]
    lives: dict[str, Json | None] = {plan.id: STATES[2] for plan in plans}
    asked, overview_of = counting(lives)
    parts, line = Parts(WORDS), Told()
    whole = line.next(parts.update(plans, overview_of, NOW_US), {"rooms": []}, NOW_US)
    assert whole is not None
    asked.clear()
    lives["7"] = STATES[3]
    parts.touch("7")
    text = line.next(parts.update(plans, overview_of, NOW_US), {"rooms": []}, NOW_US)
    assert text is not None
    assert asked == ["7"]
    assert [told["id"] for told in json.loads(text)["sittings"]] == ["7"]
    assert "rooms" not in json.loads(text)


def test_what_was_touched_and_is_as_before_is_not_told_again() -> None:
    parts, line = Parts(WORDS), Told()
    lives = {"a": STATES[2]}
    assert line.next(parts.update([booked("a")], lives.get, NOW_US), {}, NOW_US) is not None
    parts.touch("a")
    assert line.next(parts.update([booked("a")], lives.get, NOW_US), {}, NOW_US) is None


def test_minutes_past_the_time_are_told_without_a_change_of_the_sitting() -> None:
    parts, line = Parts(WORDS), Told()
    line.next(parts.update([booked("a")], nothing, NOW_US), {}, NOW_US)
    later = NOW_US + 6 * MINUTE_US
    text = line.next(parts.update([booked("a")], nothing, later), {}, later)
    assert text is not None
    assert [task["code"] for told in json.loads(text)["sittings"] for task in told["tasks"]] == ["late_to_open"]
    assert line.next(parts.update([booked("a")], nothing, later), {}, later) is None
