"""Masters a folder as an image for a disc: ISO 9660 with Rock Ridge for Unix and Joliet for Windows.

A file from 4 GiB on lies in several extents, which not every reader follows, and a name of more than 64 letters is none for Joliet: where
there is either the image is a bridge to UDF as well (ECMA-167), which everybody reads; names that Joliet cannot hold are then there in
UDF and Rock Ridge alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pycdlib

JOLIET_LONGEST = 64
"""Letters of a name, as Joliet has them."""
UDF_FROM_BYTES = 4 << 30
BLOCK_BYTES = 1 << 20
_UDF = "2.60"


def master(folder: Path, image: Path, label: str, told: Callable[[float], None] = lambda _: None, udf_from: int = UDF_FROM_BYTES) -> bool:
    """Write `image` from everything in `folder`; whether it has UDF. `label`: of the disc, at most 16 letters; `told` is told how much is
    written, 0 to 1. Raises OSError."""
    entries = sorted(folder.rglob("*"))
    bridged = any(len(each.name) > JOLIET_LONGEST or (each.is_file() and each.stat().st_size >= udf_from) for each in entries)
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09", udf=_UDF if bridged else None)
    try:
        _add(disc, folder, entries, bridged)

        def progress(done: int, total: int, _opaque: Any) -> None:
            told(min(done / total, 1.0) if total else 1.0)

        disc.write(str(image), blocksize=BLOCK_BYTES, progress_cb=progress)
    finally:
        disc.close()
    return bridged


def _add(disc: pycdlib.PyCdlib, folder: Path, entries: list[Path], bridged: bool) -> None:
    plain: dict[PurePosixPath, str] = {PurePosixPath("."): ""}
    """Path in the folder → its path by the few letters of ISO 9660."""
    for number, each in enumerate(entries, start=1):
        path = PurePosixPath(each.relative_to(folder).as_posix())
        iso = f"{plain[path.parent]}/{'D' if each.is_dir() else 'F'}{number:07d}"
        names: dict[str, Any] = {"rr_name": path.name, "joliet_path": f"/{path}" if len(path.name) <= JOLIET_LONGEST else None}
        if bridged:
            names["udf_path"] = f"/{path}"
        if each.is_dir():
            plain[path] = iso
            disc.add_directory(iso, file_mode=0o040555, **names)
        else:
            disc.add_file(str(each), f"{iso}.;1", file_mode=0o0100444, **names)
