"""schemathesis asks everything that the description allows, and much that it does not: no answer is a fault of the server's,
and none is other than described."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.booking import bookings, templates
from dispatch.booking.catalogue import closures, loaded_days, sites
from dispatch.booking.catalogue.calendar_days import CalendarDay, published
from dispatch.booking.catalogue.details import Details
from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.booking.catalogue.sites import SiteDraft
from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.templates import TemplateDraft
from dispatch.console.alerts.handling import listed as listed_alerts
from dispatch.console.alerts.raising import raise_alert
from dispatch.console.field import orders, teams
from dispatch.console.field.orders import TaskDraft
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.console.map import layers
from dispatch.console.map.layers import LayerDraft
from dispatch.console.roll_call import calls, groups
from dispatch.console.roll_call.groups import GroupDraft
from dispatch.console.roll_call.rules import Line
from dispatch.identity.people import add_user
from dispatch.store.copy_tables import Copy
from dispatch.store.notice_tables import Message
from dispatch.store.tables import Room, new_id
from dispatch.web.api import openapi
from dispatch.web.api.pace import PACE
from dispatch.web.request_metrics import REQUESTS
from dispatch.web.routes import ROUTES
from dispatch.web.runs import RUNS
from rooms.procedure import SHIPPED
from tests.dispatch.making import add_movable, set_terms
from tests.dispatch.web.api.conftest import PICTURE, Program, Programs, order, recorded
from tests.dispatch.web.conftest import NOW, PASSWORD, Site

MOST_OF_THEM = 0.95
"""How often a real id is taken for a parameter; the rest of the time schemathesis makes one up."""


SELDOM_DONE = {
    # Most orders that are made up lack a title, or the name of one of twenty people, or keep people apart who are not there.
    "POST /api/v1/sittings": 150,
    "POST /api/v1/waiting": 200,
    # A change of one fits where its version is given, or none.
    "PATCH /api/v1/sittings/{sitting}": 24,
    # Most of what is made up for these lacks something, or is no file.
    "POST /api/v1/sittings/{sitting}/participants": 40,
    "POST /api/v1/feeds": 40,
    "POST /api/v1/imports": 40,
    # A span that is made up ends before it begins as often as not, and is in the way of sittings.
    "POST /api/v1/closures": 40,
    "PATCH /api/v1/closures/{closure}": 40,
}
"""Operations that need so many examples to be done at least once."""


def settings_of(values: dict[str, list[Any]], examples: int) -> str:
    """schemathesis.toml: which values there really are, and which parameter takes which of them."""
    lines = [
        "[generation]",
        f"max-examples = {examples}",
        "[checks.positive_data_acceptance]",
        # What is well-formed can still be refused: by the rules of booking (422), for a version (412) or a part (416) that is not there.
        'expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "416", "422"]',
    ]
    lines += [
        "[checks.negative_data_rejection]",
        # A version that is not there is refused before the values of the change are looked at.
        'expected-statuses = ["400", "401", "403", "404", "409", "412", "413", "415", "416", "422", "429"]',
    ]
    for name, listed in values.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(listed)}"]
    lines += ["[parameters]", *(_bound(name, taken) for name, taken in PARAMETERS.items())]
    for operation, bound in OTHERWISE.items():
        lines += ["[[operations]]", f'include-name = "{operation}"', "[operations.parameters]"]
        lines += [_bound(name, taken) for name, taken in bound.items()]
    for operation, least in SELDOM_DONE.items():
        lines += ["[[operations]]", f'include-name = "{operation}"', f"generation.max-examples = {max(examples, least)}"]
    return "\n".join(lines) + "\n"


def _bound(name: str, taken: str) -> str:
    # Of thirty in one list nearly always one would be made up.
    return f'"{name}" = {{ dictionary = "{taken}", probability = {1.0 if name.endswith("[*]") else MOST_OF_THEM} }}'


async def sent_out(site: Site) -> str:
    """A task of a team in the field."""
    team = await teams.add(site.db, TeamDraft("望河中队", members=(Member(site.users["field"].id),)), "test", site.now)
    wanted = TaskDraft("查看排污口", "桥东", team.id, site.now + timedelta(hours=2))
    return (await orders.draft(site.db, wanted, site.users["officer"], site.now)).id


async def alerts_raised(site: Site) -> list[str]:
    """Open alerts, each of a part of its own that is not running."""
    for number in range(20):
        await raise_alert(site.db, "worker_down", "critical", subject=f"media-{number}", data={"part": "media"}, now=site.now)
    return [alert.id for alert in await listed_alerts(site.db, open_only=True)]


async def of_the_centre(site: Site) -> dict[str, list[Any]]:
    """Layers of the map, a roll-call, a group."""
    by, key = site.users["officer"], f"room/{site.rooms[0].id}"
    drawn = [(await layers.add_layer(site.db, LayerDraft(f"图层{n}", "river", "blue"), by, site.now)).id for n in range(12)]
    call = await calls.begin(site.db, "早点名", (Line(key, site.rooms[0].name),), 60, by, site.now)
    group = await groups.add(site.db, GroupDraft("早点名", (key,)), by, site.now)
    return {"layers": drawn[:3], "taken_layers": drawn[3:], "calls": [call.id], "groups": [group.id], "layer_names": ["排污口", "河流"]}


async def furnished(site: Site, clerk: Program, keeper: Program) -> dict[str, list[Any]]:
    """A site with sittings, one of them recorded; the values by which they are asked for."""
    site.db.site = replace(site.db.site, mail=True)
    sittings: list[dict[str, Any]] = [
        await clerk.made("/sittings", order(site, f"{hour}:00", f"{hour + 1}:00", case_number=f"（2026）京0105民初{hour}号"))
        for hour in (10, 12, 14, 16)
    ]
    stays, sealed, *others = (sitting["id"] for sitting in sittings)
    await recorded(site, sealed)
    people = f"/sittings/{stays}/participants"
    persons = [await clerk.made(people, {"name": f"证人{number}", "role": "witness"}) for number in range(6)]
    (camera,) = await add_movable(site.db, "equipment", "实物展台", site.users["administrator"], site.now)
    administrator = site.users["administrator"]
    place = await sites.add_site(site.db, SiteDraft("云河看守所"), administrator, site.now)
    an_hour = (site.now, site.now + timedelta(hours=1))
    closed = [(await closures.close(site.db, *an_hour, "leave", "", administrator, site.now, resource_id=camera.id)).id for _ in range(12)]
    for year in (2025, 2026):
        await loaded_days.prefill(site.db, year, administrator, site.now)
    weekends = [CalendarDay(date(2027, 5, day), "holiday") for day in (1, 2, 8, 9)]
    await loaded_days.put_days(site.db, weekends, administrator, site.now)
    await loaded_days.put_days(site.db, [*published(2025), *weekends], administrator, site.now, place.id)
    series, others_too, asked, kept = await of_more_than_one(site, clerk)
    person = {"name": "刘芳", "role": "party"}
    waits = {"case_number": "（2026）京0105民初700号", "case_title": "申请", "chair_id": "any", "participants": [person]}
    listed = await listings_of(site, clerk, [(await clerk.made("/waiting", waits))["id"] for _ in range(2)])
    # What a list has placed is booked when it is confirmed, and then neither changed nor taken off: the others are for later.
    queue = [(await clerk.made("/waiting", waits | {"not_before": "2027-03-01"}))["id"] for _ in range(12)]
    alerts = await alerts_raised(site)
    told = await clerk.made(people, {"name": "证人", "role": "witness", "email": "witness@example.com"})
    return {
        "sittings": [stays],
        "series": [series["id"]],
        "tasks": [await sent_out(site)],
        **await of_the_centre(site),
        "waiting": queue[:3],
        "waiting_no_more": queue[3:],
        "alerts": alerts[:4],
        "alerts_over": alerts[4:],
        **listed,
        "cancelled_series": [others_too["id"]],
        "members": [member["id"] for member in series["sittings"]],
        "cancelled_members": [member["id"] for member in others_too["sittings"]],
        "requested": asked[:6],
        "declined": asked[6:],
        "tentative": kept,
        "rules": ["FREQ=DAILY;COUNT=3"],
        "walls": [f"2027-{month:02}-{day:02}T09:00" for month in (1, 3, 4, 6, 7) for day in (5, 13, 21)],
        "others_of_it": ["2027-01-06T09:00"],
        "besides": ["2027-01-20T09:00"],
        "zones": ["", "Asia/Urumqi"],
        "minutes": [30, 60],
        "later_untils": ["2026-11-26T18:00:00+08:00"],
        "messages": await sent(site, told["id"]),
        "emails": ["liu@example.com", ""],
        "procedures": [f"{kind}-{version}" for kind, version in SHIPPED],
        "court_procedures": [f"{kind}-{version}" for kind, version in SHIPPED if kind == "remote_court"],
        "court_texts": [each.text for each in SHIPPED.values() if each.kind == "remote_court"],
        "procedure_texts": [each.text for each in SHIPPED.values()],
        "recordings": [sealed],
        **(await copied(site, clerk, sealed)),
        "cancelled": others,
        "participants": [person["id"] for person in persons[:2]],
        "removed": [person["id"] for person in persons[2:]],
        "rooms": [room.id for room in site.rooms],
        "templates": [
            (await templates.add(site.db, TemplateDraft(f"模板{n}", "remote_court", 60), site.users["administrator"], NOW)).id
            for n in range(3)
        ],
        "roles": ["party", "witness"],
        "equipment": [camera.id],
        "judges": [site.users["judge"].id],
        "clerks": [site.users["clerk"].id, ""],
        "prosecutors": [site.users["prosecutor"].id, ""],
        "nobody": [""],
        "officers": [await officer(site, number) for number in range(5)],
        "people": [site.users[role].id for role in ("officer", "prosecutor")],
        "names": ["刘芳", "Zhang Wei"],
        "party_roles": ["party", "witness"],
        "kinds": ["remote_court"],
        "numbers": ["（2026）京0105民初99号"],
        "phones": ["13812345678", ""],
        "starts": [f"2026-11-25T{hour:02}:00:00+08:00" for hour in (8, 9, 10)],
        "ends": [f"2026-11-25T{hour}:00:00+08:00" for hour in (11, 12)],
        "later_starts": ["2026-11-26T09:00:00+08:00"],
        "later_ends": ["2026-11-26T10:00:00+08:00"],
        "sign_in_names": [f"newcomer{number}" for number in range(9)],
        "passwords": ["Yunhe-2027"],
        "sites": [place.id],
        "site_names": [f"地点{number}" for number in range(9)],
        "renamed": ["云河看守所"],
        "closures": closed[:2],
        "taken_back": closed[2:],
        "weekends": [f"2027-05-{day:02}" for day in (1, 2, 8, 9)],
        "holidays": [each.day.isoformat() for each in published(2025)],
        "site_zones": ["", "Europe/Berlin"],
        "spans": ["09:00-12:00"],
        "reasons": ["双方当事人同意"],
        "days": ["2026-11-24"],
        "parts": ["bytes=0-99", "bytes=-5", "bytes=999999-", "bytes=9-1"],
        "versions": ["*", "*", '"of-nothing"'],
        **(await exchanged(site, clerk, keeper)),
    }


async def copied(site: Site, clerk: Program, sealed: str) -> dict[str, list[str]]:
    """Copies that the clerk's program asked for; the first is made and can be fetched."""
    wish = {"content": "film", "receiver": "王律师", "unit": "云河律师事务所", "purpose": "准备二审", "basis": "刑事诉讼法第四十条"}
    ready, *others = [(await clerk.made(f"/recordings/{sealed}/copies", wish))["id"] for _ in range(20)]
    site.context.settings.copies.mkdir()
    (site.context.settings.copies / "2026-0001.zip").write_bytes(PICTURE)
    async with site.db.writer() as session:
        copy = await session.get_one(Copy, ready)
        copy.state, copy.file, copy.expires_at = "ready", "2026-0001.zip", site.now + timedelta(days=7)
    return {"copies": [ready], "copies_taken_back": others}


