"""A browser that stops without a word (SIGSTOP, as a dead machine or a cut cable does): seen at once, its place kept, back by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(300)
SEEN_LIMIT_S = 30.0
"""Three times the stated 10 s."""
BACK_LIMIT_S = 30.0
MEDIA_STOPS_S = 30.0
"""The engine sends nothing to whom it has not heard of for so long (RFC 7675)."""
KEPT = ("id", "role", "endpoint", "consented")


@pytest.mark.parametrize("for_s", [0.0, MEDIA_STOPS_S + 5], ids=["until he is missed", "until nothing is sent to him any more"])
async def test_who_stops_is_missed_and_is_back_in_his_place_when_he_goes_on(
    for_s: float, site: Site, court: Court, person: PersonFactory
) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    li, wang = [await to_the_waiting_room(await person(), held, name) for name in ("李明", "王芳")]
    for party in (li, wang):
        await chair.admit(party.name)
        await party.until_inside()
        await party.person.page.click('[data-part="entrance-now"]')
    await chair.change_stage("hearing")
    for viewer, name in ((chair, "李明"), (wang, "李明"), (li, chair.name), (li, "王芳")):
        await viewer.sees(name)
    before = await chair.participant("李明")

    li.person.freeze()
    for viewer in (chair, wang):
        await viewer.until(lambda f: presence(f, "李明") == "lost", "sees that he is disconnected", SEEN_LIMIT_S)
        await expect(viewer.tile("李明")).to_contain_text("连接中断")
    await asyncio.sleep(for_s)
    meanwhile = await chair.participant("李明")
    assert {part: meanwhile[part] for part in KEPT} == {part: before[part] for part in KEPT}, "his place is not kept"
    assert any(a["code"] == "participant_lost" for a in (await chair.view())["alerts"])
    await wang.sees(chair.name)  # the others are not disturbed

    li.person.thaw()
    for viewer in (chair, wang):
        await viewer.until(lambda f: presence(f, "李明") == "present", "sees that he is back", BACK_LIMIT_S)
        await viewer.sees("李明", BACK_LIMIT_S)
        await hears(viewer, "李明")
    await li.until_inside()
    for name in (chair.name, "王芳"):
        await li.sees(name, BACK_LIMIT_S)
        await hears(li, name)
    after = await chair.participant("李明")
    assert after | {"network": None} == before | {"network": None}, "he is not back in the same place with the same rights"
    assert [a for a in (await chair.view())["alerts"] if a["code"] == "participant_lost"] == []
    assert li.person.errors == []


def presence(figures: dict[str, Any], name: str) -> str:
    """Presence of a participant in what a page says of itself."""
    return str(next(p["presence"] for p in figures["view"]["participants"] if p["name"] == name))


async def hears(viewer: Seat, name: str) -> None:
    """Wait until sound of another person arrives, a second of it more than now."""
    first = (await viewer.inbound(name, "microphone"))["packets"]

    async def more() -> bool:
        return (await viewer.inbound(name, "microphone"))["packets"] >= first + 50

    await eventually(more, f"{viewer.name} hears {name}", BACK_LIMIT_S)
