"""What all messages have in common, and how one is refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_MESSAGE_BYTES = 65_536
"""Longest text frame taken from a browser (an SDP of a 12-person conference is below 40 kB)."""

SUBPROTOCOL = "sitting.v1"

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]

Sdp = Annotated[str, Field(min_length=1, max_length=60_000)]

Reason = Annotated[str, Field(max_length=500)]


class CloseCode:
    """WebSocket close codes of this protocol (RFC 6455 section 7.4.2, private range)."""

    MALFORMED = 4400
    """not JSON, not a known message, or out of order (anything before `hello`)"""
    UNAUTHORISED = 4401
    """no valid ticket"""
    FORBIDDEN = 4403
    """the ticket does not open this sitting, or not this stage of it"""
    NOT_FOUND = 4404
    """no such sitting, or it is not open yet"""
    REPLACED = 4409
    """the same participant now sits at another device"""
    REMOVED = 4410
    """removed by the chair, or the link was revoked"""
    CLOSED = 4411
    """the sitting is closed"""
    OVERSIZED = 4413
    SLOW = 4429
    """the browser did not take its messages, or sent too many"""
    RESTARTING = 4503
    """the server goes; come back at once"""


class Message(BaseModel):
    """Base of all messages: frozen, unknown fields refused, and no number that JSON has no word for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class FromBrowser(Message):
    """Base of what a browser sends."""

    ref: int | None = None


class FromServer(Message):
    """Base of what the server sends."""

    number: int = 0


class UserError(Exception):
    """Refused, shown to the person, connection kept. `code` is a word of the catalogue."""

    def __init__(self, code: str, message: str = "", field: str | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.field = field


class ProtocolError(Exception):
    """The browser broke the protocol: closed with `close_code`."""

    def __init__(self, close_code: int, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
