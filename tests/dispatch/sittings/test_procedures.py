"""The unit's own version of a procedure: checked, adopted, and what a sitting is opened by from then on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from dispatch.booking.draft import draft_of
from dispatch.booking.in_force import held_in
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Refused, ValidationFailed
from dispatch.sittings import guarding, procedures, sittings
from dispatch.store.tables import ProcedureVersion
from dispatch.web.translations import LOCALES, read_texts
from rooms.procedure import BRIEF_COURT, PROCEDURES, SHIPPED, procedure_of, reading
from tests.dispatch.making import NOW, Court, audited, make_sitting


async def test_a_unit_that_adopted_nothing_holds_a_court_by_the_ordinary_procedure(court: Court) -> None:
    sitting = await make_sitting(court)
    assert await procedures.adopted(court.db, "remote_court") is None
    held = await procedures.held_by(court.db, "remote_court")
    assert procedure_of(sittings.plan(sitting, court.db, held).procedure) == held == PROCEDURES["remote_court"]


@pytest.mark.parametrize(("kind", "version"), SHIPPED)
async def test_what_is_adopted_is_what_sittings_are_opened_by(court: Court, kind: str, version: str) -> None:
    shipped = SHIPPED[kind, version]
    await procedures.adopt(court.db, shipped.text, court.users["xu"], NOW)
    assert await procedures.held_by(court.db, kind) == shipped
    row = await procedures.adopted(court.db, kind)
    assert row is not None
    assert (row.version, row.by, row.at) == (version, "许文博", NOW)
    assert [(each.action, each.subject) for each in await audited(court.db, "procedure_adopted")] == [
        ("procedure_adopted", f"{kind} {version}")
    ]


async def test_what_this_program_cannot_read_opens_nothing_of_its_kind_and_the_rest_goes_on(court: Court) -> None:
    """A program of another time wrote a version with words that this one does not know."""
    await procedures.adopt(court.db, PROCEDURES["round_table"].text, court.users["xu"], NOW)
    unreadable = PROCEDURES["round_table"].text.replace("status: live", "status: asleep")
    async with court.db.writer() as session:
        await session.execute(update(ProcedureVersion).values(text=unreadable))
    with pytest.raises(Refused, match="version_unreadable") as refused:
        await procedures.held_by(court.db, "round_table")
    assert refused.value.data == {"version": PROCEDURES["round_table"].version, "by": "许文博"}
    assert (await procedures.in_force(court.db, "round_table")).procedure is None
    assert await procedures.held_by(court.db, "remote_court") == PROCEDURES["remote_court"]
    assert {each.kind for each in await procedures.versions(court.db)} == set(PROCEDURES)
    await make_sitting(court)
    await procedures.adopt(court.db, PROCEDURES["round_table"].text, court.users["xu"], NOW)
    assert await procedures.held_by(court.db, "round_table") == PROCEDURES["round_table"]


async def test_the_newest_that_was_adopted_counts_and_going_back_is_adopting_again(court: Court) -> None:
    xu, sitting = court.users["xu"], await make_sitting(court)
    for found in (PROCEDURES["remote_court"], BRIEF_COURT, PROCEDURES["remote_court"]):
        await procedures.adopt(court.db, found.text, xu, NOW)
        held = await procedures.held_by(court.db, "remote_court")
        assert sittings.plan(sitting, court.db, held).procedure == found.text
    assert await procedures.held_by(court.db, "round_table") == PROCEDURES["round_table"]


async def test_a_bad_file_is_refused_with_every_bad_line_and_changes_nothing(court: Court) -> None:
    good = PROCEDURES["round_table"].text
    bad = good.replace("chair: convenor", "chair: king").replace("departure: wait", "departure: never")
    with pytest.raises(ValidationFailed) as refused:
        await procedures.adopt(court.db, bad, court.users["xu"], NOW)
    lines = good.splitlines()
    told = {lines[int(str(data["line"])) - 1].partition(":")[0] for _field, _code, data in refused.value.errors}
    assert {"chair", "departure"} >= told > set()
    assert await procedures.adopted(court.db, "round_table") is None
    assert await audited(court.db, "procedure_adopted") == []


async def test_whoever_can_be_booked_has_a_role_in_every_version(court: Court) -> None:
    text = re.sub(r"  interpreter: .*\n|, interpreter: S?V?L", "", PROCEDURES["round_table"].text)
    with pytest.raises(ValidationFailed) as refused:
        await procedures.adopt(court.db, text, court.users["xu"], NOW)
    assert [(field, code, data["roles"]) for field, code, data in refused.value.errors] == [("text", "procedure_roles", ["interpreter"])]
    for shipped in SHIPPED.values():
        assert set(PROCEDURES[shipped.kind].order) <= shipped.roles


async def test_who_presides_a_kind_cannot_be_another(court: Court) -> None:
    text = PROCEDURES["round_table"].text.replace("chair: convenor", "chair: member")
    text = re.sub(r"member: SVPL", "member: SVPLD", text).replace("member: S°VPL", "member: S°VPLD").replace("member: L", "member: LD")
    with pytest.raises(ValidationFailed) as refused:
        await procedures.adopt(court.db, text, court.users["xu"], NOW)
    assert [code for _field, code, _data in refused.value.errors] == ["procedure_chair"]


def test_every_fault_of_a_file_has_words_in_both_languages() -> None:
    source = Path(reading.__file__).read_text(encoding="utf-8")
    codes = {f"procedure_{code}" for code in re.findall(r'self\.bad\([^"]*?, "([a-z_]+)"', source)}
    codes |= set(re.findall(r'"(procedure_[a-z]+)"', source))
    assert len(codes) > 20
    for folder in ("zh_CN", "en"):
        texts = read_texts(LOCALES / folder)
        assert {code for code in codes if f"error.{code}" not in texts} == set()


async def test_who_may_be_guarded_goes_by_the_version_in_force(court: Court) -> None:
    """A unit whose round tables know parties and guardians: the version that comes with the program knows neither."""
    own = PROCEDURES["round_table"].text.replace("roles:\n", "roles:\n  party: {source: 本院规定}\n  guardian: {source: 本院规定}\n", 1)
    own = own.replace(f"version: {PROCEDURES['round_table'].version}", "version: 云河 2027")
    child = [ParticipantDraft("小明", "party", key="child", minor=True), ParticipantDraft("明父", "guardian", guards="child")]
    sitting = await make_sitting(court)
    sitting.kind = "round_table"
    former = replace(draft_of(sitting), participants=())
    latter = replace(former, participants=tuple(child))
    with pytest.raises(ValidationFailed) as refused:
        guarding.check(sitting, former, latter, "child", "", [], PROCEDURES)
    assert ("minor", "minor_role", {"roles": []}) in refused.value.errors
    await procedures.adopt(court.db, own, court.users["xu"], NOW)
    async with court.db.reader() as session:
        assert guarding.check(sitting, former, latter, "child", "", [], await held_in(session)) == {}
