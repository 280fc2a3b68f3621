"""The table of a task's states: every pair of state and act, and who may do which act."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from dispatch.console.field import tasks
from dispatch.console.field.tasks import ACTS, CENTRE, NEXT, OUT, OVER, STATES, TEAM, Act, Asking, State
from dispatch.errors import Refused
from dispatch.web.access import ALL_ROLES
from tests.dispatch.making import NOW

WANTED: dict[str, dict[str, str]] = {
    "drafted": {"send": "sent", "reassign": "drafted", "cancel": "cancelled"},
    "sent": {"sign": "signed", "hand_back": "drafted", "urge": "sent", "reassign": "sent", "cancel": "cancelled"},
    "signed": {"arrive": "on_site", "hand_back": "drafted", "urge": "signed", "reassign": "sent", "cancel": "cancelled"},
    "on_site": {"report": "reported", "hand_back": "drafted", "urge": "on_site", "reassign": "sent", "cancel": "cancelled"},
    "reported": {"close": "closed", "return": "signed", "cancel": "cancelled"},
    "closed": {},
    "cancelled": {},
}


@pytest.mark.parametrize(("state", "act"), list(product(STATES, ACTS)))
def test_every_act_in_every_state_leads_where_it_should_or_is_refused(state: State, act: Act) -> None:
    wanted = WANTED[state].get(act)
    if wanted is None:
        with pytest.raises(Refused, match="task_state"):
            tasks.after(state, act)
    else:
        assert tasks.after(state, act) == wanted


def test_every_act_is_the_centres_or_the_teams_and_every_open_task_can_be_ended() -> None:
    assert set(CENTRE) | set(TEAM) == set(ACTS)
    assert not set(CENTRE) & set(TEAM)
    assert all((state, "cancel") in NEXT for state in STATES if state not in OVER)
    assert {before for before, _ in NEXT}.isdisjoint(OVER)
    assert set(NEXT.values()) <= set(STATES)


@pytest.mark.parametrize(("role", "act", "member"), list(product(ALL_ROLES, ACTS, (True, False))))
def test_officers_do_what_is_the_centres_and_the_teams_own_people_what_is_theirs(role: str, act: Act, member: bool) -> None:
    wanted = role == "officer" if act in CENTRE else role == "field" and member
    assert tasks.may(act, Asking(role, member), for_one=False, for_him=False) is wanted


@pytest.mark.parametrize("act", TEAM)
def test_a_task_for_one_person_is_his_and_his_leaders(act: Act) -> None:
    assert tasks.may(act, Asking("field", True), for_one=True, for_him=True)
    assert tasks.may(act, Asking("field", True, leads=True), for_one=True, for_him=False)
    assert not tasks.may(act, Asking("field", True), for_one=True, for_him=False)
    assert not tasks.may(act, Asking("field", False, leads=True), for_one=True, for_him=True)


@pytest.mark.parametrize("state", STATES)
def test_a_team_sees_its_own_tasks_once_they_are_sent_and_no_others(state: State) -> None:
    assert tasks.sees(Asking("officer"), state)
    assert tasks.sees(Asking("field", True), state) is (state != "drafted")
    assert not tasks.sees(Asking("field", False), state)


@pytest.mark.parametrize("state", STATES)
def test_a_task_is_overdue_past_its_deadline_while_the_team_has_something_to_do(state: State) -> None:
    assert tasks.is_overdue(state, NOW, NOW + timedelta(seconds=1)) is (state in OUT)
    assert not tasks.is_overdue(state, NOW, NOW)


def test_what_is_offered_is_what_is_allowed() -> None:
    officer, field = Asking("officer"), Asking("field", True)
    assert tasks.offered("sent", officer, for_one=False, for_him=False) == ("urge", "reassign", "cancel")
    assert tasks.offered("sent", field, for_one=False, for_him=False) == ("sign", "hand_back")
    assert tasks.offered("reported", officer, for_one=False, for_him=False) == ("close", "return", "cancel")
    assert tasks.offered("reported", field, for_one=False, for_him=False) == ()
