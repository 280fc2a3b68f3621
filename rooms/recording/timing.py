"""When was it made? RTP timestamps to wall-clock time, without I/O.

A packet cannot arrive before it was made, so the smallest (arrival − RTP time) of the last :data:`WINDOW_S` seconds is
the sender's clock seen through the shortest delay. Sender reports then tie the tracks of one endpoint to one clock
(RFC 3550 section 6.4.4), so that its picture and its sound share one delay. The offset in use follows slowly, because
timestamps that jump are heard.
"""

from __future__ import annotations

from rooms.recording.rtp import SenderReport, Unwrapper

WINDOW_S = 10
BREAK_US = 500_000
"""A silence this long on the wire: the sender may have stopped its RTP clock meanwhile, so the offset is found anew."""
RAN_ON_US = 150_000
"""After a silence the sender's clock is as it was if it is no further off than this, which is less than any such silence."""
JUMP_US = 5_000_000
STEP_US = 150_000
"""A larger correction is made at once; a smaller one at :data:`SLEW`."""
SLEW = 0.01
YOUNG_US = 2_000_000
"""So long after its beginning, or a break, the shortest delay of a track may still be found too long."""
STALL_US = 50_000
"""Sender reports that differ by more: the sender made no sound or picture meanwhile, and its RTP clock stood still."""
MOST_SKEW_US = 500_000
"""A sender report that claims a larger difference between two tracks of one endpoint is not believed."""


class EndpointClock:
    """The clock that an endpoint's sender reports speak of, shared by its tracks."""

    def __init__(self) -> None:
        self.tracks: list[TrackClock] = []

    def delay_us(self) -> int | None:
        """Shortest (arrival − sender's clock) among the tracks that have both; None if none has."""
        return min((t.arrival_offset_us - t.report_offset_us for t in self.tracks if t.report_offset_us is not None), default=None)


class TrackClock:
    """`observe` each packet, `report` each sender report, ask `wall_us` for frames in order, a moment later.

    Call :meth:`close` when the track ends, so that its endpoint's clock forgets it.
    """

    def __init__(self, clock_hz: int, endpoint: EndpointClock) -> None:
        self.arrival_offset_us = 0
        self.report_offset_us: int | None = None
        self._hz = clock_hz
        self._unwrap = Unwrapper(32)
        self._buckets: dict[int, int] = {}
        self._last_arrival_us = 0
        self._last_offset_us = 0
        self._break_us = self._since_us = 0
        self._offset_us: float | None = None
        self._slewed_us = 0
        self._endpoint = endpoint
        endpoint.tracks.append(self)

    def observe(self, timestamp: int, arrival_us: int) -> None:
        """A packet with RTP `timestamp` arrived."""
        offset = arrival_us - self._unwrap(timestamp) * 1_000_000 // self._hz
        if not self._buckets:
            self._since_us = arrival_us
        elif (arrival_us - self._last_arrival_us > BREAK_US and not self._went_on(offset)) or abs(offset - self._last_offset_us) > JUMP_US:
            self._break(arrival_us)
        self._last_arrival_us = max(self._last_arrival_us, arrival_us)
        self._last_offset_us = offset
        bucket = arrival_us // 1_000_000
        known = self._buckets.get(bucket)
        if known is None:
            self._buckets[bucket] = offset
            if len(self._buckets) > WINDOW_S:
                del self._buckets[min(self._buckets)]
            self.arrival_offset_us = min(self._buckets.values())
        elif offset < known:
            self._buckets[bucket] = offset
            self.arrival_offset_us = min(self._buckets.values())

    def _went_on(self, offset: int) -> bool:
        """Whether the sender's clock showed the time that passed: a pause of speech (DTX), in which nothing was to be sent."""
        return abs(offset - self._last_offset_us) < RAN_ON_US

    def _break(self, arrival_us: int) -> None:
        if self._offset_us is None:
            self._offset_us = self._target_us()
        self._buckets.clear()
        self.report_offset_us = None
        self._break_us = self._since_us = arrival_us

    def is_young(self, now_us: int) -> bool:
        """Whether the track began, or went on after a break, less than :data:`YOUNG_US` ago."""
        return now_us - self._since_us < YOUNG_US

    def report(self, report: SenderReport) -> None:
        """The sender says what its clock showed at an RTP timestamp."""
        if not self._buckets:
            return
        former, offset = self.report_offset_us, report.ntp_us - self._unwrap.near(report.timestamp) * 1_000_000 // self._hz
        self.report_offset_us = offset
        if former is not None and offset - former > STALL_US:
            # Arrivals before the clock stood still are no measure of those after it. A report that is wrong does no harm: the next
            # packets show the shorter delay again, before any frame is placed by it.
            self._buckets = {second: known + offset - former for second, known in self._buckets.items()}
            self.arrival_offset_us = min(self._buckets.values())

    def _target_us(self) -> int:
        arrival = self.arrival_offset_us
        delay = self._endpoint.delay_us()
        if self.report_offset_us is None or delay is None:
            return arrival
        reported = self.report_offset_us + delay
        return reported if 0 <= arrival - reported <= MOST_SKEW_US else arrival

    def wall_us(self, timestamp: int, arrival_us: int) -> int:
        """When the frame with RTP `timestamp`, complete at `arrival_us`, was made: µs since the epoch."""
        media_us = self._unwrap.near(timestamp) * 1_000_000 // self._hz
        offset_us = self._offset_us
        if offset_us is None or arrival_us >= self._break_us:
            offset_us = self._offset_us = self._followed(offset_us, self._target_us(), media_us)
        return media_us + round(offset_us)

    def _followed(self, offset_us: float | None, target_us: int, media_us: int) -> float:
        elapsed = media_us - self._slewed_us
        self._slewed_us = media_us
        if offset_us is None or abs(target_us - offset_us) > STEP_US:
            return target_us
        most = max(elapsed, 0) * SLEW
        return offset_us + max(-most, min(most, target_us - offset_us))

    def close(self) -> None:
        """Leave the endpoint's clock. May be called twice."""
        if self in self._endpoint.tracks:
            self._endpoint.tracks.remove(self)
