"""Hearings of six on a core: ``participants_per_core``, and what a second worker adds: ``worker_scaling``.

Everybody sends a microphone and a camera of 720 lines in the layers that somebody wants of him, and sees the five others as a page
shows them that has the speaker large and the rest small. Hearings are added until the worker's core is used up, packets get lost, or
the load generator can do no more; the figure is participants by the share of a core that they take, at the highest load that
arrived whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.growth import routing
from bench.load.isolation import enter
from bench.load.peers import AUDIO_TYPE, LoadPeer, use_address
from bench.load.simulcast import LAYERS, SPEECH_BYTES, Browser, LayerSender, SimulcastPeer, browser
from bench.load.targets import SOURCES, Embedded
from bench.load.traffic import AUDIO_RATE, Counted, Sender, drain, run
from bench.load.usage import cpu_seconds, keep_apart, machine
from bench.media import GCM, Figure
from rooms.media.client import EngineClient
from rooms.media.engine import EngineEvent, Source, TrackKey

PEOPLE = 6
#: Hearings, tried in this order.
STEPS = (4, 8, 12, 16, 20, 24)
#: Hearings that are carried by one worker and by two.
SCALED = 4
#: A path has carried more than at first for some seconds before a larger layer is sent over it.
WARM_S, WINDOW_S = 5.0, 4.0
TRIES = 2
#: Above it packets got lost, or the generator sent less than it was to.
MAX_LOSS = 0.01
#: A core that is used so much is used up.
USED_UP = 0.95
#: Device pixels of the large picture and of the small ones.
LARGE, SMALL = 720, 180
SETTLED_S = 0.2
NO_PEER: Figure = {"peer": None, "peer_value": None, "ratio": None}
Stream = Sender | LayerSender | Browser


@dataclass(slots=True)
class Person:
    """A participant's connections."""

    name: str
    sending: Browser
    receiving: Browser


@dataclass(slots=True)
class Hearing:
    """A hearing of :data:`PEOPLE` on one engine."""

    room: str
    people: list[Person] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    wanted: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def open(self, target: Embedded) -> Hearing:
        """Let everybody in; returns when they have said what they show."""
        client, names = target.client, [f"p{i}" for i in range(PEOPLE)]
        await client.apply(self.room, 1, routing(names))
        client.on_event(self._heard)
        sending = [await browser(SimulcastPeer(GCM), self._publishes(client, name), viewer=False) for name in names]
        receiving = [await browser(LoadPeer(GCM), self._subscribes(client, name), viewer=True) for name in names]
        self.people = [Person(*each) for each in zip(names, sending, receiving, strict=True)]
        for person in self.people:
            person.receiving.send()  # before it shows anything: what the path carries decides about layers
        await asyncio.sleep(SETTLED_S)
        for person in self.people:
            large = names[0] if person.name != names[0] else names[1]
            heights = {TrackKey(n, Source.CAMERA): LARGE if n == large else SMALL for n in names if n != person.name}
            await client.show(self.room, 1, person.name, heights)
        await asyncio.sleep(SETTLED_S)
        self.streams = self._send()
        return self

    def _publishes(self, client: EngineClient, name: str) -> Callable[[LoadPeer], Awaitable[LoadPeer]]:
        async def exchange(offer: str) -> str:
            return (await client.publish(self.room, 1, name, offer, SOURCES)).sdp

        return lambda peer: peer.publish(exchange)

    def _subscribes(self, client: EngineClient, name: str) -> Callable[[LoadPeer], Awaitable[LoadPeer]]:
        async def connect(peer: LoadPeer) -> LoadPeer:
            offer = await client.subscribe(self.room, 1, name)

            async def finish(answer: str) -> None:
                await client.answer(self.room, 1, name, offer.transport, offer.revision, answer)

            return await peer.subscribe(offer.sdp, finish)

        return connect

    def _heard(self, event: EngineEvent) -> None:
        if event.name == "demand" and event.router == self.room:
            self.wanted[event.endpoint] = tuple(event.fields["rids"])

    def _wants(self, name: str) -> tuple[str, ...]:
        return self.wanted.get(name, ())

    def _send(self) -> list[Stream]:
        """All that its browsers send; of the layers those that are wanted just then."""
        found: list[Stream] = []
        for person in self.people:
            way, ssrc = person.sending, person.sending.peer.audio_ssrc
            found += [person.sending, person.receiving]
            found.append(Sender(way.socket, way.address, way.session, ssrc, AUDIO_TYPE, SPEECH_BYTES, AUDIO_RATE, 960))
            for rid in LAYERS:
                found.append(LayerSender(way.socket, way.address, way.session, rid, partial(self._wants, person.name)))
        return found

    def check(self) -> None:
        """Renew the consent of all its connections while others are being made."""
        for person in self.people:
            person.sending.check()
            person.receiving.check()

    async def close(self) -> None:
        """End its browsers."""
        for person in self.people:
            for way in (person.sending, person.receiving):
                await way.peer.drop()
                way.socket.close()


