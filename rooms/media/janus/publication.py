"""A browser's publish transport in Janus: one handle, one participant ("feed") of the VideoRoom."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rooms.media.engine import EngineError, Source, TrackKey
from rooms.media.forwarding.feed import Feed
from rooms.media.forwarding.sdp import Description, Format

from . import descriptions
from .bridge import HOST, PAYLOAD_TYPE, Forward
from .connection import Connection, Handle, JanusError, Json
from .counts import Counts, jitter_ms, rtt_ms
from .layers import Rates
from .place import Place, refused

NEW, CONNECTED, CLOSED = "new", "connected", "closed"
AUDIO_BPS = 64_000
SCREEN_BPS = 1_500_000
"""What sound may add to the ceiling of the cameras, and what a screen may have: letters have to stay legible."""


@dataclass(slots=True)
class Track:
    """One source on one section. `layers`: the rids of its simulcast, lowest first, or none. `permitted`: as Janus has it; None: not
    told yet. Counters are those of Janus's core."""

    key: TrackKey
    mid: str
    described: Format
    layers: tuple[str, ...] = ()
    permitted: bool | None = None
    forward: Forward | None = None
    stream: int = 0
    counts: Counts = field(default_factory=Counts)
    dropped: int = 0
    key_frames_asked: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)
    rates: Rates = field(init=False)

    def __post_init__(self) -> None:
        self.rates = Rates(len(self.layers))


