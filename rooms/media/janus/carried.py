"""What a viewer's path carries of pictures, by the losses and round trips that Janus counts. Pure; times are passed in.

Janus tells no estimate of a receiver (REMB) and sends no padding. So a path is taken to carry everything until what is sent gets lost or
queues; then less is sent, and what is more is tried with pictures themselves, one step at a time, each next one later where the last one
failed. It all takes seconds: counters are looked at each second, and a layer begins with a key frame.
"""

from __future__ import annotations

from collections import deque

from rooms.media.forwarding.bandwidth import Longest, Quickest

LEAST_BPS = 20_000
#: Loss above the first is taken for congestion; radio loses less, and keeps what it has. Nobody's radio loses as much as the last.
HEAVY_LOSS, SOME_LOSS, HALF_LOSS = 0.15, 0.04, 0.4
#: What a trial may lose: before it nothing was lost, or it would not have been made.
TRIAL_LOSS = 0.07
#: Loss is judged by its mean over some looks: of few packets in a second a third may be lost by chance.
LOSS_GAIN = 0.4
#: What waits so much longer than the quickest packets did may stand in a queue; it does if it is so much, or so much in the mean of some.
SUSPECT_S, QUEUED_S, QUEUED_MEAN_S = 0.1, 0.25, 0.2
#: Looks that count, and for how long what they showed does.
SAMPLES, SAMPLE_S, TROUBLE_S = 3, 4.5, 2.5
#: Of what arrived while it was too much, so much fits for certain.
CERTAIN = 0.7
#: What was taken away shows in the counters after so long, with a round trip on top.
SETTLE_S, LONGEST_BACK_S = 3.0, 3.0
#: With less than this share of what was sent before no queue of ours stands any more: what waits even so waits for something else.
LITTLE = 0.5
#: What was given and proves too much within this was a mistake. After it the next waits twice as long as the last did.
TRIAL_S, FIRST_WAIT_S, LONGEST_WAIT_S = 6.0, 5.0, 40.0
#: Share of what fits that more pictures may fill.
HEADROOM = 0.9


class Carried:
    """`bps`: what the path carries of pictures, None while nothing tells of a limit. `trials`: how often more was tried."""

    def __init__(self) -> None:
        self.bps: int | None = None
        self.trials = self.failed_trials = 0
        self._quickest = Quickest(float("-inf"))
        self._blameless = Longest()
        self._waits: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._mean_loss = 0.0
        self._queued_at = self._lossy_at = self._settles_at = self._raised_at = float("-inf")
        self._next_at = 0.0
        self._wait_s = FIRST_WAIT_S
        self._before_trial = self._former_sent_bps = 0

    @property
    def steady_bps(self) -> int | None:
        """More than there is already may be given up to that."""
        return None if self.bps is None else int(self.bps * HEADROOM)

    def look(self, media_bps: int, sent_bps: int, loss: float | None, rtt_s: float | None, now: float) -> None:
        """Each second or so: `media_bps` is what the chosen pictures need, `sent_bps` what is sent of them with all repairs. `loss` (0 to
        1) is the share of all packets that got lost since the last look, None if none was sent; `rtt_s` the round trip, None if no new
        report told one."""
        if now < self._settles_at:
            return
        if self.bps is None and not sent_bps:  # whatever it is, pictures are not the cause
            self._mean_loss = 0.0
            return
        if rtt_s is not None:
            self._wait(rtt_s, sent_bps, now)
        if loss is not None:
            self._mean_loss += (loss - self._mean_loss) * LOSS_GAIN
            if loss > SOME_LOSS:
                self._lossy_at = now
        if self._too_much(loss or 0.0, now):
            self._congested(media_bps, sent_bps, max(loss or 0.0, self._mean_loss), now)

    def _wait(self, rtt_s: float, sent_bps: int, now: float) -> None:
        waited = self._quickest.waited(rtt_s, now)
        if waited > SUSPECT_S and sent_bps < self._former_sent_bps * LITTLE:
            self._blameless.note(waited, now)
        waited = max(0.0, waited - self._blameless.at(now))
        self._waits.append((now, waited))
        recent = [waits for at, waits in self._waits if now - at < SAMPLE_S]
        if waited > QUEUED_S or (len(recent) == SAMPLES and sum(recent) / SAMPLES > QUEUED_MEAN_S):
            self._queued_at = now

    def _too_much(self, loss: float, now: float) -> bool:
        """Whether packets get lost because of what is sent, or stand in a queue again and again."""
        queued = now - self._queued_at < TROUBLE_S
        stands = [waits for at, waits in self._waits if now - at < SAMPLE_S and waits > QUEUED_MEAN_S]
        if queued and (loss > SOME_LOSS or len(stands) == SAMPLES):
            return True
        if loss > TRIAL_LOSS and now - self._raised_at < TRIAL_S:
            return True
        return loss > HALF_LOSS or self._mean_loss > HEAVY_LOSS

    def _congested(self, media_bps: int, sent_bps: int, loss: float, now: float) -> None:
        known = media_bps if self.bps is None else min(self.bps, media_bps)
        if self.bps is not None and now - self._raised_at < TRIAL_S + SETTLE_S:
            self.failed_trials += 1
            self.bps = self._before_trial
            self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)
        else:
            self.bps = max(LEAST_BPS, int(known * (1 - min(loss, HALF_LOSS)) * CERTAIN))
        self._raised_at = float("-inf")
        self._former_sent_bps = sent_bps
        back = max((waits for _, waits in self._waits), default=0.0)
        self._settles_at = now + SETTLE_S + min(LONGEST_BACK_S, back)
        self._next_at = self._settles_at + self._wait_s
        self._mean_loss = 0.0
        self._waits.clear()

    def want(self, wanted_bps: int, next_bps: int, now: float) -> None:
        """Try `next_bps`, with which more is shown than now, if it is time; `wanted_bps` is what all of it needs."""
        if self.bps is None or now - self._raised_at < TRIAL_S or now < self._settles_at:
            return
        if self._raised_at > float("-inf"):
            self._raised_at, self._wait_s = float("-inf"), max(FIRST_WAIT_S, self._wait_s / 2)
        if wanted_bps <= self.bps * HEADROOM:
            self.bps = None
        elif now >= self._next_at and now - max(self._queued_at, self._lossy_at) > TROUBLE_S:
            self.trials += 1
            self._before_trial, self.bps, self._raised_at = self.bps, max(next_bps, self.bps), now
