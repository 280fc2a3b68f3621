"""After the end the page of the hearing is told when the recording is sealed; who conducted it also where it is, and what to explain."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dispatch.archive import explanations
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Sitting
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.web.conftest import NOW, Person, Site
from tests.dispatch.web.test_hearing_socket import consented

NOT_YET = {"sealed": False, "playback": "", "explain": ""}


async def ended(site: Site, sitting: str) -> None:
    async with site.db.writer() as session:
        (await session.get_one(Sitting, sitting)).status = "closed"


async def sealed(site: Site, sitting: str) -> None:
    """With a fault, of which whoever presided is asked."""
    base = site.context.settings.recordings
    made = await asyncio.to_thread(make_sealed, base, sitting)
    async with site.db.writer() as session:
        row = {"folder": sitting, "sealed_at": NOW, "manifest_sha256": made["manifest_sha256"], "seconds": 8.0, "bytes": 123_456}
        session.add(Recording(sitting_id=sitting, composite="none", **row))
    await explanations.ask(site.db, sitting, base / sitting, NOW)


async def told(person: Person, sitting: str, via: str) -> dict[str, Any]:
    return dict(json.loads(await person.page(f"/hearing/{sitting}/seal?via={via}")))


@pytest.fixture
async def sitting(site: Site) -> str:
    return await site.booked(await site.signed_in("clerk"))


async def test_it_is_told_when_it_is_sealed_and_to_whom_it_belongs_where_it_is(site: Site, sitting: str) -> None:
    judge, party = await site.signed_in("judge"), await consented(site, sitting)
    await judge.page(f"/hearing/{sitting}")
    assert (await judge.get(f"/hearing/{sitting}/seal?via=staff")).status == 403, "it is not over"
    await ended(site, sitting)
    assert [await told(judge, sitting, "staff"), await told(party, sitting, "link")] == [NOT_YET, NOT_YET]
    await sealed(site, sitting)
    archive = f"/archive/{sitting}"
    assert await told(judge, sitting, "staff") == {"sealed": True, "playback": archive, "explain": f"{archive}/explanation"}
    assert await told(party, sitting, "link") == {"sealed": True, "playback": "", "explain": ""}


async def test_who_was_not_in_the_hearing_is_told_nothing(site: Site, sitting: str) -> None:
    await ended(site, sitting)
    await sealed(site, sitting)
    for stranger in (await site.signed_in("prosecutor"), await site.signed_in("judge")):
        assert (await stranger.get(f"/hearing/{sitting}/seal")).status in (403, 404)
    assert (await site.visitor().get(f"/hearing/{sitting}/seal")).status == 401
