"""The vault of a test's court: of plain folders alone, or with a store and keys."""

from __future__ import annotations

from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import Vault
from tests.dispatch.making import Court


def plain_vault(court: Court) -> Vault:
    """Nothing is ever put away."""
    data = court.file.parent
    return Vault(data / "recordings", data, data / "run")


def stored_vault(court: Court) -> Vault:
    """With a first key."""
    data = court.file.parent
    ring = KeyRing(data / "secrets")
    ring.ensure()
    return Vault(data / "recordings", data, data / "run", FolderStore(data / "store"), ring)
