"""A hearing of 12 s on the disk as the recorder leaves one, sealed, with known picture and sound: the judge, two parties, a viewer.

Everybody is there from the beginning but 李某, who comes after 3 s, with his camera off. 张某, whose browser sends H.264, switches
his camera off after 4 s, and is lost after 10 s. Recess from 6 s to 8 s.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from rooms.log import GENESIS, Event, Row, chain
from rooms.plan import PlanParticipant
from rooms.recording.batch import Source
from rooms.recording.folder import SittingFolder
from rooms.recording.frame import Timed
from rooms.recording.seal import seal_folder
from tests.rooms.making import make_plan
from tests.rooms.recording.streams import h264_frames, opus_packets, vp8_frames
from tests.rooms.recording.test_composite import at, h264_video, put, sound, video

JUDGE = PlanParticipant("judge", "周正", "judge", chair=True)
ZHANG, LI = PlanParticipant("zhang", "张某", "party"), PlanParticipant("li", "李某", "party")
GALLERY = PlanParticipant("gallery", "陈某", "gallery")
PEOPLE = (JUDGE, ZHANG, LI, GALLERY)
SYSTEM = {"system": True}


def _switched(at_s: float, who: str, source: str, on: bool) -> Event:
    return Event("source_switched", at(at_s), {"endpoint": f"e-{who}", "participant": who, "source": source, "on": on})


def _stage(at_s: float, before: str, to: str) -> Event:
    return Event("stage_changed", at(at_s), {"from": before, "to": to, "by": {"participant": "judge"}, "reason": ""})


def log(sitting: str) -> list[Row]:
    """Its event log."""
    events = [Event("conference_opened", at(-60), {"plan": make_plan(sitting, PEOPLE).to_json()})]
    for who, when in (("judge", -30.0), ("zhang", -20.0), ("gallery", -10.0), ("li", 3.0)):
        arrived = {"endpoint": f"e-{who}", "participants": [who], "device": "Chromium"}
        events += [Event("endpoint_arrived", at(when), arrived), Event("admitted", at(when), {"participant": who, "by": SYSTEM})]
    events += [_switched(-19, "zhang", "camera", True), _switched(-29, "judge", "camera", True), _switched(4, "zhang", "camera", False)]
    events += [_stage(0, "waiting", "hearing"), _stage(6, "hearing", "recess"), _stage(8, "recess", "hearing")]
    events += [Event("endpoint_lost", at(10), {"endpoint": "e-zhang"}), _stage(12, "hearing", "closed")]
    rows: list[Row] = []
    for seq, event in enumerate(sorted(events, key=lambda event: event.at_us), start=1):
        rows.append(chain(sitting, 1, seq, rows[-1].hash if rows else GENESIS, event))
    return rows


def hold(root: Path, sitting: str, *, alarm: bool = False) -> str:
    """Write the folder `root`; the digest of its manifest. Beeps: the judge at 1 and 9 s, 张某 at 2 s, 李某 at 4.5 and 11 s. With `alarm`
    the disk was full for half a second."""
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    number = itertools.count(1)

    def record(who: str, source: str, codec: str, frames: list[Timed]) -> None:
        put(folder, Source(next(number), f"e-{who}", source, codec, 1), frames, frames[-1].wall_us)

    folder.start(1, at(0), "hearing_opened", "周正")
    record("judge", "camera", "VP8", video(0, vp8_frames(6.0)))
    record("judge", "microphone", "opus", sound(0, opus_packets(6.0, (1.0,))))
    record("zhang", "camera", "H264", h264_video(0, h264_frames(4.0)))
    record("zhang", "microphone", "opus", sound(0, opus_packets(6.0, (2.0,))))
    record("li", "microphone", "opus", sound(3, opus_packets(3.0, (1.5,))))
    if alarm:
        folder.note_alarm("alarm", "disk_full", at(5), "No space left on device")
        folder.note_alarm("alarm_cleared", "disk_full", at(5.5), "written again")
    folder.stop(1, at(6), "recess", "周正")
    folder.start(1, at(8), "hearing_opened", "周正")
    record("judge", "camera", "VP8", video(8, vp8_frames(4.0)))
    record("judge", "microphone", "opus", sound(8, opus_packets(4.0, (1.0,))))
    record("li", "microphone", "opus", sound(8, opus_packets(4.0, (3.0,))))
    folder.stop(1, at(12), "closed", "周正")
    folder.append_events([row.line() for row in log(sitting)])
    folder.close_lines()
    endpoints = {f"e-{who.id}": {"participants": [who.id], "device": "Chromium"} for who in PEOPLE}
    sealed = seal_folder(root, {"sitting": sitting, **make_plan(sitting, PEOPLE).to_json(), "endpoints": endpoints}, at(13))
    return str(sealed["manifest_sha256"])
