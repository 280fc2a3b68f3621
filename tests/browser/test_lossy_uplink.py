"""A speaker whose network loses three of a hundred packets on the way up: what is on the disk of the court."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import eventually, take_the_chair
from tests.browser.recorded import Folder, content
from tests.browser.site import Site
from tests.relay import Relay

pytestmark = pytest.mark.timeout(180)
LOSS = 0.03
DROPPED = 40
"""So many of either's packets have to be lost before it says anything: 1300 were sent."""
MISSING = 0.005
REPAIRED_S = 1.5


async def test_of_three_percent_lost_on_the_way_up_the_recording_has_nearly_all(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    held = await court.sitting()
    async with Relay(site.udp_port, seed=7) as relay:
        judge = await person()
        await judge.speaks_through(relay.port)
        chair = await take_the_chair(judge, site, held)
        await chair.change_stage("hearing")
        await chair.until(lambda f: f["view"]["recording"]["state"] == "recording", "the recording goes on")
        relay.up_drop = LOSS

        async def enough() -> bool:
            return relay.up.dropped >= DROPPED

        await eventually(enough, "enough was lost", 90)
        passed, relay.up_drop = relay.up.passed, 0.0
        assert LOSS / 2 < DROPPED / (passed + DROPPED) < LOSS * 2
        await asyncio.sleep(REPAIRED_S)  # the last ones are sent again too
        await chair.change_stage("closed")
    folder = Folder(site.data / "recordings" / held.id)

    async def is_sealed() -> bool:
        return folder.sealed

    await eventually(is_sealed, "the recording is sealed", 60)
    await court.close()
    rows = {row["source"]: row for row in json.loads((folder.root / "manifest.json").read_bytes())["segments"]}
    assert set(rows) == {"microphone", "camera"}
    for source, row in rows.items():
        assert row["lost"] <= MISSING * (row["packets"] + row["lost"]), f"{source}: {row['lost']} of {row['packets']} are missing"
    for piece in folder.pieces():
        found = content(piece)
        if piece.source == "microphone":
            assert found.filled >= (1 - MISSING) * (found.ends - found.begins)
        assert found.frames >= rows[piece.source]["frames"]
