"""H.264 from RTP packets to access units (RFC 6184, packetization mode 1), without decoding.

An access unit is given out as Matroska holds it: each NAL unit behind its length in 4 bytes (ISO/IEC 14496-15). Parameter
sets come in band; they stay where they are, and make the CodecPrivate of the file as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rooms.recording.frame import Frame
from rooms.recording.rtp import Packet

IDR, SPS, PPS, DELIMITER = 5, 7, 8, 9
"""NAL unit types (ITU-T H.264 table 7-1)."""
STAP_A, FU_A = 24, 28
LARGEST = 16_384
_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})


def kind_of(unit: bytes) -> int:
    """The type of a NAL unit. Raises ValueError for an empty one."""
    if not unit:
        raise ValueError("empty NAL unit")
    return unit[0] & 0x1F


def units_of(payload: bytes) -> Iterator[bytes]:
    """The whole NAL units in a payload that is no fragment (RFC 6184 sections 5.6 and 5.7.1). Raises ValueError."""
    kind = kind_of(payload)
    if 0 < kind < STAP_A:
        yield payload
        return
    if kind != STAP_A:
        raise ValueError(f"NAL unit type {kind} has no place in packetization mode 1")
    at = 1
    while at < len(payload):
        end = at + 2 + int.from_bytes(payload[at : at + 2], "big")
        if end > len(payload) or end == at + 2:
            raise ValueError("STAP-A is cut")
        yield payload[at + 2 : end]
        at = end


class H264Depacketiser:
    """The H.264 side of :class:`rooms.recording.vp8.Vp8Depacketiser`: after a loss nothing passes until the next IDR picture.

    Nothing in a packet tells that an access unit begins with it. After a loss one is begun only where that is certain: at
    a parameter set or a delimiter, or behind the end of one that was passed over.
    """

    def __init__(self) -> None:
        self.wants_key_frame = True
        self.dropped_frames = 0
        self._units: list[bytes] = []
        self._fragments: list[bytes] = []
        self._timestamp = 0
        self._may_begin = False
        self._passed_over: int | None = None
        self._sets: list[bytes] = []

    def push(self, packet: Packet) -> Frame | None:
        """Take the next packet in order; the access unit it completes, if it may pass."""
        if not packet.payload:
            return None  # a probe of padding: counts for the sequence, carries nothing
        if self._open and packet.timestamp != self._timestamp:
            self.lose()  # the one before never ended; nothing lies between, so another begins
            self._may_begin = True
        if not self._open and not self._begins(packet):
            self._pass_over(packet)
            return None
        self._timestamp = packet.timestamp
        try:
            self._take(packet.payload)
            return self._finish(packet) if packet.marker else None
        except ValueError:
            self.lose()
            self._pass_over(packet)
            return None

    def lose(self) -> None:
        """Packets are missing here: what was begun is dropped."""
        self.dropped_frames += self._open
        self._units, self._fragments = [], []
        self.wants_key_frame = True
        self._may_begin, self._passed_over = False, None

    @property
    def _open(self) -> bool:
        return bool(self._units or self._fragments)

    def _begins(self, packet: Packet) -> bool:
        if self._may_begin or (self._passed_over is not None and packet.timestamp != self._passed_over):
            return True
        first = packet.payload[3:4] if kind_of(packet.payload) == STAP_A else packet.payload[:1]
        return bool(first) and kind_of(first) in (SPS, DELIMITER)

    def _pass_over(self, packet: Packet) -> None:
        self._may_begin, self._passed_over = packet.marker, packet.timestamp

    def _take(self, payload: bytes) -> None:
        if kind_of(payload) == FU_A:
            self._fragment(payload)
        elif self._fragments:
            raise ValueError("a fragmented NAL unit has no end")
        else:
            self._units += units_of(payload)

    def _fragment(self, payload: bytes) -> None:
        """RFC 6184 section 5.8."""
        if len(payload) < 3:
            raise ValueError("FU-A is cut")
        header, starts, ends = payload[1], payload[1] & 0x80, payload[1] & 0x40
        if bool(starts) == bool(self._fragments):
            raise ValueError("fragments of a NAL unit do not fit together")
        if starts:
            self._fragments.append(bytes([payload[0] & 0xE0 | header & 0x1F]))
        self._fragments.append(payload[2:])
        if ends:
            self._units.append(b"".join(self._fragments))
            self._fragments = []

    def _finish(self, packet: Packet) -> Frame | None:
        if self._fragments:
            raise ValueError("a fragmented NAL unit has no end")
        units, self._units = self._units, []
        self._may_begin, self._passed_over = True, None
        kinds = [kind_of(unit) for unit in units]
        self._remember([unit for unit, kind in zip(units, kinds, strict=True) if kind in (SPS, PPS)])
        size, private = None, b""
        if IDR in kinds and {kind_of(unit) for unit in self._sets} == {SPS, PPS}:
            size, private = picture_size(self._sets[0]), configuration(self._sets)
            self.wants_key_frame = False
            if SPS not in kinds:  # sent once and for all: a key frame has to be whole by itself
                units = [*self._sets, *units]
        elif self.wants_key_frame:
            self.dropped_frames += 1
            return None
        data = b"".join(part for unit in units for part in (len(unit).to_bytes(4, "big"), unit))
        return Frame(self._timestamp, packet.arrival_us, size is not None, data, size, private)

    def _remember(self, sets: list[bytes]) -> None:
        """A sequence parameter set begins a new collection; picture parameter sets alone join the one that is."""
        if any(kind_of(unit) == SPS for unit in sets):
            self._sets = sorted(sets, key=kind_of)
        else:
            self._sets += [unit for unit in sets if unit not in self._sets]


def configuration(sets: Sequence[bytes]) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1) of parameter sets, sequence before picture."""
    sequence = [unit for unit in sets if kind_of(unit) == SPS][:31]
    picture = [unit for unit in sets if kind_of(unit) == PPS][:255]
    head = b"\x01" + sequence[0][1:4] + b"\xff" + bytes([0xE0 | len(sequence)])
    return head + _listed(sequence) + bytes([len(picture)]) + _listed(picture)


