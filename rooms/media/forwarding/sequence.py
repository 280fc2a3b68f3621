"""Sequence numbers and timestamps: what arrived, what is missing, and how they are renumbered. Pure.

Times are seconds of any monotonic clock and are passed in. "Extended" numbers (RFC 3550 section 6.4.1) do not wrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ring import Ring

#: A jump further than this, either way, is a sender that began anew (RFC 3550 appendix A.1, MAX_DROPOUT).
MAX_JUMP = 3000
#: How often a lost packet is asked for, where much is lost and elsewhere, and how long, before a key frame is asked for instead.
MAX_TRIES_LOSSY, MAX_TRIES = 30, 10
GIVE_UP_S = 1.0
#: A gap wider than this is not repaired packet by packet.
MAX_GAP = 250
#: Round trips until a packet is asked for again. What was only late comes twice then; what was lost twice must not wait.
RETRY_ROUNDS = 1.2
#: Where much is lost they are half of one: Chromium sends a packet once in what it takes for a round trip, whoever asks, and leaves
#: unheard what asks sooner. With jitter that is more than ours: one request a round is heard in every second only, and two answers lost
#: are a picture that stands still.
LOSSY_ROUNDS = 0.5
#: Retries are never closer than this, whatever the round trip.
MIN_RETRY_S = 0.02
DEFAULT_RTT_S = 0.1
#: Where much is lost the request is lost as well: it is sent once more after this. A sender answers only one of the two, as both
#: come within a round trip. A picture's packet that is sent again goes out once more so much later too: losses of a radio come in bursts.
ECHO_S = 0.02
#: Stretches remembered in which packets can be found again, and those of them that may be of former streams.
SPANS, OTHER_SPANS = 64, 4
#: Less than this between timestamps and arrivals is jitter.
STOOD_STILL_S = 0.1


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """One report block (RFC 3550 section 6.4.1). `jitter` is in clock units."""

    fraction_lost: int
    lost: int
    highest: int
    jitter: int


class Reception:
    """Counts one incoming stream as RFC 3550 appendix A does. Retransmissions are counted apart, so that loss is true."""

    __slots__ = ("_clock_hz", "_jitter", "_reported_expected", "_reported_received", "_transit", "base", "highest", "received", "repaired")

    def __init__(self, clock_hz: int) -> None:
        self._clock_hz = clock_hz
        self._jitter = 0.0
        self._transit: float | None = None
        self._reported_expected = 0
        self._reported_received = 0
        self.base = 0
        self.highest = -1
        self.received = 0
        self.repaired = 0

    def extend(self, seq: int) -> int:
        """The extended number of a 16-bit one, near the highest so far."""
        if self.highest < 0:
            return seq + 0x10000
        return self.highest + ((seq - self.highest + 0x8000) & 0xFFFF) - 0x8000

    def restarts(self, extended: int) -> bool:
        """True if the packet is so far away that the sender must have begun anew."""
        return self.highest >= 0 and abs(extended - self.highest) > MAX_JUMP

    def restart(self) -> None:
        """Forget the numbers, for a sender that began anew."""
        self.__init__(self._clock_hz)  # type: ignore[misc]

    def arrived(self, extended: int, timestamp: int, now: float) -> None:
        """Count a packet that came by itself (no retransmission)."""
        if self.highest < 0:
            self.base = self.highest = extended
        elif extended > self.highest:
            self.highest = extended
        self.received += 1
        transit = now * self._clock_hz - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            # A wrapped timestamp or a long pause is no jitter.
            if difference < self._clock_hz:
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def followed(self, count: int, timestamp: int, now: float, jitter: float) -> None:
        """Count so many packets after the highest one, none missing: the timestamp of the last and when it came, and the jitter after it
        (ticks), which somebody else reckoned from :attr:`jitter` on."""
        self.highest += count
        self.received += count
        self._transit, self._jitter = now * self._clock_hz - timestamp, jitter

    @property
    def jitter(self) -> float:
        """Ticks."""
        return self._jitter

    def overtaken(self) -> None:
        """What was counted as repaired came by itself too: it was late and not lost."""
        self.repaired -= 1
        self.received += 1

    @property
    def expected(self) -> int:
        return self.highest - self.base + 1 if self.highest >= 0 else 0

    @property
    def lost(self) -> int:
        """Packets lost on the way, repaired or not; never negative."""
        return max(0, self.expected - self.received)

    @property
    def unrepaired(self) -> int:
        return max(0, self.expected - self.received - self.repaired)

    @property
    def jitter_ms(self) -> float:
        return self._jitter * 1000 / self._clock_hz

    def report(self) -> ReceptionReport:
        """The report since the last one."""
        expected = self.expected - self._reported_expected
        received = self.received - self._reported_received
        self._reported_expected, self._reported_received = self.expected, self.received
        lost = expected - received
        fraction = min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
        return ReceptionReport(fraction, min(self.lost, 0x7FFFFF), self.highest & 0xFFFFFFFF, int(self._jitter))


@dataclass(slots=True)
class _Missing:
    since: float
    tries: int = 0
    next_at: float = 0.0
    echo_at: float = float("inf")


class LossList:
    """The packets of one incoming stream that are asked for again."""

    __slots__ = ("_answered", "_missing", "rtt_s")

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self._answered: dict[int, None] = {}
        self.rtt_s = DEFAULT_RTT_S

    def __len__(self) -> int:
        return len(self._missing)

    def gap(self, first: int, after: int, now: float) -> bool:
        """The packets from `first` to before `after` did not come. False if they are too many to ask for."""
        if after - first > MAX_GAP or len(self._missing) + after - first > 2 * MAX_GAP:
            self._missing.clear()
            return False
        for number in range(first, after):
            self._missing[number] = _Missing(now, next_at=now)
        return True

    def arrived(self, number: int, now: float, original: bool = False) -> bool:
        """True if this is the packet's retransmission, as far as is known: it was asked for.

        `original`: it is known to be the packet itself, which others overtook.
        """
        missing = self._missing.pop(number, None)
        if missing is None or missing.tries == 0 or original:
            return False
        self._answered[number] = None
        if len(self._answered) > MAX_GAP:
            del self._answered[next(iter(self._answered))]
        if missing.tries == 1:
            # Karn: only an unambiguous answer measures the round trip.
            sample = max(0.001, now - missing.since)
            self.rtt_s += (sample - self.rtt_s) / 8
        return True

    def came_twice(self, number: int) -> bool:
        """Whether a packet that came again was taken for a retransmission the first time: then it was overtaken, never lost."""
        if number not in self._answered:
            return False
        del self._answered[number]
        return True

    def due(self, now: float, lossy: bool = False) -> list[int]:
        """The numbers to ask for now, in order; each waits for a round trip and a little more before it is asked for again. `lossy`: for
        half of one, and each request is sent once more soon after."""
        numbers, rounds = [], LOSSY_ROUNDS if lossy else RETRY_ROUNDS
        for number, missing in self._missing.items():
            if missing.next_at <= now:
                missing.tries += 1
                missing.next_at = now + max(MIN_RETRY_S, self.rtt_s * rounds)
                missing.echo_at = now + ECHO_S if lossy else float("inf")
                numbers.append(number)
            elif missing.echo_at <= now:
                missing.echo_at = float("inf")
                numbers.append(number)
        return sorted(numbers)

    def give_up(self, now: float, lossy: bool = False) -> int:
        """Forget what was asked for too often or too long ago; returns how many."""
        most = MAX_TRIES_LOSSY if lossy else MAX_TRIES
        late = [n for n, m in self._missing.items() if now - m.since > GIVE_UP_S or (m.tries >= most and m.next_at <= now)]
        for number in late:
            del self._missing[number]
        return len(late)

    def clear(self) -> None:
        self._missing.clear()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an outgoing stream that was renumbered by the same offsets, and the packets it was made from.

    `mark` is what the caller wants to know again of it.
    """

    first_out: int
    seq_offset: int
    ts_offset: int
    ring: Ring | None
    mark: Any


