"""The event log of a sitting in words: one line an event, names instead of ids. Pure; used by the console and by playback.

The sentences are the catalogue's ("event.<type>", with {placeholders} named as the event's data). Lines need what came
before them (who is called what, who sits at which device, what an alert was about), so one :class:`EventWords` reads the
rows of one sitting in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dispatch.console.situation import Words, word
from dispatch.sittings.stage_names import stage_name
from rooms.log import Row
from rooms.procedure import procedure_of
from rooms.state import doers

Json = dict[str, Any]

_MARKS = {
    "stage": ("conference_opened", "conference_cancelled", "plan_revised", "stage_changed", "sealed", "next_booking"),
    "recording": ("recording_started", "recording_stopped", "recording_restored", "recorder_restored", "recording_restart_ordered"),
    "trouble": (
        "recording_failed",
        "gap",
        "engine_lost",
        "recorder_lost",
        "server_restarted",
        "alert_raised",
        "endpoint_lost",
        "log_outage",
        "disobedient",
    ),
    "watch": (
        *("observer_joined", "observer_left", "broken_in", "break_in_ended"),
        *("talk_began", "talk_to_all_began", "talk_answered", "talk_hung_up", "talk_ended"),
    ),
    "over": ("alert_cleared", "alert_acknowledged", "engine_restored"),
}
_BY_CENTRE = frozenset(
    {
        *("muted", "admitted", "returned_to_waiting", "recording_restart_ordered", "time_added", "broken_in", "break_in_ended"),
        *("talk_began", "talk_to_all_began", "talk_ended"),
    }
)
"""Acts for which an officer of the command centre gives a reason."""
_MARK_OF = {event: mark for mark, events in _MARKS.items() for event in events}


def mark_of(event: str) -> str:
    """The family a line belongs to: stage, recording, trouble, over, watch or people. Decides its sign and the timeline's row."""
    return _MARK_OF.get(event, "people")


