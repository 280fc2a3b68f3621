"""A gallery: the page of every role in every kind of sitting, at the moments that tell, in both languages, at a desk and on a phone.

It is made where ``GALLERY=folder`` names a folder, for somebody to look at: ``kind/language/moment/role-size.png``, and in
``kind-language.txt`` what page_faults.js and axe-core find there. Whether that is a fault is for who looks to say; what the test itself
asks is that every role comes through all stages and no page throws. ``AXE=no`` leaves axe-core out, which is a third of the time;
``MOMENTS=waiting,minutes`` pictures these moments alone.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.procedure import BRIEF_COURT, PROCEDURES
from tests.browser.casts import CASTS, QUESTION
from tests.browser.court import Court
from tests.browser.hearing import Seat
from tests.browser.participants import DESK, PHONE, accessibility_faults
from tests.browser.site import Site
from tests.browser.stage import BUSY_S, Stage, Windows, seated, send

TELLING = frozenset({"opinions", "investigation", "statement", "questioning", "minutes"})


async def look(stage: Stage, faults: list[str], moment: str) -> None:
    """Every page as it is now: what is wrong with it is noted, and pictures are kept where they are wanted."""
    wanted = os.environ.get("MOMENTS", "")
    if wanted and not any(one in moment for one in wanted.split(",")):
        return
    await asyncio.sleep(0.5)
    for seat in stage.seats:
        role = stage.role(seat)
        if role in {"hearing_officer", "member"} and seat.name != stage.seat(role).name:
            continue
        page = seat.person.page
        desk = await page.locator('[data-part="drawer"]').is_visible()
        for size, touch in ((DESK, False), (PHONE, True)):
            await stage.shown_at(seat, size, touch=touch)
            if touch and desk:
                await picture(stage, seat, moment, f"{role}-{size['width']}-desk")
                await page.click('[data-part="drawer-close"]')
            where = f"{stage.kind} {stage.language} {moment} {role} {size['width']}"
            faults += [f"{where}: {fault}" for fault in await stage.faults(seat, touch=touch)]
            await picture(stage, seat, moment, f"{role}-{size['width']}")
        if os.environ.get("AXE", "yes") == "yes":
            faults += [f"{where}: {fault}" for fault in await accessibility_faults(page)]
        await stage.shown_at(seat, DESK, touch=False)
        if desk:
            await page.click('[data-part="tool-drawer"]')


async def picture(stage: Stage, seat: Seat, moment: str, name: str) -> None:
    path = Path(os.environ["GALLERY"]) / stage.kind / stage.language / moment / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    await seat.person.page.screenshot(path=path)


@pytest.mark.skipif("GALLERY" not in os.environ, reason="GALLERY names no folder for the pictures")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", list(CASTS))
async def test_every_role_comes_through_its_sitting_and_its_page_is_pictured(
    site: Site, window: Windows, kind: str, language: str
) -> None:
    cast, procedure = CASTS[kind], PROCEDURES[kind]
    court = await Court.open(site)
    administrator = (await court.person("administrator")).user
    try:
        await procedures.adopt(court.db, procedure.text, administrator, utc_now())
        held = await court.sitting(
            cast.people, kind=kind, with_clerk=True, guards=cast.guards, screened=cast.screened, language=language
        )
        stage = Stage(kind, language, cast, held)
        faults: list[str] = []
        await seated(site, window, stage)
        await look(stage, faults, "0-waiting")
        await send(stage.chair, type="admit", participants=[])
        await asyncio.gather(*(seat.until_inside(BUSY_S) for seat in stage.seats if stage.role(seat) not in procedure.apart))
        await walk(stage, faults)
        (Path(os.environ["GALLERY"]) / f"{kind}-{language}.txt").write_text("\n".join(faults))
        assert [error for seat in stage.seats for error in seat.person.errors] == []
    finally:
        await procedures.adopt(court.db, BRIEF_COURT.text, administrator, utc_now())
        await court.close()


async def walk(stage: Stage, faults: list[str]) -> None:
    """Through all stages, and a look at each moment that tells something new."""
    procedure = PROCEDURES[stage.kind]
    turns, paused = False, False
    for number, name in enumerate(stage.cast.stages, 1):
        await stage.go(name)
        now = procedure.stages[name]
        waiting = [p for p in (await stage.chair.view())["participants"] if p["presence"] == "waiting"]
        called = [p["id"] for p in waiting if p["role"] in procedure.rights[name]]
        if called:
            await send(stage.chair, type="admit", participants=called)
        tells = number == 1 or now.private or now.votes or now.opinions or name in TELLING
        if now.votes:
            await send(stage.chair, type="put_question", text=QUESTION)
        if tells:
            await look(stage, faults, f"{number}-{name}")
        in_turn = [role for role, rights in procedure.rights[name].items() if rights.speak_in_turn]
        if in_turn and number > 1 and not turns:
            turns = True
            await the_floor(stage, faults, f"{number}-{name}-floor", in_turn)
        if number > 1 and not paused and now.status == "live":
            paused = True
            await stage.go("recess")
            await look(stage, faults, f"{number}-recess")
            await stage.go(name)
    await stage.go(procedure.last)
    await asyncio.gather(*(seat.until(lambda f: f["screen"] == "ended", "sees that it is over", BUSY_S) for seat in stage.seats))
    await look(stage, faults, "9-closed")


async def the_floor(stage: Stage, faults: list[str], moment: str, roles: list[str]) -> None:
    """One has the floor, another has asked for it."""
    present = [p for p in (await stage.chair.view())["participants"] if p["presence"] == "present" and p["role"] in roles]
    speaker = next((p for p in present if p["role"] in {"party", "lawyer", "member"}), present[0])
    await send(stage.chair, type="give_floor", participant=speaker["id"])
    asks = next((p for p in present if p["id"] != speaker["id"]), None)
    if asks:
        await send(next(seat for seat in stage.seats if seat.name == asks["name"]), type="hand", up=True)
    await stage.chair.until(lambda f: f["view"]["sitting"]["floor"] is not None, "has given the floor")
    await look(stage, faults, moment)
    await send(stage.chair, type="take_floor")
