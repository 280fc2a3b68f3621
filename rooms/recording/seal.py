"""Sealing: the manifest that lets a third party check a sitting's folder, and read-only originals.

``manifest.json`` is canonical JSON (RFC 8785). It names each original with its SHA-256 and its SM3 (GB/T 32905-2016), the
digest that Chinese procedure asks for. Its own `digest` and `digest_sm3` are those of the manifest without these two fields,
so that a changed byte in the manifest shows by itself; the SHA-256 of the whole file is the answer of sealing and is kept in
the event log of the server. Where the site has a signer the manifest names him beforehand as `signer`, and his signature
lies beside it (:mod:`rooms.recording.signature`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785

from rooms.recording import signature, stills
from rooms.recording.rolling import Rolling, described, digests_of
from rooms.recording.signer import Signer

FORMAT = 3
"""1: without SM3. 2: keys in the order of their code points, not of RFC 8785, and no `signer`, no `tracks`."""
SOFTWARE = "rooms.recording 3"
LISTS = ("segments.jsonl", "ledger.jsonl", "events.jsonl", "heartbeat.jsonl", "digests.jsonl")
CHUNK_BYTES = 1 << 20


def seal_folder(
    root: Path, meta: Mapping[str, Any], now_us: int, signer: Signer | None = None, stills_dir: Path | None = None
) -> dict[str, Any]:
    """Write the manifest, make originals read-only, sign: {"manifest_sha256", "files", "signed_by"}. Sealing again changes
    nothing, and signs where the manifest names a signer and he could not sign before.

    `meta` holds "sitting" and whatever the manifest shall say of it (title, case number, participants, endpoints). `stills_dir` has
    the stills of identities that the log states; what is not there any more, the manifest says is missing.
    Raises OSError, and SignerUnusable when everything but the signature is done.
    """
    path = root / "manifest.json"
    if not path.exists():
        by = signature.described(signer) if signer is not None else None
        lost = stills.take_over(root, str(meta["sitting"]), stills_dir)
        write(path, rfc8785.dumps(digested({**_manifest(root, meta, now_us, lost), "signer": by})))
    content = path.read_bytes()
    manifest = json.loads(content)
    _protect(root, manifest)
    named = manifest.get("signer")
    if named and signer is not None and not signature.exists(root):
        for name, made in signature.sign(content, signer).items():
            write(root / name, made)
            os.chmod(root / name, 0o444)
    by_whom = str(named["subject"]) if named and signature.exists(root) else ""
    return {"manifest_sha256": hashlib.sha256(content).hexdigest(), "files": len(manifest["files"]), "signed_by": by_whom}


def _manifest(root: Path, meta: Mapping[str, Any], now_us: int, lost: Sequence[str]) -> dict[str, Any]:
    files = [_described(root, name) for name in _originals(root)]
    present = {row["file"] for row in files}
    segments = _segments(root)
    events = _rows(root / "events.jsonl")
    head = events[-1] if events else {"seq": 0, "hash": ""}
    return {
        "format": FORMAT,
        "software": SOFTWARE,
        "sitting": meta["sitting"],
        "meta": {key: value for key, value in meta.items() if key != "sitting"},
        "made_at_us": now_us,
        "made_at": datetime.fromtimestamp(now_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z"),
        "files": files,
        "missing": sorted([*lost, *(row["file"] for row in segments if row["file"] not in present)]),
        "tracks": _tracks(segments),
        "segments": segments,
        "ledger": _rows(root / "ledger.jsonl"),
        "events": {"file": "events.jsonl", "head_seq": head["seq"], "head_hash": head["hash"]},
    }


def digested(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """With SHA-256 and SM3 over its canonical form (RFC 8785), by which a change of it shows."""
    content = rfc8785.dumps(dict(manifest))
    digests = digests_of(content)
    return {**manifest, "digest": digests["sha256"], "digest_sm3": digests["sm3"]}


def _originals(root: Path) -> Iterator[str]:
    yield from (name for name in LISTS if (root / name).exists())
    yield from sorted(f"tracks/{path.name}" for path in (root / "tracks").iterdir())
    if (root / stills.FOLDER).is_dir():
        yield from sorted(f"{stills.FOLDER}/{path.name}" for path in (root / stills.FOLDER).glob("[0-9a-f]*.jpg"))


def _described(root: Path, name: str) -> dict[str, Any]:
    rolling = Rolling()
    with open(root / name, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            rolling.add(chunk)
        os.fsync(file.fileno())
    return described(name, rolling)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _segments(root: Path) -> list[dict[str, Any]]:
    """Each segment once: what was known when it was opened and when it was closed."""
    segments: dict[str, dict[str, Any]] = {}
    for row in _rows(root / "segments.jsonl"):
        segments.setdefault(row["file"], {}).update({key: value for key, value in row.items() if key != "row"})
    return list(segments.values())


def _tracks(segments: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each device's camera, microphone or screen: when it was first and last recorded, and in which files."""
    tracks: dict[tuple[str, str], dict[str, Any]] = {}
    for row in segments:
        empty = {"endpoint": row["endpoint"], "source": row["source"], "start_us": row["start_us"], "end_us": row["start_us"], "files": []}
        track = tracks.setdefault((row["endpoint"], row["source"]), empty)
        track["end_us"] = max(track["end_us"], row.get("end_us", row["start_us"]))
        track["files"].append(row["file"])
    return list(tracks.values())


def write(path: Path, content: bytes) -> None:
    """Aside, synced and renamed into place: nobody reads half a file. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    _sync_directory(path.parent)


def _protect(root: Path, manifest: Mapping[str, Any]) -> None:
    (root / "derived").mkdir(exist_ok=True)
    for row in manifest["files"]:
        os.chmod(root / row["file"], 0o444)
    os.chmod(root / "manifest.json", 0o444)
    for folder in (root / "tracks", root / stills.FOLDER):
        if folder.is_dir():
            os.chmod(folder, 0o555)  # noqa: S103 - read-only for all is the point
            _sync_directory(folder)
    _sync_directory(root)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
