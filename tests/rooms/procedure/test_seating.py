"""Where people sit on the picture of a recording follows from their roles and from the order in which they are named."""

from __future__ import annotations

import pytest

from rooms.procedure import BRIEF_COURT, PROCEDURES
from rooms.procedure.model import Procedure
from rooms.procedure.seating import Hall, Seating

COURT = BRIEF_COURT.seating


def seated(*roles: str) -> dict[str, list[str]]:
    hall = COURT.hall(roles)
    return {
        "bench": [roles[i] for i in hall.bench],
        "left": [roles[i] for i in hall.left],
        "right": [roles[i] for i in hall.right],
        "middle": [roles[i] for i in hall.middle],
    }


def test_who_presides_sits_in_the_middle_of_the_bench() -> None:
    assert COURT.hall(("panel", "judge", "panel")).bench == (2, 1, 0)
    assert COURT.hall(("judge", "panel")).bench == (0, 1)


def test_two_parties_sit_opposite_each_other_each_with_the_agent_named_after_him() -> None:
    hall = COURT.hall(("judge", "party", "agent", "party", "agent", "clerk"))
    assert (hall.left, hall.right, hall.middle) == ((1, 2), (3, 4), (5,))


def test_who_acts_for_an_absent_party_faces_the_one_who_came() -> None:
    hall = COURT.hall(("judge", "clerk", "party", "agent"))
    assert (hall.left, hall.right) == ((2,), (3,))


def test_in_a_criminal_case_the_prosecutor_faces_the_accused_and_his_defender() -> None:
    assert seated("judge", "party", "defender", "prosecutor") == {
        "bench": ["judge"],
        "left": ["prosecutor"],
        "right": ["party", "defender"],
        "middle": [],
    }


def test_witness_interpreter_and_clerk_sit_between_them() -> None:
    assert seated("witness", "interpreter", "clerk", "judge")["middle"] == ["witness", "interpreter", "clerk"]


def test_a_kind_without_seats_of_its_own_sets_all_in_one_row() -> None:
    assert Seating().hall(("judge", "party")) == Hall(middle=(0, 1))


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=lambda procedure: procedure.kind)
def test_everybody_of_every_kind_has_one_seat_and_only_roles_that_exist_have_one(procedure: Procedure) -> None:
    roles = sorted(procedure.roles) * 2
    hall = procedure.seating.hall(roles)
    assert sorted(hall.bench + hall.left + hall.right + hall.middle) == list(range(len(roles)))
    seating = procedure.seating
    assert {*seating.bench} | seating.left | seating.right | seating.opposed | seating.beside <= procedure.roles
