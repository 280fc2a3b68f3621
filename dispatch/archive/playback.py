"""What the playback page shows beside the picture: stages, gaps, who spoke when, and the event log in words.

Everything comes from the sealed folder alone, so that a copy of it plays the same. Positions are wall-clock
microseconds; the composite begins at `start_us`. Reading the tracks takes a while: call it off the event loop.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

from dispatch.console.event_words import EventWords
from dispatch.console.situation import Words, word
from dispatch.sittings.stage_names import stage_name
from rooms.log import Row
from rooms.recording.attendance import CENTRE, Place, hands, held_by, places, read_rows
from rooms.recording.timeline import Band, Timeline, load, merge, without
from rooms.recording.unrecorded import explained

Json = dict[str, Any]

EDGE_US = 2_000_000
"""Rows this long before the first and after the last second of the recording belong to it: what opened and what closed it."""
PAUSE_MS = 300
"""A player that plays a file of sound runs ahead by each pause in it: after one that is so long it is put right."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed folder, read once. `present`: (endpoint, source) → spans in which there are frames; `places`: who has which devices;
    `sounds`: endpoint → (name of the file, when it begins, from, to) of each piece of sound without a pause."""

    timeline: Timeline
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...]
    present: Mapping[tuple[str, str], Sequence[tuple[int, int]]]
    places: tuple[Place, ...]
    sounds: Mapping[str, Sequence[tuple[str, int, int, int]]]


def read(folder: Traversable) -> Sealed:
    """Read a sealed folder. Raises OSError or ValueError if it is none, or holds no recording."""
    timeline, manifest = load(folder)
    present = {(track.endpoint, track.source): merge(track.present()) for track in timeline.tracks}
    rows = tuple(read_rows(folder / "events.jsonl"))
    found = places(timeline, manifest, rows)
    shown = tuple(place for place in found if place.heard)
    aside = {endpoint: place.aside for place in found for endpoint in place.endpoints}
    sounds: dict[str, list[tuple[str, int, int, int]]] = {}
    for track in timeline.tracks:
        if track.source == "microphone":
            own = sounds.setdefault(track.endpoint, [])
            for piece, spans in track.pieces(PAUSE_MS):
                own += [(piece.file.name, piece.start_us, *span) for span in without(spans, aside.get(track.endpoint, ()))]
    return Sealed(explained(timeline, rows, held_by(manifest["meta"], rows)), manifest, rows, present, shown, sounds)


def page(sealed: Sealed, _: Words) -> Json:
    """``{"timeline": ..., "lines": [...]}`` for the page, in the language of `_`."""
    timeline = sealed.timeline
    first, last = timeline.start_us - EDGE_US, timeline.end_us + EDGE_US
    lines = [line for line in EventWords(_).lines(sealed.rows) if first <= line["at_us"] <= last]
    return {
        "timeline": {
            **timeline.to_json(),
            "bands": [_band(band, _) for band in timeline.bands],
            "stages": stages(sealed.rows, timeline.start_us, timeline.end_us, _),
            "gaps": [
                {
                    "from_us": band.from_us,
                    "to_us": band.to_us,
                    "text": _("Nothing was recorded for {seconds} s", seconds=_seconds(band.from_us, band.to_us)),
                }
                for band in timeline.bands
                if band.kind == "gap"
            ],
            "speakers": speakers(sealed, _),
        },
        "lines": lines,
    }


def _band(band: Band, _: Words) -> Json:
    """`text`: why nothing was recorded, "" where something was."""
    kind = band.pause if band.kind == "recess" else band.kind
    text = {
        "recess": _("In recess; nothing is recorded"),
        "private": _("Private phase; never recorded"),
        "unrecorded": _("Not recorded in this stage"),
        "gap": _("Recording interrupted"),
        "recording": "",
    }[kind]
    return {"from_us": band.from_us, "to_us": band.to_us, "kind": band.kind, "pause": kind, "text": text}


def stages(rows: Iterable[Row], start_us: int, end_us: int, _: Words) -> list[Json]:
    """The stages between the two times, each from its change to the next."""
    changes = [row for row in rows if row.type == "stage_changed"]
    found = []
    for change, to_us in zip(changes, [*(row.at_us for row in changes[1:]), end_us], strict=False):  # none where the log was cut early
        stage, begin, end = str(change.data["to"]), max(change.at_us, start_us), min(to_us, end_us)
        if begin < end:
            text = stage_name(stage, change.data.get("names"), _)
            found.append({"from_us": begin, "to_us": end, "stage": stage, "text": text})
    return found


def speakers(sealed: Sealed, _: Words) -> list[Json]:
    """One row for each participant who was recorded, in the order of the plan, then for each officer who broke in: when his devices sent,
    and what is missing."""
    meta = sealed.manifest["meta"]
    carried: Mapping[str, Mapping[str, Any]] = meta.get("endpoints", {})
    of_centre: dict[tuple[str, str], set[str]] = {}
    for place in sealed.places:
        for officer in (one for one in place.people if one.role == CENTRE):
            of_centre.setdefault((officer.name, officer.role), set()).update(place.endpoints)  # whoever came twice has one row
    found = []
    raised, floor = hands(sealed.rows, sealed.timeline.end_us)
    first, last = sealed.timeline.start_us, sealed.timeline.end_us

    def during(spans: Sequence[tuple[int, int]]) -> list[Json]:
        return [{"from_us": max(a, first), "to_us": min(b, last)} for a, b in spans if a < last and b > first]

    rows = [
        (who["id"], who["name"], who["role"], {endpoint for endpoint, about in carried.items() if who["id"] in about["participants"]})
        for who in meta.get("participants", ())
    ]
    rows += [("", name, role, endpoints) for (name, role), endpoints in of_centre.items()]
    for who, name, role, own in rows:
        segments = [
            {"from_us": from_us, "to_us": to_us, "source": source, "text": word("source", source, _)}
            for (endpoint, source), spans in sealed.present.items()
            if endpoint in own
            for from_us, to_us in spans
        ]
        gaps = [_gap(row, _) for row in sealed.manifest["ledger"] if row["kind"] == "gap" and row.get("endpoint") in own]
        shown = {"hands": during(raised.get(who, ())), "floor": during(floor.get(who, ()))}
        if segments or gaps or shown["hands"]:
            found.append({"name": name, "role": _(f"role.{role}"), "segments": segments, "gaps": gaps, **shown})
    return found


def people(sealed: Sealed, base: str, voices: Container[str], _: Words) -> list[Json]:
    """Whose sound and picture can be chosen, in the order of the plan: where the sound is (`voices` are the places that have one),
    which files hold the pictures at what time, and why there may be none. `base` is the address of the recording."""
    found: list[Json] = []
    for place in sealed.places:
        pictures = [
            {
                "source": track.source,
                "from_us": placement.start_us,
                "to_us": placement.to_us,
                "url": f"{base}/tracks/{placement.file.name}",
            }
            for track in sealed.timeline.tracks
            if track.endpoint in place.endpoints and track.source != "microphone"
            for placement in track.placements
        ]
        sounds = [
            {"begins_us": begins_us, "from_us": from_us, "to_us": to_us, "url": f"{base}/tracks/{name}"}
            for endpoint in sorted(place.endpoints)
            for name, begins_us, from_us, to_us in sealed.sounds.get(endpoint, ())
        ]
        seen = {source: _spans(sealed, place, source) for source in ("camera", "screen")}
        found.append(
            {
                "id": place.id,
                "name": _(", ").join(person.name for person in place.people) or min(place.endpoints),
                "role": _(", ").join(dict.fromkeys(_(f"role.{person.role}") for person in place.people)),
                "voice": f"{base}/voices/{place.id}" if place.id in voices else "",
                "sounds": sorted(sounds, key=lambda one: (one["from_us"], one["url"])),
                "pictures": sorted(pictures, key=lambda one: (one["from_us"], one["url"])),
                "seen": seen,
                "here": [list(span) for span in place.here],
                "camera_on": [list(span) for span in place.camera_on],
            }
        )
    return found


def _spans(sealed: Sealed, place: Place, source: str) -> list[list[int]]:
    return [list(span) for span in merge(s for e in place.endpoints for s in sealed.present.get((e, source), ()))]


def whose(manifest: Mapping[str, Any], _: Words) -> dict[str, str]:
    """For each file what it holds, in words: a participant's microphone or camera, or one of the lists."""
    found = {f"{name}.jsonl": word("file", name, _) for name in ("segments", "ledger", "events", "heartbeat", "digests")}
    for row in manifest["segments"]:
        found[str(row["file"])] = f"{_people(manifest, str(row['endpoint']), _)} · {word('source', str(row['source']), _)}"
    return found


