"""The page of a sitting's connections: hours that are kept, also when the sitting is over, and points bit by bit, for whom it is meant."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from dispatch.sittings import sittings
from dispatch.sittings.moments import microseconds
from dispatch.sittings.quality import QualityKeeper
from rooms.figures import STEP_US, Figures, Point, Score
from rooms.protocol import SUBPROTOCOL
from tests.dispatch.web.conftest import NOW, Site

START_US = microseconds(NOW) - 20 * STEP_US


@pytest.fixture
async def sitting(site: Site) -> str:
    """A sitting in which the party was measured for a minute and a half, the last half minute badly."""
    sitting = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(sitting)
    party = next(each for each in (await sittings.get(site.db, sitting)).participants if each.name == "刘芳")
    for number in range(18):
        figures = Figures(
            lost_percent=25.0 if number >= 12 else 0.0, rtt_ms=40, bps=8e5, freezes=1, frozen_ms=500, candidate="relay", protocol="tls"
        )
        point = Point(START_US + number * STEP_US, figures, Score.BAD if number >= 12 else Score.GOOD)
        site.context.hub._lives[sitting].quality.keep([party.id], "up", point)
    return sitting


@pytest.mark.parametrize("role", ["officer", "clerk"])
async def test_hours_are_shown_with_scores_figures_and_ways(site: Site, sitting: str, role: str) -> None:
    await QualityKeeper(site.db, site.context.hub).keep()
    page = await (await site.signed_in(role)).page(f"/sittings/{sitting}/connections")
    for words in ("Good 0:01:00", "Bad 0:00:30", "18 times, 9.0 s", "by relay over TLS", "0.0 % · 2", "800"):
        assert words in page, words
    assert "data-live" in page


async def test_they_are_there_when_the_sitting_is_over(site: Site, sitting: str) -> None:
    await QualityKeeper(site.db, site.context.hub).keep()
    live = site.context.hub._lives.pop(sitting)
    page = await (await site.signed_in("officer")).page(f"/sittings/{sitting}/connections")
    assert "Good 0:01:00" in page
    assert "The sitting does not go on now." in page
    site.context.hub._lives[sitting] = live


@pytest.mark.parametrize(("role", "status"), [("judge", 403), ("prosecutor", 403), ("administrator", 403)])
async def test_nobody_else_may_look(site: Site, sitting: str, role: str, status: int) -> None:
    assert (await (await site.signed_in(role)).get(f"/sittings/{sitting}/connections")).status == status


async def test_an_address_that_names_no_sitting_is_no_page(site: Site) -> None:
    assert (await (await site.signed_in("officer")).get("/sittings/0123456789abcdef/connections")).status == 404


async def test_points_come_bit_by_bit(site: Site, sitting: str) -> None:
    officer, address = await site.signed_in("officer"), f"/console/sittings/{sitting}/quality"

    async def points(after: str) -> int:
        people = json.loads(await officer.page(f"{address}?after={after}"))["people"]
        return sum(len(direction["points"]) for ways in people.values() for direction in ways.values())

    assert await points("0") == 18
    assert await points(str(START_US + 15 * STEP_US)) == 2
    assert await points(str(START_US + 17 * STEP_US)) == 0
    assert [await points(nonsense) for nonsense in ("x", "-1", "9" * 40, "", "１２")] == [18] * 5


async def diagnosis(site: Site, role: str, sitting: str, language: str = "en") -> dict[str, Any]:
    """What is said of everybody, by name."""
    person = await site.signed_in(role, language)
    found = json.loads(await person.page(f"/sittings/{sitting}/connections/now"))["people"]
    return {each.name: found[each.id] for each in (await sittings.get(site.db, sitting)).participants}


async def enters(site: Site, sitting: str, role: str) -> tuple[str, ClientWebSocketResponse]:
    """A member of the staff is inside, by a browser; his participant's id."""
    person = await site.signed_in(role)
    page = await person.page(f"/hearing/{sitting}", headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"})
    address = json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0])["socket"]
    socket = await person.session.ws_connect(address, protocols=[SUBPROTOCOL], origin=str(site.server.make_url("")).rstrip("/"))
    await socket.send_str(json.dumps({"type": "hello", "language": "en"}))
    async with asyncio.timeout(15):
        while json.loads(await socket.receive_str()).get("view", {}).get("place") != "inside":
            pass
    return next(each.id for each in (await sittings.get(site.db, sitting)).participants if each.role == role), socket


async def test_who_is_inside_and_loses_packets_upward_is_told_of_wireless(site: Site, sitting: str) -> None:
    judge, socket = await enters(site, sitting, "judge")
    for number in range(10):
        at_us = microseconds(NOW) - (10 - number) * STEP_US
        lossy = Figures(carries=True, lost_percent=9.0, sound_lost_percent=9.0, rtt_ms=30, bps=8e5, height=720, width=1280)
        site.context.hub._lives[sitting].quality.keep([judge], "up", Point(at_us, lossy, Score.POOR))
        site.context.hub._lives[sitting].quality.keep([judge], "down", Point(at_us, Figures(carries=True, lost_percent=0.0), Score.GOOD))
    found = (await diagnosis(site, "officer", sitting))["Judge"]
    assert [each["code"] for each in found["findings"]] == ["loss_up"]
    assert found["findings"][0]["since"] == "09:29"
    assert "router" in found["findings"][0]["remedy"]
    assert found["device"] == "Chrome · Windows"
    assert found["up"]["points"][-1][-1] == 720
    in_chinese = (await diagnosis(site, "officer", sitting, "zh-CN"))["Judge"]["findings"][0]
    assert "无线" in in_chinese["text"] or "Wi-Fi" in in_chinese["text"]
    await socket.close()


async def test_of_who_is_not_inside_nothing_is_diagnosed(site: Site, sitting: str) -> None:
    found = (await diagnosis(site, "clerk", sitting))["刘芳"]
    assert [each["code"] for each in found["findings"]] == ["unmeasured"]
    assert found["device"] == ""


@pytest.mark.parametrize(("role", "status"), [("judge", 403), ("administrator", 403), ("officer", 404)])
async def test_the_diagnosis_is_for_those_who_see_the_page(site: Site, sitting: str, role: str, status: int) -> None:
    sitting = sitting if status == 403 else "0123456789abcdef"
    assert (await (await site.signed_in(role)).get(f"/sittings/{sitting}/connections/now")).status == status