def _listed(units: Sequence[bytes]) -> bytes:
    return b"".join(part for unit in units for part in (len(unit).to_bytes(2, "big"), unit))


class _Bits:
    """Reads a raw byte sequence payload bit by bit (ITU-T H.264 sections 7.3.1 and 9.1). Raises ValueError at its end."""

    def __init__(self, unit: bytes) -> None:
        data = unit[1:].replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("parameter set is cut")
        return self._value >> self._left & (1 << count) - 1

    def number(self) -> int:
        """ue(v)"""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("parameter set holds no number where one belongs")
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """se(v)"""
        number = self.number()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def picture_size(unit: bytes) -> tuple[int, int]:
    """Width and height that a sequence parameter set announces (ITU-T H.264 section 7.3.2.1.1). Raises ValueError."""
    read = _Bits(unit)
    profile = read.bits(24) >> 16
    read.number()
    chroma = 1
    if profile in _WITH_CHROMA:
        chroma = _chroma(read)
    read.number()
    _order_of_pictures(read)
    read.number()
    read.bits(1)
    width, height = 16 * (read.number() + 1), 16 * (read.number() + 1)
    fields = 1 - read.bits(1)
    height <<= fields
    read.bits(1 + fields)
    if read.bits(1):
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) << fields
        width -= across * (read.number() + read.number())
        height -= down * (read.number() + read.number())
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise ValueError(f"picture of {width} x {height}")
    return width, height


def _chroma(read: _Bits) -> int:
    chroma = read.number()
    if chroma == 3:
        read.bits(1)
    read.number()
    read.number()
    read.bits(1)
    if read.bits(1):
        for index in range(12 if chroma == 3 else 8):
            if read.bits(1):
                _scaling_list(read, 16 if index < 6 else 64)
    return chroma


def _scaling_list(read: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + read.signed()) % 256
        last = following or last


def _order_of_pictures(read: _Bits) -> None:
    kind = read.number()
    if kind == 0:
        read.number()
    elif kind == 1:
        read.bits(1)
        read.signed()
        read.signed()
        for _ in range(min(read.number(), 255)):
            read.signed()
