"""How a page and the court are connected: what a browser says of its transports, of what it shows and of what it measures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rooms.media.engine import Source
from rooms.protocol.base import FromBrowser, Id, Message, Sdp


class Hello(FromBrowser):
    """First message. `publish` and `subscribe` name the transports the page still holds from before a reconnection, so
    that media which flowed on is kept; `language` is the page's."""

    type: Literal["hello"] = "hello"
    publish: Id | None = None
    subscribe: Id | None = None
    language: Literal["zh-CN", "en"] = "zh-CN"


class TrackOffered(Message):
    """One m-line of a publish offer."""

    mid: Annotated[str, Field(min_length=1, max_length=16)]
    source: Annotated[Source, Field(strict=False)]


class Publish(FromBrowser):
    """SDP offer of the publish connection; one with another ICE user fragment restarts ICE. Answered by `published`."""

    type: Literal["publish"] = "publish"
    sdp: Sdp
    tracks: Annotated[tuple[TrackOffered, ...], Field(max_length=3, strict=False)]


class Subscribe(FromBrowser):
    """Ask for a fresh subscribe connection or, where `restart` names the transport of the one that is held, for new ICE credentials
    of it: the network changed. Answered by `offer`."""

    type: Literal["subscribe"] = "subscribe"
    restart: Id | None = None


class Answer(FromBrowser):
    """SDP answer to an `offer`."""

    type: Literal["answer"] = "answer"
    transport: Id
    revision: int
    sdp: Sdp


class Shown(Message):
    """One picture on a page and how high it is there, in device pixels; 0: nobody looks at it."""

    endpoint: Id
    source: Annotated[Source, Field(strict=False)]
    height: Annotated[int, Field(ge=0, le=8192)]


class Show(FromBrowser):
    """What the page shows of the pictures of others, in place of what it said before. A picture that it does not name comes at its
    full size."""

    type: Literal["show"] = "show"
    pictures: Annotated[tuple[Shown, ...], Field(max_length=64, strict=False)]


class Direction(Message):
    """One direction between a page and the court since the page's last report. `lost_percent` of all packets, `sound_lost_percent` of
    those of sound; `width` and `height` of its largest picture, `codec` of that ("VP8") or of the sound; `frames_per_s` of its largest
    camera picture; `freezes` and `frozen_ms`: how often and how long pictures stood still; `limited`: why less is sent than was asked
    for; `candidate` the type of the page's end of the path (RFC 8445 section 4), `protocol` how it is carried. "" and 0 where there
    is none, null where it is not measured."""

    lost_percent: Annotated[float, Field(ge=0, le=100, strict=False)]
    sound_lost_percent: Annotated[float, Field(ge=0, le=100, strict=False)] | None = None
    jitter_ms: Annotated[float, Field(ge=0, le=60_000, strict=False)]
    rtt_ms: Annotated[float, Field(ge=0, le=60_000, strict=False)] | None
    bps: Annotated[float, Field(ge=0, le=1e10, strict=False)]
    width: Annotated[int, Field(ge=0, le=8192)] = 0
    height: Annotated[int, Field(ge=0, le=8192)]
    frames_per_s: Annotated[float, Field(ge=0, le=1000, strict=False)] | None
    freezes: Annotated[int, Field(ge=0, le=10_000)]
    frozen_ms: Annotated[float, Field(ge=0, le=60_000, strict=False)] = 0.0
    limited: Literal["", "bandwidth", "cpu", "other"] = ""
    codec: Annotated[str, Field(max_length=16, pattern=r"^[A-Za-z0-9-]*$")]
    candidate: Literal["", "host", "srflx", "prflx", "relay"]
    protocol: Literal["", "udp", "tcp", "tls"]


class Quality(FromBrowser):
    """What the page measures, each 5 s, of its own connections and of nobody else's; kept for chair, clerk and officer, never logged.
    `up`: from the page to the court, `down`: to the page; null while that connection is not there. The other fields are those of
    pages of an earlier version, which may be open while the server is upgraded; they are not used."""

    type: Literal["quality"] = "quality"
    up: Direction | None = None
    down: Direction | None = None
    rtt_ms: float | None = None
    lost_percent: float | None = None
    received_bps: float | None = None
    sent_bps: float | None = None


Link = Hello | Publish | Subscribe | Answer | Show | Quality