HEADING = "案号,案件名称,日期,开始,结束,房间,审判长,参加人\n"


async def exchanged(site: Site, clerk: Program, keeper: Program) -> dict[str, list[str]]:
    """Files that wait to be imported and feeds, both of the clerk, and webhooks."""
    judge, room = site.users["judge"].name, site.rooms[0].name
    texts = [f"{HEADING}（2026）京0105民初8{n}号,借款合同纠纷,2026-11-27,1{n}:00,1{n}:30,{room},{judge},刘芳\n" for n in range(8)]
    imports = [(await clerk.made("/imports", {"file_name": "list.csv", "text": text, "override_reason": "同意"}))["id"] for text in texts]
    feeds = [(await clerk.made("/feeds", {"kind": "room", "room_id": room.id}))["id"] for room in site.rooms]
    everywhere = await clerk.made("/feeds", {"kind": "site"})
    wanted = {"name": "Case files", "url": "https://case.example/hook", "events": ["sitting.booked"]}
    hooks = [(await keeper.made("/webhooks", wanted))["id"] for _ in range(8)]
    test = await keeper.made(f"/webhooks/{hooks[0]}/test")
    return {
        "texts": texts,
        "waiting_texts": ["案号,案件名称,时长（分钟）,审判长,参加人\n（2026）京0105民初900号,借款合同纠纷,60,any,刘芳\n"],
        "file_names": ["list.csv"],
        "imports": imports[:4],
        "dropped": imports[4:],
        "feeds": [everywhere["id"]],
        "ended": feeds,
        "webhooks": hooks[:1],
        "removed_webhooks": hooks[1:],
        "deliveries": [test["id"]],
        "urls": ["https://case.example/hook"],
        "export_days": ["2026-11-24", "2026-11-25"],
        "slot_days": ["2026-11-26", "2026-12-18"],
    }


