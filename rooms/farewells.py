"""Why a connection ends when its endpoint is no longer part of the sitting, after the events that made it so. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rooms.log import Event
from rooms.protocol import CloseCode, Farewell
from rooms.state import State, doers

NORMAL = 1000
"""Close code of RFC 6455 for a purpose fulfilled: the person left."""
COME_BACK = Farewell(code=CloseCode.RESTARTING, reason="reconnect")


def farewells(before: State | None, after: State, events: Sequence[Event], connected: Mapping[str, object]) -> dict[str, Farewell]:
    """For each connected endpoint that `events` put out of the sitting: what it is told."""
    found: dict[str, Farewell] = {}
    for endpoint in connected:
        if endpoint in after.endpoints:
            if not after.endpoints[endpoint].connected:
                found[endpoint] = COME_BACK
        elif endpoint not in after.observers:
            found[endpoint] = _farewell(before, after, events, endpoint)
    return found


def _farewell(before: State | None, after: State, events: Sequence[Event], endpoint: str) -> Farewell:
    if after.cancelled:
        return Farewell(code=CloseCode.CLOSED, reason="cancelled", detail=after.reason)
    if after.closed:
        return Farewell(code=CloseCode.CLOSED, reason="closed", detail=after.reason)
    known = before.endpoints.get(endpoint) if before else None
    people = known.participants if known else ()
    for event in events:
        data = event.data
        match event.type:
            case "device_replaced" if data["former"] == endpoint:
                return Farewell(code=CloseCode.REPLACED, reason="replaced")
            case "device_refused" if data["endpoint"] == endpoint:
                left = not set(doers(data["by"])).isdisjoint(people)
                return Farewell(code=NORMAL, reason="left") if left else Farewell(code=CloseCode.FORBIDDEN, reason="device_refused")
            case "removed" if data["participant"] in people:
                return Farewell(code=CloseCode.REMOVED, reason="removed", detail=data["reason"])
            case "revoked" if data["participant"] in people:
                return Farewell(code=CloseCode.REMOVED, reason="revoked", detail=data["reason"])
            case "unseated" if data["endpoint"] == endpoint:
                return Farewell(code=CloseCode.FORBIDDEN, reason="nobody_seated")
            case "plan_revised":
                return Farewell(code=CloseCode.REMOVED, reason="revoked")
            case "left" if known is not None and not known.pending and data["participant"] in people:
                return Farewell(code=NORMAL, reason="left")
            case "observer_left" if data["endpoint"] == endpoint:
                return Farewell(code=NORMAL, reason="left")
    return COME_BACK
