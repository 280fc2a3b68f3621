"""The rules of a roll-call (点名): one is called at a time, in order; who answers within the limit is present, who answers later is late,
who does not is absent and can be called again. Pure: time is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from dispatch.errors import NotFound, Refused

Standing = Literal["waiting", "ringing", "present", "late", "absent"]
How = Literal["", "device", "phone", "voice"]
Act = Literal["present", "absent", "again", "pause", "resume", "end"]
ACTS: tuple[Act, ...] = get_args(Act)
State = Literal["calling", "paused", "ended"]

LEAST_LIMIT_S, LIMIT_S, MOST_LIMIT_S = 5, 30, 600
"""How long one is called: at least, unless something else is said, at most; seconds."""
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One that is called. `key`: "room/<id>" or "team/<id>"; `by`: who answered or marked; `tries`: how often it was called."""

    key: str
    name: str
    standing: Standing = "waiting"
    tries: int = 0
    called_at: datetime | None = None
    answered_at: datetime | None = None
    how: How = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class RollCall:
    """A roll-call as it stands."""

    lines: tuple[Line, ...]
    limit_s: int
    state: State = "calling"

    @property
    def ringing(self) -> Line | None:
        """Who is called now."""
        return next((line for line in self.lines if line.standing == "ringing"), None)

    def count(self, *standings: Standing) -> int:
        """How many stand so."""
        return sum(line.standing in standings for line in self.lines)


def begin(lines: Sequence[Line], limit_s: int, now: datetime) -> RollCall:
    """The roll-call of these, the first of whom is called at once. Raises Refused("roll_call_empty"), Refused("roll_call_long")."""
    if not lines:
        raise Refused("roll_call_empty", "who")
    if len(lines) > MOST_LINES:
        raise Refused("roll_call_long", "who", most=MOST_LINES)
    return _next(RollCall(tuple(lines), min(MOST_LIMIT_S, max(LEAST_LIMIT_S, limit_s))), now)


def passed(roll: RollCall, now: datetime) -> RollCall:
    """What time has made of it: who was called longer than the limit is absent, and the next is called."""
    called = roll.ringing
    if roll.state != "calling" or called is None or called.called_at is None:
        return roll
    if now < called.called_at + timedelta(seconds=roll.limit_s):
        return roll
    return _next(_changed(roll, called.key, lambda line: replace(line, standing="absent")), now)


def answer(roll: RollCall, key: str, how: How, by: str, now: datetime) -> RollCall:
    """Somebody says that he is here: present while he is called, late once he was absent; a second answer changes nothing.

    Raises NotFound("roll_call_other"), Refused("roll_call_ended"), and Refused("roll_call_not_yet") where he was not called yet;
    the officer (`how` "voice") may mark him all the same.
    """
    line = _line(roll, key)
    if line.standing in {"present", "late"}:
        return roll
    if line.standing == "waiting" and how != "voice":
        raise Refused("roll_call_not_yet")
    standing: Standing = "late" if line.standing == "absent" else "present"
    done = _changed(roll, key, lambda was: replace(was, standing=standing, answered_at=now, how=how, by=by))
    return _next(done, now) if line.standing == "ringing" else done


def absent(roll: RollCall, key: str, by: str, now: datetime) -> RollCall:
    """The officer marks somebody absent, also one who was marked present by mistake. Raises as :func:`answer`."""
    line = _line(roll, key)
    done = _changed(roll, key, lambda was: replace(was, standing="absent", answered_at=None, how="voice", by=by))
    return _next(done, now) if line.standing == "ringing" else done


def again(roll: RollCall, now: datetime) -> RollCall:
    """Call those who are absent once more, in order. Raises Refused("roll_call_ended"), Refused("roll_call_nobody_absent")."""
    _open(roll)
    if not roll.count("absent"):
        raise Refused("roll_call_nobody_absent")
    lines = tuple(replace(line, standing="waiting", how="", by="") if line.standing == "absent" else line for line in roll.lines)
    return _next(replace(roll, lines=lines, state="calling"), now)


def pause(roll: RollCall) -> RollCall:
    """Nobody is called for now; who was is called again from the beginning. Raises Refused("roll_call_ended")."""
    _open(roll)
    called = roll.ringing
    if called is not None:
        roll = _changed(roll, called.key, lambda line: replace(line, standing="waiting", tries=line.tries - 1, called_at=None))
    return replace(roll, state="paused")


def resume(roll: RollCall, now: datetime) -> RollCall:
    """Go on. Raises Refused("roll_call_ended")."""
    _open(roll)
    return _next(replace(roll, state="calling"), now)


def end(roll: RollCall) -> RollCall:
    """It is over: who has not answered is absent, and nothing changes any more. Raises Refused("roll_call_ended")."""
    _open(roll)
    lines = tuple(replace(line, standing="absent") if line.standing in {"waiting", "ringing"} else line for line in roll.lines)
    return replace(roll, lines=lines, state="ended")


def by_officer(act: Act, key: str, by: str, now: datetime) -> Callable[[RollCall], RollCall]:
    """What an officer does: present and absent are of the line `key`, marked by voice; the others of the whole roll-call."""
    acts: Mapping[Act, Callable[[RollCall], RollCall]] = {
        "present": lambda roll: answer(roll, key, "voice", by, now),
        "absent": lambda roll: absent(roll, key, by, now),
        "again": lambda roll: again(roll, now),
        "pause": pause,
        "resume": lambda roll: resume(roll, now),
        "end": end,
    }
    return acts[act]


def _open(roll: RollCall) -> None:
    if roll.state == "ended":
        raise Refused("roll_call_ended")


def _line(roll: RollCall, key: str) -> Line:
    _open(roll)
    line = next((line for line in roll.lines if line.key == key), None)
    if line is None:
        raise NotFound("roll_call_other")
    return line


def _changed(roll: RollCall, key: str, change: Callable[[Line], Line]) -> RollCall:
    return replace(roll, lines=tuple(change(line) if line.key == key else line for line in roll.lines))


def _next(roll: RollCall, now: datetime) -> RollCall:
    """Call the first who waits, if nobody is called."""
    waiting = next((line for line in roll.lines if line.standing == "waiting"), None)
    if roll.state != "calling" or roll.ringing is not None or waiting is None:
        return roll
    return _changed(roll, waiting.key, lambda line: replace(line, standing="ringing", tries=line.tries + 1, called_at=now))
