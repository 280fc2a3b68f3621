"""Reads the block times of a Matroska file, whole or cut off, without libav: what a killed recorder left is measured by this.

Only what libavformat writes is understood (RFC 9559): one Segment with one track, time in ms, Clusters of known size,
SimpleBlocks and BlockGroups.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import IO

_SEGMENT, _CLUSTER, _TIMESTAMP = 0x18538067, 0x1F43B675, 0xE7
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xA3, 0xA0, 0xA1
_REFERENCE = 0xFB
_TRACKS, _TRACK, _CODEC_DELAY = 0x1654AE6B, 0xAE, 0x56AA
_KEY = 0x80
_UNKNOWN = (1 << 56) - 1


@dataclass(frozen=True, slots=True)
class _Element:
    identifier: int
    start: int
    end: int


def _number(file: IO[bytes], keep_marker: bool) -> int | None:
    """An EBML variable-length integer (RFC 8794 section 4), None at the end of the file."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    value = first[0] if keep_marker else first[0] & ((1 << (8 - length)) - 1)
    value = int.from_bytes(bytes([value]) + rest, "big")
    return _UNKNOWN if not keep_marker and value == (1 << (7 * length)) - 1 else value


def _elements(file: IO[bytes], start: int, end: int) -> Iterator[_Element]:
    """Elements from `start` up to `end`; the last one may reach beyond what the file holds."""
    while start < end:
        file.seek(start)
        identifier, size = _number(file, True), _number(file, False)
        if identifier is None or size is None:
            return
        body = file.tell()
        stop = end if size == _UNKNOWN else body + size
        yield _Element(identifier, body, stop)
        start = stop


def block_times_ms(path: Traversable) -> Iterator[int]:
    """Times of the complete blocks in file order, ms, as a player sees them: less the codec's delay (Opus: 7 ms)."""
    return (at_ms for at_ms, _is_key in _blocks(path))


def key_times_ms(path: Traversable) -> Iterator[int]:
    """The same of those blocks alone from which a decoder can begin."""
    return (at_ms for at_ms, is_key in _blocks(path) if is_key)


def _blocks(path: Traversable) -> Iterator[tuple[int, bool]]:
    delay_ms = 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for segment in _elements(file, 0, size):
            if segment.identifier != _SEGMENT:
                continue
            for part in _elements(file, segment.start, min(segment.end, size)):
                if part.identifier == _TRACKS:
                    delay_ms = _codec_delay_ms(file, part)
                elif part.identifier == _CLUSTER:
                    yield from ((at_ms - delay_ms, is_key) for at_ms, is_key in _cluster(file, part, size))


def _codec_delay_ms(file: IO[bytes], tracks: _Element) -> int:
    for track in _elements(file, tracks.start, tracks.end):
        for element in _elements(file, track.start, track.end) if track.identifier == _TRACK else ():
            if element.identifier == _CODEC_DELAY:
                file.seek(element.start)
                nanoseconds = int.from_bytes(file.read(element.end - element.start), "big")
                return (nanoseconds + 500_000) // 1_000_000
    return 0


def _cluster(file: IO[bytes], cluster: _Element, size: int) -> Iterator[tuple[int, bool]]:
    base = 0
    for element in _elements(file, cluster.start, min(cluster.end, size)):
        if element.end > size:
            return
        if element.identifier == _TIMESTAMP:
            file.seek(element.start)
            base = int.from_bytes(file.read(element.end - element.start), "big")
        elif element.identifier == _SIMPLE_BLOCK:
            relative, flags = _head(file, element.start)
            yield base + relative, bool(flags & _KEY)
        elif element.identifier == _BLOCK_GROUP:
            inside = list(_elements(file, element.start, element.end))
            is_key = all(inner.identifier != _REFERENCE for inner in inside)
            yield from ((base + _head(file, inner.start)[0], is_key) for inner in inside if inner.identifier == _BLOCK)


def _head(file: IO[bytes], start: int) -> tuple[int, int]:
    """Time relative to the cluster, ms, and flags."""
    file.seek(start)
    _number(file, False)  # the track's number
    return int.from_bytes(file.read(2), "big", signed=True), int.from_bytes(file.read(1), "big")
