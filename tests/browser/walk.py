"""A sitting of any kind under way with all its roles: everybody's part in going from one stage to the next, and after each step who
received what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rooms.procedure import PROCEDURES, Procedure, Rights
from tests.browser.arrivals import FILES, AtPage, AtRecorder, AtRobot
from tests.browser.casts import Cast, acts_before, agreed_before
from tests.browser.court import Held
from tests.browser.hearing import Seat, eventually
from tests.robot import Robot

BUSY_S = 180.0
"""A limit that only ends a test on a machine that is busy with something else."""
SETTLED, SILENT = 15, 40
"""So many packets more of each robot until what was on its way has arrived, and while nothing must."""
FLOWS = 5
"""So many packets more show that a track goes on."""
RECORDER = "录制"
Track = tuple[str, str, str]
"""Who receives, whose, "camera" or "microphone"."""


@dataclass
class Walk:
    """`robots`: the chair first; they send on, whatever they are told. `observer`: an officer of the command centre. `counting`: who
    receives, by name. `apart`: those who talk among themselves. `arrived_in`: tracks that were seen to arrive in each stage."""

    kind: str
    cast: Cast
    held: Held
    robots: list[Robot]
    observer: Robot
    seats: list[Seat]
    counting: dict[str, AtPage | AtRobot | AtRecorder]
    recorder: AtRecorder
    stage: str
    apart: frozenset[str] = frozenset()
    endpoints: dict[str, str] = field(default_factory=dict)
    arrived_in: dict[str, set[Track]] = field(default_factory=dict)

    @property
    def chair(self) -> Robot:
        return self.robots[0]

    @property
    def procedure(self) -> Procedure:
        return PROCEDURES[self.kind]

    def robot(self, name: str) -> Robot:
        return next(robot for robot in self.robots if robot.name == name)

    def role(self, name: str) -> str:
        return str(next(p["role"] for p in self.chair.view["participants"] if p["name"] == name))

    def inside(self) -> Iterator[str]:
        """Everybody who is inside, as the chair is told."""
        for person in self.chair.view["participants"]:
            if person["presence"] == "present":
                self.endpoints[person["name"]] = person["endpoint"]
                yield person["name"]

    async def views(self) -> dict[str, dict[str, Any]]:
        """What each is let see now."""
        return {robot.name: robot.view for robot in self.robots} | {seat.name: await seat.view() for seat in self.seats}

    async def told(self, condition: Callable[[str, dict[str, Any]], bool]) -> None:
        """Wait until the view of each who is inside satisfies `condition`, which is given his name too."""
        people = set(self.inside())

        async def all_told() -> bool:
            return all(condition(name, view) for name, view in (await self.views()).items() if name in people)

        await eventually(all_told, "everybody is told", BUSY_S)

    # -- rights, by the data of the procedure and by what is between the people of this sitting

    def rights(self, name: str) -> Rights:
        return self.procedure.rights_of(self.role(name), self.stage, name == self.chair.name)

    def sources(self, name: str) -> set[str]:
        """What somebody who is inside may send, but for a screen."""
        if name in self.apart:
            return {"camera", "microphone"}
        return {str(source) for source in self.rights(name).sources} & {"camera", "microphone"}

    def has_a_right(self, track: Track) -> bool:
        """Whether the receiver may get this track."""
        viewer, sender, source = track
        people, now = set(self.inside()), self.procedure.stages[self.stage]
        if viewer == RECORDER and source == FILES:
            return now.recorded
        if viewer == sender or sender not in people or source not in self.sources(sender):
            return False
        if viewer == RECORDER:
            return now.recorded and sender not in self.apart
        if viewer == self.observer.name:
            return now.observable and not now.private and not self.apart
        if viewer not in people or {viewer, sender} == set(self.cast.screened or ()):
            return False
        if (viewer in self.apart) != (sender in self.apart):
            return False
        return viewer in self.apart or self.rights(viewer).see

    # -- counting

    async def counts(self) -> dict[Track, int]:
        """Packets of every track that has arrived anywhere."""
        list(self.inside())
        whose = {endpoint: name for name, endpoint in self.endpoints.items()}
        found = await asyncio.gather(*(each.packets() for each in self.counting.values()))
        return {
            (viewer, whose.get(endpoint, endpoint), source): packets
            for viewer, one in zip(self.counting, found, strict=True)
            for (endpoint, source), packets in one.items()
        }

    async def sent(self, packets: int) -> None:
        """Wait until each robot that is inside has sent so many more."""
        people = set(self.inside())
        sending = [robot.publishing for robot in self.robots if robot.publishing and robot.name in people]
        first = [each.camera.sent + each.microphone.sent for each in sending]

        async def more() -> bool:
            await asyncio.sleep(0.1)
            return all(each.camera.sent + each.microphone.sent >= so_far + packets for each, so_far in zip(sending, first, strict=True))

        await eventually(more, "the robots send on", BUSY_S)

    async def due(self) -> set[Track]:
        """Everything that has to arrive now: what is sent, wherever there is a right to it."""
        people = set(self.inside())
        sending = [robot.name for robot in self.robots if robot.publishing and robot.name in people]
        sent = {(name, source) for name in sending for source in self.sources(name)}
        for seat in self.seats:
            own = (await seat.figures())["media"]["own"]
            sent |= {(seat.name, source) for source in self.sources(seat.name) if own[source] == "on"}
        return {(v, s, source) for v in self.counting for s, source in sent if self.has_a_right((v, s, source))}

    async def arrive(self, tracks: set[Track], what: str) -> None:
        """Wait until there is more of each of these."""
        before = await self.counts()
        missing: set[Track] = tracks

        async def all_more() -> bool:
            nonlocal missing
            await asyncio.sleep(0.2)
            now = await self.counts()
            missing = {track for track in tracks if now.get(track, 0) < before.get(track, 0) + FLOWS}
            return not missing

        try:
            await eventually(all_more, what, BUSY_S)
        except AssertionError as error:
            raise AssertionError(f"{error}: {sorted(missing)}") from None

    async def grown(self) -> set[Track]:
        """The tracks of which more arrives while each robot sends :data:`SILENT` packets."""
        await self.sent(SETTLED)
        if self.procedure.stages[self.stage].recorded:
            first = self.recorder.beats

            async def counted_anew() -> bool:
                return self.recorder.beats >= first + 2

            await eventually(counted_anew, "the recorder counts", BUSY_S)
        before = await self.counts()
        await self.sent(SILENT)
        return {track for track, packets in (await self.counts()).items() if packets > before.get(track, 0)}

    async def counted(self) -> None:
        """Each gets more of every track that is sent and to which he has a right, and of no other a single packet."""
        due = await self.due()
        await self.arrive(due, f"{self.stage}: everybody gets what he has a right to")
        leaked = sorted(track for track in await self.grown() if not self.has_a_right(track))
        assert leaked == [], f"{self.stage}: {leaked}"
        self.arrived_in.setdefault(self.stage, set()).update(due)

    # -- going on

    async def prepare(self, to: str) -> None:
        """Whatever the next stage needs is done by those whom it concerns."""
        for act in acts_before(self.kind, to, self.chair.view["participants"]):
            await self.chair.send(**act)
        for robot in self.robots:
            for act in agreed_before(self.kind, to, [p for p in robot.view["participants"] if p["you"]]):
                await robot.send(**act)
        for seat in self.seats:
            page, mine = seat.person.page, [p for p in (await seat.view())["participants"] if p["you"]]
            if any(act["type"] == "consent" for act in agreed_before(self.kind, to, mine)):
                await page.click('[data-act="agree-all"], [data-act="agree"]')

    def next_stage(self, to: str) -> dict[str, Any]:
        """What the chair is told of a stage that may follow; nothing where it may not."""
        return next((n for n in self.chair.view["sitting"]["next_stages"] if n["to"] == to), {})

    async def go(self, to: str) -> None:
        """The chair goes on as soon as nothing is missing any more; whoever is called only now comes in."""
        await self.chair.until(lambda _: self.next_stage(to).get("blocked") is False, f"may go to {to}", BUSY_S)
        reasons = self.next_stage(to)["reasons"]
        await self.chair.send(type="stage", to=to, reason=reasons[0] if reasons else "")
        if to == self.procedure.last:
            return
        self.stage = to
        await self.chair.until(lambda view: view["sitting"]["stage"] == to, f"is in {to}", BUSY_S)
        await self.told(lambda _, view: view["sitting"]["stage"] == to)
        recorded = "recording" if self.procedure.stages[to].recorded else "off"
        await self.chair.until(lambda view: view["recording"]["state"] == recorded, f"sees in {to} that it is {recorded}", BUSY_S)
        await self.call_in()
        await self.all_on()

    async def call_in(self) -> None:
        """Those who were kept apart have waited alone, seen nobody and received nothing; now their stage has come."""
        waiting = [p for p in self.chair.view["participants"] if p["presence"] == "waiting"]
        for name in [p["name"] for p in waiting]:
            alone = self.robot(name)
            assert [p["name"] for p in alone.view["participants"]] == [name], f"{name} waits alone"
        called = [p["name"] for p in waiting if p["role"] in self.procedure.rights[self.stage]]
        if not called:
            return
        await self.chair.send(type="admit", participants=[p["id"] for p in waiting if p["name"] in called])
        for name in called:
            await self.takes_part(self.robot(name))
        await self.chair.until(lambda _: set(called) <= set(self.inside()), "those who are called are inside", BUSY_S)
        identifying = next((name for name, stage in self.procedure.stages.items() if "identity" in stage.needs), self.stage)
        for act in acts_before(self.kind, identifying, self.chair.view["participants"]):
            if act["type"] == "identify" and act["participant"] in {self.held.participants[name] for name in called}:
                await self.chair.send(**act)

    async def takes_part(self, robot: Robot) -> None:
        """Sends and receives, or only receives where his role has nothing to send in any stage."""
        role = self.role(robot.name)
        if any(self.procedure.rights_of(role, stage).sources for stage in self.procedure.stages):
            await robot.take_part("VP8", 40 + 15 * self.robots.index(robot))
        else:
            await robot.until(lambda view: view["place"] == "inside", "is inside", BUSY_S)
            await robot.watch()

    async def all_on(self) -> None:
        """Everybody who may switches on what a pause or a private phase has closed: robots by word, the others by their buttons."""
        people = set(self.inside())
        for robot in self.robots:
            if robot.name in people and robot.publishing:
                for source in self.sources(robot.name):
                    await switch_on(robot, source)
        for seat in self.seats:
            for source in self.sources(seat.name):
                await press_on(seat, source)


def own(view: dict[str, Any]) -> dict[str, Any]:
    """Oneself."""
    return next(p for p in view["participants"] if p["you"])


async def switch_on(robot: Robot, source: str) -> None:
    """As soon as it may."""
    await robot.until(lambda view: own(view)["sources"][source]["allowed"], f"may switch on its {source}", BUSY_S)
    if not own(robot.view)["sources"][source]["on"]:
        await robot.send(type="source", source=source, on=True)
    await robot.until(lambda view: own(view)["sources"][source]["on"], f"has its {source} on", BUSY_S)


async def press_on(seat: Seat, source: str) -> None:
    """By its button, which says at once what it is; the page's figures come once a second. Not while it counts down to opening itself."""
    await seat.person.page.locator('[data-part="entrance"]').wait_for(state="hidden", timeout=BUSY_S * 1000)
    button = f'[data-part="tool-{source}"]'
    settled = seat.person.page.locator(f'{button}:is([data-condition="off"], [data-condition="on"])')
    await settled.wait_for(timeout=BUSY_S * 1000)
    if await settled.get_attribute("data-condition") == "off":
        await settled.click()
    await seat.person.page.locator(f'{button}[data-condition="on"]').wait_for(timeout=BUSY_S * 1000)
    await seat.until(lambda f: f["media"]["own"][source] == "on", f"has his {source} on", BUSY_S)
