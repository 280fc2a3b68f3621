"""How long packets take through an engine: from the moment they are sent until the kernel has them at a viewer's socket."""

from __future__ import annotations

import socket
import struct
from collections import defaultdict
from collections.abc import Sequence

from bench.load.traffic import Camera, Sender, drain, is_media

SO_TIMESTAMPNS = 35
_timespec = struct.Struct("@qq")


class Delays:
    """Reads the viewers' sockets; of `watched` it notes when each packet came. Streams are told apart by their sizes."""

    def __init__(self, watched: Sequence[socket.socket]) -> None:
        self._arrived: dict[int, dict[int, list[tuple[int, int]]]] = {sock.fileno(): defaultdict(list) for sock in watched}
        for sock in watched:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def take(self, sock: socket.socket, buffer: bytearray, count: bool) -> int:
        """All that waits at a socket; how many packets of media it was."""
        arrived = self._arrived.get(sock.fileno())
        if arrived is None:
            return drain(sock, buffer, count)
        packets = 0
        try:
            while True:
                size, ancillary, _, _ = sock.recvmsg_into([buffer], 64)
                if is_media(buffer, size):
                    seconds, nanoseconds = _timespec.unpack(ancillary[0][2])
                    arrived[size].append((buffer[2] << 8 | buffer[3], seconds * 1_000_000_000 + nanoseconds))
                    packets += 1
        except BlockingIOError:
            return packets

    def milliseconds(self, streams: dict[int, Sender | Camera], since: float) -> list[float] | None:
        """The delays of what was sent from the share `since` of each stream on; `streams` by size of their datagrams. None if a
        packet was lost, since then it is not known which is which."""
        found: list[float] = []
        for by_size in self._arrived.values():
            if by_size.keys() != streams.keys():
                return None
            for size, stream in streams.items():
                came, sent = by_size[size], stream.sent_at
                if len(came) != len(sent):
                    return None
                first = came[0][0]
                for seq, at in came:
                    index = (seq - first) & 0xFFFF
                    if index >= len(sent):
                        return None
                    if index >= since * len(sent):
                        found.append((at - sent[index]) / 1e6)
        return found
