"""A browser that lacks the codec of somebody's picture: its owner is told, and so are chair and clerk, as long as it is so."""

from __future__ import annotations

from typing import Any

from tests.rooms.courthouse import Courthouse, Page, person

CODE = "picture_undecodable"


def unseen(view: dict[str, Any], of: str) -> bool:
    found: bool = person(view, of)["sources"]["camera"]["undecodable"]
    return found


def told(view: dict[str, Any]) -> list[dict[str, str]]:
    """The data of the alerts about it."""
    return [alert["data"] for alert in view["alerts"] if alert["code"] == CODE]


async def watching(house: Courthouse, *who: str) -> dict[str, Page]:
    """A hearing in which these receive."""
    pages = await house.opened("zhang", "li", "clerk")
    for name in who:
        await pages[name].send("subscribe")
        await pages[name].told("offer")
    return pages


def report(house: Courthouse, viewer: str, *tracks: str) -> None:
    """The engine reports that a viewer's browser answered without the codec of these tracks."""
    consumers = {track: {"fraction_lost": 0.0, "rtt_ms": None, "undecodable": True} for track in tracks}
    house.engine.endpoints["sitting"][f"e-{viewer}"]["subscribe"]["consumers"] = consumers


async def test_its_owner_sees_whose_picture_it_is_and_nobody_else_does(house: Courthouse) -> None:
    pages = await watching(house, "zhang")
    report(house, "zhang", "e-li/camera")
    seen = await pages["zhang"].sees(lambda view: unseen(view, "li"))
    assert not unseen(seen, "judge")
    assert not person(seen, "li")["sources"]["screen"]["undecodable"]
    assert not unseen(pages["li"].view, "li")
    assert not unseen(pages["judge"].view, "li")


async def test_chair_and_clerk_are_told_who_cannot_see_whom_and_when_it_is_over(house: Courthouse) -> None:
    pages = await watching(house, "zhang")
    report(house, "zhang", "e-li/camera")
    expected = {"participant": "zhang", "name": "张某", "whose": "李某"}
    for who in ("judge", "clerk"):
        await pages[who].sees(lambda view: told(view) == [expected])
    assert told(pages["zhang"].view) == []
    report(house, "zhang", "e-li/camera", "e-judge/camera")
    await pages["judge"].sees(lambda view: [data["whose"] for data in told(view)] == ["审判长 周正、李某"])
    report(house, "zhang")
    await pages["judge"].sees(lambda view: told(view) == [])
    assert not unseen((await pages["zhang"].sees(lambda view: not unseen(view, "li"))), "li")


async def test_an_alert_goes_with_the_one_it_is_of(house: Courthouse) -> None:
    pages = await watching(house, "zhang")
    report(house, "zhang", "e-li/camera")
    await pages["judge"].sees(lambda view: len(told(view)) == 1)
    await pages["judge"].send("remove", participant="zhang", reason="disturbs")
    await pages["judge"].sees(lambda view: told(view) == [])
