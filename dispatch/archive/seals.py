"""How many recordings are sealed, signed and stamped, for Prometheus; and what the catalogue keeps of a signature."""

from __future__ import annotations

import json
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from sqlalchemy import func, select

from dispatch.counting import again_and_again
from dispatch.store.archive_tables import Explanation, Recording
from rooms.verification.signature import SIGNATURE
from rooms.verification.stamp import ANSWER, STAMP

if TYPE_CHECKING:
    from dispatch.store.database import Database

EVERY_S = 15.0
RECORDINGS = Gauge(
    "dispatch_recordings", "Recordings: sealed, signed, stamped, waiting for that, stored, spoilt, with faults unexplained", ["state"]
)
LOOKED_AT = Gauge(
    "dispatch_recordings_looked_at_timestamp_seconds", "Since when every recording was digested again, Unix time; 0: not all were yet"
)


async def run(db: Database, stamps: bool) -> None:
    """Keep the figures until cancelled. `stamps`: a time-stamping authority is set."""
    await again_and_again(lambda: read(db, stamps), EVERY_S)


async def read(db: Database, stamps: bool) -> None:
    """Read them once."""
    counted = select(
        func.count(),
        func.count().filter(Recording.signed_by != ""),
        func.count().filter(Recording.stamped_at.is_not(None)),
        func.count().filter(Recording.stored_at.is_not(None)),
        func.count().filter(Recording.spoilt_at.is_not(None)),
        func.count().filter(Recording.looked_at.is_(None)),
        func.min(Recording.looked_at),
    ).where(Recording.sealed_at.is_not(None), Recording.destroyed_at.is_(None))
    async with db.reader() as session:
        sealed, signed, stamped, stored, spoilt, unseen, oldest = (await session.execute(counted)).one()
        unexplained = await session.scalar(select(func.count()).select_from(Explanation).where(Explanation.signed_at.is_(None)))
    figures = {"sealed": sealed, "signed": signed, "stamped": stamped, "waiting": sealed - stamped if stamps else 0}
    figures |= {"stored": stored, "spoilt": spoilt, "unexplained": unexplained or 0}
    LOOKED_AT.set(0 if unseen or oldest is None else oldest.timestamp())
    for state, number in figures.items():
        RECORDINGS.labels(state).set(number)


def beside(recording: Recording) -> tuple[str, ...]:
    """The files of signature and time-stamp that the recording has to have, since the catalogue saw them once."""
    signed = (SIGNATURE,) if recording.signed_by else ()
    return (*signed, *((STAMP, ANSWER) if recording.stamped_at is not None else ()))


def signed_by(folder: Traversable) -> str:
    """Who signed the manifest in a sealed folder, by his own word; "" where nobody did. Verification says whether it is so."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        signed = (folder / "manifest.sig.json").is_file()
        return str(manifest["signer"]["subject"])[:200] if signed else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""
