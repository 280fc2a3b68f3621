"""What capture costs: ``capture_cpu_percent_per_track`` and ``capture_rss_mb_per_track``, the recorder against ``ffmpeg -c copy`` on the
same packets; how long an alarm takes: ``alarm_s_max`` (:mod:`bench.load.alarms`); and how fast a sealed folder is checked:
``verify_mb_s``, the check (SHA-256 and SM3 of every original) against ``sha256sum`` on the same files.

Four participants, each with 1280×720 VP8 at about 1.2 Mbit/s and Opus, are sent in real time for 20 s to the recorder
(Unix datagrams, as the engine sends them) and, in the same run, as RTP over UDP on loopback to one ffmpeg a participant
that copies both tracks into Matroska from an SDP. CPU time and memory of the processes are read from the kernel; what the recorder
needs before the first track is announced is not counted, what it loads for the first one is.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.load import alarms
from bench.load.film import LOOP_S, picture
from bench.load.usage import cpu_seconds, machine, rss_mb
from rooms.recording.client import RecorderClient
from rooms.recording.control import RecorderEvent
from rooms.recording.running import ffmpeg_program
from rooms.recording.seal import seal_folder
from rooms.verification.folder import verify
from tests.rooms.recording.streams import FPS, FakeEngine, Sender, Sent, merged, opus_packets

PARTICIPANTS = 4
SECONDS = 20
WARM_UP_S = 3
BIT_RATE = 1_200_000
TRACKS, TRACK_BYTES, TURNS = 4, 50_000_000, 3
ALARM_S = 5.0
"""The slowest that an alarm may be."""


def schedule(senders: list[tuple[Sender, Sender]]) -> list[Sent]:
    """All packets of the run, in order; arrival times count from 0."""
    frames, sounds = picture(1280, 720, BIT_RATE), opus_packets(float(LOOP_S), (1.0,))
    streams: list[list[Sent]] = []
    for camera, microphone in senders:
        for loop in range((WARM_UP_S + SECONDS) // LOOP_S + 1):
            streams += [camera.send(frames, loop * LOOP_S), microphone.send(sounds, loop * LOOP_S)]
    return merged(*streams)


def free_ports(count: int) -> list[int]:
    """Even UDP ports on loopback whose odd neighbours are free too (for RTCP)."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() % 10_000 * 2, 60_000, 2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free ports")


