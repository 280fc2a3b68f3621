"""What the control plane says of a sitting goes into the log and comes out of it unchanged."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from rooms.log import canonical
from rooms.plan import PlanParticipant, SittingPlan
from tests.rooms.making import make_plan, ticket


def test_a_plan_comes_back_from_the_log_as_it_went() -> None:
    plan = make_plan()
    assert SittingPlan.from_json(json.loads(canonical(plan.to_json()))) == plan


def test_a_plan_of_nobody_too() -> None:
    plan = make_plan(people=())
    assert SittingPlan.from_json(plan.to_json()) == plan


def test_it_knows_names_and_roles_and_nothing_by_which_one_could_be_reached() -> None:
    fields = set(asdict(make_plan())) | set(asdict(make_plan().participants[0]))
    assert fields == {
        "id", "kind", "title", "case_number", "court", "room", "starts_at_us", "ends_at_us", "time_zone", "participants",
        "name", "role", "chair", "guards", "procedure", "apart", "received_at_us", "watchers",
    }  # fmt: skip


def test_pairs_and_guardians_come_back_too_and_an_old_log_knows_of_none() -> None:
    minor, adult, other = (PlanParticipant(p, p, role) for p, role in (("minor", "party"), ("adult", "guardian"), ("other", "witness")))
    plan = make_plan(people=(minor, replace(adult, guards="minor"), other), apart=(("minor", "other"),))
    assert SittingPlan.from_json(json.loads(canonical(plan.to_json()))) == plan
    assert plan.kept_from(["minor"]) == {"other"}
    assert plan.kept_from(["other", "adult"]) == {"minor"}
    assert plan.kept_from(["adult"]) == frozenset()
    old = {key: value for key, value in make_plan().to_json().items() if key not in ("apart", "watchers")}
    old["participants"] = [{key: value for key, value in p.items() if key != "guards"} for p in old["participants"]]
    assert SittingPlan.from_json(old) == make_plan()


@pytest.mark.parametrize("damaged", [{}, {"id": "x"}, make_plan().to_json() | {"more": 1}])
def test_what_is_no_plan_is_refused(damaged: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        SittingPlan.from_json(damaged)


def test_who_stands_behind_a_socket_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        ticket("zhang").user = "u-judge"  # type: ignore[misc]
