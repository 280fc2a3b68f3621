"""The hub: owns every open conference of this server and is all that the control plane sees of the live plane.

It ties the conferences (:mod:`rooms.open_conferences`) to the event log, the engine and the recorder, keeps their clock, and hands
WebSockets to :mod:`rooms.signalling`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from rooms import signalling, stepping
from rooms.asides import Asides
from rooms.census import Census
from rooms.commands import (
    Actor,
    BreakIn,
    Cancel,
    CheckDevice,
    Command,
    Consent,
    EndBreakIn,
    EndTalk,
    KeepStill,
    Notify,
    RefuseConsent,
    Revise,
    Revoke,
    SetNextBooking,
    SitDown,
    StandUp,
    StepIn,
    Talk,
)
from rooms.devicecheck import DeviceChecks
from rooms.feeds.feeds import Feeds
from rooms.hours import Hour
from rooms.live import Live, Ports
from rooms.log import EventLog, Row
from rooms.media.engine import Engine, EngineError, EngineEvent
from rooms.metrics import ENGINE_UP, RECORDER_UP
from rooms.open_conferences import Conferences
from rooms.overview import Overview
from rooms.plan import PlanParticipant, SittingPlan, Ticket
from rooms.procedure import Procedure
from rooms.protocol import AcknowledgeAlert, CloseCode, Farewell, UserError
from rooms.quality import History, HourKey
from rooms.recording.control import Recorder, RecorderEvent
from rooms.relay import Relay
from rooms.reserve import Reserve
from rooms.sealing import KEY_BYTES, Sealing

__all__ = ["Hub", "Overview", "PlanParticipant", "SittingPlan", "Ticket"]

TICK_S = 0.25
TICKS_A_SECOND = 4
ENGINE_WAIT_S = 1.0
"""A browser that resumes right after a restart waits so long for the engine, so that its media can be kept."""
ENGINE_GRACE_S = 3.0
"""So long after its start a server does not call the engine lost that it has not reached yet."""
log = structlog.get_logger()


class Hub:
    """Make it, `start()` it, `close()` it. All methods are called on one event loop.

    `owner` names this server in leases; `reserve` is the path of the reserve file; `clock_us` gives microseconds since the epoch,
    UTC; `relay` is the site's TURN; `sealing` is the key of what is written in secret, thrown away with the hub unless one is given.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        engine: Engine,
        recorder: Recorder,
        reserve: Path,
        clock_us: Callable[[], int],
        owner: str,
        relay: Relay | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        self._log = log
        self._engine = engine
        self._recorder = recorder
        self._clock_us = clock_us
        self._reserve = Reserve(reserve)
        self._alive = reserve.with_name(reserve.name + ".alive")
        self._hours_left: dict[str, dict[HourKey, Hour]] = {}
        self._change_listeners: list[Callable[[str], None]] = []
        self._row_listeners: list[Callable[[Row], None]] = []
        sealing = sealing or Sealing(os.urandom(KEY_BYTES))
        self._ports = Ports(log, engine, recorder, self._reserve, clock_us, self._changed, self._written, sealing, relay or Relay())
        self._conferences = Conferences(self._ports, owner, self._introduce)
        self._lives = self._conferences.lives
        self._engine_workers: Mapping[str, Mapping[str, Any]] = {}
        self._recorder_instance = ""
        self._recorder_up = False
        self._down_from_us = 0
        self._started_s = 0.0
        self._clock: asyncio.Task[None] | None = None
        self._asides = Asides()
        self._closed = False
        self._census = Census()
        self.device_checks = DeviceChecks(engine, self._ports.relay)
        self.feeds = Feeds(engine, self._ports.relay, clock_us)
        engine.on_event(self._engine_event)
        recorder.on_event(self._recorder_event)

    # -- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect to engine and recorder and take up every conference that is not over; raises LogUnwritable if the log cannot be read."""
        with contextlib.suppress(FileNotFoundError):
            self._down_from_us = int(self._alive.stat().st_mtime * 1e6)
        await self._conferences.start()
        for worker in (self._engine, self._recorder):
            begin = getattr(worker, "start", None)
            if begin is not None:
                await begin()
        self._started_s = asyncio.get_running_loop().time()
        self._clock = asyncio.create_task(self._tick(), name="hub-clock")

    async def close(self) -> None:
        """Tell every browser to come back and disconnect; media flows on, recordings go on. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._clock:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        await self._asides.close()
        await self._conferences.close()
        self._census.count((), time.monotonic())
        await self.device_checks.close()
        await self.feeds.close()
        await self._engine.close()
        await self._recorder.close()
        self._reserve.close()

    async def _introduce(self, live: Live) -> None:
        live.engine_at(self._engine.place(live.sitting))
        if self._recorder_up:
            live.recorder_event(RecorderEvent("up", "", {"instance": self._recorder_instance}))
        await live.restarted(self._down_from_us or live.journal.last_us)

    # -- what the control plane asks ----------------------------------------------------------------------------

    async def open(self, plan: SittingPlan) -> None:
        """Make the conference, or revise its plan; nothing happens to one that is over. Raises UserError, LogUnwritable."""
        await self._conferences.open(plan)

    async def revise(self, plan: SittingPlan) -> None:
        """The booking changed; who is no longer in it is disconnected. Nothing happens while the conference is not open."""
        live = self._lives.get(plan.id)
        if live is not None:
            await live.act(Actor(), Revise(plan))

    async def cancel(self, sitting: str, reason: str) -> None:
        """The booking was cancelled: everybody is told and the conference ends."""
        live = self._lives.get(sitting)
        if live is not None:
            await live.act(Actor(), Cancel(reason))

    async def consent(
        self,
        sitting: str,
        participant: str,
        *,
        version: str,
        text_sha256: str,
        device: str,
        text: str = "",
        given_at_us: int | None = None,
    ) -> None:
        """A participant consented; logged with the words, see :class:`~rooms.commands.Consent`. Raises UserError."""
        await self._act(sitting, Consent(participant, version, text_sha256, device, text, given_at_us))

    async def consent_refused(
        self, sitting: str, participant: str, *, version: str, text_sha256: str, device: str, text: str = ""
    ) -> None:
        """A participant at a room's device does not consent; logged. Raises UserError."""
        await self._act(sitting, RefuseConsent(participant, version, text_sha256, device, text))

    async def sit_down(self, sitting: str, participant: str, *, endpoint: str, device: str) -> None:
        """At the room's device of this endpoint and name somebody says that the participant sits there. Raises UserError."""
        await self._act(sitting, SitDown(participant, endpoint, device))

    async def stand_up(self, sitting: str, participant: str, *, endpoint: str, device: str) -> None:
        """He does not sit there any more. Raises UserError."""
        await self._act(sitting, StandUp(participant, endpoint, device))

    def sitting_at(self, sitting: str, endpoint: str) -> tuple[str, ...]:
        """Who sits at a device, with or without a place there yet; nobody while the conference is not open."""
        live = self._lives.get(sitting)
        return live.state.sitting_at(endpoint) if live and live.state else ()

    def procedure(self, sitting: str) -> Procedure | None:
        """The version by which an open conference is held, None while it is not open."""
        live = self._lives.get(sitting)
        return live.state.procedure if live and live.state else None

    async def device_checked(self, sitting: str, participant: str, result: dict[str, Any]) -> None:
        """The result of a device check; logged, and shown to chair, clerk and officer. Raises UserError."""
        await self._act(sitting, CheckDevice(participant, result))

    async def keep_still(self, sitting: str, participant: str, still: str, octets: int) -> None:
        """A member of the desk has put a still of a face or a document on disk; logged. Raises UserError."""
        await self._act(sitting, KeepStill(participant, still, octets))

    def keeps_the_desk(self, sitting: str, participant: str) -> bool:
        """Whether this participant is inside now and conducts the sitting or lets people in."""
        live = self._lives.get(sitting)
        seat = live.state.seats.get(participant) if live and live.state else None
        if live is None or live.state is None or seat is None or seat.endpoint is None or seat.presence != "present":
            return False
        rights = live.state.rights(seat.endpoint)
        return rights.admit or rights.direct

    async def revoke(self, sitting: str, participant: str, reason: str) -> None:
        """The participant's link is void: his devices are disconnected. Nothing happens while the conference is not open."""
        live = self._lives.get(sitting)
        if live is not None:
            await live.act(Actor(), Revoke(participant, reason))

    async def set_next_booking(self, sitting: str, info: dict[str, Any] | None) -> None:
        """What is booked next in the room, {"title", "room", "starts_at_us"}: chair and clerk see it, and an alert is raised."""
        live = self._lives.get(sitting)
        if live is not None:
            await live.act(Actor(), SetNextBooking(info))

    async def acknowledge(self, sitting: str, alert: str, user_name: str) -> None:
        """An officer has seen the alert. Raises UserError."""
        await self._act(sitting, AcknowledgeAlert(alert=alert), Actor(name=user_name))

    async def notify(self, sitting: str, text: str, participants: tuple[str, ...], *, user: str, name: str) -> None:
        """A message of the command centre to these participants, or (none named) to everybody who is there. Raises UserError."""
        await self._act(sitting, Notify(text, participants), Actor(name=name, user=user))

    async def step_in(self, sitting: str, command: StepIn | BreakIn | EndBreakIn | Talk | EndTalk, *, user: str, name: str) -> None:
        """An act of an officer of the command centre, who may by his rank. Raises UserError; what was refused is in the log."""
        await self._act(sitting, command, Actor(name=name, user=user))

    def may_step_in(self, sitting: str, act: str) -> UserError | None:
        """What is in the way of an act of the command centre now, None where nothing is."""
        live = self._lives.get(sitting)
        if live is None or live.state is None:
            return UserError("sitting_not_open", "no such conference")
        try:
            stepping.need_open(live.state, act)
        except UserError as error:
            return error
        return None

    async def _act(self, sitting: str, command: Command, actor: Actor | None = None) -> None:
        live = self._lives.get(sitting)
        if live is None:
            raise UserError("sitting_not_open", "no such conference")
        await live.act(actor or Actor(), command)

    def overviews(self) -> list[Overview]:
        """The live state of each open conference."""
        found = (live.overview() for live in self._lives.values())
        return [overview for overview in found if overview is not None]

    def overview(self, sitting: str) -> Overview | None:
        """The live state of one conference, None while it is not open."""
        live = self._lives.get(sitting)
        return live.overview() if live else None

    def open_sittings(self) -> list[str]:
        """The ids of the open conferences."""
        return [sitting for sitting, live in self._lives.items() if live.state is not None]

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is connected to any conference."""
        return not any(live.connections for live in self._lives.values())

    def quality(self, sitting: str, after_us: int = 0) -> Mapping[str, History]:
        """How well each participant of an open conference was connected in the last minutes, later than `after_us`; of other
        conferences nothing is known."""
        live = self._lives.get(sitting)
        return live.quality.of(self._ports.clock_us(), after_us) if live else {}

    def take_hours(self) -> dict[str, dict[HourKey, Hour]]:
        """By sitting what has come together of its hours since the last time, also of one that has closed since. The caller stores it."""
        found, self._hours_left = self._hours_left, {}
        for sitting, live in self._lives.items():
            self._keep_hours(sitting, live, found)
        return found

    @staticmethod
    def _keep_hours(sitting: str, live: Live, into: dict[str, dict[HourKey, Hour]]) -> None:
        for key, hour in live.quality.take_hours().items():
            into.setdefault(sitting, {}).setdefault(key, Hour()).add(hour)

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the sitting's id whenever its overview may have changed."""
        self._change_listeners.append(listener)

    def on_row(self, listener: Callable[[Row], None]) -> None:
        """Call `listener` for every row appended to a log."""
        self._row_listeners.append(listener)

    async def rows(self, sitting: str, after_seq: int = 0) -> list[Row]:
        """The event log of a sitting."""
        return list(await self._log.read(sitting, after_seq))

    async def serve_socket(self, ws: web.WebSocketResponse, ticket: Ticket) -> None:
        """Serve a prepared WebSocket until it closes. It is one of :func:`rooms.signalling.new_socket`, raises TypeError otherwise:
        another one would swallow the pongs by which presence is known."""
        if not isinstance(ws, signalling.SittingSocket):
            raise TypeError("make the WebSocket with rooms.signalling.new_socket()")
        live = self._lives.get(ticket.sitting)
        if live is None and (feed := self.feeds.room(ticket.sitting)) is not None:
            await signalling.serve(ws, ticket, feed, self._engine_known)
            return
        if live is None:
            over = self._conferences.is_over(ticket.sitting)
            farewell = Farewell(code=CloseCode.CLOSED, reason="closed") if over else Farewell(code=CloseCode.NOT_FOUND, reason="not_open")
            await signalling.refuse(ws, farewell)
            return
        await signalling.serve(ws, ticket, live, lambda: self._engine_there(live))

    def media_state(self) -> dict[str, bool]:
        """Whether the engine and the recorder are connected."""
        return {"engine": self._engine.connected, "recorder": self._recorder_up}

    def engine_workers(self) -> Mapping[str, Mapping[str, Any]]:
        """What the processes of the engine last reported, by name; docs/protocol.md, "Engine report"."""
        return self._engine_workers

    @staticmethod
    async def _engine_there(live: Live) -> None:
        """Return when the conference's engine is connected, or after a second without it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENGINE_WAIT_S):
                await live.media.there.wait()

    async def _engine_known(self) -> None:
        """Return when some engine is connected, or after a second without one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENGINE_WAIT_S):
                while not self._engine.connected:
                    await asyncio.sleep(TICK_S)

    # -- listeners ----------------------------------------------------------------------------------------------

    def _changed(self, sitting: str) -> None:
        for listener in self._change_listeners:
            try:
                listener(sitting)
            except Exception:  # a listener's defect must not reach the conference
                log.exception("change_listener_failed", sitting=sitting)

    def _written(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for listener in self._row_listeners:
                try:
                    listener(row)
                except Exception:  # the row is in the log whatever a projection does with it
                    log.exception("row_listener_failed", sitting=row.sitting, seq=row.seq)

    # -- engine and recorder --------------------------------------------------------------------------------------

    def _engine_event(self, event: EngineEvent) -> None:
        if event.name in ("up", "lost"):
            ENGINE_UP.set(self._engine.connected)
            self.device_checks.engine_changed()
            self.feeds.engine_changed()
            if not self._closed:
                for live in self._lives.values():
                    live.engine_at(self._engine.place(live.sitting))
            if event.name == "up":
                self._ask_report()  # whose pictures flow has to be known before people ask
        elif event.router in self._lives:
            self._lives[event.router].engine_event(event)
        elif not self.feeds.engine_event(event):
            self.device_checks.engine_event(event)

    def _recorder_event(self, event: RecorderEvent) -> None:
        if event.name in {"up", "lost"}:
            self._recorder_up = event.name == "up"
            RECORDER_UP.set(self._recorder_up)
            if self._recorder_up:
                self._recorder_instance = str(event.fields["instance"])
            if not self._closed:
                for live in self._lives.values():
                    live.recorder_event(event)
        elif event.sitting in self._lives:
            self._lives[event.sitting].recorder_event(event)

    # -- time -----------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(TICK_S)
            turn += 1
            for live in list(self._lives.values()):
                live.tick()
            if turn % TICKS_A_SECOND == 0:
                try:
                    await self._each_second()
                except Exception:  # the clock goes on
                    log.exception("hub_clock_failed")

    async def _each_second(self) -> None:
        self._touch()
        if not self._conferences.all_taken_up:
            self._asides.begin("take-up", self._conferences.take_up)
        for sitting, live in list(self._lives.items()):
            live.each_second()
            if live.finished:
                await self._conferences.end(live)
                self._keep_hours(sitting, live, self._hours_left)
                self._changed(sitting)
        if asyncio.get_running_loop().time() - self._started_s > ENGINE_GRACE_S:
            for live in self._lives.values():
                if not live.media.up:
                    live.engine_missed()
        self._asides.begin("device-checks", lambda: self.device_checks.expire(time.monotonic()))
        self._asides.begin("feeds", self.feeds.each_second)
        self._ask_report()
        self._census.count(self._lives.values(), time.monotonic())

    def _ask_report(self) -> None:
        if self._engine.connected:
            self._asides.begin("engine-report", self._poll)

    async def _poll(self) -> None:
        try:
            report = await self._engine.report()
        except EngineError:
            return
        self._engine_workers = report.get("workers", {})
        routers: Mapping[str, Any] = report.get("routers", {})
        for sitting, live in list(self._lives.items()):
            live.reported(dict(routers.get(sitting, {})))
            await asyncio.sleep(0)  # a hundred sittings are counted in turns with what else goes on
        self.feeds.reported(routers)

    def _touch(self) -> None:
        """Leave word that this server lives, so that the next one knows since when it was away."""
        with contextlib.suppress(OSError):
            self._alive.touch(exist_ok=True)
            os.utime(self._alive, ns=(self._clock_us() * 1000, self._clock_us() * 1000))
