"""What Janus's core counts of one stream since its beginning, made into what passed since the last look. Pure.

Janus's own estimate of a link's quality falls to nothing while a microphone is off (a span in which nothing was expected counts as one
in which nothing came) and needs ten seconds to rise again; so shares are reckoned from the counters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

FIGURES = ("packets", "bytes", "retransmissions")


@dataclass(slots=True)
class Counts:
    """One stream in one direction. `fraction_lost` (0 to 1, before repair) and `bitrate_bps` are of the time between the last two looks."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    repaired: int = 0
    fraction_lost: float = 0.0
    bitrate_bps: int = 0
    at_s: float | None = None

    @property
    def never_came(self) -> int:
        """Packets that were lost and not repaired, as far as is known."""
        return max(0, self.lost - self.repaired)

    def received(self, media: Mapping[str, Any], now_s: float) -> None:
        """Take what the handle that publishes has of it, of all layers of a simulcast together."""
        layers = [stats for name, stats in media["stats"]["in"].items() if name.startswith("video-simulcast-")]
        stats = {name: sum(int(each.get(name, 0)) for each in (media["stats"]["in"], *layers)) for name in FIGURES}
        self._take(stats, _summed(media, "lost"), now_s, of_what_came=True)

    def sent(self, media: Mapping[str, Any], now_s: float) -> None:
        """Take what the handle that subscribes has of it; what was lost is known by receiver reports."""
        self._take(media["stats"]["out"], _summed(media, "lost-by-remote"), now_s, of_what_came=False)

    def streamed(self, stats: Mapping[str, Any], now_s: float) -> None:
        """Take what came of one layer alone; of its losses nothing is known."""
        self._take(stats, 0, now_s, of_what_came=True)

    def _take(self, stats: Mapping[str, Any], lost: int, now_s: float, *, of_what_came: bool) -> None:
        packets, octets, repaired = (int(stats.get(name, 0)) for name in FIGURES)
        if self.at_s is not None and packets >= self.packets and now_s > self.at_s:
            missing = max(0, lost - self.lost)
            known = max(0, packets - self.packets - max(0, repaired - self.repaired))
            of = missing + known if of_what_came else max(missing, known)
            self.fraction_lost = round(missing / of, 4) if missing else 0.0
            self.bitrate_bps = round(max(0, octets - self.octets) * 8 / (now_s - self.at_s))
        self.packets, self.octets, self.lost, self.repaired, self.at_s = packets, octets, lost, repaired, now_s


def links(media: Mapping[str, Any]) -> Collection[Mapping[str, Any]]:
    """What Janus's core knows by RTCP: of each layer of a simulcast, else of the one stream."""
    return list(media.get("rtcp", {}).values())


def rtt_ms(media: Mapping[str, Any]) -> float | None:
    """Round trip by receiver reports; None while there was none."""
    return max((float(link.get("rtt", 0)) for link in links(media)), default=0.0) or None


def jitter_ms(media: Mapping[str, Any]) -> float:
    """The highest jitter of what comes (RFC 3550 section 6.4.1); Janus tells it in whole milliseconds."""
    return max((float(link.get("jitter-local", 0)) for link in links(media)), default=0.0)


def _summed(media: Mapping[str, Any], name: str) -> int:
    return sum(int(link.get(name, 0)) for link in links(media))
