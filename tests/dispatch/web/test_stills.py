"""Stills of a face and of a document: kept unchanged, named by the log, seen by the desk of the sitting alone."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from PIL import Image

from dispatch import audit
from dispatch.operations import snapshot
from tests.dispatch.web.conftest import Person, Site
from tests.dispatch.web.test_written_and_extended import enter, view_when


def jpeg(colour: str = "#886644") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (320, 180), colour).save(made, "JPEG")
    return made.getvalue()


@pytest.fixture
async def sitting(site: Site) -> str:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    found = await site.booked(clerk)
    await site.context.live.ensure_open(found)
    return found


async def post(person: Person, sitting: str, data: bytes) -> ClientResponse:
    headers = {"Content-Type": "image/jpeg", "X-CSRF-Token": person.token}
    return await person.session.post(f"/sittings/{sitting}/stills", data=data, headers=headers)


async def test_a_still_is_kept_as_it_was_sent_and_the_log_names_it(site: Site, sitting: str) -> None:
    judge = await site.signed_in("judge")
    socket = await enter(site, sitting, judge)
    await view_when(socket, "judge")
    data = jpeg()
    answer = await post(judge, sitting, data)
    assert answer.status == 200
    still = (await answer.json())["id"]
    assert still == hashlib.sha256(data).hexdigest()
    seen = await judge.session.get(f"/sittings/{sitting}/stills/{still}")
    assert (seen.status, seen.headers["Content-Type"], await seen.read()) == (200, "image/jpeg", data)
    rows = [row for row in await site.context.hub.rows(sitting) if row.type == "still_kept"]
    assert [(row.data["still"], row.data["bytes"]) for row in rows] == [(still, len(data))]
    assert {"still_kept", "still_viewed"} <= set(await audit.actions(site.db))
    kept = [source.path.read_bytes() for source in snapshot.stills(site.context.settings.stills)]
    assert kept == [data]
    assert (await judge.session.get(f"/sittings/{sitting}/stills/{'0' * 64}")).status == 404
    assert (await judge.session.get(f"/sittings/{sitting}/stills/..%2F..%2Fsecrets")).status == 404


@pytest.mark.parametrize("data", [b"", b"not a picture", jpeg()[:200], b"\xff" * 1_000_001])
async def test_what_is_no_small_jpeg_is_refused_and_nothing_is_kept(site: Site, sitting: str, data: bytes) -> None:
    judge = await site.signed_in("judge")
    await view_when(await enter(site, sitting, judge), "judge")
    answer = await post(judge, sitting, data)
    assert 400 <= answer.status < 500
    assert [row for row in await site.context.hub.rows(sitting) if row.type == "still_kept"] == []
    assert not Path(site.context.settings.stills).exists()


async def test_only_the_desk_that_is_inside_keeps_and_sees_stills(site: Site, sitting: str) -> None:
    judge, officer = await site.signed_in("judge"), await site.signed_in("officer")
    await judge.page("/")
    assert (await post(judge, sitting, jpeg())).status == 403, "the chair has not come in"
    await officer.page("/console")
    assert (await post(officer, sitting, jpeg())).status == 403
    await view_when(await enter(site, sitting, judge), "judge")
    still = (await (await post(judge, sitting, jpeg())).json())["id"]
    assert (await officer.session.get(f"/sittings/{sitting}/stills/{still}")).status == 403
    other = await site.signed_in("clerk")
    assert (await other.session.get(f"/sittings/{sitting}/stills/{still}")).status == 403, "a clerk of another sitting"