@dataclass(frozen=True, slots=True)
class Step:
    """What a number of hearings took. `lost`: share of the packets that did not arrive; `late`: that the generator did not send."""

    hearings: int
    counted: Counted
    lost: float
    late: float

    @property
    def core(self) -> float:
        """Share of a core."""
        return self.counted.cpu_s / self.counted.wall_s

    @property
    def whole(self) -> bool:
        return max(self.lost, self.late) <= MAX_LOSS

    @property
    def participants(self) -> float:
        """Participants that a core carries at this cost."""
        return self.hearings * PEOPLE / self.core


async def measure(hearings: Sequence[Hearing], engines: Sequence[Embedded], warm_s: float = WARM_S, window_s: float = WINDOW_S) -> Step:
    """One window with all these hearings."""
    streams = [stream for hearing in hearings for stream in hearing.streams]
    media = [stream for stream in streams if not isinstance(stream, Browser)]
    receivers = [person.receiving.socket for hearing in hearings for person in hearing.people]
    received = 0

    def take(sock: socket.socket, buffer: bytearray, count: bool) -> int:
        nonlocal received
        packets = drain(sock, buffer, count)
        received += packets
        return packets

    for sock in receivers:
        drain(sock, bytearray(2048), False)  # what the window before left
    before = (*_sent(media), *await _forwarded(engines))
    counted = await asyncio.to_thread(run, streams, receivers, lambda: sum(cpu_seconds(e.pid) for e in engines), warm_s, window_s, take)
    after = (*_sent(media), *await _forwarded(engines))
    times, sent, came, went = (new - old for new, old in zip(after, before, strict=True))
    due = sum(stream.rate * (warm_s + window_s) for stream in media)
    return Step(len(hearings), counted, 1 - received / went + 1 - came / sent, 1 - times / due)


def _sent(media: Sequence[Sender | LayerSender]) -> tuple[int, int]:
    """How often these streams sent so far, and how many packets."""
    return sum(one.count if isinstance(one, Sender) else one.turns for one in media), sum(one.count for one in media)


async def _forwarded(engines: Sequence[Embedded]) -> tuple[int, int]:
    """Packets that came from publishers and went to viewers so far."""
    came = went = 0
    for engine in engines:
        for router in (await engine.client.report())["routers"].values():
            for endpoint in router["endpoints"].values():
                came += sum(each["packets"] for each in (endpoint["publish"] or {"producers": {}})["producers"].values())
                went += sum(each["packets"] for each in (endpoint["subscribe"] or {"consumers": {}})["consumers"].values())
    return came, went


async def carried(hearings: Sequence[Hearing], engines: Sequence[Embedded]) -> Step:
    """A window in which all arrived, or else the last that was tried: a moment in which something else took the cores says little."""
    for _ in range(TRIES):
        step = await measure(hearings, engines)
        told(len(engines), step)
        if step.whole:
            break
    return step


