"""Whether recordings can be put away: the store takes an object and gives it back, and there is a key that wraps."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dispatch.operations.findings import Finding, mend, note, ok
from dispatch.settings import SettingsError
from dispatch.vault import site
from rooms.vault.store import StoreUnavailable

if TYPE_CHECKING:
    from dispatch.settings import Settings


def store(settings: Settings) -> Iterator[Finding]:
    """The store, and the key."""
    if not settings.put_away:
        yield note("store", "off")
        return
    if settings.s3_url or settings.store_folder.exists():
        yield _tried(settings)
    else:
        yield ok("store", "absent", at=settings.store_folder.absolute())
    wrap = site.wrap_of(settings)
    try:
        if not wrap.current:
            yield note("store", "keyless")
            return
        key = os.urandom(32)
        same = wrap.unwrap(wrap.wrap("check", key)) == key
    except OSError as error:
        yield mend("store", "unwrapping", why=error)
        return
    yield ok("store", "key", key=wrap.current) if same else mend("store", "unwrapping", why=wrap.current)


def _tried(settings: Settings) -> Finding:
    """An object of a few bytes goes in, comes back, and is removed."""
    name, content = f"check/{secrets.token_hex(8)}", os.urandom(64)
    try:
        found = site.store_of(settings)
        found.put(name, content)
        same = found.get(name) == content
        found.delete(name)
    except (StoreUnavailable, SettingsError, OSError) as error:
        return mend("store", "unavailable", why=error)
    return ok("store", "well", at=found) if same else mend("store", "unavailable", why=found)
