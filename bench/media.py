"""Forwarding, our engine against Janus with one event loop, its cheapest setting here, in turns; medians.

* ``forward_cpu_*``: CPU time of the engine's whole process by packet that a viewer got, under either SRTP profile from 4 publishers
  to 20 subscribers, and in the small room, 2 to 4, where receiving and waking up dominate. Each publisher sends 110 video packets of
  1100 bytes and 50 audio packets of 80 bytes a second, so that 4 to 20 make 12 750 packets a second: one by one and evenly spaced,
  and (``_frames``) as a browser does, all packets of a frame at once. Viewers say each second what arrives and what they could
  take, as browsers do: to one that says nothing for good an engine that adapts sends packets to find that out.
* ``forward_floor_ratio``: ours by the cost of one protect and one send alone. The less is above 1, the less is our own.
* ``forward_added_ms_p99``: from sending a packet until the kernel has it at a viewer's socket.
* ``packets_per_second_core``: what a second of CPU carries at the highest load that arrived whole.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.load.delay import Delays
from bench.load.floor import floor_us
from bench.load.isolation import enter
from bench.load.peers import AUDIO_TYPE, VIDEO_TYPE, LoadPeer, use_address
from bench.load.simulcast import Browser
from bench.load.targets import Embedded, Janus, Target, janus_installed
from bench.load.traffic import AUDIO_BYTES, AUDIO_RATE, FRAME_RATE, VIDEO_BYTES, VIDEO_RATE, Camera, Counted, Sender, run
from bench.load.usage import cpu_seconds, keep_apart, machine

LARGE, SMALL = (4, 20), (2, 4)
GCM, CM = "AES-GCM-128", "AES-CM"
#: In the small room, where an engine sleeps 97 % of its time and single runs differ most, more.
ROUNDS, SMALL_ROUNDS = 3, 9
WARM_S, WINDOW_S = 1.5, 4.0
#: A run that loses more than this measures something else.
MAX_LOSS = 0.01
PEER = "janus event_loops=1"
#: Bytes that protecting adds with GCM, and by which the sizes of streams differ where they are told apart by them.
TAG, STEP = 16, 8
#: Times the usual load, tried in this order until one arrives whole.
LOADS = (6.0, 4.0, 3.0, 2.0, 1.0)
Figure = dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent: from how many publishers to how many subscribers, under which profile, frames at once or evenly spaced, at how
    many times the usual rate, whether each stream has packets of a size of its own, and whether what comes to a viewer wakes the load
    generator."""

    size: tuple[int, int]
    profile: str
    frames: bool
    times: float = 1.0
    own_sizes: bool = False
    woken: bool = False

    @property
    def rounds(self) -> int:
        """How often it is measured with each engine."""
        return SMALL_ROUNDS if self.size == SMALL else ROUNDS

    def streams(self, peer: LoadPeer, number: int) -> list[Sender | Camera]:
        """Sound and picture of a publisher. Nothing of `peer` runs on the loop any more."""
        sock, address, session = peer.take()
        apart = number * STEP if self.own_sizes else 0
        video, audio = VIDEO_BYTES - apart, AUDIO_BYTES + apart
        rate, step = VIDEO_RATE * self.times, int(90000 / VIDEO_RATE)
        picture: Sender | Camera = Sender(sock, address, session, peer.video_ssrc, VIDEO_TYPE, video, rate, step)
        if self.frames:
            picture = Camera(sock, address, session, peer.video_ssrc, video, rate=FRAME_RATE * self.times)
            picture.spread = 0 if self.own_sizes else picture.spread
        return [picture, Sender(sock, address, session, peer.audio_ssrc, AUDIO_TYPE, audio, AUDIO_RATE * self.times, 960)]

    def __str__(self) -> str:
        way = "all packets of a frame at once" if self.frames else "evenly spaced"
        load = f"{VIDEO_RATE * self.times:.0f} x {VIDEO_BYTES} B ({way}) + {AUDIO_RATE * self.times:.0f} x {AUDIO_BYTES} B a second"
        read = ", each packet wakes its viewer" if self.woken else ""
        return f"{self.size[0]} publishers x {self.size[1]} subscribers, each {load}, {self.profile}{read}"


CASES = {
    "forward_cpu_gcm": Case(LARGE, GCM, frames=False),
    "forward_cpu_cm": Case(LARGE, CM, frames=False),
    "forward_cpu_small_room": Case(SMALL, GCM, frames=False),
    "forward_cpu_gcm_frames": Case(LARGE, GCM, frames=True),
    "forward_cpu_cm_frames": Case(LARGE, CM, frames=True),
    "forward_cpu_small_room_frames": Case(SMALL, GCM, frames=True),
    "forward_cpu_small_room_woken": Case(SMALL, GCM, frames=False, woken=True),
}
DELAY = Case(LARGE, GCM, frames=True, own_sizes=True)


@dataclass(frozen=True, slots=True)
class Run:
    """What was counted, and how long packets took (ms), if that was to be known and nothing was lost."""

    counted: Counted
    lost: float
    delays: list[float] | None

    @property
    def whole(self) -> bool:
        return abs(self.lost) <= MAX_LOSS


