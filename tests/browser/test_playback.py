"""Playing a recording: the film, one person's own sound and picture in step with it, by mouse, by keyboard and on a telephone."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import utc_now
from rooms.vault import putting
from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import Vault
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court, Held
from tests.browser.hearing import eventually
from tests.browser.participants import Person
from tests.browser.site import Site
from tests.rooms.recording.held import hold

pytestmark = pytest.mark.timeout(150)

DRIFTS = "document.querySelector('one-person').drifts"
FILM = "document.querySelector('.stage-film')"
OWN = "document.querySelector('.stage-own')"


async def recorded(court: Court, site: Site, *, film: bool = True, alarm: bool = False) -> Held:
    """A sitting whose sealed folder is there; the jobs process makes its film, where there is to be one."""
    held = await court.sitting((("张某", "party"), ("李某", "party")))
    digest = await asyncio.to_thread(hold, site.data / "recordings" / held.id, held.id, alarm=alarm)
    row = {"folder": held.id, "sealed_at": utc_now(), "manifest_sha256": digest, "seconds": 10.0, "bytes": 500_000}
    async with court.db.writer() as session:
        session.add(Recording(sitting_id=held.id, composite="queued", **row))
        if film:
            session.add(Job(kind="composite", sitting_id=held.id))
    return held


async def put_away(court: Court, site: Site, held: Held) -> None:
    """When its film is made, as the jobs process does it: what is played from here on is decrypted."""

    async def made() -> bool:
        async with court.db.reader() as session:
            return (await session.get_one(Recording, held.id)).composite == "done"

    await eventually(made, "the film is made", 90.0)
    keys = KeyRing(site.data / "secrets")
    keys.ensure()
    vault = Vault(site.data / "recordings", site.data, site.data / "run", FolderStore(site.data / "store"), keys)
    await asyncio.to_thread(putting.put_away, vault, held.id)
    async with court.db.writer() as session:
        (await session.get_one(Recording, held.id)).stored_at = utc_now()
    assert vault.plain(held.id) is None
    assert not list((site.data / "store").rglob("*.mp4"))


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
    """Of a recording that lies encrypted in the store, as all do when their film is made."""
    court = await Court.open(site)
    held = await recorded(court, site)
    await put_away(court, site, held)
    sitting = held.id
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
    for seconds, words in ((5.0, "摄像头已关闭"), (7.0, "暂停期间"), (11.0, "未在线")):
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


LOUD = """async (name) => {
  const audio = [...document.querySelectorAll('all-tracks li')].find((li) => li.textContent.includes(name)).querySelector('audio');
  const context = new AudioContext();
  await context.resume();
  const meter = context.createAnalyser();
  meter.fftSize = 1024;
  const source = context.createMediaElementSource(audio);
  source.connect(meter);
  meter.connect(context.destination);
  const clock = document.querySelector('recording-player')._video;
  const heard = [];
  const values = new Float32Array(1024);
  await new Promise((done) => {
    const timer = setInterval(() => {
      meter.getFloatTimeDomainData(values);
      if (Math.max(...values.map(Math.abs)) > 0.05) heard.push(clock.currentTime);
      if (clock.currentTime > UNTIL || clock.paused) { clearInterval(timer); done(); }
    }, 15);
  });
  return heard;
}"""


async def test_before_the_film_is_made_everybodys_own_tracks_are_played_in_step(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    sitting = (await recorded(court, site, film=False)).id
    account = await court.person("officer", "梁雨")
    officer = await person(2)
    page = officer.page
    # The address of a clip leads to the sign-in first, and then to the clip.
    await page.goto(f"{site.url}/archive/{sitting}?from=8.2&to=10.5")
    await page.fill("[name=name]", account.sign_in_name)
    await page.fill("[name=password]", account.password)
    await page.click("button[type=submit], form .button-primary")
    await page.wait_for_url(f"**/archive/{sitting}?from=8.2&to=10.5")
    clock = "document.querySelector('recording-player')._video"

    async def holds(what: str) -> bool:
        return bool(await page.evaluate(what))

    async def drifts_are_small() -> bool:
        drifts = "document.querySelector('all-tracks').drifts"
        return await holds(f"{drifts}.length >= 3 && {drifts}.every((drift) => Math.abs(drift) < 0.1)")

    assert await holds(f"Math.abs({clock}.currentTime - 8.2) < 0.01")
    # The judge's second file begins at 8 s and beeps at 9 s, 李某 at 11 s: the clip ends before.
    await page.click("clip-marks [data-play]")
    heard = await page.evaluate(LOUD.replace("UNTIL", "20"), "周正")
    assert heard, "the judge is not heard"
    assert 8.8 < heard[0] < 9.3
    stopped = f"{clock}.paused && {clock}.currentTime >= 10.5 && {clock}.currentTime < 11"
    await eventually(lambda: holds(stopped), "it stops where the clip ends")

    # From 1 s on: pictures in VP8 and H.264, and three voices of which one comes late, all in step.
    await page.evaluate("document.querySelector('recording-player').seek(3.2)")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Space")
    await eventually(drifts_are_small, "all tracks follow the clock")
    pictures = "[...document.querySelectorAll('all-tracks video')].map((v) => v.videoWidth).filter(Boolean).length"
    assert await holds(f"{pictures} === 2 && ![...document.querySelectorAll('all-tracks video')].some((v) => v.error)")
    await page.keyboard.press("k")

    # Why there is no picture, and that nothing is recorded in a recess, is said.
    await page.evaluate("document.querySelector('recording-player').seek(5)")
    await page.locator("all-tracks li", has_text="张某").locator(".tracks-none", has_text="摄像头已关闭").wait_for()
    await page.evaluate("document.querySelector('recording-player').seek(7)")
    await page.locator("[data-rest]", has_text="暂停期间").wait_for()

    # Keys: a clip of one's own, its address; one voice alone; one picture large; the next event.
    await page.evaluate("document.querySelector('recording-player').seek(2)")
    await page.keyboard.press("i")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("o")
    assert page.url.endswith(f"/archive/{sitting}?from=2&to=7")
    assert await page.input_value("[data-address]") == page.url
    await page.keyboard.press("Home")
    await page.keyboard.press("n")
    assert await holds(f"{clock}.currentTime > 2.5")
    await page.keyboard.press("+")
    assert await holds(f"{clock}.playbackRate === 1.25")
    li = page.locator("all-tracks li", has_text="李某")
    await li.locator('[data-act="only"]').press("Enter")
    assert await holds("[...document.querySelectorAll('all-tracks audio')].filter((a) => !a.muted).length === 1")
    await page.locator("all-tracks li", has_text="周正").locator('[data-act="large"]').click()
    assert await officer.accessibility_faults() == []
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await holds("document.documentElement.scrollWidth <= 390")
    assert await officer.accessibility_faults() == []
    assert officer.errors == []

    # Whoever may not see the recording does not see its clip.
    other = await person(3)
    stranger = await court.person("judge", "另一法官")
    await other.sign_in(site.url, stranger.sign_in_name, stranger.password)
    answer = await other.page.goto(f"{site.url}/archive/{sitting}?from=2&to=7")
    assert answer is not None
    assert answer.status == 404
    await court.close()