async def listings_of(site: Site, clerk: Program, queue: list[str]) -> dict[str, list[str]]:
    """Lists of the clerk that were made, and one for each that is to be adjusted."""
    days = {"first": "2026-11-30", "last": "2026-12-04"}
    listed = [(await clerk.made("/listings", days))["id"] for _ in range(8)]
    for each in listed:
        await site.server.app[RUNS].wait(each)
    return {
        "listings": listed[:2],
        "adjusted_listings": listed[2:],
        "listed": queue,
        "list_days": ["2026-11-30", "2026-12-01"],
        "list_starts": ["2026-11-30T14:00:00+08:00", "2026-11-30T15:00:00+08:00"],
    }


async def of_more_than_one(site: Site, clerk: Any) -> tuple[dict[str, Any], dict[str, Any], list[str], list[str]]:
    """Two series, sittings that wait for approval by a clerk or an administrator, and tentative ones."""
    terms = Details(needs_approval=True, booked_by=("clerk",))
    rooms = [Room(id=new_id(), name=f"系列法庭{number}", kind="court") for number in range(3)]
    async with site.db.writer() as session:
        session.add_all(rooms)
    plain = {name: value for name, value in order(site).items() if name not in ("starts_at", "ends_at")}
    repeats = {"rule": "FREQ=WEEKLY;COUNT=40", "minutes": 30, "room_id": rooms[0].id, "clerk_id": ""}
    series = await clerk.made("/series", plain | repeats | {"starts": "2026-12-01T09:00"})
    others = await clerk.made("/series", plain | repeats | {"starts": "2026-12-02T09:00"})
    await set_terms(site.db, rooms[1].id, terms, site.users["administrator"], site.now)

    async def booked(number: int, room: Room, until: timedelta | None) -> str:
        start = site.now + timedelta(days=30 + number)
        draft = SittingDraft(
            case_number=f"（2026）京0105民初{500 + number}号", case_title="申请", title="", room_id=room.id, starts_at=start,
            ends_at=start + timedelta(minutes=30), chair_id=site.users["judge"].id, override_reason="双方当事人同意",
            participants=(ParticipantDraft("刘芳", "party"),),
        )  # fmt: skip
        held = site.now + until if until else None
        return (await bookings.create_sitting(site.db, draft, site.users["clerk"], site.now, held_until=held)).id

    asked = [await booked(number, rooms[1], None) for number in range(12)]
    kept = [await booked(number, rooms[2], timedelta(days=2)) for number in range(20, 26)]
    return series, others, asked, kept


