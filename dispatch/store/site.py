"""What is true of the whole installation and needed inside operations: its time zone, its limits, its key for links."""

from __future__ import annotations

import base64
import errno
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from dispatch.settings import Settings

_NONCE_BYTES = 12


class Sealer:
    """Seals short secrets for the database (AES-256-GCM), so that a copy of the database alone opens no link."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, owner: str) -> str:
        """`text` sealed for `owner` (an id): it opens for that owner only."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), owner.encode())).decode()

    def open(self, sealed: str, owner: str) -> str:
        """Inverse of :meth:`seal`. Raises cryptography's InvalidTag where the key, the owner or the text is another."""
        raw = base64.urlsafe_b64decode(sealed)
        return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode()).decode()


def key_file(path: Path, size: int = 32) -> bytes:
    """The key in `path`, made at the first call (0600, in a directory of 0700). Raises OSError, also where what is there is no key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Written aside and linked into place: two processes that start together end up with one key, and never with half of one.
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(size))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_bytes()
    if len(key) != size:
        raise OSError(errno.EINVAL, f"{path.name} is no key: {len(key)} bytes instead of {size}")
    return key


def _throw_away_sealer() -> Sealer:
    return Sealer(os.urandom(32))


@dataclass(frozen=True, slots=True)
class Site:
    """Defaults are those of :class:`dispatch.settings.Settings`; the key is thrown away with the object unless one is given."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    court: str = "京州市云河区人民法院"
    session_life: timedelta = timedelta(hours=12)
    lockout_failures: int = 5
    lockout: timedelta = timedelta(minutes=30)
    link_life: timedelta = timedelta(hours=24)
    """how long after the planned end of a sitting its links still open"""
    device_code_life: timedelta = timedelta(minutes=60)
    mail: bool = False
    """whether people are told by e-mail"""
    sms: bool = False
    """whether they are told by text message"""
    reminders: tuple[timedelta, ...] = (timedelta(hours=48), timedelta(hours=1))
    """how long before the start of a sitting its people are reminded"""
    sealer: Sealer = field(default_factory=_throw_away_sealer, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Site:
        """The installation that `settings` describe; makes its key for links at the first start. Raises OSError."""
        return cls(
            zone=settings.zone,
            court=settings.court,
            session_life=timedelta(hours=settings.session_hours),
            lockout_failures=settings.lockout_failures,
            lockout=timedelta(minutes=settings.lockout_minutes),
            link_life=timedelta(hours=settings.link_hours),
            device_code_life=timedelta(minutes=settings.device_code_minutes),
            mail=bool(settings.smtp_host),
            sms=bool(settings.sms_url),
            reminders=settings.reminders,
            sealer=Sealer(key_file(settings.secrets / "links.key")),
        )

    def clock(self, at: datetime, beside: datetime | None = None) -> str:
        """`at` in the court's zone as people read it: "09:30", with the date where it is another day than `beside`'s."""
        local = at.astimezone(self.zone)
        same_day = beside is not None and beside.astimezone(self.zone).date() == local.date()
        return f"{local:%H:%M}" if same_day else f"{local:%Y-%m-%d %H:%M}"
