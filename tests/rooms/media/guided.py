"""Fuzzing that follows what the code does (libFuzzer through atheris): ``python -m tests.rooms.media.guided [LIBFUZZER_OPTION...]``.

One input is a choice of parser and the bytes for it. A parser may raise ValueError for what it does not understand; anything else that
escapes ends the run with the input that did it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["rooms.media.forwarding", "rooms.recording"]):
    from rooms.media.forwarding import packets, sdp, vp8
    from rooms.media.forwarding.codecs import H264, VP8
    from rooms.media.forwarding.keys import PROFILES
    from rooms.media.forwarding.unprotection import Unprotection, opened
    from rooms.recording.h264 import H264Depacketiser
    from rooms.recording.opus import OpusDepacketiser, duration_us
    from rooms.recording.rtp import parse, parse_sender_report
    from rooms.recording.vp8 import Vp8Depacketiser

HEADER = bytes((0x80, 96)) + bytes(10)


def _rtp(data: bytes) -> None:
    """A whole packet, as it comes out of SRTP."""
    if len(data) < packets.HEADER:
        return
    data = bytes((0x80 | data[0] & 0x3F, data[1])) + data[2:]
    packets.extensions(data)
    packets.extension(data, data[1] & 0x0F or 1)
    plain = packets.without_extension(data)
    packets.payload_end(plain)
    original = packets.rtx_unwrap(data, 96, 7)
    if original is not None:
        packets.without_extension(original)


def _payload(data: bytes) -> None:
    """A payload of either codec."""
    packet = HEADER + data
    for codec in (VP8, H264):
        if codec.starts_key_frame is not None:
            codec.starts_key_frame(packet, packets.HEADER)
        if codec.picture_size is not None:
            codec.picture_size(packet, packets.HEADER)
    told = vp8.describe(packet, packets.HEADER)
    if told is not None:
        vp8.shifted(packet, packets.HEADER, vp8.Shift(5, 9))


def _rtcp(data: bytes) -> None:
    for _ in packets.parse_rtcp(data):
        pass


def _sdp(data: bytes) -> None:
    description = sdp.parse(data.decode("utf-8", "replace"))
    for section in description.sections:
        section.choose()


def _recorded(data: bytes) -> None:
    """Packets one after another, each after a byte of length, through the recorder's depacketisers."""
    takers = (Vp8Depacketiser(), H264Depacketiser(), OpusDepacketiser())
    at = 0
    while at < len(data):
        size = data[at]
        cut = data[at + 1 : at + 1 + size]
        at += 1 + size
        try:
            packet = parse(bytes((0x80 | cut[0] & 0x3F,)) + cut[1:2] + bytes(6) + cut[2:] if len(cut) > 2 else cut, 0)
        except ValueError:
            for taker in takers:
                taker.lose()
            continue
        for taker in takers:
            taker.push(packet)
        duration_us(packet.payload)
    parse_sender_report(data)


def _protected(data: bytes) -> None:
    """Datagrams one after another, each after a byte of length, that say that they are protected."""
    incoming = [Unprotection(profile, bytes(kind.key + kind.salt), own=True) for profile, kind in PROFILES.items()]
    at = 0
    while at < len(data):
        size = data[at]
        for each in incoming:
            opened(each, data[at + 1 : at + 1 + size])
        at += 1 + size


PARSERS: tuple[Callable[[bytes], None], ...] = (_rtp, _payload, _rtcp, _sdp, _recorded, _protected)


def one_input(data: bytes) -> None:
    """Give the bytes to the parser that the first one names."""
    if data:
        with suppress(ValueError):
            PARSERS[data[0] % len(PARSERS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
