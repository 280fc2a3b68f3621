"""What the path to one endpoint carries of pictures, from what it says (REMB, receiver reports) and what was sent. Pure; times are
passed in.

A receiver's REMB (draft-alvestrand-rmcat-remb) counts pictures alone and says little about what a path could carry. Chromium's falls below
what arrives as soon as packets queue, for a moment of a busy machine too, and rises again by a few kbit/s in a second, to one and a half
times what arrives at most. So it is believed only where packets are seen to queue or to get lost: then it tells what fits. Where more is
wanted than is known to fit, more is sent for a moment, with packets sent before (:class:`Probe`): if nothing queues and nothing is lost,
it fits.

Round trips tell of a busy machine at the other end as of a queue: packets wait there until somebody reads them, and get lost where too many
do. A queue drains when less is sent. So what still waits after little was sent for a while waits for no queue of ours: only what waits
longer than that counts from then on, and one probe may ask for as much as was sent before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

#: What a path is taken to carry before anything is known of it: one large picture.
START_BPS = 1_500_000
LEAST_BPS, MOST_BPS = 20_000, 50_000_000
#: An estimate below this share of what is sent says that less arrives; one below the other, even if packets were late for other reasons.
SHORT, VERY_SHORT = 0.9, 0.8
#: A receiver that takes packets to queue tells this share of what arrives.
OVERUSED = 0.85
#: What waits so much longer than the quickest packets did may stand in a queue; it does if it is so much, or so much in the mean of some.
SUSPECT_S, QUEUED_S, QUEUED_MEAN_S = 0.1, 0.25, 0.2
SAMPLES, SAMPLE_S = 4, 2.0
#: The quickest of so long counts: a path may become a longer one.
BASE_S = 30.0
#: What was seen counts for so long: reports come each second while there is a picture.
TROUBLE_S = 1.5
#: A queue needs a moment to drain before more is taken away, and what was seen of it a way back.
DRAIN_S, LONGEST_BACK_S = 1.0, 3.0
#: Twice as long as packets waited, and so long at least, after a step any queue of ours has drained, if less than the first share of what
#: arrived before is sent now; where that is not told, less than the other of what was sent. What waits even so is remembered for so long.
DRAINED_S, LITTLE, VERY_LITTLE, REMEMBERED_S = 2.0, 0.5, 0.25, 10.0
#: Of what arrived while the queue was full, so much fits for certain.
CERTAIN = 0.7
#: Loss above the first is taken for congestion; radio loses less, and keeps what it has. Above the other nothing is tried.
HEAVY_LOSS, SOME_LOSS = 0.15, 0.04
#: Where nothing queues, loss is judged by its mean over some seconds: of few packets in a second a third may be lost by chance.
LOSS_GAIN = 0.3
#: Where less than this share of what fits is sent since the last step, its queue still drains.
WORTH_IT = 0.5
#: No radio loses as much as this for long.
HALF_LOSS = 0.4
#: What was sent at most within this is what the path had to carry when it was too much.
SENT_S = 2.0
#: More than before is given only if there was room for it so long, or if a probe found it.
UP_AFTER_S = 3.0
#: Share of what fits that more pictures may fill.
HEADROOM = 0.95
#: Rates tremble: so much more than is wanted is looked for.
MARGIN = 1.15
#: One probe: so long, rising to so much more within the first part of it; carefully at first, in larger steps once one went well, and in
#: the largest on the way back to what was there before.
PROBE_S, RAMP_S, CAREFUL, BOLD, BACK, LEAST_STEP_BPS, MOST_STEP_BPS = 1.0, 0.6, 1.5, 2.0, 3.0, 30_000, 1_500_000
#: After a probe its effect is waited for; after one that failed the next waits twice as long as the one before did.
SETTLE_S, FIRST_WAIT_S, LONGEST_WAIT_S = 0.6, 1.0, 16.0
#: What was given and proves too much within this was a mistake, as a probe that fails is.
TRIAL_S = 6.0


class Quickest:
    """How much longer than the quickest of late something took."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._former = self._latest = float("inf")

    def waited(self, took_s: float, now: float) -> float:
        """By how much `took_s` is longer; seconds."""
        if now - self._since > BASE_S:
            self._former, self._latest, self._since = self._latest, float("inf"), now
        self._latest = min(self._latest, took_s)
        return took_s - min(self._former, self._latest)


