"""Layers of one picture through the engine process: one for each consumer, joined without a seam; what is not permitted in none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding import packets, vp8
from rooms.media.forwarding.uplink import AUDIO_BPS

from .layers import HEIGHTS, Log, Simulcast
from .peer import Peer
from .process import EngineProcess, until
from .recorder import FeedSocket
from .rights import everybody

CAMERA = TrackKey("ana", Source.CAMERA)
MakeSimulcast = Callable[..., Simulcast]


@pytest.fixture
async def make_simulcast(engine: EngineProcess) -> AsyncIterator[MakeSimulcast]:
    peers: list[Simulcast] = []

    def make(endpoint: str, seed: int = 1) -> Simulcast:
        peer = Simulcast(engine.client, endpoint, seed=seed)
        peers.append(peer)
        return peer

    yield make
    for peer in peers:
        await peer.close()


async def watch(engine: EngineProcess, make_peer: Callable[..., Peer], name: str, height: int | None = None) -> tuple[Peer, Log]:
    peer = make_peer(name)
    if height is not None:
        await engine.client.show("room", 1, name, {CAMERA: height})
    await peer.subscribe()
    return peer, Log(peer)


async def camera(engine: EngineProcess) -> dict[str, Any]:
    """What the engine reports of Ana's camera."""
    report = await engine.client.report()
    found: dict[str, Any] = report["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]["camera"]
    return found


def seen(log: Log) -> int:
    """The height of the newest key frame that was sent, 0 before one."""
    for packet in reversed(log.packets):
        size = vp8.picture_size(packet, packets.HEADER)
        if size is not None:
            return size[1]
    return 0


async def goes_on(peer: Peer, frames: int = 5) -> None:
    """Wait until so many more pictures were decoded."""
    before = peer.frames("ana", Source.CAMERA)
    await until(lambda: peer.frames("ana", Source.CAMERA) >= before + frames)


def assert_seamless(log: Log, sender: Simulcast) -> None:
    """One source, no hole, no step back, and the VP8 numbers count on. A picture that stood still, for want of the
    processor, goes on that much later."""
    assert len(log.sources()) == 1
    assert set(log.steps()) == {1}
    longest = 90_000 * (1 + max(sender.pause_s, log.pause_s))
    for (before, a), (after, b) in pairwise(log.frames()):
        assert 0 < (after - before) & 0xFFFFFFFF < longest, "the timestamp went back, or a second on"
        assert a.picture is not None
        assert b.picture == a.picture + 1 & 0x7FFF
        assert a.base is not None
        assert b.base == a.base + 1 & 0xFF


async def test_the_answer_takes_the_layers_and_the_extensions_that_name_them(engine: EngineProcess, make_simulcast: MakeSimulcast) -> None:
    await engine.client.apply("room", 1, everybody("ana"))
    ana = make_simulcast("ana")
    await ana.publish_layers()
    for line in ("a=rid:q recv", "a=rid:h recv", "a=rid:f recv", "a=simulcast:recv q;h;f"):
        assert line in ana.answer_sdp.split("\r\n")
    assert "repaired-rtp-stream-id" in ana.answer_sdp
    assert list((await camera(engine))["layers"]) == ["q", "h", "f"]


async def test_each_consumer_gets_the_layer_for_its_tile_and_goes_to_another_without_a_seam(
    engine: EngineProcess, make_simulcast: MakeSimulcast, make_peer: Callable[..., Peer]
) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy"))
    ana = make_simulcast("ana")
    await ana.publish_layers()
    bo, small = await watch(engine, make_peer, "bo", HEIGHTS["q"])
    cy, large = await watch(engine, make_peer, "cy")
    await until(lambda: seen(small) == HEIGHTS["q"] and seen(large) == HEIGHTS["f"])
    for rid in ("f", "q", "h", "f", "q"):
        await engine.client.show("room", 1, "bo", {CAMERA: HEIGHTS[rid]})
        await until(lambda height=HEIGHTS[rid]: seen(small) == height)  # type: ignore[misc]
        await goes_on(bo)
        assert seen(large) == HEIGHTS["f"]
    await goes_on(cy)
    assert_seamless(small, ana)
    assert_seamless(large, ana)
    consumers = (await engine.client.report())["routers"]["room"]["endpoints"]["bo"]["subscribe"]["consumers"]
    assert consumers["ana/camera"]["nacks"] == 0


async def test_a_publisher_is_told_to_send_what_the_wanted_layers_take_together(
    engine: EngineProcess, make_simulcast: MakeSimulcast, make_peer: Callable[..., Peer]
) -> None:
    await engine.client.apply("room", 1, replace(everybody("ana", "bo", "cy"), video_ceiling_bps=200_000))
    ana = make_simulcast("ana")
    await ana.publish_layers()
    await watch(engine, make_peer, "bo", HEIGHTS["q"])
    await until(lambda: bool(ana.ceilings) and abs(ana.ceilings[-1] - (200_000 + AUDIO_BPS)) < 1000)
    await watch(engine, make_peer, "cy")
    # Both are small pictures, each worth 150 kbit/s.
    await until(lambda: abs(ana.ceilings[-1] - (300_000 + AUDIO_BPS)) < 1000)


async def test_a_picture_that_nobody_sees_is_not_demanded_and_comes_back_with_a_key_frame(
    engine: EngineProcess, make_simulcast: MakeSimulcast, make_peer: Callable[..., Peer]
) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana = make_simulcast("ana")
    ana.obeys = True
    for layer in ana.layers.values():
        layer.active = False
    await ana.publish_layers()
    await until(lambda: ana.told == [(False, [])])
    bo, log = await watch(engine, make_peer, "bo", HEIGHTS["h"])
    await until(lambda: bo.frames("ana", Source.CAMERA) > 5)
    await until(lambda: ana.told[-1] == (True, ["h"]))
    await engine.client.show("room", 1, "bo", {CAMERA: 0})
    await until(lambda: ana.told[-1] == (False, []))
    await asyncio.sleep(0.1)
    sent = len(log.packets)
    await asyncio.sleep(0.3)
    assert len(log.packets) == sent
    await engine.client.show("room", 1, "bo", {CAMERA: HEIGHTS["q"]})
    await goes_on(bo)
    await until(lambda: ana.told[-1] == (True, ["q"]))
    assert seen(log) == HEIGHTS["q"]
    first = log.packets[sent]
    assert vp8.picture_size(first, packets.HEADER) is not None, "what comes after a pause begins with a key frame"
    assert set(log.steps()) == {1}


async def test_a_layer_that_is_not_sent_yet_is_waited_for_with_the_one_that_is(
    engine: EngineProcess, make_simulcast: MakeSimulcast, make_peer: Callable[..., Peer]
) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana = make_simulcast("ana")
    ana.layers["f"].active = ana.layers["h"].active = False
    await ana.publish_layers()
    bo, log = await watch(engine, make_peer, "bo", HEIGHTS["q"])
    await until(lambda: seen(log) == HEIGHTS["q"])
    await engine.client.show("room", 1, "bo", {CAMERA: HEIGHTS["f"]})
    await goes_on(bo, 20)
    assert seen(log) == HEIGHTS["q"]
    assert "f" in ana.told[-1][1]
    ana.layers["f"].active = ana.layers["f"].key_wanted = True
    await until(lambda: seen(log) == HEIGHTS["f"])
    ana.layers["f"].active = False
    await until(lambda: seen(log) == HEIGHTS["q"])
    await goes_on(bo)
    assert_seamless(log, ana)


async def test_what_a_layer_lost_is_repaired_by_its_own_repair_stream(
    engine: EngineProcess, make_simulcast: MakeSimulcast, make_peer: Callable[..., Peer]
) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana = make_simulcast("ana")
    ana.lose = {(rid, number) for rid in HEIGHTS for number in range(60, 3000, 37)}
    await ana.publish_layers()
    bo, log = await watch(engine, make_peer, "bo", HEIGHTS["h"])
    async with asyncio.timeout(30):
        while not all(layer["repaired"] >= 3 for layer in (await camera(engine))["layers"].values()):
            await asyncio.sleep(0.1)
    ana.lose.clear()
    await goes_on(bo)
    await asyncio.sleep(0.5)
    assert all(layer["lost"] == 0 for layer in (await camera(engine))["layers"].values())
    numbers = {int.from_bytes(p[2:4], "big") for p in log.packets[:-5]}
    first = int.from_bytes(log.packets[0][2:4], "big")
    assert len(numbers) == max((n - first) & 0xFFFF for n in numbers) + 1, "a hole was left, or a number given twice"


async def test_the_recorder_gets_the_best_layer_that_comes_as_one_track(
    engine: EngineProcess, make_simulcast: MakeSimulcast, recorder: FeedSocket
) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=frozenset({CAMERA})))
    recorder.want("room", "first")
    ana = make_simulcast("ana")
    ana.layers["f"].active = False
    await ana.publish_layers()

    def recorded() -> int:
        track = recorder.track("ana", "camera")
        sizes = [size for p in (track.packets if track else []) if (size := vp8.picture_size(p, packets.HEADER)) is not None]
        return sizes[-1][1] if sizes else 0

    await until(lambda: recorded() == HEIGHTS["h"])
    ana.layers["f"].active = ana.layers["f"].key_wanted = True
    await until(lambda: recorded() == HEIGHTS["f"])
    ana.layers["f"].active = False
    await until(lambda: recorded() == HEIGHTS["h"])
    before = recorder.heard("ana", "camera")
    await until(lambda: recorder.heard("ana", "camera") > before + 20)
    assert len(recorder.tracks) == 1
    heard = recorder.track("ana", "camera")
    assert heard is not None
    assert heard.missing() == 0
    assert {int.from_bytes(p[8:12], "big") for p in heard.packets} == {heard.announcement["ssrc"]}
    stamps = [int.from_bytes(p[4:8], "big") for p in heard.packets]
    assert all((b - a) & 0xFFFFFFFF < 450_000 for a, b in pairwise(stamps)), "the timestamp went back, or jumped"
    ends = [p[1] >> 7 for p in heard.packets]
    for index, packet in enumerate(heard.packets[1:]):
        if vp8.picture_size(packet, packets.HEADER) is not None:
            assert ends[index], "a key frame began in the middle of another frame"
    assert ana.told[-1] == (True, ["f"]), "the recorder wants the best"


