"""A whole hearing with known picture and sound: chair, two parties and an officer, from their links to the verified recording.

It is held once (:mod:`tests.browser.one_hearing`); each test looks at one side of what happened.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.material import PERIOD_S
from tests.browser.one_hearing import MARKS, MUTED, OFFICER, PACKETS, Hearing, hold, steps
from tests.browser.recorded import Content, content, flashes
from tests.browser.site import TOP, Site
from tests.browser.sound import beeps

pytestmark = [pytest.mark.main, pytest.mark.alone, pytest.mark.timeout(600)]
LENGTH_S = 0.5
PLACE_S = 0.2
COLOUR = 40
"""Colours differ by this much at most when they are the same, after cameras, codecs and their ranges."""
REPLACED_S = 6.0
"""A sender report comes at least so often."""
START_S = 1.5
"""A picture is recorded from its next key frame on: three times half a second."""
RecordProperty = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class File:
    """A recorded file, decoded. `marks`: wall clock, s, of each flash or beep. `colour`: of a camera's picture."""

    content: Content
    marks: list[float]
    colour: tuple[int, ...] = ()


Recorded = dict[tuple[str, str], list[File]]
"""Files by person and source, in order."""


@pytest.fixture(scope="module")
def hearing(site: Site, material: Path) -> Hearing:
    return asyncio.run(hold(site, material))


@pytest.fixture(scope="module")
def recorded(hearing: Hearing) -> Recorded:
    names = {endpoint: name for name, endpoint in hearing.endpoints.items()}
    found: Recorded = {}
    for piece in hearing.folder.pieces():
        name = names[piece.endpoint]
        if piece.source == "camera":
            starts, colour = flashes(piece.path)
        else:
            starts, colour = beeps(piece.path, hearing.material[name].pitch_hz), ()
        found.setdefault((name, piece.source), []).append(File(content(piece), [piece.start_s + at_s for at_s in starts], colour))
    return found


# ------------------------------------------------------------------------------------------------ while it is held


def test_everybody_decodes_everybody_elses_pictures(hearing: Hearing) -> None:
    assert set(hearing.decoded) == set(pairs(hearing))
    assert min(hearing.decoded.values()) >= 20


def test_each_picture_and_each_sound_is_that_of_the_person_it_is_shown_for(hearing: Hearing) -> None:
    for phase in hearing.phases:
        for viewer, name in pairs(hearing):
            seen, material = phase.seen[viewer, name], hearing.material[name]
            assert alike(seen.colour, material.colour), f"{viewer} sees another colour than that of {name}: {seen.colour}"
            assert seen.loudest > 0.3, f"{viewer} does not hear the pitch of {name}"


def test_the_officer_is_seen_by_the_chair_and_sends_nothing(hearing: Hearing) -> None:
    assert hearing.watchers == [OFFICER]
    assert hearing.officer_sent == 0


def test_a_muted_party_who_sends_on_reaches_nobody_and_no_disk(hearing: Hearing) -> None:
    muting = hearing.muting
    assert muting.sent[1] - muting.sent[0] >= PACKETS
    assert set(muting.received) == {viewer for viewer, name in pairs(hearing) if name == MUTED}
    for viewer, (first, last) in muting.received.items():
        assert last == first > 0, f"{viewer} still received him"
    (taken_first, written_first), (taken_last, written_last) = muting.recorded
    assert taken_last == taken_first > 0
    assert written_last == written_first > 0
    assert muting.noticed, "the chair is not told"
    # Allowed again he is heard and recorded again: the counters could have moved.
    assert all(muting.received_later[viewer] > last for viewer, (_, last) in muting.received.items())
    assert muting.recorded_later > taken_last


