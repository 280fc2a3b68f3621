"""The engine is kept at what the conference desires, whatever happens to it; pages negotiate through it; it is measured."""

from __future__ import annotations

from typing import Any

import pytest

from rooms import media_link
from rooms.desired import routing
from rooms.media.engine import EngineEvent, Source, TrackKey
from tests.rooms.courthouse import Courthouse, Page, alerts, person, until
from tests.rooms.making import make_plan, ticket

CAMERA, MICROPHONE, SCREEN = Source.CAMERA, Source.MICROPHONE, Source.SCREEN
CAMERA_OFFER: dict[str, Any] = {"sdp": "v=0", "tracks": [{"mid": "0", "source": "camera"}]}


async def publishing(page: Page, *sources: str) -> str:
    """The page publishes and has switched on; returns its transport."""
    for source in sources:
        await page.send("source", source=source, on=True)
    tracks = [{"mid": str(number), "source": source} for number, source in enumerate(sources)]
    await page.send("publish", sdp="v=0", tracks=tracks)
    return str((await page.told("published"))["transport"])


# ------------------------------------------------------------------------------------------------ desired and reported


async def test_a_new_engine_is_told_everything_again_and_the_pages_build_anew(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await publishing(pages["zhang"], "microphone", "camera")
    await pages["zhang"].send("subscribe")
    await pages["zhang"].told("offer")
    await pages["judge"].send("mute", participant="zhang", source="camera")
    await house.routed(lambda routing: routing.publish["e-zhang"] == {MICROPHONE})
    house.engine.lose()
    seen = await pages["judge"].sees(lambda view: view["media"] == "away" and view["alerts"])
    assert [(a["code"], a["severity"]) for a in seen["alerts"]] == [("engine_lost", "critical")]
    house.engine.up("engine-2")
    told = await house.routed(lambda routing: True)
    assert told == routing(house.state())
    assert told.publish["e-zhang"] == {MICROPHONE}
    assert TrackKey("e-zhang", CAMERA) in told.record & told.watch["e-li"]
    for page in pages.values():
        await page.told("media_reset")
        await page.sees(lambda view: view["media"] == "up" and not view["alerts"])
    row = await house.logged("engine_restored")
    assert row.data == {"instance": "engine-2", "replaced": True}
    assert house.types().count("engine_lost") == 1
    assert house.live().media.offers == {}, "nobody answers an offer of the former engine"
    await pages["zhang"].send("publish", sdp="v=0", tracks=[{"mid": "0", "source": "microphone"}])
    await pages["zhang"].told("published", count=2)


async def test_an_engine_that_was_only_out_of_reach_keeps_its_media(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["zhang"].send("subscribe")
    await pages["zhang"].told("offer")
    house.engine.lose()
    await pages["zhang"].sees(lambda view: view["media"] == "away")
    house.engine.up()
    await pages["zhang"].sees(lambda view: view["media"] == "up")
    assert (await house.logged("engine_restored")).data["replaced"] is False
    assert not any(message["type"] == "media_reset" for page in pages.values() for message in page.heard)
    assert house.live().media.offers.keys() == {"e-zhang"}


async def test_what_changed_while_the_engine_was_away_is_done_when_it_is_back(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await publishing(pages["zhang"], "microphone")
    await house.routed(lambda routing: MICROPHONE in routing.publish["e-zhang"])
    house.engine.lose()
    await pages["judge"].send("mute", participant="zhang", source="microphone")
    await pages["judge"].send("remove", participant="li", reason="disturbs")
    await pages["li"].closed()
    assert house.passes("e-zhang", MICROPHONE), "it cannot know yet"
    told = len(house.engine.history)
    house.engine.up()
    await until(lambda: len(house.engine.history) > told)
    assert house.engine.history[told][1] == routing(house.state())
    assert not house.passes("e-zhang", MICROPHONE)


async def test_an_engine_that_goes_and_comes_in_one_breath_leaves_no_alert_behind(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    house.engine.lose()
    house.engine.up()
    await house.logged("alert_cleared")
    await pages["judge"].sees(lambda view: not view["alerts"] and view["media"] == "up")
    assert [kind for kind in house.types() if kind.startswith(("engine", "alert"))] == [
        "engine_lost", "alert_raised", "engine_restored", "alert_cleared",
    ]  # fmt: skip


async def test_while_nobody_is_inside_no_engine_is_missed(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.hub.ENGINE_GRACE_S", 0.0)
    await house.hub.open(make_plan())
    zhang = await house.enter("zhang")
    house.engine.lose()
    await zhang.sees(lambda view: view["media"] == "away")
    judge = await house.enter("judge")
    await judge.sees(lambda view: alerts(view) == ["engine_lost"])


async def test_an_engine_that_refuses_is_asked_again_until_it_does_it(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await publishing(pages["zhang"], "microphone")
    house.engine.faults["apply"] = "failed"
    told = len(house.engine.history)
    await pages["judge"].send("mute", participant="zhang", source="microphone")
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["microphone"]["muted_by_chair"])
    assert len(house.engine.history) == told
    house.engine.faults.clear()
    await house.routed(lambda routing: routing.publish["e-zhang"] == frozenset())


async def test_a_defect_on_the_way_to_the_engine_leaves_nobody_with_a_former_right(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await publishing(pages["zhang"], "microphone")
    await house.routed(lambda routing: MICROPHONE in routing.publish["e-zhang"])

    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    house.engine.apply = breaks  # type: ignore[assignment,method-assign]
    await pages["judge"].send("mute", participant="zhang", source="microphone")
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["microphone"]["muted_by_chair"])
    assert house.passes("e-zhang", MICROPHONE)
    del house.engine.apply
    await house.routed(lambda routing: routing.publish["e-zhang"] == frozenset())


async def test_the_desired_state_is_stated_again_from_time_to_time(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happened to the engine's: here it forgot the conference without anybody's noticing."""
    monkeypatch.setattr(media_link, "AGAIN_S", 0.05)
    await house.opened("zhang")
    house.engine.routings.clear()
    assert "e-zhang" in (await house.routed(lambda routing: True)).publish


async def test_the_same_state_is_not_stated_twice_in_a_row(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["judge"].send("source", source="camera", on=True)
    await house.routed(lambda routing: CAMERA in routing.publish["e-judge"])
    told = len(house.engine.history)
    await house.hub.consent("sitting", "zhang", version="1", text_sha256="ab", device="phone")
    await pages["judge"].sees(lambda view: person(view, "zhang")["consented"])
    await house.live().media.settled()
    assert len(house.engine.history) == told


async def test_a_closed_sitting_ends_its_router_however_often_it_takes(house: Courthouse) -> None:
    house.engine.faults["close_router"] = "timeout"
    pages = await house.gathered()
    await pages["judge"].send("stage", to="closed")
    await pages["judge"].closed()
    assert "sitting" in house.engine.routings
    house.engine.faults.clear()
    await until(lambda: "sitting" not in house.engine.routings and house.hub.overview("sitting") is None)


# ------------------------------------------------------------------------------------------------ negotiation


async def test_a_page_publishes_and_subscribes(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    zhang = pages["zhang"]
    transport = await publishing(zhang, "camera")
    assert house.engine.endpoints["sitting"]["e-zhang"]["publish"]["transport"] == transport
    await zhang.send("subscribe")
    offer = await zhang.told("offer")
    assert house.live().media.offers["e-zhang"].transport == offer["transport"]
    await zhang.send("answer", transport=offer["transport"], revision=1, sdp="v=0")
    await until(lambda: not house.live().media.offers)
    await zhang.send("subscribe")
    again = await zhang.told("offer", count=2)
    assert again["transport"] != offer["transport"]


async def test_an_observer_subscribes_and_publishes_nothing(house: Courthouse) -> None:
    await house.opened("zhang")
    officer = await house.watch()
    await officer.send("subscribe")
    assert (await officer.told("offer"))["revision"] == 1
    assert await officer.refused("publish", **CAMERA_OFFER) == "not_inside"


@pytest.mark.parametrize("kind", ["publish", "subscribe", "answer"])
async def test_who_waits_has_no_media(house: Courthouse, kind: str) -> None:
    await house.opened()
    fields = {"publish": CAMERA_OFFER, "subscribe": {}, "answer": {"transport": "s1", "revision": 1, "sdp": "v=0"}}[kind]
    for page in (await house.enter("zhang"), await house.enter(ticket("judge", "phone"))):
        assert await page.refused(kind, **fields) == "not_inside"
    assert house.engine.endpoints["sitting"].keys() <= {"e-judge"}


async def test_who_is_admitted_publishes_at_once_because_the_engine_knows_him_first(house: Courthouse) -> None:
    pages = await house.opened()
    zhang = await house.enter("zhang")
    for _ in range(10):
        await pages["judge"].send("admit")
        await zhang.sees(lambda view: view["place"] == "inside")
        told = sum(message["type"] == "published" for message in zhang.heard)
        await zhang.send("publish", **CAMERA_OFFER)
        await zhang.told("published", count=told + 1)
        await pages["judge"].send("to_waiting", participant="zhang")
        await zhang.sees(lambda view: view["place"] == "waiting")
    assert not any(message["type"] == "error" for message in zhang.heard)


async def test_a_new_offer_of_the_engine_goes_to_whom_it_is_for(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].send("subscribe")
    await pages["zhang"].told("offer")
    house.engine.offer_again("sitting", "e-zhang", {"mid": "0", "endpoint": "e-li", "source": "camera"})
    offer = await pages["zhang"].told("offer", revision=2)
    assert offer["tracks"] == [{"mid": "0", "endpoint": "e-li", "source": "camera"}]
    assert not any(message["type"] == "offer" for message in pages["li"].heard)
    house.engine.emit(EngineEvent("offer", "elsewhere", "e-li", {"offer": house.live().media.offers["e-zhang"]}))
    house.engine.emit(EngineEvent("producer", "sitting", "e-li", {"source": "camera", "state": "open"}))
    await pages["li"].send("source", source="camera", on=True)
    await pages["li"].sees(lambda view: person(view, "li")["sources"]["camera"]["on"])
    assert not any(message["type"] == "offer" for message in pages["li"].heard)


async def test_an_offer_that_was_not_answered_is_sent_again_to_a_page_that_comes_back_with_its_transport(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["zhang"].send("subscribe")
    transport = (await pages["zhang"].told("offer"))["transport"]
    house.engine.offer_again("sitting", "e-zhang")
    await pages["zhang"].told("offer", revision=2)
    await pages["zhang"].vanish()
    back = await house.enter("zhang", subscribe=transport)
    assert (await back.told("welcome"))["keep_subscribe"]
    assert (await back.told("offer"))["revision"] == 2
    without = await house.enter("zhang")
    await without.send("source", source="camera", on=True)
    await without.sees(lambda view: person(view, "zhang")["sources"]["camera"]["on"])
    assert not any(message["type"] == "offer" for message in without.heard)


async def test_a_page_that_came_while_the_engine_was_away_is_told_to_build_when_it_is_there(house: Courthouse) -> None:
    pages = await house.opened()
    house.engine.lose()
    clerk = await house.enter("clerk", publish="p1")
    assert ((await clerk.told("welcome"))["keep_publish"], clerk.view["media"]) == (False, "away")
    house.engine.up()
    await clerk.told("media_reset")
    await clerk.sees(lambda view: view["media"] == "up")
    assert not any(message["type"] == "media_reset" for message in pages["judge"].heard), "hers may have flowed on"


async def test_an_engine_that_cannot_report_keeps_nothing(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    transport = await publishing(pages["zhang"], "camera")
    house.engine.faults["report"] = "timeout"
    back = await house.enter("zhang", publish=transport)
    assert (await back.told("welcome"))["keep_publish"] is False


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("lost", "media_away"),
        ("timeout", "media_away"),
        ("unknown_router", "media_away"),
        ("unknown_endpoint", "not_inside"),
        ("bad_sdp", "bad_sdp"),
        ("unsupported_codec", "unsupported_codec"),
        ("malformed", "media_failed"),
        ("failed", "media_failed"),
        ("a code of tomorrow", "media_failed"),
    ],
)
async def test_what_the_engine_says_is_told_in_words_of_the_protocol(house: Courthouse, code: str, told: str) -> None:
    page = (await house.opened("zhang"))["zhang"]
    house.engine.faults |= {"publish": code, "subscribe": code}
    assert await page.refused("publish", **CAMERA_OFFER) == told
    assert await page.refused("subscribe") == told


async def test_a_negotiation_that_breaks_off_costs_the_next_one_nothing(house: Courthouse) -> None:
    page = (await house.opened("zhang"))["zhang"]

    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    house.engine.publish = breaks  # type: ignore[assignment,method-assign]
    assert await page.refused("publish", **CAMERA_OFFER) == "media_failed"
    del house.engine.publish
    await page.send("publish", **CAMERA_OFFER)
    await page.told("published")


async def test_an_engine_that_never_settles_is_away(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_link, "SETTLE_LIMIT_S", 0.1)
    pages = await house.opened("zhang")
    await pages["zhang"].send("source", source="camera", on=True)
    await house.routed(lambda routing: CAMERA in routing.publish["e-zhang"])
    house.engine.gate.clear()
    await pages["judge"].send("mute", participant="zhang", source="camera")
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["muted_by_chair"])
    assert await pages["zhang"].refused("publish", **CAMERA_OFFER) == "media_away"
    house.engine.gate.set()


# ------------------------------------------------------------------------------------------------ measuring


async def test_a_source_is_live_when_its_packets_arrive(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].send("source", source="camera", on=True)
    await pages["li"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["on"])
    assert not person(pages["li"].view, "zhang")["sources"]["camera"]["live"]
    await publishing(pages["zhang"], "camera")
    await pages["li"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["live"])
    del house.engine.endpoints["sitting"]["e-zhang"]["publish"]["producers"]["camera"]
    await pages["li"].sees(lambda view: not person(view, "zhang")["sources"]["camera"]["live"])


async def measured(house: Courthouse) -> None:
    """Steps of five seconds pass, with reports of the engine in between."""
    for _ in range(3):
        house.clock.forward(2.5)
        await house.reported()


DOWN: dict[str, Any] = {"lost_percent": 7.25, "jitter_ms": 8, "rtt_ms": 300, "bps": 1_234_567, "height": 720, "frames_per_s": 25}
DOWN |= {"freezes": 0, "codec": "VP8", "candidate": "relay", "protocol": "tls"}


async def test_the_network_is_the_worse_of_both_directions_each_as_its_receiver_measured_it(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await publishing(pages["zhang"], "camera", "microphone")
    await pages["zhang"].send("subscribe")
    await pages["zhang"].told("offer")
    await measured(house)
    await pages["judge"].sees(lambda view: person(view, "zhang")["network"])
    await pages["zhang"].send("quality", up=DOWN | {"rtt_ms": 900, "bps": 0}, down=DOWN)
    await measured(house)
    seen = await pages["judge"].sees(lambda view: person(view, "zhang")["network"]["lost_percent"] == 7.2)
    network = person(seen, "zhang")["network"]
    assert network == {
        "score": "poor", "up": "good", "down": "poor", "blocked": False,
        "lost_percent": 7.2, "rtt_ms": 300.0, "received_bps": 1_235_000.0, "sent_bps": 0.0,
    }  # fmt: skip
    overview = house.hub.overview("sitting")
    assert overview is not None
    assert {p["id"]: p["network"] for p in overview.participants}["zhang"] == network
    await pages["zhang"].sees(lambda view: person(view, "zhang")["network"]["score"] == "poor")
    assert set(person(pages["zhang"].view, "zhang")["network"].items()) >= {("up", "good"), ("lost_percent", None), ("rtt_ms", None)}
    assert person(pages["li"].view, "zhang")["network"] is None
    assert "quality" not in " ".join(house.types())


async def test_a_path_on_which_nothing_gets_through_is_bad(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await publishing(pages["zhang"], "camera")
    await pages["zhang"].send("subscribe")
    await pages["zhang"].told("offer")
    await measured(house)
    await pages["judge"].sees(lambda view: (person(view, "zhang")["network"] or {}).get("score") == "good")
    for side in house.engine.endpoints["sitting"]["e-zhang"].values():
        side["state"] = "stale"
    await pages["judge"].sees(lambda view: person(view, "zhang")["network"]["blocked"])
    await pages["zhang"].sees(lambda view: person(view, "zhang")["network"]["score"] == "bad")
    house.engine.lose()
    await pages["zhang"].sees(lambda view: person(view, "zhang")["network"] is None)


async def test_figures_go_with_the_one_they_are_of(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await publishing(pages["zhang"], "camera")
    await pages["zhang"].send("subscribe")
    await pages["zhang"].told("offer")
    await measured(house)
    await pages["judge"].sees(lambda view: person(view, "zhang")["network"])
    await pages["judge"].send("remove", participant="zhang", reason="disturbs")
    await pages["judge"].sees(lambda view: person(view, "zhang")["network"] is None)
    assert house.live().media.offers == {}


async def test_a_browser_that_goes_on_sending_what_it_may_not_is_noted_once(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await publishing(pages["zhang"], "microphone")
    await publishing(pages["li"], "microphone")
    for who in ("zhang", "li"):
        await pages["judge"].send("mute", participant=who, source="microphone")
    counters = {who: house.engine.endpoints["sitting"][f"e-{who}"]["publish"]["producers"]["microphone"] for who in ("zhang", "li")}
    counters["li"]["dropped_not_permitted"] = 40
    seen = await _while_sending(house, pages["judge"], counters["zhang"])
    alert = next(a for a in seen["alerts"] if a["code"] == "disobedient_client")
    assert (alert["severity"], alert["data"]) == ("warning", {"participant": "zhang", "name": "张某", "source": "microphone"})
    row = await house.logged("disobedient")
    assert (row.data["endpoint"], row.data["source"]) == ("e-zhang", "microphone")
    assert house.types().count("disobedient") == 1
    assert pages["zhang"].view["alerts"] == []


async def _while_sending(house: Courthouse, judge: Page, counters: dict[str, Any]) -> dict[str, Any]:
    """Fifty packets a report are dropped until the judge is told, and for some reports more."""
    sent = 0
    report = house.engine.report

    async def one_second_later() -> Any:
        nonlocal sent
        sent += 1
        counters["dropped_not_permitted"] += 50
        return await report()

    house.engine.report = one_second_later  # type: ignore[method-assign]
    seen = await judge.sees(lambda view: "disobedient_client" in alerts(view))
    enough = sent + 5
    await until(lambda: sent >= enough)
    return seen
