"""A court whose sitting is closed, sealed and in the catalogue, on both databases; and its disk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatch.archive.catalogue import measured
from dispatch.keeping import classes, powers
from dispatch.keeping.carrying_out import Destroyer
from dispatch.keeping.removal import Places
from dispatch.operations import authority
from dispatch.sittings.statuses import project_rows
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Sitting
from rooms.recording.signer import KeyFile
from rooms.vault.vault import Vault
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.making import INTO, NOW, Court, as_it_is, make_rows, make_sitting

WAIT = timedelta(days=7)


@dataclass(frozen=True)
class Archive:
    """The disk of a court, and who signs for it."""

    court: Court
    folder: Path
    places: Places

    @property
    def roots(self) -> Path:
        """What the site's seals lead to."""
        return self.folder / "secrets" / "seal-roots.crt"

    def signer(self) -> KeyFile:
        """The site's own."""
        return KeyFile(self.folder / "secrets" / "seal.key", self.folder / "secrets" / "seal.crt")

    def of(self, sitting: Sitting) -> Path:
        """The folder of its recording."""
        return self.folder / "recordings" / sitting.id

    def destroyer(self, now: datetime, where: Places | None = None) -> Destroyer:
        """The jobs process, at that moment."""
        return Destroyer(self.court.db, where or self.places, self.signer, ("云河区人民检察院", "Yunhe"), lambda: now)

    async def recorded(self, start: str = "14:00", **changes: object) -> Sitting:
        """A sitting that was held, sealed and catalogued, with its files and a still from the hearing."""
        sitting = await make_sitting(self.court, start, **changes)  # type: ignore[arg-type]
        sealed = await asyncio.to_thread(make_sealed, self.folder / "recordings", sitting.id)
        (self.of(sitting) / "derived" / "composite.mp4").write_bytes(b"film")
        (self.folder / "stills" / f"{sitting.id}.{'a' * 64}.jpg").write_bytes(b"face")
        rows = make_rows(sitting.id, *INTO["closed"], ("sealed", {"manifest_sha256": sealed["manifest_sha256"]}))
        await project_rows(self.court.db, sitting.id, rows)
        await measured(self.court.db, sitting.id, 8.0, 1234, "CN=seal")
        return await as_it_is(self.court.db, sitting)

    async def expired(self, start: str = "14:00", **changes: object) -> Sitting:
        """One whose time is over."""
        sitting = await self.recorded(start, **changes)
        await self.expire(sitting)
        return sitting

    async def expire(self, sitting: Sitting) -> None:
        """It is kept for ten years, which are over."""
        day = NOW.date().replace(year=2010)
        await classes.change(self.court.db, sitting.id, "years_10", day, "鉴定后改划", self.court.clerk, NOW)

    async def give(self, name: str, *wanted: str) -> None:
        """Let a member of the staff do this."""
        await powers.give(self.court.db, self.court.users[name].id, wanted, self.court.users["xu"], NOW)

    async def entry(self, sitting: Sitting) -> Recording:
        """As the catalogue has it now."""
        async with self.court.db.reader() as session:
            return await session.get_one(Recording, sitting.id)


def vault_in(folder: Path) -> Vault:
    """Plain folders below `folder`."""
    return Vault(folder / "recordings", folder, folder / "run")


@pytest.fixture(params=["sqlite", "postgresql"])
def court(request: pytest.FixtureRequest) -> Court:
    found: Court = request.getfixturevalue(f"{request.param}_court")
    return found


@pytest.fixture(scope="session")
def sealing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    authority.certify_seal(folder, "localhost", "云河区人民检察院", NOW)
    return folder


@pytest.fixture
def archive(court: Court, tmp_path: Path, sealing: Path) -> Archive:
    for name in ("recordings", "stills"):
        (tmp_path / name).mkdir()
    (tmp_path / "secrets").symlink_to(sealing)
    return Archive(court, tmp_path, Places(vault_in(tmp_path), tmp_path / "stills", (tmp_path / "certificates",)))
