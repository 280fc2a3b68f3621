"""The reports as a page, as files and through the API: one set of figures, reckoned by hand, in all of them."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import select, update

from dispatch.console.alerts.raising import raise_alert
from dispatch.store.field_tables import FieldTask, Team
from dispatch.store.tables import AuditRow, CourtSite, Resource, Sitting, new_id
from tests.dispatch.web.api.conftest import Programs
from tests.dispatch.web.conftest import NOW, Site

SPAN = "unit=span&from=2026-11-23&until=2026-11-29"


@pytest.fixture
async def sitting(site: Site) -> str:
    """Booked from 14:00 to 15:00, opened at 14:20 and closed at 15:30; and an alert of the whole court."""
    sitting = await site.booked(await site.signed_in("clerk"))
    times = {"opened_at": moment(14, 20), "closed_at": moment(15, 30), "status": "closed"}
    async with site.db.writer() as session:
        await session.execute(update(Sitting).where(Sitting.id == sitting).values(**times))
    site.now = NOW + timedelta(hours=8)
    await raise_alert(site.db, "space_short", "warning", now=site.now)
    return sitting


def moment(hour: int, minute: int) -> datetime:
    return NOW.replace(hour=hour - 8, minute=minute)


async def test_the_page_has_every_table_and_its_figures(site: Site, sitting: str) -> None:
    page = await (await site.signed_in("officer")).page(f"/console/reports?{SPAN}")
    for code in ("days", "rooms", "kinds", "delays", "disconnections", "alerts", "tasks"):
        assert f'id="report-{code}"' in page, code
    late = page.split('id="report-delays"')[1].split("</section>")[0]
    cells = [cell.split("<")[0] for cell in late.split('figures">')[1:]]
    assert cells[-10:] == ["1", "0", "0", "1", "0", "20 min", "20 min", "20 min", "1", "30 min"]
    assert "Too little space" in page
    assert page.count("<svg") > 7


async def test_the_week_of_today_is_shown_first_and_others_are_one_click_away(site: Site, sitting: str) -> None:
    page = await (await site.signed_in("administrator")).page("/console/reports")
    assert "unit=week&amp;day=2026-11-16" in page
    assert "unit=week&amp;day=2026-11-30" in page


async def test_a_site_has_its_own_figures(site: Site, sitting: str) -> None:
    here, there = new_id(), new_id()
    async with site.db.writer() as session:
        session.add_all([CourtSite(id=here, name="本部", name_en="Main"), CourtSite(id=there, name="看守所", name_en="Custody")])
        await session.flush()
        await session.execute(update(Resource).where(Resource.id == site.rooms[0].id).values(site_id=here))
        await session.execute(update(Resource).where(Resource.id == site.rooms[1].id).values(site_id=there))
    officer = await site.signed_in("officer")
    mine = await officer.page(f"/console/reports?{SPAN}&site={here}")
    other = await officer.page(f"/console/reports?{SPAN}&site={there}")
    assert ("Remote Court 1" in mine, "Remote Court 2" in mine, "20 min" in mine) == (True, False, True)
    assert ("Remote Court 1" in other, "Remote Court 2" in other, "20 min" in other) == (False, True, False)
    assert "No sitting was opened in this time." in other
    assert "Too little space" not in mine


async def test_what_is_no_day_is_said_at_its_field_and_what_was_typed_stays(site: Site) -> None:
    answer = await (await site.signed_in("officer")).get("/console/reports?unit=span&from=2026-11-24&until=2026-11-01")
    page = await answer.text()
    assert answer.status == 422
    assert 'id="until-error"' in page
    assert 'value="2026-11-24"' in page


async def test_the_files_have_the_same_tables_and_are_audited(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    files = [await (await officer.session.get(f"/console/reports/file?{SPAN}&format={kind}")).read() for kind in ("csv", "xlsx")]
    text = files[0].decode("utf-8-sig")
    assert "Remote court,1,0,0,1,0,20 min,20 min,20 min,1,30 min" in text
    book = openpyxl.load_workbook(io.BytesIO(files[1]))
    rows = [[str(cell) for cell in row if cell not in (None, "")] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert ["Alerts and time to answer"] in rows
    assert ["Too little space", "1", "0", "–", "–", "–", "–"] in rows
    async with site.db.reader() as session:
        found = list(await session.scalars(select(AuditRow.action)))
    assert found.count("report_exported") == 2
    assert (await officer.get(f"/console/reports/file?{SPAN}&format=pdf")).status == 404


async def test_programs_get_the_figures(site: Site, sitting: str, program: Programs) -> None:
    told = await (await program("officer")).get("/reports?from=2026-11-23&until=2026-11-29")
    (kind,) = told["kinds"]
    assert (kind["opened"], kind["on_time"], kind["late"]["median"], kind["went_on"]["most"]) == (1, 0, 1200.0, 1800.0)
    assert [(alert["code"], alert["raised"], alert["answered"]["count"]) for alert in told["alerts"]] == [("space_short", 1, 0)]
    assert [day["held"] for day in told["days"]] == [0, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("role", ["clerk", "judge", "prosecutor"])
async def test_reports_are_for_officers_and_administrators(site: Site, role: str) -> None:
    assert (await (await site.signed_in(role)).get("/console/reports")).status == 403


async def test_tasks_are_told_by_team_from_when_they_were_sent(site: Site, program: Programs) -> None:
    team = Team(id=new_id(), name="城东片区", name_en="East")
    times = {"sent_at": NOW, "signed_at": NOW + timedelta(minutes=10), "arrived_at": NOW + timedelta(minutes=50)}
    shared = {"year": 2026, "title": "取水样", "place": "云河", "team_id": team.id, "created_by": "", "created_name": "梁雨"}
    done = {"reported_at": NOW + timedelta(hours=2), "ended_at": NOW + timedelta(hours=3), "state": "closed"}
    async with site.db.writer() as session:
        session.add(team)
        await session.flush()
        session.add(FieldTask(running=1, deadline=NOW + timedelta(hours=4), **shared, **times, **done))
        session.add(FieldTask(running=2, deadline=NOW + timedelta(hours=1), state="sent", sent_at=NOW, **shared))
    site.now = NOW + timedelta(hours=5)
    (told,) = (await (await program("officer")).get("/reports?from=2026-11-24&until=2026-11-24"))["tasks"]
    assert (told["team"], told["sent"], told["overdue"]) == ("城东片区", 2, 1)
    medians = {name: told[name]["median"] for name in ("signed", "arrived", "reported", "ended")}
    assert medians == {"signed": 600.0, "arrived": 3000.0, "reported": 7200.0, "ended": 10_800.0}
    page = await (await site.signed_in("officer")).page("/console/reports?unit=day&day=2026-11-24")
    tasks = page.split('id="report-tasks"')[1].split("</section>")[0]
    assert [cell.split("<")[0] for cell in tasks.split('end figures">')[1:]] == ["2", "1", "10 min", "50 min", "2.0 h", "3.0 h"]
