"""Alerts of a sitting: what the system raises and clears, and who has seen it. Decides and folds; part of the conference, see
:mod:`rooms.conference`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms import departures
from rooms.acts import Fact, doer, need
from rooms.commands import SYSTEM, Actor, ClearAlert, RaiseAlert, alert_id
from rooms.protocol import AcknowledgeAlert, UserError
from rooms.state import Alert, State


def raise_alert(state: State, actor: Actor, command: RaiseAlert) -> list[Fact]:
    """Nothing for one that is on already, and none for somebody who has come back meanwhile."""
    alert = alert_id(command.code, command.subject)
    if alert in state.alerts or (command.code == departures.DUE and not departures.is_lost(state, command.subject)):
        return []
    fact: Fact = ("alert_raised", {"alert": alert, "code": command.code, "severity": command.severity, "data": dict(command.data)})
    return [fact, *departures.fell_due(state, command.subject)] if command.code == departures.DUE else [fact]


def clear_alert(state: State, actor: Actor, command: ClearAlert) -> list[Fact]:
    """Its cause is over."""
    alert = alert_id(command.code, command.subject)
    return [("alert_cleared", {"alert": alert})] if alert in state.alerts else []


def acknowledge(state: State, actor: Actor, command: AcknowledgeAlert) -> Iterable[Fact]:
    """Chair or clerk, or an officer, have seen it. Raises UserError "not_allowed" or "alert_unknown"."""
    if actor.endpoint and actor.endpoint not in state.observers:
        need(state, actor, "admit")
    found = state.alerts.get(command.alert)
    if found is None:
        raise UserError("alert_unknown", "this alert is over", field="alert")
    if found.acknowledged_by is not None:
        return []
    who = doer(state, actor)
    return [("alert_acknowledged", {"alert": command.alert, "by": who, "name": state.doer(who)})]


def clear_lost(state: State, participants: Iterable[str]) -> list[Fact]:
    """These are back, or nobody waits for them any more."""
    return [
        fact
        for p in participants
        for code in ("participant_lost", departures.DUE)
        for fact in clear_alert(state, SYSTEM, ClearAlert(code, p))
    ]


# ------------------------------------------------------------------------------------------------ folded


def _raised(state: State, data: Mapping[str, Any], at_us: int) -> State:
    alert = Alert(data["alert"], data["code"], data["severity"], data["data"], at_us)
    return replace(state, alerts={**state.alerts, alert.id: alert})


def _cleared(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, alerts={k: v for k, v in state.alerts.items() if k != data["alert"]})


def _acknowledged(state: State, data: Mapping[str, Any], at_us: int) -> State:
    alert = state.alerts.get(data["alert"])
    if alert is None:
        return state
    return replace(state, alerts={**state.alerts, alert.id: replace(alert, acknowledged_by=data["name"])})


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "alert_raised": _raised,
    "alert_cleared": _cleared,
    "alert_acknowledged": _acknowledged,
}
