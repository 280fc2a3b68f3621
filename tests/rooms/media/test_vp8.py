"""The VP8 payload descriptor: read, and its numbers carried on from one stream to the next."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding import vp8
from rooms.media.forwarding.vp8 import Shift


def packet(
    picture: int | None = None, base: int | None = None, temporal: int | None = None, *, wide: bool = True, rest: bytes = b"x"
) -> bytes:
    """A payload whose frame begins here, as RFC 7741 figure 2 has it."""
    flags = (picture is not None) << 7 | (base is not None) << 6 | (temporal is not None) << 5
    parts = bytes([0x90 if flags else 0x10]) + (bytes([flags]) if flags else b"")
    if picture is not None:
        parts += struct.pack("!H", 0x8000 | picture) if wide else bytes([picture])
    parts += bytes([base]) if base is not None else b""
    parts += bytes([temporal << 6]) if temporal is not None else b""
    return parts + rest


WIDE = st.integers(0, 0x7FFF)
BASE = st.integers(0, 0xFF)


@given(st.none() | WIDE, st.none() | BASE, st.none() | st.integers(0, 3))
def test_what_is_written_is_read(picture: int | None, base: int | None, temporal: int | None) -> None:
    found = vp8.describe(packet(picture, base, temporal), 0)
    assert found is not None
    assert (found.picture, found.base, found.temporal, found.begins) == (picture, base, temporal or 0, True)
    assert packet(picture, base, temporal)[found.payload_at :] == b"x"


@given(st.none() | WIDE, st.none() | BASE, st.none() | st.integers(0, 3), st.booleans())
def test_the_temporal_layer_alone_is_read_as_with_all_else(picture: int | None, base: int | None, temporal: int | None, wide: bool) -> None:
    written = packet(picture if wide or picture is None else picture & 0x7F, base, temporal, wide=wide)
    assert vp8.temporal(written, 0) == (temporal or 0)


@given(st.binary(max_size=8))
def test_the_temporal_layer_of_anything_is_what_it_would_be_read_as(anything: bytes) -> None:
    found = vp8.describe(anything, 0)
    assert found is None or vp8.temporal(anything, 0) == found.temporal
    assert 0 <= vp8.temporal(anything, 0) <= 3


@given(st.lists(st.tuples(WIDE, BASE, st.integers(1, 20)), min_size=1, max_size=5))
def test_numbers_count_on_through_one_stream_after_another(streams: list[tuple[int, int, int]]) -> None:
    shift, last, out = None, None, []
    for picture, base, length in streams:
        frames = [packet((picture + i) & 0x7FFF, (base + i) & 0xFF, 0) for i in range(length)]
        shift = vp8.going_on(last, shift, vp8.describe(frames[0], 0)) if last else shift
        out += [vp8.describe(vp8.shifted(frame, 0, shift) if shift else frame, 0) for frame in frames]
        last = vp8.describe(frames[-1], 0)
    first = out[0]
    assert first is not None
    for index, found in enumerate(out):
        assert found is not None
        assert first.picture is not None
        assert found.picture == (first.picture + index) & 0x7FFF
        assert first.base is not None
        assert found.base == (first.base + index) & 0xFF


@given(st.integers(0, 0x7F), BASE, st.integers(0, 0x7FFF), BASE)
def test_a_short_picture_id_stays_short(picture: int, base: int, more: int, base_more: int) -> None:
    moved = vp8.shifted(packet(picture, base, 0, wide=False), 0, Shift(more, base_more))
    assert len(moved) == len(packet(picture, base, 0, wide=False))
    found = vp8.describe(moved, 0)
    assert found is not None
    assert (found.wide, found.picture, found.base) == (False, (picture + more) & 0x7F, (base + base_more) & 0xFF)


@given(st.binary(max_size=40), st.integers(0, 40), WIDE, BASE)
def test_anything_may_come(data: bytes, at: int, picture: int, base: int) -> None:
    vp8.picture_size(data, at)
    assert len(vp8.shifted(data, at, Shift(picture, base))) == len(data)


def test_only_a_key_frame_tells_its_size() -> None:
    frame = b"\x10\x00\x00\x9d\x01\x2a" + (1280).to_bytes(2, "little") + (720 | 1 << 14).to_bytes(2, "little")
    assert vp8.picture_size(packet(5, 6, 0, rest=frame), 0) == (1280, 720)
    assert vp8.picture_size(packet(5, 6, 0, rest=b"\x11" + frame[1:]), 0) is None
    assert vp8.picture_size(packet(5, 6, 0, rest=frame[:-1]), 0) is None
