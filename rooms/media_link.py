"""Keeps the router of one conference at what the conference desires, and passes negotiation between browser and engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from rooms.commands import ClearAlert, Command, Observe, RaiseAlert
from rooms.desired import LARGE, quality, routing, speaks
from rooms.flow import NAMES, Flow, message_of
from rooms.heartbeat import Track
from rooms.journal import Journal
from rooms.media.engine import Engine, EngineError, EngineEvent, Offer, Routing, Source
from rooms.metrics import ENGINE_REFUSALS
from rooms.protocol import (
    Answer,
    Demand,
    Downlink,
    OfferTrack,
    Publish,
    PublishedAnswer,
    Show,
    Speaker,
    Subscribe,
    SubscribeOffer,
    UserError,
)

AGAIN_S = 5.0
"""The desired state is stated again so often, whatever happened to the engine's."""
RETRY_S = 0.3
SETTLE_LIMIT_S = 5.0
DISOBEDIENT_PACKETS = {Source.MICROPHONE: 2}
"""Packets a second dropped for want of a right, :data:`DISOBEDIENT_SECONDS` running: a browser that goes on sending. Of pictures it
is :data:`DISOBEDIENT_PICTURE_PACKETS`; a microphone that picks up nothing sends five a second (DTX), one that is closed none."""
DISOBEDIENT_PICTURE_PACKETS = 25
DISOBEDIENT_SECONDS = 3
DISOBEDIENT_EVERY_S = 60.0
REFUSALS = {
    "lost": "media_away",
    "timeout": "media_away",
    "unknown_router": "media_away",
    "unknown_endpoint": "not_inside",
    "unknown_transport": "transport_unknown",
    "stale_revision": "stale_revision",
    "bad_sdp": "bad_sdp",
    "unsupported_codec": "unsupported_codec",
}
"""What a browser is told for a code of the engine; anything else is "media_failed"."""
log = structlog.get_logger()


class Owner(Protocol):
    """The conference, as this link needs it."""

    journal: Journal

    async def note(self, command: Command) -> None:
        """Handle a command of the system."""

    def superseded(self, why: str) -> None:
        """Another server owns the conference."""

    def rights_hold(self) -> None:
        """The engine has the present rights."""