def start_peer(directory: Path, index: int, video_port: int, audio_port: int) -> subprocess.Popen[bytes]:
    """One ffmpeg that copies a participant's two tracks."""
    sdp = directory / f"{index}.sdp"
    sdp.write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {video_port} RTP/AVP 96\na=rtpmap:96 VP8/90000\nm=audio {audio_port} RTP/AVP 111\na=rtpmap:111 opus/48000/2\n"
    )
    command = [
        *(ffmpeg_program(), "-y", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,udp,rtp", "-i", str(sdp)),
        *("-c", "copy", "-f", "matroska", str(directory / f"{index}.mkv")),
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a track, for the recorder and for the peer: percent of a core, MB. Packets that were `sent` and that the recorder has taken."""

    cpu: tuple[float, float]
    rss_mb: tuple[float, float]
    sent: int
    recorded: int


async def run(directory: Path) -> Cost:
    """Carry the load."""
    control, feed_path, engine_path = directory / "c", directory / "r", directory / "e"
    recorder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rooms.recording.worker", "--socket", str(control), "--feed-socket", str(feed_path)),
        *("--engine-feed-socket", str(engine_path), "--recordings", str(directory / "recordings")),
        stderr=asyncio.subprocess.DEVNULL,
    )
    engine = FakeEngine(engine_path, feed_path)
    client = RecorderClient(control)
    recorded = 0

    def count(tracks: list[dict[str, int]]) -> None:
        nonlocal recorded
        recorded = max(recorded, sum(track["packets"] for track in tracks))

    connected = asyncio.Event()

    def noticed(event: RecorderEvent) -> None:
        if event.name == "up":
            connected.set()
        elif event.name == "heartbeat":
            count(event.fields["tracks"])

    client.on_event(noticed)
    await client.start()
    await asyncio.wait_for(connected.wait(), 20)
    await client.open("bench", 1, "bench", "bench")
    await client.record("bench", 1, True, "bench", "bench")
    empty_mb = rss_mb(recorder.pid)
    ports = free_ports(2 * PARTICIPANTS)
    peers = [start_peer(directory, index, ports[2 * index], ports[2 * index + 1]) for index in range(PARTICIPANTS)]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    pairs = [
        (Sender(2 * i + 1, f"p{i}", "camera", 0, "bench", 0), Sender(2 * i + 2, f"p{i}", "microphone", 0, "bench", 0))
        for i in range(PARTICIPANTS)
    ]
    packets = schedule(pairs)
    await asyncio.sleep(1)
    begin = time.time()
    begin_us = int(begin * 1e6)
    next_announcement = 0.0
    marks: list[tuple[float, float, float]] = []
    sent = 0
    for packet in packets:
        at_s = packet.arrival_us / 1e6
        if at_s >= next_announcement:
            await engine.announce(*(sender for pair in pairs for sender in pair))
            list(engine.heard())
            next_announcement += 1
        if at_s >= (WARM_UP_S, WARM_UP_S + SECONDS)[len(marks)]:
            marks.append((cpu_seconds(recorder.pid), sum(cpu_seconds(peer.pid) for peer in peers), time.time()))
            if len(marks) == 2:
                break
        if (wait := begin + at_s - time.time()) > 0:
            await asyncio.sleep(wait)
        packet.arrival_us += begin_us
        await engine.play([packet])
        udp.sendto(packet.data, ("127.0.0.1", ports[packet.handle - 1]))
        sent += 1
    await asyncio.sleep(1.5)
    memory = (rss_mb(recorder.pid) - empty_mb, sum(rss_mb(peer.pid) for peer in peers))
    await client.record("bench", 1, False, "bench", "bench")
    await client.close()
    recorder.terminate()
    for peer in peers:
        peer.terminate()
        peer.wait()
    await recorder.wait()
    engine.close()
    udp.close()
    elapsed, tracks = marks[1][2] - marks[0][2], 2 * PARTICIPANTS
    own, peer_s = ((marks[1][of] - marks[0][of]) / elapsed / tracks * 100 for of in (0, 1))
    return Cost((own, peer_s), (memory[0] / tracks, memory[1] / tracks), sent, recorded)


def checked(directory: Path) -> tuple[float, float]:
    """MB/s of the check and of ``sha256sum``: both read the same files, in turn, the fastest of :data:`TURNS` each."""
    root = directory / "sealed"
    (root / "tracks").mkdir(parents=True)
    for number in range(TRACKS):
        (root / "tracks" / f"{number:04d}-camera-p.mkv").write_bytes(os.urandom(TRACK_BYTES))
    seal_folder(root, {"sitting": "bench"}, int(time.time() * 1e6))
    files = sorted(str(path) for path in (root / "tracks").iterdir())
    own, peer = [], []
    for _ in range(TURNS):
        begin = time.perf_counter()
        if not verify(root).ok:
            raise RuntimeError("what was just sealed is found changed")
        own.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        subprocess.run(["sha256sum", *files], stdout=subprocess.DEVNULL, check=True)
        peer.append(time.perf_counter() - begin)
    megabytes = TRACKS * TRACK_BYTES / 1e6
    return megabytes / min(own), megabytes / min(peer)


def main() -> int:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        speed, sums = checked(Path(directory))
    fast = {
        "figure": "verify_mb_s",
        "value": round(speed, 1),
        "unit": "MB/s",
        "peer": "sha256sum",
        "peer_value": round(sums, 1),
        "ratio": round(speed / sums, 3),
        "conditions": f"{TRACKS} files of {TRACK_BYTES / 1e6:.0f} MB, in the page cache, SHA-256 and SM3 against SHA-256 alone, "
        f"best of {TURNS}, {machine()}",
    }
    print(json.dumps(fast), flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        cost = asyncio.run(run(Path(directory)))
    conditions = (
        f"{PARTICIPANTS} participants, each VP8 1280x720 {FPS}/s {BIT_RATE // 1000} kbit/s and Opus, {SECONDS} s in real time, "
        f"same packets to both, {cost.recorded} of {cost.sent} packets recorded, {machine()}"
    )
    for name, unit, (own, peer) in (("cpu_percent", "percent of a core", cost.cpu), ("rss_mb", "MB", cost.rss_mb)):
        figure = {
            "figure": f"capture_{name}_per_track",
            "value": round(own, 3),
            "unit": unit,
            "peer": "ffmpeg -c copy from SDP",
            "peer_value": round(peer, 3),
            "ratio": round(own / peer, 3) if peer else None,
            "conditions": conditions,
        }
        print(json.dumps(figure), flush=True)
    in_time = alarms_in_time()
    return 0 if cost.recorded == cost.sent and in_time else 1


def alarms_in_time() -> bool:
    """Print how long the slowest alarm took; whether it was in time. Where no disk can be mounted there is no figure."""
    try:
        found = alarms.measured()
    except OSError as error:
        print(f"alarm_s_max is left out: {error}", file=sys.stderr)
        return True
    slowest = max(max(each) for each in found.values())
    figure = {
        "figure": "alarm_s_max",
        "value": round(slowest, 2),
        "unit": "s",
        "peer": None,
        "peer_value": None,
        "ratio": None,
        "conditions": f"at most {ALARM_S:g}; {alarms.ROUNDS} of each, seconds from the fault to the server: "
        + "; ".join(f"{fault} {', '.join(f'{each:.2f}' for each in sorted(times))}" for fault, times in found.items())
        + f", {machine()}",
    }
    print(json.dumps(figure), flush=True)
    return slowest <= ALARM_S


if __name__ == "__main__":
    sys.exit(main())
