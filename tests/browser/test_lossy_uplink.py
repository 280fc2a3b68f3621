"""A speaker whose network loses two, or ten, packets of a hundred on the way up: what is on the disk of the court, and what a browser in
the same room has of it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import pairwise

import pytest

from rooms.recording.matroska import block_times_ms
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import eventually, take_the_chair, to_the_waiting_room
from tests.browser.recorded import Folder, content
from tests.browser.site import Site
from tests.relay import Relay

pytestmark = pytest.mark.timeout(240)
PARTY = "李明"
MISSING = {0.02: 0.005, 0.1: 0.02}
"""What may be missing of either's packets at which loss."""
DROPPED = {0.02: 40, 0.1: 200}
"""So many of either's packets have to be lost before it says anything."""
REPAIRED_S = 1.5
EDGE_S = 0.5
"""A browser shows a picture some tenths of a second after it was made, so that the two do not count from and to the very same one."""
GAP_S, PACKET_S = 0.1, 0.02


@pytest.mark.parametrize("loss", MISSING)
async def test_the_recording_has_at_least_what_a_browser_in_the_room_saw(site: Site, person: PersonFactory, loss: float) -> None:
    court = await Court.open(site)
    held = await court.sitting(((PARTY, "party"),))
    async with Relay(site.udp_port, seed=7) as relay:
        judge, viewer = await asyncio.gather(person(0), person(1))
        await judge.speaks_through(relay.port)
        chair = await take_the_chair(judge, site, held)
        party = await to_the_waiting_room(viewer, held, PARTY)
        await chair.admit(PARTY)
        await party.until_inside()
        await party.sees(chair.name)
        await chair.change_stage("hearing")
        await chair.until(lambda f: f["view"]["recording"]["state"] == "recording", "the recording goes on")
        await party.sees(chair.name)
        endpoint = next(p["endpoint"] for p in (await chair.view())["participants"] if p["you"])

        began, decoded = time.time(), await viewer.frames_decoded()
        relay.up_drop = loss

        async def enough() -> bool:
            return relay.up.dropped >= DROPPED[loss]

        await eventually(enough, "enough was lost", 90)
        passed, relay.up_drop = relay.up.passed, 0.0
        assert loss / 2 < DROPPED[loss] / (passed + DROPPED[loss]) < loss * 2
        await asyncio.sleep(REPAIRED_S)  # the last ones are sent again too
        ended, decoded = time.time(), await viewer.frames_decoded() - decoded
        await chair.change_stage("closed")
    folder = Folder(site.data / "recordings" / held.id)

    async def is_sealed() -> bool:
        return folder.sealed

    await eventually(is_sealed, "the recording is sealed", 60)
    await court.close()
    manifest = json.loads((folder.root / "manifest.json").read_bytes())
    rows = {row["source"]: row for row in manifest["segments"] if row["endpoint"] == endpoint}
    assert set(rows) == {"microphone", "camera"}
    for source, row in rows.items():
        assert row["lost"] <= MISSING[loss] * (row["packets"] + row["lost"]), f"{source}: {row['lost']} of {row['packets']} are missing"

    camera = [rows["camera"]["start_us"] / 1e6 + ms / 1000 for ms in block_times_ms(folder.root / rows["camera"]["file"])]
    recorded = [at for at in camera if began <= at <= ended]
    edge = EDGE_S * len(recorded) / (ended - began)
    sys.stdout.write(f"{loss:.0%} lost: {len(recorded)} pictures recorded, {decoded} decoded by a browser\n")
    assert decoded > 0
    assert len(recorded) >= decoded - edge

    told = [row for row in manifest["ledger"] if row["kind"] == "gap" and row["endpoint"] == endpoint and row["source"] == "microphone"]
    sound = rows["microphone"]["start_us"] / 1e6
    heard = [sound + ms / 1000 for ms in block_times_ms(folder.root / rows["microphone"]["file"])]
    spans = [(row["from_us"] / 1e6, row["to_us"] / 1e6) for row in told]
    for before, after in pairwise(heard):
        if after - before > GAP_S + 2 * PACKET_S:
            is_told = any(abs(before + PACKET_S - begin) < GAP_S and abs(after - end) < GAP_S for begin, end in spans)
            assert is_told, f"{after - before:.2f} s without sound at {before}, of which the ledger does not tell: {told}"
    for piece in folder.pieces():
        if piece.endpoint == endpoint:
            found = content(piece)  # every file plays, with its losses
            assert found.frames >= rows[piece.source]["frames"]
            if piece.source == "microphone":
                assert found.filled >= (1 - MISSING[loss]) * (found.ends - found.begins)
