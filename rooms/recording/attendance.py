"""Who took part in a recorded sitting, with which devices, and when he was there: read from the manifest and the event log of a
sealed folder. One place on the picture for all who sat at the same devices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from rooms.desired import aside, officers
from rooms.fold import apply
from rooms.log import Row
from rooms.media.engine import Source
from rooms.procedure import PROCEDURES, Procedure, ProcedureRefused, procedure_of
from rooms.procedure.seating import ONE_ROW, Hall
from rooms.recording.timeline import Span, Timeline, merge

VOICES = "voices"
LARGE = {"remote_interrogation": "suspect"}
"""By kind: the role whose picture is large, with the others over it and the panorama of the room lowest, as the rules on the recording of
interrogations of 2014 ask (人民检察院讯问职务犯罪嫌疑人实行全程同步录音录像的规定)."""
_PANORAMA = ("custody_officer", "interrogator", "clerk")
"""Whose device shows most of a room, first."""


Spans = dict[str, list[Span]]


CENTRE = "command_centre"
"""The role under which a record has an officer who broke in, or talked with somebody."""
ASIDE_US = 300_000
"""What was said aside reaches the recorder so long after the log says that it was over."""


@dataclass(frozen=True, slots=True)
class Person:
    """A participant as the manifest names him."""

    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Place:
    """Who shared devices has one place. `here`: wall-clock spans in which one of the devices was inside, `camera_on` those in
    which its camera was switched on, `aside` those in which its sound was no part of the hearing: a talk of the command centre with a few,
    which the originals keep and no film has. `id` is the same whenever the folder is read, and fit for a file's name."""

    id: str
    people: tuple[Person, ...]
    endpoints: frozenset[str]
    here: tuple[Span, ...]
    camera_on: tuple[Span, ...]
    aside: tuple[Span, ...] = ()

    @property
    def heard(self) -> bool:
        """Whether he took part in the hearing itself, and not only in talks aside."""
        return bool(self.here) or not self.aside

    @property
    def role(self) -> str:
        """The role by which the place is found in the hall; "" for a device that carried nobody known."""
        return self.people[0].role if self.people else ""


