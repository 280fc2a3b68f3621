"""What pages and the engine tell each other about the pictures of one conference while it goes on: who shows what how large, what is
wanted of whom, what a path carries, who speaks. Seen and never logged; kept, so that it is said again to an engine or a page that
comes back. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rooms.media.engine import EngineEvent, Routing, Source, TrackKey
from rooms.protocol import Demand, Downlink, Show, Speaker

Heights = Mapping[TrackKey, int]


class Flow:
    """By endpoint; what is not known is not there."""

    def __init__(self) -> None:
        self.speaker = ""
        self._shown: dict[str, dict[TrackKey, int]] = {}
        self._told: dict[str, Heights] = {}
        self._silent: set[str] = set()
        """those for whom the engine was told the usual height, at any time"""
        self._demands: dict[str, dict[Source, Demand]] = {}
        self._downlinks: dict[str, Downlink] = {}

    # -- from the pages ---------------------------------------------------------------------------------------

    def shows(self, endpoint: str, message: Show) -> None:
        """What a page shows now, in place of what it showed before."""
        self._shown[endpoint] = {TrackKey(p.endpoint, p.source): p.height for p in message.pictures}

    def untold(self, desired: Routing, usual: int | None = None) -> Iterator[tuple[str, Heights]]:
        """What the engine has not been told of what pages show, of tracks that they may watch; call :meth:`told` for what it was.

        A page that says nothing (one of before, a program) is taken to show each camera `usual` lines high; None: at its full size.
        """
        self._silent &= desired.watch.keys()
        for endpoint in self._shown.keys() - desired.watch.keys():
            del self._shown[endpoint]
        for endpoint, watched in desired.watch.items():
            shown = self._shown.get(endpoint)
            if shown is not None:
                heights = {track: height for track, height in shown.items() if track in watched}
            elif usual is not None:
                heights = {track: usual for track in watched if track.source is Source.CAMERA}
                self._silent.add(endpoint)
            elif endpoint in self._silent:
                heights = {}
            else:
                continue
            if self._told.get(endpoint) != heights:
                yield endpoint, heights

    def told(self, endpoint: str, heights: Heights) -> None:
        """The engine knows it."""
        self._told[endpoint] = heights

    def tell_again(self, endpoint: str | None = None) -> None:
        """The engine may have forgotten what this endpoint shows, or what all do."""
        if endpoint is None:
            self._told.clear()
        else:
            self._told.pop(endpoint, None)

    # -- from the engine --------------------------------------------------------------------------------------

    def demanded(self, endpoint: str, fields: Mapping[str, Any]) -> Demand:
        """The message for the publisher."""
        demand = Demand(source=Source(fields["source"]), wanted=bool(fields["wanted"]), rids=tuple(map(str, fields["rids"])))
        self._demands.setdefault(endpoint, {})[demand.source] = demand
        return demand

    def carries(self, endpoint: str, fields: Mapping[str, Any]) -> Downlink:
        """The message for the viewer whose path it is."""
        self._downlinks[endpoint] = Downlink(state=fields["state"], estimate_bps=int(fields["estimate_bps"]))
        return self._downlinks[endpoint]

    def speaks(self, endpoint: str) -> Speaker:
        """The message for whoever may hear this endpoint; "": nobody speaks."""
        self.speaker = endpoint
        return Speaker(endpoint=endpoint or None)

    def heard_by(self, endpoint: str, desired: Routing) -> Speaker:
        """Who speaks, for a page: it learns of nobody whom it may not hear."""
        heard = endpoint == self.speaker or TrackKey(self.speaker, Source.MICROPHONE) in desired.watch.get(endpoint, frozenset())
        return Speaker(endpoint=(self.speaker or None) if heard else None)

    def ended(self, endpoint: str, source: Source) -> None:
        """The track is not published any more, so nothing is wanted of it."""
        self._demands.get(endpoint, {}).pop(source, None)

    # -- for pages that come back -----------------------------------------------------------------------------

    def demands(self, endpoint: str) -> tuple[Demand, ...]:
        """What is wanted of its pictures, for a page that kept its publish connection."""
        return tuple(self._demands.get(endpoint, {}).values())

    def wanted(self, endpoint: str, source: Source) -> bool:
        """Whether somebody wants this picture; true as long as nobody has said."""
        demand = self._demands.get(endpoint, {}).get(source)
        return demand is None or demand.wanted

    def seen_by(self, endpoint: str, desired: Routing) -> tuple[Speaker | Downlink, ...]:
        """What a page that begins to see the hearing has to know."""
        speaker = self.heard_by(endpoint, desired)
        return (speaker, self._downlinks[endpoint]) if endpoint in self._downlinks else (speaker,)

    def downlink(self, endpoint: str) -> Downlink | None:
        """What the path to this endpoint carries."""
        return self._downlinks.get(endpoint)

    def forget(self, endpoint: str | None = None) -> None:
        """The endpoint is gone; or None: the engine is another one and all that it said is void. What pages show stays."""
        if endpoint is None:
            self.speaker = ""
            self._demands.clear()
            self._downlinks.clear()
            self._told.clear()
            return
        for known in (self._shown, self._told, self._demands, self._downlinks):
            known.pop(endpoint, None)
        if self.speaker == endpoint:
            self.speaker = ""


NAMES = frozenset({"demand", "downlink", "speaker"})
"""The engine's events that are for pages."""


def message_of(flow: Flow, event: EngineEvent) -> Demand | Downlink | Speaker:
    """The message that tells of an event of :data:`NAMES`; raises KeyError or ValueError where it lacks what its kind has."""
    if event.name == "demand":
        return flow.demanded(event.endpoint, event.fields)
    return flow.carries(event.endpoint, event.fields) if event.name == "downlink" else flow.speaks(event.endpoint)
