"""Coming and going: who arrives with which ticket, comes back, is lost, and leaves. Decides, and does nothing; part of the conference, see
:mod:`rooms.conference`."""

from __future__ import annotations

from collections.abc import Iterable

from rooms import stepping
from rooms.acts import Fact, doer
from rooms.admission import enters_at_once, replace_device
from rooms.alerts import clear_lost, raise_alert
from rooms.commands import Actor, Arrive, Disappear, RaiseAlert
from rooms.protocol import CloseCode, Leave, ProtocolError, UserError
from rooms.state import Endpoint, State


def arrive(state: State, actor: Actor, command: Arrive) -> Iterable[Fact]:
    """A connection with a ticket. Raises ProtocolError for whoever has no place here."""
    ticket = command.ticket
    if state.closed:
        raise ProtocolError(CloseCode.CLOSED, "cancelled" if state.cancelled else "closed")
    if ticket.kind == "observer":
        return _observe(state, command)
    if ticket.shared:
        return _arrive_in_room(state, command)
    known = [p for p in ticket.participants if p in state.seats]
    if not known:
        raise ProtocolError(CloseCode.FORBIDDEN, "not_invited")
    people = [p for p in known if state.seats[p].presence != "removed"]
    if not people:
        raise ProtocolError(CloseCode.REMOVED, "removed")
    mine = state.endpoints.get(ticket.endpoint)
    if mine:
        return _resume(state, mine, command.awaited)
    seated = [p for p in people if state.seats[p].endpoint is not None]
    if seated and not ticket.user:
        return [("device_pending", {"endpoint": ticket.endpoint, "participants": people, "device": ticket.name})]
    if seated:
        me = {"participant": people[0]}
        return [
            ("device_pending", {"endpoint": ticket.endpoint, "participants": people, "device": ticket.name}),
            *replace_device(state, ticket.endpoint, people, me),
        ]
    return [
        ("endpoint_arrived", {"endpoint": ticket.endpoint, "participants": people, "device": ticket.name}),
        *(("admitted", {"participant": p, "by": {"system": True}}) for p in people if enters_at_once(state, p)),
    ]


def _arrive_in_room(state: State, command: Arrive) -> Iterable[Fact]:
    ticket = command.ticket
    mine = state.endpoints.get(ticket.endpoint)
    if mine:
        return _resume(state, mine, command.awaited)
    people = state.sitting_at(ticket.endpoint)
    if not people:
        raise ProtocolError(CloseCode.FORBIDDEN, "nobody_seated")
    return [("endpoint_arrived", {"endpoint": ticket.endpoint, "participants": list(people), "device": ticket.name, "shared": True})]


def _observe(state: State, command: Arrive) -> Iterable[Fact]:
    ticket = command.ticket
    if state.now.private or not state.now.observable:
        raise ProtocolError(CloseCode.FORBIDDEN, "private")
    if not stepping.may_watch(state, ticket.user):
        raise ProtocolError(CloseCode.FORBIDDEN, "not_named")
    if ticket.endpoint in state.observers:
        return []
    return [("observer_joined", {"endpoint": ticket.endpoint, "name": ticket.name, "user": ticket.user})]


def _resume(state: State, endpoint: Endpoint, awaited: bool) -> Iterable[Fact]:
    if endpoint.pending or (endpoint.connected and not awaited):
        return []
    return [*clear_lost(state, endpoint.participants), ("endpoint_resumed", {"endpoint": endpoint.id})]


def disappear(state: State, actor: Actor, command: Disappear) -> Iterable[Fact]:
    """Nothing was heard of an endpoint for too long: its people are lost, and keep their places."""
    observer = state.observers.get(command.endpoint)
    if observer:
        return [("observer_left", {"endpoint": observer.endpoint, "name": observer.name})]
    endpoint = state.endpoints.get(command.endpoint)
    if endpoint is None or not endpoint.connected:
        return []
    facts: list[Fact] = [("endpoint_lost", {"endpoint": endpoint.id, "participants": list(endpoint.participants)})]
    if not endpoint.pending:
        for participant in endpoint.participants:
            if state.seats[participant].admitted:
                data = {"participant": participant, "name": state.name(participant)}
                facts += raise_alert(state, actor, RaiseAlert("participant_lost", "warning", participant, data))
    return facts


def leave(state: State, actor: Actor, command: Leave) -> Iterable[Fact]:
    """Somebody goes by an act of his own. Raises UserError "chair_cannot_leave"."""
    observer = state.observers.get(actor.endpoint)
    if observer:
        return [("observer_left", {"endpoint": observer.endpoint, "name": observer.name})]
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None:
        return []
    if endpoint.pending:
        return [("device_refused", {"endpoint": endpoint.id, "participants": list(endpoint.participants), "by": doer(state, actor)})]
    if (state.now.recorded or state.is_recorded) and state.chair in endpoint.participants:
        raise UserError("chair_cannot_leave", "call a recess or close the hearing first")
    return [*clear_lost(state, endpoint.participants), *(("left", {"participant": p}) for p in endpoint.participants)]
