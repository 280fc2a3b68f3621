"""Sittings that wait for a time, as a list (CSV, XLSX): what each row would add, adding them, and taking them out again.

A row is read by what people write: names of staff and equipment, kinds and features in either language or by their code. What waits
already, by its key or by being the same, is known and not added again; so a file may come twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from dispatch import audit
from dispatch.booking.catalogue.features import FEATURES
from dispatch.booking.catalogue.rooms import KINDS
from dispatch.booking.finding.searching import ANY, PARTS, STAFF
from dispatch.booking.listing import waiting
from dispatch.booking.listing.waiting import LOWEST, WaitingDraft
from dispatch.errors import FieldError
from dispatch.exchange.columns import PEOPLE
from dispatch.exchange.exporting import Exported, Kind, apart, written_table
from dispatch.exchange.importing import known_of
from dispatch.exchange.reading import Row
from dispatch.exchange.row_people import Known, cast, column_of, parts
from dispatch.store.resources import MEANS
from dispatch.store.tables import Resource, User
from dispatch.store.waiting_tables import WaitingSitting
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.notices.letters import Gettext
    from dispatch.store.database import Database

COLUMNS: Mapping[str, tuple[str, str]] = {
    "key": ("标识", "Key"),
    "kind": ("类型", "Kind"),
    "case_number": ("案号", "Case number"),
    "case_title": ("案件名称", "Case"),
    "title": ("场次名称", "Sitting"),
    "minutes": ("时长（分钟）", "Minutes"),
    **PEOPLE,
    "priority": ("优先级", "Priority"),
    "not_before": ("最早日期", "Not before"),
    "deadline": ("最迟日期", "No later than"),
    "part": ("时段", "Part of the day"),
    "required": ("必须排入", "Must be listed"),
    "room_kind": ("房间类型", "Kind of room"),
    "seats": ("座位数", "Seats"),
    "features": ("房间设施", "Features"),
    "equipment": ("设备", "Equipment"),
}
"""Name → heading in Chinese and English. Of the staff, a name or "any". Participants as in a list of sittings; features and equipment
are separated by semicolons."""
NEEDED = ("case_number", "case_title", "minutes", "chair", "participants")
_WIDTHS = {"case_number": 28, "case_title": 40, "title": 40, "participants": 60, "features": 30, "equipment": 30, "key": 18}
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_STAFF_COLUMNS = ("chair", "clerk", "prosecutor")

Take = Literal["preview", "good", "all"]
State = Literal["good", "bad", "known", "added"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one row. `errors`: every bad field (a column's name) of a bad one. `waiting_id`: the one that it is, if any."""

    row: Row
    state: State
    errors: tuple[FieldError, ...] = ()
    waiting_id: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What a file may call things, casefolded → the code: roles, kinds of sitting and of room, features, parts of the day, "any", "yes"."""

    roles: Mapping[str, str]
    kinds: Mapping[str, str]
    room_kinds: Mapping[str, str]
    features: Mapping[str, str]
    parts: Mapping[str, str]
    anyone: Collection[str]
    yes: Collection[str]


def words(texts: Sequence[Gettext]) -> Words:
    """Of the catalogues of all languages; codes are understood too."""

    def named(prefix: str, codes: Collection[str]) -> dict[str, str]:
        return {word.casefold(): code for code in codes for word in (code, *(text(f"{prefix}.{code}") for text in texts))}

    roles = {role for each in PROCEDURES.values() for role in each.roles}
    anyone = {ANY, "任意", *(text(msgid).casefold() for text in texts for msgid in ("Any judge", "Any clerk", "Any prosecutor"))}
    yes = {"1", "x", "true", "是", "√", *(text("yes").casefold() for text in texts)}
    return Words(
        named("role", roles), named("kind", tuple(PROCEDURES)), named("room_kind", KINDS), named("feature", FEATURES),
        named("day_part", tuple(PARTS)), anyone, yes,
    )  # fmt: skip


class _TakenBack(Exception):
    def __init__(self, judged: list[Judged]) -> None:
        super().__init__()
        self.judged = judged


async def take(db: Database, rows: Sequence[Row], by: User, now: datetime, how: Take, given: Words) -> list[Judged]:
    """Add the rows: "preview" none, "good" those that are good, "all" every one or none (then the good ones are told as "good"). Raises
    Refused("waiting_many") where more would wait than a list takes."""
    try:
        async with db.writer() as session:
            judged = await _judged(session, db, rows, by, now, given)
            if how == "preview" or (how == "all" and any(each.state == "bad" for each in judged)):
                raise _TakenBack([replace(each, state="good", waiting_id="") if each.state == "added" else each for each in judged])
            if added := sum(each.state == "added" for each in judged):
                await audit.write(session, by, "waiting_imported", str(added), detail={"rows": len(rows), "added": added}, now=now)
            return judged
    except _TakenBack as back:
        return back.judged


async def _judged(session: AsyncSession, db: Database, rows: Sequence[Row], by: User, now: datetime, given: Words) -> list[Judged]:
    known_here, things = await known_of(session), await _things(session)
    there = {each.id: waiting.draft_of(each) for each in await session.scalars(select(WaitingSitting))}
    drafts: list[WaitingDraft] = []
    found: list[Judged | int] = []
    """of each row: what is known of it, or the place of its draft among those that are added"""
    seen: dict[WaitingDraft, int] = {}
    for row in rows:
        draft, errors = _draft(row, known_here, things, given)
        known = row.fields.get("key", "") if row.fields.get("key", "") in there else ""
        known = known or next((key for key, other in there.items() if not errors and other == waiting.normal(draft)), "")
        if known:
            found.append(Judged(row, "known", waiting_id=known))
            continue
        named = {field for field, _, _ in errors}
        errors += [
            (column, code, data)
            for field, code, data in await waiting.problems_of(session, db, draft, now)
            if (column := column_of(field)) not in named
        ]
        if errors:
            found.append(Judged(row, "bad", tuple({(field, code): (field, code, data) for field, code, data in errors}.values())))
            continue
        if (place := seen.setdefault(waiting.normal(draft), len(drafts))) == len(drafts):
            drafts.append(draft)
        found.append(place)
    added = await waiting.put(session, drafts, by, now) if drafts else []
    judged, first = [], set()
    for row, each in zip(rows, found, strict=True):
        if isinstance(each, Judged):
            judged.append(each)
        else:  # a row that the file has twice is added once
            judged.append(Judged(row, "known" if each in first else "added", waiting_id=added[each].id))
            first.add(each)
    return judged


async def _things(session: AsyncSession) -> dict[str, str]:
    """What a sitting may hold beside rooms and staff, by the names that a file may give it; a name that two have names nothing."""
    things: dict[str, str] = {}
    for each in await session.scalars(select(Resource).where(Resource.active, Resource.kind.in_(MEANS))):
        for name in {each.name.casefold(), each.name_en.casefold()} - {""}:
            things[name] = "" if name in things else each.id
    return things


def _draft(row: Row, known: Known, things: Mapping[str, str], given: Words) -> tuple[WaitingDraft, list[FieldError]]:
    """The form that the row fills, and what of it names nothing here."""
    fields, errors = row.fields, list[FieldError]()

    def chosen(column: str, choices: Mapping[str, str], default: str = "") -> str:
        said = fields.get(column, "")
        if said and said.casefold() not in choices:
            errors.append((column, "import_unknown", {"name": said[:40]}))
        return choices.get(said.casefold(), default)

    def several(column: str, choices: Mapping[str, str]) -> tuple[str, ...]:
        said = parts(fields.get(column, ""))
        errors.extend((column, "import_unknown", {"name": each[:40]}) for each in said if not choices.get(each.casefold()))
        return tuple(dict.fromkeys(code for each in said if (code := choices.get(each.casefold(), ""))))

    def number(column: str, default: int) -> int:
        said = fields.get(column, "")
        if said and not (said.isascii() and said.isdigit() and len(said) < 6):
            errors.append((column, "number_wanted", {}))
            return default
        return int(said) if said else default

    def day(column: str) -> date | None:
        said, at = fields.get(column, ""), None
        if found := _DAY.fullmatch(said):
            with suppress(ValueError):
                at = date(*map(int, found.groups()))
        if said and at is None:
            errors.append((column, "import_day", {"text": said[:40]}))
        return at

    kind = chosen("kind", given.kinds, "remote_court")
    anybody = {column for column in _STAFF_COLUMNS if fields.get(column, "").casefold() in given.anyone}
    named = {name: text for name, text in fields.items() if name not in anybody}
    found = cast(named, kind, known, given.roles, {}, errors)
    staff = {field: ANY if field.removesuffix("_id") in anybody else found.staff[field] for field in STAFF}
    if not fields.get("minutes"):
        errors.append(("minutes", "required", {}))
    draft = WaitingDraft(
        case_number=fields.get("case_number", ""),
        case_title=fields.get("case_title", ""),
        title=fields.get("title", ""),
        kind=kind,
        minutes=number("minutes", 60),
        **staff,
        participants=found.participants,
        room_kind=chosen("room_kind", given.room_kinds),
        seats=number("seats", 0),
        features=several("features", given.features),
        equipment=several("equipment", things),
        priority=number("priority", LOWEST),
        not_before=day("not_before"),
        deadline=day("deadline"),
        part=chosen("part", given.parts),
        required=fields.get("required", "").casefold() in given.yes,
        apart=found.apart,
    )
    return draft, errors


async def export(db: Database, kind: Kind, by: User, now: datetime, gettext: Gettext, tag: str) -> Exported:
    """All that wait, as a list that can be read in again. An act of the audit log: it carries names, telephone numbers and addresses out
    of the system."""
    rows = await waiting.listed(db)
    async with db.reader() as session:
        named: dict[str, str] = {user.id: user.name for user in await session.scalars(select(User))}
        things = {key for each in rows for key in each.equipment}
        named |= {each.id: each.name for each in await session.scalars(select(Resource).where(Resource.id.in_(things)))}
    await audit.record(db, by, "waiting_exported", kind, detail={"kind": kind, "waiting": len(rows)}, now=now)
    lines = [[heading[1 if tag == "en" else 0] for heading in COLUMNS.values()], *(_line(row, named, gettext) for row in rows)]
    body = written_table(kind, lines, [_WIDTHS.get(name, 14) for name in COLUMNS])
    digest = hashlib.sha256(kind.encode() + written_table("csv", lines, ())).hexdigest()
    return Exported(body, digest)


def _line(row: WaitingSitting, named: Mapping[str, str], gettext: Callable[..., str]) -> list[str]:
    draft = waiting.draft_of(row)
    people = [
        "|".join(apart(text) for text in (each.name, gettext(f"role.{each.role}"), each.phone, each.email, each.seat))
        for each in draft.participants
    ]
    staff = {field: ANY if getattr(draft, field) == ANY else named.get(getattr(draft, field), "") for field in STAFF}
    called = {each.key: apart(each.name) for each in draft.participants if each.key}
    called |= {field: apart(name) for field, name in staff.items() if name and name != ANY}
    said = {
        "key": row.id,
        "kind": gettext(f"kind.{draft.kind}"),
        **{name: getattr(draft, name) for name in ("case_number", "case_title", "title")},
        "minutes": str(draft.minutes),
        **{column: staff[f"{column}_id"] for column in _STAFF_COLUMNS},
        "participants": "; ".join(people),
        "minors": "; ".join(apart(each.name) for each in draft.participants if each.minor),
        "guardians": "; ".join(f"{apart(each.name)}|{called[each.guards]}" for each in draft.participants if each.guards in called),
        "apart": "; ".join(f"{called[one]}|{called[other]}" for one, other in draft.apart if {one, other} <= called.keys()),
        "priority": str(draft.priority),
        **{name: str(getattr(draft, name) or "") for name in ("not_before", "deadline", "seats")},
        "part": gettext(f"day_part.{draft.part}") if draft.part else "",
        "required": gettext("yes") if draft.required else "",
        "room_kind": gettext(f"room_kind.{draft.room_kind}") if draft.room_kind else "",
        "features": "; ".join(gettext(f"feature.{each}") for each in draft.features),
        "equipment": "; ".join(apart(named.get(each, "")) for each in draft.equipment),
    }
    return [said[name] for name in COLUMNS]
