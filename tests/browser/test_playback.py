"""Playing a recording: the film, one person's own sound and picture in step with it, by mouse, by keyboard and on a telephone."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.store.tables import Job, Recording, utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import eventually
from tests.browser.participants import Person
from tests.browser.site import Site
from tests.rooms.recording.held import hold

pytestmark = pytest.mark.timeout(150)

DRIFTS = "document.querySelector('one-person').drifts"
FILM = "document.querySelector('.stage-film')"
OWN = "document.querySelector('.stage-own')"


async def recorded(court: Court, site: Site) -> str:
    """A sitting whose sealed folder is there; the jobs process makes its film."""
    held = await court.sitting((("张某", "party"), ("李某", "party")))
    digest = await asyncio.to_thread(hold, site.data / "recordings" / held.id, held.id)
    async with court.db.writer() as session:
        row = {"folder": held.id, "sealed_at": utc_now(), "manifest_sha256": digest, "seconds": 10.0, "bytes": 500_000}
        session.add_all([Recording(sitting_id=held.id, composite="queued", **row), Job(kind="composite", sitting_id=held.id)])
    return held.id


async def off_by(person: Person, seconds: float) -> float:
    """The largest distance to the film of whatever follows it, for so long; fails if nothing does."""
    found = await person.page.evaluate(
        f"""async () => {{
          const seen = [];
          const end = performance.now() + {seconds * 1000};
          while (performance.now() < end) {{ seen.push(...{DRIFTS}); await new Promise((done) => setTimeout(done, 40)); }}
          return seen.map(Math.abs);
        }}"""
    )
    assert found, "nothing follows the film"
    return float(max(found))


async def test_one_persons_sound_and_picture_are_in_step_with_the_film(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    sitting = await recorded(court, site)
    account = await court.person("officer", "梁雨")
    officer = await person(2)
    page = officer.page
    await officer.sign_in(site.url, account.sign_in_name, account.password)
    await page.goto(f"{site.url}/archive/{sitting}")
    await page.locator("one-person [data-act]").first.wait_for(timeout=90_000)
    zhang, li = (page.locator("one-person li", has_text=name) for name in ("张某", "李某"))

    async def holds(what: str) -> bool:
        return bool(await page.evaluate(what))

    # 张某 alone: only his sound is heard, and his H.264 picture stands in place of the film, which goes on.
    await zhang.locator('[data-act="only"]').click()
    await zhang.locator('[data-act="camera"]').click()
    await page.click("[data-play]")
    await eventually(lambda: holds(f"{DRIFTS}.length === 2 && {OWN}.videoWidth === 320"), "his sound and his picture follow the film")
    assert await holds(f"{FILM}.muted && !{FILM}.paused && !{OWN}.error")
    await eventually(lambda: holds(f"{DRIFTS}.every((drift) => Math.abs(drift) < 0.1)"), "they are in step")
    assert await off_by(officer, 1.0) < 0.1

    # A jump, into the second half, by keyboard: the judge's VP8 picture of the second file, and two voices of three.
    await page.locator("one-person li", has_text="周正").locator('[data-act="camera"]').press("Enter")
    await li.locator('[data-act="sound"]').press("Space")
    await page.evaluate("document.querySelector('recording-player').seek(8.2)")
    await eventually(lambda: holds(f"{DRIFTS}.length === 3 && {DRIFTS}.every((drift) => Math.abs(drift) < 0.1)"), "all are in step again")
    assert await off_by(officer, 1.0) < 0.1
    assert await holds(f"{OWN}.src.endsWith('0006-camera-e-judge.mkv')")

    # Where there is no picture the page says why.
    await page.evaluate(f"{FILM}.pause()")
    await zhang.locator('[data-act="camera"]').click()
    for seconds, words in ((5.0, "摄像头已关闭"), (7.0, "休庭"), (11.0, "未在线")):
        await page.evaluate(f"document.querySelector('recording-player').seek({seconds})")
        await page.locator("[data-none]", has_text=words).wait_for()

    # All together again: the film's own sound, and nothing follows it.
    await page.click("[data-everybody]")
    assert await holds(f"!{FILM}.muted && {DRIFTS}.length === 0")
    assert await officer.accessibility_faults() == []
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await holds("document.documentElement.scrollWidth <= 390")
    await page.keyboard.press("Escape")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Space")
    await eventually(lambda: holds(f"!{FILM}.paused"), "space plays")
    assert await officer.accessibility_faults() == []
    assert officer.errors == []
    await court.close()
