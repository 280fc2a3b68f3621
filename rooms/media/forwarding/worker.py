"""The worker: one UDP port, the routers on it, the feed to the recorder, and the clockwork."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from socket import socket
from typing import Any

from rooms.media.routers import Routers

from .adapter import Certificate
from .address import listed
from .downlink import PAD_S
from .feed import Feed
from .native.image import Code, load
from .port import Port
from .producer import Producer
from .red import AUTO
from .router import Router
from .told import STATES
from .transport import Context
from .waiting import Waiting

#: The last rights hold so long without the server; then nothing flows; then the transports end.
RIGHTS_HOLD_S = 30.0
TRANSPORTS_HOLD_S = 60.0
TICK_S = 0.25
REPORT_S = 1.0
REPAIR_S = 0.02

EventListener = Callable[[str, str, str, dict[str, Any]], None]


class Worker:
    """Made on the loop it runs on. `address`: where browsers reach it, one or several with commas between them, the preferred one
    first. `code`: the inner loops, if they are loaded already. `waiting`: see :class:`Port`. `dtx`: microphones may send next to
    nothing in pauses. `red`: see :mod:`red`. `on_event(name, router, endpoint, fields)` is called for every event."""

    def __init__(
        self,
        sock: socket,
        address: str,
        feed: Feed,
        clock: Callable[[], float] = time.monotonic,
        named_port: int = 0,
        code: Code | None = None,
        waiting: Waiting | None = None,
        *,
        dtx: bool = True,
        red: str = AUTO,
    ) -> None:
        self.instance = secrets.token_hex(8)
        self.started_at = time.time()
        self.port = Port(sock, self._after_batch, code or load(), waiting)
        self.feed = feed
        self.on_event: EventListener = lambda name, router, endpoint, fields: None
        self._clock = clock
        self._context = Context(self.port, Certificate(), listed(address), clock, named_port or self.port.number, dtx, red)
        self._routers = Routers(self._made)
        self._lossy: dict[Producer, None] = {}
        self._restless: dict[Router, None] = {}
        self._repair: asyncio.TimerHandle | None = None
        self._padding: asyncio.TimerHandle | None = None
        self._report_at = clock()
        self._clockwork = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    # -- routers

    def router(self, name: str, epoch: int) -> Router:
        """The router `name`, for a request of `epoch`; raises EngineError (unknown_router, stale_epoch)."""
        return self._routers.ask(name, epoch)

    def open_router(self, name: str, epoch: int) -> Router:
        """The router `name`, made if it is new; raises EngineError (stale_epoch)."""
        return self._routers.open(name, epoch)

    def close_router(self, name: str, epoch: int) -> None:
        """End a router. Idempotent; raises EngineError (stale_epoch)."""
        router = self._routers.take(name, epoch)
        if router is not None:
            router.close()

    def _made(self, name: str) -> Router:
        return Router(self._context, self.feed, name, self._emit, self._is_lossy, self._is_restless)

    def held(self) -> dict[str, int]:
        """The routers that are here, each with its epoch."""
        return self._routers.held()

    def transports(self) -> int:
        """How many transports all of them have."""
        return sum(len(router.transports()) for router in self._routers.values())

    def server_lost(self) -> None:
        """No server speaks to this worker any more."""
        now = self._clock()
        for router in self._routers.values():
            router.server_lost(now)

    def _emit(self, name: str, router: str, endpoint: str, **fields: Any) -> None:
        self.on_event(name, router, endpoint, fields)

    # -- repair

    def _is_lossy(self, producer: Producer) -> None:
        self._lossy[producer] = None

    def _is_restless(self, router: Router) -> None:
        self._restless[router] = None

    def _after_batch(self) -> None:
        """After each wake-up of the port: ask at once for what was found missing, see to what began, then send everything."""
        if self._restless:
            restless, self._restless = self._restless, {}
            for router in restless:
                router.think(self._clock())
        if self._lossy and self._repair is None:
            self._repair_now()
        self.port.outbox.flush()

    def _repair_now(self) -> None:
        self._repair = None
        now = self._clock()
        for producer in list(self._lossy):
            if not producer.repair(now):
                del self._lossy[producer]
        if self._lossy:
            self._repair = asyncio.get_running_loop().call_later(REPAIR_S, self._repair_later)

    def _repair_later(self) -> None:
        self._repair_now()
        self.port.outbox.flush()

    def _pad(self) -> None:
        """Each :data:`PAD_S` as long as a probe of any downlink is on."""
        self._padding = None
        self.port.inbox.tell()
        now = self._clock()
        if sum(router.pad(now) for router in self._routers.values()):
            self._padding = asyncio.get_running_loop().call_later(PAD_S, self._pad)
            self.port.outbox.flush()

    # -- time

    def _tick(self) -> None:
        # A timer alone, where a task that sleeps would take three turns of the loop: in a small room each is felt.
        self._clockwork = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        self.port.inbox.tell()
        now = self._clock()
        for router in list(self._routers.values()):
            self._hold(router, now)
            self._tick_router(router, now)
        if now >= self._report_at:
            self._report_at = now + REPORT_S
            self._report_reception(now)
            self.feed.tick()
        if self._padding is None:
            self._pad()
        self.port.outbox.flush()

    def _hold(self, router: Router, now: float) -> None:
        if router.away_since is None:
            return
        away = now - router.away_since
        if away > TRANSPORTS_HOLD_S:
            self._routers.pop(router.name, None)
            router.close()
        elif away > RIGHTS_HOLD_S:
            router.stop()

    def _tick_router(self, router: Router, now: float) -> None:
        for transport in router.transports():
            transport.tick(now)
        for publisher in router.publishers():
            for producer in publisher.producers:
                producer.tick(now)
        router.tick(now)

    def _report_reception(self, now: float) -> None:
        for router in self._routers.values():
            router.measure(now)
            for publisher in router.publishers():
                publisher.report_reception(now, router.routing.video_ceiling_bps)

    # -- state

    def report(self) -> dict[str, Any]:
        """The engine's report.

        ``{"instance", "worker": {...}, "routers": {router: {"epoch", "endpoints": {endpoint: {...}}}}}``. An endpoint has

        * ``publish``: null, or ``{"transport", "state", "rtt_ms", "limit_bps", "producers": {source: {"codec", "packets", "bytes", "lost",
          "repaired", "recovered", "fraction_lost", "jitter_ms", "nacks", "plis", "forwarded", "recorded", "fed", "dropped_not_permitted",
          "last_arrival_us", "bitrate_bps", "frames_per_second", "width", "height", "key_frames", "layers"}}}``.
          `packets` counts all that arrived; `forwarded` each copy that went to a viewer, `recorded` each that went to the recorder's
          feed, `fed` those since the present recording began with the track (null before); `dropped_not_permitted` what the gate held
          back. `lost` is what repair did not bring back, `fraction_lost` (0 to 1) the loss before repair in the last second; `recovered` of
          the `repaired` came as redundancy (RED). `rtt_ms` is null until it was measured, `limit_bps` (what the path up carries) where no
          limit was seen.
          `layers`: of a simulcast the same of each layer by its rid, without what counts for the track as a whole; the sums and the
          worst of them stand above, size and frame rate are those of the best layer that comes.
        * ``subscribe``: null, or ``{"transport", "state", "downlink", "consumers": {"endpoint/source": {"packets", "bytes", "nacks", "rtx",
          "unrepaired", "padding", "never_came", "fraction_lost", "rtt_ms", "undecodable", "bitrate_bps", "layer", "wanted", "waits",
          "slower", "redundant"}}}``. `fraction_lost` is the loss on the way down alone; `never_came` counts what the publisher lost on his
          way up; `redundant`: sound goes there with that of the packet before.
          `undecodable`: the browser answered without the track's codec. `layer` is the rid that it is sent, "" where there is only one,
          null for none; `wanted` the one that was chosen for it, null if it is to get none; `waits`: a key frame is waited for;
          `slower`: without the frames that no other needs. Of the packets asked for (`nacks`), `rtx` were sent again; `unrepaired`
          would have been more than the path can take. `downlink`: ``{"state", "estimate_bps", "sent_bps", "limited", "probes",
          "failed_probes", "padding_octets"}``: what the path carries of pictures as far as is known, and what goes there now,
          repairs and padding too; `limited`: that it carries no more was seen; `state` as in the event ``downlink``.

        ``worker`` has ``started_at`` (s), ``udp_port``, ``received``, ``sent``, ``failed`` (datagrams), ``dropped`` (by
        reason), ``feed`` (counters of the recorder's feed), ``transports``, ``downlinks`` (viewers by the state of their downlink),
        ``repairs``, ``unrepaired``, ``padding`` (packets to all viewers), ``cpu_s`` (processor time of the process) and ``tables``: how
        many ``routers``, closed ones that are remembered (``epochs``), ``addresses``, ICE ``credentials`` and ``tasks`` there are.
        States: new, connected, stale.
        """
        port = self.port
        port.inbox.tell()
        return {
            "instance": self.instance,
            "worker": {
                "started_at": round(self.started_at, 3),
                "udp_port": port.number,
                "received": port.received,
                "sent": port.outbox.sent,
                "failed": port.outbox.failed,
                "dropped": dict(port.dropped),
                "feed": self.feed.report(),
                "transports": self.transports(),
                "downlinks": self._downlinks(),
                **{name: self._context.counts[name] for name in ("repairs", "unrepaired", "padding")},
                "cpu_s": time.process_time(),
                "tables": {
                    "routers": len(self._routers),
                    "epochs": self._routers.remembered,
                    **port.tables(),
                    "tasks": len(asyncio.all_tasks()),
                },
            },
            "routers": {name: router.report() for name, router in self._routers.items()},
        }

    def _downlinks(self) -> dict[str, int]:
        found = Counter(state for router in self._routers.values() for state in router.downlinks())
        return {state: found[state] for state in STATES}

    async def close(self) -> None:
        """End every router (browsers are told), then the port and the feed. May be called twice."""
        self._clockwork.cancel()
        if self._repair is not None:
            self._repair.cancel()
        if self._padding is not None:
            self._padding.cancel()
        for router in self._routers.values():
            router.close()
        self._routers.clear()
        if self._context.tasks:
            await asyncio.wait(set(self._context.tasks), timeout=1)
        self.feed.close()
        self.port.close()
