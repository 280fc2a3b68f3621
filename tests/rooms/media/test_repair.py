"""Lost packets, both ways, through a relay that drops them with a fixed seed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from rooms.media.engine import Source
from tests.relay import Relay

from .conftest import MakePeer
from .process import EngineProcess, until
from .recorder import FeedSocket
from .rights import everybody, tracks

BOTH = (Source.MICROPHONE, Source.CAMERA)


async def test_packets_lost_on_the_way_up_are_asked_for_and_reach_the_recorder(
    engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket
) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", record=tracks("ana")))
    recorder.want("room", "first")
    async with Relay(engine.udp_port, seed=7, up_drop=0.03) as relay:
        ana = make_peer("ana", port=relay.port)
        await ana.publish(BOTH)
        enough = {"camera": 150, "microphone": 300}
        await until(lambda: relay.up.dropped >= 12 and all(recorder.heard("ana", s) > n for s, n in enough.items()), 60)
        relay.up_drop = 0
        await asyncio.sleep(1.5)
        producers = (await engine.client.report())["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]
        assert sum(p["repaired"] for p in producers.values()) >= 10
        assert all(p["lost"] == 0 for p in producers.values())
        for source in BOTH:
            heard = recorder.track("ana", source)
            assert heard is not None
            assert heard.missing() / heard.span() <= 0.005
        await ana.close()


async def test_packets_lost_on_the_way_down_are_sent_again(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    async with Relay(engine.udp_port, seed=3, down_drop=0.05) as relay:
        ana, bo = make_peer("ana"), make_peer("bo", port=relay.port)
        await ana.publish(BOTH)
        await bo.subscribe()
        await until(lambda: relay.down.dropped >= 10 and bo.frames("ana", Source.CAMERA) > 80, 60)
        consumers = (await engine.client.report())["routers"]["room"]["endpoints"]["bo"]["subscribe"]["consumers"]
        assert consumers["ana/camera"]["rtx"] >= 2
        assert consumers["ana/camera"]["rtt_ms"] is not None
        await bo.close()


async def test_where_much_is_lost_a_picture_s_packet_is_sent_again_twice(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))

    async def echoed() -> int:
        """How many packets were sent again that nobody asked for once more."""
        report = await engine.client.report()
        consumers = report["routers"]["room"]["endpoints"]["bo"]["subscribe"]["consumers"]
        return int(report["worker"]["repairs"] - sum(consumer["rtx"] for consumer in consumers.values()))

    async with Relay(engine.udp_port, seed=3) as relay:
        ana, bo = make_peer("ana"), make_peer("bo", port=relay.port)
        await ana.publish(BOTH)
        await bo.subscribe()
        relay.down_drop = 0.01
        await until(lambda: relay.down.dropped >= 4 and bo.frames("ana", Source.CAMERA) > 60, 60)
        assert await echoed() == 0
        relay.down_drop = 0.25
        await until(lambda: relay.down.dropped >= 150, 60)
        assert await echoed() > 10
        await bo.close()


async def test_a_publisher_is_told_the_true_loss(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    async with Relay(engine.udp_port, seed=5, up_drop=0.3) as relay:
        ana = make_peer("ana", port=relay.port)
        await ana.publish((Source.MICROPHONE,))
        fractions: list[float] = []
        while len(fractions) < 3:
            await asyncio.sleep(0.5)
            stats = await ana.sender("audio").getStats()
            fractions += [s.fractionLost for s in stats.values() if s.type == "remote-inbound-rtp" and s.fractionLost > 0]
        assert max(fractions) > 0.1
        await ana.close()


async def test_what_never_came_up_is_not_lost_on_the_way_down(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    async with Relay(engine.udp_port, seed=5, up_drop=0.3) as relay:
        ana, bo = make_peer("ana", port=relay.port), make_peer("bo")
        await ana.publish((Source.MICROPHONE,))

        async def nothing(seq: int) -> None: ...

        ana.sender("audio")._retransmit = nothing  # type: ignore
        await bo.subscribe()

        async def consumer() -> dict[str, Any]:
            found = (await engine.client.report())["routers"]["room"]["endpoints"]["bo"]["subscribe"]["consumers"]
            return dict(found.get("ana/microphone") or {})

        while (await consumer()).get("never_came", 0) < 60:
            await asyncio.sleep(0.2)
        lost = [(await consumer())["fraction_lost"]]
        for _ in range(5):
            await asyncio.sleep(1)
            lost.append((await consumer())["fraction_lost"])
        assert sorted(lost)[len(lost) // 2] < 0.1, "the browser told of 30 %, all of it lost on the way up"
        await ana.close()


async def test_a_key_frame_is_asked_for_when_somebody_begins_to_watch(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy"))
    ana = make_peer("ana")
    await ana.publish((Source.CAMERA,))

    async def plis() -> int:
        report = await engine.client.report()
        count: int = report["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]["camera"]["plis"]
        return count

    watchers = [make_peer("bo"), make_peer("cy")]
    before = 0
    for watcher in watchers:
        await watcher.subscribe()
        await until(lambda: watcher.frames("ana", Source.CAMERA) > 3)  # noqa: B023 - used before the loop goes on
        after = await plis()
        assert after > before
        before = after


async def test_rights_survive_a_change_of_the_ceiling(engine: EngineProcess, make_peer: MakePeer) -> None:
    rights = everybody("ana", "bo")
    await engine.client.apply("room", 1, rights)
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    await engine.client.apply("room", 1, replace(rights, video_ceiling_bps=200_000))
    frames = bo.frames("ana", Source.CAMERA)
    await until(lambda: bo.frames("ana", Source.CAMERA) > frames + 20)
    assert len(bo.offers) == 1


async def test_packets_that_are_overtaken_are_not_taken_for_lost(engine: EngineProcess, make_peer: MakePeer) -> None:
    """A browser that is told of a loss which is none sends less and less."""
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    async with Relay(engine.udp_port, seed=9, jitter_s=0.08) as relay:
        ana = make_peer("ana", port=relay.port)
        await ana.publish(BOTH)

        async def counted() -> dict[str, dict[str, int]]:
            found: dict[str, dict[str, int]] = (await engine.client.report())["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]
            return found

        async with asyncio.timeout(60):
            while min([p["packets"] for p in (await counted()).values()], default=0) < 200:
                await asyncio.sleep(0.2)
        for source, producer in (await counted()).items():
            assert producer["nacks"] > 2, f"{source}: nothing was overtaken"
            assert producer["repaired"] <= producer["packets"] * 0.02
            assert producer["lost"] <= producer["packets"] * 0.02
        await ana.close()
