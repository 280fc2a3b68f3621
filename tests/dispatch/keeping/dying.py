"""The jobs process while it carries out destructions, killed by SIGKILL before its n-th change of something below the archive's folder:
``python -m tests.dispatch.keeping.dying DATABASE FOLDER NOW N``. Ends with 0 where it was done before."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from dispatch.keeping.carrying_out import Destroyer
from dispatch.keeping.removal import Places
from dispatch.store.database import Database
from rooms.recording.signer import KeyFile
from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import Vault

CHANGES = ("os.remove", "os.rmdir", "os.rename", "os.chmod", "os.mkdir")


def vault_of(folder: Path) -> Vault:
    """With a store beside the recordings, and keys."""
    ring = KeyRing(folder / "ring")
    ring.ensure()
    return Vault(folder / "recordings", folder, folder / "run", FolderStore(folder / "store"), ring)


def places_of(folder: Path) -> Places:
    """Where things of recordings lie."""
    return Places(vault_of(folder), folder / "stills", (folder / "certificates",))


def _die_at(change: int, folder: Path) -> None:
    left = change

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        written = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if (event in CHANGES or written) and str(arguments[0]).startswith((str(folder), "b'" + str(folder))):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


async def _work(database: str, folder: Path, now: datetime, change: int) -> None:
    db = await Database.connect(database)
    signer = KeyFile(folder / "secrets" / "seal.key", folder / "secrets" / "seal.crt")
    destroyer = Destroyer(db, places_of(folder), lambda: signer, ("云河区人民检察院", "Yunhe"), lambda: now)
    _die_at(change, folder)
    while await destroyer.work():
        pass
    await db.close()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), int(sys.argv[4])))