async def officer(site: Site, number: int) -> str:
    """One who can be among the participants of a sitting without a name of his own being given."""
    name = f"officer-{number}"
    return (await add_user(site.db, name=name, sign_in_name=name, role="officer", password=PASSWORD)).id


async def sent(site: Site, participant: str) -> list[str]:
    """The participant's invitations, many of them, as the sender leaves them: each is sent again once."""
    async with site.db.writer() as session:
        (first,) = await session.scalars(select(Message).where(Message.participant_id == participant, Message.kind == "invitation"))
        first.state, first.settled_at = "sent", NOW
        columns = {column.key: getattr(first, column.key) for column in Message.__table__.columns if column.key != "id"}
        others = [Message(id=new_id(), **columns) for _ in range(20)]
        session.add_all(others)
    return [first.id, *(other.id for other in others)]


PARAMETERS = {
    "path.series": "series",
    "path.copy": "copies",
    "path.task": "tasks",
    "path.layer": "layers",
    "path.call": "calls",
    "path.group": "groups",
    "path.waiting": "waiting",
    "path.alert": "alerts",
    "path.listing": "listings",
    "body.waiting[*]": "listed",
    "body.keep[*]": "listed",
    "body.pins[*].waiting_id": "listed",
    "body.pins[*].room_id": "rooms",
    "body.pins[*].starts_at": "list_starts",
    "body.sitting_id": "members",
    "body.leave[*]": "members",
    "body.rule": "rules",
    "body.starts": "walls",
    "body.left_out[*]": "others_of_it",
    "body.added[*]": "besides",
    "body.minutes": "minutes",
    "body.time_zone": "zones",
    "body.held_until": "later_untils",
    "path.feed": "feeds",
    "path.import": "imports",
    "path.webhook": "webhooks",
    "path.delivery": "deliveries",
    "query.from": "export_days",
    "query.until": "export_days",
    "body.text": "texts",
    "body.base64": "nobody",
    "body.file_name": "file_names",
    "body.url": "urls",
    "path.message": "messages",
    "path.procedure": "procedures",
    "path.site": "sites",
    "body.site_id": "sites",
    "query.site": "sites",
    "path.resource": "equipment",
    "query.resource": "equipment",
    "body.resource_id": "equipment",
    "path.closure": "closures",
    "path.day": "weekends",
    "body.zone": "site_zones",
    **{f"body.hours.{day}[*]": "spans" for day in WEEKDAYS},
    "query.sitting": "sittings",
    "body.email": "emails",
    "body.participants[*].email": "emails",
    "path.sitting": "sittings",
    "path.participant": "participants",
    "path.room": "rooms",
    "path.template": "templates",
    "body.roles[*]": "roles",
    "body.means[*]": "equipment",
    "path.person": "people",
    "query.day": "days",
    "query.room": "rooms",
    "header.Range": "parts",
    "header.If-Match": "versions",
    "body.room_id": "rooms",
    "body.rooms[*]": "rooms",
    "body.equipment[*]": "equipment",
    "body.chair_id": "judges",
    "body.clerk_id": "clerks",
    "body.prosecutor_id": "prosecutors",
    "body.case_number": "numbers",
    "body.title": "names",
    "body.case_title": "names",
    "body.starts_at": "starts",
    "body.ends_at": "ends",
    "body.phone": "phones",
    "body.name": "names",
    "body.sign_in_name": "sign_in_names",
    "body.password": "passwords",
    "body.user_id": "nobody",
    "body.override_reason": "reasons",
    "body.participants[*].user_id": "nobody",
    "body.participants[*].name": "names",
    "body.participants[*].phone": "phones",
    "body.participants[*].guards": "nobody",
    "body.participants[*].key": "nobody",
}
OTHERWISE: dict[str, dict[str, str]] = {
    "POST /api/v1/procedures": {"body.text": "procedure_texts"},
    # A text is compared with a version of its own kind.
    "POST /api/v1/procedures/{procedure}/check": {"path.procedure": "court_procedures", "body.text": "court_texts"},
    "POST /api/v1/sittings/{sitting}/confirm": {"path.sitting": "tentative"},
    "POST /api/v1/sittings/{sitting}/approve": {"path.sitting": "requested"},
    "POST /api/v1/sittings/{sitting}/decline": {"path.sitting": "declined"},
    "POST /api/v1/series": {
        "body.participants[*].user_id": "officers",
        "body.participants[*].role": "party_roles",
        "body.kind": "kinds",
    },
    "PATCH /api/v1/series/{series}": {"body.starts_at": "later_starts", "body.ends_at": "later_ends"},
    "POST /api/v1/series/{series}/cancel": {"path.series": "cancelled_series", "body.sitting_id": "cancelled_members"},
    "DELETE /api/v1/closures/{closure}": {"path.closure": "taken_back"},
    "DELETE /api/v1/calendar-days/{day}": {"path.day": "holidays"},
    "DELETE /api/v1/sites/{site}/calendar-days/{day}": {"path.day": "holidays"},
    "POST /api/v1/closures": {"body.site_id": "nobody"},
    "POST /api/v1/map/layers": {"body.name": "layer_names"},
    "PATCH /api/v1/map/layers/{layer}": {"body.name": "layer_names"},
    "DELETE /api/v1/map/layers/{layer}": {"path.layer": "taken_layers"},
    "POST /api/v1/sites": {"body.name": "site_names"},
    "PATCH /api/v1/sites/{site}": {"body.name": "renamed"},
    # A role is good for some kinds of sittings: of ten people in one list nearly always one would have another's.
    "POST /api/v1/sittings": {
        "body.participants[*].user_id": "officers",
        "body.participants[*].role": "party_roles",
        "body.kind": "kinds",
    },
    "POST /api/v1/sittings/{sitting}/cancel": {"path.sitting": "cancelled"},
    "POST /api/v1/sittings/{sitting}/move": {"body.starts_at": "later_starts", "body.ends_at": "later_ends"},
    "DELETE /api/v1/sittings/{sitting}/participants/{participant}": {"path.participant": "removed"},
    "POST /api/v1/feeds": {"body.site": "nobody"},
    "POST /api/v1/waiting": {
        "body.participants[*].role": "party_roles",
        "body.kind": "kinds",
        "body.not_before": "export_days",
        "body.deadline": "slot_days",
    },
    "PATCH /api/v1/waiting/{waiting}": {"body.not_before": "export_days", "body.deadline": "slot_days"},
    "POST /api/v1/listings": {"body.first": "list_days", "body.last": "list_days"},
    "POST /api/v1/listings/{listing}/adjust": {"path.listing": "adjusted_listings", "body.left_out[*]": "listed"},
    "POST /api/v1/waiting-imports": {"body.text": "waiting_texts"},
    "DELETE /api/v1/waiting/{waiting}": {"path.waiting": "waiting_no_more"},
    "POST /api/v1/slots": {
        "body.first": "export_days",
        "body.last": "slot_days",
        "body.near": "slot_days",
        "body.people[*]": "officers",
        "body.kind": "kinds",
        "body.minutes": "minutes",
        "body.prosecutor_id": "nobody",
    },
    "DELETE /api/v1/feeds/{feed}": {"path.feed": "ended"},
    "POST /api/v1/alerts/{alert}/close": {"path.alert": "alerts_over"},
    "DELETE /api/v1/imports/{import}": {"path.import": "dropped"},
    "DELETE /api/v1/webhooks/{webhook}": {"path.webhook": "removed_webhooks"},
    "GET /api/v1/recordings/{sitting}": {"path.sitting": "recordings"},
    "GET /api/v1/recordings/{sitting}/verification": {"path.sitting": "recordings"},
    "GET /api/v1/recordings/{sitting}/keeping": {"path.sitting": "recordings"},
    "PATCH /api/v1/recordings/{sitting}/keeping": {"path.sitting": "recordings"},
    "POST /api/v1/recordings/{sitting}/holds": {"path.sitting": "recordings"},
    "POST /api/v1/recordings/{sitting}/verification": {"path.sitting": "recordings"},
    "GET /api/v1/recordings/{sitting}/manifest": {"path.sitting": "recordings"},
    "POST /api/v1/recordings/{sitting}/copies": {"path.sitting": "recordings"},
    "POST /api/v1/copies/{copy}/revoke": {"path.copy": "copies_taken_back"},
}
"""Operation → parameter → values: where others are taken than elsewhere, so that what one operation takes away is none that
the next one asks for."""


