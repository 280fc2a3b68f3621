"""A sealed recording on the disk, as the recorder leaves one, small: two people, one recess, one gap."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import av
import numpy as np

from rooms.log import GENESIS, Event, Row, chain
from rooms.recording import stills
from rooms.recording.seal import seal_folder

START_US = 1_795_500_000_000_000
SECOND_US = 1_000_000
PEOPLE = ({"id": "judge", "name": "周正", "role": "judge", "chair": True}, {"id": "zhang", "name": "张某", "role": "party", "chair": False})

STILLS = {"face": b"\xff\xd8 the face of Zhang", "document": b"\xff\xd8 his document"}
DIGESTS = {which: hashlib.sha256(content).hexdigest() for which, content in STILLS.items()}


def at(seconds: float) -> int:
    """That long after the recording began, microseconds."""
    return START_US + int(seconds * SECOND_US)


def make_sealed(base: Path, sitting: str) -> dict[str, Any]:
    """The folder `base`/`sitting`, sealed: {"manifest_sha256", "files"}. Recorded from 0 to 4 s and from 6 to 10 s."""
    root = base / sitting
    (root / "tracks").mkdir(parents=True)
    (root / "derived").mkdir()
    opened = []
    for number, (endpoint, begins, lasts) in enumerate((("e-judge", 0, 4), ("e-zhang", 0, 2), ("e-judge", 6, 4)), start=1):
        name = f"tracks/{number:04d}-microphone-{endpoint}.mkv"
        frames = write_sound(root / name, lasts)
        row = {
            "row": "opened",
            "number": number,
            "file": name,
            "endpoint": endpoint,
            "source": "microphone",
            "codec": "opus",
            "ssrc": number,
        }
        closed = {"row": "closed", "file": name, "end_us": at(begins + lasts), "packets": frames, "frames": frames, "lost": 0, "bytes": 1}
        opened += [row | {"start_us": at(begins)}, closed | {"cause": "stopped"}]
    gap = {"endpoint": "e-zhang", "source": "microphone", "from_us": at(2), "to_us": at(3.5), "cause": "engine_lost"}
    ledger = [
        {"kind": "start", "at_us": at(0), "reason": "hearing_opened"},
        {"kind": "gap", "at_us": at(3.5), **gap},
        {"kind": "stop", "at_us": at(4), "reason": "recess"},
        {"kind": "start", "at_us": at(6), "reason": "hearing_opened"},
        {"kind": "stop", "at_us": at(10), "reason": "closed"},
    ]
    _write(root / "segments.jsonl", opened)
    _write(root / "ledger.jsonl", ledger)
    _write(root / "heartbeat.jsonl", [{"at_us": at(second)} for second in range(10)])
    (root / "events.jsonl").write_text("".join(row.line() + "\n" for row in log_rows(sitting)), encoding="utf-8")
    plan = {"title": "第一次开庭", "case_number": "（2026）1号", "time_zone": "Asia/Shanghai", "participants": list(PEOPLE)}
    endpoints = {f"e-{p['id']}": {"participants": [p["id"]], "device": "Chromium"} for p in PEOPLE}
    (root / stills.FOLDER).mkdir()
    for which, content in STILLS.items():
        (root / stills.FOLDER / f"{DIGESTS[which]}.jpg").write_bytes(content)
    return seal_folder(root, {"sitting": sitting, **plan, "endpoints": endpoints}, at(11))


def log_rows(sitting: str) -> list[Row]:
    """The event log of that sitting: Zhang's face and document looked at, opened at 0 s, recess at 4 s, resumed at 6 s, closed at 10 s."""
    by = {"participant": "judge"}
    events = [
        Event("conference_opened", at(-60), {"plan": {"participants": list(PEOPLE)}}),
        *(
            Event("endpoint_arrived", at(-30), {"endpoint": f"e-{p['id']}", "participants": [p["id"]], "device": "Chromium"})
            for p in PEOPLE
        ),
        *(Event("still_kept", at(-20), {"still": digest, "bytes": 1, "by": by}) for digest in DIGESTS.values()),
        Event("identified", at(-20), {"participant": "zhang", "result": "confirmed", **DIGESTS, "device": "e-zhang", "note": "", "by": by}),
        Event("stage_changed", at(0), {"from": "waiting", "to": "hearing", "by": by, "reason": ""}),
        Event("stage_changed", at(4), {"from": "hearing", "to": "recess", "by": by, "reason": "合议"}),
        Event("stage_changed", at(6), {"from": "recess", "to": "hearing", "by": by, "reason": ""}),
        Event("stage_changed", at(10), {"from": "hearing", "to": "closed", "by": by, "reason": ""}),
    ]
    rows: list[Row] = []
    for number, event in enumerate(events, start=1):
        rows.append(chain(sitting, 1, number, rows[-1].hash if rows else GENESIS, event))
    return rows


def write_sound(path: Path, seconds: int) -> int:
    """A Matroska file with that much Opus; how many frames it has."""
    frames = 0
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        for number in range(seconds * 50):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), dtype=np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, number * 960
            for packet in stream.encode(frame):
                container.mux(packet)
                frames += 1
        for packet in stream.encode(None):
            container.mux(packet)
            frames += 1
    return frames


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows), encoding="utf-8")
