"""Random secrets that a browser holds and we know only by their hash: sessions, links, resume secrets, device tokens."""

from __future__ import annotations

import hashlib
import re
import secrets

TOKEN_BYTES = 32
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """256 random bits, 43 URL-safe characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What the database keeps. No salt: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def is_token(text: str) -> bool:
    """Whether `text` has the shape of a token; anything else need not be looked up."""
    return _SHAPE.fullmatch(text) is not None
