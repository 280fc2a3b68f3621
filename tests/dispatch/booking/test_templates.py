"""Templates of sittings: a standard for each kind, and the court's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.booking import templates
from dispatch.booking.roles import roles_for
from dispatch.booking.templates import STANDARD, TemplateDraft
from dispatch.errors import NotFound, ValidationFailed
from rooms.procedure import PROCEDURES
from tests.dispatch.making import NOW, Court, add_movable, audited

DIVORCE = TemplateDraft("离婚案件", "remote_court", 90, "Divorce", "court", ("party", "party", "agent"), position=1)


def test_each_kind_has_a_standard_that_its_procedure_can_hold() -> None:
    assert set(STANDARD) == {"remote_court", "petition_intake", "public_hearing", "round_table", "remote_interrogation"}
    for kind in PROCEDURES:
        start = templates.standard(kind)
        assert set(start.roles) <= set(roles_for(kind))
        assert list(templates.problems(TemplateDraft("标准", kind, start.minutes, "", start.room_kind, start.roles))) == []


def test_a_kind_that_nobody_described_begins_with_an_hour() -> None:
    start = templates.standard("mediation")
    assert (start.kind, start.minutes, start.roles) == ("mediation", 60, ())


async def test_the_courts_own_come_in_their_order(court: Court) -> None:
    xu = court.users["xu"]
    later = await templates.add(court.db, replace(DIVORCE, name="后", position=9), xu, NOW)
    first = await templates.add(court.db, DIVORCE, xu, NOW)
    gone = await templates.add(court.db, replace(DIVORCE, name="停", active=False), xu, NOW)
    assert [each.id for each in await templates.list_templates(court.db)] == [first.id, later.id]
    assert gone.id in {each.id for each in await templates.list_templates(court.db, everything=True)}
    assert templates.draft_of(first) == DIVORCE
    assert [(row.action, row.subject) for row in await audited(court.db)] == [("template_added", name) for name in ("后", "离婚案件", "停")]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": "  "}, "name", "required"),
        ({"name": "名" * 81}, "name", "too_long"),
        ({"name_en": "n" * 81}, "name_en", "too_long"),
        ({"kind": "cellar"}, "kind", "kind_unknown"),
        ({"minutes": 5}, "minutes", "out_of_range"),
        ({"minutes": 721}, "minutes", "out_of_range"),
        ({"room_kind": "cellar"}, "room_kind", "room_kind_unknown"),
        ({"roles": ("king",)}, "roles", "role_unknown"),
        ({"roles": ("judge",)}, "roles", "role_unknown"),
        ({"roles": ("party",) * 21}, "roles", "participants_many"),
        ({"means": ("0123456789abcdef",)}, "means", "equipment_unknown"),
        ({"position": -1}, "position", "out_of_range"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_kept(court: Court, changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as told:
        await templates.add(court.db, replace(DIVORCE, **changes), court.users["xu"], NOW)
    assert [(name, found) for name, found, _ in told.value.errors] == [(field, code)]
    assert await templates.list_templates(court.db, everything=True) == []


async def test_a_person_is_no_means(court: Court) -> None:
    with pytest.raises(ValidationFailed):
        await templates.add(court.db, replace(DIVORCE, means=(court.judge.id,)), court.users["xu"], NOW)


async def test_a_change_keeps_what_is_not_named_and_its_own_name(court: Court) -> None:
    xu = court.users["xu"]
    [camera] = await add_movable(court.db, "equipment", "实物展台", xu, NOW)
    made = await templates.add(court.db, DIVORCE, xu, NOW)
    await templates.change(court.db, made.id, lambda was: replace(templates.draft_of(was), means=(camera.id, camera.id)), xu, NOW)
    found = await templates.get(court.db, made.id)
    assert templates.draft_of(found) == replace(DIVORCE, means=(camera.id,))
    assert [row.action for row in await audited(court.db, "template_changed")] == ["template_changed"]


async def test_two_of_one_name_are_refused(court: Court) -> None:
    xu = court.users["xu"]
    await templates.add(court.db, DIVORCE, xu, NOW)
    with pytest.raises(ValidationFailed) as told:
        await templates.add(court.db, replace(DIVORCE, name=" 离婚案件 "), xu, NOW)
    assert [code for _, code, _ in told.value.errors] == ["template_name_taken"]


async def test_one_that_is_not_there_is_told(court: Court) -> None:
    with pytest.raises(NotFound):
        await templates.get(court.db, "0123456789abcdef")
    with pytest.raises(NotFound):
        await templates.change(court.db, "0123456789abcdef", lambda _: DIVORCE, court.users["xu"], NOW)
