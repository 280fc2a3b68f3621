"""Several workers behind one engine: who gets which hearing, and what happens to it when a worker goes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rooms import wire
from rooms.media import pool as pooling
from rooms.media.drain import marker
from rooms.media.engine import EngineError, Source
from rooms.media.metrics import DRAINING, MOVED, UP

from .house import House
from .process import until
from .rights import everybody


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await House(tmp_path).start()
    yield made
    await made.close()


async def ask(house: House, worker: str, do: str, **arguments: Any) -> wire.Json:
    """An operator's request to a worker, beside the server."""
    peer = await wire.connect(house.workers[worker].socket)
    reading = asyncio.create_task(peer.run())
    try:
        return await peer.request(do, **arguments)
    finally:
        await peer.close()
        await reading


async def routers(house: House) -> dict[str, set[str]]:
    """Which routers each worker says it has. The server's connections are replaced by this; it connects again."""
    return {name: set((await ask(house, name, "hello"))["routers"]) for name in house.workers}


async def test_hearings_are_spread_and_stay_where_they_are(house: House) -> None:
    for number in range(6):
        await house.pool.apply(f"r{number}", 1, everybody("ana"))
    at = {f"r{number}": await house.worker_of(f"r{number}") for number in range(6)}
    assert sorted(at.values()) == ["1", "1", "1", "2", "2", "2"]
    for number in range(6):
        await house.pool.apply(f"r{number}", 1, everybody("ana", "bo"))
    assert at == {router: await house.worker_of(router) for router in at}
    report = await house.pool.report()
    assert set(report["routers"]) == set(at)
    assert [report["workers"][name]["routers"] for name in ("1", "2")] == [3, 3]
    found = await routers(house)
    assert found["1"] | found["2"] == set(at)
    assert not found["1"] & found["2"]


async def test_a_new_hearing_goes_where_less_is_sent(house: House) -> None:
    await house.hearing("busy")
    busy = await house.worker_of("busy")
    await house.pool.report()
    await asyncio.sleep(1.0)
    told = (await house.pool.report())["workers"][busy]
    assert told["packets_per_s"] > 50
    assert told["transports"] == 2
    await house.pool.apply("next", 1, everybody("ana"))
    assert await house.worker_of("next") != busy


async def test_a_killed_workers_hearings_move_and_the_others_notice_nothing(house: House) -> None:
    mine, other = await house.hearing("one"), await house.hearing("two")
    dead, alive = await house.worker_of("one"), await house.worker_of("two")
    assert dead != alive
    former, offers = house.pool.place("one"), len(other.offers)
    moved = MOVED.labels(dead)._value.get()
    await house.workers[dead].kill()
    killed = asyncio.get_running_loop().time()
    await until(lambda: house.pool.place("one") == "")
    with pytest.raises(EngineError, match="lost"):
        await house.pool.subscribe("one", 1, "bo")
    await until(lambda: house.pool.place("one") not in ("", former))
    assert asyncio.get_running_loop().time() - killed < 5.0
    assert await house.worker_of("one") == alive
    assert (UP.labels(dead)._value.get(), MOVED.labels(dead)._value.get()) == (0, moved + 1)
    for peer in (mine, house.peers[0]):
        await peer.close()
    again = await house.hearing("one", 2)
    assert again.frames("ana", Source.CAMERA) > 3
    seen = other.frames("ana", Source.CAMERA)
    await until(lambda: other.frames("ana", Source.CAMERA) > seen + 5)
    assert len(other.offers) == offers, "nobody of the other hearing was asked for anything"


async def test_a_worker_that_is_back_at_once_is_used_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "MOVE_AFTER_S", 60.0)  # a busy machine takes its time to start one
    for number in range(4):
        await house.pool.apply(f"r{number}", 1, everybody("ana"))
    dead = await house.worker_of("r0")
    before = await house.instances()
    await house.workers[dead].kill()
    await house.workers[dead].spawn()
    await until(lambda: house.pool.place("r0") not in ("", before[dead]))
    for number in range(4):
        await house.pool.apply(f"r{number}", 1, everybody("ana"))
    told = (await house.pool.report())["workers"]
    assert [told[name]["routers"] for name in ("1", "2")] == [2, 2]


async def test_a_worker_that_hangs_is_given_up_and_keeps_no_second_copy_when_it_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooling, "HANGS_S", 0.5)
    await house.hearing("one")
    hung = await house.worker_of("one")
    former = house.pool.place("one")
    process = house.workers[hung].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)

    async def reports() -> None:
        while True:
            await house.pool.report()
            await asyncio.sleep(0.1)

    clock = asyncio.create_task(reports())
    await until(lambda: house.pool.place("one") not in ("", former))
    await house.pool.apply("one", 2, everybody("ana", "bo"))
    process.send_signal(signal.SIGCONT)
    await until(lambda: UP.labels(hung)._value.get() == 1)
    clock.cancel()
    await until(lambda: house.pool.connected)
    assert house.pool.place("one") != former
    async with asyncio.timeout(10):
        while "one" in (await routers(house))[hung]:
            await asyncio.sleep(0.1)
    assert "one" in (await routers(house))["2" if hung == "1" else "1"]


