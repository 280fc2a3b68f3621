"""The administrator's catalogue: sites, rooms, equipment, cells, hours, closures, the calendar, and photos."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from aiohttp import FormData
from PIL import Image
from sqlalchemy import select

from dispatch.booking.catalogue import loaded_days
from dispatch.booking.catalogue.sites import list_sites
from dispatch.store.tables import Closure, CourtSite, Resource
from tests.dispatch.making import audited
from tests.dispatch.web.conftest import Person, Site

PAGES = ("rooms", "sites", "equipment", "custody", "interpreters", "police", "people", "closures", "calendar")
SITE = {"name": "云河看守所", "name_en": "", "address": "北河沿路 3 号", "zone": "", "position": "2", "hours": "inherited"}
THING = {
    "name": "实物展台",
    "name_en": "",
    "site_id": "",
    "position": "1",
    "before_minutes": "10",
    "after_minutes": "0",
    "hours": "inherited",
}


async def administrator(site: Site) -> Person:
    person = await site.signed_in("administrator")
    await person.page("/catalogue/rooms")
    return person


async def resource(site: Site, name: str) -> Resource:
    async with site.db.reader() as session:
        return (await session.scalars(select(Resource).where(Resource.name == name))).one()


async def id_of(site: Site, name: str) -> str:
    async with site.db.reader() as session:
        return (await session.scalars(select(CourtSite.id).where(CourtSite.name == name))).one()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_page_leads_to_every_other(site: Site, page: str, language: str) -> None:
    person = await site.signed_in("administrator", language)
    text = await person.page(f"/catalogue/{page}")
    assert all(f'href="/catalogue/{other}"' in text for other in PAGES)
    assert len(re.findall(r'href="/catalogue/\w+" aria-current="page"', text)) >= 1


@pytest.mark.parametrize("role", ["clerk", "judge", "officer"])
async def test_the_catalogue_is_the_administrators(site: Site, role: str) -> None:
    person = await site.signed_in(role)
    for page in PAGES:
        assert (await person.get(f"/catalogue/{page}")).status == 403


async def test_a_site_is_added_and_changed_with_its_hours_and_clock(site: Site) -> None:
    person = await administrator(site)
    hours = {"hours": "own", "hours.mon": "8:30-12:00，14:00-17:30", "hours.sat": "22:00-06:00"}
    assert (await person.post("/catalogue/sites/new", SITE | hours | {"zone": "Asia/Urumqi"})).status == 303
    own = await id_of(site, "云河看守所")
    page = await person.page(f"/catalogue/sites/{own}")
    assert 'value="08:30-12:00, 14:00-17:30"' in page
    assert 'value="Asia/Urumqi"' in page
    assert (await person.post(f"/catalogue/sites/{own}", SITE | {"active": "yes"})).status == 303
    async with site.db.reader() as session:
        changed = await session.get_one(CourtSite, own)
    assert (changed.hours, changed.zone, changed.active) == (None, None, True)
    assert [row.action for row in await audited(site.db, "site_added", "site_changed")] == ["site_added", "site_changed"]


async def test_each_mistake_of_a_site_is_told_at_its_field_and_what_was_typed_stays(site: Site) -> None:
    person = await administrator(site)
    wrong = {
        "name": "",
        "zone": "Mars/Olympus",
        "position": "x",
        "hours": "own",
        "hours.mon": "9-12, 09:00-11:00",
        "hours.tue": "9:00-9:00",
    }
    answer = await person.post("/catalogue/sites/new", SITE | wrong)
    page = await answer.text()
    assert answer.status == 422
    for field in ("name", "zone", "position", "hours.mon", "hours.tue"):
        assert f'id="{field}-error-1"' in page, field
    assert 'value="9-12, 09:00-11:00"' in page
    assert 'value="北河沿路 3 号"' in page


async def test_a_site_where_something_can_be_booked_is_not_taken_out_of_use(site: Site) -> None:
    person = await administrator(site)
    await person.post("/catalogue/sites/new", SITE)
    own = await id_of(site, "云河看守所")
    await person.post("/catalogue/custody/new", THING | {"name": "远程提讯席", "site_id": own, "slots": "2"})
    answer = await person.post(f"/catalogue/sites/{own}", SITE)
    assert answer.status == 409
    assert "远程提讯席 1" in await answer.text()


async def test_equipment_and_the_slots_of_a_custody_place(site: Site) -> None:
    person = await administrator(site)
    more = {"needs_approval": "yes", "booked_by": "clerk", "features": "document_camera"}
    assert (await person.post("/catalogue/equipment/new", THING | more)).status == 303
    made = await resource(site, "实物展台")
    assert (made.kind, made.before_minutes, made.needs_approval, made.booked_by, made.features) == (
        "equipment", 10, True, ["clerk"], ["document_camera"],
    )  # fmt: skip
    assert (await person.post("/catalogue/custody/new", THING | {"name": "提讯席", "slots": "3"})).status == 303
    assert [await resource(site, f"提讯席 {number}") for number in (1, 2, 3)]
    answer = await person.post("/catalogue/custody/new", THING | {"name": "", "slots": "0", "before_minutes": "999"})
    page = await answer.text()
    assert answer.status == 422
    for field in ("name", "slots", "before_minutes"):
        assert f'id="{field}-error-1"' in page, field
    changed = await person.post(f"/catalogue/equipment/{made.id}", THING | {"name": "实物展台甲"})
    assert changed.status == 303
    assert (await resource(site, "实物展台甲")).active is False
    assert (await person.get(f"/catalogue/custody/{made.id}")).status == 404


async def test_interpreters_and_judicial_police_are_kept_by_name(site: Site) -> None:
    person = await administrator(site)
    for tab, name in (("interpreters", "手语翻译 程静"), ("police", "法警 高磊")):
        typed = THING | {"name": name, "hours": "own", "hours.mon": "09:00-12:00"}
        assert (await person.post(f"/catalogue/{tab}/new", typed)).status == 303
        made = await resource(site, name)
        assert (made.kind, made.hours) == ({"interpreters": "interpreter"}.get(tab, tab), {"mon": ["09:00-12:00"]})
        assert name in await person.page(f"/catalogue/{tab}")
        assert name in await person.page("/catalogue/closures")
        assert (await person.get(f"/catalogue/equipment/{made.id}")).status == 404


async def test_a_rooms_form_has_its_features_hours_and_terms(site: Site) -> None:
    person = await administrator(site)
    room = site.rooms[0]
    fields = {"name": room.name, "name_en": room.name_en, "kind": "court", "site": "", "capacity": "8", "position": "1", "active": "yes"}
    more = {"features": "hearing_loop", "before_minutes": "15", "hours": "own", "hours.fri": "09:00-11:00"}
    assert (await person.post(f"/catalogue/rooms/{room.id}", fields | more)).status == 303
    kept = await resource(site, room.name)
    assert (kept.features, kept.before_minutes, kept.hours) == (["hearing_loop"], 15, {"fri": ["09:00-11:00"]})
    assert kept.revision > 1
    page = await person.page(f"/catalogue/rooms/{room.id}")
    assert 'value="hearing_loop" checked' in page
    refused = await person.post(f"/catalogue/rooms/{room.id}", fields | more | {"hours.fri": "noon"})
    assert (refused.status, 'value="noon"' in await refused.text()) == (422, True)


async def test_hours_of_a_person_are_set_and_the_account_stays_as_it_is(site: Site) -> None:
    person = await administrator(site)
    judge = site.users["judge"]
    fields = {"hours": "own", "hours.tue": "09:00-12:00", "site_id": "", "before_minutes": "", "after_minutes": ""}
    assert (await person.post(f"/catalogue/people/{judge.id}", fields)).status == 303
    kept = await resource(site, judge.name)
    assert (kept.hours, kept.active, kept.name) == ({"tue": ["09:00-12:00"]}, True, judge.name)


# ---------------------------------------------------------------------------------------------------- closures


async def test_a_closure_warns_of_the_sittings_that_are_booked_for_its_time_and_lists_them(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk, day="2026-11-30")
    person = await administrator(site)
    fields = {
        "what": f"resource:{site.rooms[0].id}", "kind": "maintenance", "from_day": "2026-11-30", "from_time": "08:00",
        "until_day": "2026-12-01", "until_time": "00:00", "reason": "检修音响",
    }  # fmt: skip
    answer = await person.post("/catalogue/closures", fields)
    warned = await answer.text()
    assert answer.status == 409
    assert "Sittings booked for this time: 1" in warned
    assert 'value="检修音响"' in warned
    async with site.db.reader() as session:
        assert list(await session.scalars(select(Closure))) == []
    answer = await person.post("/catalogue/closures", fields | {"confirmed": "yes"})
    assert answer.status == 303
    page = await person.page("/catalogue/closures")
    assert "检修音响" in page
    assert "Sittings booked for this time: 1" in page
    assert "（2026）京0105民初31号" in page
    async with site.db.reader() as session:
        (closure,) = await session.scalars(select(Closure))
    assert (await person.post(f"/catalogue/closures/{closure.id}/take-back")).status == 303
    assert "检修音响" not in await person.page("/catalogue/closures")


async def test_a_whole_site_is_closed_and_each_mistake_told(site: Site) -> None:
    person = await administrator(site)
    await person.post("/catalogue/sites/new", SITE)
    good = {
        "what": f"site:{await id_of(site, '云河看守所')}", "kind": "closed", "from_day": "2026-12-01", "from_time": "00:00",
        "until_day": "2026-12-02", "until_time": "00:00", "reason": "",
    }  # fmt: skip
    assert (await person.post("/catalogue/closures", good)).status == 303
    for wrong, field in (
        ({"what": ""}, "what"),
        ({"what": "site:nowhere"}, "what"),
        ({"from_day": "someday"}, "from_day"),
        ({"until_time": "25:00"}, "until_day"),
        ({"until_day": "2026-11-01"}, "until_day"),
        ({"kind": "party"}, "kind"),
        ({"reason": "x" * 201}, "reason"),
    ):
        answer = await person.post("/catalogue/closures", good | wrong)
        assert (answer.status, f'id="{field}-error-1"' in await answer.text()) == (422, True), wrong


# ---------------------------------------------------------------------------------------------------- the calendar


async def sent(person: Person, path: str, name: str, data: bytes, filename: str, **fields: str) -> tuple[int, str]:
    body = FormData()
    for key, value in ({"_csrf": person.token} | fields).items():
        body.add_field(key, value)
    body.add_field(name, data, filename=filename)
    answer = await person.session.post(path, data=body, allow_redirects=False)
    return answer.status, await answer.text()


async def test_a_year_is_loaded_as_published_and_a_day_taken_out(site: Site) -> None:
    person = await administrator(site)
    assert "the published ones hold" in await person.page("/catalogue/calendar?year=2026")
    assert "every weekday counts" in await person.page("/catalogue/calendar?year=2090")
    assert (await person.post("/catalogue/calendar/prefill?year=2026")).status == 303
    assert "国庆节" in await person.page("/catalogue/calendar?year=2026")
    assert (await person.post("/catalogue/calendar/2026-10-01/remove")).status == 303
    assert date(2026, 10, 1) not in {each.day for each in await loaded_days.list_days(site.db, 2026)}
    assert (await person.post("/catalogue/calendar/2026-10-01/remove")).status == 404
    unknown = await person.post("/catalogue/calendar/prefill?year=2090")
    assert unknown.status == 422


async def test_a_day_is_added_and_a_working_day_that_is_none_is_refused(site: Site) -> None:
    person = await administrator(site)
    day = {"day": "2026-12-05", "kind": "working", "name": "元旦调休", "like": "wed"}
    assert (await person.post("/catalogue/calendar", day)).status == 303
    loaded = {each.day: each for each in await loaded_days.list_days(site.db)}
    assert loaded[date(2026, 12, 5)].like == 2
    assert loaded[date(2026, 10, 1)].name == "国庆节"  # the day is not the only one of its year from now on
    for wrong in ({"day": "2026-12-01", "like": ""}, {"day": ""}, {"name": "长" * 81}, {"kind": "party"}):
        assert (await person.post("/catalogue/calendar", day | wrong)).status == 422, wrong


async def test_a_file_of_days_is_loaded_and_each_bad_row_named(site: Site) -> None:
    person = await administrator(site)
    data = "日期,类型,名称\n2026-10-01,休,国庆节\n2026-13-01,休,\n2026-10-03,派对,\n".encode()
    status, page = await sent(person, "/catalogue/calendar/load", "file", data, "days.csv")
    assert status == 200
    assert "1 days were loaded" in page
    assert "Row 3:" in page
    assert "Row 4:" in page
    assert (await sent(person, "/catalogue/calendar/load", "file", b"x", "days.txt"))[0] == 422


# ---------------------------------------------------------------------------------------------------- photos


def picture(kind: str, width: int = 2400, **options: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, 900), (40, 90, 160)).save(made, kind, **options)
    return made.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_is_made_small_and_loses_what_it_tells_of_place_and_device(site: Site, kind: str) -> None:
    person = await administrator(site)
    exif = Image.Exif()
    exif[0x010F] = "A camera of somebody's"
    status, _ = await sent(person, f"/catalogue/photos/{site.rooms[0].id}", "photo", picture(kind, exif=exif.tobytes()), "room.jpg")
    assert status == 303
    clerk = await site.signed_in("clerk")
    answer = await clerk.session.get(f"/photos/{site.rooms[0].id}")
    body = await answer.read()
    assert (answer.status, answer.content_type) == (200, "image/webp")
    with Image.open(io.BytesIO(body)) as kept:
        assert (kept.format, kept.size, dict(kept.getexif())) == ("WEBP", (1600, 600), {})
    assert b"camera" not in body
    assert f'src="/photos/{site.rooms[0].id}' in await person.page(f"/catalogue/rooms/{site.rooms[0].id}")
    assert (await sent(person, f"/catalogue/photos/{site.rooms[0].id}", "photo", b"", "", remove="yes"))[0] == 303
    assert (await clerk.get(f"/photos/{site.rooms[0].id}")).status == 404
    assert list(site.context.settings.photos.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"<svg onload='alert(1)'/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"\xff\xd8\xff" + b"\0" * 2_000_001])
async def test_what_is_no_photo_is_refused_and_nothing_kept(site: Site, data: bytes) -> None:
    person = await administrator(site)
    status, page = await sent(person, f"/catalogue/photos/{site.rooms[0].id}", "photo", data, "room.png")
    assert (status, 'id="photo-error-1"' in page) == (422, True)
    assert (await resource(site, site.rooms[0].name)).photo == ""


async def test_a_small_file_that_unfolds_to_a_huge_picture_is_refused(site: Site) -> None:
    person = await administrator(site)
    made = io.BytesIO()
    Image.new("1", (9000, 9000)).save(made, "PNG")
    assert len(made.getvalue()) < 100_000
    assert (await sent(person, f"/catalogue/photos/{site.rooms[0].id}", "photo", made.getvalue(), "room.png"))[0] == 422


async def test_only_the_administrator_changes_photos(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert (await sent(clerk, f"/catalogue/photos/{site.rooms[0].id}", "photo", picture("PNG"), "room.png"))[0] == 403
    assert (await site.visitor().get(f"/photos/{site.rooms[0].id}")).status in (303, 401, 403)


async def test_a_site_has_a_calendar_of_its_own(site: Site) -> None:
    person = await administrator(site)
    async with site.db.writer() as session:
        session.add(CourtSite(id="east", name="东院"))
    page = await person.page("/catalogue/calendar?year=2026&site=east")
    assert "the court’s calendar holds" in page
    day = {"day": "2026-12-07", "kind": "holiday", "name": "停电检修", "like": ""}
    answer = await person.post("/catalogue/calendar?year=2026&site=east", day)
    assert (answer.status, answer.headers["Location"]) == (303, "/catalogue/calendar?year=2026&saved&site=east")
    assert "停电检修" in await person.page("/catalogue/calendar?year=2026&site=east")
    assert "停电检修" not in await person.page("/catalogue/calendar?year=2026")
    assert (await person.post("/catalogue/calendar?site=nobody", day)).status == 404
    status, page = await sent(
        person, "/catalogue/calendar/load?site=east", "file", "日期,类型,名称\n2026-12-08,休,院庆\n".encode(), "days.csv"
    )  # fmt: skip
    assert (status, "院庆" in page) == (200, True)
    assert [each.day.day for each in await loaded_days.list_days(site.db, 2026, "east")] == [7, 8]
    assert (await person.post("/catalogue/calendar/2026-12-07/remove?site=east")).status == 303


async def test_a_site_has_a_place_on_the_map(site: Site) -> None:
    person = await site.signed_in("administrator")
    answer = await person.post("/catalogue/sites/new", SITE | {"latitude": "39.9x", "longitude": "191"})
    text = await answer.text()
    assert answer.status == 422
    assert 'value="39.9x"' in text
    assert "between -90 and 90" in text
    assert "between -180 and 180" in text
    assert (await person.post("/catalogue/sites/new", SITE | {"latitude": "39.9"})).status == 422
    gcj02 = {"latitude": "39.91334545536069", "longitude": "116.38404722455657", "system": "gcj02"}
    assert (await person.post("/catalogue/sites/new", SITE | gcj02)).status == 303
    (own,) = await list_sites(site.db)
    assert own.latitude == pytest.approx(39.911954, abs=1e-6)
    assert own.longitude == pytest.approx(116.377817, abs=1e-6)
    page = await person.page(f"/catalogue/sites/{own.id}")
    assert 'value="39.911954"' in page
    assert (await person.post(f"/catalogue/sites/{own.id}", SITE | {"active": "yes"})).status == 303
    assert [(each.latitude, each.longitude) for each in await list_sites(site.db)] == [(None, None)]
