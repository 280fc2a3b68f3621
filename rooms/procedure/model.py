"""What a procedure is: roles, stages, allowed changes and the rights of each role in each stage. Frozen data, no code paths.

Rights carry the letters of docs/architecture.md, "Rights": **S** speak, **V** see and hear, **P** publish or share,
**A** admit, mute and send back, **R** run the recording, **L** leave at will; and **D**, direct: change the stage,
remove a participant and take a removal back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from rooms.media.engine import Source
from rooms.procedure.seating import ONE_ROW, Seating

LETTERS = {"S": "speak", "V": "see", "P": "publish", "A": "admit", "R": "record", "L": "leave", "D": "direct"}


@dataclass(frozen=True, slots=True)
class Rights:
    """What one role may do in one stage."""

    speak: bool = False
    see: bool = False
    publish: bool = False
    admit: bool = False
    record: bool = False
    leave: bool = False
    direct: bool = False

    @classmethod
    def of(cls, letters: str) -> Rights:
        """``Rights.of("SVP")``; raises KeyError for an unknown letter."""
        return cls(**{LETTERS[letter]: True for letter in letters})

    def __and__(self, other: Rights) -> Rights:
        """The rights that both have: what an endpoint with several participants may do."""
        return Rights(**{f.name: getattr(self, f.name) and getattr(other, f.name) for f in fields(self)})

    @property
    def sources(self) -> frozenset[Source]:
        """Whoever speaks does so with sound and picture; a right to publish alone keeps the picture and the screen."""
        found: set[Source] = set()
        if self.speak:
            found |= {Source.MICROPHONE, Source.CAMERA}
        if self.publish:
            found |= {Source.CAMERA, Source.SCREEN}
        return frozenset(found)


NOTHING = Rights()
EVERYTHING = Rights.of("SVPARLD")


def intersection(rights: Iterable[Rights]) -> Rights:
    """The rights that all of them have; of none, nothing."""
    found: Rights | None = None
    for one in rights:
        found = one if found is None else found & one
    return found or NOTHING


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the procedure.

    * `status`: what the sitting's status becomes: "open", "live", "recess" or "closed".
    * `recorded`: entering it starts the recording, leaving it stops the recording.
    * `private`: nothing of it reaches recorder, observers or broadcast.
    * `observable`: the command centre may watch.
    * `closes_sources`: on entering it, every microphone and camera is switched off and stays off until its owner opens
      it again: nobody is heard after a recess without an act of his own.
    """

    name: str
    status: str
    recorded: bool = False
    private: bool = False
    observable: bool = True
    closes_sources: bool = False


@dataclass(frozen=True, slots=True)
class Procedure:
    """One kind of sitting. `first` and `last` are the stages in which it begins and ends; `changes` maps a stage to those that
    may follow it; `rights` maps a stage to the rights of each role; roles in `enters_at_once` need no admission; `bench` are
    those whom "mute all" leaves alone; `awaited` are those whose absence the chair is told before opening; `consents` are those who
    must have consented to an online sitting; `apart` are those who hear nobody before they are called, and sit at a room's device alone;
    `seating` says where the roles sit on the picture that is made of a recording."""

    kind: str
    first: str
    last: str
    stages: Mapping[str, Stage]
    changes: Mapping[str, tuple[str, ...]]
    rights: Mapping[str, Mapping[str, Rights]]
    enters_at_once: frozenset[str]
    bench: frozenset[str]
    awaited: frozenset[str]
    consents: frozenset[str]
    apart: frozenset[str] = frozenset()
    seating: Seating = ONE_ROW

    @property
    def roles(self) -> frozenset[str]:
        """Every role that takes part in this kind of sitting."""
        return frozenset(self.rights[self.first])

    def rights_of(self, role: str, stage: str, chair: bool = False) -> Rights:
        """Rights of a participant who is inside. `chair` marks the one who presides: only that one directs."""
        found = self.rights[stage].get(role, NOTHING)
        return found if chair else replace(found, direct=False)


def stages(*given: Stage) -> Mapping[str, Stage]:
    """Stages by name, in order."""
    return MappingProxyType({stage.name: stage for stage in given})


def table(**by_stage: Mapping[str, str]) -> Mapping[str, Mapping[str, Rights]]:
    """Rights from letters: ``table(hearing={"judge": "SVPAD"})``."""
    return MappingProxyType(
        {stage: MappingProxyType({role: Rights.of(letters) for role, letters in roles.items()}) for stage, roles in by_stage.items()}
    )
