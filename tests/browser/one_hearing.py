"""One whole hearing, held once by four people at real browsers, and everything that was noticed of it on the way.

The chair signs in; two parties come by their links, through notice, consent and device check; an officer watches from
the command centre. The hearing opens, a party is muted and sends on, a minute passes, there is a recess, it is closed
and sealed. Nothing is judged here: that is done by the tests that read :class:`Hearing`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.court import Court, Held
from tests.browser.hearing import Seat, eventually, switch_on, take_the_chair
from tests.browser.material import FRAMES_PER_S, PERIOD_S, Material, make
from tests.browser.participants import DESK, Person, Seen, arrive
from tests.browser.recorded import Folder
from tests.browser.site import Site

MUTED, OTHER = "李明", "王芳"
OFFICER = "梁雨"
MINUTE_S = 60.0
MARKS = 8
"""So many flashes and beeps, one of each a period, are looked at together."""
IN_STEP_MS = 80.0
KEPT_UP_FRAMES = FRAMES_PER_S * 3 // 4
PATIENCE_S = 30.0
"""So much longer than needed it is waited for a stretch in which the machine is not busy with something else."""
BUSY_PATIENCE_S = 150.0
"""So much longer for one that can be measured at all, on a machine that is busy all the time."""
SMALL = {"width": 800, "height": 600}
"""Of all pages but the chair's: what is drawn without a graphics card costs more than what is decoded."""
PACKETS = 150
"""Three seconds of sound."""


@dataclass
class Muting:
    """Counters of a muted microphone that sends on: `first` once it has been so for a while, `last` after many more packets."""

    from_s: float = 0.0
    to_s: float = 0.0
    sent: tuple[int, int] = (0, 0)
    received: dict[str, tuple[int, int]] = field(default_factory=dict)
    recorded: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    received_later: dict[str, int] = field(default_factory=dict)
    recorded_later: int = 0
    noticed: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """What was noticed from `from_s` to `to_s`: `made` by each person's own devices, `seen` and heard by (viewer, person)."""

    from_s: float
    to_s: float
    made: dict[str, Seen]
    seen: dict[tuple[str, str], Seen]


@dataclass(frozen=True, slots=True)
class Step:
    """How much later than the beep the flash arrived in a stretch of :data:`MARKS` periods (ms, negative: earlier), each being
    measured from where it was made. `kept_up`: the machine found time to show nearly all frames meanwhile."""

    late_ms: float
    kept_up: bool

    @property
    def is_in(self) -> bool:
        """In step. A machine that is busy with something else delays one or the other."""
        return abs(self.late_ms) <= IN_STEP_MS * (1 if self.kept_up else 3)


def steps(made: Seen, seen: Seen, since_s: float) -> list[Step]:
    """One for each stretch from `since_s` on, the difference of the medians in it."""
    found = []
    stretch_s = MARKS * PERIOD_S
    from_s, until_s = since_s, max([0.0, *seen.beeps]) / 1000
    while from_s + stretch_s <= until_s + PERIOD_S:
        flashes, beeps = _delays(made.flashes, seen.flashes, from_s, stretch_s), _delays(made.beeps, seen.beeps, from_s, stretch_s)
        if min(len(flashes), len(beeps)) > MARKS // 2:
            seconds = range(int(from_s) + 1, int(from_s + stretch_s))
            kept_up = all(min(made.shown.get(s, 0), seen.shown.get(s, 0)) >= KEPT_UP_FRAMES for s in seconds)
            found.append(Step(statistics.median(flashes) - statistics.median(beeps), kept_up))
        from_s += PERIOD_S
    return found


def _delays(made: list[float], seen: list[float], from_s: float, for_s: float) -> list[float]:
    """How long each mark that was seen in this time took from where it was made, ms; of those whose making was noticed."""
    here = [at for at in seen if from_s <= at / 1000 < from_s + for_s]
    return [at - max(before) for at in here if (before := [m for m in made if at - 1500 < m < at + 100])]