def read_rows(path: Traversable) -> Iterator[Row]:
    """The rows of ``events.jsonl``; none where there is no such file. A line that is no row ends them: verification names it."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield Row.from_line(line)
            except (ValueError, TypeError):
                return


def places(timeline: Timeline, manifest: Mapping[str, Any], rows: Iterable[Row]) -> tuple[Place, ...]:
    """Everybody who was recorded, or was inside during the recording in a role that speaks, in the order of the plan; at the
    end officers who broke in and the devices that carried nobody known."""
    meta, rows = manifest["meta"], tuple(rows)
    speaking = _speaking_roles(held_by(meta, rows))
    known = {row["id"]: Person(row["id"], row["name"], row["role"]) for row in meta.get("participants", ())}
    rank = {who: index for index, who in enumerate(known)}
    of_centre = (row.data for row in rows if row.type in {"broken_in", "talk_began", "talk_to_all_began"})
    known |= {data["endpoint"]: Person(data["endpoint"], data["name"], CENTRE) for data in of_centre}
    inside, camera, apart = _attended(rows, timeline.end_us)
    recorded = {track.endpoint for track in timeline.tracks}
    devices: dict[tuple[str, ...], set[str]] = {}
    for endpoint in sorted(recorded | {endpoint for endpoint, spans in inside.items() if _during(spans, timeline)}):
        carried = (meta.get("endpoints") or {}).get(endpoint, {}).get("participants", ())
        people = tuple(sorted({who for who in carried if who in known}, key=rank.__getitem__))
        if endpoint in recorded or any(known[who].role in speaking for who in people):
            devices.setdefault(people or (endpoint,), set()).add(endpoint)
    found = []
    for who, endpoints in sorted(devices.items(), key=lambda item: [rank.get(one, len(rank)) for one in item[0]]):
        people = tuple(known[one] for one in who if one in known)
        here, on, not_here = (tuple(merge(span for e in endpoints for span in spans.get(e, ()))) for spans in (inside, camera, apart))
        found.append(Place(hashlib.sha256("\n".join(who).encode()).hexdigest()[:16], people, frozenset(endpoints), here, on, not_here))
    return tuple(found)


def voice(folder: Path, place: Place) -> Path:
    """Where the sound of a place alone is kept once the film is made, if there is any."""
    return folder / voice_name(place)


def voice_name(place: Place) -> str:
    """The same below the folder."""
    return f"derived/{VOICES}/{place.id}.webm"


def held_by(meta: Mapping[str, Any], rows: Iterable[Row]) -> Procedure | None:
    """The version by which the sitting was held, as its log, or else the manifest, says; where neither does, the one of its kind that comes
    with the program; None for a kind that nobody knows."""
    kind = str(meta.get("kind", ""))
    plan = next((row.data.get("plan") for row in rows if row.type == "conference_opened"), None)
    text = plan.get("procedure", "") if isinstance(plan, Mapping) else meta.get("procedure")
    try:
        found = procedure_of(text) if isinstance(text, str) else None
    except ProcedureRefused:
        found = None
    if found is None:
        return PROCEDURES.get(kind)
    return found if found.kind == kind else PROCEDURES.get(kind)


def hall(held: Procedure | None, shown: Sequence[Place]) -> Hall:
    """Where these places are in the hall of a sitting that was held by that version; a bench member who shares a device keeps the bench."""
    seating = held.seating if held is not None else ONE_ROW
    front = LARGE.get(held.kind, "") if held is not None else ""
    large = tuple(index for index, place in enumerate(shown) if any(person.role == front for person in place.people))
    if large:
        rank = {role: number for number, role in enumerate(_PANORAMA)}
        others = [index for index in range(len(shown)) if index not in large]
        return Hall(large=large, middle=tuple(sorted(others, key=lambda index: rank.get(shown[index].role, len(rank)))))
    roles = [next((p.role for p in place.people if p.role in seating.bench), place.role) for place in shown]
    return seating.hall(roles)


def hands(rows: Iterable[Row], end_us: int) -> tuple[Spans, Spans]:
    """By participant: when he had his hand up, and when he had the floor, as far as the log tells."""
    raised, floor = _Watch(), _Watch()
    state = None
    for row in rows:
        try:
            state = apply(state, row)
        except (ValueError, KeyError, TypeError, AttributeError):
            break
        raised.are({who for who, seat in state.seats.items() if seat.hand_at_us is not None}, row.at_us)
        floor.are({state.floor} if state.floor is not None else set(), row.at_us)
    return raised.ended(end_us), floor.ended(end_us)


def _speaking_roles(held: Procedure | None) -> set[str]:
    if held is None:
        return set()
    recorded = [stage for stage, about in held.stages.items() if about.recorded]
    return {role for stage in recorded for role in held.roles if held.rights_of(role, stage).holding_the_floor().speak}


def _during(spans: Iterable[Span], timeline: Timeline) -> bool:
    return any(start < timeline.end_us and end > timeline.start_us for start, end in spans)


def _attended(rows: Iterable[Row], end_us: int) -> tuple[Spans, Spans, Spans]:
    """Of each device: when it was inside, when its camera was switched on as well, and when its sound was for a few alone."""
    inside, camera, apart = _Watch(), _Watch(), _Watch()
    state = None
    for row in rows:
        try:
            state = apply(state, row)
        except (ValueError, KeyError, TypeError, AttributeError):
            break  # a log of another make: what is known up to here holds
        now, of_centre = tuple(state.inside()), officers(state)
        inside.are({endpoint.id for endpoint in now} | {track.endpoint for track in of_centre}, row.at_us)
        on = {endpoint.id for endpoint in now if Source.CAMERA in endpoint.on}
        camera.are(on | {track.endpoint for track in of_centre if track.source is Source.CAMERA}, row.at_us)
        apart.are({track.endpoint for tracks in aside(state).values() for track in tracks}, row.at_us)
    said = {device: [(begin, end + ASIDE_US) for begin, end in spans] for device, spans in apart.ended(end_us).items()}
    return inside.ended(end_us), camera.ended(end_us), said


class _Watch:
    """Turns "these are on at that time" into spans."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._spans: Spans = {}

    def are(self, names: set[str], at_us: int) -> None:
        for name in self._since.keys() - names:
            self._spans.setdefault(name, []).append((self._since.pop(name), at_us))
        for name in names - self._since.keys():
            self._since[name] = at_us

    def ended(self, at_us: int) -> Spans:
        self.are(set(), max(at_us, *self._since.values(), 0))
        return self._spans
