"""One Matroska file of one track, written by libavformat without encoding. Everything here runs on a disk thread.

Two muxer options keep what is readable after SIGKILL close to what was sent: short clusters, each flushed when it ends.
After a failed write the file is cut back to its last whole cluster, which keeps it readable too.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from rooms.recording.frame import Timed
from rooms.recording.rolling import Rolling, Row, row_of

MILLISECOND = Fraction(1, 1000)
CLUSTER_MS = 250
READ_BYTES = 1 << 20


class _Output:
    """The file as libavformat sees it. After `dead` is set it swallows everything; while `holding`, what it rewrites is kept back.

    Its first write is the head, which it rewrites when it closes the file; all else it appends, and `rolling` goes along.
    """

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640)
        self.size = 0
        self.dead = False
        self.holding = False
        self.head = bytearray()
        self.rolling: Rolling | None = Rolling()
        """None once something else than the head was rewritten: the digests are then to be read from the file"""
        self._at = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        length = len(view)
        if not self.dead:
            if not (self.holding and self._at + length <= len(self.head)):
                self.put(view, self._at)
            self._follow(view, self._at)
        self._at += length
        self.size = max(self.size, self._at)
        return length

    def put(self, data: memoryview, at: int) -> None:
        """Onto the disk. Raises OSError."""
        done = 0
        while done < len(data):
            done += os.pwrite(self.fd, data[done:], at + done)

    def _follow(self, data: memoryview, at: int) -> None:
        if not self.size:
            self.head[:] = data
        elif at + len(data) <= len(self.head):
            self.head[at : at + len(data)] = data
        elif at == self.size and self.rolling is not None:
            self.rolling.add(data)
        else:
            self.rolling = None

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True


class Segment:
    """An open segment. `start_us` is the wall-clock time of timestamp 0, `end_us` the end of the last frame.

    When a file was cut back, `frames` and `end_us` tell what is left.
    """

    def __init__(self, path: Path, codec: str, first: Timed) -> None:
        import av  # 0.15 s that the start of the recorder need not wait for

        self.path = path
        self.start_us = self.end_us = first.wall_us
        self.frames = 0
        self.bytes = 0
        self.broken = False
        self._last_ms = -1
        self._one_size = first.size if codec == "H264" else None
        self._packet = av.Packet
        self._output = _Output(path)
        self._good = (0, 0, first.wall_us)  # bytes on the disk, the frames in them, and where those end
        self._handed = (0, first.wall_us)  # frames that libavformat has written out when it writes, and where those end
        self._lags = codec == "opus"  # it keeps a packet of sound back until the next one
        options = {"flush_packets": "1", "cluster_time_limit": str(CLUSTER_MS)}
        self._container = av.open(self._output, mode="w", format="matroska", options=options)
        if codec == "opus":
            self._stream: Any = self._container.add_stream("libopus", rate=48_000)
        elif codec == "H264":
            self._stream = _h264_stream(self._container, first)
        else:
            width, height = first.size or (640, 360)
            self._stream = self._container.add_mux_stream("vp8", width=width, height=height)
        self._stream.time_base = MILLISECOND

    def holds(self, frame: Timed) -> bool:
        """Whether `frame` may be appended: the size of an H.264 picture stands in the head of its file, VP8's in each key frame."""
        return not frame.key or self._one_size in (None, frame.size)

    def append(self, frame: Timed) -> None:
        """Append the next frame. Raises OSError; the segment is then broken and must be closed."""
        try:
            self._append(frame)
        except OSError:
            self.broken = True
            raise

    def _append(self, frame: Timed) -> None:
        at_ms = max((frame.wall_us - self.start_us + 500) // 1000, self._last_ms + 1)
        packet = self._packet(frame.data)
        packet.stream = self._stream
        packet.time_base = MILLISECOND
        packet.pts = packet.dts = at_ms
        if frame.duration_us >= 1000:
            packet.duration = frame.duration_us // 1000
        packet.is_keyframe = frame.key
        self._container.mux_one(packet)
        if self._output.size != self._good[0]:  # this frame began a cluster, so the one before went out
            self._good = (self._output.size, *(self._handed if self._lags else (self.frames, self.end_us)))
        self._handed = self.frames, self.end_us
        self._last_ms = at_ms
        self.frames += 1
        self.bytes += len(frame.data)
        self.end_us = max(self.end_us, self.start_us + at_ms * 1000 + frame.duration_us)

    def sync(self) -> None:
        """What the kernel has of this file is on the disk when this returns. Raises OSError."""
        os.fdatasync(self._output.fd)

    def rolled(self, closed: bool = False) -> Row:
        """The digests of what was handed to the kernel up to now. Raises OSError where they have to be read from the file."""
        output = self._output
        rolling = output.rolling
        if rolling is None:
            rolling = self._read(output.size)
        return row_of(f"tracks/{self.path.name}", rolling, bytes(output.head), closed)

    def _read(self, size: int) -> Rolling:
        rolling = Rolling()
        at = len(self._output.head)
        while at < size and (chunk := os.pread(self._output.fd, min(READ_BYTES, size - at), at)):
            rolling.add(chunk)
            at += len(chunk)
        return rolling

    def close(self, closing: Callable[[Row], None] = lambda _row: None) -> None:
        """Write the index and close; a broken file is cut back to its last whole cluster instead. Raises OSError of the last write.

        `closing` is told the last digests when everything but the new head is on the disk: a kill before it is written leaves
        the old one, a kill after it the new one, and both are written down.
        """
        output = self._output
        try:
            if self.broken:
                self._abandon(closing)
                return
            try:
                output.holding = True
                self._container.close()
                os.fdatasync(output.fd)
                closing(self.rolled(closed=True))
                output.put(memoryview(output.head), 0)
                os.fdatasync(output.fd)
            except OSError:
                self.broken = True
                self._abandon(closing)
                raise
        finally:
            with contextlib.suppress(OSError):
                os.close(output.fd)

    def given_up(self) -> None:
        """Its disk hangs: nothing more is asked of it, and what counts is what went out before. The file stays open."""
        self._output.dead = True
        _, self.frames, self.end_us = self._good

    def _abandon(self, closing: Callable[[Row], None]) -> None:
        output = self._output
        output.dead = True
        with contextlib.suppress(Exception):  # the muxer only complains about what is known to be broken
            self._container.close()
        with contextlib.suppress(OSError):
            output.head[:] = os.pread(output.fd, min(len(output.head), self._good[0]), 0)
            closing(row_of(f"tracks/{self.path.name}", self._read(self._good[0]), bytes(output.head), closed=True))
        with contextlib.suppress(OSError):
            os.ftruncate(output.fd, self._good[0])
        _, self.frames, self.end_us = self._good


def _h264_stream(container: Any, first: Timed) -> Any:
    """A stream with the CodecPrivate of `first`. PyAV takes one only from another file's stream: the head of an FLV is the shortest."""
    import av

    configuration = b"\x17" + bytes(4) + first.private
    tag = b"\x09" + len(configuration).to_bytes(3, "big") + bytes(7) + configuration
    head = b"FLV\x01\x01" + (9).to_bytes(4, "big") + bytes(4) + tag + len(tag).to_bytes(4, "big")
    with av.open(io.BytesIO(head), format="flv") as model:
        stream = container.add_stream_from_template(model.streams.video[0], opaque=True)
    stream.width, stream.height = first.size or (640, 360)
    stream.pix_fmt = "yuv420p"
    return stream
