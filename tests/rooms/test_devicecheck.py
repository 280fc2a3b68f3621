"""The device check: what a browser sends goes to the engine and back to it, and to nobody else; and every check ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rooms import devicecheck
from rooms.devicecheck import LIFE_S, LIMIT, RECEIVER, SENDER, DeviceChecks
from rooms.media.engine import EngineEvent, Offer, Source, TrackKey
from tests.rooms.courthouse import Courthouse, person, until
from tests.rooms.in_memory import MemoryEngine
from tests.rooms.making import refused

BOTH = {"0": Source.MICROPHONE, "1": Source.CAMERA}


@pytest.fixture
async def engine() -> MemoryEngine:
    engine = MemoryEngine()
    await engine.start()
    return engine


@pytest.fixture
def checks(engine: MemoryEngine) -> DeviceChecks:
    checks = DeviceChecks(engine)
    engine.on_event(checks.engine_event)
    return checks


async def test_a_browser_gets_back_what_it_sends_and_nothing_else(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("mine")
    await checks.open("another")
    published = await checks.publish("mine", "v=0", BOTH)
    offer = await checks.subscribe("mine")
    assert await checks.answer("mine", offer.transport, offer.revision, "v=0") is None
    routing = engine.routings["check-mine"]
    assert engine.endpoints["check-mine"][SENDER]["publish"]["transport"] == published.transport
    assert routing.publish == {SENDER: {Source.MICROPHONE, Source.CAMERA}, RECEIVER: frozenset()}
    assert routing.watch == {RECEIVER: {TrackKey(SENDER, Source.MICROPHONE), TrackKey(SENDER, Source.CAMERA)}}
    assert routing.record == frozenset(), "nothing of a check is recorded"
    assert engine.endpoints["check-another"] == {}


async def test_a_newer_offer_of_the_engine_is_handed_out_with_the_next_answer(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("mine")
    await checks.publish("mine", "v=0", BOTH)
    first = await checks.subscribe("mine")
    second = engine.offer_again("check-mine", RECEIVER, {"mid": "0", "endpoint": SENDER, "source": "camera"})
    assert await checks.answer("mine", first.transport, first.revision, "v=0") == second
    assert await checks.answer("mine", second.transport, second.revision, "v=0") is None


async def test_offers_for_others_are_not_mixed_up_with_it(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("mine")
    mine = await checks.subscribe("mine")
    strange = Offer("s9", 1, "strange", ())
    for router, endpoint in (("check-other", RECEIVER), ("check-mine", SENDER), ("sitting", RECEIVER)):
        engine.emit(EngineEvent("offer", router, endpoint, {"offer": strange}))
    assert await checks.answer("mine", mine.transport, mine.revision, "v=0") is None


Ask = Callable[[DeviceChecks], Awaitable[Any]]
ASKED: dict[str, Ask] = {
    "publish": lambda checks: checks.publish("mine", "v=0", BOTH),
    "subscribe": lambda checks: checks.subscribe("mine"),
    "answer": lambda checks: checks.answer("mine", "s1", 1, "v=0"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
async def test_a_check_that_is_not_open_is_unknown(checks: DeviceChecks, ask: Ask) -> None:
    with refused("check_unknown"):
        await ask(checks)
    await checks.open("mine")
    await checks.close("mine")
    await checks.close("mine")
    with refused("check_unknown"):
        await ask(checks)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("bad_sdp", "bad_sdp"),
        ("unsupported_codec", "unsupported_codec"),
        ("unknown_router", "check_unknown"),
        ("stale_epoch", "check_unknown"),
        ("lost", "media_away"),
        ("failed", "media_away"),
    ],
)
async def test_what_the_engine_refuses_is_told_in_words_of_the_protocol(
    engine: MemoryEngine, checks: DeviceChecks, code: str, told: str
) -> None:
    await checks.open("mine")
    engine.faults |= dict.fromkeys(("apply", "publish", "subscribe", "answer"), code)
    for ask in ASKED.values():
        with refused(told):
            await ask(checks)
    with refused(told):
        await checks.open("other")


async def test_without_an_engine_a_check_says_so(engine: MemoryEngine, checks: DeviceChecks) -> None:
    engine.lose()
    with refused("media_away"):
        await checks.open("mine")


async def test_to_begin_anew_ends_what_there_was(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("mine")
    await checks.publish("mine", "v=0", BOTH)
    await checks.open("mine")
    assert engine.endpoints["check-mine"] == {}


async def test_a_check_ends_by_itself(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("mine")
    await checks.expire(time.monotonic() + LIFE_S - 10)
    assert "check-mine" in engine.routings
    await checks.expire(time.monotonic() + LIFE_S + 1)
    assert engine.routings == {}
    with refused("check_unknown"):
        await checks.subscribe("mine")


async def test_there_are_only_so_many_at_one_time_and_room_again_when_some_have_ended(
    checks: DeviceChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(LIMIT):
        await checks.open(f"n{number}")
    with refused("too_many_checks"):
        await checks.open("one-more")
    await checks.open("n7")
    monkeypatch.setattr(devicecheck, "LIFE_S", -1.0)
    await checks.open("n7")
    await checks.open("one-more")


async def test_a_new_engine_knows_none_of_them_and_their_browsers_begin_anew(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("mine")
    checks.engine_changed()
    await checks.subscribe("mine")
    engine.up("engine-2")
    checks.engine_changed()
    with refused("check_unknown"):
        await checks.subscribe("mine")
    await checks.open("mine")
    await checks.subscribe("mine")


async def test_all_end_with_the_server(engine: MemoryEngine, checks: DeviceChecks) -> None:
    await checks.open("one")
    await checks.open("two")
    await checks.close()
    assert engine.routings == {}


async def test_a_later_server_may_use_the_same_names(engine: MemoryEngine, checks: DeviceChecks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser's endpoint names its check, and the engine has seen the former server's epoch for it."""
    await checks.open("mine")
    later = DeviceChecks(engine)
    await later.open("mine")
    await later.publish("mine", "v=0", BOTH)


