"""A browser's subscribe transport in Janus: one multistream subscriber handle, its offers and what it carries."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from rooms.media.engine import EngineError, Offer, TrackKey
from rooms.media.forwarding import sdp
from rooms.media.forwarding.choice import Choice

from . import descriptions
from .connection import Connection, Handle, JanusError, Json
from .counts import Counts, links, rtt_ms
from .downlink import Downlink, Stream
from .place import Place, refused
from .publication import CLOSED, CONNECTED, NEW

HIGHEST, EVERY_FRAME = 2, 2
"""The substream and the temporal layer that Janus sends as long as it is told nothing."""
BASE, BOTH = 0, 1
"""The temporal layers of a picture that is sent with fewer frames, and after that: the pages send two (L1T2), and Janus goes up to a
temporal layer only when it sees a packet of it."""
_NOTHING = Counts()
FeedMid = tuple[str, str]
"""A published stream: the participant's id in the room and its mid."""


class Subscription:
    """`state`: new → connected → closed. `changed` is called when Janus says that it is another, `offered` with each offer that is
    the answer to no request. `name_of` says which track a published stream is."""

    direction = "subscribe"

    def __init__(
        self,
        connection: Connection,
        place: Place,
        endpoint: str,
        name_of: Callable[[FeedMid], TrackKey | None],
        changed: Callable[[Subscription], None],
        offered: Callable[[Subscription, Offer], None],
    ) -> None:
        self.id = secrets.token_hex(8)
        self.endpoint = endpoint
        self.state = NEW
        self.handle: Handle | None = None
        self.pending: Offer | None = None
        self.carried: dict[str, FeedMid] = {}
        self._connection = connection
        self._place = place
        self._name_of = name_of
        self._changed = changed
        self._offered = offered
        self._mids: tuple[str, ...] = ()
        self._revision = 0
        self._names: dict[str, TrackKey] = {}
        self._refused: frozenset[str] = frozenset()
        self._figures: Mapping[str, Any] = {}
        self._counts: dict[str, Counts] = {}
        self._told: dict[str, tuple[bool, int, int]] = {}
        self.downlink = Downlink()
        self._awaited: dict[str, int] = {}

    async def open(self, wanted: Mapping[TrackKey, FeedMid]) -> Offer:
        """Join the room and offer what is wanted; raises EngineError."""
        streams = [{"feed": feed, "mid": mid} for feed, mid in wanted.values()] or [{"feed": self._place.placeholder}]
        try:
            self.handle = await self._connection.attach(self._event)
            reply = await self.handle.ask("join", room=self._place.room, ptype="subscriber", pin=self._place.pin, streams=streams)
        except JanusError as error:
            raise refused(error) from None
        return self._offer(reply.data, reply.sdp)

    def _offer(self, data: Mapping[str, Any], text: str) -> Offer:
        self._take(data)
        self._mids = tuple(str(stream["mid"]) for stream in data["streams"])
        self._names = {mid: key for mid, at in self.carried.items() if (key := self._name_of(at)) is not None}
        self._revision += 1
        tracks = tuple({"mid": mid, "endpoint": key.endpoint, "source": str(key.source)} for mid, key in self._names.items())
        self.pending = Offer(self.id, self._revision, descriptions.without_placeholders(text, self._names), tracks)
        return self.pending

    def _take(self, data: Mapping[str, Any]) -> None:
        active = [s for s in data["streams"] if s.get("active") and s.get("feed_id") not in (None, self._place.placeholder)]
        former, self.carried = self.carried, {str(s["mid"]): (str(s["feed_id"]), str(s["feed_mid"])) for s in active}
        self._told = {mid: told for mid, told in self._told.items() if self.carried.get(mid) == former.get(mid)}

    # -- what shall be received

    async def drop(self, wanted: Mapping[TrackKey, FeedMid]) -> None:
        """Carry no more what is not wanted: Janus has stopped sending it when this returns. Raises EngineError."""
        lost = [mid for mid, at in self.carried.items() if at not in wanted.values()]
        if lost:
            await self._update(unsubscribe=[{"sub_mid": mid} for mid in lost])
            self.carried = {mid: at for mid, at in self.carried.items() if mid not in lost}
            self._told = {mid: told for mid, told in self._told.items() if mid in self.carried}

    async def add(self, wanted: Mapping[TrackKey, FeedMid]) -> None:
        """Carry what is wanted and not carried yet; while an offer waits for its answer, that is put off. Raises EngineError."""
        carried = set(self.carried.values())
        gained = [{"feed": feed, "mid": mid} for feed, mid in wanted.values() if (feed, mid) not in carried]
        if gained and self.pending is None and self.state != CLOSED:
            await self._update(subscribe=gained)

    async def _update(self, **changes: Any) -> None:
        if self.handle is None or self.state == CLOSED:
            return
        try:
            reply = await self.handle.ask("update", **changes)
        except JanusError as error:
            raise refused(error) from None
        if reply.sdp:
            self._offered(self, self._offer(reply.data, reply.sdp))

    def held(self, at: FeedMid) -> int:
        """The layer in which Janus was told to send a picture, −1 for not at all."""
        for mid, carried in self.carried.items():
            if carried == at:
                sends, level, _ = self._told.get(mid, (True, HIGHEST, EVERY_FRAME))
                return level if sends else -1
        return -1

    async def show(self, choices: Mapping[FeedMid, Choice]) -> None:
        """Have Janus send each picture in the simulcast layer that was chosen, or not at all: no offer follows. Idempotent; raises
        EngineError."""
        for mid, at in self.carried.items():
            if at not in choices or self.handle is None:
                continue
            choice = choices[at]
            former = self._told.get(mid, (True, HIGHEST, EVERY_FRAME))
            frames = BASE if choice.slower else BOTH if former[2] == BASE else former[2]
            wanted = (True, choice.level, frames) if choice.level >= 0 else (False, *former[1:])
            if wanted != former:
                try:
                    await self.handle.ask("configure", mid=mid, send=wanted[0], substream=wanted[1], temporal=wanted[2])
                except JanusError as error:
                    raise refused(error) from None
                self._told[mid] = wanted
                if wanted[:2] != former[:2]:
                    self._awaited[mid] = wanted[1]

    def awaiting(self) -> list[FeedMid]:
        """The simulcast pictures that do not come in the layer that was asked for yet: it begins with a key frame."""
        return [self.carried[mid] for mid in self._awaited if mid in self.carried]

    # -- descriptions

    async def answer(self, revision: int, text: str) -> None:
        """The browser's answer to the newest offer; raises EngineError and changes nothing if it cannot be taken."""
        pending, handle = self.pending, self.handle
        if handle is None or self.state == CLOSED:
            raise EngineError("unknown_transport", f"{self.endpoint}'s subscribe transport has ended")
        if pending is None or pending.revision != revision:
            raise EngineError("stale_revision", f"offer {revision} is not the one that waits for an answer")
        try:
            answer = descriptions.answered(text, self._mids)
        except sdp.SdpError as error:
            raise EngineError(error.code, str(error)) from None
        self.pending = None
        try:
            reply = await handle.ask("start", ("answer", descriptions.for_janus(text)))
        except JanusError as error:
            self.pending = self.pending or pending
            raise refused(error, "bad_sdp") from None
        refused_mids = frozenset(section.mid for section in answer.sections if not section.receives)
        self._refused = refused_mids & self._names.keys()
        if reply.sdp:
            self._offered(self, self._offer(reply.data, reply.sdp))

    async def restart(self) -> Offer:
        """Offer again with new ICE credentials. Janus does not while an offer waits for its answer: EngineError unknown_transport, and
        the browser builds a new connection."""
        if self.handle is None or self.pending is not None:
            raise EngineError("unknown_transport", "Janus restarts no ICE while an offer waits for its answer")
        try:
            reply = await self.handle.ask("configure", restart=True)
        except JanusError as error:
            raise refused(error) from None
        if not reply.sdp:
            raise EngineError("unknown_transport", "Janus put the ICE restart off")
        data = reply.data if "streams" in reply.data else {"streams": self._streams()}
        return self._offer(data, reply.sdp)

    def _streams(self) -> list[dict[str, Any]]:
        found = []
        for mid in self._mids:
            feed, feed_mid = self.carried.get(mid, (None, None))
            found.append({"mid": mid, "active": feed is not None, "feed_id": feed, "feed_mid": feed_mid})
        return found

    # -- what Janus says by itself

    def _event(self, event: Json) -> None:
        data = event.get("plugindata", {}).get("data", {})
        if data.get("videoroom") == "updated" and event.get("jsep"):
            self._offered(self, self._offer(data, str(event["jsep"]["sdp"])))
        elif "substream" in data and self._awaited.get(str(data.get("mid"))) == data["substream"]:
            del self._awaited[str(data["mid"])]
        elif event["janus"] == "webrtcup" and self.state == NEW:
            self.state = CONNECTED
            self._changed(self)
        elif event["janus"] in ("hangup", "detached") and self.state != CLOSED:
            self.state = CLOSED
            self._changed(self)

    async def close(self) -> None:
        """Nothing is sent to the browser any more when this returns. May be called twice."""
        self.state, self.pending, self.carried = CLOSED, None, {}
        handle, self.handle = self.handle, None
        if handle is not None:
            await handle.detach()

    # -- what Janus counts

    def counted(self, info: Mapping[str, Any], now_s: float) -> None:
        """Take what Janus's core says of the handle just now (admin API, handle_info)."""
        self._figures = info.get("webrtc", {}).get("media", {})
        for mid, media in self._figures.items():
            self._counts.setdefault(mid, Counts()).sent(media, now_s)

    def look(self, never_came: Mapping[FeedMid, int], now: float) -> None:
        """Each second, after :meth:`counted`: what that tells of the viewer's path. `never_came`: what was lost on the way up."""
        streams = {}
        for mid, at in self.carried.items():
            media, counts = self._figures.get(mid), self._counts.get(mid, _NOTHING)
            if media is not None:
                report = tuple((link.get("rtt"), link.get("lost-by-remote"), link.get("jitter-remote")) for link in links(media))
                lost, shows = counts.lost - never_came.get(at, 0), media.get("type") == "video"
                streams[" ".join((mid, *at))] = Stream(counts.packets, counts.octets, lost, shows, report, rtt_ms(media))
        self.downlink.look(streams, now)

    def sent(self) -> dict[FeedMid, int]:
        """Packets that went to the browser, by published stream."""
        return {at: self._packets(mid) for mid, at in self.carried.items()}

    def _packets(self, mid: str) -> int:
        return self._counts.get(mid, _NOTHING).packets

    def report(self, never_came: Mapping[FeedMid, int]) -> dict[str, Any]:
        """In the shape of the embedded engine's; `never_came`: what was lost on the way up, by published stream."""
        consumers = {}
        for mid, key in self._names.items():
            if mid not in self.carried:
                continue
            media, counts = self._figures.get(mid, {}), self._counts.get(mid, _NOTHING)
            consumers[f"{key.endpoint}/{key.source}"] = {
                "undecodable": mid in self._refused,
                "packets": counts.packets,
                "bytes": counts.octets,
                "nacks": int(media.get("stats", {}).get("in", {}).get("nacks", 0)),
                "rtx": counts.repaired,
                "never_came": never_came.get(self.carried[mid], 0),
                "fraction_lost": counts.fraction_lost,
                "bitrate_bps": counts.bitrate_bps,
                "rtt_ms": rtt_ms(media),
            }
        return {"transport": self.id, "state": self.state, "downlink": self.downlink.report(), "consumers": consumers}
