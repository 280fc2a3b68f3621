"""Keeping by the API: classes by version, holds that are sent twice, destructions that no program approves, and sealed records."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from dispatch.store.tables import Sitting
from dispatch.web.routes import ROUTES
from tests.dispatch.web.api.conftest import Programs, order, recorded
from tests.dispatch.web.conftest import NOW, Site

EXPIRED = {"retention": "years_10", "counted_from": "2010-01-31", "reason": "鉴定后改划"}


@pytest.fixture
async def sitting(site: Site, program: Programs) -> str:
    """A closed sitting with a sealed recording."""
    found = str((await (await program("clerk")).made("/sittings", order(site)))["id"])
    await recorded(site, found)
    async with site.db.writer() as session:
        await session.execute(update(Sitting).where(Sitting.id == found).values(status="closed", opened_at=NOW, closed_at=NOW))
    return found


async def test_a_class_is_changed_on_the_version_that_was_seen(site: Site, program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    path = f"/recordings/{sitting}/keeping"
    _, seen, answer = await clerk.ask("GET", path)
    assert seen["retention"] == "permanent"
    status, changed, _ = await clerk.ask("PATCH", path, EXPIRED, If_Match=answer.headers["ETag"])
    assert (status, changed["expires_on"]) == (200, "2020-01-31")
    assert (await clerk.ask("PATCH", path, EXPIRED | {"retention": "years_60"}, If_Match=answer.headers["ETag"]))[0] == 412
    assert (await clerk.ask("PATCH", path, EXPIRED | {"retention": "years_20"}))[0] == 422
    assert (await clerk.ask("PATCH", path, EXPIRED | {"counted_from": "2030-01-01"}))[0] == 422


async def test_a_hold_that_is_sent_twice_is_placed_once_and_beats_expiry(program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    hold = {"reference": "（2026）监督1号", "reason": "申诉审查"}
    made = await clerk.made(f"/recordings/{sitting}/holds", hold, Idempotency_Key="one")
    assert await clerk.made(f"/recordings/{sitting}/holds", hold, Idempotency_Key="one") == made
    await clerk.ask("PATCH", f"/recordings/{sitting}/keeping", EXPIRED)
    status, refused, _ = await clerk.ask("POST", "/destructions", {"sittings": [sitting], "reason": "期满"})
    assert (status, refused["code"]) == (409, "on_hold")
    assert await clerk.get(f"/recordings/{sitting}/holds/{made['id']}") == made
    status, lifted, _ = await clerk.ask("POST", f"/recordings/{sitting}/holds/{made['id']}/lift", {"reason": "审查终结"})
    assert (status, lifted["lift_reason"]) == (200, "审查终结")
    shown = await clerk.get(f"/recordings/{sitting}/keeping")
    assert (shown["on_hold"], len(shown["holds"])) == (False, 1)


async def test_a_destruction_is_proposed_once_listed_and_stopped(program: Programs, sitting: str) -> None:
    clerk, officer = await program("clerk"), await program("officer")
    status, refused, _ = await clerk.ask("POST", "/destructions", {"sittings": [sitting], "reason": "期满"})
    assert (status, refused["code"]) == (409, "not_expired")
    wanted = {"sittings": [sitting], "reason": "裁定", "order_reference": "（2026）京0105刑初7号"}
    made = await clerk.made("/destructions", wanted, Idempotency_Key="one")
    assert await clerk.made("/destructions", wanted, Idempotency_Key="one") == made
    assert [row["id"] for row in (await officer.get("/destructions"))["items"]] == [made["id"]]
    assert await officer.get(f"/destructions/{made['id']}") == made
    assert (await officer.ask("POST", f"/destructions/{made['id']}/stop", {"reason": "不同意"}))[0] == 403
    assert (await clerk.ask("GET", f"/destructions/{made['id']}/certificate"))[0] == 404
    assert not [route for route in ROUTES if route.path.startswith("/api/") and route.path.endswith("destruction}/approve")]
    _, stopped, _ = await clerk.ask("POST", f"/destructions/{made['id']}/stop", {"reason": "清单有误"})
    assert stopped["state"] == "stopped"


async def test_what_a_program_has_sealed_it_does_not_find_again(program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    assert (await clerk.ask("POST", f"/sittings/{sitting}/seal", {"ground": "犯罪时不满十八周岁"}))[0] == 204
    for path in (f"/recordings/{sitting}/keeping", f"/recordings/{sitting}", f"/sittings/{sitting}"):
        assert (await clerk.ask("GET", path))[0] == 404, path
    assert (await clerk.ask("POST", f"/sittings/{sitting}/seal", {"ground": "again"}))[0] == 404
    assert (await clerk.ask("POST", "/destructions", {"sittings": [sitting], "reason": "a", "order_reference": "b"}))[0] == 404
