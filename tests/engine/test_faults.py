"""An engine dies, a server goes away: what goes on, and what begins anew."""

from __future__ import annotations

import asyncio

import pytest

from rooms.media.client import EngineClient
from rooms.media.engine import EngineError, EngineEvent, Source
from tests.rooms.media.process import until
from tests.rooms.media.rights import everybody, tracks

from .conftest import Hall
from .engines import Janus

BOTH = (Source.MICROPHONE, Source.CAMERA)


async def test_media_goes_on_while_the_server_is_away_and_nothing_is_renegotiated(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    await until(lambda: bo.answered == bo.offers[-1].revision)
    await hall.client.close()
    recorded = hall.recorder.heard("ana", "camera")
    await hall.seen(bo, "ana", more=20)
    await until(lambda: hall.recorder.heard("ana", "camera") > recorded + 10)

    returned = EngineClient(hall.engine.socket)
    events: list[EngineEvent] = []
    returned.on_event(events.append)
    await returned.start()
    await until(lambda: bool(events))
    assert (events[0].name, events[0].fields["instance"]) == ("up", hall.client.instance)
    assert returned.held[hall.router] == 1
    await returned.apply(hall.router, 2, everybody("ana", "bo", record=tracks("ana")))
    report = (await returned.report())["routers"][hall.router]["endpoints"]
    assert report["bo"]["subscribe"]["transport"] == bo.offers[-1].transport
    assert report["bo"]["subscribe"]["state"] == report["ana"]["publish"]["state"] == "connected"
    await hall.seen(bo, "ana", more=10)
    told = {e.name for e in events if e.router == hall.router}
    assert told == {"demand", "speaker"}, "what another server has not heard is told again, and nothing else"
    await returned.close_router(hall.router, 2)
    await returned.close()


async def test_without_a_server_nobody_is_connected_anew(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", private=True))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await bo.subscribe()
    connection = await ana.publish(BOTH)
    await hall.client.close()
    await until(lambda: connection.connectionState == "connected")
    await hall.goes_on_sending(ana)
    frames = bo.frames("ana", Source.CAMERA)
    await hall.client.start()
    await until(lambda: hall.client.connected)
    bo.epoch = 2  # of the next server, before its first offer comes
    await hall.apply(everybody("ana", "bo", private=True), epoch=2)
    await hall.seen(bo, "ana", Source.MICROPHONE)
    assert frames == 0


async def test_an_offer_that_the_server_missed_is_made_again(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    offer = await hall.client.subscribe(hall.router, 1, "bo")
    await hall.client.close()
    hall.events.clear()
    await hall.client.start()
    await until(lambda: hall.client.connected)
    await hall.apply(everybody("ana", "bo"), epoch=2)
    await until(lambda: any(e.name == "offer" and e.router == hall.router for e in hall.events))
    again = next(e.fields["offer"] for e in hall.events if e.name == "offer")
    assert (again.transport, again.revision) == (offer.transport, offer.revision)


@pytest.mark.timeout(150)
async def test_a_killed_engine_comes_back_empty_and_takes_everybody_again(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    former = hall.client.instance
    await asyncio.to_thread(hall.engine.kill)
    await until(lambda: any(e.name == "lost" for e in hall.events))
    with pytest.raises(EngineError, match="lost"):
        await hall.client.report()
    await asyncio.to_thread(hall.engine.start)
    await until(lambda: hall.client.connected, 40)
    assert hall.client.instance != former
    with pytest.raises(EngineError, match="unknown_router"):
        await hall.client.subscribe(hall.router, 1, "bo")
    await hall.apply(everybody("ana", "bo"))
    for page in (ana, bo):
        await hall.leaves(page)
    again, watcher = hall.peer("ana"), hall.peer("bo")
    await again.publish(BOTH)
    await watcher.subscribe()
    for source in BOTH:
        await hall.seen(watcher, "ana", source)


@pytest.mark.timeout(150)
async def test_sigterm_ends_every_process_cleanly_and_tells_the_browsers(hall: Hall) -> None:
    await hall.apply(everybody("ana"))
    connection = await hall.peer("ana").publish(BOTH)
    await until(lambda: connection.connectionState == "connected")
    codes = await asyncio.to_thread(hall.engine.stop)
    assert set(codes) == {0}, hall.engine.logs()
    await until(lambda: connection.connectionState in ("closed", "failed"))
    assert not hall.engine.feed_socket.exists()
    await asyncio.to_thread(hall.engine.start)


# -- of Janus alone


@pytest.mark.timeout(150)
async def test_a_driver_that_was_killed_finds_no_room_of_before(hall: Hall) -> None:
    """Whoever drives Janus next destroys what nobody steers any more: rights that nobody can take away hold for no longer."""
    if not isinstance(hall.engine, Janus):
        pytest.skip("the embedded engine has one process")
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    connection = await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    former = hall.client.instance
    await asyncio.to_thread(hall.engine.kill_worker)
    await asyncio.to_thread(hall.engine.start_worker)
    await until(lambda: hall.client.connected and hall.client.instance != former, 40)
    await until(lambda: connection.connectionState in ("closed", "failed"))
    assert hall.client.held == {}
    assert "janus_rooms_destroyed" in hall.engine.logs()
    await hall.apply(everybody("ana", "bo"))
    for page in (ana, bo):
        await hall.leaves(page)
    again, watcher = hall.peer("ana"), hall.peer("bo")
    await again.publish(BOTH)
    await watcher.subscribe()
    await hall.seen(watcher, "ana")


@pytest.mark.timeout(150)
async def test_a_broken_connection_to_janus_is_made_again_and_media_goes_on(hall: Hall) -> None:
    """Janus stands still until the driver has given the connection up; the session is claimed, and nobody builds anew."""
    if not isinstance(hall.engine, Janus):
        pytest.skip("the embedded engine has no such connection")
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    connection = await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    before = (await hall.client.report())["worker"]["janus"]["claimed"]
    hall.engine.break_connections()
    async with asyncio.timeout(30):
        while True:
            try:
                if (await hall.client.report())["worker"]["janus"]["claimed"] > before:
                    break
            except EngineError:
                pass
            await asyncio.sleep(0.1)
    assert connection.connectionState == "connected"
    await hall.apply(everybody("ana", "bo", muted=tracks("ana"), record=tracks("ana")))
    await hall.goes_on_sending(ana, packets=10)
    counted = hall.recorder.heard("ana", "camera")
    await hall.goes_on_sending(ana)
    assert hall.recorder.heard("ana", "camera") == counted, "it is steered again"
    assert hall.engine.processes[-1].poll() is None
