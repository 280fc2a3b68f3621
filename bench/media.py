"""Cost of forwarding one packet, our engine against Janus, interleaved, medians: 4 publishers to 20 subscribers, and the
small room (2 to 4), where receiving and waking up dominate.

Each publisher sends 110 video packets of 1100 bytes and 50 audio packets of 80 bytes a second, so that 4 to 20 make 12 750
packets a second. CPU time is that of the engine's whole process, counted while the load runs, by packets received.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench.load.isolation import enter
from bench.load.peers import AUDIO_TYPE, VIDEO_TYPE, LoadPeer, use_address
from bench.load.targets import Embedded, Janus, Target, janus_installed
from bench.load.traffic import AUDIO_BYTES, AUDIO_RATE, VIDEO_BYTES, VIDEO_RATE, Counted, Sender, run
from bench.load.usage import cpu_seconds, machine

#: (publishers, subscribers), and the SRTP profiles that are measured with them: browsers negotiate either.
LARGE, SMALL = (4, 20), (2, 4)
CASES = ((LARGE, "AES-GCM-128"), (LARGE, "AES-CM"), (SMALL, "AES-GCM-128"))
ROUNDS = 3
WARM_S, WINDOW_S = 1.5, 4.0
#: A run that loses more than this measures something else.
MAX_LOSS = 0.01


async def measure(target: Target, size: tuple[int, int], profile: str) -> Counted:
    """One run in a room of its own."""
    await target.open_room(*size)
    publishers = []
    for number in range(size[0]):
        peer = LoadPeer(profile)
        publishers.append(await peer.publish(lambda offer, n=number: target.publish(n, offer)))  # type: ignore[misc]
    subscribers = [await LoadPeer(profile).subscribe(*await target.subscribe(number)) for number in range(size[1])]
    senders: list[Sender] = []
    for peer in publishers:
        sock, address, session = peer.take()
        senders.append(Sender(sock, address, session, peer.video_ssrc, VIDEO_TYPE, VIDEO_BYTES, VIDEO_RATE, int(90000 / VIDEO_RATE)))
        senders.append(Sender(sock, address, session, peer.audio_ssrc, AUDIO_TYPE, AUDIO_BYTES, AUDIO_RATE, 960))
    receivers = [peer.take()[0] for peer in subscribers]
    counted = await asyncio.to_thread(run, senders, receivers, lambda: cpu_seconds(target.pid), WARM_S, WINDOW_S)
    for peer in publishers + subscribers:
        await peer.drop()
    for sock in {s.socket.fileno(): s.socket for s in senders}.values():
        sock.close()
    for sock in receivers:
        sock.close()
    await target.close_room()
    return counted


async def compare(size: tuple[int, int], profile: str, folder: Path, address: str) -> dict[str, list[Counted]]:
    """Interleaved rounds of every engine there is."""
    folder.mkdir()
    targets: dict[str, Target] = {"embedded": await Embedded(folder, address).start()}
    try:
        if janus_installed() is not None and address != "127.0.0.1":
            targets["janus"] = await Janus(folder, address, 0).start()
            targets["janus event_loops=1"] = await Janus(folder, address, 1).start()
        results: dict[str, list[Counted]] = {name: [] for name in targets}
        for _ in range(ROUNDS):
            for name, target in targets.items():
                counted = await measure(target, size, profile)
                loss = 1 - counted.received / (counted.sent * size[1])
                print(f"  {size} {profile} {name}: {counted.us_per_packet:.2f} us/packet, loss {loss:.4f}", file=sys.stderr, flush=True)
                if abs(loss) > MAX_LOSS:
                    print(f"  {name} did not carry the load: left out", file=sys.stderr)
                    continue
                results[name].append(counted)
    finally:
        for target in targets.values():
            await target.stop()
    return results


def figures(size: tuple[int, int], profile: str, results: dict[str, list[Counted]]) -> list[dict[str, object]]:
    """One line for each peer; without a peer, one line."""
    medians = {name: statistics.median(c.us_per_packet for c in runs) for name, runs in results.items() if runs}
    if "embedded" not in medians:
        raise RuntimeError("the engine did not carry the load in any round")
    value = medians.pop("embedded")
    load = f"{VIDEO_RATE:.0f} x {VIDEO_BYTES} B + {AUDIO_RATE:.0f} x {AUDIO_BYTES} B a second"
    conditions = (
        f"{size[0]} publishers x {size[1]} subscribers, each {load}, {profile}, no loss, median of {ROUNDS} interleaved runs of "
        f"{WINDOW_S:.0f} s, on one machine with the load generator (Python): {machine()}"
    )
    line = {"figure": "forward_us_per_packet", "value": round(value, 2), "unit": "us", "conditions": conditions}
    if not medians:
        alone = f"{conditions}; no peer: Janus is not installed, or no network namespace may be made"
        return [{**line, "peer": None, "peer_value": None, "ratio": None, "conditions": alone}]
    return [{**line, "peer": peer, "peer_value": round(other, 2), "ratio": round(value / other, 3)} for peer, other in medians.items()]


async def main(address: str) -> None:
    """Measure every case."""
    use_address(address)
    with tempfile.TemporaryDirectory() as folder:
        for number, (size, profile) in enumerate(CASES):
            results = await compare(size, profile, Path(folder) / str(number), address)
            for line in figures(size, profile, results):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(main(enter("bench.media")))