class Publication:
    """`state`: new → connected → closed. `changed(publication)` is called when Janus says that it is another;
    `talking` with the name of whoever's voice begins (its level, dBov below the loudest) or ends (None)."""

    direction = "publish"

    def __init__(
        self,
        connection: Connection,
        place: Place,
        endpoint: str,
        feed: Feed,
        changed: Callable[[Publication], None],
        talking: Callable[[str, float | None], None],
    ) -> None:
        self.id = secrets.token_hex(8)
        self.name = secrets.token_hex(12)
        self.endpoint = endpoint
        self.state = NEW
        self.rtt_ms: float | None = None
        self.tracks: dict[str, Track] = {}
        self.handle: Handle | None = None
        self._connection = connection
        self._place = place
        self._feed = feed
        self._changed = changed
        self._talking = talking
        self._token = secrets.token_hex(12)
        self._offer: Description | None = None
        self._bitrate = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def continues(self, offer: Description) -> bool:
        """Whether `offer` is of the connection that is here already: renegotiation, or an ICE restart (RFC 8829 section 5.2.2)."""
        former = self._offer
        if former is None or self.state == CLOSED:
            return False
        same = former.session_id == offer.session_id or former.ufrag == offer.ufrag
        return same and former.fingerprints == offer.fingerprints

    async def accept(self, offer: Description, text: str, tracks: Mapping[str, tuple[Source, Format]]) -> str:
        """Take a checked offer, first or later; returns Janus's answer. Nothing passes until :meth:`permit`."""
        sdp = ("offer", descriptions.for_janus(text))
        video = next((described for _, described in tracks.values() if described.codec.kind == "video"), None)
        prefer = {"videocodec": video.codec.name.lower()} if video is not None else {}
        try:
            if self.handle is None:
                self.handle = await self._connection.attach(self._event)
                await self._place.ask("allowed", action="add", allowed=[self._token])
                joining = {"room": self._place.room, "ptype": "publisher", "id": self.name, "pin": self._place.pin, "token": self._token}
                reply = await self.handle.ask("joinandconfigure", sdp, **joining, **prefer)
            else:
                reply = await self.handle.ask("configure", sdp)
        except JanusError as error:
            raise refused(error, "bad_sdp") from None
        if not reply.sdp:
            raise EngineError("bad_sdp", "Janus has no answer to this offer")
        self._offer = offer
        self._take(tracks, descriptions.layers(text))
        return descriptions.turned(reply.sdp)

    def _take(self, tracks: Mapping[str, tuple[Source, Format]], layers: Mapping[str, tuple[str, ...]]) -> None:
        former, self.tracks = self.tracks, {}
        for mid, (source, described) in tracks.items():
            key, known = TrackKey(self.endpoint, source), former.get(mid)
            sent = layers.get(mid, ())
            if known is not None and (known.key, known.described, known.layers) == (key, described, sent):
                self.tracks[mid] = known
                known.permitted = None  # Janus may have made the stream anew: it is told again
            else:
                self.tracks[mid] = Track(key, mid, described, sent)
        for mid, track in former.items():
            if self.tracks.get(mid) is not track and track.forward is not None:
                track.forward.close("closed")

    def hold_back(self, track: Track) -> None:
        """Let nothing more of a track come to the recorder, whatever Janus still forwards: before Janus is asked for anything."""
        if track.forward is not None:
            track.forward.permit(False)

    async def permit(self, track: Track, permitted: bool) -> None:
        """Let Janus pass a track on, or not: moderation, which the browser cannot undo. Idempotent; raises EngineError."""
        if not permitted:
            self.hold_back(track)
        if track.permitted is permitted:
            self._open(track)
            return
        try:
            await self._place.ask("moderate", id=self.name, mid=track.mid, mute=not permitted)
        except JanusError as error:
            raise refused(error) from None
        track.permitted = permitted
        self._open(track)

    def _open(self, track: Track) -> None:
        if track.permitted and track.forward is not None:
            track.forward.permit(True)

    async def record(self, track: Track, wanted: bool) -> None:
        """Have Janus forward a track to the bridge, or end that. Idempotent; raises EngineError."""
        if wanted == (track.forward is not None):
            return
        if not wanted:
            await self._end_forward(track)
            return
        forward = Forward(self._feed, self._place.sitting, track.key, track.described.codec, lambda: self.ask_key_frame(track))
        stream = {"mid": track.mid, "port": forward.port, "ssrc": forward.ssrc, "pt": PAYLOAD_TYPE, "simulcast": bool(track.layers)}
        forward.permit(track.permitted is True)
        try:
            reply = await self._place.ask(
                "rtp_forward", publisher_id=self.name, host=HOST, streams=[stream], admin_key=self._place.admin_key
            )
            track.stream = int(reply.data["forwarders"][0]["stream_id"])
        except (JanusError, LookupError) as error:
            forward.close()
            raise refused(error) from None
        track.forward = forward

    async def _end_forward(self, track: Track) -> None:
        forward, track.forward = track.forward, None
        if forward is None:
            return
        forward.permit(False)
        forward.close()
        with contextlib.suppress(JanusError):  # gone with its publisher
            await self._place.ask("stop_rtp_forward", publisher_id=self.name, stream_id=track.stream, admin_key=self._place.admin_key)

    async def limit(self, video_ceiling_bps: int) -> None:
        """The ceiling that Janus reports to the browser (REMB) for all its pictures together."""
        video = [track.key.source for track in self.tracks.values() if track.described.codec.kind == "video"]
        bitrate = AUDIO_BPS + sum(SCREEN_BPS if source is Source.SCREEN else video_ceiling_bps for source in video)
        if video and bitrate != self._bitrate and self.handle is not None:
            try:
                await self.handle.ask("configure", bitrate=bitrate)
            except JanusError as error:
                raise refused(error) from None
            self._bitrate = bitrate

    def ask_key_frame(self, track: Track) -> None:
        """Have Janus ask the browser for a key frame of its pictures (PLI)."""
        track.key_frames_asked += 1
        self._later(self._configure_key_frame())

    async def _configure_key_frame(self) -> None:
        if self.handle is not None and self.state == CONNECTED:
            with contextlib.suppress(JanusError):  # it is asked for again
                await self.handle.ask("configure", keyframe=True)

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _event(self, event: Json) -> None:
        data = event.get("plugindata", {}).get("data", {})
        if data.get("videoroom") in ("talking", "stopped-talking"):
            level = float(data["audio-level-dBov-avg"]) if data["videoroom"] == "talking" else None
            self._talking(str(data["id"]), level)
            return
        if event["janus"] == "webrtcup" and self.state == NEW:
            self.state = CONNECTED
        elif event["janus"] in ("hangup", "detached") and self.state != CLOSED:
            self.state = CLOSED
        else:
            return
        self._changed(self)

    async def close(self) -> None:
        """Nothing of it reaches anybody when this returns. May be called twice."""
        self.state = CLOSED
        for track in self.tracks.values():
            if track.forward is not None:
                track.forward.close("closed")
                track.forward = None
        handle, self.handle = self.handle, None
        if handle is None:
            return
        with contextlib.suppress(JanusError):
            await self._place.ask("kick", id=self.name)
        with contextlib.suppress(JanusError):
            await self._place.ask("allowed", action="remove", allowed=[self._token])
        await handle.detach()
        for task in self._tasks:
            task.cancel()

    # -- what Janus counts

    def counted(self, info: Mapping[str, Any], now_s: float) -> None:
        """Take what Janus's core says of the handle just now (admin API, handle_info)."""
        for mid, media in info.get("webrtc", {}).get("media", {}).items():
            track = self.tracks.get(mid)
            if track is None:
                continue
            former = track.counts.packets
            track.counts.received(media, now_s)
            track.rates.received(media, now_s)
            if track.permitted is False:
                track.dropped += max(0, track.counts.packets - former)
            track.figures = media
        self.rtt_ms = max((rtt for track in self.tracks.values() if (rtt := rtt_ms(track.figures))), default=None)

    def report(self, forwarded: Mapping[tuple[str, str], int]) -> dict[str, Any]:
        """In the shape of the embedded engine's; `forwarded`: packets that went to viewers, by feed and mid."""
        producers = {str(t.key.source): self._producer(t, forwarded.get((self.name, t.mid), 0)) for t in self.tracks.values()}
        return {"transport": self.id, "state": self.state, "rtt_ms": self.rtt_ms, "producers": producers}

    def _producer(self, track: Track, forwarded: int) -> dict[str, Any]:
        forward, counts = track.forward, track.counts
        return {
            "codec": track.described.codec.name,
            "packets": counts.packets,
            "bytes": counts.octets,
            "lost": counts.lost,
            "repaired": counts.repaired,
            "fraction_lost": counts.fraction_lost,
            "jitter_ms": jitter_ms(track.figures),
            "bitrate_bps": counts.bitrate_bps,
            "nacks": int(track.figures.get("stats", {}).get("out", {}).get("nacks", 0)),
            "plis": track.key_frames_asked,
            "forwarded": forwarded,
            "recorded": forward.recorded if forward is not None else 0,
            "fed": forward.fed if forward is not None else None,
            "dropped_not_permitted": track.dropped + (forward.dropped["not_permitted"] if forward is not None else 0),
            "last_arrival_us": 0,
        }
