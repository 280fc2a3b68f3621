"""One recorded hearing whose parts are killed (SIGKILL) at moments that chance chooses, and what is found of it afterwards.

Four people send a picture and a sound that are known (:mod:`tests.known_media`) and receive each other. What was lost is told by what
they sent and what can be decoded of the files, not by the recording's own clock or lists; these are then held against it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rooms.recording.running import ffmpeg_program
from tests.browser.court import Court, Held
from tests.browser.hearing import eventually
from tests.browser.site import SHORT_COURT, TOP, Site
from tests.known_media import FPS, SOUND_MS, Unit, now_us
from tests.survivor import Survivor

KILLS = {"server": ("web",), "recorder": ("recorder",), "worker": ("engine",), "all": ("web", "recorder", "engine")}
OUTAGE_BOUNDS_S = {"server": 0.0, "recorder": 2.0, "worker": 5.0, "all": 10.0}
LOST_BOUND_S = 1.0
LEDGER_BOUND_S = 0.1
PARTIES = ("李明", "王芳", "赵强")
SOURCES = {"camera": 1 / FPS, "microphone": SOUND_MS / 1000}
"""Sources, and seconds from one unit to the next."""
BACK_LIMIT_S = 60.0
"""Only ends a course that would hang."""
QUIET_S = (1.5, 5.0)
"""So long all is well before a kill; chance chooses."""
MORE = {"camera": 5, "microphone": 12}
USUAL_S = 1.5
Track = tuple[str, str]


@dataclass
class Kill:
    """A kill: when, and when everybody had everything again (µs since the epoch).

    `outage_s`: where anybody missed a packet or had to connect anew, the longest time that anybody was without somebody's picture or
    sound (`pause_s`); where the recorder went, at least until its next heartbeat was on the disk. A machine that is busy delays, and
    `pause_s` says by how much (`usual_s`: in the :data:`USUAL_S` before); that alone is no outage.
    `lost_s`: what had been sent before the kill and can be read nowhere, of the track that lost most.
    """

    what: str
    at_us: int
    back_us: int = 0
    pause_s: float = 0.0
    usual_s: float = 0.0
    beat_s: float = 0.0
    lost_s: float = 0.0
    interrupted: bool = False

    @property
    def outage_s(self) -> float:
        """See the class."""
        return max(self.beat_s, self.pause_s if self.interrupted else 0.0)

    def to_json(self) -> dict[str, Any]:
        """A line of what is printed."""
        figures = {name: round(getattr(self, name), 3) for name in ("outage_s", "lost_s", "pause_s", "usual_s", "beat_s")}
        return {"kill": self.what, **figures, "back_s": round((self.back_us - self.at_us) / 1e6, 2)}


@dataclass
class Verdict:
    """What was found in the sealed folder. `faults`: what must not be, in words."""

    kills: list[Kill]
    files: int = 0
    gaps: int = 0
    ledger_error_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def when(self) -> list[tuple[str, int, int]]:
        """What was killed, from when to when."""
        return [(kill.what, kill.at_us, kill.back_us) for kill in self.kills]


class Course:
    """Make it, :meth:`begin`, :meth:`kill` as often as wanted, :meth:`seal`, :meth:`judge`; :meth:`close` in any case."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.site = Site(folder, settings={"SPARES": "true"}, adopts=SHORT_COURT)
        self.chance = random.Random(seed)
        self.people: list[Survivor] = []
        self.kills: list[Kill] = []
        self._court: Court | None = None
        self._held: Held | None = None

    @property
    def folder(self) -> Path:
        """The recording's folder."""
        assert self._held is not None
        return self.site.data / "recordings" / self._held.id

    async def begin(self) -> None:
        """Everybody is in session, sees and hears everybody else, and is recorded."""
        await asyncio.to_thread(self.site.start)
        court = self._court = await Court.open(self.site)
        held = self._held = await court.sitting(tuple((name, "party") for name in PARTIES))
        chair = Survivor(self.site, held, held.chair.user.name)
        self.people.append(chair)
        await chair.sign_in(held.chair)
        for name in PARTIES:
            party = Survivor(self.site, held, name)
            self.people.append(party)
            await party.come_by_link()
        await chair.admit_everybody(len(PARTIES))
        for person in self.people:
            await person.perform()
        await self._all_flow()
        await chair.open_hearing()
        for person in self.people:
            await person.until(lambda view: view["recording"]["state"] == "recording", "is recorded")
        await self._all_flow()

    def _flows(self) -> Iterator[tuple[Survivor, Track]]:
        chair = self.people[0]
        for person in self.people:
            for other in self.people:
                if other is not person:
                    yield from ((person, (chair.endpoint(other.name), source)) for source in SOURCES)

    async def _all_flow(self) -> None:
        """Everybody has so much more of everybody's picture and sound than now."""
        wanted = [(person, track, len(person.decoded.get(track, ())) + MORE[track[1]]) for person, track in self._flows()]

        async def has_come() -> bool:
            return all(len(person.decoded.get(track, ())) >= count for person, track, count in wanted)

        try:
            await eventually(has_come, "everybody sees and hears everybody", BACK_LIMIT_S)
        except AssertionError as error:
            lacks = [(p.name, track, len(p.decoded.get(track, ())), count) for p, track, count in wanted]
            raise AssertionError(f"{error}: {[each for each in lacks if each[2] < each[3]]}\n{self.site.log()}") from None

    async def kill(self, what: str) -> Kill:
        """Wait a while that chance chooses, kill, and wait until everybody is back, recorded, and seen and heard."""
        await eventually(self._spares_wait, "every part has its spare again", BACK_LIMIT_S)
        await asyncio.sleep(self.chance.uniform(*QUIET_S))
        parts = KILLS[what]
        pids = {name: self.site.pid(name) for name in parts}
        returns = [person.returns for person in self.people]
        unhurt = self._hurt()
        kill = Kill(what, now_us())
        killed_s = time.monotonic()
        self.site.kill(*parts)
        self.kills.append(kill)

        async def everybody_is_back() -> bool:
            if "web" in parts and any(person.returns == before for person, before in zip(self.people, returns, strict=True)):
                return False
            views = [person.view for person in self.people]
            return self.site.restarted(pids) and all(view["recording"]["state"] == "recording" and view["media"] == "up" for view in views)

        await eventually(everybody_is_back, f"everybody is back after {what}", BACK_LIMIT_S)
        await self._beaten_since(kill.at_us)
        await self._all_flow()
        kill.back_us, kill.interrupted = now_us(), self._hurt() != unhurt
        for person, track in self._flows():
            before, after = _pauses(person.decoded[track], killed_s)
            kill.pause_s, kill.usual_s = max(kill.pause_s, after), max(kill.usual_s, before)
        if "recorder" in parts:
            kill.beat_s = (next(row["at_us"] for row in self._rows("heartbeat.jsonl") if row["at_us"] > kill.at_us) - kill.at_us) / 1e6
        return kill

    def _hurt(self) -> list[tuple[int, int]]:
        """Of each how often it connected anew, and how often something did not arrive on the connection that it has."""
        return [(person.builds, sum(one.lost for one in person.watched[-1].received.values())) for person in self.people]

    async def _spares_wait(self) -> bool:
        return all(self.site.spare_waits(name) for name in KILLS["all"])

    async def _beaten_since(self, at_us: int) -> None:
        async def beaten() -> bool:
            return int(self._rows("heartbeat.jsonl")[-1]["at_us"]) > at_us

        await eventually(beaten, "the recorder's heartbeat is on the disk again", BACK_LIMIT_S)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        content = (self.folder / name).read_bytes()
        return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

    async def seal(self) -> None:
        """The chair closes the hearing; wait for its manifest."""
        await asyncio.sleep(1.0)
        await self.people[0].send(type="stage", to="closed", reason="")

        async def sealed() -> bool:
            return (self.folder / "manifest.json").exists()

        await eventually(sealed, "the recording is sealed", BACK_LIMIT_S)

    def judge(self) -> Verdict:
        """Read everything that was left. Takes about a second for each minute of the hearing."""
        verdict = Verdict(self.kills)
        command = [sys.executable, "server.py", "verify", "--json", str(self.folder)]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        if done.returncode:
            verdict.faults.append(f"verify ends with {done.returncode}: {done.stdout}{done.stderr}")
        manifest = json.loads((self.folder / "manifest.json").read_bytes())
        ledger = [row for row in manifest["ledger"] if row["kind"] == "gap"]
        verdict.gaps = len(ledger)
        told: set[int] = set()
        for person in self.people:
            endpoint = self.people[0].endpoint(person.name)
            for source, period_s in SOURCES.items():
                found: set[int] = set()
                for row in manifest["segments"]:
                    if (row["endpoint"], row["source"]) == (endpoint, source):
                        found |= self._played(person, row, verdict)
                units = person.scene.units(source)
                self._lost(units, found, period_s)
                gaps = [(n, row) for n, row in enumerate(ledger) if (row["endpoint"], row["source"]) == (endpoint, source)]
                true = list(_gaps(units, found, period_s, self.kills))
                told |= set(_held_against(true, gaps, period_s, f"{person.name} {source}", verdict))
        verdict.faults += [f"the ledger names a gap that is none: {ledger[n]}" for n in range(len(ledger)) if n not in told]
        return verdict

    def _played(self, person: Survivor, row: dict[str, Any], verdict: Verdict) -> set[int]:
        path = self.folder / row["file"]
        verdict.files += 1
        plays = [ffmpeg_program(), "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
        if row["frames"] and (said := subprocess.run(plays, capture_output=True, text=True, check=False)).returncode:
            verdict.faults.append(f"{row['file']} does not play: {said.stderr}")
        try:
            found = person.scene.found_in(path, row["source"])
        except (OSError, EOFError, KeyError, ValueError) as error:
            if row["frames"]:
                verdict.faults.append(f"{row['file']}: {error!r}")
            return set()
        if found != sorted(found) or len(found) != row["frames"]:
            verdict.faults.append(f"{row['file']}: {len(found)} of {row['frames']} frames, in order: {found == sorted(found)}")
        return set(found)

    def _lost(self, units: dict[int, Unit], found: set[int], period_s: float) -> None:
        former_us = min((units[number].sent_us for number in found), default=0)
        for kill in self.kills:
            lost = [unit for unit in units.values() if former_us < unit.sent_us < kill.at_us and unit.number not in found]
            kill.lost_s = max(kill.lost_s, len(lost) * period_s)
            former_us = kill.back_us

    async def close(self) -> None:
        """End everybody and everything."""
        await asyncio.gather(*(person.close() for person in self.people), return_exceptions=True)
        if self._court is not None:
            await self._court.close()
        await asyncio.to_thread(self.site.stop)


def _pauses(decoded_s: list[float], killed_s: float) -> tuple[float, float]:
    """The longest time without anything in the :data:`USUAL_S` before the kill, and from the kill on."""
    before = [at for at in decoded_s if killed_s - USUAL_S <= at < killed_s]
    after = [*before[-1:], *(at for at in decoded_s if at >= killed_s)]
    return tuple(max((b - a for a, b in itertools.pairwise(each)), default=0.0) for each in (before, after))  # type: ignore[return-value]


def _gaps(units: dict[int, Unit], found: set[int], period_s: float, kills: list[Kill]) -> Iterator[tuple[int, int]]:
    """Where something is truly missing of a track, from when to when, µs since the epoch. Somebody whose machine was busy has made nothing
    for a moment; that is none. Where the worker went, who had no connection could send nothing: that is one. What was sent before the
    first that is there is missing from 0 on."""
    there, cut_us = [units[number] for number in sorted(found)], [kill.at_us for kill in kills if "engine" in KILLS[kill.what]]
    yield 0, there[0].made_us
    for before, after in itertools.pairwise(there):
        if after.number != before.number + 1 or any(before.made_us < at_us < after.made_us for at_us in cut_us):
            # The end of a picture is where the next one begins; the ledger has it where it begins itself.
            yield before.made_us + (round(period_s * 1e6) if period_s < LEDGER_BOUND_S else 0), after.made_us


def _held_against(
    true: list[tuple[int, int]], ledger: list[tuple[int, dict[str, Any]]], period_s: float, whose: str, verdict: Verdict
) -> Iterator[int]:
    """The numbers of the rows of the ledger that tell of a gap; faults for gaps of more than 100 ms of which none tells within 100 ms."""
    for from_us, to_us in true:
        errors = {
            number: max(abs(row["from_us"] - from_us) if from_us else 0, abs(row["to_us"] - to_us)) / 1e6
            for number, row in ledger
            if abs(row["to_us"] - to_us) / 1e6 < BACK_LIMIT_S
        }
        best = min(errors, key=errors.__getitem__, default=-1)
        if best >= 0 and errors[best] <= LEDGER_BOUND_S:
            verdict.ledger_error_s = max(verdict.ledger_error_s, errors[best])
            yield best
        elif from_us and (to_us - from_us) / 1e6 > LEDGER_BOUND_S + period_s:
            near = sorted((row for _, row in ledger), key=lambda row: abs(row["to_us"] - to_us))[:1]
            verdict.faults.append(f"{whose}: no row of the ledger tells of {from_us} to {to_us}; the next is {near}; {verdict.when()}")


def in_turns(count: int, chance: random.Random) -> list[str]:
    """What is to be killed, each as often as the others, in an order that chance chooses."""
    kinds = [*KILLS] * -(-count // len(KILLS))
    chance.shuffle(kinds)
    return kinds[:count]


def told(kills: list[Kill]) -> Iterator[str]:
    """Both distributions, a line for each kind of kill."""
    for what in KILLS:
        of_kind = [kill for kill in kills if kill.what == what]
        if of_kind:
            lost = " ".join(f"{value:.2f}" for value in sorted(kill.lost_s for kill in of_kind))
            outage = " ".join(f"{value:.2f}" for value in sorted(kill.outage_s for kill in of_kind))
            yield f"{what}: {len(of_kind)} kills; crash_lost_s {lost}; outage_s {outage}"
