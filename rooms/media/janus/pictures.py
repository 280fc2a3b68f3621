"""Which pictures of a router in Janus go to whom, in which layer, and what is wanted of those who publish them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rooms.media.engine import Routing, TrackKey
from rooms.media.forwarding.choice import Choice
from rooms.media.forwarding.told import FULL

from .layers import picture
from .publication import Publication, Track
from .subscription import FeedMid, Subscription

URGE_EVERY_S, URGE_TIMES = 0.4, 8
"""Chromium heeds no request for a key frame within 0.3 s of the last."""


class Events(Protocol):
    """Where a router's events go."""

    def __call__(self, name: str, router: str, endpoint: str, **fields: Any) -> None: ...


class Pictures:
    """`shown`: how high each endpoint shows which picture. `publications` and `subscriptions` name those that have not ended."""

    def __init__(
        self, router: str, emit: Events, publications: Callable[[], list[Publication]], subscriptions: Callable[[], list[Subscription]]
    ) -> None:
        self.shown: dict[str, Mapping[TrackKey, int]] = {}
        self._router = router
        self._emit = emit
        self._publications = publications
        self._subscriptions = subscriptions
        self._demanded: dict[TrackKey, frozenset[int]] = {}
        self._urging: asyncio.Task[None] | None = None

    def tell_again(self) -> None:
        """The server may be another one: what is wanted is told by the next :meth:`follow`, and what is amiss at once."""
        self._demanded.clear()
        for subscription in self._subscriptions():
            if subscription.downlink.state != FULL:
                self._tell_downlink(subscription)

    def forget(self, key: TrackKey) -> None:
        """Tell what is wanted of it with the next :meth:`follow`, changed or not."""
        self._demanded.pop(key, None)

    def close(self) -> None:
        """Urge nobody any more. May be called twice."""
        if self._urging is not None:
            self._urging.cancel()

    def _tracks(self) -> dict[FeedMid, Track]:
        return {(p.name, t.mid): t for p in self._publications() for t in p.tracks.values() if t.described.codec.kind == "video"}

    async def follow(self, routing: Routing) -> None:
        """Send each viewer the layer that fits what he shows, and tell each publisher what is wanted of him, where that changed.
        Raises EngineError."""
        pictures = self._tracks()
        wanted: dict[TrackKey, set[int]] = {track.key: set() for track in pictures.values()}
        for subscription in self._subscriptions():
            carried = {at: pictures[at] for at in subscription.carried.values() if at in pictures}
            choices = self._chosen(subscription, routing.floor, carried)
            await subscription.show(choices)
            if subscription.awaiting() and self._urging is None:
                self._urging = asyncio.get_running_loop().create_task(self._urge())
            for at, choice in choices.items():
                if choice.level >= 0:
                    wanted[pictures[at].key].add(choice.level)
        for track in pictures.values():
            if track.key in routing.record:
                wanted[track.key].add(max(0, len(track.layers) - 1))
            self._tell_demand(track, frozenset(wanted[track.key]))
        self._demanded = {key: levels for key, levels in self._demanded.items() if key in wanted}

    def _chosen(self, subscription: Subscription, floor: frozenset[str], tracks: Mapping[FeedMid, Track]) -> dict[FeedMid, Choice]:
        """By size, importance and what the viewer's path carries; he is told if that changed."""
        shown, downlink = self.shown.get(subscription.endpoint, {}), subscription.downlink
        found = [
            picture(
                track.key,
                track.rates,
                flows=track.permitted is True,
                floor=track.key.endpoint in floor,
                shown=shown.get(track.key),
                held=subscription.held(at),
                thins=bool(track.layers) and track.described.codec.name == "VP8",
            )
            for at, track in tracks.items()
        ]
        former = downlink.state
        choices = downlink.choose(found, time.monotonic())
        if downlink.state != former:
            self._tell_downlink(subscription)
        return {at: choices[track.key] for at, track in tracks.items()}

    def _tell_downlink(self, subscription: Subscription) -> None:
        downlink = subscription.downlink
        self._emit("downlink", self._router, subscription.endpoint, state=downlink.state, estimate_bps=downlink.estimate_bps)

    async def _urge(self) -> None:
        """Ask for key frames until every viewer has his layer: Janus asks once, and Chromium heeds no request soon after another."""
        for _ in range(URGE_TIMES):
            await asyncio.sleep(URGE_EVERY_S)
            pictures = self._tracks()
            awaited = {
                at for subscription in self._subscriptions() for at in subscription.awaiting() if at in pictures and pictures[at].layers
            }
            if not awaited:
                break
            for publication in self._publications():
                for mid in {mid for feed, mid in awaited if feed == publication.name}:
                    publication.ask_key_frame(publication.tracks[mid])
        self._urging = None

    def _tell_demand(self, track: Track, levels: frozenset[int]) -> None:
        if self._demanded.get(track.key) == levels:
            return
        self._demanded[track.key] = levels
        rids = [track.layers[level] for level in sorted(levels)] if track.layers else []
        fields = {"source": str(track.key.source), "wanted": bool(levels), "rids": rids}
        self._emit("demand", self._router, track.key.endpoint, **fields)
