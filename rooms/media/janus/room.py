"""A router in Janus: the endpoints, tracks and rights of one conference, kept at what its routing says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from rooms.media.engine import EngineError, Offer, Published, Routing, Source, TrackKey
from rooms.media.forwarding import sdp
from rooms.media.forwarding.feed import Feed

from . import descriptions
from .connection import Connection, JanusError, Json
from .pictures import Events, Pictures
from .place import Place
from .publication import CLOSED, CONNECTED, Publication, Track
from .subscription import FeedMid, Subscription

log = structlog.get_logger()


@dataclass(slots=True)
class _Endpoint:
    publish: Publication | None = None
    subscribe: Subscription | None = None


class Room:
    """`away_since`: the server is gone since then and has not confirmed the rights. `stopped`: for too long, nothing flows.

    One thing at a time is done with a room: requests and what follows from Janus's events wait for one another.
    """

    def __init__(self, connection: Connection, place: Place, feed: Feed, emit: Events) -> None:
        self.name = place.sitting
        self.epoch = 0
        self.routing = Routing()
        self.away_since: float | None = None
        self.stopped = False
        self._connection = connection
        self._place = place
        self._feed = feed
        self._emit = emit
        self._endpoints: dict[str, _Endpoint] = {}
        self._open: set[TrackKey] = set()
        self._pictures = Pictures(self.name, emit, self._publications, self._subscriptions)
        self._voices: dict[str, float] = {}
        self._speaker = ""
        self._lock = asyncio.Lock()
        self._made = False
        self._tasks: set[asyncio.Task[None]] = set()

    # -- requests

    async def apply(self, routing: Routing) -> None:
        """Make `routing` what is. Rights that are taken away are gone when this returns; raises EngineError."""
        async with self._lock:
            if not self._made:
                await self._place.make()
                self._made = True
            returned = self.away_since is not None
            self.routing, self.away_since, self.stopped = routing, None, False
            for gone in self._endpoints.keys() - routing.publish.keys():
                await self._remove(gone)
            if returned:  # the server may be another one, which has heard nothing yet
                self._pictures.tell_again()
                self._emit("speaker", self.name, self._speaker)
            await self._gates()
            await self._connect()
            self._tell_speaker()
            for subscription in self._subscriptions() if returned else ():
                if subscription.pending is not None:
                    self._offered(subscription, subscription.pending)

    async def publish(self, name: str, text: str, sources: Mapping[str, Source]) -> Published:
        """A publish offer; raises EngineError."""
        endpoint = self._endpoint(name)
        try:
            offer = sdp.parse(text)
            tracks = descriptions.published(offer, sources)
        except sdp.SdpError as error:
            raise EngineError(error.code, str(error)) from None
        async with self._lock:
            former = endpoint.publish
            if former is not None and former.continues(offer):
                publication = former
            else:
                publication = Publication(self._connection, self._place, name, self._feed, self._publication_changed, self._talking)
            try:
                answer = await publication.accept(offer, text, tracks)
                endpoint = self._endpoint(name)  # it may have been removed meanwhile
                endpoint.publish = publication
                await self._gate(publication)
            except EngineError:
                if publication is not former:
                    await publication.close()
                    endpoint.publish = former
                raise
            if former is not None and former is not publication:
                await former.close()
            self._tell_producers()
            await self._connect()
            return Published(publication.id, answer)

    async def subscribe(self, name: str) -> Offer:
        """A fresh subscribe transport with all it may watch now; raises EngineError."""
        endpoint = self._endpoint(name)
        async with self._lock:
            former, endpoint.subscribe = endpoint.subscribe, None
            if former is not None:
                await former.close()
            new = Subscription(self._connection, self._place, name, self._name_of, self._subscription_changed, self._offered)
            try:
                offer = await new.open(self._wanted(name))
            except EngineError:
                await new.close()
                raise
            self._endpoint(name).subscribe = new
            await self._pictures.follow(self.routing)
            return offer

    async def answer(self, name: str, transport: str, revision: int, text: str) -> None:
        """The answer to an offer; raises EngineError."""
        async with self._lock:
            subscription = self._subscription(name, transport)
            await subscription.answer(revision, text)
            await self._connect_one(subscription)
            await self._pictures.follow(self.routing)

    async def restart(self, name: str, transport: str) -> Offer:
        """The subscribe transport offered again with new ICE credentials; raises EngineError."""
        async with self._lock:
            return await self._subscription(name, transport).restart()

    async def show(self, name: str, heights: Mapping[TrackKey, int]) -> None:
        """How high the endpoint shows each picture, device pixels; raises EngineError."""
        self._endpoint(name)
        async with self._lock:
            self._pictures.shown[name] = heights
            await self._pictures.follow(self.routing)

    def _endpoint(self, name: str) -> _Endpoint:
        if name not in self.routing.publish:
            raise EngineError("unknown_endpoint", f"no endpoint {name!r} in the routing")
        return self._endpoints.setdefault(name, _Endpoint())

    def _subscription(self, name: str, transport: str) -> Subscription:
        found = self._endpoint(name).subscribe
        if found is None or found.id != transport or found.state == CLOSED:
            raise EngineError("unknown_transport", f"{name} has no subscribe transport {transport}")
        return found

    # -- what follows from the routing

    def _publications(self) -> list[Publication]:
        return [e.publish for e in self._endpoints.values() if e.publish is not None and e.publish.state != CLOSED]

    def _subscriptions(self) -> list[Subscription]:
        return [e.subscribe for e in self._endpoints.values() if e.subscribe is not None and e.subscribe.state != CLOSED]

    def _name_of(self, at: FeedMid) -> TrackKey | None:
        for publication in self._publications():
            if publication.name == at[0] and at[1] in publication.tracks:
                return publication.tracks[at[1]].key
        return None

    def _wanted(self, name: str) -> dict[TrackKey, FeedMid]:
        """What an endpoint may watch and is there: Janus lets nobody subscribe to a participant that is not connected yet."""
        if self.stopped:
            return {}
        watch = self.routing.watch.get(name, frozenset())
        connected = [p for p in self._publications() if p.state == CONNECTED]
        return {t.key: (p.name, t.mid) for p in connected for t in p.tracks.values() if t.key in watch}

    async def _gates(self) -> None:
        """First everything that is taken away, everywhere, then what is granted. What the recorder may no longer have ends at once, and
        not when Janus has answered for everybody before."""
        publications = self._publications()
        for publication in publications:
            for track in publication.tracks.values():
                if not self._passes(track) or not self._recorded(track):
                    publication.hold_back(track)
        for publication in publications:
            await self._gate(publication, restrict_only=True)
        for publication in publications:
            await self._gate(publication)

    async def _gate(self, publication: Publication, restrict_only: bool = False) -> None:
        for track in list(publication.tracks.values()):
            permitted, record = self._passes(track), self._recorded(track)
            if not permitted:
                await publication.permit(track, False)
            if not record:
                await publication.record(track, False)
            if restrict_only:
                continue
            if record:
                await publication.record(track, True)  # before anything passes, so that the record has it all
            await publication.permit(track, permitted)
        if not restrict_only:
            await publication.limit(self.routing.video_ceiling_bps)

    def _passes(self, track: Track) -> bool:
        return not self.stopped and track.key.source in self.routing.publish.get(track.key.endpoint, frozenset())

    def _recorded(self, track: Track) -> bool:
        return track.key in self.routing.record and not (self.stopped or self.routing.private)

    async def _connect(self) -> None:
        subscriptions = self._subscriptions()
        for subscription in subscriptions:
            await subscription.drop(self._wanted(subscription.endpoint))
        for subscription in subscriptions:
            await self._connect_one(subscription)
        await self._pictures.follow(self.routing)

    async def _connect_one(self, subscription: Subscription) -> None:
        if self.away_since is None and not self.stopped:  # nobody is connected anew while the server is away
            await subscription.add(self._wanted(subscription.endpoint))

    # -- whose voice

    def _talking(self, feed: str, level: float | None) -> None:
        if level is None:
            self._voices.pop(feed, None)
        else:
            self._voices[feed] = level
        self._tell_speaker()

    def _tell_speaker(self) -> None:
        """The loudest of those whose sound passes; a level counts downwards from the loudest (RFC 6464)."""
        passing = {
            p.name: p for p in self._publications() if any(t.permitted and t.key.source is Source.MICROPHONE for t in p.tracks.values())
        }
        self._voices = {feed: level for feed, level in self._voices.items() if feed in passing}
        loudest = min(self._voices, key=self._voices.__getitem__, default="")
        speaker = passing[loudest].endpoint if loudest else ""
        if speaker != self._speaker:
            self._speaker = speaker
            self._emit("speaker", self.name, speaker)

    # -- what Janus says

    def _publication_changed(self, publication: Publication) -> None:
        self._told(publication)
        self._later(self._followed, publication)

    def _subscription_changed(self, subscription: Subscription) -> None:
        self._told(subscription)
        if subscription.state == CLOSED:
            self._later(self._followed, subscription)

    def _told(self, transport: Publication | Subscription) -> None:
        fields = {"transport": transport.id, "direction": transport.direction, "state": transport.state}
        self._emit("transport", self.name, transport.endpoint, **fields)

    async def _followed(self, transport: Publication | Subscription) -> None:
        """A transport connected or ended by itself: who watches it is connected or let go."""
        async with self._lock:
            if transport.state == CLOSED:
                await transport.close()
            self._tell_producers()
            await self._connect()
            self._tell_speaker()

    def _offered(self, subscription: Subscription, offer: Offer) -> None:
        fields = {"transport": offer.transport, "revision": offer.revision, "sdp": offer.sdp, "tracks": list(offer.tracks)}
        self._emit("offer", self.name, subscription.endpoint, offer=fields)

    def _tell_producers(self) -> None:
        present = {track.key for publication in self._publications() for track in publication.tracks.values()}
        for key in sorted(present - self._open):
            self._pictures.forget(key)  # what is wanted is told after each beginning
            self._emit("producer", self.name, key.endpoint, source=str(key.source), state="open")
        for key in sorted(self._open - present):
            self._emit("producer", self.name, key.endpoint, source=str(key.source), state="closed")
        self._open = present

    def _later(self, work: Callable[[Any], Awaitable[None]], argument: object) -> None:
        async def survive() -> None:
            try:
                await work(argument)
            except EngineError as error:  # the server states the routing again within seconds
                log.warning("janus_refused", router=self.name, code=error.code, error=error.message)

        task = asyncio.get_running_loop().create_task(survive())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- time and end

    @property
    def busy(self) -> bool:
        """Whether something is done with it just now."""
        return self._lock.locked()

    async def look(self) -> None:
        """Each second, after :meth:`counted`: send each viewer what his path carries; raises EngineError."""
        async with self._lock:
            never_came = self._never_came()
            for subscription in self._subscriptions():
                subscription.look(never_came, time.monotonic())
            await self._pictures.follow(self.routing)

    async def stop(self) -> None:
        """Let nothing flow until the server confirms the rights."""
        async with self._lock:
            if not self.stopped:
                self.stopped = True
                with suppress(EngineError):
                    await self._gates()
                with suppress(EngineError):
                    await self._connect()

    async def _remove(self, name: str) -> None:
        endpoint = self._endpoints.pop(name)
        self._pictures.shown.pop(name, None)
        self._open = {key for key in self._open if key.endpoint != name}
        for transport in (endpoint.publish, endpoint.subscribe):
            if transport is not None:
                former = transport.state
                await transport.close()
                if former != CLOSED:
                    self._told(transport)

    async def close(self) -> None:
        """End every transport, and the room. May be called twice."""
        async with self._lock:
            self._pictures.close()
            for name in list(self._endpoints):
                await self._remove(name)
            if self._made:
                self._made = False
                with suppress(JanusError):
                    await self._place.destroy()

    # -- report

    def transports(self) -> list[Publication | Subscription]:
        """Those that have not ended."""
        return [*self._publications(), *self._subscriptions()]

    def downlinks(self) -> list[str]:
        """The state of each connected viewer's downlink."""
        return [subscription.downlink.state for subscription in self._subscriptions() if subscription.state == CONNECTED]

    def counted(self, infos: Mapping[int, Json], now_s: float) -> None:
        """Take what Janus's core says of each handle just now."""
        for transport in self.transports():
            if transport.handle is not None and transport.handle.number in infos:
                transport.counted(infos[transport.handle.number], now_s)

    def _never_came(self) -> dict[FeedMid, int]:
        return {(p.name, t.mid): t.counts.never_came for p in self._publications() for t in p.tracks.values()}

    def report(self) -> dict[str, Any]:
        """What is, for the engine's report."""
        forwarded: dict[FeedMid, int] = {}
        for subscription in self._subscriptions():
            for at, packets in subscription.sent().items():
                forwarded[at] = forwarded.get(at, 0) + packets
        never_came = self._never_came()
        endpoints = {}
        for name, endpoint in self._endpoints.items():
            publish, subscribe = endpoint.publish, endpoint.subscribe
            endpoints[name] = {
                "publish": publish.report(forwarded) if publish is not None and publish.state != CLOSED else None,
                "subscribe": subscribe.report(never_came) if subscribe is not None and subscribe.state != CLOSED else None,
            }
        return {"epoch": self.epoch, "endpoints": endpoints}