def missed_ticks(last: int, first: int, elapsed_s: float, clock_hz: int) -> int:
    """By how much timestamps stood still in a pause, from the one before it to the one after it; 0 if they went on.

    A browser's sound does not count the time in which it sends nothing. A receiver that takes sender reports from before and
    after for one straight line (Chromium does, over 20 of them) would then show picture and sound apart for minutes.
    """
    behind = int(elapsed_s * clock_hz) - (((first - last + 0x80000000) & 0xFFFFFFFF) - 0x80000000)
    return behind if behind > STOOD_STILL_S * clock_hz else 0


class Rewriter:
    """Numbers of one outgoing stream, made from one incoming stream after another without a seam.

    ``out = (in + offset) mod 2**16`` (and 2**32 for the timestamp): the caller does that sum itself, for each packet,
    with :attr:`seq_offset` and :attr:`ts_offset`. They change only at a seam: after a pause (mute), where the
    sequence goes on without a hole, and when another incoming stream takes over.
    """

    __slots__ = ("_spans", "mark", "seq_offset", "started", "ts_offset")

    def __init__(self) -> None:
        self.seq_offset = 0
        self.ts_offset = 0
        self.started = False
        self.mark: Any = None
        self._spans: list[Span] = []

    def start(self, first_in: int, first_out: int, ring: Ring | None) -> None:
        """The incoming packet `first_in` shall be numbered `first_out`; another stream takes over, or this is the very first one."""
        self.seq_offset = (first_out - first_in) & 0xFFFF
        self.started = True
        self._span(first_out & 0xFFFF, ring)

    def resume(self, last_in: int, first_in: int, ring: Ring | None, missed: int = 0) -> None:
        """After a pause of the same stream: `last_in` was the last that went out, `first_in` is next, with no hole between.

        `missed`: ticks by which the timestamps were left behind, see :func:`missed_ticks`.
        """
        out = (last_in + self.seq_offset + 1) & 0xFFFF
        self.seq_offset = (out - first_in) & 0xFFFF
        self.ts_offset = (self.ts_offset + missed) & 0xFFFFFFFF
        self._span(out, ring)

    def pad(self, first_out: int) -> None:
        """From `first_out` on numbers go out that carry nothing, until another start."""
        self._span(first_out & 0xFFFF, None)

    def forget(self) -> None:
        """Nothing that went out so far can be found any more: it was in another codec."""
        self._spans.clear()

    def find(self, seq_out: int) -> tuple[bytes, int, Any] | None:
        """The incoming packet that went out as `seq_out`, its timestamp offset, and :attr:`mark` as it was; None if no longer kept."""
        for span in reversed(self._spans):
            if (seq_out - span.first_out) & 0xFFFF < 0x8000:
                seq = (seq_out - span.seq_offset) & 0xFFFF
                packet = span.ring.get(seq) if span.ring is not None else None
                return (packet, span.ts_offset, span.mark) if packet is not None else None
        return None

    def place(self, seq_in: int, ring: Ring) -> tuple[int, int, Any] | None:
        """Under which offsets (sequence number, timestamp) and :attr:`mark` an incoming packet of this stream that comes late belongs;
        None if that is no longer known."""
        for span in reversed(self._spans):
            if span.ring is ring and (seq_in + span.seq_offset - span.first_out) & 0xFFFF < 0x8000:
                return span.seq_offset, span.ts_offset, span.mark
        return None

    def _span(self, first_out: int, ring: Ring | None) -> None:
        if self._spans and self._spans[-1].first_out == first_out:
            del self._spans[-1]  # nothing went out by it
        if self._spans and self._spans[-1].ring is not ring:
            del self._spans[:-OTHER_SPANS]  # each stream's ring is some hundred packets that would be kept
        self._spans.append(Span(first_out, self.seq_offset, self.ts_offset, ring, self.mark))
        del self._spans[:-SPANS]