async def test_a_browser_that_sends_on_after_mute_and_removal_reaches_nobody_in_any_layer(
    engine: EngineProcess, make_simulcast: MakeSimulcast, make_peer: Callable[..., Peer], recorder: FeedSocket
) -> None:
    """It ignores every order: all layers go on, and a key frame comes with every request and without."""
    record = frozenset({CAMERA})
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy", record=record))
    recorder.want("room", "first")
    ana = make_simulcast("ana")
    await ana.publish_layers()
    bo, small = await watch(engine, make_peer, "bo", HEIGHTS["q"])
    _, large = await watch(engine, make_peer, "cy")
    await until(lambda: seen(small) == HEIGHTS["q"] and seen(large) == HEIGHTS["f"] and recorder.heard("ana", "camera") > 50)

    async def frames_more(count: int) -> None:
        sent = {rid: layer.frames for rid, layer in ana.layers.items()}
        await until(lambda: all(layer.frames > sent[rid] + count for rid, layer in ana.layers.items()))

    def received() -> tuple[int, int, int]:
        return len(small.packets), len(large.packets), recorder.heard("ana", "camera")

    async def silent() -> None:
        for layer in ana.layers.values():
            layer.key_wanted = True
        # Tiles that change meanwhile open no way around the gate.
        for rid in ("f", "q"):
            await engine.client.show("room", 1, "bo", {CAMERA: HEIGHTS[rid]})
        async with asyncio.timeout(20):
            at = None
            while at != received():  # what was under way is taken; what came by any gap would go on coming
                at = received()
                await frames_more(15)
                await asyncio.sleep(0.6)

    await engine.client.apply("room", 1, everybody("ana", "bo", "cy", record=record, muted=[CAMERA]))
    at_mute = await camera(engine)
    await silent()
    assert [(await camera(engine))[count] - at_mute[count] for count in ("forwarded", "recorded")] == [0, 0]
    assert all(layer["dropped_not_permitted"] > 10 for layer in (await camera(engine))["layers"].values())

    await engine.client.apply("room", 1, everybody("ana", "bo", "cy", record=record))
    await goes_on(bo)
    stage = everybody("ana", "bo", "cy", record=record)
    await engine.client.apply("room", 1, replace(stage, watch={e: frozenset() for e in stage.watch}, record=frozenset()))
    at_stage = await camera(engine)
    await silent()
    assert [(await camera(engine))[count] - at_stage[count] for count in ("forwarded", "recorded")] == [0, 0]

    await engine.client.apply("room", 1, stage)
    before = len(small.packets)
    await until(lambda: len(small.packets) > before + 20)
    await engine.client.apply("room", 1, everybody("bo", "cy", record=record))
    await silent()
