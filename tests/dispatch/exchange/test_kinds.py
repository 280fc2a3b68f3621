"""Lists and calendars of all five kinds: who presides, whose roles, the usual length, and what goes out is what comes in."""

from __future__ import annotations

import csv
import io

import pytest

from dispatch.booking.draft import draft_of, rows_of
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.roles import Procedures
from dispatch.booking.templates import STANDARD
from dispatch.errors import FieldError
from dispatch.exchange import exporting, importing
from dispatch.exchange.importing import Given, Judged
from dispatch.exchange.reading import read
from dispatch.exchange.row_people import Known, cast, default_role
from dispatch.sittings import sittings
from dispatch.store.tables import Sitting
from dispatch.web.exchange import kind_words, role_words
from dispatch.web.translations import catalogue
from rooms.procedure import PROCEDURES, read_procedure
from tests.dispatch.booking.test_kinds import OUTSIDE, prosecutor
from tests.dispatch.exchange.files import csv_of
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court, as_it_is, make_sitting

HEAD = ("场次类型", "案号", "案件名称", "日期", "开始", "房间", "主持人", "书记员", "参加人", "未成年人", "监护关系", "隔离名单")


def said(kind: str, language: str) -> str:
    return catalogue(language).gettext(f"kind.{kind}")


def cell(kind: str, language: str = "zh-CN") -> str:
    return "; ".join(f"{name}|{catalogue(language).gettext(f'role.{role}')}" for name, role in OUTSIDE[kind])


async def take(court: Court, data: bytes, name: str = "a.csv", kind: str = "", chair_id: str = "") -> list[Judged]:
    rows = importing.of_kind(read(data, name, SHANGHAI), kind)
    given = Given(role_words(), kind_words(), chair_id, override_reason=URGENT)
    return await importing.take(court.db, rows, court.clerk, NOW, "all", given)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", PROCEDURES)
async def test_a_list_names_a_kind_in_either_language_with_its_own_roles_and_usual_length(court: Court, kind: str, language: str) -> None:
    chair = court.judge if kind == "remote_court" else await prosecutor(court)
    when, people = ("2026-11-24", "09:30", "第一法庭"), cell(kind, language)
    row = (said(kind, language), "（2026）京检31号", "案件", *when, chair.name, "赵书宁", people, "", "", "")
    (judged,) = await take(court, csv_of(row, head=HEAD))
    assert (judged.state, judged.errors) == ("booked", ())
    sitting = await sittings.get(court.db, judged.sitting_id)
    assert sitting.kind == kind
    assert (sitting.ends_at - sitting.starts_at).total_seconds() == STANDARD[kind].minutes * 60
    assert [(p.name, p.role) for p in sitting.participants if p.presides] == [(chair.name, PROCEDURES[kind].chair)]
    assert [(p.name, p.role) for p in sitting.participants if p.user_id is None] == list(OUTSIDE[kind])


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_a_calendar_is_of_the_kind_that_is_given_and_its_guests_have_that_kinds_first_role(court: Court, kind: str) -> None:
    guests = "\r\n".join(f"ATTENDEE;CN={name}:mailto:guest{n}@example.com" for n, name in enumerate(("马某", "田勇", "许安")))
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//somebody//", "BEGIN:VEVENT", "UID:abc@example.com", "DTSTAMP:20261124T000000Z",
        "DTSTART:20261124T060000Z", "DTEND:20261124T070000Z", "SUMMARY:（2026）京检31号 案件", "LOCATION:第一法庭", guests, "END:VEVENT",
        "END:VCALENDAR", "",
    ]  # fmt: skip
    chair = court.judge if kind == "remote_court" else await prosecutor(court)
    (judged,) = await take(court, "\r\n".join(lines).encode(), "a.ics", kind, chair.id)
    roles = {name for _, code, data in judged.errors for name in data.get("roles", ())} if judged.state == "bad" else set()
    # What such a calendar cannot say (a second interrogator, only one suspect) is refused by the rule of the kind, not by that of courts.
    assert judged.state == "booked" or {code for _, code, _ in judged.errors} <= {"quorum_few", "quorum_many"}
    assert roles <= PROCEDURES[kind].roles
    assert default_role(kind) in PROCEDURES[kind].roles