def test_after_a_minute_flash_and_beep_are_in_step_at_every_receiver(hearing: Hearing, record_property: RecordProperty) -> None:
    phase = hearing.phases[0]
    assert phase.to_s > hearing.minute_s + MARKS * PERIOD_S
    for viewer, name in pairs(hearing):
        found = steps(phase.made[name], phase.seen[viewer, name], hearing.minute_s)
        assert found, f"too few marks of {name} at {viewer}"
        best = min(found, key=lambda step: (not step.kept_up, abs(step.late_ms)))
        record_property(f"flash after beep, ms: {name} at {viewer}", f"{best.late_ms:.0f}{'' if best.kept_up else ', busy'}")
        assert any(step.is_in for step in found), f"{name} at {viewer}: {found}"


def test_no_page_had_an_error(hearing: Hearing) -> None:
    assert set(hearing.errors) == {*hearing.speakers, OFFICER}
    assert [error for errors in hearing.errors.values() for error in errors] == []


# ------------------------------------------------------------------------------------------------ what was recorded


def test_every_track_is_recorded_in_its_right_length(hearing: Hearing, recorded: Recorded) -> None:
    """One file of each source of each speaker before and after the recess, from when it was on until the stage ended."""
    assert set(recorded) == {(name, source) for name in hearing.speakers for source in ("microphone", "camera")}
    assert len(spans(hearing)) == 2
    for (name, source), files in recorded.items():
        assert len(files) == 2
        for file, (opened_s, closed_s) in zip(files, spans(hearing), strict=True):
            what, found = f"{source} of {name}", file.content
            on = [(max(a, opened_s), min(b, closed_s)) for a, b in switched_on(hearing, name, source) if b > opened_s and a < closed_s]
            # A device that is opened meanwhile needs its time; a picture that goes on is missing up to its next key frame, and the
            # log says so.
            stated_s = sum(b - a for a, b in gaps(hearing, name, source) if abs(b - found.begins) < 0.1)
            from_s = found.begins if on[0][0] > opened_s else opened_s + stated_s
            assert from_s - on[0][0] <= START_S, what
            # A camera's length cannot be known better than its frames are apart: far, where a busy machine held them up.
            # A microphone whose browser is kept from running makes less sound than time passes; it is placed anew every few seconds.
            short_s = missing_sound(hearing.sounded[name], opened_s, closed_s)
            late_s = missing_sound(hearing.sounded[name], closed_s - REPLACED_S, closed_s)
            limit_s = LENGTH_S + (found.pause if source == "camera" else late_s)
            assert abs(found.ends - found.begins - (closed_s - from_s)) <= limit_s, what
            assert abs(found.ends - closed_s) <= limit_s, what
            if source == "microphone":
                assert abs(found.filled - sum(b - max(a, from_s) for a, b in on)) <= LENGTH_S + short_s, what


def test_the_sound_is_where_it_was_made(hearing: Hearing, recorded: Recorded) -> None:
    for name in hearing.speakers:
        away = distances(recorded[name, "microphone"], [at / 1000 for phase in hearing.phases for at in phase.made[name].beeps])
        assert len(away) >= 2 * MARKS
        assert few(away, PLACE_S), f"{name}: {[round(one, 3) for one in away]}"


def test_the_picture_is_where_it_was_made_and_of_whom_it_is(hearing: Hearing, recorded: Recorded) -> None:
    for name in hearing.speakers:
        files = recorded[name, "camera"]
        away = distances(files, [at / 1000 for phase in hearing.phases for at in phase.made[name].flashes])
        assert len(away) >= 2 * MARKS
        assert few(away, PLACE_S), f"{name}: {[round(one, 3) for one in away]}"
        assert all(alike(file.colour, hearing.material[name].colour) for file in files)


def test_nothing_that_the_muted_party_sent_is_in_the_recording(hearing: Hearing, recorded: Recorded) -> None:
    muting = hearing.muting
    assert muting.to_s - muting.from_s > 2 * PERIOD_S, "he made no sound"
    heard = [at_s for file in recorded[MUTED, "microphone"] for at_s in file.marks]
    assert [at_s for at_s in heard if at_s < muting.from_s or at_s > muting.to_s] != []
    assert [at_s for at_s in heard if muting.from_s < at_s < muting.to_s] == []


