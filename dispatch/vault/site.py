"""The vault of a site, by its settings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rooms.vault.keys import KeyMissing, KeyRing, KeyWrap
from rooms.vault.store import FolderStore, Store
from rooms.vault.vault import Vault

if TYPE_CHECKING:
    from dispatch.settings import Settings


def of(settings: Settings) -> Vault:
    """Nothing is made and nothing asked. Raises SettingsError, KeyMissing where a device is set and cannot be used."""
    return Vault(settings.recordings.resolve(), settings.data.resolve(), settings.run.resolve(), store_of(settings), wrap_of(settings))


def store_of(settings: Settings) -> Store:
    """The store, in which something may lie also where nothing is put away any more. Raises SettingsError."""
    if settings.s3_url:
        from rooms.vault.s3 import S3Store  # its client takes a while to load

        return S3Store(
            settings.s3_url,
            settings.s3_bucket,
            settings.s3_access_key,
            settings.read_s3_secret(),
            region=settings.s3_region,
            path_style=settings.s3_path_style,
            ca=settings.s3_ca,
        )
    return FolderStore(settings.store_folder.resolve())


def wrap_of(settings: Settings) -> KeyWrap:
    """What wraps the keys of recordings. Raises KeyMissing."""
    if not settings.store_keys:
        return ring_of(settings)
    module, _, name = settings.store_keys.partition(":")
    try:
        wrap: KeyWrap = getattr(importlib.import_module(module), name)()
    except Exception as error:  # a driver of somebody else's: whatever it raises is why no key can be unwrapped
        raise KeyMissing(f"{settings.store_keys}: {type(error).__name__}: {error}") from error
    return wrap


def ring_of(settings: Settings) -> KeyRing:
    """The keys of the site in its directory of secrets."""
    return KeyRing(settings.secrets.resolve())
