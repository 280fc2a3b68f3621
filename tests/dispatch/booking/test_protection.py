"""Minors and their guardians, and who must not see or hear whom: what is refused and where, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.booking import bookings, history, protection
from dispatch.booking.asked_for import document
from dispatch.booking.asked_for import draft_of as draft_kept
from dispatch.booking.draft import SittingDraft, problems
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.series.difference import Difference
from dispatch.errors import ValidationFailed
from dispatch.sittings import participants, sittings
from dispatch.store.tables import Sitting
from rooms.procedure import PROCEDURES
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court, audited, bring_to, draft_of, make_draft, make_sitting, named

CHILD = ParticipantDraft("小明", "party", key="child", minor=True)
MOTHER = ParticipantDraft("王母", "guardian", key="mother", guards="child")
WITNESS = ParticipantDraft("证人甲", "witness", key="witness")
OTHER = ParticipantDraft("李某", "party", key="other")
PEOPLE = (CHILD, MOTHER, WITNESS, OTHER)


def wrong(court: Court, *people: ParticipantDraft, apart: tuple[tuple[str, str], ...] = (), **changes: Any) -> list[tuple[str, str]]:
    draft = make_draft(court, participants=people or PEOPLE, apart=apart, **changes)
    return [(field, code) for field, code, _ in problems(draft, NOW)]


@pytest.mark.parametrize(
    ("guards", "code"),
    [("", "guards_missing"), ("nobody", "guards_unknown"), ("mother", "guards_himself"), ("father", "guards_guardian"),
     ("witness", None), ("chair_id", "guards_ward"), ("interpreter", "guards_ward")],
)  # fmt: skip
def test_a_guardian_guards_somebody_of_the_sitting_who_can_be_guarded(court: Court, guards: str, code: str | None) -> None:
    people = (
        CHILD,
        replace(MOTHER, guards=guards),
        ParticipantDraft("王父", "guardian", key="father", guards="child"),
        WITNESS,
        ParticipantDraft("吴译", "interpreter", key="interpreter"),
    )
    assert wrong(court, *people) == ([("participants.1.guards", code)] if code else [])


@pytest.mark.parametrize(
    ("pair", "code"),
    [(("witness", "other"), None), (("other", "witness"), None), (("witness", "chair_id"), "apart_chair"),
     (("witness", "witness"), "apart_himself"), (("witness", "stranger"), "apart_unknown"), (("witness", ""), "apart_both"),
     (("mother", "child"), "apart_guardian"), (("child", "mother"), "apart_guardian"), (("witness", "clerk_id"), None)],
)  # fmt: skip
def test_a_pair_is_two_people_of_the_sitting_who_can_do_without_each_other(court: Court, pair: tuple[str, str], code: str | None) -> None:
    assert wrong(court, apart=(pair,)) == ([("apart.0", code)] if code else [])


def test_a_pair_is_named_once_whichever_way_round(court: Court) -> None:
    assert wrong(court, apart=(("witness", "other"), ("child", "other"), ("other", "witness"))) == [("apart.2", "apart_twice")]


def test_only_a_guardian_guards_and_only_who_can_be_guarded_is_a_minor(court: Court) -> None:
    assert wrong(court, CHILD, MOTHER, replace(OTHER, guards="child")) == [("participants.2.guards", "guards_role")]
    adult = ParticipantDraft("吴译", "interpreter", key="interpreter", minor=True)
    assert wrong(court, CHILD, MOTHER, adult) == [("participants.2.minor", "minor_role")]


@pytest.mark.parametrize("kind", PROCEDURES)
def test_the_kinds_that_know_a_guardian_know_whom_he_guards(kind: str) -> None:
    found = protection.wards(kind)
    assert bool(found) == ("guardian" in PROCEDURES[kind].roles) == (kind != "round_table")
    assert set(found) <= PROCEDURES[kind].roles


async def test_what_is_booked_is_kept_and_told_to_the_live_plane(court: Court) -> None:
    sitting = await make_sitting(court, participants=PEOPLE, apart=(("witness", "other"), ("clerk_id", "witness")))
    ids = {person.name: person.id for person in sitting.participants}
    plan = sittings.plan(sitting, court.db)
    assert {person.id: person.guards for person in plan.participants if person.guards} == {ids["王母"]: ids["小明"]}
    wanted = {frozenset((ids["证人甲"], ids["李某"])), frozenset((ids["证人甲"], ids["赵书宁"]))}
    assert {frozenset(pair) for pair in plan.apart} == wanted
    assert all(one < other for one, other in plan.apart)
    assert [person.name for person in sitting.participants if person.minor] == ["小明"]


async def test_the_form_of_a_sitting_that_is_there_changes_nothing_when_it_is_saved(court: Court) -> None:
    sitting = await make_sitting(court, participants=PEOPLE, apart=(("witness", "other"), ("clerk_id", "witness")))
    before = sittings.plan(sitting, court.db)
    again = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting), court.clerk, NOW)
    assert sittings.plan(again, court.db) == before


async def changed(court: Court, sitting: Sitting, **changes: Any) -> Sitting:
    return await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, **changes), court.clerk, NOW)


async def test_pairs_are_added_and_taken_away_and_the_history_says_so(court: Court) -> None:
    sitting = await make_sitting(court, participants=PEOPLE, apart=(("witness", "other"),))
    child = named(sitting, "小明").id
    after = await changed(court, sitting, apart=((named(sitting, "证人甲").id, child),))
    assert {frozenset(pair) for pair in sittings.plan(after, court.db).apart} == {frozenset((named(sitting, "证人甲").id, child))}
    newest, *_ = await history.of(court.db, sitting.id)
    assert [(each.field, each.former, each.latter) for each in newest.changes] == [("apart", "证人甲 ↔ 李某", "小明 ↔ 证人甲")]
    gone = await changed(court, after, apart=())
    assert gone.apart == []


async def test_the_history_names_minors_and_guardians(court: Court) -> None:
    sitting = await make_sitting(court, participants=(replace(CHILD, minor=False), OTHER))
    people = draft_of(sitting).participants
    child = replace(people[0], minor=True)
    await changed(court, sitting, participants=(child, people[1], replace(MOTHER, guards=child.id)))
    newest, *_ = await history.of(court.db, sitting.id)
    assert [(each.field, each.former, each.latter) for each in newest.changes] == [
        ("people", "", "guardian=王母"),
        ("minors", "", "小明"),
        ("guardians", "", "王母 → 小明"),
    ]


@pytest.mark.parametrize("reason", ["", "监护人在外地，已委托社工陪同"])
async def test_a_minor_without_his_guardian_needs_a_reason(court: Court, reason: str) -> None:
    # At good notice, so that no other rule asks for one.
    draft = make_draft(court, days=7, participants=(CHILD, OTHER), override_reason=reason)
    if not reason:
        with pytest.raises(ValidationFailed) as told:
            await bookings.create_sitting(court.db, draft, court.clerk, NOW)
        assert told.value.errors == [("override_reason", "rule_unguarded", {"name": "小明"})]
        return
    sitting = await bookings.create_sitting(court.db, draft, court.clerk, NOW)
    assert sitting.booking.override_reason == reason
    (row,) = await audited(court.db, "sitting_booked")
    assert (row.detail["overridden"], row.detail["override_reason"]) == ("unguarded", reason)
    # Whoever saves it again for something else is not asked again, and the reason goes along to another time.
    renamed = await changed(court, sitting, title="改名", override_reason="")
    moved = await bookings.move(
        court.db, sitting.id, sitting.room.id, renamed.starts_at.replace(hour=7), renamed.ends_at.replace(hour=8), court.clerk, NOW
    )
    assert moved.booking.override_reason == reason


async def test_a_minor_whose_guardian_is_taken_out_needs_a_reason_too(court: Court) -> None:
    sitting = await make_sitting(court, days=7, participants=PEOPLE, override_reason="")
    without = tuple(row for row in draft_of(sitting).participants if row.role != "guardian")
    with pytest.raises(ValidationFailed) as told:
        await changed(court, sitting, participants=without)
    assert told.value.errors == [("override_reason", "rule_unguarded", {"name": "小明"})]
    assert (await changed(court, sitting, participants=without, override_reason=URGENT)).booking.override_reason == URGENT


async def test_once_the_sitting_is_open_only_who_is_new_brings_something_of_it(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court, participants=PEOPLE, apart=(("witness", "other"),)), "open")
    people = draft_of(sitting).participants
    for changes in ({"apart": ()}, {"participants": (replace(people[0], minor=False), *people[1:])}):
        with pytest.raises(ValidationFailed) as told:
            await changed(court, sitting, **changes)
        assert ("apart", "apart_open", {}) in told.value.errors
    father = ParticipantDraft("王父", "guardian", key="father", guards=named(sitting, "小明").id)
    more = await changed(court, sitting, participants=(*people, father), apart=(*draft_of(sitting).apart, ("father", people[3].id)))
    assert named(more, "王父").guards_id == named(sitting, "小明").id
    assert len(more.apart) == 2


async def test_whoever_leaves_takes_his_pairs_along(court: Court) -> None:
    sitting = await make_sitting(court, participants=PEOPLE, apart=(("witness", "other"), ("child", "other")))
    await participants.remove(court.db, named(sitting, "证人甲").id, court.clerk, NOW)
    left = await bookings.whole(court.db, sitting.id)
    assert {frozenset(pair) for pair in sittings.plan(left, court.db).apart} == {
        frozenset((named(sitting, "小明").id, named(sitting, "李某").id))
    }
    newest, *_ = await history.of(court.db, sitting.id)
    assert [each.field for each in newest.changes] == ["people", "apart"]
    await participants.remove(court.db, named(sitting, "小明").id, court.clerk, NOW)
    left = await bookings.whole(court.db, sitting.id)
    assert (named(left, "王母").guards_id, left.apart) == ("", [])


async def test_a_single_participant_is_bound_and_unbound(court: Court) -> None:
    sitting = await make_sitting(court, days=7, participants=(OTHER,), override_reason="")
    child = ParticipantDraft("小明", "party", minor=True)
    with pytest.raises(ValidationFailed) as told:
        await participants.add(court.db, sitting.id, child, court.clerk, NOW)
    assert told.value.errors == [("override_reason", "rule_unguarded", {"name": "小明"})]
    added = await participants.add(court.db, sitting.id, child, court.clerk, NOW, override_reason="随后补充监护人")
    with pytest.raises(ValidationFailed) as unbound:
        await participants.add(court.db, sitting.id, ParticipantDraft("王母", "guardian"), court.clerk, NOW)
    assert unbound.value.errors[0][:2] == ("guards", "guards_missing")
    mother = await participants.add(court.db, sitting.id, ParticipantDraft("王母", "guardian", guards=added.id), court.clerk, NOW)
    assert mother.guards_id == added.id
    with pytest.raises(ValidationFailed) as lost:
        await participants.remove(court.db, mother.id, court.clerk, NOW)
    assert lost.value.errors == [("override_reason", "rule_unguarded", {"name": "小明"})]
    with pytest.raises(ValidationFailed) as other_role:
        await participants.update(court.db, added.id, ParticipantDraft("小明", "interpreter", guards=""), court.clerk, NOW)
    assert [each[:2] for each in other_role.value.errors] == [("role", "guards_ward")]
    await participants.remove(court.db, mother.id, court.clerk, NOW, override_reason="监护人已到场旁听")
    assert (await audited(court.db, "participant_removed"))[-1].detail["overridden"] == "unguarded"


def test_the_same_change_to_another_sitting_of_a_series_is_by_that_sittings_people(court: Court) -> None:
    def form(word: str, *pairs: tuple[str, str], bound: bool) -> SittingDraft:
        people = tuple(replace(row, key="", id=f"{word}{n}", guards=f"{word}0" if row.guards and bound else "")
                       for n, row in enumerate(PEOPLE))  # fmt: skip
        return make_draft(court, participants=people, apart=pairs)

    former = form("a", ("a2", "a3"), bound=True)
    latter = replace(former, apart=(("a0", "a3"), ("chair_id", "a2")))
    other = form("b", ("b2", "b3"), ("b1", "b2"), bound=True)
    after = Difference.between(former, latter, SHANGHAI).applied(other, keeps_its_time=False)
    assert {frozenset(pair) for pair in after.apart} == {
        frozenset(("b1", "b2")), frozenset(("b0", "b3")), frozenset(("chair_id", "b2"))
    }  # fmt: skip
    assert [row.guards for row in after.participants] == ["", "b0", "", ""]


def test_a_form_that_waits_for_a_time_keeps_it_all(court: Court) -> None:
    draft = make_draft(court, participants=PEOPLE, apart=(("witness", "other"),))
    assert draft_kept(document(draft)) == draft
