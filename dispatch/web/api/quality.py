"""How well the people of a sitting were connected, by the hour."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.sittings import listing
from dispatch.sittings import quality as kept
from dispatch.sittings.quality import KeptHour
from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.values import Id, Moment, Shown, local
from dispatch.web.request import Request, ctx, me, zone
from rooms.figures import Score
from rooms.hours import Hour


class Spread(Shown):
    """How a figure was distributed over the hour, as exactly as its buckets allow. Null where it was never measured."""

    median: float | None = Field(description="Half of the time it was not higher.")
    p95: float | None = Field(description="95 of 100 parts of the time it was not higher.")

    @classmethod
    def of(cls, hour: Hour, figure: str) -> Spread:
        """Of one of the figures that an hour keeps."""
        median, p95 = hour.quantile(figure, 0.5), hour.quantile(figure, 0.95)
        return cls(median=None if median is None else round(median, 2), p95=None if p95 is None else round(p95, 2))


class ScoreSeconds(Shown):
    """Seconds of the hour by how good the connection was: the E-model for sound, frozen pictures and frame rate for pictures."""

    good: int
    fair: int
    poor: int
    bad: int


class PathSeconds(Shown):
    """Seconds over one path."""

    candidate: str = Field(description="The device's end of the path: host, srflx, prflx, relay (RFC 8445), or other.")
    protocol: str = Field(description="udp, tcp or tls; empty where it is not known.")
    seconds: int


class QualityHourView(Shown):
    """How well a participant was connected in one hour and one direction."""

    participant_id: Id
    direction: Literal["up", "down"] = Field(description="up: from the participant to the court; down: from the court.")
    begins_at: Moment = Field(description="The beginning of the hour.")
    seconds: int = Field(description="Seconds that were measured.")
    scores: ScoreSeconds
    lost_percent: Spread
    jitter_ms: Spread
    rtt_ms: Spread
    bps: Spread
    frames_per_s: Spread
    height: Spread
    freezes: int = Field(description="How often pictures stood still.")
    frozen_ms: int = Field(description="How long they did, in all.")
    paths: list[PathSeconds]
    codecs: list[str]

    @classmethod
    def of(cls, kept: KeptHour, tz: ZoneInfo) -> QualityHourView:
        """A row of the database."""
        hour = kept.hour
        return cls(
            participant_id=kept.participant_id,
            direction="up" if kept.direction == "up" else "down",
            begins_at=local(kept.begins_at, tz),
            seconds=hour.all_seconds,
            scores=ScoreSeconds(**{score.value: hour.seconds(score) for score in Score}),
            lost_percent=Spread.of(hour, "lost_percent"),
            jitter_ms=Spread.of(hour, "jitter_ms"),
            rtt_ms=Spread.of(hour, "rtt_ms"),
            bps=Spread.of(hour, "bps"),
            frames_per_s=Spread.of(hour, "frames_per_s"),
            height=Spread.of(hour, "height"),
            freezes=hour.freezes,
            frozen_ms=round(hour.frozen_ms),
            paths=[PathSeconds(candidate=c, protocol=p, seconds=s) for c, p, s in hour.seconds_by_path()],
            codecs=sorted(hour.codecs),
        )


class QualityList(Shown):
    """All hours of a sitting, the first hour first."""

    items: list[QualityHourView]


async def quality(request: Request) -> QualityList:
    """List how well the people of a sitting were connected.

    By the hour, for each participant and direction. The running hour grows once a minute. Kept as long as the sitting is.
    """
    sitting = await listing.visible(ctx(request).db, me(request), request.match_info["sitting"])
    hours = await kept.of_sitting(ctx(request).db, sitting.id)
    return QualityList(items=[QualityHourView.of(each, zone(request)) for each in hours])


ROUTES = (operation("GET", "/sittings/{sitting}/quality", quality, programs(CLERK, OFFICER)),)
