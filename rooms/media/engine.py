"""The engine interface: plain data in and out, so that an engine can live in a process of its own.

The server states what it *desires* (a :class:`Routing` per conference, complete each time, idempotent) and the engine
reports what *is* (:class:`EngineReport`, :class:`EngineEvent`). Requests carry the conference's epoch; an engine
refuses (`EngineError` code "stale_epoch") one lower than the highest it has seen for that router.

Two transports per endpoint (W3C RTCPeerConnection each): *publish*, where the browser offers, and *subscribe*, where
the engine offers. The engine is ICE-lite (RFC 8445 section 2.4) and always the DTLS server (RFC 5763).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


def mapping(value: Any) -> Mapping[str, Any]:
    """`value`, which has to be a JSON object; raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} where an object is expected")
    return value


class Source(StrEnum):
    """What an endpoint publishes. One track a source."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"

    #: Equal to its text, and as quick to find by: what an enum has of its own is Python.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True, order=True)
class TrackKey:
    """One source of one endpoint: the name of a track for everybody outside the engine."""

    endpoint: str
    source: Source


@dataclass(frozen=True, slots=True)
class Routing:
    """All that the router of one conference may do. What is not named here does not flow.

    * `publish`: endpoint → sources whose packets pass. A source that is missing (muted, no right in this stage) is
      dropped on arrival and counted, whatever the browser sends. An endpoint that is no key here loses its transports.
    * `watch`: endpoint → tracks it may receive. A track not yet published is connected when it appears.
    * `record`: tracks fed to the recorder, before any viewer gets them.
    * `video_ceiling_bps`: REMB ceiling announced to each publisher, bit/s, per video track.
    * `floor`: endpoints whose pictures come first when a connection cannot carry all (who has the floor, who presides). Screens
      come before every camera, sound before every picture, whatever is named here.
    * `continuous`: endpoints whose sound is sent through its pauses too, whatever the engine's setting for others is.
    * `private`: while the server is away nothing new is connected and nothing is ever fed to the recorder.
    """

    publish: Mapping[str, frozenset[Source]] = field(default_factory=dict)
    watch: Mapping[str, frozenset[TrackKey]] = field(default_factory=dict)
    record: frozenset[TrackKey] = frozenset()
    video_ceiling_bps: int = 1_500_000
    private: bool = False
    floor: frozenset[str] = frozenset()
    continuous: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The shape on the wire: sorted lists, `[endpoint, source]` for a track."""
        return {
            "publish": {e: sorted(s) for e, s in sorted(self.publish.items())},
            "watch": {e: _listed(ts) for e, ts in sorted(self.watch.items())},
            "record": _listed(self.record),
            "video_ceiling_bps": self.video_ceiling_bps,
            "private": self.private,
            "floor": sorted(self.floor),
            "continuous": sorted(self.continuous),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Routing:
        """Inverse of :meth:`to_json`; raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            publish={e: frozenset(Source(s) for s in ss) for e, ss in mapping(data["publish"]).items()},
            watch={e: frozenset(TrackKey(a, Source(b)) for a, b in ts) for e, ts in mapping(data["watch"]).items()},
            record=frozenset(TrackKey(a, Source(b)) for a, b in data["record"]),
            video_ceiling_bps=int(data["video_ceiling_bps"]),
            private=bool(data["private"]),
            floor=frozenset(str(e) for e in data.get("floor", ())),  # a server of before does not name it
            continuous=frozenset(str(e) for e in data.get("continuous", ())),
        )


def _listed(tracks: Iterable[TrackKey]) -> list[tuple[str, str]]:
    """In their order; as pairs, which are sorted in a tenth of the time that their keys take."""
    return sorted((track.endpoint, track.source) for track in tracks)


@dataclass(frozen=True, slots=True)
class Published:
    """Answer to a publish offer: the transport's id (new for each RTCPeerConnection) and the SDP answer."""

    transport: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An SDP offer of the engine for an endpoint's subscribe transport.

    `revision` counts the offers of one transport from 1; only an answer to the newest is taken. `tracks` maps each
    active mid to the track it carries: ``[{"mid": "0", "endpoint": "...", "source": "camera"}]``.
    """

    transport: str
    revision: int
    sdp: str
    tracks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """What the engine noticed. `name` is one of:

    * ``up`` (fields: instance): connected to an engine process, or routers were given another place: ask :meth:`Engine.place`
      again. A new `instance` has no routers yet.
    * ``lost``: the connection to an engine process broke; media of its routers may flow on for up to 30 s. Ask again likewise.
    * ``draining`` (on: bool): the engine process is to take no new router, or takes them again.
    * ``offer`` (router, endpoint, offer: Offer): the set of tracks changed, the endpoint has to answer.
    * ``producer`` (router, endpoint, source, state "open" | "closed")
    * ``transport`` (router, endpoint, transport, direction "publish" | "subscribe", state "connected" | "stale" |
      "closed"): stale is 10 s without an authenticated STUN check (RFC 7675).
    * ``demand`` (router, endpoint, source, wanted: bool, rids: list of str): what somebody wants of this publisher's picture
      just now, recorder included. `rids`: the simulcast layers (RFC 8853) wanted, lowest first, empty where it sends only one;
      not `wanted`: nobody sees it, and its browser may pause it. Told when it changes, and after each ``producer`` "open".
    * ``speaker`` (router, endpoint): who speaks (RFC 6464 levels, smoothed); endpoint "": nobody.
    * ``downlink`` (router, endpoint, state "full" | "smaller" | "slower" | "audio", estimate_bps: int): what the path to this
      endpoint carries of the pictures it may watch: all as shown, smaller ones, fewer frames, none.
    """

    name: str
    router: str = ""
    endpoint: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


class EngineError(Exception):
    """A refused or failed request. Codes: stale_epoch, unknown_router, unknown_endpoint, unknown_transport, bad_sdp,
    unsupported_codec, stale_revision, lost, timeout, malformed, failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Engine(Protocol):
    """What a conference needs of an engine. `router` is the sitting's id, `endpoint` an id made by the server."""

    @property
    def connected(self) -> bool:
        """Whether an engine process is there that can be asked."""

    def place(self, router: str) -> str:
        """The `instance` of the engine process that has this router, or will have it; "" while there is none that can be asked. It
        stays the same until that process is given up; another one knows nothing of the router, and its browsers begin anew."""

    async def apply(self, router: str, epoch: int, routing: Routing) -> None:
        """Make `routing` the desired state; the router is made if it is new. Takes effect before it returns."""

    async def publish(self, router: str, epoch: int, endpoint: str, sdp: str, sources: Mapping[str, Source]) -> Published:
        """Take a browser's publish offer (`sources`: mid → source). Same ICE user fragment: renegotiation; another in the same ``o=``
        session under the same certificate: ICE restart; otherwise a new transport, which replaces the old one."""

    async def subscribe(self, router: str, epoch: int, endpoint: str) -> Offer:
        """Make a fresh subscribe transport (replacing the old one) and offer all it may watch now."""

    async def answer(self, router: str, epoch: int, endpoint: str, transport: str, revision: int, sdp: str) -> None:
        """Take the browser's answer to an :class:`Offer`."""

    async def restart(self, router: str, epoch: int, endpoint: str, transport: str) -> Offer:
        """Offer the subscribe transport again with new ICE credentials (RFC 8445 section 9): the endpoint's network changed. DTLS,
        SRTP and numbers go on. A publish transport restarts by a publish offer of the same RTCPeerConnection (same ``o=`` session
        id, RFC 8829 section 5.2.2) with another user fragment; its answer has new credentials, its id stays."""

    async def show(self, router: str, epoch: int, endpoint: str, heights: Mapping[TrackKey, int]) -> None:
        """How high, in device pixels, the endpoint shows each picture just now; 0: not at all. A picture that is not named is taken
        at its full size. Replaces what was said before."""

    async def close_router(self, router: str, epoch: int) -> None:
        """End every transport of the conference. Idempotent."""

    async def report(self) -> Mapping[str, Any]:
        """The reported state and counters, see docs/protocol.md, "Engine report"."""

    def on_event(self, listener: Callable[[EngineEvent], None]) -> None:
        """Call `listener` for every event, in order, on the loop of the server."""

    async def close(self) -> None:
        """Leave the engine process alone and disconnect."""
