"""The page Storage and its API: who sees it, the space and how long it lasts, and the alarm of spoilt files."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.store.archive_tables import Recording
from dispatch.vault import space
from rooms.vault.store import Space
from tests.dispatch.web.conftest import NOW, Site
from tests.dispatch.web.test_archive import sitting

__all__ = ["sitting"]

TB = 10**12


async def measured(site: Site, *free: int) -> None:
    for day, each in enumerate(free):
        await space.note(site.db, {"recordings": Space(TB, each)}, NOW - timedelta(days=len(free) - 1 - day))


@pytest.mark.parametrize(("role", "status"), [("clerk", 403), ("judge", 403), ("officer", 200), ("administrator", 200)])
async def test_officers_and_administrators_see_it(site: Site, role: str, status: int) -> None:
    person = await site.signed_in(role)
    assert (await person.get("/storage")).status == status
    assert (await person.get("/api/v1/storage")).status == status


async def test_it_tells_how_long_the_space_lasts(site: Site) -> None:
    await measured(site, 900 * 10**9, 890 * 10**9, 880 * 10**9)
    person = await site.signed_in("administrator")
    page = await person.page("/storage", headers={"Accept-Language": "en"})
    told = (await (await person.get("/api/v1/storage")).json())["spaces"]
    assert [(each["place"], each["free_bytes"], round(each["days"]), each["short"]) for each in told] == [
        ("recordings", 880 * 10**9, 88, False)
    ]
    assert "<polyline" in page
    assert "88" in page


async def test_space_that_runs_out_soon_is_warned_of(site: Site) -> None:
    await measured(site, 200 * 10**9, 150 * 10**9, 100 * 10**9)
    person = await site.signed_in("officer")
    assert (await (await person.get("/api/v1/storage")).json())["spaces"][0]["short"] is True
    assert 'role="alert"' in await person.page("/storage")


async def test_spoilt_files_are_named_here_and_in_the_archive(site: Site, sitting: str) -> None:
    async with site.db.writer() as session:
        row = await session.get_one(Recording, sitting)
        row.spoilt, row.spoilt_at, row.looked_at = ["tracks/0001<b>.mkv"], NOW, NOW
    officer = await site.signed_in("officer")
    page = await officer.page("/storage")
    assert "tracks/0001&lt;b&gt;.mkv" in page
    assert (await (await officer.get("/api/v1/storage")).json())["spoilt"][0]["files"] == ["tracks/0001<b>.mkv"]
    assert "Spoilt files" in await (await site.signed_in("clerk")).page("/archive")
