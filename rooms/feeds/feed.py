"""One feed: who sends, who watches, and what the router may do for them. Pure.

The phone of somebody in the field publishes microphone and camera; officers who watch get both, and nobody else gets anything: no other
phone, no recorder. Nothing of it is kept. Whoever sends sees who watches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rooms.media.engine import Routing, Source, TrackKey
from rooms.protocol import ParticipantView, ProcedureView, RecordingView, RightsView, SittingView, SourceView, View

KIND = "field_feed"
SENT = frozenset({Source.MICROPHONE, Source.CAMERA})
HEIGHT, BPS = 720, 1_500_000
"""Ceiling for the phone's camera, lines and bit/s."""
LOST_S = 60.0
"""A phone that is away so long comes back to nothing: its feed has ended."""
UNWATCHED_S = 900.0
"""A feed that nobody has watched for so long ends by itself."""
Cause = Literal["stopped", "lost", "unwatched", "account", "server"]
"""Why a feed ended: by its sender, for his connection, for want of watchers, because his account may no more, with the server."""
PREFIX = "feed-"
_RIGHTS = dict.fromkeys(RightsView.model_fields, False)


@dataclass(frozen=True, slots=True)
class About:
    """What a feed is of. `id` is the same whenever the same person sends; `owner` is his account; `team` where he belongs and `team_en` its
    name in English, or ""; `task` the one for which he sends, with its `number` and `title`, or "" each."""

    id: str
    owner: str
    name: str
    team: str = ""
    task: str = ""
    number: str = ""
    title: str = ""
    team_en: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """`endpoint`: the phone's, "" before it has come; `lost_s` since when it is away, `watched_s` when somebody watched last, both by a
    clock that only goes forward; `on`: what its owner lets out; `watchers`: endpoint → the officer's name."""

    about: About
    since_us: int
    watched_s: float
    lost_s: float | None
    endpoint: str = ""
    on: frozenset[Source] = SENT
    watchers: Mapping[str, str] = field(default_factory=dict)

    @property
    def connected(self) -> bool:
        """Whether the phone is there."""
        return bool(self.endpoint) and self.lost_s is None


def came(feed: Feed, endpoint: str) -> Feed:
    """The phone is there, or there again; another one of its owner takes over."""
    return replace(feed, endpoint=endpoint, lost_s=None)


def away(feed: Feed, now_s: float) -> Feed:
    """Nothing was heard of the phone any more; its media may flow on."""
    return feed if feed.lost_s is not None else replace(feed, lost_s=now_s)


def switched(feed: Feed, source: Source, on: bool) -> Feed:
    """Its owner lets his sound or his picture out, or not."""
    return replace(feed, on=(feed.on | {source} if on else feed.on - {source}) & SENT)


def watched(feed: Feed, endpoint: str, name: str) -> Feed:
    """An officer watches."""
    return replace(feed, watchers={**feed.watchers, endpoint: name})


def unwatched(feed: Feed, endpoint: str, now_s: float) -> Feed:
    """He watches no more."""
    return replace(feed, watchers={e: name for e, name in feed.watchers.items() if e != endpoint}, watched_s=now_s)


def over(feed: Feed, now_s: float) -> Cause | None:
    """Why it ends by itself now, None where it goes on."""
    if feed.lost_s is not None and now_s - feed.lost_s > LOST_S:
        return "lost"
    return "unwatched" if not feed.watchers and now_s - feed.watched_s > UNWATCHED_S else None


def routing(feed: Feed) -> Routing:
    """All that its router may do."""
    tracks = frozenset(TrackKey(feed.endpoint, source) for source in feed.on) if feed.endpoint else frozenset[TrackKey]()
    publish: dict[str, frozenset[Source]] = {watcher: frozenset() for watcher in feed.watchers}
    if feed.endpoint:
        publish[feed.endpoint] = feed.on
    watch = dict.fromkeys(feed.watchers, tracks)
    if feed.endpoint:
        watch[feed.endpoint] = frozenset()
    return Routing(publish, watch, video_ceiling_bps=BPS)


def view(feed: Feed, viewer: str, producers: frozenset[tuple[str, Source]], *, up: bool) -> View:
    """What the phone's page, or that of an officer, shows: as of a sitting with one person in it. `producers`: tracks that arrive."""
    sends = viewer == feed.endpoint
    rights = RightsView(**_RIGHTS | ({"speak": True, "publish": True, "leave": True} if sends else {"see": True}))
    names = tuple(sorted(feed.watchers.values()))
    return View(
        place="inside" if sends else "observing",
        sitting=_sitting(feed),
        rights=rights,
        participants=(_person(feed, producers, you=sends),),
        devices=(),
        rooms=(),
        recording=RecordingView(state="off", seconds=0.0, at_us=feed.since_us),
        watching=len(names),
        watchers=names,
        break_in=None,
        intercom=None,
        alerts=(),
        messages=(),
        private=None,
        consults=(),
        talks=(),
        listening="mix",
        interpreters=(),
        opinions=None,
        questions=(),
        max_height=HEIGHT,
        max_video_bps=BPS,
        media="up" if up else "away",
    )


def overview(feed: Feed, producers: frozenset[tuple[str, Source]]) -> dict[str, Any]:
    """The feed as the command centre lists it, plain JSON values."""
    about = feed.about
    return {
        "id": about.id,
        "kind": KIND,
        "owner": about.owner,
        "name": about.name,
        "team": about.team,
        "team_en": about.team_en,
        "task": about.task,
        "number": about.number,
        "title": about.title,
        "since_us": feed.since_us,
        "connected": feed.connected,
        "observable": True,
        "status": "live",
        "watchers": sorted(feed.watchers.values()),
        "participants": [_person(feed, producers, you=False).model_dump(mode="json")],
    }


def _person(feed: Feed, producers: frozenset[tuple[str, Source]], *, you: bool) -> ParticipantView:
    sources = {
        str(source): SourceView(
            allowed=source in SENT,
            on=source in feed.on,
            live=source in feed.on and (feed.endpoint, source) in producers,
            muted_by_chair=False,
            undecodable=False,
        )
        for source in Source
    }
    return ParticipantView(
        id=feed.about.owner,
        name=feed.about.name,
        role="field",
        presence="present" if feed.connected else "lost",
        you=you,
        endpoint=feed.endpoint or None,
        consented=True,
        sources=sources,
    )


def _sitting(feed: Feed) -> SittingView:
    about = feed.about
    return SittingView(
        id=about.id,
        kind=KIND,
        title=about.title or about.name,
        case_number=about.number,
        court=about.team,
        stage="live",
        stage_since_us=feed.since_us,
        starts_at_us=feed.since_us,
        ends_at_us=feed.since_us,
        next_booking=None,
        next_stages=(),
        reason="",
        called_from="",
        locked=False,
        stages=(),
        procedure=ProcedureView(names={}, version=""),
        floor=None,
        speaking=(),
        recordable=False,
        recording_wanted=False,
    )
