"""The keys of the store: the first one made with the site, a new one when the old shall wrap no more, and which of them wrap what."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.store.database import Database
from dispatch.vault import site
from rooms.vault import putting
from rooms.vault.keys import KeyRing
from rooms.vault.vault import Vault

if TYPE_CHECKING:
    from dispatch.settings import Settings

SYSTEM = "system"


class KeysRefused(Exception):
    """It was not done; the text is the one line that says why."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A key of the site: how many recordings' keys it wraps, and whether it is the one that wraps from now on. `there`: whether the site
    still has it."""

    id: str
    wraps: int
    current: bool
    there: bool


async def ensure(db: Database, ring: KeyRing) -> None:
    """A first key, put into the audit log, where there is none. Raises OSError."""
    if made := await asyncio.to_thread(ring.ensure):
        await audit.record(db, SYSTEM, "store_key_made", made)


def listed(vault: Vault, ring: KeyRing) -> list[Listed]:
    """Every key that the site has or that wraps something. Raises StoreUnavailable."""
    wraps = Counter(by for sitting in vault.stored() for by in {found.by for found in vault.kept_keys(sitting)})
    ids = ring.ids
    return [Listed(each, wraps[each], each == ring.current, each in ids) for each in sorted({*ids, *wraps})]


def wrap_anew(vault: Vault, current: str, told: Callable[[int, int], None] = lambda _done, _all: None) -> int:
    """Have the key of every recording wrapped by the `current` key of the site; how many were. What was wrapped so already is left, so that
    it goes on where it broke off. Recordings themselves are not touched. Raises KeyMissing, StoreUnavailable, OSError."""
    count, sittings = 0, vault.stored()
    for done, sitting in enumerate(sittings, 1):
        count += putting.wrap_anew(vault, sitting, current)
        told(done, len(sittings))
    return count


def forget(vault: Vault, ring: KeyRing, key_id: str) -> None:
    """Remove a key that wraps nothing any more. Raises KeysRefused, StoreUnavailable, KeyMissing."""
    found = next((each for each in listed(vault, ring) if each.id == key_id and each.there), None)
    if found is None:
        raise KeysRefused(f"the site has no key {key_id}")
    if found.current:
        raise KeysRefused(f"key {key_id} is the one that wraps; make a new one first: keys rotate")
    if found.wraps:
        raise KeysRefused(f"key {key_id} still wraps the keys of {found.wraps} recordings; keys rotate wraps them anew")
    ring.forget(key_id)


def lines(found: list[Listed]) -> Iterator[str]:
    """For people."""
    for each in found:
        state = "wraps from now on" if each.current else "kept to unwrap" if each.there else "MISSING: its recordings cannot be read"
        yield f"{each.id}  {each.wraps} recordings  {state}"


async def command(settings: Settings, act: str, key: str) -> list[str]:
    """``server.py keys``: what there is to say. Raises KeysRefused, KeyMissing, StoreUnavailable, DatabaseUnavailable, OSError."""
    if settings.store_keys:
        raise KeysRefused(f"the keys of recordings are wrapped by {settings.store_keys}; rotate there")
    vault, ring = site.of(settings), site.ring_of(settings)
    if act == "list":
        return list(lines(listed(vault, ring)))
    db = await Database.open(settings)
    try:
        if act == "forget":
            await asyncio.to_thread(forget, vault, ring, key)
            await audit.record(db, SYSTEM, "store_key_forgotten", key)
            return [f"Key {key} is removed. Backups that were made before need it: keep a copy as long as them."]
        behind = [each for each in listed(vault, ring) if each.wraps and not each.current]
        if not behind:  # else a rotation broke off, and goes on with the key that it made
            await audit.record(db, SYSTEM, "store_key_made", ring.make())
        count = await asyncio.to_thread(wrap_anew, vault, ring.current)
        await audit.record(db, SYSTEM, "store_keys_wrapped", ring.current, detail={"recordings": count})
        return [f"Key {ring.current} wraps from now on; the keys of {count} recordings were wrapped anew."]
    finally:
        await db.close()
