"""What the server says to a browser."""

from __future__ import annotations

from typing import Literal

from rooms.media.engine import Source
from rooms.protocol.base import FromServer, Id, Message
from rooms.protocol.views import View


class IceServer(Message):
    """A TURN server with credentials of this endpoint, as RTCIceServer of the W3C."""

    urls: tuple[str, ...]
    username: str
    credential: str


class Ice(Message):
    """How both connections are to be made: RTCConfiguration's `iceServers` and `iceTransportPolicy`."""

    servers: tuple[IceServer, ...] = ()
    policy: Literal["all", "relay"] = "all"


class Welcome(FromServer):
    """Answer to `hello`. `keep_publish` / `keep_subscribe`: that transport still lives, keep it; otherwise build anew.
    `heartbeat_s`: the server pings; a page that heard nothing for three of them reconnects."""

    type: Literal["welcome"] = "welcome"
    endpoint: Id
    keep_publish: bool
    keep_subscribe: bool
    heartbeat_s: float
    now_us: int
    ice: Ice = Ice()


class State(FromServer):
    """The complete view of this viewer."""

    type: Literal["state"] = "state"
    now_us: int
    view: View


class PublishedAnswer(FromServer):
    """SDP answer to `publish`."""

    type: Literal["published"] = "published"
    transport: Id
    sdp: str


class OfferTrack(Message):
    """A track in an offer."""

    mid: str
    endpoint: Id
    source: str


class SubscribeOffer(FromServer):
    """SDP offer for the subscribe connection. A new `transport` needs a new RTCPeerConnection, a known one renegotiates."""

    type: Literal["offer"] = "offer"
    transport: Id
    revision: int
    sdp: str
    tracks: tuple[OfferTrack, ...]


class Demand(FromServer):
    """What somebody wants of one's own picture now, the record included. `rids`: the simulcast layers (RFC 8853) that are wanted,
    lowest first; none where only one is sent. Not `wanted`: nobody sees it, so that sending it is a waste."""

    type: Literal["demand"] = "demand"
    source: Source
    wanted: bool
    rids: tuple[str, ...]


class Downlink(FromServer):
    """What the path from the court to this browser carries of the pictures on the page: all of them as shown, smaller ones, fewer
    frames, sound alone. `estimate_bps`: what it carries, bit/s."""

    type: Literal["downlink"] = "downlink"
    state: Literal["full", "smaller", "slower", "audio"]
    estimate_bps: int


class Speaker(FromServer):
    """Who speaks now, by what arrives at the court; null: nobody whom this browser may hear. To
    whoever sees the hearing."""

    type: Literal["speaker"] = "speaker"
    endpoint: Id | None


class MediaReset(FromServer):
    """The media worker was replaced: drop both connections, publish and subscribe again."""

    type: Literal["media_reset"] = "media_reset"


class Heartbeat(FromServer):
    """Each `heartbeat_s`, so that a page notices a dead path by itself."""

    type: Literal["heartbeat"] = "heartbeat"
    now_us: int


class Error(FromServer):
    """A refused message; nothing was changed. `code` is a word of the catalogue; `field` where one is to blame."""

    type: Literal["error"] = "error"
    ref: int | None = None
    code: str
    message: str
    field: str | None = None


class Farewell(FromServer):
    """Last message before the server closes: `code` as in CloseCode, `reason` a word of the catalogue, `detail` for people."""

    type: Literal["farewell"] = "farewell"
    code: int
    reason: str
    detail: str = ""


ServerMessage = Welcome | State | PublishedAnswer | SubscribeOffer | Demand | Downlink | Speaker | MediaReset | Heartbeat | Error | Farewell
