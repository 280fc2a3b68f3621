"""Every page of the staff, of each role, in both languages, light and dark, at a desk and on a telephone: no fault of access,
nothing cut off, no error."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page
from sqlalchemy import select

from dispatch.booking import templates
from dispatch.booking.catalogue import resources
from dispatch.booking.draft import draft_of
from dispatch.booking.series import series
from dispatch.booking.series.recurrence import Series
from dispatch.booking.series.rules import read_rule
from dispatch.booking.templates import TemplateDraft
from dispatch.console.field import orders, teams
from dispatch.console.field.orders import TaskDraft
from dispatch.console.field.teams import TeamDraft
from dispatch.console.map import layers
from dispatch.console.map.layers import LayerDraft
from dispatch.console.roll_call import calls
from dispatch.console.roll_call.rules import Line
from dispatch.sittings import sittings
from dispatch.store.tables import CourtSite, Resource, utc_now
from dispatch.web.access import OFFICE_ROLES
from dispatch.web.resource_catalogue import KINDS
from dispatch.web.routes import ROUTES
from tests.browser.conftest import PersonFactory
from tests.browser.court import Account, Court, Held
from tests.browser.participants import DESK, PHONE
from tests.browser.site import Site
from tests.caller import Caller
from tests.effort import THOROUGH

HELD_ELSEWHERE = (
    *("/keeping/recordings/", "/keeping/destructions/", "/hearing/", "/copies/"),
    *("/archive/{sitting}", "/exchange/sittings", "/photos/", "/settings/procedures/{version}/text"),
    *("/booking/waiting/{waiting}", "/booking/waiting/files/list", "/booking/listing/{listing}", "/console/wall/screens/"),
)
"""Pages that other tests look at while there is something to see on them, a picture, and a file that is taken away."""
SETTINGS = (("en", "dark", "large", PHONE), ("zh-CN", "light", "normal", DESK))
"""How a page is looked at: as it is most easily too narrow, and in a thorough run (tests/effort.py) also as most have it, which is how
the other tests use it."""


def pages(role: str, values: dict[str, str]) -> list[str]:
    """Addresses of the pages that a role may open."""
    templates = [
        route.path
        for route in ROUTES
        if route.method == "GET" and route.answers == "page" and role in route.access.roles and not route.path.startswith(HELD_ELSEWHERE)
    ]
    return [re.sub(r"[^/]+/{\w+}", lambda part: values.get(part[0]) or filled(part[0], values), path) for path in templates]


def filled(part: str, values: dict[str, str]) -> str:
    """A part of an address with its value."""
    return re.sub(r"{(\w+)}", lambda name: values[name[1]], part)


async def series_of(court: Court, held: Held) -> str:
    """Two sittings like this one, a week apart, in two months."""
    sitting = await sittings.get(court.db, held.id)
    people = tuple(replace(person, id="") for person in draft_of(sitting).participants)
    zone = ZoneInfo("Asia/Shanghai")
    begin = (utc_now().astimezone(zone) + timedelta(days=60)).replace(hour=6, minute=0, second=0, microsecond=0, tzinfo=None)
    plan = Series(begin, 60, zone, read_rule("FREQ=WEEKLY;COUNT=2", zone))
    by = held.clerk or held.chair
    return await series.create(court.db, replace(draft_of(sitting), participants=people), plan, by.user, utc_now())


async def of_the_centre(court: Court, officer: Account) -> dict[str, str]:
    """A team with a task, a layer of the map, a roll-call: what the command centre has pages of."""
    now, mark = utc_now(), secrets.token_hex(3)
    team = await teams.add(court.db, TeamDraft(f"中队{mark}"), officer.user, now)
    task = await orders.draft(court.db, TaskDraft("送达文书", "望河路12号", team.id, now + timedelta(hours=3)), officer.user, now)
    layer = await layers.add_layer(court.db, LayerDraft(f"图层{mark}", "river", "blue"), officer.user, now)
    call = await calls.begin(court.db, "早点名", (Line(f"team/{team.id}", team.name),), 60, officer.user, now)
    return {"team": team.id, "task": task.id, "layer": layer.id, "call": call.id}


async def choose(page: Page, site: Site, **choices: str) -> None:
    """The person's own preferences, on their page."""
    await page.goto(f"{site.url}/preferences")
    for name, value in choices.items():
        await page.check(f'input[name="{name}"][value="{value}"]')
    await page.click(".dialog-actions button")
    await page.wait_for_selector("[role=status]")


@pytest.mark.main
@pytest.mark.thorough
@pytest.mark.parametrize("role", OFFICE_ROLES)
async def test_every_page_of_a_role_is_whole_and_for_everybody(role: str, site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    chair: Caller | None = None
    try:
        held = await court.sitting(with_clerk=True)
        live = await court.sitting()
        chair = await Caller(site, live, live.chair.user.name).sign_in(live.chair)
        await chair.open_hearing()  # what is live looks different
        account = await court.person(role, rank="command")
        own = {"judge": held.chair, "clerk": held.clerk}.get(role) or account
        begin = TemplateDraft(f"模板{role}", "remote_court", 60, roles=("party",))
        template = await templates.add(court.db, begin, account.user, utc_now())
        async with court.db.reader() as session:
            found = {each.kind: each.id for each in await session.scalars(select(Resource).where(Resource.kind.in_(resources.MOVABLE)))}
            place = (await session.scalars(select(CourtSite.id))).first() or ""
        things = {tab: found[kind] for tab, kind in KINDS.items() if kind in found} | {"people": own.user.id}
        kept = {f"{tab}/{{resource}}": f"{tab}/{each}" for tab, each in things.items()}
        kept |= {"version": "remote_court-2026-1"}
        kept |= {"series": await series_of(court, held)} if role == "clerk" else {}
        kept |= await of_the_centre(court, account)
        values = kept | {"site": place, "sitting": held.id, "user": own.user.id, "room": held.room.id, "template": template.id}
        one = await person()
        page = one.page
        await one.sign_in(site.url, own.sign_in_name, own.password)
        # A prosecutor may open the sittings in which he appears, and this is none of them.
        listed = [path for path in pages(role, values) if role != "prosecutor" or not path.startswith("/sittings/")]
        faults: list[str] = []
        assert len(listed) >= 3
        for language, theme, size, viewport in SETTINGS if THOROUGH else SETTINGS[:1]:
            await choose(page, site, language=language, theme=theme, text=size)
            await page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
            for path in listed:
                answer = await page.goto(site.url + path)
                assert answer is not None
                assert answer.status == 200, path
                where = f"{path} in {language}, {theme}, {viewport['width']} px: "
                await asyncio.sleep(0.2)  # a page draws what its script brings
                faults += [where + fault for fault in await one.accessibility_faults()]
                if await page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
                    faults.append(where + "cut off")
        assert faults == []
        assert one.errors == []
    finally:
        if chair is not None:
            await chair.close()
        await court.close()
