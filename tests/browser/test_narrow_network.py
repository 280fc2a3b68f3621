"""A party whose network becomes narrow: he is told so, sees smaller pictures and then none, and hears everything; what he sends grows
smaller too, and his voice gets through. When the network is wide again pictures come back and nothing is said any more."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import ViewportSize, expect

from tests.browser import participants
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.material import make
from tests.browser.network import Computer, Network, NetworkSite

pytestmark = pytest.mark.timeout(400)
PARTY = "李明"
AUDIO = "只能传输声音"
LARGE: ViewportSize = {"width": 2400, "height": 1500}
"""So large that the middle layer, 360 lines, is not high enough for a tile: on 1600 × 1000 it is, and is rightly all that comes."""
HIGH_ENOUGH = 0.7
BUSY_S = 60.0
SETTLED_S, LISTENED_S = 8.0, 10.0
CONCEALED = 0.08
"""Of the sound, at most, that a page made up because nothing came in time: a busy machine alone makes some of it."""


@dataclass
class Hearing:
    network: Network
    chair: Seat
    party: Seat


@pytest_asyncio.fixture
async def hearing(
    request: pytest.FixtureRequest,
    network: Network,
    lan_site: NetworkSite,
    person: PersonFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Hearing]:
    """The chair is in the court's own network, the party beyond the one that will be narrow."""
    court = await Court.open(lan_site)
    held = await court.sitting(((PARTY, "party"),))
    people = []
    for number, machine in enumerate((network.court, network.home)):
        monkeypatch.setattr(participants, "CHROMIUM", str(Computer(machine, tmp_path / f"computer{number}").program))
        material = await asyncio.to_thread(make, tmp_path / "material", number)
        # Without a file for its picture a browser gives 720 lines; on two cores one of those is enough.
        sound = material.sound if number == request.param else None
        people.append(await person(number, flags=("--ignore-certificate-errors",), sound=sound))
    chair = await take_the_chair(people[0], lan_site, held)
    party = await to_the_waiting_room(people[1], held, PARTY)
    await chair.admit(PARTY)
    await party.until_inside(BUSY_S)
    await party.sees(chair.name, BUSY_S)
    await chair.sees(party.name, BUSY_S)
    yield Hearing(network, chair, party)
    network.narrow()
    await court.close()


async def sound(seat: Seat) -> tuple[int, int]:
    """Samples of the other that this page played, and of them those that it made up."""
    script = """async () => {
      for (const connection of window.__connections) for (const one of (await connection.getStats()).values())
        if (one.type === 'inbound-rtp' && one.kind === 'audio' && one.totalSamplesReceived)
          return [one.totalSamplesReceived, one.concealedSamples];
      return [0, 0];
    }"""
    played, concealed = await seat.person.page.evaluate(script)
    return int(played), int(concealed)


async def concealed(seat: Seat) -> float:
    """The share of the sound that is made up in the next seconds."""
    before = await sound(seat)
    await asyncio.sleep(LISTENED_S)
    after = await sound(seat)
    return round((after[1] - before[1]) / (after[0] - before[0]), 4)


async def lines(seat: Seat, of: Seat) -> int:
    return int((await seat.inbound(of.name, "camera")).get("height", 0))


@pytest.mark.parametrize("hearing", [0], indirect=True)
async def test_the_way_down_is_narrow(hearing: Hearing) -> None:
    network, chair, party = hearing.network, hearing.chair, hearing.party
    figures: dict[str, float] = {}
    told = party.person.page.locator('[data-part="banners"] [data-key="downlink"]')
    await expect(told).to_have_count(0)
    await party.person.page.set_viewport_size(LARGE)

    async def large() -> bool:
        return await lines(party, chair) >= 500

    await eventually(large, "the chair is seen at full size", BUSY_S)
    figures["shown"] = float(await party.tile(chair.name).locator("video").evaluate("it => it.clientHeight * devicePixelRatio"))
    assert figures["shown"] * HIGH_ENOUGH > 360

    network.narrow(down_kbit=250)
    await expect(told).to_contain_text("网络", timeout=BUSY_S * 1000)

    async def small() -> bool:
        return 0 < await lines(party, chair) <= 360

    figures["smaller_s"] = await eventually(small, "a smaller picture comes", BUSY_S)
    await asyncio.sleep(SETTLED_S)
    figures["smaller_concealed"] = await concealed(party)

    network.narrow(down_kbit=90)
    await expect(told).to_contain_text(AUDIO, timeout=BUSY_S * 1000)
    await asyncio.sleep(SETTLED_S)
    figures["audio_concealed"] = await concealed(party)

    network.narrow()
    await expect(told).to_have_count(0, timeout=BUSY_S * 1000)

    figures["large_again_s"] = await eventually(large, "the chair is seen at full size again", BUSY_S)
    await party.sees(chair.name, BUSY_S)
    sys.stdout.write(json.dumps(figures) + "\n")
    assert max(figures["smaller_concealed"], figures["audio_concealed"]) < CONCEALED
    assert [chair.person.errors, party.person.errors] == [[], []]


@pytest.mark.parametrize("hearing", [1], indirect=True)
async def test_the_way_up_is_narrow(hearing: Hearing) -> None:
    network, chair, party = hearing.network, hearing.chair, hearing.party
    network.narrow(up_kbit=250)
    await asyncio.sleep(SETTLED_S)
    figures = {"sound_concealed": await concealed(chair), "lines": float(await lines(chair, party))}
    await chair.sees(party.name, BUSY_S)
    network.narrow()
    sys.stdout.write(json.dumps(figures) + "\n")
    assert figures["sound_concealed"] < CONCEALED
    await chair.sees(party.name, BUSY_S)
