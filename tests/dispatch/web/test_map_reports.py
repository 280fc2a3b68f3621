"""What was brought from the field on the map: with its photos, where it was sent from, for those who see the tasks."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

from tests.dispatch.web.conftest import Person, Site
from tests.dispatch.web.test_field import Out, out, picture, sent  # noqa: F401 - a fixture

HERE = {"latitude": 39.9219, "longitude": 116.4432, "accuracy_m": 9, "system": "wgs84"}


async def scene(person: Person) -> dict[str, Any]:
    """What the map's page is given."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', await person.page("/console/map"), re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(html.unescape(found[1]))["scene"]
    return told


async def test_a_report_is_on_the_map_with_its_photo_where_it_was_sent_from(site: Site, out: Out) -> None:  # noqa: F811
    await out.phone.send("/field/agree", {"agrees": True})
    task = await out.task()
    photo = await sent(out, task, picture())
    await out.done(task, "arrive")
    assert (await scene(out.officer))["reports"] == []
    await out.done(task, "report", text="已封堵 <b>", files=[photo], position=HERE)
    (shown,) = (await scene(out.officer))["reports"]
    assert (shown["id"], shown["text"], shown["by"]) == (task, "已封堵 <b>", site.users["field"].name)
    assert (shown["latitude"], shown["longitude"], shown["accuracy_m"], shown["at_task"]) == (39.9219, 116.4432, 9, False)
    assert [(file["id"], file["video"]) for file in shown["files"]] == [(photo, False)]
    assert (await out.officer.session.get(f"/console/files/{photo}/small")).content_type == "image/webp"
    assert "已封堵 <b>" not in await out.officer.page("/console/map")


async def test_one_without_a_position_stands_where_its_task_is_and_the_last_one_counts(site: Site, out: Out) -> None:  # noqa: F811
    task = await out.task(coordinates="39.95000, 116.40000")
    await out.done(task, "sign", "arrive")
    await out.done(task, "report", text="已封堵")
    await out.decided(task, "return", text="补拍全景")
    await out.done(task, "arrive")
    await out.done(task, "report", text="已补拍")
    (shown,) = (await scene(out.officer))["reports"]
    assert (shown["text"], shown["latitude"], shown["at_task"], shown["accuracy_m"]) == ("已补拍", 39.95, True, None)
    await out.decided(task, "close")
    site.now += timedelta(hours=23)
    assert len((await scene(await site.signed_in("officer")))["reports"]) == 1, "closed, and of the last 24 hours"
    site.now += timedelta(hours=2)
    assert (await scene(await site.signed_in("officer")))["reports"] == []


async def test_reports_and_telephone_numbers_are_for_those_who_may(site: Site, out: Out) -> None:  # noqa: F811
    await out.phone.send("/field/agree", {"agrees": True})
    task = await out.task()
    await out.done(task, "sign")
    await out.done(task, "arrive", position=HERE)
    await out.done(task, "report", text="已封堵")
    async with site.db.writer() as session:
        session.add(user := site.users["field"])
        user.phone = "13812345678"
    seen = {role: await scene(await site.signed_in(role)) for role in ("officer", "clerk", "administrator")}
    assert {role: len(told["reports"]) for role, told in seen.items()} == {"officer": 1, "clerk": 1, "administrator": 0}
    assert {role: told["people"][0]["phone"] for role, told in seen.items()} == {"officer": "13812345678", "clerk": "", "administrator": ""}
