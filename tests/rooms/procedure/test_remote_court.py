"""The remote court, who speaks, who sees, who directs, in which stage."""

from __future__ import annotations

import pytest

from rooms.procedure import BRIEF_COURT, PROCEDURES, Procedure
from rooms.procedure.model import NOTHING, Rights

OPEN_STAGES = ("waiting", "hearing")
EVERY_PROCEDURE = pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES.keys())


def may(right: str, stage: str) -> set[str]:
    """The roles that have a right in a stage, were they the chair."""
    return {role for role, rights in BRIEF_COURT.rights[stage].items() if getattr(rights, right)}


@pytest.mark.parametrize("stage", OPEN_STAGES)
def test_everybody_sees_and_only_gallery_and_custody_officer_are_silent(stage: str) -> None:
    assert may("see", stage) == BRIEF_COURT.roles
    assert BRIEF_COURT.roles - may("speak", stage) == {"gallery", "custody_officer"}


@pytest.mark.parametrize("stage", [*OPEN_STAGES, "recess"])
def test_the_chair_alone_directs_and_chair_and_clerk_admit(stage: str) -> None:
    assert may("direct", stage) == {"judge"}
    assert may("admit", stage) == {"judge", "clerk"}
    assert may("record", stage) == {"clerk"}


def test_a_second_judge_sits_on_the_bench_and_does_not_direct() -> None:
    assert BRIEF_COURT.rights_of("judge", "hearing", chair=True).direct
    assert BRIEF_COURT.rights_of("judge", "hearing") == Rights.of("SVPA")


def test_nobody_who_testifies_or_watches_shares_anything() -> None:
    assert may("publish", "hearing") & {"witness", "expert", "interpreter", "gallery", "custody_officer", "clerk"} == set()


def test_in_session_everybody_but_the_chair_may_leave_and_at_rest_the_chair_too() -> None:
    assert BRIEF_COURT.roles - may("leave", "hearing") == {"judge"}
    assert may("leave", "recess") == may("leave", "waiting") == BRIEF_COURT.roles


def test_in_a_recess_nobody_hears_or_sees_anybody() -> None:
    assert may("see", "recess") == may("speak", "recess") == may("publish", "recess") == set()
    assert BRIEF_COURT.stages["recess"].closes_sources


def test_only_the_hearing_is_recorded_and_nothing_is_private() -> None:
    assert {name for name, stage in BRIEF_COURT.stages.items() if stage.recorded} == {"hearing"}
    assert not any(stage.private for stage in BRIEF_COURT.stages.values())


def test_a_role_that_the_procedure_does_not_know_may_do_nothing() -> None:
    assert BRIEF_COURT.rights_of("journalist", "hearing", chair=True) == NOTHING


def ends(procedure: Procedure, stage: str) -> bool:
    """Whether a sitting in this stage can come to its end."""
    reached = {stage}
    while more := {to for each in reached for to in procedure.changes[each]} - reached:
        reached |= more
    return procedure.last in reached


@EVERY_PROCEDURE
def test_every_procedure_can_be_gone_through(procedure: Procedure) -> None:
    """Every stage is reached from the first, leads to the last, and has a row of rights; the last gives nobody anything."""
    assert set(procedure.changes) == set(procedure.rights) == set(procedure.stages)
    reached, waiting = {procedure.first}, [procedure.first]
    while waiting:
        for to in procedure.changes[waiting.pop()]:
            if to not in reached:
                reached.add(to)
                waiting.append(to)
    assert reached == set(procedure.stages)
    assert all(ends(procedure, stage) for stage in procedure.stages)
    assert procedure.changes[procedure.last] == ()
    assert not procedure.rights[procedure.last]
    for named in (procedure.enters_at_once, procedure.bench, procedure.awaited, procedure.consents):
        assert named <= procedure.roles
