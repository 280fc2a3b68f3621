"""The form of a sitting: minors, guardians, who must not see or hear whom, and who presides; and to whom its page tells it."""

from __future__ import annotations

import asyncio
import re

import pytest

from dispatch.notices.feeds import entries
from dispatch.sittings import sittings
from dispatch.web.translations import catalogue
from tests.dispatch.web.conftest import Person, Site

PEOPLE = {
    "participants-0-name": "小明", "participants-0-role": "party", "participants-0-key": "p0", "participants-0-minor": "on",
    "participants-1-name": "王母", "participants-1-role": "guardian", "participants-1-key": "p1", "participants-1-guards": "p0",
    "participants-1-seat": "link", "participants-1-phone": "",
    "participants-2-name": "证人甲", "participants-2-role": "witness", "participants-2-key": "p2", "participants-2-seat": "link",
}  # fmt: skip
PAIR = {"apart-0-one": "p0", "apart-0-other": "p2"}


@pytest.fixture
async def clerk(site: Site) -> Person:
    person = await site.signed_in("clerk")
    await person.page("/sittings/new")
    return person


def field_error(text: str, field: str) -> str:
    found = re.search(rf'id="{re.escape(field)}-error-1".*?<span>(.*?)</span>', text, re.DOTALL)
    return found[1] if found else ""


async def test_what_is_booked_is_shown_when_it_is_changed_and_saved_again(site: Site, clerk: Person) -> None:
    sitting = await site.booked(clerk, **PEOPLE, **PAIR)
    before = sittings.plan(await sittings.get(site.db, sitting), site.db)
    assert (len(before.apart), [p.guards != "" for p in before.participants if p.role == "guardian"]) == (1, [True])
    page = await clerk.page(f"/sittings/{sitting}/edit")
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.partition("<template>")[0]))
    assert re.search(r'name="participants-0-minor" value="on" checked', page)
    chosen = re.findall(r'<select[^>]* name="(apart-\d-\w+|participants-1-guards)".*?value="(\w+)" selected', page, re.DOTALL)
    child = next(p.id for p in before.participants if p.name == "小明")
    assert dict(chosen)["participants-1-guards"] == child
    fields = PEOPLE | dict(chosen) | {name: value for name, value in sent.items() if name.endswith(("-id", "-key"))}
    assert (await clerk.post(f"/sittings/{sitting}/edit", site.draft(**fields))).status == 303
    assert sittings.plan(await sittings.get(site.db, sitting), site.db) == before


async def test_every_mistake_is_told_at_its_field_and_nothing_typed_is_lost(site: Site, clerk: Person) -> None:
    bad = PEOPLE | {"participants-1-guards": "", "apart-0-one": "p0", "apart-0-other": "p0", "apart-1-one": "p2", "apart-1-other": ""}
    answer = await clerk.post("/sittings/new", site.draft(**bad))
    text = await answer.text()
    assert answer.status == 422
    assert field_error(text, "participants.1.guards") == "Choose whose guardian or appropriate adult this is."
    assert field_error(text, "apart.0") == "Choose two different people."
    assert field_error(text, "apart.1") == "Choose two people."
    assert re.search(r'name="participants-0-minor" value="on" checked', text)
    assert re.search(r'name="apart-1-one"[^>]*aria-invalid="true".*?value="p2" selected', text, re.DOTALL)


async def test_an_empty_row_before_it_does_not_put_a_mistake_elsewhere(site: Site, clerk: Person) -> None:
    empty = {"participants-0-name": "", "participants-0-phone": "", "participants-0-key": "p0"}
    answer = await clerk.post("/sittings/new", site.draft(**empty, **{"participants-1-phone": "no number"}))
    text = (await answer.text()).partition("<template>")[0]
    assert re.search(r'name="participants-0-phone" value="no number"[^>]*aria-invalid="true"', text)


async def test_a_minor_without_his_guardian_is_booked_with_a_reason(site: Site, clerk: Person) -> None:
    alone = {"participants-0-name": "小明", "participants-0-minor": "on", "day": "2026-12-08"}
    answer = await clerk.post("/sittings/new", site.draft(**alone, override_reason=""))
    text = await answer.text()
    assert answer.status == 422
    assert "is a minor and has no guardian" in field_error(text, "override_reason")
    sitting = await site.booked(clerk, **alone, override_reason="监护人在外地")
    assert (await sittings.get(site.db, sitting)).booking.override_reason == "监护人在外地"