async def test_the_next_server_finds_every_hearing_where_it_is_and_media_flow_on(house: House) -> None:
    watchers = {router: await house.hearing(router) for router in ("one", "two")}
    at = {router: house.pool.place(router) for router in watchers}
    seen = {router: bo.frames("ana", Source.CAMERA) for router, bo in watchers.items()}
    await house.another_server()
    assert {router: house.pool.place(router) for router in watchers} == at
    for router in watchers:
        await house.pool.apply(router, 2, everybody("ana", "bo"))
    report = await house.pool.report()
    for router, bo in watchers.items():
        await until(lambda: bo.frames("ana", Source.CAMERA) > seen[router] + 10)  # noqa: B023
        assert len({offer.transport for offer in bo.offers}) == 1
        assert report["routers"][router]["endpoints"]["bo"]["subscribe"]["transport"] == bo.offers[-1].transport


async def test_of_two_copies_the_newer_counts_and_the_other_is_ended(house: House) -> None:
    await house.pool.close()
    for name, epoch in (("1", 4), ("2", 7)):
        peer = await wire.connect(house.workers[name].socket)
        reading = asyncio.create_task(peer.run())
        await peer.request("hello")
        await peer.request("apply", router="twice", epoch=epoch, routing=everybody("ana").to_json())
        await peer.close()
        await reading
    await house.another_server()
    assert await house.worker_of("twice") == "2"
    async with asyncio.timeout(10):
        while "twice" in (await routers(house))["1"]:
            await asyncio.sleep(0.1)
    assert "twice" in (await routers(house))["2"]


async def test_nothing_is_placed_before_every_worker_has_said_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "FIND_S", 600.0)
    house = House(tmp_path)
    await house.workers["1"].spawn()
    await house.pool.start()
    await until(lambda: UP.labels("1")._value.get() == 1)
    with pytest.raises(EngineError, match="lost"):
        await house.pool.apply("early", 1, everybody("ana"))
    await house.workers["2"].spawn()
    await until(lambda: house.pool.connected)
    await house.pool.apply("early", 1, everybody("ana"))
    await house.pool.close()
    for worker in house.workers.values():
        await worker.stop()


async def test_a_worker_that_says_nothing_is_waited_for_no_longer_than_a_moment(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.workers["1"].spawn()
    await house.pool.start()
    await until(lambda: house.pool.connected)
    await house.pool.apply("early", 1, everybody("ana"))
    assert await house.worker_of("early") == "1"
    await house.pool.close()
    await house.workers["1"].stop()


# ------------------------------------------------------------------------------------------------ draining


async def test_a_draining_worker_gets_nothing_new_lets_idle_hearings_go_and_ends_with_its_last(house: House) -> None:
    await house.hearing("running")
    draining = await house.worker_of("running")
    other = "2" if draining == "1" else "1"
    await house.pool.apply("a", 1, everybody("ana"))
    await house.pool.apply("idle", 1, everybody("ana"))
    assert await house.worker_of("idle") in house.workers
    assert (await ask(house, draining, "drain", on=True))["draining"] is True
    await until(lambda: DRAINING.labels(draining)._value.get() == 1)
    for number in range(4):
        await house.pool.apply(f"new{number}", 1, everybody("ana"))
        assert await house.worker_of(f"new{number}") == other
    async with asyncio.timeout(10):
        while (await house.pool.report())["workers"][draining]["routers"] > 1:
            await asyncio.sleep(0.1)
    assert await house.worker_of("running") == draining
    assert await house.worker_of("idle") == other
    process = house.workers[draining].process
    assert process is not None
    assert process.returncode is None
    await house.pool.close_router("running", 1)
    assert await asyncio.wait_for(process.wait(), 15) == 0
    assert marker(house.workers[draining].socket).exists()


async def test_a_drain_can_be_called_off(house: House) -> None:
    await ask(house, "1", "drain", on=True)
    await until(lambda: DRAINING.labels("1")._value.get() == 1)
    assert await ask(house, "1", "drain", on=False) == {"draining": False, "routers": 0, "transports": 0}
    await until(lambda: DRAINING.labels("1")._value.get() == 0)
    await house.pool.apply("a", 1, everybody("ana"))
    await house.pool.apply("b", 1, everybody("ana"))
    assert {await house.worker_of("a"), await house.worker_of("b")} == {"1", "2"}
    assert not marker(house.workers["1"].socket).exists()


async def test_who_runs_already_goes_on_even_where_all_drain_but_nobody_new_begins(house: House) -> None:
    await house.pool.apply("running", 1, everybody("ana"))
    await house.pool.apply("beside", 1, everybody("ana"))
    dead = await house.worker_of("running")
    former = house.pool.place("running")
    for name in house.workers:
        await ask(house, name, "drain", on=True)
    await until(lambda: all(DRAINING.labels(name)._value.get() == 1 for name in house.workers))
    assert house.pool.place("new") == ""
    with pytest.raises(EngineError, match="lost"):
        await house.pool.apply("new", 1, everybody("ana"))
    await house.workers[dead].kill()
    await until(lambda: house.pool.place("running") not in ("", former))
    await house.pool.apply("running", 2, everybody("ana"))


async def test_a_drain_order_that_is_none_is_refused(house: House) -> None:
    with pytest.raises(wire.WireError, match="malformed"):
        await ask(house, "1", "drain", on="yes")
    assert (await ask(house, "1", "drain"))["draining"] is False


async def test_an_operators_connection_does_not_take_the_servers_place(house: House) -> None:
    with pytest.raises(wire.WireError, match="lost"):
        await ask(house, "1", "apply", router="x", epoch=1, routing=everybody("ana").to_json())
    await house.pool.apply("a", 1, everybody("ana"))
    assert "lost" not in [event.name for event in house.events]
