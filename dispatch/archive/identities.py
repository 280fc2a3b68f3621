"""How identities were established in a sitting: who looked at whose face and document, what he found, and the still of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dispatch.console.event_words import EventWords
from dispatch.console.situation import Words, word

if TYPE_CHECKING:
    from rooms.log import Row

STILLS = ("face", "document")


@dataclass(frozen=True, slots=True)
class Look:
    """One look at face and document, in words. `stills`: "face" or "document" and the SHA-256 of its still,
    those that there are."""

    name: str
    confirmed: bool
    result: str
    at: datetime
    by: str
    note: str
    stills: tuple[tuple[str, str], ...]


def looks(rows: Iterable[Row], _: Words) -> Iterator[Look]:
    """Every look that the log states, in its order, in the language of `_`."""
    words = EventWords(_)
    for row in rows:
        words.line(row)  # learns who is who
        if row.type == "identified":
            data = row.data
            yield Look(
                words.name(str(data["participant"])),
                data["result"] == "confirmed",
                word("result", str(data["result"]), _),
                datetime.fromtimestamp(row.at_us / 1e6, UTC),
                words.by(data["by"]),
                str(data["note"]),
                tuple((which, str(data[which])) for which in STILLS if data[which]),
            )