async def test_without_a_script_lines_are_added_and_taken_away_by_the_server(site: Site, clerk: Person) -> None:
    text = await (await clerk.post("/sittings/new", site.draft(**PEOPLE, **PAIR, act="add-pair"))).text()
    assert 'name="apart-1-one"' in text.partition('<kept-apart')[2].partition("<template>")[0]
    gone = await (await clerk.post("/sittings/new", site.draft(**PEOPLE, **PAIR, act="remove-pair-0"))).text()
    assert 'name="apart-0-one"' not in gone.partition('<kept-apart')[2].partition("<template>")[0]
    # Whoever is taken out takes his pairs along.
    without = await (await clerk.post("/sittings/new", site.draft(**PEOPLE, **PAIR, act="remove-2"))).text()
    assert 'name="apart-0-one"' not in without.partition('<kept-apart')[2].partition("<template>")[0]


async def test_another_of_several_presides_at_the_press_of_a_button(site: Site, clerk: Person) -> None:
    people = {
        "template": "remote_interrogation", "former": "remote_interrogation",
        "participants-0-name": "", "participants-0-user_id": site.users["prosecutor"].id, "participants-0-role": "interrogator",
        "participants-1-name": "马某", "participants-1-role": "suspect",
    }  # fmt: skip
    text = await (await clerk.post("/sittings/new", site.draft(**people, act="preside-0"))).text()
    assert re.search(rf'<select id="chair_id".*?value="{site.users["prosecutor"].id}" selected', text, re.DOTALL)
    row = text.partition('id="participants-0-user_id"')[2].partition("</select>")[0]
    assert f'value="{site.users["judge"].id}" selected' in row


async def test_an_open_sitting_shows_it_and_does_not_let_it_be_changed(site: Site, clerk: Person) -> None:
    sitting = await site.booked(clerk, **PEOPLE, **PAIR)
    await site.context.live.ensure_open(sitting)
    async with asyncio.timeout(30):
        while (await sittings.get(site.db, sitting)).status != "open":
            await asyncio.sleep(0.05)
    page = await clerk.page(f"/sittings/{sitting}/edit")
    assert "stay as they are" in page
    people = page.partition("<template>")[0]
    assert not re.search(r'<select[^>]*name="participants-1-guards"', people)
    assert re.search(r'<input type="hidden" name="apart-0-one" value="\w{16}">', page)
    sent = dict(re.findall(r'name="(participants-\d+-id)" value="([^"]*)"', people))
    guards = dict(re.findall(r'name="(participants-1-guards)" value="([^"]*)"', people))
    answer = await clerk.post(f"/sittings/{sitting}/edit", site.draft(**(PEOPLE | sent | guards)))
    assert answer.status == 422
    assert "not changed any more" in field_error(await answer.text(), "apart")


async def test_the_page_tells_who_keeps_the_booking_and_who_presides_and_nobody_else(site: Site, clerk: Person) -> None:
    sitting = await site.booked(clerk, **PEOPLE, **PAIR, prosecutor_id=site.users["prosecutor"].id)
    for role, told in (("clerk", True), ("judge", True), ("prosecutor", False)):
        page = await (await site.signed_in(role)).page(f"/sittings/{sitting}")
        assert ("must not see or hear" in page) == told
        assert ("guards 小明" in page) == told
    found = await sittings.get(site.db, sitting)
    told_outside = str(list(entries([found], catalogue("en").gettext, "http://here", english=True)))
    assert not any(word in told_outside for word in ("小明 ↔", "guards", "apart"))


async def test_the_history_of_a_sitting_says_it_in_words(site: Site, clerk: Person) -> None:
    sitting = await site.booked(clerk, **PEOPLE, **PAIR)
    ids = {p.name: p.id for p in (await sittings.get(site.db, sitting)).participants}
    words = {f"participants-{n}-id": ids[name] for n, name in enumerate(("小明", "王母", "证人甲"))}
    changed = PEOPLE | words | {"participants-1-guards": ids["小明"], "apart-0-one": ids["王母"], "apart-0-other": ids["证人甲"]}
    assert (await clerk.post(f"/sittings/{sitting}/edit", site.draft(**changed))).status == 303
    page = await clerk.page(f"/sittings/{sitting}/history")
    assert "Must not see or hear each other" in page
    assert "王母 ↔ 证人甲" in page
    assert "小明 ↔ 证人甲" in page
