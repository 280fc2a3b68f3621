"""What Janus still has on its way when a track is no longer recorded: its threads forward while it is being asked to stop."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from rooms.media.engine import EngineError, Routing, Source, TrackKey
from rooms.media.forwarding.codecs import OPUS
from rooms.media.forwarding.feed import Feed
from rooms.media.forwarding.sdp import Format
from rooms.media.janus.bridge import HOST, PAYLOAD_TYPE, Forward
from rooms.media.janus.connection import Connection, Handle, JanusError, Json, Reply
from rooms.media.janus.place import Place
from rooms.media.janus.publication import CONNECTED, Publication, Track
from rooms.media.janus.room import Room, _Endpoint
from tests.rooms.media.process import until
from tests.rooms.media.recorder import FeedSocket

PEOPLE = ("ana", "bo")
MICROPHONES = frozenset(TrackKey(name, Source.MICROPHONE) for name in PEOPLE)
SPEAKING = Routing({name: frozenset({Source.MICROPHONE}) for name in PEOPLE}, record=MICROPHONES)


class SlowJanus:
    """Answers every request, but not before it may; or refuses each."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked: list[str] = []
        self.refuses = False
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def ask(self, request: str, sdp: tuple[str, str] | None = None, **body: Any) -> Reply:
        self.asked.append(request)
        await self.may_answer.wait()
        if self.refuses:
            raise JanusError(490, "not now")
        participants: Json = {"participants": [{"id": "dummy", "dummy": True}], "forwarders": [{"stream_id": len(self.asked)}]}
        return Reply(participants, "")

    def forwards(self, to: Forward, *numbers: int) -> None:
        """Send packets that it had already taken up."""
        for number in numbers:
            self._out.sendto(struct.pack("!BBHII", 0x80, PAYLOAD_TYPE, number, number * 960, to.ssrc) + b"sound", (HOST, to.port))

    def close(self) -> None:
        self._out.close()


class Hearing:
    """Two people whose microphones are recorded, and their room in a Janus."""

    def __init__(self, folder: Path) -> None:
        self.recorder = FeedSocket(folder / "recorder.sock", folder / "engine.sock")
        self.feed = Feed(folder / "engine.sock", folder / "recorder.sock")
        self.janus = SlowJanus()
        control = cast(Handle, self.janus)
        place = Place(control, "key", "sitting")
        self.room = Room(cast(Connection, None), place, self.feed, lambda name, router, endpoint, **fields: None)
        self.tracks: dict[str, Track] = {}
        for name in PEOPLE:
            made = Publication(cast(Connection, None), place, name, self.feed, lambda _: None, lambda _, level: None)
            made.state = CONNECTED
            self.tracks[name] = made.tracks["0"] = Track(TrackKey(name, Source.MICROPHONE), "0", Format.ours(OPUS))
            self.room._endpoints[name] = _Endpoint(made)
        self.recorder.want("sitting", "first")

    def forward(self, name: str) -> Forward:
        found = self.tracks[name].forward
        assert found is not None
        return found

    def heard(self) -> dict[str, list[int]]:
        tracks = {name: self.recorder.track(name, "microphone") for name in PEOPLE}
        return {name: track.sequence if track is not None else [] for name, track in tracks.items()}

    def close(self) -> None:
        for track in self.tracks.values():
            if track.forward is not None:
                track.forward.close()
        self.feed.close()
        self.recorder.close()
        self.janus.close()


@pytest.fixture
async def hearing(tmp_path: Path) -> AsyncIterator[Hearing]:
    made = Hearing(tmp_path)
    await made.room.apply(SPEAKING)
    for name in PEOPLE:
        made.janus.forwards(made.forward(name), 1)
    await until(lambda: made.heard() == {"ana": [1], "bo": [1]})
    yield made
    made.close()


@pytest.mark.parametrize(
    "then",
    [
        Routing({name: frozenset() for name in PEOPLE}, record=MICROPHONES),
        Routing(SPEAKING.publish, record=frozenset()),
        Routing(SPEAKING.publish, record=MICROPHONES, private=True),
    ],
    ids=["nobody may speak", "nothing is recorded", "they are private"],
)
async def test_nobodys_late_packet_is_recorded_from_the_moment_the_rights_are_taken(hearing: Hearing, then: Routing) -> None:
    forwards = [hearing.forward(name) for name in PEOPLE]
    hearing.janus.may_answer.clear()
    asked = len(hearing.janus.asked)
    applied = asyncio.create_task(hearing.room.apply(then))
    await until(lambda: len(hearing.janus.asked) > asked)
    for forward in forwards:
        hearing.janus.forwards(forward, 2, 3)
    await until(lambda: sum(forward.dropped["not_permitted"] for forward in forwards) >= 2)
    assert not applied.done(), "nobody was told yet"
    hearing.janus.may_answer.set()
    await applied
    for forward in forwards:
        hearing.janus.forwards(forward, 4)
    await asyncio.sleep(0.05)
    assert hearing.heard() == {"ana": [1], "bo": [1]}


async def test_what_janus_would_not_stop_is_held_back_and_flows_again_with_the_right_to(hearing: Hearing) -> None:
    hearing.janus.refuses = True
    with pytest.raises(EngineError):
        await hearing.room.apply(Routing({name: frozenset() for name in PEOPLE}, record=MICROPHONES))
    for name in PEOPLE:
        hearing.janus.forwards(hearing.forward(name), 2, 3)
    await until(lambda: all(hearing.forward(name).dropped["not_permitted"] == 2 for name in PEOPLE))
    hearing.janus.refuses = False
    await hearing.room.apply(SPEAKING)
    for name in PEOPLE:
        hearing.janus.forwards(hearing.forward(name), 4)
    await until(lambda: hearing.heard() == {"ana": [1, 2], "bo": [1, 2]})


async def test_however_much_waits_when_the_gate_opens_nothing_of_before_passes(hearing: Hearing) -> None:
    forward = hearing.forward("ana")
    forward.permit(False)
    hearing.janus.forwards(forward, *range(2, 402))
    forward.permit(True)
    hearing.janus.forwards(forward, 402)
    await until(lambda: hearing.heard()["ana"] == [1, 2])
    assert forward.dropped["not_permitted"] == 400
