"""What a window of a wall is told of a sitting: no more than its tile shows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

_KEPT = ("id", "kind", "title", "case_number", "room", "status", "stage_text", "trouble", "observable", "media")
GOING = frozenset({"open", "live", "recess"})


def told(situation: Mapping[str, Any], overview: Mapping[str, Any] | None) -> Json:
    """One sitting for a tile, and for the list that tiles are filled from. `situation`: as the console has it, in words
    (:mod:`dispatch.console.situation`); `overview`: what is known of it while it is live."""
    unseen = [task for task in situation["tasks"] if not task["acknowledged_by"]]
    task = next(iter(unseen or situation["tasks"]), None)
    return {name: situation[name] for name in _KEPT} | {
        "alarm": task["text"] if task and situation["trouble"] != "none" else "",
        "recorded": situation["recording"]["state"] == "recording",
        "going": situation["status"] in GOING,
        "people": [_person(person) for person in overview["participants"]] if overview else [],
    }


def told_of_feed(feed: Mapping[str, Any], words: Callable[..., str], tag: str) -> Json:
    """A live video of the field (:func:`rooms.feeds.feed.overview`), in the same words as a sitting. `words` translates into the language
    `tag`."""
    team = (tag == "en" and feed["team_en"]) or feed["team"]
    return {
        "id": feed["id"],
        "kind": feed["kind"],
        "title": f"{feed['name']} · {team}" if team else feed["name"],
        "case_number": f"{feed['number']} {feed['title']}".strip(),
        "room": "",
        "status": feed["status"],
        "stage_text": words("Live video") if feed["connected"] else words("Phone away; its place is kept"),
        "trouble": "none" if feed["connected"] else "warning",
        "observable": True,
        "media": "up",
        "alarm": "",
        "recorded": False,
        "going": True,
        "people": [_person(person) for person in feed["participants"]],
    }


def _person(person: Mapping[str, Any]) -> Json:
    sources = person["sources"]
    return {
        "id": person["id"],
        "name": person["name"],
        "role": person["role"],
        "presence": person["presence"],
        "picture": any(sources.get(name, {}).get("live") for name in ("camera", "screen")),
    }
