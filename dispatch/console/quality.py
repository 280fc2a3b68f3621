"""How well people are and were connected as the command centre's pages show it: figures for the graphs, and the same in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dispatch.console.situation import Words, graded
from rooms.figures import SPAN_US, STEP_US, WAYS, Figures, Point, Score, Way
from rooms.hours import Hour
from rooms.quality import History

if TYPE_CHECKING:
    from dispatch.sittings.quality import KeptHour

Json = dict[str, Any]


def history(found: Mapping[str, History], now_us: int, _: Words) -> Json:
    """``{"now_us", "span_us", "step_us", "people": {id: {"up": {"points", "text"}, "down": {...}}}}``; a point is
    ``[at_us, score, lost_percent, jitter_ms, rtt_ms, bps, lines]``, null for what was not measured; the text tells the newest one."""
    people = {person: {way: _direction(way, ways[way], _) for way in WAYS if way in ways} for person, ways in found.items()}
    return {"now_us": now_us, "span_us": SPAN_US, "step_us": STEP_US, "people": people}


def _direction(way: Way, points: Sequence[Point], _: Words) -> Json:
    return {"points": [_point(each) for each in points], "text": in_words(way, points[-1], _)}


def _point(point: Point) -> list[Any]:
    figures = point.figures
    rounded = (_rounded(figures.lost_percent, 2), _rounded(figures.jitter_ms, 1), _rounded(figures.rtt_ms, 1), _rounded(figures.bps, 0))
    return [point.at_us, point.score, *rounded, figures.height or None]


def _rounded(value: float | None, digits: int) -> float | None:
    return round(value, digits) if value is not None else None


def in_words(way: Way, point: Point, _: Words) -> str:
    """A direction at one moment, whole, for who does not see the graph and for who wants to know more."""
    score = graded(point.score, _) if point.score else _("not measured")
    return _("; ").join([_("{name}: {value}", name=way_word(way, _), value=score), *_details(point.figures, _)])


def way_word(way: str, _: Words) -> str:
    """The word for a direction."""
    return _("To the court") if way == "up" else _("From the court")


def _details(figures: Figures, _: Words) -> list[str]:
    if figures.carries is False:
        return [_("nothing gets through")]
    parts: list[str] = []
    if figures.lost_percent is not None:
        parts.append(_("{lost} % lost", lost=f"{figures.lost_percent:.1f}"))
    if figures.rtt_ms is not None:
        parts.append(_("round trip {rtt} ms", rtt=round(figures.rtt_ms)))
    if figures.jitter_ms is not None:
        parts.append(_("jitter {jitter} ms", jitter=round(figures.jitter_ms)))
    if figures.bps is not None:
        parts.append(_("{rate} kbit/s", rate=round(figures.bps / 1000)))
    if figures.height:
        parts.append(f"{figures.width}×{figures.height}")
    if figures.frames_per_s is not None:
        parts.append(_("{rate} frames a second", rate=round(figures.frames_per_s)))
    if figures.freezes:
        parts.append(_("stood still {n} times, {seconds} s", n=figures.freezes, seconds=f"{figures.frozen_ms / 1000:.1f}"))
    if figures.codec:
        parts.append(figures.codec)
    if figures.candidate:
        parts.append(path_word(figures.candidate, figures.protocol, _))
    return parts


def path_word(candidate: str, protocol: str, _: Words) -> str:
    """How media reach the court: the page's end of the path (RFC 8445 section 4) and what carries it."""
    word = protocol.upper()
    return _("by relay over {protocol}", protocol=word) if candidate == "relay" else _("directly over {protocol}", protocol=word)


def hour_row(kept: KeptHour, _: Words) -> Json:
    """An hour for the table: ``{"way", "scores": [{"score", "word", "share", "length"}], "lost", "rtt", "rate", "freezes", "path"}``;
    `share` in percent of what was measured, figures as median and 95th percentile."""
    hour = kept.hour
    scores = [_score(each, hour, _) for each in Score if hour.seconds(each)]
    return {
        "way": way_word(kept.direction, _),
        "scores": scores,
        "lost": _both(hour, "lost_percent", lambda value: f"{value:.1f} %"),
        "rtt": _both(hour, "rtt_ms", lambda value: f"{round(value)} ms"),
        "rate": _both(hour, "bps", rate_word),
        "freezes": _("{n} times, {seconds} s", n=hour.freezes, seconds=f"{hour.frozen_ms / 1000:.1f}") if hour.freezes else "",
        "path": _(", ").join(path_word(candidate, protocol, _) for candidate, protocol, _seconds in hour.seconds_by_path()),
    }


def _score(score: Score, hour: Hour, _: Words) -> Json:
    seconds = hour.seconds(score)
    return {"score": score.value, "word": graded(score, _), "share": 100 * seconds / hour.all_seconds, "length": _length(seconds)}


def _both(hour: Hour, figure: str, shown: Callable[[float], str]) -> str:
    median, most = hour.quantile(figure, 0.5), hour.quantile(figure, 0.95)
    return "" if median is None or most is None else f"{shown(median)} · {shown(most)}"


def rate_word(bps: float) -> str:
    """1.2 Mbit/s, 480 kbit/s."""
    return f"{bps / 1e6:.1f} Mbit/s" if bps >= 1e6 else f"{round(bps / 1000)} kbit/s"


def _length(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