TOO_RARE = {
    ("POST", "/api/v1/copies/{copy}/approve"),
    ("POST", "/api/v1/copies/{copy}/refuse"),
    ("GET", "/api/v1/copies/{copy}/file"),
    ("POST", "/api/v1/sittings"),
    ("POST", "/api/v1/series"),
    ("POST", "/api/v1/series/{series}/prolong"),
    ("PATCH", "/api/v1/webhooks/{webhook}"),
    ("GET", "/api/v1/webhooks/{webhook}/deliveries/{delivery}"),
    ("PATCH", "/api/v1/recordings/{sitting}/keeping"),
    ("POST", "/api/v1/recordings/{sitting}/holds"),
    ("GET", "/api/v1/recordings/{sitting}/holds/{hold}"),
    ("POST", "/api/v1/recordings/{sitting}/holds/{hold}/lift"),
    ("POST", "/api/v1/sittings/{sitting}/seal"),
    ("POST", "/api/v1/destructions"),
    ("GET", "/api/v1/destructions/{destruction}"),
    ("POST", "/api/v1/destructions/{destruction}/stop"),
    ("GET", "/api/v1/destructions/{destruction}/certificate"),
}
"""What is not always done by chance. Of bodies of a series put together at random hardly one is whole: several people, each with a name
and none twice, and free on every date; :func:`of_more_than_one` books two, test_series.py holds what is answered against the
description, and prolongs one. A webhook is changed, and one of its deliveries read, only where the id (both ids) and the version fit;
test_webhooks.py does it. What is kept of a recording is changed where a version, a hold or a closed sitting fits; test_keeping.py does
it. No program decides on a copy, and an administrator's has none to fetch: test_copies.py does both.
An order of a sitting names people, most of whom it makes minors, or keeps apart who is not there: :func:`furnished` books some,
and each answer of test_sittings.py and test_protection.py is held against the description."""


