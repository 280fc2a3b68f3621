"""The media feed from the engine's workers to the recorder: Unix datagrams, one RTP or RTCP packet each.

Each worker sends to the recorder's socket, the recorder to the sockets of all. A handle is one worker's: its highest byte is the
worker's number. Datagrams either way begin with one type byte:

====  ================================  =======================================================================
byte  engine → recorder                 after the byte
====  ================================  =======================================================================
1     RTP packet, decrypted             handle uint32, arrival uint64 µs since the epoch, the packet (RFC 3550)
2     RTCP sender report                the same, one SR
3     track announced                   JSON, see :class:`Announcement`; again each second while the track is fed
4     track ended                       JSON {"handle", "sitting", "cause"}
====  ================================  =======================================================================

====  ================================  =======================================================================
byte  recorder → engine                 after the byte
====  ================================  =======================================================================
16    wants a sitting                   JSON {"sitting", "instance"}; again each 0.5 s while it records
17    wants a key frame                 JSON {"handle"}
====  ================================  =======================================================================

A new `instance` for a sitting makes the engine send again what it retained of each fed track: video from the last key
frame that is at least :data:`RETAIN_S` old, audio from :data:`RETAIN_S` ago (bounded by :data:`RETAIN_LIMIT_S` and
:data:`RETAIN_LIMIT_BYTES`). The recorder asks for a key frame each :data:`KEY_FRAME_EVERY_S`, so a killed recorder
that comes back loses nothing that reached the engine. What a track carried while it was not fed is never retained.

A Unix datagram socket may queue as few as eleven datagrams (``net.unix.max_dgram_qlen``, 10 by default): the recorder
reads at once whatever comes, and the engine connects its socket, keeps what the kernel refuses (EAGAIN) in a bounded
queue of its own and sends it when the socket is writable. Packets of one track may come late and out of order (repairs).
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass

RTP, SENDER_REPORT, ANNOUNCE, ENDED = 1, 2, 3, 4
WANT, KEY_FRAME = 16, 17
HEADER = struct.Struct("!BIQ")
RETAIN_S = 8.0
"""A killed recorder is back within this, on a busy machine too, and what it had not yet put on its disk counts as well."""
RETAIN_LIMIT_S = 30.0
RETAIN_LIMIT_BYTES = 32 << 20
KEY_FRAME_EVERY_S = 4.0
WANT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the recorder must know of a track before it can write it. `codec` is "opus", "VP8" or "H264"; `clock_hz` 48000 or 90000."""

    handle: int
    sitting: str
    endpoint: str
    source: str
    codec: str
    clock_hz: int
    payload_type: int
    ssrc: int


def pack_packet(kind: int, handle: int, arrival_us: int, packet: bytes | bytearray | memoryview) -> bytes:
    """A datagram of type :data:`RTP` or :data:`SENDER_REPORT`."""
    return HEADER.pack(kind, handle, arrival_us) + bytes(packet)


def pack_json(kind: int, fields: dict[str, object]) -> bytes:
    """A datagram of any of the JSON types."""
    return bytes([kind]) + json.dumps(fields, separators=(",", ":")).encode()


def pack_announcement(announcement: Announcement) -> bytes:
    """A datagram of type :data:`ANNOUNCE`."""
    return pack_json(ANNOUNCE, asdict(announcement))


def unpack_json(datagram: bytes) -> dict[str, object]:
    """Fields of a JSON datagram; raises ValueError if it is none."""
    fields = json.loads(datagram[1:])
    if not isinstance(fields, dict):
        raise ValueError(f"not an object: {datagram[:80]!r}")
    return fields
