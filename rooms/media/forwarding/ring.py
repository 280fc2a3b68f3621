"""The last packets of one incoming stream, as they were sent on: for whoever asks for one again, or comes while a picture goes on.

Machine code puts into it what passes without Python (:func:`native.receiving.keep`), at no more than one copy of its bytes; the rest is put
in here. Both keep the same books.
"""

from __future__ import annotations

import mmap

from . import adapter
from .native import layout
from .native.layout import KEPT, PLACE, RING_PLACES, word, words

#: Bytes for sound, for a picture, and for the smaller layers of one: some seconds at their usual rates, more than one at their highest.
SOUND, PICTURE, SMALLER = 64 << 10, 640 << 10, 256 << 10

_WIDTH, _PLACES = word(PLACE), word(RING_PLACES)
_NUMBER, _AT, _SIZE, _REAL_US, _NS, _LEVEL = map(
    word, (layout.PLACE_NUMBER, layout.PLACE_AT, layout.PLACE_SIZE, layout.PLACE_REAL_US, layout.PLACE_NS, layout.PLACE_LEVEL)
)
_PUT = word(layout.RING_PUT)


class Ring:
    """The last packets, :data:`layout.KEPT` at most, as many of them as `octets` hold. Numbers are sequence numbers of 16 bits."""

    __slots__ = ("_data", "_octets", "_row", "address")

    def __init__(self, octets: int) -> None:
        self._octets = octets
        # Of an anonymous mapping only the pages that are used take memory.
        self._data = mmap.mmap(-1, octets, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._row = words(_PLACES + _WIDTH * KEPT)
        self._row[word(layout.RING_OCTETS)] = octets
        self._row[word(layout.RING_DATA)] = adapter.memory_address(self._data)
        #: What machine code knows it by, for as long as it lives.
        self.address = adapter.memory_address(self._row)

    def put(self, number: int, packet: bytes) -> None:
        """Keep a packet."""
        row, octets, size = self._row, self._octets, len(packet)
        put = row[_PUT]
        start = put % octets
        if start + size > octets:
            put, start = put + octets - start, 0
        self._data[start : start + size] = packet
        place = self._place(number)
        row[place + _NUMBER], row[place + _AT], row[place + _SIZE] = number + 1, put, size
        row[_PUT] = put + size

    def had(self, number: int) -> bool:
        """Whether it was put in here, as one of the last :data:`layout.KEPT` numbers, though its bytes may be gone."""
        return self._row[self._place(number) + _NUMBER] == number + 1

    def get(self, number: int, most: int = layout.MAX_PACKET) -> bytes | None:
        """The packet, or its first bytes, `most` of them, if it is still kept."""
        row, place = self._row, self._place(number)
        if row[place + _NUMBER] != number + 1 or row[_PUT] - row[place + _AT] > self._octets:
            return None
        start = row[place + _AT] % self._octets
        return self._data[start : start + min(row[place + _SIZE], most)]

    # -- of what passed without Python

    def came_us(self, number: int) -> int:
        """When it came, microseconds since 1970."""
        return self._row[self._place(number) + _REAL_US]

    def came_ns(self, number: int) -> int:
        """When it came, nanoseconds of the monotonic clock."""
        return self._row[self._place(number) + _NS]

    def level(self, number: int) -> int | None:
        """How loud it said that it is (RFC 6464), 0 to 127 -dBov; None if it did not."""
        level = self._row[self._place(number) + _LEVEL]
        return level if level >= 0 else None

    @staticmethod
    def _place(number: int) -> int:
        return _PLACES + _WIDTH * (number & (KEPT - 1))
