"""Verifications under way and done, one a recording: hashing an hour of tracks takes seconds, so pages ask for the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import structlog

from dispatch.archive import recordings, seals
from dispatch.archive.playback import gaps, manifest_of, whose
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import utc_now
from dispatch.web.recording_words import names_in, size
from rooms.vault.checkout import checked_out
from rooms.vault.vault import Vault
from rooms.verification.folder import NotARecording, verify
from rooms.verification.report import Report

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.web.translations import Catalogue

Json = dict[str, Any]
log = structlog.get_logger("archive")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found and when. `report` is None where the folder could not be read at all."""

    report: Report | None
    at: datetime
    files: tuple[tuple[str, int], ...] = ()
    whose: Callable[[Catalogue], dict[str, str]] | None = None
    gaps: Callable[[Catalogue], list[str]] | None = None


class Verifications:
    """Runs them, at most one a recording at a time. Get it with :func:`verifications_of`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._running: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, Verdict] = {}

    def start(self, vault: Vault, recording: Recording) -> None:
        """Begin, unless it is under way. A stored recording is decrypted for it, and read as a third party would read it."""
        sitting = recording.sitting_id
        if sitting not in self._running:
            task = asyncio.create_task(self._run(vault, recording), name=f"verify-{sitting}")
            self._running[sitting] = task
            task.add_done_callback(lambda _done: self._running.pop(sitting, None))

    def is_running(self, sitting: str) -> bool:
        """Whether one is under way."""
        return sitting in self._running

    def last(self, sitting: str) -> Verdict | None:
        """The last one since the server started."""
        return self._done.get(sitting)

    async def _run(self, vault: Vault, recording: Recording) -> None:
        sitting = recording.sitting_id
        try:
            async with checked_out(vault, recording.folder) as folder:
                verdict = await asyncio.to_thread(_verify, folder, recording.manifest_sha256, seals.beside(recording))
        except OSError:  # it is gone, or not to be decrypted: no originals are there
            log.exception("not_checked_out", sitting=sitting)
            verdict = Verdict(None, utc_now())
        self._done[sitting] = verdict
        ok = verdict.report is not None and verdict.report.ok
        log.info("verified", sitting=sitting, ok=ok)
        await recordings.verified(self._db, sitting, ok, verdict.at)


def _verify(folder: Path, manifest_sha256: str, beside: tuple[str, ...]) -> Verdict:
    try:
        report = verify(folder, manifest_sha256, seals=beside)
    except NotARecording:
        return Verdict(None, utc_now())
    try:
        manifest = manifest_of(folder)
        files = tuple((str(row["file"]), int(row["bytes"])) for row in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return Verdict(report, utc_now())
    return Verdict(
        report,
        utc_now(),
        files,
        lambda words: whose(manifest, words.gettext),
        lambda words: gaps(manifest, words.gettext, _clock(manifest)),
    )


def _clock(manifest: Json) -> Callable[[int], str]:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(manifest["meta"].get("time_zone") or "UTC")
    return lambda us: datetime.fromtimestamp(us / 1e6, zone).strftime("%H:%M:%S")


def as_json(recording: Recording, running: bool, verdict: Verdict | None, words: Catalogue, moment: Callable[[datetime], str]) -> Json:
    """What the badge shows (static/js/verification.js). `moment` says a time."""
    _ = words.gettext
    empty: Json = {"ok": None, "at": "", "checks": [], "files": [], "problems": [], "gaps": []}
    if running:
        return empty | {"state": "running", "text": _("Checking…")}
    if verdict is None:
        return empty | _remembered(recording, words, moment)
    at = _("Checked at {time}", time=moment(verdict.at))
    if verdict.report is None:
        return empty | {"state": "failed", "ok": False, "at": at, "text": _("The recording's folder is missing")}
    return empty | {"state": "done", "ok": verdict.report.ok, "at": at} | _found(verdict.report, verdict, words, moment)


def _remembered(recording: Recording, words: Catalogue, moment: Callable[[datetime], str]) -> Json:
    _ = words.gettext
    if recording.verified_at is None or recording.verified_ok is None:
        return {"state": "never", "text": _("Not checked yet")}
    text = _("Intact") if recording.verified_ok else _("Problems found")
    return {"state": "done", "ok": recording.verified_ok, "text": text, "at": _("Checked at {time}", time=moment(recording.verified_at))}


def _found(report: Report, verdict: Verdict, words: Catalogue, moment: Callable[[datetime], str]) -> Json:
    _ = words.gettext
    wrong: dict[str, list[str]] = {}
    for problem in report.problems:
        wrong.setdefault(problem.file, []).append(problem.text(words.language))
    of = verdict.whose(words) if verdict.whose else {}
    bad = [name for name, _bytes in verdict.files if name in wrong]
    manifest_ok, log_ok = "manifest.json" not in wrong, "events.jsonl" not in wrong
    checks = [
        {
            "ok": manifest_ok,
            "text": _("The manifest is as it was sealed at {time}", time=_sealed_at(report, moment))
            if manifest_ok
            else _("The manifest is not as it was sealed"),
        },
        {
            "ok": not bad and manifest_ok,
            "text": _("All {n} originals are unchanged", n=len(verdict.files))
            if not bad and manifest_ok
            else _("{bad} of {n} originals are not as they were", bad=len(bad), n=len(verdict.files)),
        },
        {
            "ok": log_ok,
            "text": _("The event log is unbroken: {n} rows follow one another", n=report.events)
            if log_ok
            else _("The event log is broken"),
        },
        *_vouched(report, words, moment),
    ]
    return {
        "text": _("Intact") if report.ok else _("Problems found"),
        "checks": checks,
        "files": [
            {
                "name": name,
                "whose": of.get(name, ""),
                "size": size(count),
                "ok": name not in wrong,
                "text": _("; ").join(wrong[name]) if name in wrong else _("unchanged"),
            }
            for name, count in verdict.files
        ],
        "problems": [_("{file}: {what}", file=name, what=_("; ").join(texts)) for name, texts in wrong.items()],
        "gaps": verdict.gaps(words) if verdict.gaps else [],
    }


def _vouched(report: Report, words: Catalogue, moment: Callable[[datetime], str]) -> list[Json]:
    """Signature and time-stamp; `ok` is null where there is none, or where it cannot be checked here."""
    _ = words.gettext
    signed, stamped = report.signature, report.stamp
    signature = {
        "": _("Nobody signed the manifest"),
        "good": _("Signed by {who}; certificate of {issuer}, good at the time", who=names_in(signed.by), issuer=names_in(signed.issuer)),
        "bad": _("The signature is not good"),
        "unchecked": _("Signed; the signature ({algorithm}) cannot be checked by this server", algorithm=signed.algorithm),
    }
    at = moment(datetime.fromisoformat(stamped.at)) if stamped.at else ""
    stamp = {
        "": _("No time-stamp"),
        "good": _("Time-stamped {time} by {who}", time=at, who=names_in(stamped.by)),
        "bad": _("The time-stamp is not good"),
        "unchecked": _("Time-stamped {time}; it cannot be checked by this server", time=at),
    }
    outcome = {"good": True, "bad": False}
    return [
        {"ok": outcome.get(signed.state), "text": signature[signed.state]},
        {"ok": outcome.get(stamped.state), "text": stamp[stamped.state]},
    ]


def _sealed_at(report: Report, moment: Callable[[datetime], str]) -> str:
    try:
        return moment(datetime.fromisoformat(report.sealed_at))
    except ValueError:
        return report.sealed_at


_of_database: WeakKeyDictionary[Database, Verifications] = WeakKeyDictionary()


def verifications_of(db: Database) -> Verifications:
    """The one keeper of verifications for this database."""
    return _of_database.setdefault(db, Verifications(db))