# ------------------------------------------------------------------------------------------------ beside a hearing


async def test_a_check_and_a_hearing_do_not_know_each_other(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    checks = house.hub.device_checks
    await checks.open("e-zhang")
    await checks.publish("e-zhang", "v=0", BOTH)
    await checks.subscribe("e-zhang")
    newer = house.engine.offer_again("check-e-zhang", RECEIVER)
    assert await checks.answer("e-zhang", newer.transport, 1, "v=0") == newer
    assert not any(message["type"] == "offer" for message in pages["zhang"].heard)
    assert set(house.engine.routings) == {"sitting", "check-e-zhang"}


async def test_the_hub_ends_what_has_lived_too_long(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicecheck, "LIFE_S", 0.2)
    await house.hub.device_checks.open("mine")
    await until(lambda: "check-mine" not in house.engine.routings)
    with refused("check_unknown"):
        await house.hub.device_checks.subscribe("mine")


@pytest.mark.usefixtures("brisk")
async def test_an_engine_that_hangs_over_a_left_over_check_stops_no_clock(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is silent is still found out, and a recording that is none too."""
    pages = await house.opened("zhang")
    monkeypatch.setattr(devicecheck, "LIFE_S", 0.0)
    await house.hub.device_checks.open("mine")
    house.engine.gate.clear()
    await asyncio.sleep(0.2)
    assert "check-mine" in house.engine.routings, "it hangs in ending it"
    await pages["zhang"].vanish()
    await pages["judge"].sees(lambda view: person(view, "zhang")["presence"] == "lost")
    house.clock.forward(4)
    await pages["judge"].sees(lambda view: view["recording"]["state"] == "failed")
    house.engine.gate.set()
