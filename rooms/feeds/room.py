"""A feed as it goes: the phone's WebSocket and those of the officers who watch, and its router. Decides nothing; what a feed is, is
:mod:`rooms.feeds.feed`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from rooms.farewells import NORMAL
from rooms.feeds import feed as feeds
from rooms.feeds.feed import SENT, About, Cause, Feed
from rooms.flow import NAMES, Flow, message_of
from rooms.heartbeat import Track
from rooms.media.engine import Engine, EngineError, EngineEvent, Offer, Routing, Source
from rooms.media_link import REFUSALS
from rooms.protocol import (
    Answer,
    CloseCode,
    Farewell,
    Hello,
    Leave,
    MediaReset,
    OfferTrack,
    ProtocolError,
    Publish,
    PublishedAnswer,
    Quality,
    ServerMessage,
    SetSource,
    Show,
    Subscribe,
    SubscribeOffer,
    UserError,
    Welcome,
)
from rooms.protocol import State as StateMessage
from rooms.relay import Relay

if TYPE_CHECKING:
    from rooms.commands import Actor, Command
    from rooms.plan import Ticket
    from rooms.signalling import Outgoing

T = TypeVar("T")
HEARTBEAT_S = 3.0
SILENT_S = 9.5
"""Presence turns to lost so long after the last sign of life, as in a sitting."""
OVER = Farewell(code=CloseCode.CLOSED, reason="feed_over")
log = structlog.get_logger()


@dataclass(slots=True)
class Around:
    """What every feed of a server shares. `epoch`: as of the server's start, so that an engine takes no order of one before."""

    engine: Engine
    relay: Relay
    epoch: int
    clock_us: Callable[[], int]
    changed: Callable[[str], None]


