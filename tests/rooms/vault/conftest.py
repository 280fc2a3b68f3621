"""A sealed folder, a vault with a folder for a store, and keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rooms.recording.seal import seal_folder
from rooms.vault import putting
from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import Vault
from tests.rooms.recording.folders import META, a_folder

SITTING = "s1"


def make_vault(base: Path) -> Vault:
    """With its directories below `base`, a store in a folder, and a first key."""
    ring = KeyRing(base / "secrets")
    ring.ensure()
    return Vault(base / "recordings", base, base / "run", FolderStore(base / "store"), ring)


def make_sealed(vault: Vault, sitting: str = SITTING) -> Path:
    """A small sealed folder with a film."""
    root = a_folder(vault.recordings / sitting)
    seal_folder(root, {"sitting": sitting, **META}, 1_795_500_000_000_000)
    (root / "derived" / "composite.mp4").write_bytes(os.urandom(70_000))
    (root / "derived" / "composite.mp4.part").write_bytes(b"half")
    return root


def plain_bytes(root: Path) -> dict[str, bytes]:
    """Every finished file of a folder."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".part"}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Parts so small that files have several."""
    size = 1 << 14
    monkeypatch.setattr(putting, "PART_BYTES", size)
    return size


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return make_vault(tmp_path)
