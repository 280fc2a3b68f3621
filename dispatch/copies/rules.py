"""Who may have a copy of a recording, what has to be said for one, and what becomes of it. Pure.

Nobody edits or deletes an original; copies need approval and carry the receiver's watermark (DOMAIN.md section 5, rule 8).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dispatch.errors import FieldError, Refused, ValidationFailed

CONTENTS = ("package", "film", "span")
FORMS = ("zip", "iso", "folder")
ADMINISTRATOR = "administrator"
LONGEST: Mapping[str, int] = {"receiver": 80, "unit": 120, "purpose": 400, "basis": 200, "originals_reason": 400, "reason": 200}
"""Letters of each text."""
SHORTEST_SPAN_S = 1.0

NEXT: Mapping[tuple[str, str], str] = {
    ("requested", "approve"): "approved",
    ("requested", "refuse"): "refused",
    ("requested", "revoke"): "revoked",
    ("approved", "made"): "ready",
    ("approved", "fail"): "failed",
    ("approved", "revoke"): "revoked",
    ("failed", "again"): "approved",
    ("failed", "revoke"): "revoked",
    ("ready", "revoke"): "revoked",
    ("ready", "expire"): "removed",
}
"""(state, act) → state. What is not here is refused."""
STATES = ("requested", "approved", "ready", "failed", "refused", "revoked", "removed")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `from_s`, `to_s`: seconds from the beginning of the film, of a span alone."""

    content: str
    form: str
    receiver: str
    unit: str
    purpose: str
    basis: str
    originals_reason: str = ""
    from_s: float | None = None
    to_s: float | None = None


def checked(wish: Wish, film_s: float | None) -> Wish:
    """The wish as it is kept. `film_s`: how long the film is, None while there is none.

    Raises ValidationFailed with every field that is not good.
    """
    errors: list[FieldError] = []
    tidied = replace(
        wish,
        receiver=_tidy(wish.receiver),
        unit=_tidy(wish.unit),
        purpose=_tidy(wish.purpose),
        basis=_tidy(wish.basis),
        originals_reason=_tidy(wish.originals_reason),
    )
    for name in ("receiver", "unit", "purpose", "basis"):
        errors += _text(name, getattr(tidied, name))
    if wish.content not in CONTENTS:
        errors.append(("content", "copy_content", {}))
    if wish.form not in FORMS:
        errors.append(("form", "copy_form", {}))
    if wish.content == "package":
        errors += _text("originals_reason", tidied.originals_reason)
    else:
        tidied = replace(tidied, originals_reason="")
        if film_s is None:
            errors.append(("content", "copy_no_film", {}))
    if wish.content == "span":
        errors += _span(wish, film_s)
    else:
        tidied = replace(tidied, from_s=None, to_s=None)
    if errors:
        raise ValidationFailed(errors)
    return tidied


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _text(name: str, text: str) -> list[FieldError]:
    if not text:
        return [(name, "copy_text_missing", {})]
    if len(text) > LONGEST[name]:
        return [(name, "copy_text_long", {"most": LONGEST[name]})]
    return []


def _span(wish: Wish, film_s: float | None) -> list[FieldError]:
    begin, end = wish.from_s, wish.to_s
    if begin is None or not math.isfinite(begin) or begin < 0:
        return [("from_s", "copy_span_time", {})]
    if end is None or not math.isfinite(end):
        return [("to_s", "copy_span_time", {})]
    if end - begin < SHORTEST_SPAN_S:
        return [("to_s", "copy_span_order", {})]
    if film_s is not None and begin >= film_s:
        return [("from_s", "copy_span_beyond", {"length": clock(film_s)})]
    return []


def after(state: str, act: str, *, fetched: bool = False) -> str:
    """The state that `act` brings a copy into. Raises Refused: "copy_fetched" (what is out cannot be taken back), "copy_state"."""
    if act == "revoke" and fetched:
        raise Refused("copy_fetched")
    if (state, act) not in NEXT:
        raise Refused("copy_state")
    return NEXT[state, act]


def may_decide(who: str, role: str, requested_by: str, presides: bool, member: bool) -> bool:
    """Whether somebody may approve or refuse a copy: an administrator, or whoever presides at the sitting. Never the one who asked, and
    never a program: it is a person who answers for it."""
    return member and who != requested_by and (role == ADMINISTRATOR or presides)


def may_revoke(who: str, role: str, requested_by: str, decided_by: str) -> bool:
    """Whether somebody may take back a copy that nobody has fetched."""
    return role == ADMINISTRATOR or who in (requested_by, decided_by)


def may_fetch(who: str, requested_by: str, decided_by: str) -> bool:
    """Whether somebody may fetch a copy that is ready: who asked for it, and who approved it."""
    return bool(who) and who in (requested_by, decided_by)


def is_there(state: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether it can be fetched now."""
    return state == "ready" and expires_at is not None and now < expires_at


def remaining_s(started_at: datetime | None, progress: float, now: datetime) -> float | None:
    """How long the making will go on, by how long it took so far; None while that says nothing."""
    if started_at is None or not 0.02 <= progress < 1:
        return None
    return (now - started_at).total_seconds() * (1 - progress) / progress


def seconds_of(text: str) -> float | None:
    """Seconds of a time as people write it: "75", "1:15", "0:01:15.5"; None where it is none, NaN where it is no time at all."""
    if not text.strip():
        return None
    parts = text.strip().replace("：", ":").split(":")
    if len(parts) > 3 or not all(part.replace(".", "", 1).isdecimal() and part.isascii() for part in parts):
        return math.nan
    total = 0.0
    for part in parts:
        total = total * 60 + float(part)
    return total


def clock(seconds: float) -> str:
    """1:02:41"""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
