"""Redundant audio in bytes (RFC 2198): what is packed comes out again, nonsense is refused, and only a lossy path is worth it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding.red import CLEAN_S, LONG_MS, MOST_LENGTH, MOST_OFFSET, Block, Redundancy, earlier, pack, unpack

OPUS, RED = 111, 63


def opus(seq: int, timestamp: int, sound: bytes, marker: int = 0) -> bytes:
    return struct.pack("!BBHII", 0x80, marker << 7 | OPUS, seq & 0xFFFF, timestamp & 0xFFFFFFFF, 7) + sound


def sent(packet: bytes) -> bytes:
    """As it goes out."""
    return packet[:1] + bytes((packet[1] & 0x80 | RED,)) + packet[2:]


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(1, MOST_OFFSET),
    st.binary(min_size=1, max_size=300),
    st.binary(max_size=1100),
)
def test_what_is_packed_is_there_again_with_the_one_before(seq: int, timestamp: int, offset: int, sound: bytes, former: bytes) -> None:
    before, packet = opus(seq - 1, timestamp - offset, former), opus(seq, timestamp, sound, marker=1)
    plain, blocks = unpack(sent(pack(packet, before, OPUS)), OPUS)
    assert plain == packet
    if 0 < len(former) <= MOST_LENGTH:
        (block,) = blocks
        assert earlier(plain, block, 1) == before
    else:
        assert blocks == []


def test_what_is_too_long_ago_is_left_out() -> None:
    packet = opus(5, 100_000, b"new")
    for before in (None, opus(4, 100_000 - MOST_OFFSET - 1, b"old"), opus(4, 100_000, b"old")):
        assert unpack(sent(pack(packet, before, OPUS)), OPUS) == (packet, [])


def test_an_extension_is_kept_and_padding_is_not() -> None:
    extension = b"\xbe\xde\x00\x01\x10\x2a\x00\x00"
    whole = b"\xb0" + sent(opus(9, 960, b""))[1:] + extension + bytes((0x80 | OPUS,)) + (960 << 10 | 3).to_bytes(3, "big")
    plain, blocks = unpack(whole + bytes((OPUS,)) + b"oldnew" + b"\x00\x02", OPUS)
    assert plain == b"\x90" + opus(9, 960, b"")[1:] + extension + b"new"
    assert blocks == [Block(960, OPUS, b"old")]


@given(st.binary(max_size=60))
def test_nonsense_is_refused_or_read(payload: bytes) -> None:
    try:
        plain, blocks = unpack(sent(opus(1, 2, payload)), OPUS)
    except ValueError:
        return
    assert len(plain) + sum(len(block.sound) + 4 for block in blocks) + 1 == 12 + len(payload)


@pytest.mark.parametrize(
    "payload", [b"", bytes((0x80 | OPUS, 0)), bytes((0x80 | OPUS, 0, 4, 9, OPUS)), b"\x01xyz", bytes((0x80 | OPUS, 0, 0, 0)) * 9]
)
def test_what_is_cut_or_of_another_codec_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="redundant audio"):
        unpack(sent(opus(1, 2, payload)), OPUS)


def test_a_path_that_loses_is_worth_it_soon_and_for_a_while() -> None:
    redundancy = Redundancy()
    assert not any(redundancy.worth_it(0.004, 300.0, float(second)) for second in range(60))
    assert redundancy.worth_it(0.1, 300.0, 60.0)
    clean = [redundancy.worth_it(0.0, 300.0, 61.0 + second) for second in range(60)]
    assert clean[: int(CLEAN_S)] == [True] * int(CLEAN_S)
    assert not clean[-1]


def test_on_a_short_path_what_is_lost_is_sent_again_in_time() -> None:
    redundancy = Redundancy()
    assert not any(redundancy.worth_it(0.2, LONG_MS - 1, float(second)) for second in range(60))