class EventWords:
    """Reads rows in order and says each in the language of `words`."""

    def __init__(self, words: Words) -> None:
        self._ = words
        self._names: dict[str, str] = {}
        self._roles: dict[str, str] = {}
        self._at: dict[str, list[str]] = {}
        self._sits: dict[str, str] = {}
        self._alerts: dict[str, str] = {}
        self._senders: tuple[str, ...] = ()
        self._stages: dict[str, Mapping[str, str]] = {}

    def lines(self, rows: Iterable[Row]) -> list[Json]:
        """``{"seq", "at_us", "mark", "type", "text"}`` for each row."""
        return [self.line(row) for row in rows]

    def line(self, row: Row) -> Json:
        """One row in words."""
        self._learn(row)
        values = {key: self._value(row.type, key, value) for key, value in row.data.items()}
        if "participants" in values:
            values.setdefault("participant", values["participants"])
        elif "endpoint" in row.data:
            values.setdefault("participant", values["endpoint"])
            values.setdefault("participants", values["endpoint"])
        if row.type in {"stage_consented", "stage_consent_withdrawn"}:
            values["stage"] = stage_name(row.data["stage"], row.data["names"], self._)
        if "from_us" in row.data and "to_us" in row.data:
            values["seconds"] = f"{(row.data['to_us'] - row.data['from_us']) / 1e6:.1f}"
        if "down_from_us" in row.data:
            values["seconds"] = f"{(row.at_us - row.data['down_from_us']) / 1e6:.1f}"
        text = self._(self._sentence(row), **values)
        if reason := self._reason(row):
            text += self._(". Reason: {reason}", reason=reason)
        return {"seq": row.seq, "at_us": row.at_us, "mark": mark_of(row.type), "type": row.type, "text": text}

    def _sentence(self, row: Row) -> str:
        if row.type == "source_switched":
            return "event.source_on" if row.data.get("on") else "event.source_off"
        if row.type == "next_booking" and not (row.data.get("booking") or row.data.get("title")):
            return "event.next_booking_none"
        if row.type == "plan_revised":
            return "event.plan_revised"
        if row.type == "voice" and row.data.get("participant") is None:
            return "event.voice_of_nobody"
        if row.type == "message_sent" and row.data.get("private"):
            return "event.message_private"
        if row.type == "message_sent" and row.data.get("to") == "all":
            return "event.message_to_all"
        if row.type in {"question_put", "question_closed"} and row.data.get("private"):
            return f"event.{row.type}_private"
        if row.type == "opinion_given" and row.data.get("final"):
            return "event.opinion_final"
        if row.type == "break_in_ended":
            return f"event.break_in_{row.data['cause']}"
        if row.type == "talk_ended":
            return f"event.talk_{row.data['cause']}"
        if row.type == "listens":
            return f"event.listens_{row.data['to']}"
        return f"event.{row.type}"

    def _reason(self, row: Row) -> str:
        """The free text a person gave, where the sentence itself has no room for it."""
        reason = str(row.data.get("reason", ""))
        if row.type == "stage_changed":
            return reason if row.data.get("forced") else word("pause", reason, self._) if reason else ""
        return reason if row.type in _BY_CENTRE or row.type in {"removed", "conference_cancelled"} else ""

    def _learn(self, row: Row) -> None:
        data = row.data
        if "plan" in data:
            self._names |= {person["id"]: person["name"] for person in data["plan"]["participants"]}
            self._roles |= {person["id"]: person["role"] for person in data["plan"]["participants"]}
            if text := data["plan"].get("procedure"):
                self._stages |= {stage.name: stage.names for stage in procedure_of(text).stages.values()}
        if "endpoint" in data and "participants" in data:
            self._at[data["endpoint"]] = list(data["participants"])
        elif "endpoint" in data and "participant" in data and row.type == "device_replaced":
            self._at[data["endpoint"]] = [data["participant"]]
        elif row.type == "seated":
            self._sits[data["participant"]] = data["endpoint"]
        elif row.type == "admitted" and (device := self._sits.get(data["participant"], "")) in self._at:
            self._at[device] += [p for p in (data["participant"],) if p not in self._at[device]]
        elif row.type == "unseated" and data["endpoint"] in self._at:
            self._at[data["endpoint"]] = [p for p in self._at[data["endpoint"]] if p != data["participant"]]
        elif row.type == "stage_changed" and "names" in data:
            self._stages[data["to"]] = data["names"]
        elif row.type == "message_sent":
            self._senders = doers(data["by"])
        elif row.type == "observer_joined":
            self._names[data["endpoint"]] = data["name"]
        elif row.type == "alert_raised":
            self._alerts[data["alert"]] = self._alert(data)

    def name(self, participant: str) -> str:
        """What a participant is called, with his role; the id itself if nobody has said it yet."""
        name, role = self._names.get(participant), self._roles.get(participant)
        if name is None:
            return participant
        return self._("{name} ({role})", name=name, role=self._(f"role.{role}")) if role else name

    def _people(self, ids: Iterable[str]) -> str:
        return self._(", ").join(self.name(participant) for participant in ids)

    def _alert(self, data: Mapping[str, Any]) -> str:
        inside = {key: self._value("alert", key, value) for key, value in data.get("data", {}).items()}
        return self._(f"alert.{data['code']}", **inside)

    def _value(self, event: str, key: str, value: Any) -> object:
        """One field of an event as it is said."""
        if key == "by" and isinstance(value, Mapping):
            return self.by(value)
        if key == "office":
            return self._(f"rank.{value}")
        if key == "participant":
            return self.name(str(value))
        if key == "participants":
            return self._people(value)
        if key in {"endpoint", "former"} and isinstance(value, str):
            return self._people(self._at[value]) if value in self._at else self._names.get(value, value)
        if key == "readers":
            return self._people(reader for reader in value if reader not in self._senders)
        if key in {"from", "to"} and event == "stage_changed":
            return stage_name(str(value), self._stages.get(str(value)), self._)
        if key == "alert":
            return self._alerts.get(value) or self._("an alert")
        if key == "booking" and isinstance(value, Mapping):
            return value.get("title", "")
        if key in {"source", "cause", "answer", "degree", "result"} and isinstance(value, str):
            return word(key, str(value), self._)
        if key == "code" and event == "refused":
            return self._(f"error.{value}")
        if key == "code":
            return self._(f"alert.{value}")
        if key in {"manifest_sha256", "still"}:
            return f"{str(value)[:16]}…"
        if key == "reason" and event == "recording_stopped" and value in self._stages:
            return stage_name(value, self._stages[value], self._)
        if key == "reason" and event in {"recording_stopped", "revoked"}:
            return word("reason", str(value), self._)
        return value

    def by(self, who: Mapping[str, Any]) -> str:
        """Who did it: a participant, a member of the staff, or the system."""
        if people := doers(who):
            return self._people(people)
        return str(who["name"]) if who.get("name") else self._("the system")