@dataclass
class Hearing:
    """What is known of the hearing. Times are the wall clock in s; people go by their names.

    `sounded`: :meth:`Person.sounded` of each speaker.
    `phases`: the one that reaches beyond the first minute (`minute_s`) of the hearing, and the one after the recess.
    """

    folder: Folder
    material: dict[str, Material]
    endpoints: dict[str, str]
    watchers: list[str] = field(default_factory=list)
    officer_sent: int = 0
    decoded: dict[tuple[str, str], int] = field(default_factory=dict)
    muting: Muting = field(default_factory=Muting)
    phases: list[Phase] = field(default_factory=list)
    minute_s: float = 0.0
    errors: dict[str, list[str]] = field(default_factory=dict)
    sounded: dict[str, list[tuple[float, str, float]]] = field(default_factory=dict)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who is seen and heard: the chair and the parties."""
        return tuple(self.endpoints)


@dataclass
class _Course:
    """The hearing while it goes on. `seats`: chair and parties by name."""

    hearing: Hearing
    seats: dict[str, Seat]
    chair: Seat
    officer: Person

    # -- looking ----------------------------------------------------------------------------------------------------

    @property
    def viewers(self) -> dict[str, Person]:
        return {name: seat.person for name, seat in self.seats.items()} | {OFFICER: self.officer}

    def pairs(self) -> list[tuple[str, str]]:
        """Who is to see whom."""
        return [(viewer, name) for viewer in self.viewers for name in self.hearing.speakers if viewer != name]

    def picture(self, viewer: str, name: str) -> str:
        """Selector of the picture of `name` at `viewer`."""
        if viewer == OFFICER:
            return f'.watch-tile[data-endpoint="{self.hearing.endpoints[name]}"] video'
        return f'hearing-tile[aria-label*="{name}"] video'

    async def arrived(self, viewer: str, name: str, kind: str, counter: str) -> int:
        """A counter of what arrives of `name` at `viewer`; 0 while nothing has."""
        inbound = await self.viewers[viewer].inbound(self.picture(viewer, name))
        return inbound.get(kind, {}).get(counter, 0)

    async def speak(self, seconds: float, *, until_in_step: bool = False) -> None:
        """Everybody is seen and heard for so long, and every picture and every own device is probed; for longer, if need be, until flash
        and beep are in step."""
        number = len(self.hearing.phases)
        for name, seat in self.seats.items():
            await seat.person.probe("captured", f"own {number}", self.hearing.material[name].pitch_hz)
        for viewer, name in self.pairs():
            await self.viewers[viewer].probe(self.picture(viewer, name), f"{name} {number}", self.hearing.material[name].pitch_hz)
        from_s = time.time()
        await asyncio.sleep(seconds)
        needed_s = time.time()
        phase = await self._noticed(number, from_s)
        while until_in_step and not self._in_step(phase, kept_up=time.time() < needed_s + PATIENCE_S):
            if time.time() > needed_s + BUSY_PATIENCE_S:
                break
            await asyncio.sleep(PERIOD_S)
            phase = await self._noticed(number, from_s)
        self.hearing.phases.append(phase)
        for person in self.viewers.values():
            await person.stop_probes()

    async def _noticed(self, number: int, from_s: float) -> Phase:
        made = {name: await seat.person.seen(f"own {number}") for name, seat in self.seats.items()}
        seen = {(viewer, name): await self.viewers[viewer].seen(f"{name} {number}") for viewer, name in self.pairs()}
        return Phase(from_s, time.time(), made, seen)

    def _in_step(self, phase: Phase, *, kept_up: bool) -> bool:
        """Whether all were in step for a stretch; with `kept_up` for one in which the machine kept up."""
        since_s = self.hearing.minute_s
        found = (steps(phase.made[name], phase.seen[viewer, name], since_s) for viewer, name in self.pairs())
        return all(any(step.is_in and (step.kept_up or not kept_up) for step in some) for some in found)

    async def everybody_sees_everybody(self) -> None:
        """Wait until each has decoded twenty more frames of each other."""
        first = await self._decoded()

        async def all_more() -> bool:
            now = await self._decoded()
            self.hearing.decoded = {pair: now[pair] - first[pair] for pair in self.pairs()}
            return min(self.hearing.decoded.values()) >= 20

        await eventually(all_more, "everybody sees everybody", 40)

    async def _decoded(self) -> dict[tuple[str, str], int]:
        return {(viewer, name): await self.arrived(viewer, name, "video", "framesDecoded") for viewer, name in self.pairs()}

    # -- the course of events ---------------------------------------------------------------------------------------

    async def watch(self, site: Site, sitting: str) -> None:
        """The officer watches silently."""
        page = self.officer.page
        await page.goto(f"{site.url}/console/sittings/{sitting}")
        await page.click("[data-watch]:not([disabled])")
        await page.click("[data-watch-yes]")
        await self.chair.until(lambda f: f["view"]["watchers"] == [OFFICER], "the chair sees who watches")
        self.hearing.watchers = (await self.chair.view())["watchers"]

    async def mute(self) -> None:
        """The chair mutes a party, whose modified browser sends on."""
        party, muting = self.seats[MUTED], self.hearing.muting
        await self.chair.close_microphone_of(MUTED)
        await party.until(lambda f: f["media"]["own"]["microphone"] == "muted", "knows that he is muted")
        muting.from_s = time.time()
        await party.person.send_anyway("audio")
        await self._sends_on(party)  # what was on its way when he was muted has arrived and is written
        before = await self._counters()
        sent = await party.person.packets_sent("audio")
        await self._sends_on(party)
        after = await self._counters()
        muting.sent = sent, await party.person.packets_sent("audio")
        muting.received = {viewer: (before[0][viewer], after[0][viewer]) for viewer in before[0]}
        muting.recorded = before[1], after[1]
        await self.chair.until(lambda f: any(a["code"] == "disobedient_client" for a in f["view"]["alerts"]), "is told of it")
        muting.noticed = True
        muting.to_s = time.time()

        await party.person.send_as_told("audio")
        await self.chair.allow_microphone_of(MUTED)
        await party.until(lambda f: f["media"]["own"]["microphone"] == "off", "may speak again")
        await party.person.page.click('[data-part="tool-microphone"]')

        async def arrives() -> bool:
            now, written = await self._counters()
            muting.received_later, muting.recorded_later = now, written[0]
            return all(now[viewer] > after[0][viewer] + 50 for viewer in now) and written[0] > after[1][0] + 50

        await eventually(arrives, "he is heard again")

    async def _sends_on(self, party: Seat) -> None:
        """Wait for three seconds of sent sound, and for a heartbeat of the recorder behind them."""
        person, folder = party.person, self.hearing.folder
        first = await person.packets_sent("audio")

        async def more() -> bool:
            return await person.packets_sent("audio") > first + PACKETS

        await eventually(more, "the muted party sends on", 60)
        now_s = time.time()

        async def beaten() -> bool:
            return folder.written(self.hearing.endpoints[MUTED], "microphone")[0] > now_s

        await eventually(beaten, "the recorder's heart beats")

    async def _counters(self) -> tuple[dict[str, int], tuple[int, int]]:
        """Packets of the muted party's sound: received by each viewer; taken and written by the recorder."""
        others = [viewer for viewer in self.viewers if viewer != MUTED]
        received = {viewer: await self.arrived(viewer, MUTED, "audio", "packetsReceived") for viewer in others}
        return received, self.hearing.folder.written(self.hearing.endpoints[MUTED], "microphone")[1:]

    async def open_sources(self) -> None:
        """After a recess each opens microphone and camera again."""
        for seat in self.seats.values():
            for part in ("tool-microphone", "tool-camera"):
                await seat.person.page.click(f'[data-part="{part}"]')
            await seat.until(lambda f: all(f["media"]["own"][source] == "on" for source in ("microphone", "camera")), "has opened both")


