"""Every page that has to do with a recording, in both languages, at a desk and on a phone: nothing wrong with it, nothing cut off.
GALLERY=folder keeps a picture of each."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from dispatch.archive import explanations
from dispatch.copies import requests
from dispatch.copies.rules import Wish
from dispatch.keeping import destructions, holds, powers
from dispatch.store.tables import Sitting, utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.gallery import WIDTHS, photographed
from tests.browser.site import Site
from tests.browser.test_playback import recorded
from tests.browser.test_staff_pages import choose

pytestmark = pytest.mark.timeout(300)
WISH = Wish("package", "iso", "王律师", "云河律师事务所", "准备二审", "刑事诉讼法第四十条", "司法鉴定")


async def test_each_page_of_a_recording_is_whole_in_both_languages(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    held, other = await recorded(court, site, alarm=True), await recorded(court, site, film=False)
    with_film, without = held.id, other.id
    clerk, officer, administrator = [await court.person(role) for role in ("clerk", "officer", "administrator")]
    now = utc_now()
    async with court.db.writer() as session:
        closed = update(Sitting).where(Sitting.id.in_((with_film, without)))
        await session.execute(closed.values(status="closed", opened_at=now, closed_at=now))
    for sitting in (with_film, without):
        await explanations.ask(court.db, sitting, site.data / "recordings" / sitting, now)
    asked = await requests.ask(court.db, without, WISH, officer.user, now)
    await holds.place(court.db, with_film, "京检保〔2026〕12号", "上诉期内", clerk.user, now)
    await powers.give(court.db, other.chair.user.id, ["approve"], administrator.user, now)
    proposed = await destructions.propose(court.db, [without], "按判决销毁", "京0105刑更8号", clerk.user, now)
    film = (f"/archive/{with_film}", f"/archive/{with_film}/copies", f"/keeping/recordings/{with_film}", f"/console/sittings/{with_film}")
    listed_in = ("/archive", "/keeping?view=due", "/keeping?view=held", "/keeping?view=destructions")
    pages = (
        (clerk, (*film, *listed_in, f"/archive/{without}?from=2&to=7", f"/keeping/destructions/{proposed.id}")),
        (held.chair, ("/today", f"/archive/{with_film}/explanation")),
        (administrator, ("/copies", f"/copies/{asked.id}", "/keeping/settings", "/storage", "/catalogue/calendar")),
    )
    faults: list[str] = []
    for account, listed in pages:
        one = await person(2)
        await one.sign_in(site.url, account.sign_in_name, account.password)
        if account is clerk:  # until the film is there
            await one.page.goto(f"{site.url}/archive/{with_film}")
            await one.page.locator(".stage-film").wait_for(timeout=90_000)
        for language in ("zh-CN", "en"):
            await choose(one.page, site, language=language)
            for path in listed:
                where = f"{path.replace(with_film, 'film').replace(without, 'tracks').replace(asked.id, 'copy')} in {language}"
                answer = await one.page.goto(site.url + path)
                assert answer is not None
                assert answer.status == 200, where
                await asyncio.sleep(0.3)  # a page draws what its script brings
                for width in WIDTHS:
                    await one.page.set_viewport_size({"width": width, "height": 900})
                    faults += [f"{where}, {width}: {fault}" for fault in await one.accessibility_faults()]
                    if await one.page.evaluate("document.documentElement.scrollWidth") > width:
                        faults.append(f"{where}, {width}: cut off")
                name = where.strip("/").replace(proposed.id, "one").translate(str.maketrans("/?=& ", "-----"))
                await photographed(one.page, name)
        assert one.errors == []
    assert faults == []
    await court.close()
