"""Small folders of sittings as a recorder leaves them, and what somebody does to them afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rooms.log import GENESIS, Event, canonical, chain
from rooms.recording.digests import Digests
from rooms.recording.rolling import Rolling, row_of
from rooms.recording.seal import seal_folder
from rooms.recording.signer import load
from tests.rooms.recording.keys import AT_US, Authority

META = {"title": "李某诉王某", "case_number": "(2026)苏03民初12号", "participants": [{"id": "p1", "name": "李某", "role": "party"}]}


def event_rows(count: int, sitting: str = "s1") -> list[str]:
    """A log of `count` rows."""
    rows, prev = [], GENESIS
    for seq in range(1, count + 1):
        row = chain(sitting, 1, seq, prev, Event("stage_changed", seq, {"to": "庭审"}))
        rows.append(row.line())
        prev = row.hash
    return rows


def a_folder(root: Path) -> Path:
    """A small sitting's folder, not yet sealed."""
    (root / "tracks").mkdir(parents=True)
    lines = []
    for number, endpoint in enumerate(("alice", "bob"), start=1):
        name = f"tracks/{number:04d}-camera-{endpoint}.mkv"
        (root / name).write_bytes(os.urandom(5000))
        opened = {"row": "opened", "file": name, "endpoint": endpoint, "source": "camera", "codec": "VP8", "start_us": 1, "number": number}
        lines += [opened, {"row": "closed", "file": name, "end_us": 2, "frames": 1, "cause": "stopped"}]
    (root / "segments.jsonl").write_text("".join(canonical(row) + "\n" for row in lines))
    (root / "ledger.jsonl").write_text(canonical({"kind": "start", "at_us": 1}) + "\n")
    (root / "heartbeat.jsonl").write_text(canonical({"at_us": 1, "recording": True}) + "\n")
    (root / "events.jsonl").write_text("".join(row + "\n" for row in event_rows(5)))
    return root


def rolled(root: Path, at_us: int, head: int = 0) -> Path:
    """Write down the digests of every file as it is now; tracks have a head of `head` bytes."""
    digests = Digests(root / "digests.jsonl")
    digests.lines.open()
    rows = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != "digests.jsonl":
            content, of = path.read_bytes(), Rolling()
            at = head if path.suffix == ".mkv" else 0
            of.add(content[at:])
            rows.append(row_of(path.relative_to(root).as_posix(), of, content[:at]))
    digests.note(at_us, rows)
    digests.lines.close()
    return root


def sealed(base: Path, *, edwards: bool = False, days: int = 365) -> Path:
    """A sealed folder below `base` with rolling digests, and signed by an authority of its own."""
    root = rolled(a_folder(base / "s1"), AT_US, head=400)
    seal_folder(root, {"sitting": "s1", **META}, AT_US, load(*Authority(base).signer("Court", edwards=edwards, days=days)))
    return root


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file, whoever may."""
    content = path.read_bytes()
    os.chmod(path.parent, 0o755)
    os.chmod(path, 0o644)
    path.write_bytes(change(content))


def flip(position: int, bit: int = 0) -> Callable[[bytes], bytes]:
    """Another byte at `position`."""
    return lambda content: content[:position] + bytes([content[position] ^ (1 << bit)]) + content[position + 1 :]
