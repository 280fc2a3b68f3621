"""What a sitting keeps besides its seats and devices. Frozen data; nothing here decides anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consultation:
    """A talk among a few of the sitting, unheard by everybody else. `members`: participants, in the order of the plan."""

    id: str
    members: tuple[str, ...]
    since_us: int


@dataclass(frozen=True, slots=True)
class BreakIn:
    """An observer who is seen and heard by everybody inside. `office` names his rank, `rank` is how high it is; `camera`: he shows his
    picture."""

    office: str
    rank: int
    reason: str
    camera: bool
    since_us: int


@dataclass(frozen=True, slots=True)
class Intercom:
    """An officer who watches at `endpoint` talks with `people` (participants, in the order of the plan), or where there are none with
    everybody inside. `office` names his rank, `rank` is how high it is; `answering`: the devices that answer him now."""

    endpoint: str
    user: str
    name: str
    office: str
    rank: int
    reason: str
    people: tuple[str, ...]
    since_us: int
    answering: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a member of the closed phase thinks, as he wrote it last, sealed (:class:`rooms.sealing.Sealed`). `final`: he changes it no
    more."""

    participant: str
    box: str
    digest: str
    final: bool
    at_us: int


@dataclass(frozen=True, slots=True)
class OpenedOpinion:
    """An opinion that everybody may read."""

    participant: str
    text: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Vote:
    """One member's vote: "for", "against" or "abstain"; `dissent` is what he wants to have noted. Both are in the `box`, and empty here,
    until the question is closed."""

    participant: str
    box: str
    digest: str
    choice: str = ""
    dissent: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is voted on. `stage` is where it was put: whoever votes there votes on it. Votes stay sealed while it is `open`. Of one that was
    put in a private stage the words are in the `box`, and `text` is empty."""

    id: str
    stage: str
    text: str
    box: str = ""
    votes: tuple[Vote, ...] = ()
    open: bool = True


@dataclass(frozen=True, slots=True)
class Departure:
    """Why somebody is not there, as chair or clerk said: "network", "equipment", "power", "force_majeure" or "left". `declared`: and what
    follows from it was declared."""

    cause: str
    at_us: int
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The system stopped the sitting: the reason of the pause, what caused it, and when."""

    reason: str
    cause: str
    at_us: int