def test_verify_passes_and_names_the_file_in_which_one_byte_was_changed(hearing: Hearing, tmp_path: Path) -> None:
    folder = hearing.folder.root
    assert verify(folder).returncode == 0
    for piece in (hearing.folder.pieces()[0], hearing.folder.pieces()[-1]):
        copy = tmp_path / piece.path.stem
        shutil.copytree(folder, copy)
        name = str(piece.path.relative_to(folder))
        assert verify(copy).returncode == 0
        flip(copy / name)
        found = verify(copy)
        assert found.returncode == 1
        assert [line.strip().split(":")[0] for line in found.stdout.splitlines() if "tracks/" in line] == [name], found.stdout


# ------------------------------------------------------------------------------------------------ how it is looked at


def pairs(hearing: Hearing) -> list[tuple[str, str]]:
    """Who sees whom."""
    return [(viewer, name) for viewer in (*hearing.speakers, OFFICER) for name in hearing.speakers if viewer != name]


def alike(one: Sequence[int] | None, other: Sequence[int]) -> bool:
    """Whether two colours are the same one."""
    return one is not None and max(abs(a - b) for a, b in zip(one, other, strict=True)) < COLOUR


def events(hearing: Hearing, *types: str) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """Rows of the event log in the folder: (wall clock s, type, data)."""
    return ((row["at_us"] / 1e6, row["type"], row["data"]) for row in hearing.folder.rows("events") if row["type"] in types)


def spans(hearing: Hearing) -> list[tuple[float, float]]:
    """From when to when the court was in session, by the event log."""
    changes = [(at_s, data["to"]) for at_s, _, data in events(hearing, "stage_changed")]
    return [(at_s, end_s) for (at_s, stage), (end_s, _) in itertools.pairwise(changes) if stage == "hearing"]


def switched_on(hearing: Hearing, name: str, source: str) -> list[tuple[float, float]]:
    """From when to when a source was on, by the event log: a mute, a recess and the end switch it off."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for at_s, kind, data in events(hearing, "source_switched", "muted", "stage_changed"):
        if kind == "stage_changed":
            ends = data["to"] != "hearing"
        elif data["source"] != source or not (name == MUTED if kind == "muted" else data["endpoint"] == hearing.endpoints[name]):
            continue
        elif kind == "source_switched" and data["on"]:
            since = since or at_s
            continue
        else:
            ends = True
        if ends and since:
            found.append((since, at_s))
            since = None
    return found


def gaps(hearing: Hearing, name: str, source: str) -> list[tuple[float, float]]:
    """What the log says is missing of a track."""
    return [
        (data["from_us"] / 1e6, data["to_us"] / 1e6)
        for _, _, data in events(hearing, "gap")
        if (data["endpoint"], data["source"]) == (hearing.endpoints[name], source)
    ]


def missing_sound(sounded: list[tuple[float, str, float]], from_s: float, to_s: float) -> float:
    """How much less sound than time a microphone made while it was sent, s."""
    short_s = 0.0
    for (at_s, which, total_s), (then_s, of, later_s) in itertools.pairwise(sounded):
        if which == of and later_s > total_s and from_s <= at_s and then_s <= to_s + 1.0:
            short_s += then_s - at_s - (later_s - total_s)
    return max(short_s, 0.0)


def distances(files: list[File], made: list[float]) -> list[float]:
    """How far from where it was made each mark is found, s; of those that were made while the files were written."""
    inside = [at_s for at_s in made if any(f.content.begins + PLACE_S < at_s < f.content.ends - PLACE_S for f in files)]
    return [min(abs(at_s - found_s) for file in files for found_s in file.marks) for at_s in inside]


def few(values: list[float], limit: float) -> bool:
    """Whether at most one of ten is beyond the limit: a page that a busy machine held up notices late what it made."""
    return sum(value > limit for value in values) <= len(values) // 10


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """``server.py verify FOLDER``, as a stranger runs it."""
    command = [sys.executable, "server.py", "verify", str(folder), "--lang", "en"]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
