"""A booking's history on the pages and through the API, for clerks and administrators."""

from __future__ import annotations

import pytest

from tests.dispatch.web.api.conftest import Programs
from tests.dispatch.web.conftest import Site


async def moved(site: Site) -> str:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    order = {"room_id": site.rooms[1].id, "day": "2026-11-24", "start": "16:00", "minutes": 60, "override_reason": "双方<同意>"}
    assert (await clerk.send(f"/booking/{sitting}/move", order)).status == 200
    return sitting


async def test_the_sittings_page_tells_what_was_changed_and_why(site: Site) -> None:
    sitting = await moved(site)
    clerk = await site.signed_in("clerk")
    page = await clerk.page(f"/sittings/{sitting}")
    assert "<del>2026-11-24 14:00–15:00</del>" in page
    assert "<ins>2026-11-24 16:00–17:00</ins>" in page
    assert "<del>Remote Court 1</del>" in page
    assert "Reason: 双方&lt;同意&gt;" in page
    assert "Against the rules: statutory notice" in page
    assert f'href="/sittings/{sitting}/history"' in page


async def test_the_administrator_comes_to_it_from_the_audit_log(site: Site) -> None:
    sitting = await moved(site)
    admin = await site.signed_in("administrator")
    assert f'href="/sittings/{sitting}/history"' in await admin.page("/audit")
    page = await admin.page(f"/sittings/{sitting}/history")
    assert page.count("<li>") == 2
    assert 'href="/audit"' in page
    assert (await admin.get("/sittings/0123456789abcdef/history")).status == 404
    judge = await site.signed_in("judge")
    assert (await judge.get(f"/sittings/{sitting}/history")).status == 403
    assert f"{sitting}/history" not in await judge.page(f"/sittings/{sitting}")


@pytest.mark.parametrize("role", ["clerk", "administrator"])
async def test_programs_read_it_in_pages(site: Site, program: Programs, role: str) -> None:
    sitting = await moved(site)
    one = await program(role)
    first = await one.get(f"/sittings/{sitting}/history?limit=1")
    [entry] = first["items"]
    assert (entry["action"], entry["actor"], entry["reason"]) == ("sitting_moved", "Clerk", "双方<同意>")
    assert entry["changes"][0] == {"field": "starts", "former": ["2026-11-24 14:00"], "latter": ["2026-11-24 16:00"]}
    second = await one.get(f"/sittings/{sitting}/history?limit=1&cursor={first['next']}")
    assert [each["action"] for each in second["items"]] == ["sitting_booked"]
    assert second["next"] is None