class Longest:
    """The longest of late; 0 if there was none."""

    def __init__(self) -> None:
        self._since = float("-inf")
        self._former = self._latest = 0.0

    def note(self, waited_s: float, now: float) -> None:
        self.at(now)
        self._latest = max(self._latest, waited_s)

    def at(self, now: float) -> float:
        """The longest within the last :data:`REMEMBERED_S`, or twice that; seconds."""
        if now - self._since > REMEMBERED_S:
            self._former = self._latest if now - self._since <= 2 * REMEMBERED_S else 0.0
            self._latest, self._since = 0.0, now
        return max(self._former, self._latest)


@dataclass(slots=True)
class Probe:
    """From `began` more is sent until `until`, up to `bps` in all; it is judged at `judged_at`, or a round trip later."""

    bps: int
    began: float
    until: float
    judged_at: float
    answered: bool = False


class Estimator:
    """`bps` is what the path carries of pictures as far as is known. `limited`: that it carries no more was seen; `congested_at`: when
    last. `content`: no more than that was wanted when it was last asked."""

    def __init__(self, now: float) -> None:
        self.bps = START_BPS
        self.limited = False
        self.content = False
        self.congested_at = float("-inf")
        self.probes = self.failed_probes = 0
        self.probe: Probe | None = None
        self._lows: deque[tuple[float, int]] = deque([(now - UP_AFTER_S, START_BPS)])
        self._remb_bps: int | None = None
        self._quickest = Quickest(now)
        self._queued_at = self._suspected_at = self._lossy_at = self._overfull_at = self._settles_at = self._drained_at = float("-inf")
        self._media: deque[tuple[float, int]] = deque()
        self._waits: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._loss = self._mean_loss = 0.0
        self._wait_s = FIRST_WAIT_S
        self._next_probe = now + FIRST_WAIT_S
        self._share = CAREFUL
        self._raised_at = float("-inf")
        self._rtt_s = 0.0
        self._blameless = Longest()
        # Before the last steps: what was known to fit, what was sent, and what of that arrived.
        self._former_bps = self._former_sent_bps = self._former_arrived_bps = 0
        # The other end is slow until so many reports say otherwise; so much may have been taken away for that.
        self._slowed = self._unfounded_bps = 0

    # -- what the receiver says

    def told(self, remb_bps: int, sent_bps: int, now: float) -> None:
        """The receiver's estimate came; `sent_bps` is what was sent to it of pictures in the last second, repairs and padding too."""
        self._remb_bps = remb_bps
        if remb_bps > self.bps and not self._troubled(now):
            self.bps = min(MOST_BPS, remb_bps)
            self._lows.append((now, self.bps))
        self._judge_queue(sent_bps, now)

    def delayed(self, rtt_s: float, fraction: float, sent_bps: int, now: float) -> None:
        """A report said how long the way there and back takes; it trembles by itself, with Wi-Fi or a busy machine. And that `fraction`
        of a few packets was lost."""
        if self.probe is not None:
            self.probe.answered = True
        self._rtt_s = min(rtt_s, LONGEST_BACK_S)
        waited = self._quickest.waited(rtt_s, now)
        if waited > SUSPECT_S and self._drained(sent_bps, now):
            self._slow(waited, now)
        elif self._slowed:
            self._slowed = self._slowed - 1 if waited < SUSPECT_S else SAMPLES
            if waited <= self._blameless.at(now):
                self._blameless.note(waited, now)
            if not self._slowed:
                self._retry(now)
        waited -= self._blameless.at(now)
        twice = self.suspects(now) and waited > SUSPECT_S
        if waited > SUSPECT_S:
            self._suspected_at = now
        self._waits.append((now, waited))
        recent = [waits for at, waits in self._waits if now - at < SAMPLE_S]
        queued = waited > QUEUED_S or (len(recent) == SAMPLES and sum(recent) / SAMPLES > QUEUED_MEAN_S)
        if queued:
            self._queued_at = now
        if self.probe is not None and (twice or queued):
            self._failed(now)
        if queued:
            if fraction > HALF_LOSS:
                self._loss = fraction
                self._congested(max(self._remb_bps or 0, self._certain()), now)
            self._judge_queue(sent_bps, now)

    def _drained(self, sent_bps: int, now: float) -> bool:
        """Whether so little is sent for so long that nothing of it can stand in a queue any more. Where packets still get lost, or arrive
        at less than they are sent, one may."""
        settled = self.probe is None and now >= max(self._settles_at, self._drained_at)
        arrives = self._remb_bps is None or self._remb_bps >= sent_bps * VERY_SHORT
        return settled and arrives and self._drains(sent_bps, now)

    def _drains(self, sent_bps: int, now: float) -> bool:
        """Whether so little is sent, and not lost, that a queue can only become shorter."""
        little = self._former_arrived_bps * LITTLE if self._remb_bps else self._former_sent_bps * VERY_LITTLE
        return sent_bps <= little and now - self._lossy_at > TROUBLE_S

    def _slow(self, waited_s: float, now: float) -> None:
        """Packets wait so long where nothing of ours can stand in a queue: the other end is slow."""
        self._blameless.note(waited_s, now)
        self._queued_at = float("-inf")
        if waited_s > QUEUED_S:
            if not self._slowed:
                self._retry(now)
            self._slowed = SAMPLES

    def _retry(self, now: float) -> None:
        """What was taken away may have been so for nothing: ask for as much at once, in one probe."""
        self._unfounded_bps = self._former_bps
        self._wait_s, self._next_probe = FIRST_WAIT_S, now

    def settled(self, now: float) -> bool:
        """Whether all that is wanted is sent, and nothing tells of less: until something does there is little to decide."""
        return self.content and not (self.limited or self.probe is not None or self.suspects(now) or self._troubled(now))

    def suspects(self, now: float) -> bool:
        """Whether packets may queue: then the round trip should be measured often."""
        return now - self._suspected_at < SAMPLE_S / SAMPLES

    def lost(self, fraction: float, sent_bps: int, now: float) -> None:
        """Receiver reports came: `fraction` (0 to 1) of what was sent got lost since the last ones. At most once a second."""
        self._loss = fraction
        if self.probe is not None:
            self.probe.answered = True
        if fraction > SOME_LOSS:
            self._lossy_at = now
            if self.probe is not None:
                self._failed(now)
        self._mean_loss += (fraction - self._mean_loss) * LOSS_GAIN
        if fraction > HEAVY_LOSS and (fraction > HALF_LOSS or now - self._queued_at < TROUBLE_S):
            self._overfull_at = now
            self._congested(max(self._remb_bps or 0, self._certain()), now)
        elif self._mean_loss > HEAVY_LOSS:
            self._overfull_at = now
            if not self._judge_queue(sent_bps, now):
                self._congested(int(min(self.bps, sent_bps) * (1 - fraction / 2)), now)

    def queues(self, now: float) -> bool:
        """Whether packets were seen to queue lately: what is lost then does not get lost on the air."""
        return now - self._queued_at < BASE_S / 10

    def _troubled(self, now: float) -> bool:
        """Whether packets were seen to queue or to get lost just now."""
        return now - max(self._queued_at, self._lossy_at) < TROUBLE_S

    # -- what follows

    def _judge_queue(self, sent_bps: int, now: float) -> bool:
        """Whether more is sent than fits: the receiver's estimate is low, and it is seen that packets queue or get lost."""
        remb = self._remb_bps
        # What was seen before the last step took effect is no reason for another.
        seen_at = max(self._queued_at, self._overfull_at)
        if now < self._drained_at + DRAIN_S and self._drains(sent_bps, now):
            return False
        if remb is None or remb >= sent_bps * SHORT or seen_at < max(self._settles_at, now - TROUBLE_S):
            return False
        self._congested(max(remb, self._certain()), now)
        return True

    def _certain(self) -> int:
        """What fits for certain of what was sent anew since the last step."""
        return int(max((sent for _, sent in self._media), default=0) * (1 - self._loss) * CERTAIN)

    def _congested(self, bps: int, now: float) -> None:
        media = max((sent for _, sent in self._media), default=0)
        drains = now - self.congested_at < TROUBLE_S + DRAIN_S and media < self.bps * WORTH_IT
        if now < self._settles_at or drains:
            return
        self.limited = True
        if now - self._raised_at < TRIAL_S:
            self._raised_at = float("-inf")
            self._failed(now)
        self._next_probe = max(self._next_probe, now + self._wait_s)
        self._settles_at = now + DRAIN_S + self._rtt_s
        if now - self.congested_at > BASE_S:
            self._former_bps = self._former_sent_bps = self._former_arrived_bps = 0
        self._former_bps = max(self._former_bps, self.bps)
        self._former_sent_bps = max(self._former_sent_bps, media)
        arrived = min(media, int((self._remb_bps or media) / OVERUSED)) * (1 - self._loss)
        self._former_arrived_bps = max(self._former_arrived_bps, int(arrived))
        self.congested_at = now
        self._drained_at = now + max(DRAINED_S, 2 * self._rtt_s)
        self.bps = max(LEAST_BPS, min(self.bps, bps))
        self._lows.append((now, self.bps))
        self._media.clear()

    def _failed(self, now: float) -> None:
        """More was tried than fits."""
        if self.probe is not None:
            # The queue that it made is no sign that what was sent before is too much.
            self.failed_probes += 1
            self.probe = None
            self._settles_at = now + DRAIN_S + self._rtt_s
            self._unfounded_bps = 0
        self._share = CAREFUL
        self._next_probe = now + self._wait_s
        self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)

    def steady_bps(self, now: float) -> int:
        """What was there all of the last :data:`UP_AFTER_S`, or was found by a probe, less some headroom: more may be given up to that."""
        lows = self._lows
        while len(lows) > 1 and lows[1][0] <= now - UP_AFTER_S:
            lows.popleft()
        return int(min(bps for _, bps in lows) * HEADROOM)

    # -- trying for more

    def want(self, wanted_bps: int, media_bps: int, now: float) -> None:
        """Several times a second: begin a probe if `wanted_bps` is more than is known to fit, judge the one that was made. `media_bps` is
        what was sent of pictures in the last second, without repairs and padding."""
        while self._media and now - self._media[0][0] > SENT_S:
            self._media.popleft()
        self._media.append((now, media_bps))
        if media_bps > self.bps and not self.limited and not self._troubled(now):
            self.bps = media_bps
        if self.probe is not None:
            self._judge(self.probe, now)
            return
        if wanted_bps / HEADROOM <= self.bps:
            self.limited = False
        aim = wanted_bps * MARGIN / HEADROOM
        self.content = aim <= self.bps
        if self.content:
            if now - self._raised_at > TRIAL_S:
                self._wait_s = FIRST_WAIT_S
        elif now >= self._next_probe and not self._troubled(now):
            share = BACK if self._share == BOLD and self.bps < self._former_bps else self._share
            step = max(self.bps * share, self.bps + LEAST_STEP_BPS, self._unfounded_bps)
            bps = int(min(step, aim + 1, max(media_bps, self.bps) + MOST_STEP_BPS))
            self.probes += 1
            self.probe = Probe(bps, now, now + PROBE_S, now + PROBE_S + SETTLE_S)

    def _judge(self, probe: Probe, now: float) -> None:
        if now < probe.judged_at + self._rtt_s:
            return
        self.probe = None
        # What it allowed comes with a key frame: that is let pass before the first next one.
        self._next_probe = now + (FIRST_WAIT_S if self._share == CAREFUL else 0)
        if not probe.answered:
            # Nothing was heard at all: that is no answer.
            self._next_probe += self._wait_s
            self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)
        elif probe.bps > self.bps:
            self._share = BOLD
            self._raised_at = now
            self.bps = probe.bps
            self._lows = deque([(now - UP_AFTER_S, self.bps)])

    def padding_bps(self, sent_bps: int, now: float) -> int:
        """What is to be sent just now on top of `sent_bps`, which counts no padding: more and more, so that it can be left off in time."""
        probe = self.probe
        if probe is None or now >= probe.until:
            return 0
        return int(max(0, probe.bps - sent_bps) * min(1.0, (now - probe.began) / RAMP_S))


class Rate:
    """Bit/s over the last second or a little more, from a counter of octets that only grows."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def at(self, octets: int, now: float) -> int:
        """Take the counter's value at `now`; the rate."""
        marks = self._marks
        marks.append((now, octets))
        while len(marks) > 2 and marks[1][0] <= now - 1.0:
            marks.popleft()
        since, before = marks[0]
        return int((octets - before) * 8 / (now - since)) if now > since else 0
