"""The first administrator of a new site.

Whoever reaches a new site first must not become its administrator: a code is asked for that only those know who can read
the server's own files. It is made when there is nobody yet who may sign in, and is gone with the first administrator.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.errors import Refused, ValidationFailed
from dispatch.identity.people import add_user
from dispatch.store.tables import User

if TYPE_CHECKING:
    from dispatch.store.database import Database

FILE = "first-run-code"
_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


async def is_due(db: Database) -> bool:
    """Whether there is nobody yet."""
    async with db.reader() as session:
        return await session.scalar(select(User.id).limit(1)) is None


def code(folder: Path) -> str:
    """The set-up code, made now if there is none: three groups of four signs, 60 bits. `folder` is that of the secrets."""
    path = folder / FILE
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(3))
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(made + "\n")
    return path.read_text(encoding="ascii").strip()


async def make_administrator(db: Database, folder: Path, *, given: str, name: str, sign_in_name: str, password: str, language: str) -> User:
    """Make the first administrator. Raises Refused("first_run_over") when there is somebody already, else ValidationFailed
    with every bad field."""
    if not await is_due(db):
        raise Refused("first_run_over")
    if not hmac.compare_digest(given.strip().upper().encode("utf-8", "replace"), code(folder).encode()):
        raise ValidationFailed([("code", "first_run_code", {})])
    user = await add_user(
        db, name=name, sign_in_name=sign_in_name, role="administrator", password=password, language=language, by="first run"
    )
    (folder / FILE).unlink(missing_ok=True)
    return user
