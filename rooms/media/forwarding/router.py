"""A router: the endpoints, tracks and rights of one conference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rooms.media.engine import EngineError, Offer, Published, Routing, Source, TrackKey

from . import sdp
from .codecs import KIND
from .consumer import Consumer
from .demand import Demand
from .feed import NOT_RECORDED, Feed
from .producer import Producer
from .publish import PublishTransport
from .speaker import Speaking
from .subscribe import SubscribeTransport
from .told import FULL
from .track import Track
from .transport import CLOSED, Context, Transport

#: Who gets all that he shows over a path that nothing is amiss with is looked at so often.
SETTLED_S = 1.0


class Events(Protocol):
    """Where a router's events go."""

    def __call__(self, name: str, router: str, endpoint: str, **fields: Any) -> None: ...


@dataclass(slots=True)
class _Endpoint:
    publish: PublishTransport | None = None
    subscribe: SubscribeTransport | None = None


class Router:
    """Holds what is and makes it what `routing` says.

    `away`: the server is gone and has not confirmed the rights since. `stopped`: it was gone for too long, nothing flows.
    """

    def __init__(
        self,
        context: Context,
        feed: Feed,
        name: str,
        emit: Events,
        lossy: Callable[[Producer], None],
        restless: Callable[[Router], None],
    ) -> None:
        self.name = name
        self.epoch = 0
        self.routing = Routing()
        self.away_since: float | None = None
        self.stopped = False
        self._context = context
        self._feed = feed
        self._emit = emit
        self._lossy = lossy
        self._restless = restless
        self._demand = Demand()
        self._speaking = Speaking()
        self._shown: dict[str, dict[TrackKey, int]] = {}
        self._endpoints: dict[str, _Endpoint] = {}
        self._tracks: dict[TrackKey, Track] = {}
        self._open: set[TrackKey] = set()
        # The layers of each picture that somebody was chosen, while that stands.
        self._chosen: dict[TrackKey, frozenset[int]] | None = None
        self._all_at = float("-inf")

    # -- requests

    def apply(self, routing: Routing) -> None:
        """Make `routing` what is. Rights that are taken away are gone when this returns."""
        returned = self.away_since is not None
        self.routing = routing
        self.away_since = None
        self.stopped = False
        for gone in self._endpoints.keys() - routing.publish.keys():
            self._remove(gone)
        self._gates()
        self._connect()
        if returned:
            for endpoint in self._endpoints.values():
                if endpoint.subscribe is not None:
                    endpoint.subscribe.refresh()
                    if endpoint.subscribe.pending is not None:
                        self._offered(endpoint.subscribe, endpoint.subscribe.pending)
            self._demand.forget()
            self._tell_speaker()
            for endpoint in self._endpoints.values():
                if endpoint.subscribe is not None and endpoint.subscribe.downlink.state != FULL:
                    self._tell_downlink(endpoint.subscribe)
        self.think(self._context.clock())
        self._listen(self._context.clock())
        self._context.outbox.flush()

    def publish(self, name: str, text: str, sources: Mapping[str, Source]) -> Published:
        """A publish offer: renegotiation, an ICE restart, or a new transport in place of the old one."""
        endpoint = self._endpoint(name)
        try:
            offer = sdp.parse(text)
            former = endpoint.publish
            again = former is not None and former.continues(offer)
            transport = former if former is not None and again else PublishTransport(self._context, self, name, self._lossy)
            try:
                transport.check(offer, sources)
            except sdp.SdpError:
                if transport is not former:
                    transport.discard()
                raise
        except sdp.SdpError as error:
            raise EngineError(error.code, str(error)) from None
        pauses = self._context.dtx and name not in self.routing.continuous
        answer = transport.accept(offer, sources, self._track, pauses=pauses)
        endpoint.publish = transport
        if former is not None and former is not transport:
            former.close()
        self._opened()
        self.think(self._context.clock())
        return Published(transport.id, answer)

    def subscribe(self, name: str) -> Offer:
        """A fresh subscribe transport and its first offer."""
        endpoint = self._endpoint(name)
        former = endpoint.subscribe
        transport = SubscribeTransport(self._context, self, name, self._offered, self._may_start)
        endpoint.subscribe = transport
        if former is not None:
            former.close()
        transport.want(self._watchable(name))
        transport.show(self._shown.get(name, {}))
        offer = transport.offer()
        # Told now, a browser that had paused its picture sends again by the time that this connection is up.
        self.think(self._context.clock())
        return offer

    def answer(self, name: str, transport_id: str, revision: int, text: str) -> None:
        """The answer to an offer."""
        transport = self._endpoint(name).subscribe
        if transport is None or transport.id != transport_id or transport.state == CLOSED:
            raise EngineError("unknown_transport", f"{name} has no subscribe transport {transport_id}")
        if transport.pending is None or transport.pending.revision != revision:
            raise EngineError("stale_revision", f"offer {revision} is not the one that waits for an answer")
        try:
            transport.answer(sdp.parse(text))
        except sdp.SdpError as error:
            raise EngineError(error.code, str(error)) from None

    def restart(self, name: str, transport_id: str) -> Offer:
        """The subscribe transport offered again with new ICE credentials."""
        transport = self._endpoint(name).subscribe
        if transport is None or transport.id != transport_id or transport.state == CLOSED:
            raise EngineError("unknown_transport", f"{name} has no subscribe transport {transport_id}")
        transport.restart()
        return transport.offer()

    def show(self, name: str, heights: dict[TrackKey, int]) -> None:
        """How high the endpoint shows each picture."""
        endpoint = self._endpoint(name)
        self._shown[name] = heights
        if endpoint.subscribe is not None:
            endpoint.subscribe.show(heights)
            self.think(self._context.clock())
            self._context.outbox.flush()

    def _endpoint(self, name: str) -> _Endpoint:
        if name not in self.routing.publish:
            raise EngineError("unknown_endpoint", f"no endpoint {name!r} in the routing")
        return self._endpoints.setdefault(name, _Endpoint())

    # -- what follows from the routing

    def _track(self, key: TrackKey) -> Track:
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(key, self._context.outbox, self._feed, self.name, lambda: self._restless(self))
            self._gate(track)
        return track

    def _gates(self) -> None:
        for track in self._tracks.values():
            self._gate(track)

    def _gate(self, track: Track) -> None:
        key, routing = track.key, self.routing
        permitted = not self.stopped and key.source in routing.publish.get(key.endpoint, frozenset())
        track.record(key in routing.record and not routing.private and not self.stopped, NOT_RECORDED)
        track.permit(permitted, self._context.clock())

    def _watchable(self, name: str) -> dict[TrackKey, Track]:
        watch = self.routing.watch.get(name, frozenset())
        return {key: self._tracks[key] for key in watch if key in self._tracks and self._tracks[key].layers}

    def _connect(self) -> None:
        for name, endpoint in self._endpoints.items():
            if endpoint.subscribe is not None:
                endpoint.subscribe.want(self._watchable(name))

    def _may_start(self, consumer: Consumer) -> bool:
        """A private conference connects nobody while the server is away."""
        if self.away_since is None:
            return not self.stopped
        return consumer.active and not self.stopped

    def _opened(self) -> None:
        """Tell which tracks began and ended, and connect who may watch them, in the codec that each has now."""
        present = {key for key, track in self._tracks.items() if track.layers}
        for key in sorted(present - self._open):
            self._emit("producer", self.name, key.endpoint, source=str(key.source), state="open")
            self._demand.forget(key)
        for key in sorted(self._open - present):
            self._emit("producer", self.name, key.endpoint, source=str(key.source), state="closed")
        self._open = present
        self._chosen = None
        self._connect()

    def _offered(self, transport: SubscribeTransport, offer: Offer) -> None:
        fields = {"transport": offer.transport, "revision": offer.revision, "sdp": offer.sdp, "tracks": list(offer.tracks)}
        self._emit("offer", self.name, transport.endpoint, offer=fields)

    def transport_changed(self, transport: Transport, state: str) -> None:
        """A transport connected, went stale or ended."""
        self._emit("transport", self.name, transport.endpoint, transport=transport.id, direction=transport.direction, state=state)
        self._chosen = None
        if state == CLOSED and transport.direction == "publish":
            self._opened()

    # -- who gets what

    def think(self, now: float, everybody: bool = True) -> None:
        """Choose anew which layer each consumer gets, of `everybody` or of those alone who are not settled, and tell the publishers what
        is wanted of them."""
        viewers = [e.subscribe for e in self._endpoints.values() if e.subscribe is not None and e.subscribe.state != CLOSED]
        looked_at = [viewer for viewer in viewers if everybody or not viewer.settled(now)]
        if not (everybody or looked_at or self._chosen is None or self._demand.shrinking):
            return
        if looked_at:
            self._decide(looked_at, now)
            self._chosen = None
        if self._chosen is None:
            self._chosen = self._levels(viewers)
        for key, chosen in self._chosen.items():
            track = self._tracks[key]
            wanted = chosen | {len(track.layers) - 1} if track.records else chosen
            changed, demanded = self._demand.changed(key, track.layers, wanted, now), self._demand.levels(key)
            for level, layer in enumerate(track.layers):
                layer.producer.demanded = level in demanded
            if changed:
                rids = [track.layers[level].rid for level in sorted(self._demand.levels(key)) if track.layers[level].rid]
                self._emit("demand", self.name, key.endpoint, source=str(key.source), wanted=bool(self._demand.levels(key)), rids=rids)

    def _decide(self, viewers: list[SubscribeTransport], now: float) -> None:
        for track in self._tracks.values():
            if track.layers and KIND[track.key.source] == "video":
                track.survey(now)
        for viewer in viewers:
            former = viewer.downlink.state
            viewer.decide(self.routing.floor, now)
            if viewer.downlink.state != former:
                self._tell_downlink(viewer)

    def _levels(self, viewers: list[SubscribeTransport]) -> dict[TrackKey, frozenset[int]]:
        """The layers of each picture that somebody was chosen."""
        levels: dict[Track, set[int]] = {self._tracks[key]: set() for key in self._open if KIND[key.source] == "video"}
        for viewer in viewers:
            for consumer in viewer.consumers:
                if consumer.allowed and consumer.choice.level >= 0 and consumer.track in levels:
                    levels[consumer.track].add(consumer.choice.level)
        return {track.key: frozenset(found) for track, found in levels.items()}

    def _listen(self, now: float) -> None:
        """Tell who speaks if that changed, of those whose sound passes."""
        voices = {k.endpoint: t.voice for k, t in self._tracks.items() if t.voice is not None and t.permitted and t.layers}
        if self._speaking.changed(voices, now):
            self._tell_speaker()

    def _tell_speaker(self) -> None:
        self._emit("speaker", self.name, self._speaking.speaker)

    def _tell_downlink(self, transport: SubscribeTransport) -> None:
        downlink = transport.downlink
        self._emit("downlink", self.name, transport.endpoint, state=downlink.state, estimate_bps=downlink.estimator.bps)

    def pad(self, now: float) -> bool:
        """Send the padding of probes; False if there is none to be sent."""
        downlinks = [e.subscribe.downlink for e in self._endpoints.values() if e.subscribe is not None and e.subscribe.ready]
        return sum(downlink.pad(now) for downlink in downlinks) > 0

    def downlinks(self) -> list[str]:
        """The state of each viewer's downlink."""
        return [e.subscribe.downlink.state for e in self._endpoints.values() if e.subscribe is not None and e.subscribe.ready]

    def tick(self, now: float) -> None:
        """Several times a second."""
        changed = [track for track in self._tracks.values() if track.tick(now)]
        everybody = bool(changed) or now >= self._all_at
        if everybody:
            self._all_at = now + SETTLED_S
        self.think(now, everybody)
        self._listen(now)

    def measure(self, now: float) -> None:
        """Each second: bit rates and frame rates."""
        for publisher in self.publishers():
            for producer in publisher.producers:
                producer.measure(now)
        for track in self._tracks.values():
            for layer in track.layers:
                layer.look()
        for endpoint in self._endpoints.values():
            if endpoint.subscribe is not None:
                for consumer in endpoint.subscribe.consumers:
                    consumer.measure(now)
                endpoint.subscribe.downlink.measure(endpoint.subscribe.consumers, now)

    # -- time and end

    def server_lost(self, now: float) -> None:
        """The control connection is gone: the last rights hold for a while, nothing new is admitted."""
        if self.away_since is None:
            self.away_since = now

    def stop(self) -> None:
        """Let nothing flow until the server confirms the rights."""
        if not self.stopped:
            self.stopped = True
            self._gates()
            for endpoint in self._endpoints.values():
                if endpoint.subscribe is not None:
                    endpoint.subscribe.refresh()

    def transports(self) -> list[Transport]:
        return [t for e in self._endpoints.values() for t in (e.publish, e.subscribe) if t is not None and t.state != CLOSED]

    def publishers(self) -> list[PublishTransport]:
        return [e.publish for e in self._endpoints.values() if e.publish is not None and e.publish.state != CLOSED]

    def _remove(self, name: str) -> None:
        endpoint = self._endpoints.pop(name)
        self._shown.pop(name, None)
        for transport in (endpoint.publish, endpoint.subscribe):
            if transport is not None:
                transport.close()
        for key in [k for k in self._tracks if k.endpoint == name]:
            self._tracks[key].record(False, "closed")
            del self._tracks[key]
            self._demand.forget(key)
        self._open = {key for key in self._open if key.endpoint != name}
        self._chosen = None

    def close(self) -> None:
        """End every transport. May be called twice."""
        self.stopped = True
        for name in list(self._endpoints):
            self._remove(name)

    def report(self) -> dict[str, Any]:
        """What is, for the engine's report."""
        endpoints = {}
        for name, endpoint in self._endpoints.items():
            endpoints[name] = {
                "publish": endpoint.publish.report() if endpoint.publish is not None and endpoint.publish.state != CLOSED else None,
                "subscribe": endpoint.subscribe.report() if endpoint.subscribe is not None and endpoint.subscribe.state != CLOSED else None,
            }
        return {"epoch": self.epoch, "endpoints": endpoints}