def succeeded() -> dict[tuple[str, str], float]:
    """How often each operation did what was asked, by the process's own count."""
    found: dict[tuple[str, str], float] = {}
    for sample in (sample for metric in REQUESTS.collect() for sample in metric.samples):
        if sample.name.endswith("_total") and sample.labels["status"].startswith("2"):
            operation = (sample.labels["method"], sample.labels["route"])
            found[operation] = found.get(operation, 0) + sample.value
    return found


def allowed(role: str) -> set[tuple[str, str]]:
    """Operations that programs of this role may ask for."""
    return {(operation.method, operation.path) for operation in openapi.operations(ROUTES) if role in operation.access.roles}


ALL = {(operation.method, operation.path) for operation in openapi.operations(ROUTES)}
EVERYTHING = pytest.mark.long


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("role", "examples", "asked", "extent"),
    [
        pytest.param("clerk", 6, allowed("clerk"), ("--phases", "fuzzing"), id="clerk"),
        pytest.param("administrator", 3, allowed("administrator") - allowed("clerk"), ("--phases", "fuzzing"), id="administrator"),
        # The same of each, of all that he may ask for and all that he is refused, and each limit of each value.
        pytest.param("clerk", 24, ALL, (), id="clerk, everything", marks=EVERYTHING),
        pytest.param("administrator", 3, ALL, (), id="administrator, everything", marks=EVERYTHING),
        pytest.param("", 1, ALL, ("--phases", "fuzzing,coverage"), id="without a token", marks=EVERYTHING),
    ],
)
async def test_every_answer_is_one_that_is_described(
    site: Site, program: Programs, tmp_path: Path, role: str, examples: int, asked: set[tuple[str, str]], extent: tuple[str, ...]
) -> None:
    pace = site.server.app[PACE]
    pace.per_minute = pace.at_once = 10_000_000
    asking = await program(role)
    clerk, keeper = [asking if role == other else await program(other) for other in ("clerk", "administrator")]
    values = await furnished(site, clerk, keeper)
    (tmp_path / "schemathesis.toml").write_text(settings_of(values, examples), encoding="utf-8")
    before = succeeded()
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", str(site.server.make_url("/api/v1/openapi.json")), "--url", str(site.server.make_url("/"))),
        *("--checks", "all", "--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings", "off", *extent),
        # A busy machine is no fault of an answer.
        *("--request-timeout", "60"),
        *(("--header", f"Authorization: Bearer {asking.token}") if role else ()),
        *(each for method, path in sorted(asked) if asked != ALL for each in ("--include-name", f"{method} {path}")),
    ]
    run = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()
    reached = {operation for operation, times in succeeded().items() if times > before.get(operation, 0)}
    missed = (asked & allowed(role)) - TOO_RARE - reached
    assert not missed, f"never got so far as to do what was asked: {sorted(missed)}"