def _people(manifest: Mapping[str, Any], endpoint: str, _: Words) -> str:
    """The names of those whom a device carried."""
    names = {person["id"]: person["name"] for person in manifest["meta"].get("participants", ())}
    device = manifest["meta"].get("endpoints", {}).get(endpoint, {})
    return _(", ").join(names.get(person, person) for person in device.get("participants", ())) or device.get("device", "") or endpoint


def gaps(manifest: Mapping[str, Any], _: Words, clock: Any) -> list[str]:
    """Every gap that the ledger states, in words. `clock` says a time of microseconds."""
    found = []
    for row in manifest["ledger"]:
        if row["kind"] != "gap":
            continue
        name = _people(manifest, row["endpoint"], _)
        found.append(_("{time} {name}: {what}", time=clock(row["from_us"]), name=name, what=_gap(row, _)["text"]))
    return found


def _gap(row: Mapping[str, Any], _: Words) -> Json:
    text = _(
        "{source} missing for {seconds} s ({cause})",
        source=word("source", str(row["source"]), _),
        seconds=_seconds(row["from_us"], row["to_us"]),
        cause=word("cause", str(row["cause"]), _),
    )
    return {"from_us": row["from_us"], "to_us": row["to_us"], "text": text}


def faults_in_words(faults: Iterable[Mapping[str, Any]], manifest: Mapping[str, Any], _: Words) -> list[Json]:
    """What has to be explained, in words: {"at_us", "text"}; `at_us` 0 where there is no time."""
    found = []
    for row in faults:
        cause = word("cause", str(row.get("cause") or ""), _) if row.get("cause") else ""
        if row["kind"] == "gap":
            name = _people(manifest, str(row["endpoint"]), _)
            found.append({"at_us": row["from_us"], "text": _("{who}: {what}", who=name, what=_gap(row, _)["text"])})
        elif row["kind"] == "restart":
            seconds = _seconds(row["from_us"], row["to_us"])
            text = _("The recorder was interrupted for {seconds} s ({cause})", seconds=seconds, cause=cause)
            found.append({"at_us": row["from_us"], "text": text})
        elif row["kind"] == "alarm":
            found.append({"at_us": row["at_us"], "text": _("The recorder raised an alarm ({cause})", cause=cause)})
        else:
            found.append({"at_us": 0, "text": _("Lost before sealing: {file}", file=row["file"])})
    return found


def _seconds(from_us: int, to_us: int) -> str:
    return f"{(to_us - from_us) / 1e6:.1f}"


def manifest_of(folder: Traversable) -> Json:
    """The manifest as it is. Raises OSError or ValueError."""
    manifest: Json = json.loads((folder / "manifest.json").read_bytes())
    return manifest
