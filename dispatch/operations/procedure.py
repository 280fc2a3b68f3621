"""``server.py procedure``: by which version of its procedure each kind of sitting is held, and another version adopted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.errors import ValidationFailed
from dispatch.operations.acts import operator
from dispatch.sittings import procedures
from dispatch.store.database import Database
from dispatch.store.tables import utc_now
from rooms.procedure import PROCEDURES, SHIPPED, Procedure

if TYPE_CHECKING:
    from dispatch.settings import Settings

Say = Callable[[str], None]


_UNREADABLE = "[this program cannot read it: adopt another version / 本程序无法读取，请启用另一版本]"


class NotAdopted(Exception):
    """The version is no good, and why: a line for each bad line of the file."""


async def tell(settings: Settings, language: str, say: Say) -> None:
    """A line for each kind: the version it is held by, its name and source, and since when; then what else could be adopted."""
    db = await Database.open(settings)
    try:
        for kind in PROCEDURES:
            row, held = await procedures.adopted(db, kind), await procedures.in_force(db, kind)
            since = f"{row.by}, {db.site.clock(row.at)}" if row is not None else "-"
            about = f"{_name(held.procedure, language)}  ({held.procedure.source})" if held.procedure is not None else _UNREADABLE
            say(f"{kind}/{held.version}  {about}  {since}")
            for each in SHIPPED.values():
                if each.kind == kind and each.version != held.version:
                    say(f"  {kind}/{each.version}  {_name(each, language)}")
    finally:
        await db.close()


async def adopt(settings: Settings, wanted: str, language: str, words: Callable[[str], str], say: Say) -> None:
    """Hold a kind by the version that `wanted` names from the next sitting on: "kind/version" of one that comes with the program, or a
    file. Audited under the operator's name. `words` gives the text of a word of the catalogue in that language. Raises NotAdopted."""
    kind, _, version = wanted.partition("/")
    shipped = SHIPPED.get((kind, version))
    try:
        text = shipped.text if shipped is not None else Path(wanted).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotAdopted(f"{wanted}: {error}") from None
    db = await Database.open(settings)
    try:
        found = await procedures.adopt(db, text, operator(), utc_now(), address=socket.gethostname())
    except ValidationFailed as refused:
        raise NotAdopted("\n".join(words(f"error.{code}").format(**data) for _, code, data in refused.errors)) from None
    finally:
        await db.close()
    if found.procedure is not None:
        say(f"{found.kind}/{found.version}  {_name(found.procedure, language)}")


def _name(procedure: Procedure, language: str) -> str:
    return procedure.names[language]
