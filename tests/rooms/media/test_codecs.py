"""VP8 and H.264 side by side: each producer has one, everybody gets both, and who cannot decode one is named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from rooms.media.engine import Source
from rooms.media.forwarding.codecs import h264_starts_key_frame

from .conftest import MakePeer
from .peer import Peer
from .process import EngineProcess, until
from .recorder import FeedSocket
from .rights import everybody, tracks

CAMERA = (Source.CAMERA,)
BOTH = (Source.MICROPHONE, Source.CAMERA)


async def endpoint(engine: EngineProcess, name: str) -> Mapping[str, Any]:
    """What the engine reports of an endpoint."""
    found: Mapping[str, Any] = (await engine.client.report())["routers"]["room"]["endpoints"][name]
    return found


async def codec_of(engine: EngineProcess, name: str) -> str:
    return str((await endpoint(engine, name))["publish"]["producers"]["camera"]["codec"])


async def undecodable(engine: EngineProcess, name: str) -> set[str]:
    """The tracks that an endpoint answered without."""
    consumers = (await endpoint(engine, name))["subscribe"]["consumers"]
    return {track for track, consumer in consumers.items() if consumer["undecodable"]}


async def sent_to(engine: EngineProcess, name: str, track: str) -> int:
    """Packets of a track that went to an endpoint."""
    return int((await endpoint(engine, name))["subscribe"]["consumers"][track]["packets"])


async def more_frames(peer: Peer, of: str, count: int = 5) -> None:
    before = peer.frames(of, Source.CAMERA)
    await until(lambda: peer.frames(of, Source.CAMERA) >= before + count)


async def test_who_has_not_answered_yet_is_not_said_to_be_unable(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    await make_peer("ana").publish(BOTH)
    offer = await engine.client.subscribe("room", 1, "bo")
    assert {"ana/camera", "ana/microphone"} <= {f"{track['endpoint']}/{track['source']}" for track in offer.tracks}
    assert await undecodable(engine, "bo") == set()


async def test_two_codecs_in_one_room_reach_everybody(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy"))
    ana, bo, cy = make_peer("ana"), make_peer("bo"), make_peer("cy")
    await ana.publish(BOTH, "VP8")
    await bo.publish(BOTH, "H264")
    for peer in (ana, bo, cy):
        await peer.subscribe()
    await more_frames(ana, "bo")
    await more_frames(bo, "ana")
    for name in ("ana", "bo"):
        await more_frames(cy, name)
    assert (await codec_of(engine, "ana"), await codec_of(engine, "bo")) == ("VP8", "H264")
    assert await undecodable(engine, "cy") == set()
    assert (await engine.client.report())["worker"]["dropped"] == {}


async def test_the_codec_that_the_browser_names_first_is_taken(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    await make_peer("ana").publish(BOTH)  # VP8 before H.264
    await make_peer("bo").publish(BOTH, "H264")
    assert (await codec_of(engine, "ana"), await codec_of(engine, "bo")) == ("VP8", "H264")


@pytest.mark.parametrize(("first", "then"), [("VP8", "H264"), ("H264", "VP8")])
async def test_who_comes_back_with_another_codec_is_seen_without_a_new_offer(
    engine: EngineProcess, make_peer: MakePeer, first: str, then: str
) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    former = await ana.publish(BOTH, first)
    await bo.subscribe()
    await more_frames(bo, "ana")
    await ana.publish(BOTH, then)
    await more_frames(bo, "ana", 15)
    assert await codec_of(engine, "ana") == then
    assert len(bo.offers) == 1
    await former.close()


async def test_an_m_line_is_used_again_for_another_codec(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy"))
    ana, bo, cy = make_peer("ana"), make_peer("bo"), make_peer("cy")
    await bo.subscribe()
    await ana.publish(CAMERA, "VP8")
    await more_frames(bo, "ana")
    (mid,) = [t["mid"] for t in bo.offers[-1].tracks]
    await engine.client.apply("room", 1, everybody("bo", "cy"))
    await until(lambda: bo.answered == bo.offers[-1].revision and bo.offers[-1].tracks == ())
    await cy.publish(CAMERA, "H264")
    await until(lambda: {t["endpoint"] for t in bo.offers[-1].tracks} == {"cy"})
    assert [t["mid"] for t in bo.offers[-1].tracks] == [mid]
    await more_frames(bo, "cy")


async def test_a_browser_without_the_codec_gets_nothing_of_it_and_is_named(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy"))
    ana, bo, cy = make_peer("ana"), make_peer("bo"), make_peer("cy")
    cy.codecs = ("VP8",)
    await ana.publish(BOTH, "VP8")
    former = await bo.publish(BOTH, "H264")
    await cy.subscribe()
    await more_frames(cy, "ana")
    await until(lambda: cy.frames("bo", Source.MICROPHONE) > 5)
    assert await undecodable(engine, "cy") == {"bo/camera"}
    assert await sent_to(engine, "cy", "bo/camera") == 0
    assert len(cy.offers) == 1, "asked once, and the answer was no"

    await bo.publish(BOTH, "VP8")
    await more_frames(cy, "bo")
    assert await undecodable(engine, "cy") == set()
    await former.close()


async def test_a_browser_that_takes_one_codec_at_a_time_is_asked_again(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    bo.first_alone = True
    former = await ana.publish(CAMERA, "H264")
    await bo.subscribe()
    await more_frames(bo, "ana")
    await ana.publish(CAMERA, "VP8")
    await until(lambda: bo.answered == 2)
    assert await undecodable(engine, "bo") == set()
    # aiortc's receiver keeps the codecs of its first offer, so what it is sent is counted here, not what it decodes.
    before = await sent_to(engine, "bo", "ana/camera")
    while await sent_to(engine, "bo", "ana/camera") < before + 10:
        await asyncio.sleep(0.05)
    await former.close()


async def test_h264_is_announced_and_fed_with_its_key_frames(engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    recorder.want("room", "first")
    await make_peer("ana").publish(CAMERA, "H264")
    await until(lambda: recorder.heard("ana", "camera") > 40)
    heard = recorder.track("ana", "camera")
    assert heard is not None
    assert (heard.announcement["codec"], heard.announcement["clock_hz"]) == ("H264", 90000)
    assert heard.missing() == 0
    assert h264_starts_key_frame(heard.packets[0], 12)
    before = key_frames(heard.packets)
    recorder.key_frame(int(heard.announcement["handle"]))
    await until(lambda: key_frames(heard.packets) > before)


def key_frames(packets: list[bytes]) -> int:
    """Key frames, each counted once whatever number of its packets says so."""
    return len({packet[4:8] for packet in packets if h264_starts_key_frame(packet, 12)})


async def test_a_recorder_that_begins_anew_gets_h264_from_its_parameter_sets_on(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    first = FeedSocket(engine.recorder_feed_socket, engine.feed_socket)
    first.want("room", "first")
    await make_peer("ana").publish(CAMERA, "H264")
    await until(lambda: first.heard("ana", "camera") > 40)
    first.close()
    await asyncio.sleep(1)  # the engine has noticed that nobody listens
    second = FeedSocket(engine.recorder_feed_socket, engine.feed_socket)
    second.want("room", "second")
    await until(lambda: second.heard("ana", "camera") > 40)
    heard = second.track("ana", "camera")
    assert heard is not None
    assert b"\x67\x42" in heard.packets[0], "the replay begins behind the sequence parameter set"
    assert heard.missing() == 0
    second.close()