async def taken_out(court: Court, sitting: Sitting) -> bytes:
    wanted = exporting.Wanted(sitting.starts_at, sitting.ends_at)
    return (await exporting.export(court.db, "csv", wanted, court.clerk, NOW, catalogue("zh-CN").gettext, "zh-CN", "http://here")).body


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_what_goes_out_comes_in_again_as_the_same_sitting(court: Court, kind: str) -> None:
    chair = court.judge if kind == "remote_court" else await prosecutor(court)
    rows = tuple(ParticipantDraft(name, role, key=f"p{n}") for n, (name, role) in enumerate(OUTSIDE[kind]))
    more: tuple[ParticipantDraft, ...] = ()
    apart: tuple[tuple[str, str], ...] = (("p0", "clerk_id"),)
    ward = next((row for row in rows if row.role in ("party", "petitioner", "suspect")), None)
    if ward is not None:
        rows = tuple(ParticipantDraft(r.name, r.role, key=r.key, minor=r is ward) for r in rows)
        more = (ParticipantDraft("王母", "guardian", key="mother", guards=ward.key),)
        apart = (*apart, ("mother", "clerk_id"))
    if kind == "remote_interrogation":
        second = await prosecutor(court, "罗峰", "luo")
        more = (*more, ParticipantDraft("", "interrogator", user_id=second.id, key="second"))
    sitting = await make_sitting(court, kind=kind, chair_id=chair.id, participants=(*rows, *more), apart=apart)
    body = (await taken_out(court, sitting)).decode("utf-8-sig")
    head, line = list(csv.reader(io.StringIO(body)))
    other = dict(zip(head, line, strict=True)) | {"标识": "another", "日期": "2026-12-01"}
    (judged,) = await take(court, csv_of(tuple(other.values()), head=tuple(other)))
    assert (judged.state, judged.errors) == ("booked", ())
    again = await sittings.get(court.db, judged.sitting_id)

    def facts(found: Sitting) -> object:
        names = {p.id: p.name for p in found.participants}
        people = sorted((p.name, p.role, p.user_id or "", p.presides, p.minor, names.get(p.guards_id, "")) for p in found.participants)
        return found.kind, people, {frozenset((names[pair.one_id], names[pair.other_id])) for pair in found.apart}

    assert facts(again) == facts(await as_it_is(court.db, sitting))
    assert len(rows_of(draft_of(again))) == len(again.participants)


async def test_names_that_nobody_has_and_pairs_that_cannot_be_are_told_at_their_columns(court: Court) -> None:
    people = "小明|当事人; 王母|guardian; 李某|当事人; 李某|agent"
    row = ("远程开庭", "（2026）京0105民初31号", "案件", "2026-11-24", "09:30", "第一法庭", "陈明远", "赵书宁", people,
           "没有此人", "王母|王母", "小明|陈明远; 小明; 小明|李某; 小明|小明")  # fmt: skip
    (judged,) = await take(court, csv_of(row, head=HEAD))
    assert {(column, code) for column, code, _ in judged.errors} == {
        ("minors", "import_person"), ("guardians", "guards_himself"), ("apart", "apart_chair"), ("apart", "apart_both"),
        ("apart", "import_person"), ("apart", "apart_himself"),
    }  # fmt: skip


async def test_a_kind_that_there_is_not_and_a_role_of_another_kind_are_told(court: Court) -> None:
    row = ("茶话会", "（2026）京0105民初31号", "案件", "2026-11-24", "09:30", "第一法庭", "陈明远", "赵书宁", "刘芳|当事人", "", "", "")
    (judged,) = await take(court, csv_of(row, head=HEAD))
    assert ("kind", "kind_unknown") in {(column, code) for column, code, _ in judged.errors}
    row = ("远程提讯", *row[1:8], "刘芳|当事人", "", "", "")
    (judged,) = await take(court, csv_of(row, head=HEAD))
    assert ("participants", "role_unknown") in {(column, code) for column, code, _ in judged.errors}


def test_a_list_is_read_by_the_version_that_the_unit_holds_a_kind_by() -> None:
    """Whoever sits on the bench by that version is the member of the staff of that name."""
    table = PROCEDURES["round_table"].text.replace("version: 2026-1", "version: 云河 2027")
    own = {**PROCEDURES, "round_table": read_procedure(table.replace("member: {is: [awaited]", "member: {is: [awaited, bench]", 1))}

    def account(versions: Procedures) -> str:
        known = Known({}, {"prosecutor": {"孙检": "u9"}}, {}, versions)
        errors: list[FieldError] = []
        found = cast({"participants": "孙检|成员"}, "round_table", known, {"成员": "member"}, {}, errors)
        assert not errors
        return found.participants[0].user_id

    assert (account(PROCEDURES), account(own)) == ("", "u9")