async def hold(site: Site, material: Path) -> Hearing:
    """Hold it; the recording is sealed when this returns."""
    court = await Court.open(site)
    try:
        held = await court.sitting(((MUTED, "party"), (OTHER, "party")))
        officer = await court.person("officer", OFFICER)
        async with _people(material) as (judge, first, second, fourth):
            chair, *parties = await asyncio.gather(
                take_the_chair(judge, site, held),
                by_the_link(first, held, MUTED),
                by_the_link(second, held, OTHER),
                fourth.sign_in(site.url, officer.sign_in_name, officer.password),
            )
            seats = {seat.name: seat for seat in (chair, *parties) if isinstance(seat, Seat)}
            assert isinstance(chair, Seat)
            return await _course(site, held, seats, chair, fourth, material)
    finally:
        await court.close()


@contextlib.asynccontextmanager
async def _people(material: Path) -> AsyncIterator[list[Person]]:
    async with async_playwright() as playwright:
        sizes = (DESK, SMALL, SMALL, SMALL)
        people = await asyncio.gather(*(arrive(playwright, material, number, viewport=size) for number, size in enumerate(sizes)))
        try:
            yield people
        finally:
            await asyncio.gather(*(person.close() for person in people))


async def by_the_link(person: Person, held: Held, name: str) -> Seat:
    """The whole way of a party: notice, consent, device check, waiting room."""
    page = person.page
    await page.goto(held.links[name])
    await page.check("input[name=agree]")
    await page.click("form[action$=consent] button")
    await page.wait_for_url(re.compile("/check$"))
    await page.click('[data-part="start"]')
    await page.get_by_role("button", name="听到了").click(timeout=60_000)
    await page.click('[data-part="next"]', timeout=60_000)
    await page.wait_for_selector('#hearing[data-screen="waiting"]')
    await switch_on(person)
    return Seat(person, name)


async def _course(site: Site, held: Held, seats: dict[str, Seat], chair: Seat, officer: Person, material: Path) -> Hearing:
    for name in (MUTED, OTHER):
        await chair.admit(name)
        await seats[name].until_inside()
        await seats[name].person.page.click('[data-part="entrance-now"]')
    endpoints = {name: (await chair.participant(name))["endpoint"] for name in seats}
    hearing = Hearing(
        Folder(site.data / "recordings" / held.id), {name: make(material, number) for number, name in enumerate(seats)}, endpoints
    )
    course = _Course(hearing, seats, chair, officer)

    await course.watch(site, held.id)
    await chair.change_stage("hearing")
    opened_s = time.time()
    await course.everybody_sees_everybody()
    await chair.until(lambda f: f["view"]["recording"]["state"] == "recording", "the recording goes on")
    await course.mute()
    hearing.minute_s = opened_s + MINUTE_S
    await course.speak(max(hearing.minute_s - time.time(), 0) + (MARKS + 1) * PERIOD_S, until_in_step=True)

    await chair.change_stage("recess")
    await chair.change_stage("hearing")
    await course.open_sources()
    await course.speak((MARKS // 2 + 1) * PERIOD_S)
    hearing.officer_sent = await officer.packets_sent("audio") + await officer.packets_sent("video")
    await chair.change_stage("closed")

    async def is_sealed() -> bool:
        return hearing.folder.sealed

    await eventually(is_sealed, "the recording is sealed", 60)
    hearing.sounded = {name: await seat.person.sounded() for name, seat in seats.items()}
    hearing.errors = {viewer: person.errors for viewer, person in course.viewers.items()}
    return hearing
