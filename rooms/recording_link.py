"""Keeps the recorder at what the conference desires of it, tells it the log, and says what may be said of the recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from rooms.commands import ClearAlert, Command, Observe, RaiseAlert
from rooms.desired import Recording, recording
from rooms.heartbeat import Track, Vigil
from rooms.journal import Journal
from rooms.log import Row
from rooms.media.engine import Source
from rooms.protocol import RecordingView
from rooms.recording.control import Recorder, RecorderError, RecorderEvent
from rooms.state import RecordingSpan

RETRY_S = 0.5
OPEN_LIMIT_S = 3.0
ELSEWHERE = "recording_elsewhere"
"""The alert that its own disk failed and it goes on in the second directory."""
log = structlog.get_logger()


class Owner(Protocol):
    """The conference, as this link needs it."""

    journal: Journal

    async def note(self, command: Command) -> None:
        """Handle a command of the system."""

    def changed(self) -> None:
        """Something that viewers see has changed."""

    def superseded(self, why: str) -> None:
        """Another server owns the conference."""


class RecordingLink:
    """One conference's side of the recorder. One task; every request is idempotent and is made again until it succeeds."""

    def __init__(self, owner: Owner, recorder: Recorder, clock_us: Callable[[], int]) -> None:
        self._owner = owner
        self._recorder = recorder
        self._clock_us = clock_us
        self._vigil = Vigil()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._instance = ""
        self._up = False
        self._opened = False
        self._on: bool | None = None
        self._orders: int | None = None
        self._sent_seq = 0
        self._failed_to: str = ""
        self._shown = RecordingView(state="off", seconds=0.0, at_us=0)
        self._span = RecordingSpan()
        self._judging = asyncio.Lock()
        self.done = False

    def start(self) -> None:
        """Begin to keep the recorder at what is desired."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="recording-link")

    async def close(self) -> None:
        """Stop; the recorder goes on as it is. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def wake(self) -> None:
        """The state changed, or the log grew."""
        self._wake.set()

    @property
    def ready(self) -> bool:
        """The folder is open and the recorder has not complained: recording could begin."""
        return self._up and self._opened and not self._failed_to

    async def make_ready(self) -> bool:
        """Make sure that recording could begin now: the folder is made and takes writes."""
        if not self._up:
            return False
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                await self._open()
        except (RecorderError, TimeoutError) as error:
            self._failed_to = getattr(error, "code", "timeout")
            self._owner.changed()
            return False
        return True

    def view(self) -> RecordingView:
        """The recording as viewers see it, computed at the last :meth:`judge`."""
        return self._shown

    # -- from the recorder ------------------------------------------------------------------------------------

    async def recorder_up(self, instance: str) -> None:
        """Connected to this recorder process."""
        replaced = bool(self._instance) and instance != self._instance
        self._instance, self._up = instance, True
        self._opened, self._on = False, None
        self._sent_seq = 0
        self.wake()
        state = self._owner.journal.state
        if state is not None and "recorder_lost" in state.alerts:
            await self._owner.note(Observe("recorder_restored", {"instance": instance, "replaced": replaced}))
            await self._owner.note(ClearAlert("recorder_lost"))

    async def recorder_lost(self) -> None:
        """The connection to the recorder broke; it may go on writing."""
        self._up = False
        self._owner.changed()
        state = self._owner.journal.state
        if state is not None and recording(state).on:
            await self._owner.note(Observe("recorder_lost", {}))
            await self._owner.note(RaiseAlert("recorder_lost", "critical"))

    async def noticed(self, event: RecorderEvent) -> None:
        """A notice of the recorder about this sitting."""
        if event.name == "heartbeat":
            tracks = [((str(t["endpoint"]), Source(t["source"])), int(t["packets"])) for t in event.fields.get("tracks", ())]
            self._vigil.beat(int(event.fields["at_us"]), tracks)
            await self._goes_on(elsewhere=bool(event.fields.get("second")))
        elif event.name == "alarm":
            self._vigil.alarm(str(event.fields["cause"]))
        elif event.name == "alarm_cleared":
            self._vigil.alarm("")
            self.wake()
        elif event.name == "gap":
            await self._owner.note(Observe("gap", dict(event.fields)))
        await self.judge()

    async def _goes_on(self, *, elsewhere: bool) -> None:
        """Which directory it is written to: that the first disk failed is to be seen until somebody has seen to it, or it is sealed."""
        state = self._owner.journal.state
        if state is not None and elsewhere != (ELSEWHERE in state.alerts):
            await self._owner.note(RaiseAlert(ELSEWHERE, "warning") if elsewhere else ClearAlert(ELSEWHERE))

    def fed(self, counts: Mapping[Track, int]) -> None:
        """What the router has fed to the recorder, from its report."""
        self._vigil.router(self._clock_us(), counts)

    # -- judging ----------------------------------------------------------------------------------------------

    async def judge(self) -> None:
        """Compare what is said with what is: fail or restore the recording in the log, and what viewers see."""
        async with self._judging:
            await self._judge()

    async def _judge(self) -> None:
        state = self._owner.journal.state
        if state is None:
            return
        if recording(state).on:
            self._vigil.begin(self._clock_us())
        else:
            self._vigil.end()
        now_us = self._clock_us()
        verdict, cause = self._vigil.verdict(now_us)
        span = state.recording
        if verdict == "failed" and not span.failure:
            log.error("recording_failed", sitting=state.plan.id, cause=cause)
            await self._owner.note(Observe("recording_failed", {"cause": cause}))
            await self._owner.note(RaiseAlert("recording_failed", "critical", data={"cause": cause}))
        elif verdict == "recording" and span.failure:
            await self._owner.note(Observe("recording_restored", {}))
        if verdict != "failed" and "recording_failed" in state.alerts:
            await self._owner.note(ClearAlert("recording_failed"))
        self._show(verdict, cause, now_us)

    def _show(self, verdict: str, cause: str, now_us: int) -> None:
        state = self._owner.journal.state
        if state is None:
            return
        span = state.recording
        running = span.running_since_us
        if verdict == "recording" and running is None:
            verdict = "starting"
        fresh = RecordingView.model_validate(
            {
                "state": verdict,
                "seconds": round(span.seconds + ((now_us - running) / 1e6 if running is not None else 0.0), 1),
                "at_us": now_us,
                "cause": cause,
                "interruptions": span.interruptions,
            }
        )
        # The page counts on from `seconds` at `at_us` by itself: only what it cannot know is news.
        if (fresh.state, fresh.cause, span) != (self._shown.state, self._shown.cause, self._span):
            self._shown, self._span = fresh, span
            self._owner.changed()

    # -- keeping ----------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while not self.done:
            self._wake.clear()
            try:
                await self._reconcile()
            except RecorderError as error:
                if error.code == "stale_epoch":
                    self._owner.superseded("the recorder knows a newer server")
                    return
                await self._refused(error)
            except Exception:  # a defect in one step must not end the recording for good
                log.exception("recording_link_failed")
                await asyncio.sleep(RETRY_S)
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            await self.judge()

    async def _refused(self, error: RecorderError) -> None:
        if error.code == "unknown_sitting":
            self._opened = False
        if error.code not in {"lost", "timeout"} and error.code != self._failed_to:
            log.error("recorder_refused", code=error.code, error=error.message)
            self._failed_to = error.code
            self._owner.changed()
        state = self._owner.journal.state
        if state is not None and recording(state).on and error.code in {"disk_full", "write_failed", "folder_lost"}:
            self._vigil.begin(self._clock_us())
            self._vigil.alarm(error.code)
        await asyncio.sleep(RETRY_S)

    async def _reconcile(self) -> None:
        state = self._owner.journal.state
        if state is None or not self._up:
            return
        desired = recording(state)
        if not (desired.open or desired.seal):
            self.done = state.closed
            return
        if not self._opened:
            await self._open()
        if not state.sealed:
            await self._switch(desired)
            await self._send_rows()
        if desired.seal and not self._on and self._owner.journal.failing_since_us is None:
            await self._seal()

    async def _open(self) -> None:
        journal = self._owner.journal
        state = journal.state
        if state is None:
            return
        title = f"{state.plan.case_number} {state.plan.title}".strip()
        await self._recorder.open(journal.sitting, journal.epoch, journal.sitting, title)
        changed = not self._opened or bool(self._failed_to)
        self._opened, self._failed_to = True, ""
        if changed:
            self._owner.changed()

    async def _switch(self, desired: Recording) -> None:
        state = self._owner.journal.state
        if state is None:
            return
        anew = self._orders is not None and self._orders != state.recording.orders
        self._orders = state.recording.orders
        if anew and desired.on and self._on:
            await self._stop_to_begin_anew(state.recording.ordered_by, state.doer(state.recording.ordered_by))
        state = self._owner.journal.state or state
        if self._on == desired.on:
            return
        span = state.recording
        if not desired.on and self._on is None and span.running_since_us is None and not span.failure and not span.ever:
            self._on = False
            return
        journal = self._owner.journal
        who = span.ordered_by if anew else state.stage_by
        operator = state.doer(who)
        reason = "hearing_opened" if desired.on else ("cancelled" if state.cancelled else state.stage)
        if desired.on and (span.running_since_us is not None or span.failure):
            reason = "recorder_restarted"
        if desired.on and anew:
            reason = "restart_ordered"
        if desired.on:
            self._vigil.begin(self._clock_us())
        self._on = None  # a recorder whose disk fails may have done it, or not: what it does is known when it answers
        await self._recorder.record(journal.sitting, journal.epoch, desired.on, reason, operator)
        self._on, self._failed_to = desired.on, ""
        if desired.on:
            self._vigil.alarm("")
            if span.running_since_us is None and not span.failure:
                await self._owner.note(Observe("recording_started", {"by": dict(who)}))
        elif span.running_since_us is not None or span.failure:
            await self._owner.note(Observe("recording_stopped", {"by": dict(who), "reason": reason}))
        await self.judge()

    async def _stop_to_begin_anew(self, by: Mapping[str, Any], operator: str) -> None:
        """An officer wants it to begin anew: segments are closed and opened again, as after a pause. What was recorded stays."""
        journal = self._owner.journal
        self._on = None
        await self._recorder.record(journal.sitting, journal.epoch, False, "restart_ordered", operator)
        self._on = False
        await self._owner.note(Observe("recording_stopped", {"by": dict(by), "reason": "restart_ordered"}))

    async def _send_rows(self) -> None:
        journal = self._owner.journal
        if journal.seq <= self._sent_seq:
            return
        rows = await journal.rows(self._sent_seq)
        if rows:
            await self._recorder.events(journal.sitting, journal.epoch, [row.line() for row in rows])
            self._sent_seq = rows[-1].seq

    async def _seal(self) -> None:
        journal = self._owner.journal
        state = journal.state
        if state is None or self._sent_seq < journal.seq:
            self.wake()
            return
        answer = await self._recorder.seal(journal.sitting, journal.epoch, _meta(state.plan.to_json(), await journal.rows()))
        await self._owner.note(Observe("sealed", {"manifest_sha256": str(answer["manifest_sha256"])}))
        self.done = True


def _meta(plan: Mapping[str, Any], rows: list[Row] | Any) -> dict[str, Any]:
    """What the manifest says of the sitting. `endpoints` maps each device that ever came to those it carried."""
    endpoints: dict[str, dict[str, Any]] = {}
    seated: dict[str, str] = {}
    for row in rows:
        if row.type in {"endpoint_arrived", "device_pending"}:
            carried = endpoints.setdefault(row.data["endpoint"], {"participants": [], "device": row.data["device"]})
            carried["participants"] += [p for p in row.data["participants"] if p not in carried["participants"]]
        elif row.type in {"broken_in", "talk_began", "talk_to_all_began"}:
            endpoints[row.data["endpoint"]] = {"participants": [], "device": row.data["name"]}
        elif row.type == "seated":
            seated[row.data["participant"]] = row.data["endpoint"]
        elif row.type == "admitted" and seated.get(row.data["participant"]) in endpoints:
            carried = endpoints[seated[row.data["participant"]]]
            carried["participants"] += [p for p in (row.data["participant"],) if p not in carried["participants"]]
    kept = ("kind", "title", "case_number", "court", "room", "starts_at_us", "ends_at_us", "time_zone", "participants")
    return {**{name: plan[name] for name in kept}, "endpoints": endpoints}