def told(workers: int, step: Step) -> None:
    """Progress."""
    counted = step.counted
    cost = f"{counted.us_per_packet:.1f} us a packet, {step.core:.2f} of a core, lost {step.lost:.4f}, late {step.late:.4f}"
    print(
        f"  {step.hearings} hearings, workers {workers}: {counted.received / counted.wall_s:.0f} packets/s, {cost}",
        file=sys.stderr,
        flush=True,
    )


def what(step: Step) -> str:
    """The load, for the conditions."""
    rate = step.counted.received / step.counted.wall_s
    return (
        f"{step.hearings} hearings of {PEOPLE} on one worker: each sends sound and the layers wanted of 720 lines and sees one large "
        f"and four small, {GCM}, frames at once, {rate:.0f} packets/s to viewers, {step.core:.2f} of a core"
    )


async def per_core(target: Embedded) -> tuple[Figure, list[Hearing], Step | None]:
    """``participants_per_core``; above is better. The hearings stay open, and with them the step of :data:`SCALED`."""
    hearings: list[Hearing] = []
    best = scaled = None
    why = "no more were tried"
    for count in STEPS:
        while len(hearings) < count:
            hearings.append(await Hearing(f"room{len(hearings)}").open(target))
            for hearing in hearings:
                hearing.check()
        step = await carried(hearings, [target])
        scaled = step if count == SCALED else scaled
        if not step.whole:
            why = "the load generator could send no more" if step.late > MAX_LOSS else "packets got lost with more"
            break
        best = step
        if step.core > USED_UP:
            why = "the core is used up"
            break
    if best is None:
        raise RuntimeError("the engine did not carry the least load")
    line: Figure = {"figure": "participants_per_core", "value": round(best.participants), "unit": "participants"}
    conditions = f"{what(best)}, {why}; no peer: the load for Janus would need its own choice of layers; {machine()}"
    return {**line, **NO_PEER, "conditions": conditions}, hearings, scaled


async def scaling(one: Step, targets: Sequence[Embedded], hearings: list[Hearing]) -> Figure:
    """``worker_scaling``: participants that two workers on a core each carry, by those of one."""
    halves = [hearings[: SCALED // 2], [await Hearing(f"other{i}").open(targets[1]) for i in range(SCALED // 2)]]
    hearings += halves[1]
    two = await carried([*halves[0], *halves[1]], targets)
    if not two.whole:
        raise RuntimeError("two workers did not carry what one did")
    line: Figure = {
        "figure": "worker_scaling",
        "value": round(2 * one.counted.us_per_packet / two.counted.us_per_packet, 2),
        "unit": "times",
    }
    where = "a core each" if (os.cpu_count() or 1) > len(targets) else "both on the one core that the load generator leaves"
    conditions = (
        f"2 x CPU time by packet over one worker ({one.counted.us_per_packet:.1f} us) / over two ({two.counted.us_per_packet:.1f} us, "
        f"{where}), {SCALED} hearings each time, not by throughput: the load generator takes a core; {what(one)}; {machine()}"
    )
    return {**line, **NO_PEER, "conditions": conditions}


async def main(address: str) -> None:
    """Both figures."""
    use_address(address)
    with tempfile.TemporaryDirectory() as name:
        targets = []
        for number in range(2):
            folder = Path(name) / str(number)
            folder.mkdir()
            targets.append(await Embedded(folder, address).start())
        hearings: list[Hearing] = []
        try:
            keep_apart((target.pid for target in targets), a_core_each=True)
            figure, hearings, scaled = await per_core(targets[0])
            print(json.dumps(figure), flush=True)
            if scaled is None or not scaled.whole:
                raise RuntimeError(f"one worker did not carry {SCALED} hearings")
            print(json.dumps(await scaling(scaled, targets, hearings)), flush=True)
        finally:
            for hearing in hearings:
                await hearing.close()
            for target in targets:
                await target.stop()


if __name__ == "__main__":
    asyncio.run(main(enter("bench.rooms")))
