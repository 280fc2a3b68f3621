"""What encryption at rest costs: ``store_mb_s``, a sealed recording put away into a folder (encrypted, on the disk, read back, decrypted,
compared, digested), against ``cp`` and ``sync`` of the same files, which leaves out all but the copy; and ``open_mb_s``, all of it read
from the store as playback does, against ``cat`` of the plain files.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.load.usage import machine
from rooms.vault import putting
from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import Vault

TRACKS, TRACK_BYTES, TURNS = 4, 50_000_000, 3
SITTING = "bench"


def sealed(vault: Vault) -> Path:
    """A folder as large as a sealed one; its manifest names nothing, so that digests count as what putting away needs by itself."""
    folder = vault.recordings / SITTING
    (folder / "tracks").mkdir(parents=True)
    for number in range(TRACKS):
        (folder / "tracks" / f"{number:04d}.mkv").write_bytes(os.urandom(TRACK_BYTES))
    (folder / "manifest.json").write_text('{"files": []}')
    return folder


def turn(base: Path) -> tuple[float, float, float, float]:
    """Seconds: put away, copied and synced, read from the store, read in the plain."""
    ring = KeyRing(base / "secrets")
    ring.ensure()
    vault = Vault(base / "recordings", base, base / "run", FolderStore(base / "store"), ring)
    folder = sealed(vault)
    subprocess.run(["sync", "-f", str(base)], check=True)
    begin = time.perf_counter()
    subprocess.run(["cp", "-r", str(folder), str(base / "copy")], check=True)
    subprocess.run(["sync", *map(str, (base / "copy" / "tracks").iterdir())], check=True)
    copied = time.perf_counter() - begin
    begin = time.perf_counter()
    subprocess.run(["cat", *map(str, (base / "copy" / "tracks").iterdir())], stdout=subprocess.DEVNULL, check=True)
    plain = time.perf_counter() - begin
    begin = time.perf_counter()
    putting.put_away(vault, SITTING)
    put = time.perf_counter() - begin
    begin = time.perf_counter()
    for name in vault.files(SITTING):
        for _chunk in vault.stream(SITTING, name):
            pass
    return put, copied, time.perf_counter() - begin, plain


def main() -> int:
    """Print the figures."""
    turns = []
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            turns.append(turn(Path(directory)))
    put, copied, opened, plain = (TRACKS * TRACK_BYTES / 1e6 / min(column) for column in zip(*turns, strict=True))
    about = f"{TRACKS} files of {TRACK_BYTES / 1e6:.0f} MB, best of {TURNS}, {machine()}"
    for figure, value, peer, other in (("store_mb_s", put, "cp and sync", copied), ("open_mb_s", opened, "cat", plain)):
        row = {"figure": figure, "value": round(value, 1), "unit": "MB/s", "peer": peer, "peer_value": round(other, 1)}
        print(json.dumps({**row, "ratio": round(value / other, 3), "conditions": about}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
