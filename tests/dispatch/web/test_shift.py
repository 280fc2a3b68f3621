"""The page of the shift: coming, going, who has which sitting, and the log as a file."""

from __future__ import annotations

import csv
import io
import re

from sqlalchemy import select

from dispatch.console.shift import charge
from dispatch.identity import people
from dispatch.store.tables import User
from tests.dispatch.web.conftest import PASSWORD, Person, Site
from tests.dispatch.web.test_archive import audited

SHIFT = "/console/shift"


async def on_shift(site: Site, until: str = "18:00") -> Person:
    officer = await site.signed_in("officer")
    answer = await officer.post(f"{SHIFT}/come", {"until": until})
    assert answer.status == 303, await answer.text()
    return officer


async def colleague(site: Site, language: str = "en") -> Person:
    """A second officer, on shift."""
    await people.add_user(site.db, name="Wang Min", sign_in_name="wang", role="officer", password=PASSWORD, language=language)
    person = site.visitor()
    await person.page("/sign-in")
    assert (await person.post("/sign-in", {"name": "wang", "password": PASSWORD})).status == 303
    await person.page(SHIFT)
    assert (await person.post(f"{SHIFT}/come", {"until": "20:00"})).status == 303
    return person


async def test_all_proposals_are_taken_with_one_click(site: Site) -> None:
    sitting = await site.booked(await site.signed_in("clerk"))
    officer = await on_shift(site)
    page = await officer.page(SHIFT)
    assert "Proposed: Officer" in page
    pairs = dict(re.findall(r'name="(officer-\w+)" value="(\w+)"', page))
    assert pairs == {f"officer-{sitting}": site.users["officer"].id}
    assert (await officer.post(f"{SHIFT}/proposals", pairs)).status == 303
    assert "Take over or give" in page
    page = await officer.page(SHIFT)
    assert "Proposed:" not in page
    assert "shift-give" not in page, "there is nobody else to give it to"
    assert (await charge.in_charge(site.db, [sitting]))[sitting].name == "Officer"
    assert [detail["sitting"] for detail in await audited(site, "sitting_given")] == [sitting]


async def test_whoever_goes_with_sittings_must_hand_them_over_and_what_he_typed_stays(site: Site) -> None:
    sitting = await site.booked(await site.signed_in("clerk"))
    officer = await on_shift(site)
    await officer.page(SHIFT)
    assert (await officer.post(f"{SHIFT}/sittings/{sitting}", {"to": site.users["officer"].id})).status == 303
    await officer.page(SHIFT)
    refused = await officer.post(f"{SHIFT}/leave", {"to": "", "text": "二号当事人网络不稳 <b>"})
    text = await refused.text()
    assert refused.status == 422
    assert "Choose who takes them" in text
    assert "二号当事人网络不稳 &lt;b&gt;" in text
    await colleague(site)
    async with site.db.reader() as session:
        wang = (await session.scalars(select(User).where(User.sign_in_name == "wang"))).one()
    await officer.page(SHIFT)
    assert (await officer.post(f"{SHIFT}/leave", {"to": wang.id, "text": "二号当事人网络不稳"})).status == 303
    assert "Officer went off shift and handed over to Wang Min" in await officer.page(SHIFT)
    assert (await charge.in_charge(site.db, [sitting]))[sitting].id == wang.id


async def test_a_bad_time_is_said_at_its_field(site: Site) -> None:
    officer = await site.signed_in("officer")
    await officer.page(SHIFT)
    for until, words in (("", "This is needed."), ("09:00", "within 16 hours"), ("noon", "This is needed.")):
        answer = await officer.post(f"{SHIFT}/come", {"until": until})
        assert answer.status == 422
        assert words in await answer.text()


async def test_the_log_comes_as_a_file_whose_cells_are_no_formulas(site: Site) -> None:
    officer = await on_shift(site)
    await officer.page(SHIFT)
    assert (await officer.post(f"{SHIFT}/notes", {"note": "=1+1 网络中断十分钟"})).status == 303
    answer = await officer.session.get(f"{SHIFT}/log.csv?day=2026-11-24")
    rows = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert [row[1:3] for row in rows[1:]] == [["Officer", "Officer came on shift"], ["Officer", "Officer noted"]]
    assert rows[2][4].endswith("=1+1 网络中断十分钟")
    assert not rows[2][4].startswith("=")
    assert len(await audited(site, "shift_log_exported")) == 1
    assert (await officer.session.get(f"{SHIFT}/log.csv?day=yesterday")).status == 400


async def test_clerks_have_no_shift(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert (await clerk.get(SHIFT)).status == 403
    assert SHIFT not in await clerk.page("/console")


async def test_the_page_is_there_in_chinese(site: Site) -> None:
    await site.booked(await site.signed_in("clerk"))
    page = await (await colleague(site, "zh-CN")).page(SHIFT)
    assert "值班日志" in page
    assert "采纳全部建议（1）" in page
