"""One announced track on its way from packets to timed frames: jitter buffer, depacketiser, clock. No I/O.

Frames are held before they get their time, so that a delay at the start of a track, or after a silence, is known for
what it is: :data:`YOUNG_HOLD_US` there, :data:`HOLD_US` later on, since what is held is lost when the recorder is killed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rooms.recording.feed import Announcement
from rooms.recording.frame import Frame, Hole, Timed
from rooms.recording.gaps import GAP_US
from rooms.recording.h264 import H264Depacketiser
from rooms.recording.jitter import JitterBuffer, Loss
from rooms.recording.opus import OpusDepacketiser, duration_us
from rooms.recording.rtp import Packet, parse, parse_sender_report
from rooms.recording.timing import EndpointClock, TrackClock
from rooms.recording.vp8 import Vp8Depacketiser

YOUNG_HOLD_US = 500_000
HOLD_US = 200_000
KEY_FRAME_RETRY_US = 500_000
Depacketiser = OpusDepacketiser | Vp8Depacketiser | H264Depacketiser
CODECS: dict[str, Callable[[], Depacketiser]] = {"opus": OpusDepacketiser, "VP8": Vp8Depacketiser, "H264": H264Depacketiser}


class Track:
    """What the engine announced under one handle. `packets` counts those accepted, `lost` those never repaired."""

    def __init__(self, number: int, announcement: Announcement, endpoint_clock: EndpointClock) -> None:
        if announcement.codec not in CODECS:
            raise ValueError(f"codec {announcement.codec!r} cannot be recorded")
        self.number = number
        self.announcement = announcement
        self.key = (announcement.endpoint, announcement.source)
        self.video = announcement.codec != "opus"
        self.refused = 0
        self.seen_us = 0
        self._clock = TrackClock(announcement.clock_hz, endpoint_clock)
        self._jitter = JitterBuffer()
        self._depacketiser = CODECS[announcement.codec]()
        self._held: deque[Frame | Hole] = deque()
        self._waits_for_key = False
        self._whole_us = 0
        self._sound_us = 0
        self._asked_us = 0
        self._observed = -1

    @property
    def packets(self) -> int:
        """RTP packets accepted: no duplicates, none too late."""
        return self._jitter.accepted

    @property
    def lost(self) -> int:
        """RTP packets that never came."""
        return self._jitter.lost

    def take(self, datagram: bytes, arrival_us: int, start: int) -> None:
        """Take an RTP packet that begins at byte `start`; what is no packet of this track is counted in `refused`."""
        try:
            packet = parse(datagram, arrival_us, start)
        except ValueError:
            self.refused += 1
            return
        if packet.ssrc != self.announcement.ssrc or packet.payload_type != self.announcement.payload_type:
            self.refused += 1
        elif self._jitter.push(packet) and packet.timestamp != self._observed:
            self._observed = packet.timestamp  # the later packets of a frame can only have come later
            self._clock.observe(packet.timestamp, arrival_us)

    def report(self, datagram: bytes, start: int) -> None:
        """Take a sender report that begins at byte `start`."""
        try:
            report = parse_sender_report(datagram, start)
        except ValueError:
            self.refused += 1
            return
        if report.ssrc == self.announcement.ssrc:
            self._clock.report(report)

    def due(self, now_us: int) -> list[Timed | Hole]:
        """What is to be written at `now_us`, in order."""
        for item in self._jitter.pop(now_us):
            self._feed(item)
        return self._release(now_us - (YOUNG_HOLD_US if self._clock.is_young(now_us) else HOLD_US))

    def rest(self) -> list[Timed | Hole]:
        """All that is left, at once: the track or the recording ends here."""
        for item in self._jitter.flush():
            self._feed(item)
        return self._release(None)

    def _feed(self, item: Packet | Loss) -> None:
        if isinstance(item, Loss):
            self._depacketiser.lose()
            if self.video or item.packets * self._sound_us > GAP_US:
                self._missing("packet_loss")
            return
        if self._depacketiser.wants_key_frame and not self._waits_for_key:
            self._whole_us = item.arrival_us
            self._missing("key_frame")
        frame = self._depacketiser.push(item)
        if frame is not None:
            self._waits_for_key = False
            # In a pause (DTX) packets are far apart, and one that is lost is no more sound than another.
            self._sound_us = 0 if self.video else duration_us(frame.data)
            self._held.append(frame)
        elif self._depacketiser.wants_key_frame and not self._waits_for_key:
            self._missing("packet_loss")

    def _missing(self, cause: str) -> None:
        if not self._waits_for_key:
            self._held.append(Hole(cause, self._whole_us))
        self._waits_for_key = self._depacketiser.wants_key_frame

    def _release(self, until_us: int | None) -> list[Timed | Hole]:
        due: list[Timed | Hole] = []
        held = self._held
        while held:
            item = held[0]
            if isinstance(item, Hole):
                due.append(item)
            elif until_us is None or item.arrival_us <= until_us:
                due.append(self._timed(item))
            else:
                break
            held.popleft()
        return due

    def _timed(self, frame: Frame) -> Timed:
        length_us = 0 if self.video else duration_us(frame.data)
        wall_us = self._clock.wall_us(frame.timestamp, frame.arrival_us)
        self._whole_us = wall_us + length_us
        return Timed(wall_us, length_us, frame.key, frame.data, frame.size, frame.private)

    def wants_key_frame(self, now_us: int, every_us: int) -> bool:
        """Whether to ask the engine for a key frame now; asks again each 0.5 s while none came, else each `every_us`."""
        if not self.video or now_us - self._asked_us < (KEY_FRAME_RETRY_US if self._waits_for_key else every_us):
            return False
        self._asked_us = now_us
        return True

    def want_key_frame(self) -> None:
        """The file was interrupted: the next one must begin with a key frame."""
        if self.video:
            self._asked_us = 0

    def close(self) -> None:
        """Forget the clock. May be called twice."""
        self._clock.close()
