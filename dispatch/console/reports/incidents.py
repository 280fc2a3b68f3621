"""What went wrong in a sitting, as its log tells: connections that were lost, and alerts with the time until somebody answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rooms.log import Row

BACK = frozenset({"endpoint_resumed", "endpoint_arrived", "device_replaced"})


@dataclass(frozen=True, slots=True)
class Disconnection:
    """A device was lost. `away_s`: until it, or another one of the same people, was there; None: nobody came back."""

    away_s: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """An alert: `answered_s` until somebody acknowledged it, `lasted_s` until it was over; None: not."""

    code: str
    severity: str
    answered_s: float | None = None
    lasted_s: float | None = None


@dataclass(frozen=True, slots=True)
class Incidents:
    """Of one sitting."""

    disconnections: tuple[Disconnection, ...] = ()
    alerts: tuple[Answer, ...] = ()


def incidents(rows: Iterable[Row]) -> Incidents:
    """Read the log from its beginning."""
    lost: dict[str, tuple[int, frozenset[str]]] = {}
    away: list[float | None] = []
    open_alerts: dict[str, dict[str, Any]] = {}
    over: list[dict[str, Any]] = []
    for row in rows:
        data = row.data
        if row.type == "endpoint_lost":
            lost[str(data["endpoint"])] = row.at_us, frozenset(data.get("participants", ()))
        elif row.type in BACK:
            people = frozenset(data.get("participants", ())) | {data.get("participant")}
            back = [endpoint for endpoint, (_, theirs) in lost.items() if endpoint == data.get("endpoint") or theirs & people]
            away += [(row.at_us - lost.pop(endpoint)[0]) / 1e6 for endpoint in back]
        elif row.type == "alert_raised":
            open_alerts[str(data["alert"])] = {"code": str(data["code"]), "severity": str(data["severity"]), "at_us": row.at_us}
        elif row.type == "alert_acknowledged" and (alert := open_alerts.get(str(data["alert"]))) is not None:
            alert.setdefault("answered_us", row.at_us)
        elif row.type == "alert_cleared" and (alert := open_alerts.pop(str(data["alert"]), None)) is not None:
            over.append(alert | {"over_us": row.at_us})
    away += [None] * len(lost)
    told = sorted([*over, *open_alerts.values()], key=lambda alert: int(alert["at_us"]))
    return Incidents(tuple(Disconnection(each) for each in away), tuple(_answer(alert) for alert in told))


def _answer(alert: dict[str, Any]) -> Answer:
    def seconds(name: str) -> float | None:
        return (alert[name] - alert["at_us"]) / 1e6 if name in alert else None

    return Answer(alert["code"], alert["severity"], seconds("answered_us"), seconds("over_us"))