async def measure(target: Target, case: Case, warm_s: float = WARM_S, window_s: float = WINDOW_S) -> Run:
    """One run in a room of its own."""
    await target.open_room(*case.size)
    publishers = []
    for number in range(case.size[0]):
        peer = LoadPeer(case.profile)
        publishers.append(await peer.publish(lambda offer, n=number: target.publish(n, offer)))  # type: ignore[misc]
    subscribers = [await LoadPeer(case.profile).subscribe(*await target.subscribe(number)) for number in range(case.size[1])]
    media = [stream for number, peer in enumerate(publishers) for stream in case.streams(peer, number)]
    viewers = [Browser(*peer.take(), peer, estimates=True) for peer in subscribers]
    streams = [*media, *viewers]
    receivers = [viewer.socket for viewer in viewers]
    delays = Delays((receivers[0], receivers[-1]) if case.own_sizes else ())
    cpu = partial(cpu_seconds, target.pid)
    counted = await asyncio.to_thread(run, streams, receivers, cpu, warm_s, window_s, delays.take, woken=case.woken)
    for peer in publishers + subscribers:
        await peer.drop()
    for sock in {s.socket.fileno(): s.socket for s in media}.values():
        sock.close()
    for sock in receivers:
        sock.close()
    await target.close_room()
    found = delays.milliseconds({s.size + 12 + TAG: s for s in media}, 0.25) if case.own_sizes else None
    return Run(counted, 1 - counted.received / (counted.sent * case.size[1]), found)


async def compare(targets: dict[str, Target], case: Case, value: Callable[[Run], float | None]) -> dict[str, float]:
    """The median of every engine over interleaved rounds; an engine that did not carry the load has none."""
    results: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(case.rounds):
        for name, target in targets.items():
            done = await measure(target, case)
            one = value(done)
            print(f"  {case} {name}: {one and round(one, 2)}, lost {done.lost:.4f}", file=sys.stderr, flush=True)
            if done.whole and one is not None:
                results[name].append(one)
    return {name: statistics.median(found) for name, found in results.items() if found}


def figure(name: str, unit: str, medians: dict[str, float], case: Case) -> Figure:
    """One line. Without a peer its three fields are null."""
    if "embedded" not in medians:
        raise RuntimeError(f"{name}: the engine did not carry the load in any round")
    value, other = medians["embedded"], medians.get(PEER)
    how = f"no loss, median of {case.rounds} interleaved runs of {WINDOW_S:.0f} s, load generator (Python) on another core"
    told = f"{case}, {how}; {machine()}"
    if other is None:
        told += "; no peer: Janus is not installed, no network namespace may be made, or it did not carry the load"
        return {"figure": name, "value": round(value, 2), "unit": unit, "peer": None, "peer_value": None, "ratio": None, "conditions": told}
    line: Figure = {"figure": name, "value": round(value, 2), "unit": unit, "peer": PEER, "peer_value": round(other, 2)}
    return {**line, "ratio": round(value / other, 3), "conditions": told}


def against_floor(cost_us: float, address: str) -> Figure:
    """Our cost of a packet by the floor."""
    protect, send = floor_us(GCM, address)
    conditions = (
        f"{CASES['forward_cpu_gcm_frames']}; one protect {protect:.2f} us, one packet's share of a sendmmsg {send:.2f} us; {machine()}"
    )
    line: Figure = {"figure": "forward_floor_ratio", "value": round(cost_us, 2), "unit": "us", "peer": "one protect and one send"}
    return {**line, "peer_value": round(protect + send, 2), "ratio": round(cost_us / (protect + send), 3), "conditions": conditions}


async def carried(name: str, target: Target) -> tuple[float, Case] | None:
    """Packets by second of CPU at the highest load that arrives whole."""
    for times in LOADS:
        case = Case(LARGE, GCM, frames=True, times=times)
        done = await measure(target, case)
        print(f"  {case} {name}: {done.counted.us_per_packet:.2f} us, lost {done.lost:.4f}", file=sys.stderr, flush=True)
        if done.whole:
            return 1e6 / done.counted.us_per_packet, case
    return None


async def at_most(targets: dict[str, Target]) -> Figure:
    """``packets_per_second_core``; above 1 is better."""
    found = {name: best for name, target in targets.items() if (best := await carried(name, target)) is not None}
    if "embedded" not in found:
        raise RuntimeError("the engine carried no load at all")
    conditions = "; ".join(f"{name}: {case}" for name, (_, case) in found.items())
    value, other = found["embedded"][0], found[PEER][0] if PEER in found else None
    line: Figure = {"figure": "packets_per_second_core", "value": round(value), "unit": "packets/s"}
    peer: Figure = {"peer": PEER if other else None, "peer_value": round(other) if other else None}
    ratio = round(value / other, 3) if other else None
    return {**line, **peer, "ratio": ratio, "conditions": f"by second of CPU, {conditions}; {machine()}"}


def percentile_99(run: Run) -> float | None:
    return statistics.quantiles(run.delays, n=100)[98] if run.delays else None


async def main(address: str) -> None:
    """Measure every case."""
    use_address(address)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        targets: dict[str, Target] = {"embedded": await Embedded(folder, address).start()}
        try:
            if janus_installed() is not None and address != "127.0.0.1":
                targets[PEER] = await Janus(folder, address, 1).start()
            if not keep_apart(target.pid for target in targets.values()):
                print("bench: one core for engine and load generator: each packet is dearer", file=sys.stderr)
            for figure_name, case in CASES.items():
                medians = await compare(targets, case, lambda run: run.counted.us_per_packet)
                print(json.dumps(figure(figure_name, "us", medians, case)), flush=True)
                if figure_name == "forward_cpu_gcm_frames":
                    print(json.dumps(against_floor(medians["embedded"], address)), flush=True)
            delays = await compare(targets, DELAY, percentile_99)
            print(json.dumps(figure("forward_added_ms_p99", "ms", delays, DELAY)), flush=True)
            print(json.dumps(await at_most(targets)), flush=True)
        finally:
            for target in targets.values():
                await target.stop()


if __name__ == "__main__":
    asyncio.run(main(enter("bench.media")))
