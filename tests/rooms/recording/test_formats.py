"""RTP, Matroska as it is left by a kill, and lists of JSON lines."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.recording.frame import Timed
from rooms.recording.lines import Lines
from rooms.recording.matroska import block_times_ms
from rooms.recording.rtp import Unwrapper, parse, parse_sender_report
from rooms.recording.segment import Segment
from rooms.recording.vp8 import key_frame_size
from tests.rooms.recording.streams import frames_of, opus_packets, rtp, sender_report, vp8_frames


def test_a_packet_is_parsed() -> None:
    packet = parse(b"??" + rtp(b"payload", 0xFFFE, 0x80000001, 77, 96, marker=True), 5, start=2)
    assert (packet.sequence, packet.timestamp, packet.ssrc, packet.payload_type) == (0xFFFE, 0x80000001, 77, 96)
    assert (packet.marker, packet.payload, packet.arrival_us) == (True, b"payload", 5)


def test_extensions_contributing_sources_and_padding_are_taken_off() -> None:
    head = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 111, 1, 2, 3) + bytes(8)
    extension = struct.pack("!HH", 0xBEDE, 1) + bytes(4)
    assert parse(head + extension + b"sound" + b"\0\0\3", 0).payload == b"sound"


@given(st.binary(max_size=60))
def test_no_bytes_break_the_parsers(data: bytes) -> None:
    for parser in (lambda: parse(data, 0), lambda: parse_sender_report(data)):
        try:
            parser()
        except ValueError:
            continue


def test_a_sender_report_tells_the_senders_time() -> None:
    report = parse_sender_report(sender_report(7, 1_790_000_000_123_456, 99))
    assert (report.ssrc, report.timestamp) == (7, 99)
    assert report.ntp_us == pytest.approx(1_790_000_000_123_456, abs=1)


@given(st.lists(st.integers(-0x7FFF, 0x7FFF), max_size=100), st.integers(0, 0xFFFF))
def test_a_counter_that_wraps_goes_on(steps: list[int], first: int) -> None:
    unwrap, at = Unwrapper(16), first
    assert unwrap(first) == first
    for step in steps:
        at += step
        assert unwrap(at & 0xFFFF) == at


def video(count: int) -> list[Timed]:
    frames = vp8_frames(4.0)[:count]
    return [Timed(1_000_000 + i * 40_000, 0, key_frame_size(f) is not None, f, key_frame_size(f)) for i, f in enumerate(frames)]


def test_a_whole_file_is_measured(tmp_path: Path) -> None:
    frames = video(100)
    segment = Segment(tmp_path / "a.mkv", "VP8", frames[0])
    for frame in frames:
        segment.append(frame)
    segment.close()
    assert list(block_times_ms(tmp_path / "a.mkv")) == [i * 40 for i in range(100)]
    assert frames_of(tmp_path / "a.mkv") == segment.frames == 100


def test_a_file_that_was_cut_anywhere_is_measured_as_a_player_reads_it(tmp_path: Path) -> None:
    packets = opus_packets(4.0)
    whole = tmp_path / "whole.mkv"
    segment = Segment(whole, "opus", Timed(0, 20_000, True, packets[0]))
    for index, packet in enumerate(packets):
        segment.append(Timed(index * 20_000, 20_000, True, packet))
    left = whole.read_bytes()  # the recorder is killed here
    segment.close()
    cut = tmp_path / "cut.mkv"
    for size in range(len(left), len(left) // 2, -97):
        cut.write_bytes(left[:size])
        times = list(block_times_ms(cut))
        assert times == [i * 20 for i in range(len(times))]
        assert abs(len(times) - frames_of(cut)) <= 1
    cut.write_bytes(b"")
    assert list(block_times_ms(cut)) == []
    assert len(list(block_times_ms(whole))) == len(packets)


def test_a_killed_recorder_loses_at_most_a_cluster(tmp_path: Path) -> None:
    frames = video(100)
    segment = Segment(tmp_path / "a.mkv", "VP8", frames[0])
    for frame in frames:
        segment.append(frame)
    assert len(list(block_times_ms(tmp_path / "a.mkv"))) >= 100 - 500 / 40 - 1
    segment.close()


def test_an_abandoned_file_is_cut_to_what_is_whole_and_says_so(tmp_path: Path) -> None:
    frames = video(60)
    segment = Segment(tmp_path / "a.mkv", "VP8", frames[0])
    for frame in frames:
        segment.append(frame)
    segment.broken = True
    segment.close()
    times = list(block_times_ms(tmp_path / "a.mkv"))
    assert 0 < len(times) == segment.frames < 60
    assert segment.end_us == 1_000_000 + times[-1] * 1000
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(times)


def test_frames_that_come_out_of_time_stay_in_order(tmp_path: Path) -> None:
    packets = opus_packets(0.2)
    segment = Segment(tmp_path / "a.mkv", "opus", Timed(1_000_000, 20_000, True, packets[0]))
    for wall_us in (1_000_000, 1_000_100, 990_000, 1_060_000):
        segment.append(Timed(wall_us, 20_000, True, packets[0]))
    segment.close()
    assert list(block_times_ms(tmp_path / "a.mkv")) == [0, 1, 2, 60]


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "a.jsonl", keep=False)
    assert lines.open() == []
    lines.add({"b": 1, "a": "庭"})
    lines.add('{"c":3}')
    lines.flush()
    lines.close()
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == '{"a":"庭","b":1}\n{"c":3}\n'
    assert [json.loads(line) for line in Lines(tmp_path / "a.jsonl", keep=False).open()] == [{"a": "庭", "b": 1}, {"c": 3}]


def test_a_line_that_a_kill_cut_off_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a":1}\n{"b":')
    lines = Lines(tmp_path / "a.jsonl", keep=False)
    assert lines.open() == [b'{"a":1}\n']
    lines.add({"c": 2})
    lines.flush()
    assert (tmp_path / "a.jsonl").read_bytes() == b'{"a":1}\n{"c":2}\n'


def test_lines_that_vanished_are_written_again(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "a.jsonl", keep=True)
    lines.open()
    lines.add({"a": 1})
    lines.flush()
    assert lines.in_place()
    os.unlink(tmp_path / "a.jsonl")
    assert not lines.in_place()
    lines.reopen()
    lines.add({"b": 2})
    lines.flush()
    assert (tmp_path / "a.jsonl").read_bytes() == b'{"a":1}\n{"b":2}\n'
    assert lines.in_place()
