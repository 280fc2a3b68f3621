"""The inner loops: machine code does what the same lines do in Python, and is found, made and refused as it should be."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.media.forwarding.native import image
from rooms.media.forwarding.native.image import Code, Interpreted, Untranslated, load
from rooms.media.forwarding.outbox import Group
from tests.effort import examples
from tests.rooms.media.test_outbox import THEIRS, Hall, Viewer, packet

VIEWERS = 3


@dataclass(frozen=True)
class Packet:
    """A packet of `size` bytes, the next of the stream or `skipped` further on, to some of the viewers."""

    size: int
    skipped: int
    to: tuple[int, ...]


@dataclass(frozen=True)
class Renumber:
    viewer: int
    seq: int
    timestamp: int


@dataclass(frozen=True)
class End:
    viewer: int


@dataclass(frozen=True)
class Flush:
    """Everything leaves."""


Step = Packet | Renumber | End | Flush
_to = st.sampled_from([(0, 1, 2, 3), (0, 1), (2,), (3, 0), ()])
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Packet, st.sampled_from([13, 60, 900, 901, 1100, 1400]), st.integers(1, 3), _to),
    st.builds(Packet, st.sampled_from([900, 1100]), st.just(1), st.just((0, 1, 2, 3))),
    st.builds(Renumber, st.integers(0, VIEWERS - 1), st.integers(1, 9), st.integers(-(1 << 31), 1 << 32)),
    st.builds(End, st.integers(0, VIEWERS - 1)),
    st.builds(Flush),
)


class Room(Hall):
    """Three viewers and one whom no packet reaches, and what is done for them with these loops."""

    def __init__(self, code: Code | None) -> None:
        super().__init__(code)
        self.viewers = [self.viewer() for _ in range(VIEWERS)]
        self.beyond = self.viewer(host="10.0.0.1", port=9)
        self._seq = 65500
        self._offsets = [0] * VIEWERS
        self._groups: dict[tuple[int, ...], Group] = {}

    def all(self) -> list[Viewer]:
        return [*self.viewers, self.beyond]

    def take(self, step: Step) -> None:
        if isinstance(step, Packet):
            self._seq += step.skipped
            group = self._groups.setdefault(step.to, Group(self.all()[number].target for number in step.to))
            self.outbox.fan_out(packet(self._seq, step.size, timestamp=self._seq * 90), group)
        elif isinstance(step, Renumber):
            self._offsets[step.viewer] += step.seq
            self.viewers[step.viewer].target.renumber(self._offsets[step.viewer], step.timestamp)
        elif isinstance(step, End):
            self.viewers[step.viewer].target.end()
        else:
            self.outbox.flush()

    def told(self) -> tuple[list[list[bytes]], int, int, int]:
        self.outbox.flush()
        outbox = self.outbox
        return [viewer.received() for viewer in self.viewers], outbox.sent, outbox.messages, outbox.failed


def expected(program: Sequence[Step]) -> list[list[bytes]]:
    """What each viewer is to get, worked out one packet after another."""
    seq, offsets, ended = 65500, [(0, 0)] * VIEWERS, [False] * VIEWERS
    got: list[list[bytes]] = [[] for _ in range(VIEWERS)]
    for step in program:
        if isinstance(step, Packet):
            seq += step.skipped
            plain = packet(seq, step.size, timestamp=seq * 90)
            for viewer in range(VIEWERS):
                if viewer in step.to and not ended[viewer]:
                    number, stamp = (seq + offsets[viewer][0]) & 0xFFFF, (seq * 90 + offsets[viewer][1]) & 0xFFFFFFFF
                    got[viewer].append(struct.pack("!BBHII", 0x80, 0x80 | 100, number, stamp, THEIRS) + plain[12:])
        elif isinstance(step, Renumber):
            offsets[step.viewer] = (offsets[step.viewer][0] + step.seq, step.timestamp)
        elif isinstance(step, End):
            ended[step.viewer] = True
    return got


@settings(max_examples=examples(60), deadline=None)
@given(program=st.lists(steps, max_size=40))
def test_machine_code_and_the_same_lines_in_python_send_the_same(program: list[Step]) -> None:
    told = []
    for code in (load(), Interpreted()):
        room = Room(code)
        try:
            for step in program:
                room.take(step)
            told.append(room.told())
        finally:
            room.close()
    assert told[0] == told[1]
    # With several groups at once the order between them is free; by number each has its own.
    assert [sorted(packets) for packets in told[0][0]] == [sorted(packets) for packets in expected(program)]


def test_a_target_that_ended_gets_what_was_queued_and_nothing_more() -> None:
    hall = Hall()
    viewer = hall.viewer()
    group = Group([viewer.target])
    hall.outbox.fan_out(packet(1), group)
    viewer.target.end()
    hall.outbox.fan_out(packet(2), group)
    hall.outbox.flush()
    viewer.target.end()
    assert viewer.numbers() == [1]
    assert hall.outbox.failed == 0
    hall.close()


def test_what_is_made_is_found_again_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "BESIDE", tmp_path / "nobody" / "may" / "write")
    (tmp_path / "nobody").write_text("")
    load.__wrapped__(tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name == f"loops-{image.key()}.bin"
    monkeypatch.setattr(image, "_translated", lambda: pytest.fail("it was there already"))
    load.__wrapped__(tmp_path / "cache")


def test_it_is_made_again_where_the_file_is_broken_or_others_may_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (image.BESIDE / f"loops-{image.key()}.bin").read_bytes() if load() else b""
    made: list[bytes] = []

    def make() -> bytes:
        made.append(whole)
        return whole

    monkeypatch.setattr(image, "_translated", make)
    monkeypatch.setattr(image, "BESIDE", tmp_path)
    path = tmp_path / f"loops-{image.key()}.bin"
    for number, broken in enumerate((b"", whole[:-1], whole[:-1] + bytes((whole[-1] ^ 1,))), 1):
        path.write_bytes(broken)
        load.__wrapped__()
        assert (len(made), path.read_bytes()) == (number, whole)
    path.chmod(0o666)
    load.__wrapped__()
    assert (len(made), path.stat().st_mode & 0o777) == (4, 0o644)
    load.__wrapped__()
    assert len(made) == 4


def test_where_nothing_can_be_kept_it_runs_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(image, "BESIDE", tmp_path / "file")
    hall = Hall(load.__wrapped__(tmp_path / "file" / "cache"))
    viewer = hall.viewer()
    hall.outbox.fan_out(packet(1), Group([viewer.target]))
    hall.outbox.flush()
    assert viewer.numbers() == [1]
    hall.close()


def test_what_was_made_of_an_earlier_version_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "BESIDE", tmp_path)
    former = tmp_path / "loops-0123.bin"
    former.write_bytes(b"")
    load.__wrapped__()
    assert [path.name for path in tmp_path.iterdir()] == [f"loops-{image.key()}.bin"]


def test_a_machine_without_the_translator_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "BESIDE", tmp_path)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Untranslated, match="cannot be translated"):
        load.__wrapped__()


def test_an_engine_process_has_no_translator_in_it() -> None:
    load()
    program = "import sys, rooms.media.worker as w; w.load(); print({'numba', 'llvmlite', 'numpy'} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "none\n"
