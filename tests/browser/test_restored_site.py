"""A hearing is held and backed up while the site serves; the restored site has it, vouches for it and plays it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from dispatch.operations import snapshot
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court, Held
from tests.browser.hearing import eventually, take_the_chair, to_the_waiting_room
from tests.browser.site import SHORT_COURT, TOP, Site

SPOKEN_S = 4.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "var", adopts=SHORT_COURT) as site:
        yield site


def command(site: Site, *arguments: str) -> str:
    """What a command of the site answers; it must be well."""
    result = subprocess.run(
        [sys.executable, "server.py", *arguments], cwd=TOP, env=site.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


async def hold_a_hearing(site: Site, court: Court, person: PersonFactory) -> Held:
    """From the waiting room to the close; recorded, sealed, and with its picture made."""
    held = await court.sitting(parties=(("李明", "party"),))
    judge, li = await person(), await person()
    chair = await take_the_chair(judge, site, held)
    party = await to_the_waiting_room(li, held, "李明")
    await chair.admit("李明")
    await party.until_inside()
    await chair.change_stage("hearing")
    await chair.sees("李明")
    await asyncio.sleep(SPOKEN_S)  # so much is said, and must be heard again
    await chair.change_stage("closed")
    for one in (judge, li):
        await one.close()
    database = site.data / "dispatch.db"

    async def composed() -> bool:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
            found = db.execute("SELECT composite FROM recording WHERE sitting_id = ?", (held.id,)).fetchone()
        assert found != ("failed",), site.log("jobs")
        return bool(found == ("done",))

    await eventually(composed, "the recording is sealed and its picture made", 90)
    return held


async def plays(page: Page) -> float:
    """Play the picture to its end; its length in seconds."""

    async def is_so(expression: str) -> bool:  # asked again and again: the page's own policy lets nobody wait inside it
        return bool(await page.evaluate(f"() => {expression}"))

    await eventually(lambda: is_so("document.querySelector('video').readyState >= 2"), "the picture is there")
    await page.evaluate("document.querySelector('video').play()")
    await eventually(lambda: is_so("document.querySelector('video').ended"), "the picture has run to its end", 120)
    frames = await page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames")
    assert frames > 0, "the clock ran, but there was no picture"
    return float(await page.evaluate("document.querySelector('video').duration"))


async def test_a_restored_site_has_the_hearing_and_plays_it(site: Site, person: PersonFactory, tmp_path: Path) -> None:
    court = await Court.open(site)
    try:
        held = await hold_a_hearing(site, court, person)
        later = await court.sitting(parties=(("王芳", "party"),))
    finally:
        await court.close()
    assert site.answers("/readyz"), "the backup is to be made while the site serves"
    command(site, "backup", str(tmp_path / "court.tar"))
    site.stop()
    heads = snapshot.heads(site.data / "log.db")
    assert len(heads) == 1

    restored = Site(tmp_path / "restored")
    restored.port, restored.udp_port = site.port, site.udp_port  # the same machine, built again
    command(restored, "restore", str(tmp_path / "court.tar"))
    assert snapshot.heads(restored.data / "log.db") == heads
    assert json.loads(command(restored, "verify", "--json", str(restored.data / "recordings" / held.id)))["ok"]
    try:
        restored.start()
        judge = await person()
        await judge.sign_in(restored.url, held.chair.sign_in_name, held.chair.password)
        await judge.page.goto(f"{restored.url}/archive/{held.id}")
        assert await plays(judge.page) >= SPOKEN_S
        citizen = await person()
        await to_the_waiting_room(citizen, later, "王芳")  # by the link that was issued before
        assert judge.errors == citizen.errors == []
    finally:
        restored.stop()
