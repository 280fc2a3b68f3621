"""Who is lost and does not come back, and what follows in each kind; and a sitting that stops because it is not recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rooms import departures
from rooms.commands import Disappear, Observe, RaiseAlert, Revise
from rooms.departures import GRACE_US, overdue
from rooms.fold import fold
from rooms.measured import Measured
from rooms.protocol import CastVote, ChangeStage, Classify, CloseQuestion, Leave, PutQuestion
from rooms.views import next_stages
from tests.rooms.making import Sitting, refused
from tests.rooms.test_opinions_and_votes import come_to


def due(sitting: Sitting, who: str) -> list[str]:
    return sitting.system(RaiseAlert("departure_due", "warning", who, {"participant": who, "name": who}))


@pytest.mark.parametrize(
    ("kind", "stage", "chair", "who", "consequence"),
    [
        ("remote_court", "debate", "judge-0", "party-0", "chair_decides"),
        ("petition_intake", "statement", "receiver-0", "petitioner-0", "rebook"),
        ("round_table", "conclusion", "convenor-0", "member-0", "wait"),
        ("remote_interrogation", "questioning", "interrogator-0", "suspect-0", "stop"),
    ],
)
def test_what_follows_is_the_procedures_and_only_after_the_grace(kind: str, stage: str, chair: str, who: str, consequence: str) -> None:
    sitting = come_to(kind, stage)
    with refused("is_present"):
        sitting.act(f"e-{chair}", Classify(participant=who, cause="network"))
    sitting.system(Disappear(f"e-{who}"))
    since_us = sitting.state.seats[who].lost_at_us
    assert since_us is not None
    assert overdue(sitting.state, since_us + GRACE_US - 1) == ()
    assert overdue(sitting.state, since_us + GRACE_US) == (who,)
    assert sitting.act(f"e-{chair}", Classify(participant=who, cause="network")) == ["departure_classified"]
    assert sitting.act(f"e-{chair}", Classify(participant=who, cause="network")) == [], "it was said already"
    raised = due(sitting, who)
    assert raised[:2] == ["alert_raised", "departure_declared"], "the cause was said before"
    assert due(sitting, who) == []
    assert overdue(sitting.state, since_us + GRACE_US) == ()
    assert ("stopped" in raised) == (consequence == "stop")
    assert sitting.act(f"e-{chair}", Classify(participant=who, cause="network")) == []
    assert sitting.act(f"e-{chair}", Classify(participant=who, cause="power")) == ["departure_classified", "departure_declared"]
    first, declared = (e.data for e in sitting.log if e.type == "departure_declared")
    assert (first["cause"], first["by"]) == ("network", {"system": True})
    assert (declared["consequence"], declared["cause"], declared["lost_at_us"]) == (consequence, "power", since_us)
    assert declared.get("receipt_at_us") == (sitting.state.plan.starts_at_us if consequence == "rebook" else None)
    sitting.arrive(who)
    assert not [a for a in sitting.state.alerts.values() if a.code == "departure_due"]
    assert fold(sitting.log) == sitting.state


def test_only_chair_and_clerk_say_why() -> None:
    sitting = come_to("remote_court", "debate")
    sitting.system(Disappear("e-party-0"))
    with refused("not_allowed"):
        sitting.act("e-party-1", Classify(participant="party-0", cause="left"))
    with refused("participant_unknown"):
        sitting.act("e-judge-0", Classify(participant="nobody", cause="left"))
    assert "departure_declared" in sitting.act("e-clerk-0", Classify(participant="party-0", cause="left"))


def test_the_vote_of_one_who_left_waits_no_longer_until_he_is_back() -> None:
    sitting = come_to("round_table", "conclusion")
    sitting.act("e-convenor-0", PutQuestion(text="一致结论"))
    for voter in ("convenor-0", "member-0"):
        sitting.act(f"e-{voter}", CastVote(question="1", choice="for"))
    sitting.system(Disappear("e-member-1"))
    sitting.act("e-convenor-0", Classify(participant="member-1", cause="network"))
    with refused("vote_waits"):
        sitting.act("e-convenor-0", CloseQuestion(question="1"))
    sitting.act("e-convenor-0", Classify(participant="member-1", cause="left"))
    sitting.arrive("member-1")
    with refused("votes_missing"):
        sitting.act("e-convenor-0", CloseQuestion(question="1"))
    sitting.system(Disappear("e-member-1"))
    with refused("vote_waits"):
        sitting.act("e-convenor-0", CloseQuestion(question="1"))
    sitting.act("e-convenor-0", Classify(participant="member-1", cause="left"))
    assert sitting.act("e-convenor-0", CloseQuestion(question="1")) == ["question_closed"]


def test_an_interrogation_that_is_not_recorded_stops_and_says_when_it_goes_on() -> None:
    sitting = come_to("remote_interrogation", "identity")
    assert sitting.system(Observe("recording_failed", {"cause": "disk_full"})) == ["recording_failed", "stage_changed", "stopped"]
    assert (sitting.state.stage, sitting.state.reason) == ("recess", "recording_failed")
    stopped_us = sitting.now_us
    sitting.system(Observe("recording_failed", {"cause": "disk_full"}))
    assert sitting.state.next_stages[0] == "identity"
    assert sitting.act("e-interrogator-0", ChangeStage(to="identity"))[-1] == "resumed"
    assert sitting.log[-1].data == {"reason": "recording_failed", "cause": "disk_full", "since_us": stopped_us}
    assert sitting.state.stopped is None
    assert fold(sitting.log) == sitting.state


def test_an_interrogation_does_not_go_on_without_him_for_whom_it_was_stopped() -> None:
    sitting = come_to("remote_interrogation", "identity")
    sitting.system(Disappear("e-suspect-0"))
    sitting.now_us += GRACE_US
    (alert,) = departures.due(sitting.state, sitting.now_us)
    assert sitting.system(alert) == ["alert_raised", "stage_changed", "stopped"]
    with refused("people_gone"):
        sitting.act("e-interrogator-0", ChangeStage(to="identity"))
    sitting.arrive("suspect-0")
    assert sitting.act("e-interrogator-0", ChangeStage(to="identity"))[-1] == "resumed"


def test_whoever_came_back_while_the_clock_was_looked_at_is_not_due() -> None:
    sitting = come_to("remote_interrogation", "identity")
    sitting.system(Disappear("e-suspect-0"))
    (alert,) = departures.due(sitting.state, sitting.now_us + GRACE_US)
    sitting.arrive("suspect-0")
    assert sitting.system(alert) == []
    assert sitting.state.stage == "identity"


@pytest.mark.parametrize("way", ["leaves", "is no longer booked"])
def test_nobody_is_asked_after_one_who_was_lost_and_then_is_no_longer_there(way: str) -> None:
    sitting = come_to("remote_court", "debate")
    sitting.system(Disappear("e-party-0"))
    due(sitting, "party-0")
    if way == "leaves":  # what he sent before the connection broke comes late
        sitting.act("e-party-0", Leave())
    else:
        people = tuple(p for p in sitting.state.plan.participants if p.id != "party-0")
        sitting.system(Revise(replace(sitting.state.plan, participants=people)))
    assert not {a.code for a in sitting.state.alerts.values()} & {"participant_lost", "departure_due"}


def test_a_court_goes_on_while_the_recording_is_mended() -> None:
    sitting = come_to("remote_court", "debate")
    assert sitting.system(Observe("recording_failed", {"cause": "disk_full"})) == ["recording_failed"]
    assert sitting.state.stage == "debate"


def petition_without_its_petitioner() -> Sitting:
    sitting = come_to("petition_intake", "statement")
    sitting.system(Disappear("e-petitioner-0"))
    sitting.act("e-receiver-0", Classify(participant="petitioner-0", cause="power"))
    sitting.now_us += GRACE_US
    for alert in departures.due(sitting.state, sitting.now_us):
        sitting.system(alert)
    return sitting


def endings(sitting: Sitting) -> list[str]:
    found = next_stages(sitting.state, Measured())
    return next(list(each["reasons"]) for each in found if each["to"] == "closed")


def test_a_petition_that_breaks_off_is_ended_to_be_booked_anew_with_the_day_of_its_receipt() -> None:
    sitting = petition_without_its_petitioner()
    assert endings(sitting) == ["rebook", "concluded"]
    assert sitting.act("e-receiver-0", ChangeStage(to="closed", reason="rebook")) == ["stage_changed", "rebooked"]
    assert sitting.log[-1].data == {"participants": ["petitioner-0"], "receipt_at_us": sitting.state.plan.starts_at_us}


def test_one_that_was_booked_anew_keeps_the_first_day() -> None:
    sitting = petition_without_its_petitioner()
    first_us = sitting.state.plan.starts_at_us - 86_400_000_000
    sitting.system(Revise(replace(sitting.state.plan, received_at_us=first_us)))
    sitting.act("e-receiver-0", ChangeStage(to="closed", reason="rebook"))
    assert sitting.log[-1].data["receipt_at_us"] == first_us


def test_it_may_be_concluded_all_the_same_and_nobody_breaks_off_what_nobody_left() -> None:
    concluded = petition_without_its_petitioner()
    assert concluded.act("e-receiver-0", ChangeStage(to="closed", reason="concluded")) == ["stage_changed"]
    back = petition_without_its_petitioner()
    back.arrive("petitioner-0")
    assert endings(back) == []
    with refused("reason_not_allowed"):
        back.act("e-receiver-0", ChangeStage(to="closed", reason="rebook"))
    court = come_to("remote_court", "debate")
    court.system(Disappear("e-party-0"))
    court.act("e-judge-0", Classify(participant="party-0", cause="left"))
    assert endings(court) == [], "a court decides with the evidence before it"
