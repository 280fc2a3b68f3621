"""A phone sends and officers watch, over real WebSockets: who may what, how it comes back, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from rooms.feeds import feed as feeds
from rooms.feeds.feed import Cause, Feed
from rooms.feeds.feeds import LIMIT
from rooms.media.engine import EngineEvent, Source, TrackKey
from rooms.plan import Ticket
from rooms.protocol import UserError
from tests.rooms.courthouse import Courthouse, Page, until

from .test_feed import ABOUT

FEED = ABOUT.id
OFFER: dict[str, Any] = {"sdp": "v=0 phone", "tracks": [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]}


def phone(endpoint: str = "phone") -> Ticket:
    return Ticket(FEED, endpoint, "participant", (ABOUT.owner,), "手机", ABOUT.owner)


def officer(endpoint: str = "wall-1", name: str = "梁雨") -> Ticket:
    return Ticket(FEED, endpoint, "observer", (), name, "u-liang")


async def sending(house: Courthouse) -> Page:
    house.hub.feeds.start(ABOUT)
    page = await house.enter(phone())
    await page.sees(lambda view: view["place"] == "inside")
    return page


def routing(house: Courthouse) -> Any:
    return house.engine.routings[FEED]


async def test_a_phone_sends_an_officer_watches_and_each_sees_of_the_other(house: Courthouse) -> None:
    page = await sending(house)
    await page.send("publish", **OFFER)
    await page.told("published")
    house.engine.emit(EngineEvent("producer", FEED, "phone", {"source": "camera", "state": "open"}))
    watcher = await house.enter(officer())
    await watcher.sees(lambda view: view["rights"]["see"] and view["participants"][0]["sources"]["camera"]["live"])
    await page.sees(lambda view: view["watchers"] == ["梁雨"])
    assert routing(house).watch["wall-1"] == {TrackKey("phone", Source.MICROPHONE), TrackKey("phone", Source.CAMERA)}
    await watcher.send("subscribe")
    offer = await watcher.told("offer")
    await watcher.send("answer", transport=offer["transport"], revision=offer["revision"], sdp="v=0")
    await watcher.send("show", pictures=[{"endpoint": "phone", "source": "camera", "height": 360}])
    await until(lambda: house.engine.shown.get((FEED, "wall-1")) == {TrackKey("phone", Source.CAMERA): 360})
    house.engine.emit(EngineEvent("demand", FEED, "phone", {"source": "camera", "wanted": True, "rids": ["q"]}))
    assert (await page.told("demand"))["rids"] == ["q"]
    await watcher.send("leave")
    assert await watcher.sent_away() == (1000, "left")
    await page.sees(lambda view: view["watching"] == 0)
    await until(lambda: "wall-1" not in routing(house).watch)


async def test_nobody_but_the_phone_sends_and_nobody_does_anything_else(house: Courthouse) -> None:
    page, watcher = await sending(house), await house.enter(officer())
    assert await watcher.refused("publish", **OFFER) == "not_inside"
    for who in (page, watcher):
        assert await who.refused("mute_all") == "not_allowed"
    assert await watcher.refused("source", source="camera", on=False) == "not_allowed"
    assert await page.refused("source", source="screen", on=True) == "not_allowed"
    await page.send("source", source="microphone", on=False)
    await watcher.sees(lambda view: not view["participants"][0]["sources"]["microphone"]["on"])
    assert routing(house).publish["phone"] == {Source.CAMERA}


async def test_a_short_disconnection_keeps_the_place_and_the_media(house: Courthouse) -> None:
    page, watcher = await sending(house), await house.enter(officer())
    await page.send("publish", **OFFER)
    transport = (await page.told("published"))["transport"]
    await page.vanish()
    await watcher.sees(lambda view: view["participants"][0]["presence"] == "lost")
    again = await house.enter(phone(), publish=transport)
    assert (await again.told("welcome"))["keep_publish"]
    await watcher.sees(lambda view: view["participants"][0]["presence"] == "present")
    assert all(tracks.publish["phone"] for router, tracks in house.engine.history if router == FEED)


async def test_another_phone_of_the_same_person_takes_over(house: Courthouse) -> None:
    page, watcher = await sending(house), await house.enter(officer())
    other = await house.enter(phone("phone-2"))
    assert (await page.sent_away())[1] == "replaced"
    await other.sees(lambda view: view["place"] == "inside")
    await watcher.sees(lambda view: view["participants"][0]["endpoint"] == "phone-2")
    assert set(routing(house).publish) == {"phone-2", "wall-1"}


@pytest.mark.parametrize("cause", ["stopped", "lost", "unwatched"])
async def test_it_ends_for_everybody_and_says_why(house: Courthouse, monkeypatch: pytest.MonkeyPatch, cause: Cause) -> None:
    ended: list[tuple[str, Cause]] = []

    async def note(feed: Feed, why: Cause) -> None:
        ended.append((feed.about.name, why))

    house.hub.feeds.on_end(note)
    page = await sending(house)
    if cause == "stopped":
        watcher = await house.enter(officer())
        await page.send("leave")
        assert (await page.sent_away())[1] == "left"
        assert await watcher.sent_away() == (4411, "feed_over")
    elif cause == "lost":
        watcher = await house.enter(officer())
        monkeypatch.setattr(feeds, "LOST_S", 0.0)
        await page.vanish()
        assert await watcher.sent_away() == (4411, "feed_over")
    else:
        monkeypatch.setattr(feeds, "UNWATCHED_S", 0.0)
        assert await page.sent_away() == (4411, "feed_over")
    await until(lambda: ended == [("林涛", cause)])
    assert house.hub.feeds.overviews() == []
    await until(lambda: FEED not in house.engine.routings)
    gone = await house.connect(phone())
    assert (await gone.sent_away())[0] == 4404, "a page that comes too late does not begin it again"


async def test_another_engine_has_its_pages_begin_anew(house: Courthouse) -> None:
    page, watcher = await sending(house), await house.enter(officer())
    house.engine.lose()
    await watcher.sees(lambda view: view["media"] == "away")
    assert await page.refused("publish", **OFFER) == "media_away"
    house.engine.up("engine-2")
    await page.told("media_reset")
    await watcher.told("media_reset")
    await watcher.sees(lambda view: view["media"] == "up")
    await page.send("publish", **OFFER)
    await page.told("published")
    assert routing(house).publish["phone"]


async def test_a_server_that_ends_tells_phones_to_come_back(house: Courthouse) -> None:
    page = await sending(house)
    closing = asyncio.create_task(house.hub.feeds.close())
    assert (await page.sent_away())[1] == "reconnect"
    await closing


async def test_one_that_goes_on_is_of_the_task_that_is_named_now_and_there_is_a_limit(house: Courthouse) -> None:
    feeds_ = house.hub.feeds
    assert feeds_.start(ABOUT)[1] is True
    assert feeds_.start(replace(ABOUT, task="t-2", number="2026-0008"))[1] is False
    assert feeds_.overviews()[0]["number"] == "2026-0008"
    for number in range(LIMIT - 1):
        feeds_.start(replace(ABOUT, id=f"feed-{number}", owner=f"u-{number}"))
    with pytest.raises(UserError, match="feeds at one time"):
        feeds_.start(replace(ABOUT, id="feed-more", owner="u-more"))
