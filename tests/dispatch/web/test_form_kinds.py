"""Choosing a kind or a template fills the form in; what was entered stays. The administrator keeps the templates."""

from __future__ import annotations

import re

from dispatch.booking import templates
from dispatch.booking.templates import TemplateDraft
from dispatch.sittings import procedures
from dispatch.store.tables import SittingTemplate
from rooms.procedure import BRIEF_COURT, PROCEDURES
from tests.dispatch.making import add_movable
from tests.dispatch.web.conftest import NOW, Site


async def template(site: Site, *means: str, name: str = "离婚案件") -> SittingTemplate:
    draft = TemplateDraft(name, "remote_court", 90, "Divorce", "court", ("party", "party", "agent"), means)
    return await templates.add(site.db, draft, site.users["administrator"], NOW)


def roles_shown(text: str) -> list[str]:
    rows = re.findall(r'<select id="participants-\d+-role".*?</select>', text.partition("<template>")[0], re.DOTALL)
    return [found[1] for row in rows if (found := re.search(r'value="(\w+)" selected', row))]


async def test_a_template_sets_length_roles_and_equipment_and_keeps_who_is_entered(site: Site) -> None:
    [camera] = await add_movable(site.db, "equipment", "实物展台", site.users["administrator"], NOW)
    made = await template(site, camera.id)
    clerk = await site.signed_in("clerk")
    page = await clerk.page("/sittings/new")
    assert f'value="remote_court.{made.id}">Divorce' in page
    assert "Stages: Waiting → Roll-call → Identity, rights, recusal → Investigation → Debate" in page
    answer = await clerk.post("/sittings/new", site.draft(template=f"remote_court.{made.id}", former="remote_court", act="fill"))
    text = await answer.text()
    assert answer.status == 200
    assert '<option value="90" selected>' in text
    assert f'name="means-{camera.id}" value="on" checked' in text
    # The party and the interpreter who were entered, then what is missing of two parties and an agent.
    assert roles_shown(text) == ["party", "interpreter", "party", "agent"]
    assert "刘芳" in text


async def test_another_choice_takes_back_what_the_former_had_ticked(site: Site) -> None:
    admin = site.users["administrator"]
    [camera], [stand] = [await add_movable(site.db, "equipment", name, admin, NOW) for name in ("实物展台", "打印机")]
    made = await template(site, camera.id)
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    fields = site.draft(template="remote_court", former=f"remote_court.{made.id}", act="fill")
    text = await (await clerk.post("/sittings/new", fields | {f"means-{camera.id}": "on", f"means-{stand.id}": "on"})).text()
    assert f'name="means-{stand.id}" value="on" checked' in text
    assert f'name="means-{camera.id}" value="on">' in text


async def test_a_sitting_is_booked_from_a_template(site: Site) -> None:
    made = await template(site)
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk, template=f"remote_court.{made.id}")
    edit = await clerk.page(f"/sittings/{sitting}/edit")
    assert '<input type="hidden" name="template" value="remote_court">' in edit


async def test_a_template_that_is_gone_fills_in_the_standard(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    text = await (await clerk.post("/sittings/new", site.draft(template="remote_court.0123456789abcdef", minutes="45", act="fill"))).text()
    assert '<option value="60" selected>' in text


async def test_a_kind_that_cannot_be_held_is_refused_at_its_field(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    answer = await clerk.post("/sittings/new", site.draft(template="cellar"))
    text = await answer.text()
    assert answer.status == 422
    assert re.search(r'name="template" aria-invalid="true" aria-describedby="kind-error-1"', text)
    assert (await clerk.post("/sittings/new", site.draft(template="cellar", act="fill"))).status == 200


async def test_the_kind_of_a_sitting_that_is_there_stays(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    form = await clerk.page(f"/sittings/{sitting}/edit")
    people = dict(re.findall(r'name="(participants-\d+-(?:id|user_id))" value="([^"]*)"', form))
    assert (await clerk.post(f"/sittings/{sitting}/edit", site.draft(template="cellar") | people)).status == 303


async def test_the_administrator_adds_and_changes_templates(site: Site) -> None:
    [camera] = await add_movable(site.db, "equipment", "实物展台", site.users["administrator"], NOW)
    admin = await site.signed_in("administrator")
    await admin.page("/catalogue/templates/new")
    typed = {"name": "调解", "name_en": "Mediation", "kind": "remote_court", "minutes": "45", "room_kind": "court", "position": "1"}
    bad = await admin.post("/catalogue/templates/new", typed | {"minutes": "soon", "roles-party": "99"})
    text = await bad.text()
    assert bad.status == 422
    assert 'value="soon" aria-invalid="true"' in text
    assert 'name="roles-party" type="number" min="0" max="20" value="99"' in text
    fields = typed | {"roles-party": "2", "roles-agent": "", f"means-{camera.id}": "on"}
    assert (await admin.post("/catalogue/templates/new", fields)).status == 303
    [made] = await templates.list_templates(site.db)
    assert (made.minutes, made.roles, made.means) == (45, ["party", "party"], [camera.id])
    listed = await admin.page("/catalogue/templates?saved")
    assert "Mediation" in listed
    assert "Party × 2" in listed
    form = await admin.page(f"/catalogue/templates/{made.id}")
    assert f'name="means-{camera.id}" value="on" checked' in form
    assert (await admin.post(f"/catalogue/templates/{made.id}", typed)).status == 303  # the box for “in use” was not ticked
    assert await templates.list_templates(site.db) == []
    assert (await admin.get("/catalogue/templates/0123456789abcdef")).status == 404


async def test_the_stages_are_those_of_the_version_that_the_unit_holds_by(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert "→ Recess →" not in await clerk.page("/sittings/new"), "a pause is no step"
    await procedures.adopt(site.db, BRIEF_COURT.text, "root", NOW)
    assert "Stages: Gathering → In session → Recess → Closed<" in await clerk.page("/sittings/new")


async def test_the_fields_are_those_of_the_version_that_the_unit_holds_by(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert 'name="prosecutor_id"' not in await clerk.page("/sittings/new?template=round_table")
    table = PROCEDURES["round_table"].text.replace("version: 2026-1", "version: 云河 2027")
    own = table.replace("  guest: {is", "  prosecutor: {seat: right, source: 公益诉讼办案规则第七十条}\n  guest: {is", 1)
    await procedures.adopt(site.db, own.replace("clerk: SVL,", "clerk: SVL, prosecutor: SVPL,"), "root", NOW)
    assert 'name="prosecutor_id"' in await clerk.page("/sittings/new?template=round_table")
