"""With what this site seals its recordings: a key of its own authority's, one that was set, or a device."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dispatch.operations import authority
from rooms.recording.signer import Signer, SignerUnusable, load

if TYPE_CHECKING:
    from dispatch.settings import Settings


@dataclass(frozen=True, slots=True)
class Seal:
    """Files of key and chain, either None where a device needs none, and the device's factory or ""."""

    key: Path | None
    chain: Path | None
    factory: str = ""

    @property
    def arguments(self) -> list[str]:
        """For the command line of the recorder."""
        named = (("--seal-key", self.key), ("--seal-chain", self.chain), ("--seal-signer", self.factory))
        return [word for option, value in named if value for word in (option, str(value))]

    def load(self) -> Signer | None:
        """Raises SignerUnusable."""
        return load(self.key, self.chain, self.factory)


def of(settings: Settings) -> Seal:
    """By the settings; nothing is made."""
    if settings.seal_signer or settings.seal_key is not None:
        absolute = [path.absolute() if path is not None else None for path in (settings.seal_key, settings.seal_chain)]
        return Seal(absolute[0], absolute[1], settings.seal_signer)
    folder = settings.secrets.resolve()
    return Seal(folder / "seal.key", folder / "seal.crt")


def is_own(settings: Settings) -> bool:
    """Whether the key is one of our own authority."""
    return settings.seal_key is None and not settings.seal_signer


def ensure(settings: Settings, now: datetime) -> str:
    """Make a key where the site has set none, or where ours is about to expire: "seal", else "". Raises SignerUnusable."""
    if not is_own(settings):
        return ""
    address = settings.lan or urlsplit(settings.public_url).hostname or "localhost"
    try:
        return authority.certify_seal(settings.secrets, address, settings.court, now)
    except authority.AuthorityUnusable as error:
        raise SignerUnusable(str(error)) from None
