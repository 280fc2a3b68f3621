"""Routings for the engine's tests, in the words of a hearing."""

from __future__ import annotations

from collections.abc import Iterable

from rooms.media.engine import Routing, Source, TrackKey

EVERYTHING = frozenset({Source.MICROPHONE, Source.CAMERA})
NOTHING: frozenset[Source] = frozenset()


def tracks(*endpoints: str) -> frozenset[TrackKey]:
    """Microphone and camera of each endpoint."""
    return frozenset(TrackKey(endpoint, source) for endpoint in endpoints for source in EVERYTHING)


def everybody(*endpoints: str, muted: Iterable[TrackKey] = (), record: frozenset[TrackKey] = frozenset(), private: bool = False) -> Routing:
    """Everybody sees and hears everybody else; what is `muted` may not be published."""
    muted = set(muted)
    return Routing(
        publish={e: frozenset(s for s in EVERYTHING if TrackKey(e, s) not in muted) for e in endpoints},
        watch={e: tracks(*(o for o in endpoints if o != e)) for e in endpoints},
        record=record,
        private=private,
    )
