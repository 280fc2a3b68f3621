"""Makes the figures of one device from what the engine reports each second and what its page says each five. Pure.

Whoever receives a direction knows it best: the engine the way up, the page the way down. Of the rest each is asked for what only it
knows: the page for the kind of its candidate, the engine for whether its checks come. What a page says counts for its own device alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rooms.figures import STEP_US, Figures, Pictures
from rooms.protocol import Quality

FRESH_US = 12_000_000
"""What a page said counts for so long: two of its reports and a little."""
SETUP_US = 5_000_000
"""A connection that is being made may take so long before nothing is said to get through."""
SOME_PACKETS = 50
"""Packets sent in a step of which at least one has to arrive."""
SOME_BPS = 8_000.0
NOTHING = Figures(carries=False, bps=0.0)
"""Of a path on which nothing gets through: what was measured before does not hold any more."""
FEW = 40
"""Of fewer packets in a step no share is told: a microphone in a pause (DTX) sends 23, of which one that is lost would be four in a
hundred and at most 20 ms of nothing."""
MOST_LOST = 0.98
"""Share of loss that is reckoned with at most; of what did not come at all nothing is known."""


@dataclass(slots=True)
class _Stream:
    """Counters of a producer when it was last reported."""

    packets: int
    octets: int


@dataclass(slots=True)
class _Loss:
    """Packets that came, and those that did not, by the fraction that was reported for each second."""

    came: float = 0.0
    missing: float = 0.0

    def add(self, came: int, fraction: float) -> None:
        share = min(max(fraction, 0.0), MOST_LOST)
        self.came += came
        self.missing += came * share / (1 - share)

    @property
    def percent(self) -> float | None:
        sent = self.came + self.missing
        return 100 * self.missing / sent if sent >= FEW else None


@dataclass(slots=True)
class _NeverCame:
    """Packets that others lost on their way up: a page counts them as lost, but not on its own way down."""

    sent: int = 0
    missing: int = 0

    def add(self, sent: int, missing: int) -> None:
        self.sent, self.missing = self.sent + sent, self.missing + missing

    def taken_from(self, percent: float | None) -> float | None:
        """What of a page's loss is its own path's; percent."""
        if percent is None or not self.missing:
            return percent
        share = self.missing / (self.sent + self.missing)
        return max(0.0, (percent - 100 * share) / (1 - share)) if share < 1 else 0.0


@dataclass(slots=True)
class _Step:
    """What was added up since the last step."""

    since_us: int
    all: _Loss = field(default_factory=_Loss)
    sound: _Loss = field(default_factory=_Loss)
    octets: int = 0
    sound_packets: int | None = None
    jitter_ms: float = 0.0
    frozen: int = 0
    freezes: int = 0
    page_freezes: int = 0
    page_frozen_ms: float = 0.0
    sent_down: int = 0
    never_came: _NeverCame = field(default_factory=_NeverCame)
    sound_never_came: _NeverCame = field(default_factory=_NeverCame)


@dataclass(slots=True)
class _Path:
    """One direction's connection. `away_us`: since when it is not there, None while it is. `cut`: consent ran out, and it has not been
    there since: a page that tries again and again has a new connection every few seconds."""

    away_us: int | None
    state: str = ""
    cut: bool = False
    wanted: bool = True
    unwanted_us: int | None = None

    def second(self, state: str, now_us: int, *, wanted: bool) -> None:
        self.state, self.wanted = state, wanted
        if state == "connected":
            self.away_us, self.cut, self.unwanted_us = None, False, None
        elif wanted:
            self.away_us = now_us if self.away_us is None else self.away_us
            self.cut, self.unwanted_us = self.cut or state == "stale", None
        else:
            self.unwanted_us = now_us if self.unwanted_us is None else self.unwanted_us
            if now_us - self.unwanted_us >= SETUP_US:  # between two tries there is none for a moment
                self.away_us, self.cut = None, False

    def carries(self, now_us: int) -> bool | None:
        if self.away_us is None:
            return True if self.state == "connected" else None
        if not self.wanted:
            return None
        return False if self.cut or now_us - self.away_us >= SETUP_US else None


class Meter:
    """One device. :meth:`second` with each report of the engine, :meth:`page` with each of the page, :meth:`step` each five seconds."""

    def __init__(self, now_us: int) -> None:
        self._step = _Step(now_us)
        self._streams: dict[str, _Stream] = {}
        self._sent: dict[str, tuple[int, int]] = {}
        self._producers: Mapping[str, Any] = {}
        self._consumers: Mapping[str, Any] = {}
        self._rtt_ms: float | None = None
        self._paths = {"up": _Path(now_us), "down": _Path(now_us)}
        self._page: tuple[Quality, int] | None = None
        self._unheard = {"up": 0, "down": 0}
        self._flows = False
        self._still = False

    def page(self, said: Quality, now_us: int) -> None:
        """What the page measured."""
        self._page = said, now_us
        if said.down is not None:
            self._step.page_freezes += said.down.freezes
            self._step.page_frozen_ms += said.down.frozen_ms

    def second(self, sides: Mapping[str, Any], now_us: int, *, camera: bool) -> None:
        """What the engine reports of the device; `camera`: its camera is on, may pass and is wanted."""
        publish, subscribe = sides.get("publish") or {}, sides.get("subscribe") or {}
        up, down = str(publish.get("state", "")), str(subscribe.get("state", ""))
        self._paths["up"].second(up, now_us, wanted=up != "" or down == "")
        self._paths["down"].second(down, now_us, wanted=down != "" or up == "")
        self._producers, self._consumers = publish.get("producers") or {}, subscribe.get("consumers") or {}
        self._rtt_ms = _number(publish.get("rtt_ms"))
        self._count_up()
        self._count_down()
        self._watch_camera(camera)

    def step(self, now_us: int, pictures: Pictures) -> tuple[Figures, Figures]:
        """Up and down since the last step; `pictures`: what the way down carries."""
        said = self._page[0] if self._page is not None and now_us - self._page[1] <= FRESH_US else None
        found = self._up(said, now_us), self._down(said, now_us, pictures)
        self._step = _Step(now_us)
        return found

    def carries(self, way: str, now_us: int) -> bool | None:
        """Whether checks of the peer come (RFC 7675); None while it is being connected, or where this direction is not wanted."""
        return self._paths[way].carries(now_us)

    def _count_up(self) -> None:
        step = self._step
        for source, producer in self._producers.items():
            packets, octets = int(producer.get("packets") or 0), int(producer.get("bytes") or 0)
            before = self._streams.get(source)
            self._streams[source] = _Stream(packets, octets)
            if before is None or packets < before.packets:  # a new track: what it did before this second is not known
                continue
            came, fraction = packets - before.packets, float(producer.get("fraction_lost") or 0.0)
            step.all.add(came, fraction)
            if source == "microphone":
                step.sound.add(came, fraction)
                step.sound_packets = (step.sound_packets or 0) + came
            step.octets += max(0, octets - before.octets)
            if came:
                step.jitter_ms = max(step.jitter_ms, float(producer.get("jitter_ms") or 0.0))

    def _count_down(self) -> None:
        for track, consumer in self._consumers.items():
            packets, missing = int(consumer.get("packets") or 0), int(consumer.get("never_came") or 0)
            before, missed_before = self._sent.get(track, (packets, missing))
            sent, never_came = max(0, packets - before), max(0, missing - missed_before)
            self._step.sent_down += sent
            self._step.never_came.add(sent, never_came)
            if track.endswith("/microphone"):
                self._step.sound_never_came.add(sent, never_came)
            self._sent[track] = packets, missing
        self._sent = {track: self._sent[track] for track in self._consumers}

    def _watch_camera(self, wanted: bool) -> None:
        """A second without a frame counts as frozen where frames came since the camera was switched on; of an engine that looks into no
        packet, one without a packet."""
        camera = self._producers.get("camera") or {}
        rate = camera.get("frames_per_second", camera.get("bitrate_bps"))
        if not wanted or rate is None:
            self._flows = self._still = False
            return
        still = self._flows and rate == 0
        self._step.frozen += still
        self._step.freezes += still and not self._still
        self._flows, self._still = self._flows or rate > 0, still

    def _up(self, said: Quality | None, now_us: int) -> Figures:
        step, page = self._step, said.up if said is not None else None
        carries = self.carries("up", now_us)
        if carries is None and not self._producers:
            return Figures()
        seconds = max(1.0, (now_us - step.since_us) / 1e6)
        in_vain = page.bps >= SOME_BPS if page is not None else _without_connection(said)
        if carries and self._is_unheard("up", in_vain and step.all.came == 0):
            carries = False
        if carries is False:
            return NOTHING
        largest: Mapping[str, Any] = max(
            self._producers.items(), key=lambda each: (int(each[1].get("height") or 0), each[0] != "microphone"), default=("", {})
        )[1]
        camera = self._producers.get("camera") or {}
        rate = _number(camera.get("frames_per_second")) if "frames_per_second" in camera else page.frames_per_s if page else None
        rtt_ms = self._rtt_ms if self._rtt_ms is not None else page.rtt_ms if page else None
        return Figures(
            carries=carries,
            lost_percent=step.all.percent,
            sound_lost_percent=step.sound.percent,
            jitter_ms=round(step.jitter_ms, 1) if step.all.came else None,
            rtt_ms=rtt_ms,
            bps=step.octets * 8 / seconds,
            width=int(largest.get("width") or (page.width if page else 0)),
            height=int(largest.get("height") or (page.height if page else 0)),
            frames_per_s=rate if self._flows or (page and page.frames_per_s and "frames_per_second" not in camera) else None,
            freezes=step.freezes,
            frozen_ms=min(step.frozen * 1000.0, STEP_US / 1000),
            pictures="smaller" if page is not None and page.limited == "bandwidth" else "",
            limited=page.limited if page is not None else "",
            sound_packets=step.sound_packets,
            codec=str(largest.get("codec") or ""),
            candidate=page.candidate if page else "",
            protocol=page.protocol if page else "",
        )

    def _down(self, said: Quality | None, now_us: int, pictures: Pictures) -> Figures:
        step, page = self._step, said.down if said is not None else None
        carries = self.carries("down", now_us)
        if page is None:
            if carries and self._is_unheard("down", _without_connection(said)):
                carries = False
            return self._down_as_sent(carries, pictures)
        if carries is None and not page.bps:
            return Figures()  # a connection that is being made: nothing that was lost before is nothing that is well
        if carries and self._is_unheard("down", step.sent_down >= SOME_PACKETS and page.bps == 0):
            carries = False
        if carries is False:
            return NOTHING
        return Figures(
            carries=carries,
            lost_percent=step.never_came.taken_from(page.lost_percent),
            sound_lost_percent=step.sound_never_came.taken_from(page.sound_lost_percent),
            jitter_ms=page.jitter_ms,
            rtt_ms=page.rtt_ms,
            bps=page.bps,
            width=page.width,
            height=page.height,
            frames_per_s=page.frames_per_s,
            freezes=step.page_freezes,
            frozen_ms=min(step.page_frozen_ms, STEP_US / 1000),
            pictures=pictures,
            codec=page.codec,
            candidate=page.candidate,
            protocol=page.protocol,
        )

    def _is_unheard(self, way: str, sent_in_vain: bool) -> bool:
        """Whether in two steps running nothing came of what was sent: once may be somebody who has just switched off, or a connection
        that is being made. Not every engine notices by itself that no checks come."""
        said_now = self._page is not None and self._page[1] >= self._step.since_us
        self._unheard[way] = self._unheard[way] + 1 if sent_in_vain and said_now else 0
        return self._unheard[way] >= 2

    def _down_as_sent(self, carries: bool | None, pictures: Pictures) -> Figures:
        """By the receiver reports that the engine has, of a device whose page says nothing of what comes."""
        if carries is False:
            return NOTHING
        if carries is None:
            return Figures()  # nothing was lost yet on a connection that is being made
        consumers = self._consumers.values()
        lost = [100 * float(each.get("fraction_lost") or 0.0) for each in consumers]
        rtts = [rtt for each in consumers if (rtt := _number(each.get("rtt_ms"))) is not None]
        rates = [rate for each in consumers if (rate := _number(each.get("bitrate_bps"))) is not None]
        return Figures(
            carries=carries,
            lost_percent=max(lost, default=None),
            rtt_ms=max(rtts, default=None),
            bps=sum(rates) if rates else None,
            pictures=pictures,
        )


def _without_connection(said: Quality | None) -> bool:
    """Whether the page says that its own end is not connected; one of an earlier version says nothing of the kind."""
    return said is not None and said.lost_percent is None


def _number(value: Any) -> float | None:
    return float(value) if value is not None else None
