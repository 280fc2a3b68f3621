"""What operators do at the command line, in the audit log: under the name they are signed in to the machine with."""

from __future__ import annotations

import os
import pwd
import socket
from typing import TYPE_CHECKING, Any

from dispatch import audit
from dispatch.keeping import carrying_out, destroyed_before
from dispatch.operations.upkeep import BACKUP
from dispatch.store.database import Database, DatabaseUnavailable
from dispatch.store.site import Site
from dispatch.store.tables import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from dispatch.operations.backup import Made
    from dispatch.operations.restore import Contents
    from dispatch.settings import Settings

RESTORE = "restore"


def operator() -> str:
    """Who is at the command line; behind sudo, who called it."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without a name, as containers have them
        return f"uid {os.getuid()}"


async def backed_up(settings: Settings, made: Made) -> bool:
    """Write down that a backup was made; False where the database is of another version and takes no row."""
    try:
        db = await Database.connect(settings.database, Site.of(settings))
    except DatabaseUnavailable:
        return False
    whole = not made.missing and not made.damaged
    detail = {"digest": made.digest, "files": len(made.files), "bytes": made.bytes, "missing": made.missing, "damaged": made.damaged}
    await _write(db, BACKUP, made.path, detail, "done" if whole else "failed")
    return True


async def restored(settings: Settings, path: Path, contents: Contents) -> list[str]:
    """Bring the restored database to this version, write down where it comes from, and destroy again what certificates in the data
    directory name as destroyed: the sittings. Raises DatabaseUnavailable, OSError."""
    db = await Database.open(settings)
    try:
        again = await destroyed_before.apply(db, carrying_out.places(settings), settings.seal_roots, utc_now())
    except BaseException:
        await db.close()
        raise
    detail = {"digest": contents.digest, "made_at": contents.made_at, "files": len(contents.files), "bytes": contents.bytes}
    await _write(db, RESTORE, path, detail | {"destroyed_again": again}, "done")
    return again


async def _write(db: Database, action: str, path: Path, detail: dict[str, Any], result: str) -> None:
    try:
        await audit.record(db, operator(), action, path.name, address=socket.gethostname(), result=result, detail=detail)
    finally:
        await db.close()
