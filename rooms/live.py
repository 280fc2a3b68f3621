"""One live conference: the one task that owns its state, its sockets, and its links to the engine and the recorder.

Commands go through the mailbox one after another: decide, append to the log, fold, and only then let it take effect
(router, recorder, sockets). Others post into the mailbox; nobody else touches the state. Nothing here waits for a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from rooms import departures
from rooms.commands import SYSTEM, Actor, Arrive, ClearAlert, Command, Disappear, Facts, Observe, RaiseAlert
from rooms.conference import handle
from rooms.desired import routing
from rooms.farewells import COME_BACK, farewells
from rooms.journal import Journal
from rooms.log import EventLog, Row
from rooms.mailbox import Job, Mailbox
from rooms.measured import Measured
from rooms.media.engine import Engine, EngineEvent, Routing, Source
from rooms.media_link import MediaLink
from rooms.overview import Overview, overview
from rooms.protocol import (
    ChangeStage,
    CloseCode,
    Demand,
    Downlink,
    Farewell,
    Hello,
    MediaReset,
    NetworkView,
    ProtocolError,
    Quality,
    RecordWish,
    Speaker,
    UserError,
    Welcome,
)
from rooms.quality import Inside, QualityOfConference
from rooms.recording.control import Recorder, RecorderEvent
from rooms.recording_link import RecordingLink
from rooms.refusals import Refusals
from rooms.relay import Relay
from rooms.reserve import Reserve
from rooms.sealing import Sealing
from rooms.state import State
from rooms.viewers import Connection, Viewers

LOST_AFTER_S = 9.5
"""Presence turns to lost within 10 s of the last sign of life; the half second is for finding out."""
HEARTBEAT_S = 3.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ports:
    """What every conference of a server shares."""

    log: EventLog
    engine: Engine
    recorder: Recorder
    reserve: Reserve
    clock_us: Callable[[], int]
    changed: Callable[[str], None]
    written: Callable[[Sequence[Row]], None]
    sealing: Sealing
    relay: Relay = field(default_factory=Relay)


class Live:
    """A conference. `restore()` first, then `start()`; `close()` leaves media flowing."""

    def __init__(self, sitting: str, ports: Ports) -> None:
        self.sitting = sitting
        self.connections: dict[str, Connection] = {}
        self.journal = Journal(sitting, ports.log, ports.reserve, self._written)
        self.media = MediaLink(self, ports.engine)
        self.recording = RecordingLink(self, ports.recorder, ports.clock_us)
        self._ports = ports
        self._seal = ports.sealing.of(sitting)
        self._mailbox = Mailbox(sitting, self)
        self._viewers = Viewers(self)
        self._heard_s: dict[str, float] = {}
        self._refusals = Refusals()
        self._awaited: set[str] = set()
        self._engine = ""
        self._last_engine = ""
        self._restarted_us: int | None = None
        self._welcomed_without_media: set[str] = set()
        self._overview: tuple[State, Overview] | None = None
        self._networks: dict[str, NetworkView] = {}
        self.quality = QualityOfConference()
        self._closing = False
        self._end: asyncio.Task[None] | None = None

    # -- life -------------------------------------------------------------------------------------------------

    async def restore(self, owner: str) -> None:
        """Lease the sitting and rebuild it from the log; raises LogUnwritable."""
        await self.journal.take_over(owner)

    def start(self) -> None:
        """Begin to work the mailbox and to keep engine and recorder at what is desired."""
        self._mailbox.start()
        self.media.start()
        self.recording.start()

    async def restarted(self, down_from_us: int) -> None:
        """The server came back: people keep their places and have the usual grace to connect again."""
        state = self.state
        if state is None or state.closed:
            return
        self._awaited = {e.id for e in state.endpoints.values() if e.connected}
        if self._awaited or state.observers or state.stage != state.procedure.first:
            self._restarted_us = self._ports.clock_us()
            await self.note(Observe("server_restarted", {"down_from_us": down_from_us}))

    async def close(self, farewell: Farewell | None = COME_BACK) -> None:
        """Stop working. Sockets are told to come back; engine and recorder go on as they are. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._viewers.close()
        if farewell:
            for connection in list(self.connections.values()):
                connection.end(farewell)
        await self.media.close()
        await self.recording.close()
        await self._mailbox.close()

    @property
    def state(self) -> State | None:
        """The state as of the last event."""
        return self.journal.state

    @property
    def finished(self) -> bool:
        """Closed, the router ended and the recording, if there was one, sealed."""
        state = self.state
        if state is None:  # not opened yet
            return False
        sealed = bool(state.sealed) or not state.recording.ever
        return state.closed and sealed and self.media.done and not self.connections and self.journal.failing_since_us is None

    def superseded(self, why: str) -> None:
        """Another server owns the conference: let go of everything."""
        log.error("conference_superseded", sitting=self.sitting, why=why)
        self._end = asyncio.get_running_loop().create_task(self.close())

    # -- mailbox ----------------------------------------------------------------------------------------------

    async def act(self, actor: Actor, command: Command) -> None:
        """Have `command` decided and done; raises UserError or ProtocolError when it is refused."""
        self._check_working()
        ready = await self._recorder_ready(command) if isinstance(command, ChangeStage | RecordWish) else True
        facts = Facts(recorder_ready=ready, seal=self._seal)
        await self._post(actor, command, facts)

    def _check_working(self) -> None:
        if self._closing:
            raise ProtocolError(CloseCode.RESTARTING, "reconnect")

    async def _post(self, actor: Actor, command: Command | None, facts: Facts) -> None:
        self._check_working()  # nobody works the mailbox any more if it was closed while the recorder was asked
        await self._mailbox.post(actor, command, facts)

    async def note(self, command: Command) -> None:
        """Handle a command of the system. A refusal is logged: there is nobody to tell."""
        try:
            await self.act(SYSTEM, command)
        except (UserError, ProtocolError) as error:
            log.warning("system_command_refused", sitting=self.sitting, command=type(command).__name__, error=str(error))

    async def _recorder_ready(self, command: ChangeStage | RecordWish) -> bool:
        state = self.state
        if isinstance(command, RecordWish):
            return await self.recording.make_ready() if command.on else True
        stage = state.procedure.stages.get(command.to) if state else None
        recorded = stage is not None and (stage.recorded or (stage.recordable and state is not None and state.recording_wanted))
        return await self.recording.make_ready() if recorded else True

    async def decide(self, job: Job) -> None:
        """For the mailbox: decide, append to the log, and let it take effect. Raises UserError, ProtocolError, LogRefused."""
        before = self.state
        if job.command is None:
            await self.journal.recover(self._ports.clock_us())
            return
        events = handle(before, job.actor, job.command, self._ports.clock_us(), job.facts)
        if not events:
            return
        await self.journal.write(events, self._ports.clock_us())
        after = self.state
        if after is None:
            return
        self.media.wake()
        self.recording.wake()
        for endpoint, farewell in farewells(before, after, events, self.connections).items():
            self._drop(endpoint, farewell)
        self.changed(at_once=any(event.type == "stage_changed" for event in events))

    def refused(self, job: Job, code: str) -> None:
        """For the mailbox: what of a refusal belongs into the log is written there (:mod:`rooms.refusals`)."""
        found = self._refusals.note(self.state, job.actor, job.command, code, asyncio.get_running_loop().time())
        if found is not None:
            self._later(found)

    def decided(self) -> None:
        """For the mailbox, behind each job: the alert about an unwritable log follows the journal."""
        state = self.state
        if state is None or self._closing:
            return
        failing, alerted = self.journal.failing_since_us is not None, "log_unwritable" in state.alerts
        if failing and not alerted:
            self._later(RaiseAlert("log_unwritable", "critical"))
        elif alerted and not failing:
            self._later(ClearAlert("log_unwritable"))

    def _later(self, command: Command) -> None:
        self._mailbox.notice(lambda: self.note(command))

    # -- connections ------------------------------------------------------------------------------------------

    async def arrive(self, connection: Connection, hello: Hello) -> None:
        """Seat a connection: welcome it and send what it may see. Raises UserError or ProtocolError."""
        ticket = connection.ticket
        await self.act(Actor(endpoint=ticket.endpoint), Arrive(ticket, awaited=ticket.endpoint in self._awaited))
        held = await self.media.held(ticket.endpoint) if hello.publish or hello.subscribe else {}
        keep_publish, keep_subscribe = _keeps(held, "publish", hello.publish), _keeps(held, "subscribe", hello.subscribe)
        state = self.state
        if state is None or (ticket.endpoint not in state.endpoints and ticket.endpoint not in state.observers):
            raise ProtocolError(CloseCode.RESTARTING, "reconnect")
        former = self.connections.get(ticket.endpoint)
        if former is not None:
            former.end(Farewell(code=CloseCode.REPLACED, reason="replaced"))
        self.connections[ticket.endpoint] = connection
        self._awaited.discard(ticket.endpoint)
        self.heard(ticket.endpoint)
        if self.media.up:
            self._welcomed_without_media.discard(ticket.endpoint)
        else:
            self._welcomed_without_media.add(ticket.endpoint)
        connection.send(
            Welcome(
                endpoint=ticket.endpoint,
                keep_publish=keep_publish,
                keep_subscribe=keep_subscribe,
                heartbeat_s=HEARTBEAT_S,
                now_us=self._ports.clock_us(),
                ice=self._ports.relay.ice_for(ticket.endpoint, self._ports.clock_us() / 1e6),
            )
        )
        self._viewers.begin(ticket.endpoint, connection)
        for demand in self.media.flow.demands(ticket.endpoint) if keep_publish else ():
            connection.send(demand)
        outstanding = self.media.offers.get(ticket.endpoint)
        if keep_subscribe and outstanding and outstanding.transport == hello.subscribe:
            connection.send(self.media.offered(ticket.endpoint, outstanding))
        self.changed()

    def gone(self, connection: Connection) -> None:
        """The socket ended; the grace runs from the last sign of life."""
        if self.connections.get(connection.ticket.endpoint) is connection:
            del self.connections[connection.ticket.endpoint]
            self._viewers.forget(connection.ticket.endpoint)
            self.changed()

    def now_us(self) -> int:
        """The server's clock."""
        return self._ports.clock_us()

    def heard(self, endpoint: str) -> None:
        """A sign of life of an endpoint."""
        self._heard_s[endpoint] = asyncio.get_running_loop().time()

    def measured_by(self, endpoint: str, quality: Quality) -> None:
        """What a browser measured of its own connection."""
        self.quality.page(endpoint, quality, self._ports.clock_us())

    def _drop(self, endpoint: str, farewell: Farewell) -> None:
        connection = self.connections.pop(endpoint, None)
        self._viewers.forget(endpoint)
        self.media.forget(endpoint)
        self.quality.forget(endpoint)
        if connection is not None:
            connection.end(farewell)

    # -- what viewers see -------------------------------------------------------------------------------------

    def changed(self, *, at_once: bool = False) -> None:
        """Viewers may see something new, the console too; `at_once` where rights have changed for everybody."""
        self._overview = None
        self._ports.changed(self.sitting)
        if not self._closing:
            self._viewers.changed(at_once=at_once)

    def rights_hold(self) -> None:
        """The router has the present rights: pages that waited for it are told."""
        self._viewers.rights_hold()

    def measured(self) -> Measured:
        """What is seen and not logged."""
        return Measured(
            producers=self.media.producers,
            networks=self.quality.networks,
            awaited=frozenset(self._awaited),
            restarted_us=self._restarted_us,
            media="up" if self.media.up else "away",
            recorder_ready=self.recording.ready,
            recording=self.recording.view(),
            undecodable=self.media.undecodable,
            seal=self._seal,
        )

    def overview(self) -> Overview | None:
        """The sitting for the console, made once for all who ask until something changes."""
        state = self.state
        if state is None:
            return None
        if self._overview is None or self._overview[0] is not state:
            self._overview = state, overview(state, self.measured())
        return self._overview[1]

    def _written(self, rows: Sequence[Row]) -> None:
        self.recording.wake()
        self._ports.written(rows)

    # -- engine, recorder and clock ---------------------------------------------------------------------------

    def engine_at(self, instance: str) -> None:
        """The engine process that has this conference's router, "" while there is none (:meth:`Engine.place`)."""
        if instance == self._engine:
            return
        self._engine = instance
        if instance:
            fresh = bool(self._last_engine) and instance != self._last_engine
            self._last_engine = instance
            self._engine_up(instance, fresh)
        else:
            self.media.engine_lost()
            self.quality.forget()
            self.engine_missed()
            self.changed()

    def _engine_up(self, instance: str, fresh: bool) -> None:
        """`fresh`: another process than before, so browsers have to build anew."""
        self.media.engine_up(fresh=fresh)
        for endpoint, connection in self.connections.items():
            if fresh or endpoint in self._welcomed_without_media:
                connection.send(MediaReset())
        self._welcomed_without_media.clear()
        self._mailbox.notice(lambda: self._note_engine_back(instance, fresh))
        self.changed()

    def engine_missed(self) -> None:
        """There is no engine, so whoever is inside neither sees nor hears: noted, once."""
        self._mailbox.notice(self._note_engine_lost)

    async def _note_engine_lost(self) -> None:
        state = self.state
        if state is not None and "engine_lost" not in state.alerts and any(True for _ in state.inside()):
            await self.note(Observe("engine_lost", {}))
            await self.note(RaiseAlert("engine_lost", "critical"))

    async def _note_engine_back(self, instance: str, replaced: bool) -> None:
        state = self.state
        if state is not None and "engine_lost" in state.alerts:
            await self.note(Observe("engine_restored", {"instance": instance, "replaced": replaced}))
            await self.note(ClearAlert("engine_lost"))

    def engine_event(self, event: EngineEvent) -> None:
        """An event of this conference's router."""
        if event.name == "offer":
            offer = self.media.offered(event.endpoint, event.fields["offer"])
            connection = self.connections.get(event.endpoint)
            if connection is not None:
                connection.send(offer)
        elif event.name == "producer" and self.media.produces(event.endpoint, event.fields):
            self.changed()
        elif (message := self.media.noticed(event)) is not None:
            self._pass_on(event.endpoint, message)

    def _pass_on(self, endpoint: str, message: Demand | Downlink | Speaker) -> None:
        """Who speaks is for everybody who may hear him, the rest for the endpoint that it concerns."""
        if isinstance(message, Speaker):
            desired = routing(self.state) if self.state else Routing()
            for viewer, connection in self.connections.items():
                if self._viewers.sees(viewer):
                    connection.send(self.media.flow.heard_by(viewer, desired))
        elif endpoint in self.connections:
            self.connections[endpoint].send(message)

    def recorder_event(self, event: RecorderEvent) -> None:
        """A notice of the recorder, or its coming and going."""
        handlers: dict[str, Callable[[], Awaitable[None]]] = {
            "up": lambda: self.recording.recorder_up(str(event.fields.get("instance", ""))),
            "lost": self.recording.recorder_lost,
        }
        self._mailbox.notice(handlers.get(event.name, lambda: self.recording.noticed(event)))

    def reported(self, router: dict[str, Any]) -> None:
        """The engine's report of this router, each second."""
        self._mailbox.notice(lambda: self._reported(router))

    async def _reported(self, router: dict[str, Any]) -> None:
        before = self.media.producers, self.media.undecodable
        self.recording.fed(await self.media.reported(router))
        self.quality.second(self._inside(router.get("endpoints", {})), self._ports.clock_us())
        await self.recording.judge()
        if before != (self.media.producers, self.media.undecodable) or self._networks != self.quality.networks:
            self._networks = dict(self.quality.networks)
            self.changed()

    def _inside(self, reported: Mapping[str, Any]) -> dict[str, Inside]:
        state, flow = self.state, self.media.flow
        found = {}
        for endpoint in state.inside() if state is not None else ():
            camera = state is not None and Source.CAMERA in state.passing(endpoint) and flow.wanted(endpoint.id, Source.CAMERA)
            downlink = flow.downlink(endpoint.id)
            sides = reported.get(endpoint.id, {})
            found[endpoint.id] = Inside(endpoint.participants, sides, camera, downlink.state if downlink is not None else "")
        return found

    def tick(self) -> None:
        """Four times a second: who has been silent for too long."""
        state = self.state
        if state is None or state.closed or self._closing:
            return
        now_s = asyncio.get_running_loop().time()
        seated = [e.id for e in state.endpoints.values() if e.connected] + list(state.observers)
        for endpoint in seated:
            if now_s - self._heard_s.setdefault(endpoint, now_s) > LOST_AFTER_S:
                self._heard_s[endpoint] = now_s
                self._awaited.discard(endpoint)
                self._later(Disappear(endpoint))
        self._heard_s = {e: s for e, s in self._heard_s.items() if e in seated}

    def each_second(self) -> None:
        """Try a log that fails again, in the mailbox's turn, and look after the recording: who hangs does not say so himself."""
        if self._closing or self.state is None:
            return
        if self.journal.failing_since_us is not None:
            self._mailbox.notice(lambda: self._post(SYSTEM, None, Facts()))
        for alert in departures.due(self.state, self._ports.clock_us()):
            self._later(alert)
        self._mailbox.notice(self.recording.judge)


def _keeps(held: Mapping[str, Any], side: str, transport: str | None) -> bool:
    found = held.get(side) if transport else None
    return found is not None and found["transport"] == transport
