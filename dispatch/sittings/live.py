"""Between bookings and the live plane: opens conferences, tells them of changes, and brings their log back into SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import and_, or_, select

from dispatch import audit
from dispatch.archive import catalogue, explanations, seals
from dispatch.errors import Refused, UserError
from dispatch.identity import browsers
from dispatch.sittings import clock as sitting_clock
from dispatch.sittings import participants, procedures, sittings
from dispatch.sittings.quality import QualityKeeper
from dispatch.sittings.statuses import PROJECTED, project_rows
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Participant, Sitting, utc_now
from dispatch.vault import site as site_vault
from rooms.consents import digest_of
from rooms.log import LogUnwritable
from rooms.protocol import UserError as LiveRefused

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.database import Database
    from rooms.hub import Hub
    from rooms.log import Row

log = structlog.get_logger("live")

RETRY_S = 1.0
CATCH_UP = timedelta(days=30)
"""How old a closed sitting may be whose sealing is still looked for at the start."""


class Unavailable(UserError):
    """The event log cannot be written just now; what permits is refused until it can."""

    status = 503


class LivePlane:
    """Make it, `start()` it after the hub, `close()` it. `clock` gives now (aware)."""

    def __init__(self, db: Database, hub: Hub, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._hub = hub
        self._settings = settings
        self._vault = site_vault.of(settings)
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._told: set[str] = set()
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._quality = QualityKeeper(db, hub)
        hub.on_row(self._row)

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring SQL up to the logs and keep it there."""
        self._changed |= await self._possibly_behind()
        self._woken.set()
        self._tasks = [
            asyncio.create_task(self._project(), name="projection"),
            asyncio.create_task(sitting_clock.run(self._db, self._hub, self._clock), name="sitting-clock"),
            asyncio.create_task(self._quality.run(), name="quality"),
        ]

    async def close(self) -> None:
        """Idempotent. What is not projected yet is so at the next start; what was measured is kept."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            await self._quality.keep()

    # -- what pages ask ---------------------------------------------------------------------------------------------

    async def ensure_open(self, sitting_id: str) -> Sitting:
        """The sitting, its conference open: called by whoever enters. Idempotent.

        Raises NotFound, Refused("sitting_closed" | "sitting_cancelled" | "sitting_not_open"), Unavailable.
        """
        async with self._lock(sitting_id):
            sitting = await sittings.get(self._db, sitting_id)
            if sitting.status in ("closed", "cancelled"):
                raise Refused(f"sitting_{sitting.status}", title=sitting.title)
            opens_at = self.opens_at(sitting)
            if self._clock() < opens_at:
                site = self._db.site
                raise Refused("sitting_not_open", title=sitting.title, opens=site.clock(opens_at), starts=site.clock(sitting.starts_at))
            procedure = await procedures.held_by(self._db, sitting.kind)
            await _ask(self._hub.open(sittings.plan(sitting, self._db, procedure)))
            if sitting_id not in self._told:
                await self._tell_earlier(sitting)
                self._told.add(sitting_id)
            return sitting

    def opens_at(self, sitting: Sitting) -> datetime:
        """From when the waiting room can be entered."""
        return sitting.starts_at - timedelta(hours=self._settings.open_hours)

    def is_open(self, sitting_id: str) -> bool:
        """Whether the conference is open in this server."""
        return self._hub.overview(sitting_id) is not None

    async def consent(
        self, sitting_id: str, participant_id: str, *, version: str, text: str, device: str, address: str = ""
    ) -> None:
        """A participant consented to the `text` that was shown to him; from the day the link was issued. Kept, and logged
        once the conference is open.

        Raises NotFound, Refused (over, or not this sitting's), Unavailable.
        """
        async with self._lock(sitting_id):
            await self._own(sitting_id, participant_id)
            person = await participants.record_consent(
                self._db, participant_id, version=version, text=text, device=device, address=address, now=self._clock()
            )
            await self._tell_consent(person)

    async def consent_refused(
        self, sitting_id: str, participant_id: str, *, version: str, text: str, device: str, address: str = ""
    ) -> None:
        """A participant read the notice at a room's device and does not consent; audited and logged. Raises as :meth:`consent`."""
        async with self._lock(sitting_id):
            await self._own(sitting_id, participant_id)
            person = await participants.get(self._db, participant_id)
            words = {"device": device, "version": version, "text_sha256": digest_of(text)}
            detail = {"participant": participant_id, **words}
            subject = f"{person.sitting.case.number} {person.name}"
            await audit.record(self._db, person.name, "consent_refused", subject, address=address, detail=detail)
            await _ask(self._hub.consent_refused(sitting_id, participant_id, text=text, **words))

    async def sit_down(self, sitting_id: str, participant_id: str, *, endpoint: str, device: str, address: str = "") -> None:
        """Somebody at a room's device says that the participant, who has consented, sits there; logged and audited.

        Raises NotFound, Refused (see docs/protocol.md, Seat), Unavailable.
        """
        async with self._lock(sitting_id):
            await self._own(sitting_id, participant_id)
            if participant_id not in self._hub.sitting_at(sitting_id, endpoint):
                await self._tell_consent(await participants.get(self._db, participant_id))
                await _ask(self._hub.sit_down(sitting_id, participant_id, endpoint=endpoint, device=device))
                await self._audit_seat("seated", participant_id, device, address)

    async def stand_up(self, sitting_id: str, participant_id: str, *, endpoint: str, device: str, address: str = "") -> None:
        """Somebody at a room's device says that the participant does not sit there any more; logged and audited."""
        async with self._lock(sitting_id):
            if participant_id in self._hub.sitting_at(sitting_id, endpoint):
                await _ask(self._hub.stand_up(sitting_id, participant_id, endpoint=endpoint, device=device))
                await self._audit_seat("unseated", participant_id, device, address)

    async def device_checked(self, sitting_id: str, participant_id: str, result: dict[str, Any]) -> None:
        """A participant checked his devices; the newest result counts. Raises as :meth:`consent`."""
        async with self._lock(sitting_id):
            await self._own(sitting_id, participant_id)
            await participants.record_device_check(self._db, participant_id, result, self._clock())
            if self.is_open(sitting_id):
                await _ask(self._hub.device_checked(sitting_id, participant_id, result))

    async def still_kept(self, sitting_id: str, participant_id: str, still: str, octets: int) -> None:
        """A member of the desk has put a still on disk: the log says so. Raises Refused, Unavailable."""
        await _ask(self._hub.keep_still(sitting_id, participant_id, still, octets))

    async def revised(self, sitting_id: str) -> None:
        """The booking was changed or moved, or people were added or taken out: the conference, if open, follows, and
        whoever came by a link that is no longer good is disconnected."""
        async with self._lock(sitting_id):
            if self.is_open(sitting_id):
                await _ask(self._hub.revise(sittings.plan(await sittings.get(self._db, sitting_id), self._db)))
                await self._put_out_refused(sitting_id)

    async def cancelled(self, sitting_id: str, reason: str = "") -> None:
        """The sitting was cancelled: everybody is told, the conference ends."""
        async with self._lock(sitting_id):
            sitting = await sittings.get(self._db, sitting_id)
            await _ask(self._hub.cancel(sitting_id, reason or sitting.cancel_reason))

    async def link_revoked(self, participant_id: str, reason: str = "reissued") -> None:
        """A participant's link was revoked or reissued: his devices are disconnected."""
        async with self._db.reader() as session:
            found = await session.get(Participant, participant_id)
        if found is not None:
            await _ask(self._hub.revoke(found.sitting_id, participant_id, reason))

    async def device_revoked(self, device_id: str) -> None:
        """A room's device was taken away: it is disconnected wherever it is in."""
        log.info("device_revoked", device=device_id)
        for overview in self._hub.overviews():
            await self._put_out_refused(overview.sitting)

    async def sessions_revoked(self, user_id: str) -> None:
        """A user's sessions were ended: he is disconnected wherever he takes part."""
        for overview in self._hub.overviews():
            sitting = await sittings.find(self._db, overview.sitting)
            for participant in sitting.participants if sitting is not None else ():
                if participant.user_id == user_id:
                    await _ask(self._hub.revoke(overview.sitting, participant.id, "session_revoked"))

    # -- inside -----------------------------------------------------------------------------------------------------

    def _lock(self, sitting_id: str) -> asyncio.Lock:
        return self._locks.setdefault(sitting_id, asyncio.Lock())

    async def _own(self, sitting_id: str, participant_id: str) -> None:
        if (await participants.get(self._db, participant_id)).sitting_id != sitting_id:
            raise Refused("participant_unknown")

    async def _tell_consent(self, person: Participant) -> None:
        """Log a consent that is kept and that an open conference does not know: its log may have refused it when it was given."""
        overview = self._hub.overview(person.sitting_id)
        known = overview is None or any(each["id"] == person.id and each["consented"] for each in overview.participants)
        if person.consented_at is not None and not known:
            await self._log_consent(person)

    async def _log_consent(self, person: Participant) -> None:
        given = person.consented_at
        await _ask(
            self._hub.consent(
                person.sitting_id,
                person.id,
                version=person.consent_version,
                text_sha256=person.consent_sha256,
                device=person.consent_device,
                text=await participants.agreed_words(self._db, person),
                given_at_us=round(given.timestamp() * 1e6) if given is not None else None,
            )
        )

    async def _audit_seat(self, action: str, participant_id: str, device: str, address: str) -> None:
        person = await participants.get(self._db, participant_id)
        subject = f"{person.sitting.case.number} {person.name}"
        await audit.record(self._db, device, action, subject, address=address, detail={"participant": participant_id})

    async def _tell_earlier(self, sitting: Sitting) -> None:
        """Log what people did before the conference opened."""
        rows = await self._hub.rows(sitting.id)
        consented = {row.data["participant"] for row in rows if row.type == "consented"}
        checked = {row.data["participant"]: row.data["result"] for row in rows if row.type == "device_checked"}
        for person in sitting.participants:
            if person.consented_at is not None and person.id not in consented:
                await self._log_consent(person)
            if person.device_check is not None and checked.get(person.id) != person.device_check:
                await _ask(self._hub.device_checked(sitting.id, person.id, person.device_check))

    async def _put_out_refused(self, sitting_id: str) -> None:
        refused = await browsers.refused_endpoints(self._db, sitting_id)
        for endpoint, reason in refused.items():
            for person in self._hub.sitting_at(sitting_id, endpoint):
                await _ask(self._hub.revoke(sitting_id, person, reason))

    # -- the projection -----------------------------------------------------------------------------------------------

    def _row(self, row: Row) -> None:
        if row.type == "stage_changed" and row.data["to"] == "closed":
            self._quality.wake()
        if row.type in PROJECTED:
            self._changed.add(row.sitting)
            self._woken.set()

    async def _possibly_behind(self) -> set[str]:
        """Sittings whose log may be ahead of SQL: the last server may have died between the two."""
        since = self._clock() - CATCH_UP
        unfinished = or_(Recording.sealed_at.is_(None), Recording.bytes == 0)
        unsealed = and_(Sitting.status == "closed", unfinished, Sitting.closed_at >= since)
        due = and_(Sitting.status == "planned", Sitting.starts_at >= since, Sitting.starts_at <= self._clock() + timedelta(days=2))
        async with self._db.reader() as session:
            found = await session.scalars(
                select(Sitting.id)
                .outerjoin(Recording, Recording.sitting_id == Sitting.id)
                .where(or_(Sitting.status.in_(("open", "live", "recess")), due, unsealed))
            )
            return set(found)

    async def _project(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            for sitting_id in sorted(self._changed):
                self._changed.discard(sitting_id)
                try:
                    await self._bring_up(sitting_id)
                except Exception:  # SQL can be busy or its disk full: the log keeps the rows, the next round brings them
                    log.exception("projection_failed", sitting=sitting_id)
                    self._changed.add(sitting_id)
            if self._changed and not self._woken.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._woken.wait()
                self._woken.set()

    async def _bring_up(self, sitting_id: str) -> None:
        sitting = await sittings.find(self._db, sitting_id)
        if sitting is None:
            return
        rows = await self._hub.rows(sitting_id, sitting.log_seq)
        await project_rows(self._db, sitting_id, rows)
        if await catalogue.is_unmeasured(self._db, sitting_id):
            seconds = catalogue.recorded_seconds(await self._hub.rows(sitting_id))
            folder = self._vault.folder(sitting_id)
            size, by = await asyncio.to_thread(lambda: (catalogue.originals_bytes(folder), seals.signed_by(folder)))
            await explanations.ask(self._db, sitting_id, folder, self._clock())
            await catalogue.measured(self._db, sitting_id, seconds, size, by)


async def _ask(answer: Awaitable[None]) -> None:
    """What the live plane refuses, in the control plane's words."""
    try:
        await answer
    except LiveRefused as error:
        raise Refused(error.code, error.field) from error
    except LogUnwritable as error:
        raise Unavailable("log_unwritable") from error