@dataclass(slots=True)
class FeedRoom:
    """Make it, `close()` it. `media` is the room itself: it negotiates for its connections."""

    feed: Feed
    around: Around
    connections: dict[str, Outgoing] = field(default_factory=dict)
    producers: frozenset[Track] = frozenset()
    left: bool = False
    closed: bool = False
    _flow: Flow = field(default_factory=Flow)
    _offers: dict[str, Offer] = field(default_factory=dict)
    _applied: Routing | None = None
    _instance: str = ""
    _heard_s: dict[str, float] = field(default_factory=dict)
    _applying: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, about: About, around: Around) -> FeedRoom:
        """A feed that begins now and waits for its phone."""
        now_s = asyncio.get_running_loop().time()
        room = cls(Feed(about, around.clock_us(), watched_s=now_s, lost_s=now_s), around)
        room._instance = around.engine.place(about.id)
        return room

    @property
    def id(self) -> str:
        """The name of its router."""
        return self.feed.about.id

    @property
    def media(self) -> FeedRoom:
        """Who negotiates."""
        return self

    # -- connections: the part that rooms.signalling calls -----------------------------------------------------

    async def arrive(self, connection: Outgoing, hello: Hello) -> None:
        """Seat a connection. Raises ProtocolError, or UserError while there is no engine."""
        ticket = connection.ticket
        if self.closed:
            raise ProtocolError(OVER.code, OVER.reason)
        former = self.feed.endpoint if self._sends(ticket) and self.feed.endpoint != ticket.endpoint else ticket.endpoint
        self.feed = (
            feeds.came(self.feed, ticket.endpoint) if self._sends(ticket) else feeds.watched(self.feed, ticket.endpoint, ticket.name)
        )
        if (replaced := self.connections.pop(former, None)) is not None:
            replaced.end(Farewell(code=CloseCode.REPLACED, reason="replaced"))
        self.connections[ticket.endpoint] = connection
        self.heard(ticket.endpoint)
        await self._settle()
        held = await self._held(ticket.endpoint) if hello.publish or hello.subscribe else {}
        keep_publish, keep_subscribe = (
            _keeps(held, side, named) for side, named in (("publish", hello.publish), ("subscribe", hello.subscribe))
        )
        ice = self.around.relay.ice_for(ticket.endpoint, self.around.clock_us() / 1e6)
        connection.send(
            Welcome(
                endpoint=ticket.endpoint,
                keep_publish=keep_publish,
                keep_subscribe=keep_subscribe,
                heartbeat_s=HEARTBEAT_S,
                now_us=self.now_us(),
                ice=ice,
            )
        )
        self.tell()
        for demand in self._flow.demands(ticket.endpoint) if keep_publish else ():
            connection.send(demand)
        outstanding = self._offers.get(ticket.endpoint)
        if keep_subscribe and outstanding is not None and outstanding.transport == hello.subscribe:
            connection.send(self._offered(ticket.endpoint, outstanding))

    def _sends(self, ticket: Ticket) -> bool:
        return ticket.kind == "participant"

    def gone(self, connection: Outgoing) -> None:
        """The socket ended: a phone has its grace, an officer's watch is over."""
        endpoint = connection.ticket.endpoint
        if self.connections.get(endpoint) is not connection:
            return
        del self.connections[endpoint]
        now_s = asyncio.get_running_loop().time()
        if endpoint == self.feed.endpoint:
            self.feed = feeds.away(self.feed, now_s)
        else:
            self.feed = feeds.unwatched(self.feed, endpoint, now_s)
            self._flow.forget(endpoint)
            self._offers.pop(endpoint, None)
        self.tell()

    def heard(self, endpoint: str) -> None:
        """A sign of life."""
        self._heard_s[endpoint] = asyncio.get_running_loop().time()

    def now_us(self) -> int:
        """The server's clock."""
        return self.around.clock_us()

    def measured_by(self, endpoint: str, quality: Quality) -> None:
        """Figures of a browser's own connection; nobody asks for them here."""

    async def act(self, actor: Actor, command: Command) -> None:
        """Its sender lets sound or picture out or not, or ends it by leaving; an officer leaves. Raises UserError "not_allowed"."""
        if isinstance(command, Leave):
            connection = self.connections.get(actor.endpoint)
            self.left = actor.endpoint == self.feed.endpoint
            if connection is not None:
                connection.end(Farewell(code=NORMAL, reason="left"))
        elif isinstance(command, SetSource) and actor.endpoint == self.feed.endpoint and command.source in SENT:
            self.feed = feeds.switched(self.feed, command.source, command.on)
            await self._settle()
            self.tell()
        else:
            raise UserError("not_allowed", "a feed has one who sends and officers who watch")

    def tell(self) -> None:
        """Everybody sees how it is."""
        for endpoint, connection in self.connections.items():
            view = feeds.view(self.feed, endpoint, self.producers, up=self.around.engine.connected)
            connection.send(StateMessage(now_us=self.now_us(), view=view))
        self.around.changed(self.id)

    # -- negotiation -------------------------------------------------------------------------------------------

    async def publish(self, endpoint: str, message: Publish) -> PublishedAnswer:
        """The phone's offer; raises UserError."""
        if endpoint != self.feed.endpoint:
            raise UserError("not_inside", "only who sends publishes")
        await self._settle()
        sources = {track.mid: track.source for track in message.tracks}
        published = await self._asked(self.around.engine.publish(self.id, self.around.epoch, endpoint, message.sdp, sources))
        return PublishedAnswer(transport=published.transport, sdp=published.sdp)

    async def subscribe(self, endpoint: str, message: Subscribe) -> SubscribeOffer:
        """A fresh subscribe connection, or ICE begun anew; raises UserError."""
        await self._settle()
        engine, epoch = self.around.engine, self.around.epoch
        asked = engine.restart(self.id, epoch, endpoint, message.restart) if message.restart else engine.subscribe(self.id, epoch, endpoint)
        offer = await self._asked(asked)
        self._flow.tell_again(endpoint)
        await self._show()
        return self._offered(endpoint, offer)

    async def answer(self, endpoint: str, message: Answer) -> None:
        """The browser's answer; raises UserError."""
        about = (endpoint, message.transport, message.revision, message.sdp)
        await self._asked(self.around.engine.answer(self.id, self.around.epoch, *about))
        outstanding = self._offers.get(endpoint)
        if outstanding is not None and (outstanding.transport, outstanding.revision) == (message.transport, message.revision):
            del self._offers[endpoint]

    async def show(self, endpoint: str, message: Show) -> None:
        """How large an officer's page shows it."""
        self._flow.shows(endpoint, message)
        await self._show()

    async def _show(self) -> None:
        for endpoint, heights in list(self._flow.untold(feeds.routing(self.feed))):
            try:
                await self.around.engine.show(self.id, self.around.epoch, endpoint, heights)
            except EngineError:
                continue  # said again with the next that is shown, or when the engine is back
            self._flow.told(endpoint, heights)

    async def _asked(self, request: Awaitable[T]) -> T:
        try:
            return await request
        except EngineError as error:
            raise UserError(REFUSALS.get(error.code, "media_failed"), error.message) from error

    def _offered(self, endpoint: str, offer: Offer) -> SubscribeOffer:
        self._offers[endpoint] = offer
        tracks = tuple(OfferTrack(mid=t["mid"], endpoint=t["endpoint"], source=t["source"]) for t in offer.tracks)
        return SubscribeOffer(transport=offer.transport, revision=offer.revision, sdp=offer.sdp, tracks=tracks)

    async def _settle(self) -> None:
        """The router may do what the feed says; raises UserError "media_away"."""
        async with self._applying:
            desired = feeds.routing(self.feed)
            if desired != self._applied:
                await self._asked(self.around.engine.apply(self.id, self.around.epoch, desired))
                self._applied = desired

    async def _held(self, endpoint: str) -> Mapping[str, Any]:
        try:
            report = await self.around.engine.report()
        except EngineError:
            return {}
        found = report["routers"].get(self.id, {}).get("endpoints", {}).get(endpoint, {})
        return found if isinstance(found, Mapping) else {}

    # -- engine and clock --------------------------------------------------------------------------------------

    def engine_event(self, event: EngineEvent) -> None:
        """An event of its router."""
        if event.name == "offer":
            offered: ServerMessage = self._offered(event.endpoint, event.fields["offer"])
            self._send(event.endpoint, offered)
        elif event.name == "producer":
            track = (event.endpoint, Source(event.fields["source"]))
            self._arrives(self.producers | {track} if event.fields["state"] == "open" else self.producers - {track})
        elif event.name in NAMES:
            message = message_of(self._flow, event)
            for endpoint in [event.endpoint] if event.name != "speaker" else []:
                self._send(endpoint, message)

    def engine_changed(self) -> None:
        """Engine processes came or went; a new one knows nothing of the feed, and browsers begin anew."""
        instance = self.around.engine.place(self.id)
        if instance and instance != self._instance:
            self._flow.forget()
            self._offers.clear()
            self.producers = frozenset()
            if self._instance:
                for connection in self.connections.values():
                    connection.send(MediaReset())
            self._instance = instance
        self._applied = None
        self._flow.tell_again()
        self.tell()

    def reported(self, router: Mapping[str, Any]) -> None:
        """The engine's report of this router, each second: what arrives."""
        endpoints: Mapping[str, Any] = router.get("endpoints", {})
        found = ((endpoint, (sides.get("publish") or {}).get("producers") or {}) for endpoint, sides in endpoints.items())
        self._arrives(frozenset((endpoint, Source(source)) for endpoint, sources in found for source in sources))

    def _arrives(self, producers: frozenset[Track]) -> None:
        if producers != self.producers:
            self.producers = producers
            self.tell()

    def _send(self, endpoint: str, message: ServerMessage) -> None:
        if endpoint in self.connections:
            self.connections[endpoint].send(message)

    def tick(self) -> Cause | None:
        """Each second: who is silent is away. Why the feed is over now, None where it is not."""
        now_s = asyncio.get_running_loop().time()
        for endpoint, connection in list(self.connections.items()):
            if now_s - self._heard_s.get(endpoint, now_s) > SILENT_S:
                connection.end(Farewell(code=CloseCode.RESTARTING, reason="reconnect"))
                self.gone(connection)
        return "stopped" if self.left else feeds.over(self.feed, now_s)

    async def each_second(self) -> None:
        """Have the router do what is desired, whatever went wrong before."""
        if self.around.engine.connected and not self.closed:
            try:
                await self._settle()
            except UserError as error:
                log.warning("feed_not_applied", feed=self.id, code=error.code)
            await self._show()

    async def close(self, farewell: Farewell = OVER) -> None:
        """End it for everybody. Idempotent."""
        if self.closed:
            return
        self.closed = True
        for connection in list(self.connections.values()):
            connection.end(farewell)
        async with self._applying:
            try:
                await self.around.engine.close_router(self.id, self.around.epoch)
            except EngineError as error:
                log.info("feed_router_left", feed=self.id, code=error.code)


def _keeps(held: Mapping[str, Any], side: str, transport: str | None) -> bool:
    found = held.get(side) if transport else None
    return found is not None and found["transport"] == transport