class MediaLink:
    """One conference's side of the engine."""

    def __init__(self, owner: Owner, engine: Engine) -> None:
        self._owner = owner
        self._engine = engine
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._applied: Routing | None = None
        self._settled = asyncio.Event()
        self.there = asyncio.Event()
        self.flow = Flow()
        self.offers: dict[str, Offer] = {}
        self.producers: frozenset[Track] = frozenset()
        self.undecodable: dict[str, frozenset[Track]] = {}
        self._drops: dict[Track, tuple[int, int]] = {}
        self._noted: dict[str, float] = {}
        self.done = False

    @property
    def up(self) -> bool:
        """Whether the engine process of this conference is connected."""
        return self.there.is_set()

    @property
    def is_settled(self) -> bool:
        """Whether the engine has the present rights."""
        return self._settled.is_set()

    def start(self) -> None:
        """Begin to keep the router at what is desired."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="media-link")

    async def close(self) -> None:
        """Stop; media flows on as it is. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def wake(self) -> None:
        """The state changed."""
        self._settled.clear()
        self._wake.set()

    def engine_up(self, *, fresh: bool) -> None:
        """Connected; `fresh`: to a process that knows nothing yet."""
        self.there.set()
        self._applied = None
        self.flow.tell_again()
        if fresh:
            self.flow.forget()
            self.offers.clear()
            self.producers = frozenset()
            self._drops.clear()
        self.wake()

    def engine_lost(self) -> None:
        """The connection broke; media may flow on."""
        self.there.clear()
        self._settled.clear()

    # -- keeping ----------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while not self.done:
            self._wake.clear()
            wait_s = AGAIN_S
            try:
                await self._reconcile()
            except EngineError as error:
                if error.code == "stale_epoch":
                    self._owner.superseded("the engine knows a newer server")
                    return
                if error.code != "lost":
                    log.warning("engine_refused", sitting=self._owner.journal.sitting, code=error.code, error=error.message)
                wait_s = RETRY_S
            except Exception:  # a defect in one step must not leave a router with former rights
                log.exception("media_link_failed")
                wait_s = RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                self._applied = None
                self.flow.tell_again()

    async def _reconcile(self) -> None:
        journal = self._owner.journal
        state = journal.state
        if state is None or not self.up:
            return
        if state.closed:
            await self._engine.close_router(journal.sitting, journal.epoch)
            self.done = True
            return
        desired = routing(state)
        if desired != self._applied:
            await self._engine.apply(journal.sitting, journal.epoch, desired)
            self._applied = desired
        if journal.state is state or routing(journal.state or state) == desired:
            self._settled.set()
            self._owner.rights_hold()
        else:
            self._wake.set()
        lines = quality(state)[0]
        await self._tell(desired, lines if lines < LARGE[0] else None)

    async def _tell(self, desired: Routing, usual: int | None) -> None:
        """Tell the engine what pages show. Rights come first: what it refuses of this is said again later."""
        journal = self._owner.journal
        for endpoint, heights in list(self.flow.untold(desired, usual)):
            try:
                await self._engine.show(journal.sitting, journal.epoch, endpoint, heights)
            except EngineError as error:
                if error.code in {"lost", "stale_epoch"}:
                    raise
                ENGINE_REFUSALS.labels("show", error.code).inc()
            self.flow.told(endpoint, heights)

    async def settled(self) -> None:
        """Wait until the engine has the present rights; raises UserError "media_away"."""
        try:
            async with asyncio.timeout(SETTLE_LIMIT_S if self.up else 0):
                await self._settled.wait()
        except TimeoutError:
            raise UserError("media_away", "the media engine is away") from None

    # -- negotiation ------------------------------------------------------------------------------------------

    async def publish(self, endpoint: str, message: Publish) -> PublishedAnswer:
        """Take a publish offer; raises UserError."""
        journal = self._owner.journal
        self._inside(endpoint, observer=journal.state is not None and speaks(journal.state, endpoint))
        await self.settled()
        sources = {track.mid: track.source for track in message.tracks}
        try:
            published = await self._engine.publish(journal.sitting, journal.epoch, endpoint, message.sdp, sources)
        except EngineError as error:
            raise _refusal(error) from error
        return PublishedAnswer(transport=published.transport, sdp=published.sdp)

    async def subscribe(self, endpoint: str, message: Subscribe) -> SubscribeOffer:
        """Make a fresh subscribe transport, or restart ICE of the one that is named; raises UserError."""
        journal = self._owner.journal
        self._inside(endpoint, observer=True)
        await self.settled()
        try:
            if message.restart is None:
                offer = await self._engine.subscribe(journal.sitting, journal.epoch, endpoint)
            else:
                offer = await self._engine.restart(journal.sitting, journal.epoch, endpoint, message.restart)
        except EngineError as error:
            raise _refusal(error) from error
        self.flow.tell_again(endpoint)
        self._wake.set()
        return self.offered(endpoint, offer)

    async def show(self, endpoint: str, message: Show) -> None:
        """Take what a page shows; the engine is told soon. Raises UserError."""
        self._inside(endpoint, observer=True)
        self.flow.shows(endpoint, message)
        self._wake.set()

    async def answer(self, endpoint: str, message: Answer) -> None:
        """Pass the browser's answer on; raises UserError."""
        journal = self._owner.journal
        self._inside(endpoint, observer=True)
        try:
            await self._engine.answer(journal.sitting, journal.epoch, endpoint, message.transport, message.revision, message.sdp)
        except EngineError as error:
            raise _refusal(error) from error
        outstanding = self.offers.get(endpoint)
        if outstanding and (outstanding.transport, outstanding.revision) == (message.transport, message.revision):
            del self.offers[endpoint]

    def offered(self, endpoint: str, offer: Offer) -> SubscribeOffer:
        """An offer that waits for the browser's answer; kept, so that a browser that resumes gets it again."""
        self.offers[endpoint] = offer
        tracks = tuple(OfferTrack(mid=t["mid"], endpoint=t["endpoint"], source=t["source"]) for t in offer.tracks)
        return SubscribeOffer(transport=offer.transport, revision=offer.revision, sdp=offer.sdp, tracks=tracks)

    def _inside(self, endpoint: str, observer: bool = False) -> None:
        state = self._owner.journal.state
        found = state.endpoints.get(endpoint) if state else None
        if state is None or not ((found and state.is_inside(found)) or (observer and endpoint in state.observers)):
            raise UserError("not_inside", "only who is inside has media")

    async def held(self, endpoint: str) -> Mapping[str, Any]:
        """What the engine reports of an endpoint: {"publish": {...} | None, "subscribe": {...} | None}."""
        if not self.up:
            return {}
        try:
            report = await self._engine.report()
        except EngineError:
            return {}
        found = report["routers"].get(self._owner.journal.sitting, {}).get("endpoints", {}).get(endpoint, {})
        return found if isinstance(found, Mapping) else {}

    def noticed(self, event: EngineEvent) -> Demand | Downlink | Speaker | None:
        """The message that tells pages of an event; None if it is none for them, or not understood."""
        if event.name not in NAMES:
            return None
        try:
            return message_of(self.flow, event)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("engine_event_not_understood", event_name=event.name, error=str(error))
            return None

    # -- measuring --------------------------------------------------------------------------------------------

    def produces(self, endpoint: str, fields: Mapping[str, Any]) -> bool:
        """A track began or ended (`fields` of the engine's event); True if that is news. The next report says the same."""
        track = (endpoint, Source(fields["source"]))
        former = self.producers
        self.producers = former | {track} if fields["state"] == "open" else former - {track}
        if track not in self.producers:
            self.flow.ended(*track)
        return self.producers != former

    def forget(self, endpoint: str) -> None:
        """The endpoint is gone."""
        self.offers.pop(endpoint, None)
        self.flow.forget(endpoint)

    async def reported(self, router: Mapping[str, Any]) -> Mapping[Track, int]:
        """Take the engine's report of this router; returns the packets fed to the recorder by track."""
        endpoints: Mapping[str, Any] = router.get("endpoints", {})
        producers: set[Track] = set()
        fed: dict[Track, int] = {}
        undecodable: dict[str, frozenset[Track]] = {}
        for endpoint, sides in endpoints.items():
            publish = sides.get("publish") or {}
            for source, figures in (publish.get("producers") or {}).items():
                track = (endpoint, Source(source))
                producers.add(track)
                if figures["fed"] is not None:  # what a former recording took is nothing that this one has to follow
                    fed[track] = int(figures["fed"])
                await self._watch_drops(track, int(figures["dropped_not_permitted"]))
            if unseen := _undecodable(sides):
                undecodable[endpoint] = unseen
        self.producers = frozenset(producers)
        self.undecodable = undecodable
        await self._watch_pictures()
        return fed

    async def _watch_pictures(self) -> None:
        """Whose browser cannot show whose picture is an alert as long as it is so."""
        state = self._owner.journal.state
        if state is None:
            return
        wanted: dict[str, dict[str, str]] = {}
        for endpoint, tracks in self.undecodable.items():
            shown = [state.endpoints[of] for of in {of for of, _ in tracks} if of in state.endpoints]
            whose = "、".join(sorted(state.name(p) for other in shown for p in other.participants))
            for participant in state.endpoints[endpoint].participants[:1] if whose and endpoint in state.endpoints else ():
                wanted[participant] = {"participant": participant, "name": state.name(participant), "whose": whose}
        raised = {alert.data["participant"]: dict(alert.data) for alert in state.alerts.values() if alert.code == "picture_undecodable"}
        for participant in raised.keys() | wanted.keys():
            if raised.get(participant) == wanted.get(participant):
                continue
            if participant in raised:
                await self._owner.note(ClearAlert("picture_undecodable", participant))
            if participant in wanted:
                await self._owner.note(RaiseAlert("picture_undecodable", "warning", participant, wanted[participant]))

    async def _watch_drops(self, track: Track, dropped: int) -> None:
        """A browser that sends what it may not, for some seconds running, is noted once a minute."""
        endpoint, source = track
        before, running = self._drops.get(track, (dropped, 0))
        running = running + 1 if dropped - before >= DISOBEDIENT_PACKETS.get(source, DISOBEDIENT_PICTURE_PACKETS) else 0
        self._drops[track] = (dropped, running)
        now_s = time.monotonic()
        if running < DISOBEDIENT_SECONDS or now_s - self._noted.get(endpoint, float("-inf")) < DISOBEDIENT_EVERY_S:
            return
        self._noted[endpoint] = now_s
        state = self._owner.journal.state
        people = state.endpoints[endpoint].participants if state and endpoint in state.endpoints else ()
        await self._owner.note(Observe("disobedient", {"endpoint": endpoint, "source": str(source), "packets": dropped}))
        for participant in people[:1]:
            data = {"participant": participant, "name": state.name(participant) if state else participant, "source": str(source)}
            await self._owner.note(RaiseAlert("disobedient_client", "warning", participant, data))


def _undecodable(sides: Mapping[str, Any]) -> frozenset[Track]:
    consumers: Mapping[str, Any] = (sides.get("subscribe") or {}).get("consumers") or {}
    return frozenset((name.rpartition("/")[0], Source(name.rpartition("/")[2])) for name, c in consumers.items() if c.get("undecodable"))


def _refusal(error: EngineError) -> UserError:
    return UserError(REFUSALS.get(error.code, "media_failed"), error.message)
