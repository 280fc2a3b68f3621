"""Power that fails takes what the kernel has not put on the disk. No ``kill -9`` shows that; a trace of system calls does."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.streams import Sender, merged, opus_packets, vp8_frames

STRACE = shutil.which("strace")
SECONDS = 6
CALL = re.compile(r"^\d+ +(?P<at>\d+\.\d+) (?P<call>\w+)\((?P<rest>.*)")
FILE = re.compile(r"\d+<(?P<path>[^>]*)>")


@pytest.fixture
def traced(tmp_path: Path) -> Path:
    """Where the trace is written."""
    if STRACE is None:
        pytest.skip("install strace to see what is synced to the disk")
    return tmp_path / "trace"


async def test_each_open_file_is_synced_at_least_once_a_second(traced: Path, site: Site) -> None:
    await site.kill()
    # `-D`: the recorder stays our child; `-y` names the file of each descriptor.
    site.wrapper = [str(STRACE), "-D", "-f", "-ttt", "-y", "-e", "trace=fdatasync,fsync,pwrite64", "-o", str(traced)]
    await site.start()
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, "hearing_opened", "judge")
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    beats = site.count("heartbeat")
    for number in range(SECONDS):
        await site.engine.announce(camera, microphone)
        await site.engine.play(merged(camera.send(vp8_frames(1.0), number), microphone.send(opus_packets(1.0), number)))
        await site.until(lambda number=number: site.count("heartbeat") > beats + number)  # type: ignore[misc]
    await site.client.record("s1", 1, False, "closed", "judge")
    beats_us = [row["at_us"] for row in site.rows("heartbeat.jsonl")]
    await site.kill()
    # strace sees the end after we do, and its last lines come with its own.
    await site.until(lambda: traced.read_text().endswith("+++ killed by SIGKILL +++\n"))

    synced: dict[str, list[float]] = defaultdict(list)
    written: dict[str, list[float]] = defaultdict(list)
    for line in traced.read_text().splitlines():
        call = CALL.match(line)
        if call is None or (file := FILE.search(call["rest"])) is None:
            continue
        name = Path(file["path"]).name
        if call["call"] in ("fdatasync", "fsync"):
            synced[name].append(float(call["at"]))
        elif call["call"] == "pwrite64":
            written[name].append(float(call["at"]))
    segments = [Path(row["file"]).name for row in site.segments()]
    assert len(segments) == 2
    for name in segments:
        assert written[name], f"nothing of {name} in a trace of {sorted(written)}"
        began, ended = written[name][0], written[name][-1]
        # A heartbeat is due each second, and each of them syncs every file; on a busy machine it is late, and the sync with it.
        due = [at_us for at_us in beats_us if began + 0.5 <= at_us / 1e6 <= ended]
        assert len([at for at in synced[name] if began <= at <= ended]) >= len(due) >= SECONDS - 2, name
    for name in ("heartbeat.jsonl", "digests.jsonl"):
        assert len(synced[name]) >= len(beats_us) - 1, name
