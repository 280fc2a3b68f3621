"""Finding a time and the waiting list for each of the five kinds: its own words, roles, presidents, room and usual length."""

from __future__ import annotations

import re

import pytest

from dispatch.booking.listing import waiting
from dispatch.booking.roles import accounts_that_preside, has_role, roles_for
from dispatch.booking.templates import STANDARD
from dispatch.web.translations import catalogue
from rooms.procedure import PROCEDURES
from tests.dispatch.booking.test_kinds import OUTSIDE
from tests.dispatch.web.conftest import Site


def options(page: str, select: str) -> list[str]:
    """Values that a list offers."""
    return re.findall(r'<option value="([^"]*)"', page.partition(f'<select id="{select}"')[2].partition("</select>")[0])


def chosen(page: str, select: str) -> str:
    found = re.search(r'value="([^"]*)" selected', page.partition(f'<select id="{select}"')[2].partition("</select>")[0])
    return found[1] if found else ""


def chair(kind: str) -> str:
    return "judge" if accounts_that_preside(kind) == ("judge",) else "prosecutor"


def people(kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for n, (name, role) in enumerate(OUTSIDE[kind]):
        found |= {f"participants-{n}-name": name, f"participants-{n}-role": role, f"participants-{n}-seat": "link"}
    return found


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_a_time_is_found_for_a_kind_and_booked_as_one(site: Site, kind: str) -> None:
    clerk = await site.signed_in("clerk")
    page = await clerk.page(f"/booking/find?template={kind}&fill=1")
    assert (chosen(page, "minutes"), chosen(page, "room_kind")) == (str(STANDARD[kind].minutes), STANDARD[kind].room_kind)
    assert (site.users["prosecutor"].id in options(page, "chair_id")) == (kind != "remote_court")
    assert ('id="prosecutor_id"' in page) == has_role(kind, "prosecutor")
    found = await clerk.page(
        f"/booking/find?search=1&template={kind}&chair_id={site.users[chair(kind)].id}&minutes=60&first=2026-12-01&last=2026-12-04"
    )
    address = re.search(r'href="(/sittings/new\?[^"]+)"', found)
    assert address is not None, found[-3000:]
    form = await clerk.page(address[1].replace("&amp;", "&"))
    assert chosen(form, "template") == kind
    assert chosen(form, "chair_id") == site.users[chair(kind)].id
    assert chosen(form, "participants-0-role") == STANDARD[kind].roles[0]
    assert (chosen(form, "minutes"), options(form, "participants-0-role")) == ("60", list(roles_for(kind)))


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_a_sitting_of_a_kind_waits_and_is_booked_by_its_rules(site: Site, kind: str) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/booking/waiting/new")
    filled = await (await clerk.post("/booking/waiting/new", {"kind": kind, "act": "fill", "minutes": "60"})).text()
    assert (chosen(filled, "kind"), chosen(filled, "minutes")) == (kind, str(STANDARD[kind].minutes))
    assert chosen(filled, "participants-0-role") == STANDARD[kind].roles[0]
    words = catalogue("en").gettext("role." + PROCEDURES[kind].chair)
    assert ("Presiding judge" if kind == "remote_court" else words) in filled.partition('for="chair_id"')[2][:200]
    fields = people(kind) | {
        "kind": kind, "case_number": "（2026）京检31号", "case_title": "案件", "minutes": "60", "priority": "1", "act": "save",
        "chair_id": site.users[chair(kind)].id, "clerk_id": site.users["clerk"].id,
    }  # fmt: skip
    assert (await clerk.post("/booking/waiting/new", fields)).status == 303
    (row,) = await waiting.listed(site.db)
    assert (row.kind, [(each["name"], each["role"]) for each in row.participants]) == (kind, list(OUTSIDE[kind]))
    again = await clerk.page(f"/booking/waiting/{row.id}")
    assert (chosen(again, "kind"), chosen(again, "participants-0-role")) == (kind, OUTSIDE[kind][0][1])
    stranger = "party" if kind not in ("remote_court", "public_hearing") else "suspect"
    refused = await clerk.post("/booking/waiting/new", fields | {"participants-0-role": stranger})
    assert refused.status == 422
