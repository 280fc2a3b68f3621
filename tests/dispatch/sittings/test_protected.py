"""From the booking to the router: who must not see or hear whom, and a minor with his guardian, in the sitting that is held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.settings import Settings
from dispatch.sittings.live import LivePlane
from dispatch.sittings.moments import microseconds
from dispatch.store.tables import Sitting
from rooms.media.engine import Source
from tests.dispatch.making import NOW, Court, make_sitting, named
from tests.rooms.courthouse import Clock, Courthouse, Page
from tests.rooms.making import ticket

PEOPLE = (
    ParticipantDraft("小明", "party", key="child", minor=True),
    ParticipantDraft("王母", "guardian", key="mother", guards="child"),
    ParticipantDraft("李某", "party", key="li"),
    ParticipantDraft("张某", "party", key="zhang"),
)
DEVICES = {"陈明远": "judge", "小明": "child", "李某": "li", "张某": "zhang", "王母": "mother"}
NAMES = ("陈明远", "小明", "李某", "张某")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Courthouse]:
    clock = Clock()
    clock.now_us = microseconds(NOW)
    made = await Courthouse(tmp_path / "live", clock=clock).start()
    yield made
    await made.close()


async def held(court: Court, house: Courthouse, sitting: Sitting) -> dict[str, Page]:
    """The live plane opens what is booked, and all but the guardian are inside with everything on."""
    live = LivePlane(court.db, house.hub, Settings(data=court.file.parent), lambda: NOW)
    await live.ensure_open(sitting.id)
    pages: dict[str, Page] = {}
    for name in NAMES:
        pages[name] = await entered(house, sitting, name)
    await pages["陈明远"].send("admit")
    for page in pages.values():
        await page.sees(lambda view: view["place"] == "inside")
        for source in ("microphone", "camera"):
            await page.send("source", source=source, on=True)
    return pages


async def entered(house: Courthouse, sitting: Sitting, name: str) -> Page:
    person = named(sitting, name)
    await house.hub.consent(sitting.id, person.id, version="2026-11", text_sha256="ab" * 32, device="Chromium")
    return await house.enter(ticket(person.id, DEVICES[name], sitting=sitting.id))


async def test_nothing_of_one_of_a_pair_ever_goes_to_the_other(court: Court, house: Courthouse) -> None:
    sitting = await make_sitting(court, participants=PEOPLE, apart=(("li", "zhang"),))
    pages = await held(court, house, sitting)
    routing = await house.routed(lambda r: all(r.publish.get(DEVICES[name]) for name in NAMES), sitting.id)

    def reaches(one: str, other: str) -> bool:
        return any(track.endpoint == DEVICES[one] for track in routing.watch.get(DEVICES[other], ()))

    assert reaches("李某", "陈明远")
    assert reaches("张某", "小明")
    assert not reaches("李某", "张某")
    assert not reaches("张某", "李某")
    # Of the pair nothing is said to a page, and the one is not in the view of the other.
    for name, hidden in (("李某", "张某"), ("张某", "李某")):
        assert hidden not in [person["name"] for person in pages[name].view["participants"]]
        assert not any("apart" in message for message in pages[name].heard)


async def test_a_minor_is_heard_only_while_his_guardian_is_there(court: Court, house: Courthouse) -> None:
    sitting = await make_sitting(court, participants=PEOPLE, apart=(("li", "zhang"),))
    pages = await held(court, house, sitting)
    await house.routed(lambda r: Source.MICROPHONE in r.publish.get("li", ()), sitting.id)
    alone = await house.routed(lambda r: Source.CAMERA in r.publish.get("child", ()), sitting.id)
    assert Source.MICROPHONE not in alone.publish["child"]
    await entered(house, sitting, "王母")
    await pages["陈明远"].send("admit")
    await house.routed(lambda r: Source.MICROPHONE in r.publish.get("child", ()), sitting.id)
