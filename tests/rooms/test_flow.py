"""What pages show, what is wanted of whom, what a path carries and who speaks: it reaches whom it concerns, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from rooms import media_link, metrics
from rooms.desired import floor
from rooms.flow import Flow
from rooms.media.engine import EngineEvent, Routing, Source, TrackKey
from rooms.protocol import Show, Shown
from tests.rooms.courthouse import Courthouse, Page, until
from tests.rooms.making import Sitting, make_plan, room_ticket

CAMERA, SCREEN = Source.CAMERA, Source.SCREEN
AT = ("sitting", "e-zhang")


def shown(endpoint: str, height: int, source: str = "camera") -> dict[str, Any]:
    return {"endpoint": endpoint, "source": source, "height": height}


def heard(page: Page, kind: str) -> list[dict[str, Any]]:
    return [message for message in page.heard if message["type"] == kind]


# ------------------------------------------------------------------------------------------------ what a page shows


async def test_the_engine_is_told_what_a_page_shows_of_what_it_may_watch(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    pictures = [shown("e-li", 360), shown("e-judge", 0, "screen"), shown("e-zhang", 720), shown("e-nobody", 720)]
    await pages["zhang"].send("show", pictures=pictures)
    await until(lambda: AT in house.engine.shown)
    assert house.engine.shown[AT] == {TrackKey("e-li", CAMERA): 360, TrackKey("e-judge", SCREEN): 0}
    await pages["zhang"].send("show", pictures=[shown("e-li", 180)])
    await until(lambda: house.engine.shown[AT] == {TrackKey("e-li", CAMERA): 180})


async def test_an_observer_says_what_it_shows_and_who_waits_does_not(house: Courthouse) -> None:
    await house.opened("zhang")
    officer, li = await house.watch(), await house.enter("li")
    assert await li.refused("show", pictures=[shown("e-zhang", 90)]) == "not_inside"
    await officer.send("show", pictures=[shown("e-zhang", 90)])
    await until(lambda: house.engine.shown)
    assert list(house.engine.shown.values()) == [{TrackKey("e-zhang", CAMERA): 90}]


@pytest.mark.parametrize("picture", [shown("e-li", -1), shown("e-li", 8193), shown("e-li", 1, "nose"), shown("../e", 1)])
async def test_what_is_no_picture_ends_the_connection(house: Courthouse, picture: dict[str, Any]) -> None:
    pages = await house.opened("zhang")
    await pages["zhang"].send("show", pictures=[picture])
    assert await pages["zhang"].sent_away() == (4400, "malformed")


async def test_more_pictures_than_a_hearing_has_end_the_connection(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["zhang"].send("show", pictures=[shown(f"e-{n}", 90) for n in range(65)])
    assert await pages["zhang"].sent_away() == (4400, "malformed")


async def test_another_engine_and_a_fresh_connection_are_told_what_was_shown_before(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].send("show", pictures=[shown("e-li", 360)])
    await until(lambda: AT in house.engine.shown)
    house.engine.lose()
    house.engine.up("engine-2")
    await until(lambda: house.engine.shown.get(AT) == {TrackKey("e-li", CAMERA): 360})
    house.engine.shown.clear()
    await pages["zhang"].send("subscribe")
    await until(lambda: AT in house.engine.shown)


async def test_what_the_engine_refuses_of_it_holds_up_no_right(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_link, "AGAIN_S", 0.05)
    pages = await house.opened("zhang", "li")
    house.engine.faults["show"] = "failed"
    refused = metrics.ENGINE_REFUSALS.labels("show", "failed")
    before = refused._value.get()
    await pages["zhang"].send("show", pictures=[shown("e-li", 360)])
    await until(lambda: refused._value.get() > before)
    await pages["judge"].send("to_waiting", participant="li")
    await house.routed(lambda routing: "e-li" not in routing.publish)
    house.engine.faults.clear()
    await until(lambda: house.engine.shown.get(AT) == {})


async def test_what_somebody_showed_is_forgotten_with_his_place(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].send("show", pictures=[shown("e-li", 360)])
    await until(lambda: AT in house.engine.shown)
    await pages["judge"].send("to_waiting", participant="zhang")
    await house.routed(lambda routing: "e-zhang" not in routing.watch)
    await house.live().media.settled()
    await pages["judge"].send("admit")
    back = await house.routed(lambda routing: "e-zhang" in routing.watch)
    house.live().media.flow.tell_again()
    assert list(house.live().media.flow.untold(back)) == []


# ------------------------------------------------------------------------------------------------ what the engine says


async def test_what_is_wanted_is_told_to_its_publisher_alone_and_again_to_a_page_that_kept_its_connection(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].send("publish", sdp="v=0", tracks=[{"mid": "0", "source": "camera"}])
    transport = (await pages["zhang"].told("published"))["transport"]
    house.engine.emit(EngineEvent("demand", *AT, {"source": "camera", "wanted": True, "rids": ["q", "h"]}))
    told = await pages["zhang"].told("demand")
    assert (told["source"], told["wanted"], told["rids"]) == ("camera", True, ["q", "h"])
    house.engine.emit(EngineEvent("demand", *AT, {"source": "camera", "wanted": False, "rids": []}))
    await pages["zhang"].told("demand", wanted=False)
    await pages["zhang"].vanish()
    again = await house.enter("zhang", publish=transport)
    assert (await again.told("demand"))["wanted"] is False
    fresh = await house.enter("zhang")
    await fresh.told("speaker")
    assert not any(heard(page, "demand") for page in (pages["li"], pages["judge"], fresh))


async def test_a_track_that_ended_is_not_wanted_any_more(house: Courthouse) -> None:
    await house.opened("zhang")
    flow = house.live().media.flow
    house.engine.emit(EngineEvent("producer", *AT, {"source": "camera", "state": "open"}))
    house.engine.emit(EngineEvent("demand", *AT, {"source": "camera", "wanted": True, "rids": []}))
    assert [demand.source for demand in flow.demands("e-zhang")] == [CAMERA]
    house.engine.emit(EngineEvent("producer", *AT, {"source": "camera", "state": "closed"}))
    assert flow.demands("e-zhang") == ()


async def test_what_a_path_carries_is_told_to_its_viewer_alone_and_again_when_he_comes_back(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    house.engine.emit(EngineEvent("downlink", *AT, {"state": "smaller", "estimate_bps": 400_000}))
    told = await pages["zhang"].told("downlink")
    assert (told["state"], told["estimate_bps"]) == ("smaller", 400_000)
    again = await house.enter("zhang")
    await again.told("downlink", state="smaller")
    assert not any(heard(page, "downlink") for page in (pages["li"], pages["judge"]))


async def test_who_speaks_is_told_to_all_who_see_the_hearing_and_to_who_comes_in(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    officer, li = await house.watch(), await house.enter("li")
    house.engine.emit(EngineEvent("speaker", *AT))
    for page in (*pages.values(), officer):
        await page.told("speaker", endpoint="e-zhang")
    assert await li.refused("show", pictures=[]) == "not_inside"
    assert not heard(li, "speaker"), "who waits learns nothing of what goes on"
    await pages["judge"].send("admit")
    await li.told("speaker", endpoint="e-zhang")
    house.engine.emit(EngineEvent("speaker", "sitting", ""))
    for page in (*pages.values(), officer, li):
        await until(lambda told=page: heard(told, "speaker")[-1]["endpoint"] is None)  # type: ignore[misc]


async def test_another_engine_knows_nothing_of_all_that(house: Courthouse) -> None:
    await house.opened("zhang")
    flow = house.live().media.flow
    house.engine.emit(EngineEvent("speaker", *AT))
    house.engine.emit(EngineEvent("downlink", *AT, {"state": "audio", "estimate_bps": 1}))
    house.engine.emit(EngineEvent("demand", *AT, {"source": "camera", "wanted": True, "rids": []}))
    assert (flow.speaker, len(flow.seen_by("e-zhang", Routing())), len(flow.demands("e-zhang"))) == ("e-zhang", 2, 1)
    house.engine.lose()
    house.engine.up("engine-2")
    assert (flow.speaker, len(flow.seen_by("e-zhang", Routing())), len(flow.demands("e-zhang"))) == ("", 1, 0)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("demand", {"source": "nose", "wanted": True, "rids": []}),
        ("demand", {"source": "camera"}),
        ("downlink", {"state": "bad", "estimate_bps": 1}),
        ("downlink", {"state": "full", "estimate_bps": "much"}),
    ],
)
async def test_an_event_that_is_not_understood_disturbs_nobody(house: Courthouse, name: str, fields: dict[str, Any]) -> None:
    pages = await house.opened("zhang")
    house.engine.emit(EngineEvent(name, *AT, fields))
    house.engine.emit(EngineEvent("speaker", *AT))
    await pages["zhang"].told("speaker", endpoint="e-zhang")
    assert not heard(pages["zhang"], name)


# ------------------------------------------------------------------------------------------------ whose pictures come first


def test_who_presides_has_the_floor() -> None:
    assert floor(Sitting().opened("zhang", "li").state) == {"e-judge"}


async def test_a_room_has_the_floor_while_somebody_there_is_marked_as_speaking(house: Courthouse) -> None:
    await house.hub.open(make_plan())
    for person in ("zhang", "li"):
        await house.hub.consent("sitting", person, version="1", text_sha256="ab", device="第一法庭主机")
        await house.hub.sit_down("sitting", person, endpoint="room", device="第一法庭主机")
    judge, room = await house.enter("judge"), await house.enter(room_ticket())
    await judge.send("admit")
    await room.sees(lambda view: view["place"] == "inside")
    await house.routed(lambda routing: routing.floor == {"e-judge"})
    await judge.send("voice", participant="li", endpoint="room")
    await house.routed(lambda routing: routing.floor == {"e-judge", "room"})


def test_nobody_learns_who_speaks_that_he_may_not_hear() -> None:
    flow = Flow()
    voice = frozenset({TrackKey("e-witness", Source.MICROPHONE)})
    desired = Routing(watch={"e-judge": voice, "e-li": frozenset({TrackKey("e-witness", CAMERA)}), "e-witness": frozenset()})
    flow.speaks("e-witness")
    told = {endpoint: flow.heard_by(endpoint, desired).endpoint for endpoint in ("e-judge", "e-witness", "e-li", "e-elsewhere")}
    assert told == {"e-judge": "e-witness", "e-witness": "e-witness", "e-li": None, "e-elsewhere": None}
    flow.speaks("")
    assert flow.heard_by("e-judge", desired).endpoint is None


def test_who_says_nothing_is_taken_to_show_what_a_hearing_of_that_size_allows() -> None:
    flow = Flow()
    cameras = {name: TrackKey(name, CAMERA) for name in ("e-a", "e-b")}
    watch = {"e-a": frozenset({cameras["e-b"], TrackKey("e-b", SCREEN)}), "e-b": frozenset({cameras["e-a"]})}
    desired = Routing(watch=watch)

    def told(usual: int | None) -> dict[str, Any]:
        found = dict(flow.untold(desired, usual))
        for endpoint, heights in found.items():
            flow.told(endpoint, heights)
        return found

    assert told(None) == {}
    flow.shows("e-a", Show(pictures=(Shown(endpoint="e-b", source=CAMERA, height=700),)))
    assert told(180) == {"e-a": {cameras["e-b"]: 700}, "e-b": {cameras["e-a"]: 180}}
    assert told(180) == {}
    flow.tell_again()
    assert told(None) == {"e-a": {cameras["e-b"]: 700}, "e-b": {}}, "with few people it is its full size again"
