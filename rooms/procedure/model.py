"""What a procedure is: roles, stages, what may follow what, and the rights of each role in each stage. Frozen data, no code paths.

Rights carry the letters of docs/procedures.md: **S** speak, **V** see and hear, **P** publish or share, **A** admit, mute and
send back, **R** run the recording, **L** leave at will; and **D**, direct: change the stage, give the floor, remove a participant
and take a removal back. **S°** and **P°** count only while one has the floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Literal

from rooms.media.engine import Source
from rooms.procedure.seating import ONE_ROW, Seating

LETTERS = {"S": "speak", "V": "see", "P": "publish", "A": "admit", "R": "record", "L": "leave", "D": "direct"}
IN_TURN = "°"
IN_TURN_LETTERS = {"S": "speak_in_turn", "P": "publish_in_turn"}
Need = Literal["roll_call", "identity", "quorum", "consents", "opinions", "minutes"]
"""What has to be there before a stage can be entered."""
NEEDS: tuple[Need, ...] = ("roll_call", "identity", "quorum", "consents", "opinions", "minutes")
Departure = Literal["chair_decides", "rebook", "wait", "stop"]
"""What follows when somebody who is needed is gone for longer than the grace: the chair decides with the evidence before him; it is
booked anew and the receipt date is kept; his vote waits; the sitting stops."""
DEPARTURES: tuple[Departure, ...] = ("chair_decides", "rebook", "wait", "stop")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one role may do in one stage. `speak_in_turn` and `publish_in_turn`: only while holding the floor."""

    speak: bool = False
    see: bool = False
    publish: bool = False
    admit: bool = False
    record: bool = False
    leave: bool = False
    direct: bool = False
    speak_in_turn: bool = False
    publish_in_turn: bool = False

    @classmethod
    def of(cls, letters: str) -> Rights:
        """``Rights.of("S°VP")``; raises KeyError for an unknown letter."""
        names = []
        for index, letter in enumerate(letters):
            if letter != IN_TURN:
                in_turn = letters[index + 1 : index + 2] == IN_TURN
                names.append((IN_TURN_LETTERS if in_turn else LETTERS)[letter])
            elif index == 0 or letters[index - 1] not in IN_TURN_LETTERS:
                raise KeyError(letter)
        return cls(**dict.fromkeys(names, True))

    @property
    def letters(self) -> str:
        """The letters that say it, inverse of :meth:`of`."""
        found = ""
        for letter, name in LETTERS.items():
            if getattr(self, name):
                found += letter
            elif letter in IN_TURN_LETTERS and getattr(self, IN_TURN_LETTERS[letter]):
                found += letter + IN_TURN
        return found

    def __and__(self, other: Rights) -> Rights:
        """The rights that both have: what an endpoint with several participants may do."""
        return Rights(**{f.name: getattr(self, f.name) and getattr(other, f.name) for f in fields(self)})

    def holding_the_floor(self) -> Rights:
        """The rights of whoever has the floor."""
        return replace(
            self,
            speak=self.speak or self.speak_in_turn,
            publish=self.publish or self.publish_in_turn,
            speak_in_turn=False,
            publish_in_turn=False,
        )

    def waiting_for_the_floor(self) -> Rights:
        """The rights of whoever is seen and not heard for now, whatever the stage gives him."""
        return replace(
            self,
            speak=False,
            publish=False,
            speak_in_turn=self.speak or self.speak_in_turn,
            publish_in_turn=self.publish or self.publish_in_turn,
        )

    @property
    def sources(self) -> frozenset[Source]:
        """Whoever speaks does so with sound and picture; a right to publish alone keeps the picture and the screen. Who waits for the
        floor is seen and not heard."""
        found: set[Source] = set()
        if self.speak:
            found |= {Source.MICROPHONE, Source.CAMERA}
        if self.publish:
            found |= {Source.CAMERA, Source.SCREEN}
        if self.speak_in_turn or self.publish_in_turn:
            found |= {Source.CAMERA}
        return frozenset(found)


NOTHING = Rights()


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
    * `recorded`: entering it starts the recording, leaving it stops the recording. `recordable`: it is recorded only while who
      has the right to run the recording wants it.
    * `private`: nothing of it reaches recorder, observers or broadcast; nobody is let in.
    * `observable`: the command centre may watch. `broadcast`: it may be shown to the public.
    * `closes_sources`: on entering it, every microphone and camera is switched off and stays off until its owner opens
      it again: nobody is heard after a recess without an act of his own.
    * `needs`: what has to be there before it can be entered.
    * `pause`: the sitting rests and goes on where it was; `reasons`: the only reasons for it (words of the catalogue).
    * `opinions`: each member writes his opinion; all are opened together, when all are in. `votes`: questions are voted on.
    * `names`: what it is called, by language; `source`: the article it rests on.
    """

    name: str
    status: str
    recorded: bool = False
    private: bool = False
    observable: bool = True
    closes_sources: bool = False
    recordable: bool = False
    broadcast: bool = False
    needs: frozenset[Need] = frozenset()
    pause: bool = False
    reasons: tuple[str, ...] = ()
    opinions: bool = False
    votes: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


CENTRE = ("watch", "named", "message", "mute", "admit", "waiting", "restart", "time", "release", "break_in", "talk")
"""What the command centre may do in a sitting of a kind, outside its private phases: watch it silently ("named": only who is named for the
sitting), write, close a microphone, let somebody in or send him back to the waiting room, have the recording begin anew, give more time,
end it by force, break in with voice and picture, talk to somebody aside."""
CENTRE_USUAL = frozenset(CENTRE) - {"named"}


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many people in one of these roles have to be present: at least `least`, at most `most` (None: any number)."""

    roles: frozenset[str]
    least: int
    most: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One version of one kind of sitting. `first` and `last` are the stages in which it begins and ends; `changes` maps a stage to
    those that may follow it (a pause goes back to where it was called, see :meth:`rooms.state.State.next_stages`); `rights` maps a
    stage to the rights of each role.

    * `chair`: the role that presides; `roles`: every role, in the order in which they are named.
    * `enters_at_once` need no admission; `bench` are those whom "mute all" leaves alone; `awaited` are those whose absence the
      chair is told before opening; `consents` are those who must have consented to an online sitting; `apart` are those who hear
      nobody before they are called, and sit at a room's device alone; `identified` show a document at roll-call.
    * `quorum`: how many have to be present. `consults`: groups of roles that may talk among themselves, unheard.
    * `departure`: what follows when somebody is gone. `stops_without_recording`: no recording, no sitting.
    * `centre`: what the command centre may do (:data:`CENTRE`).
    * `seating` says where the roles sit on the picture that is made of a recording and, with that, on whose side they are.
    * `version`, `names`, `source`: which version this is, what it is called by language, what it rests on.
    """

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
    chair: str = "judge"
    identified: frozenset[str] = frozenset()
    quorum: tuple[Quorum, ...] = ()
    consults: tuple[frozenset[str], ...] = ()
    departure: Departure = "chair_decides"
    stops_without_recording: bool = False
    centre: frozenset[str] = CENTRE_USUAL
    version: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    role_sources: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    text: str = field(default="", compare=False, repr=False)
    """what it was read from, as the log keeps it"""

    @property
    def roles(self) -> frozenset[str]:
        """Every role that takes part in this kind of sitting."""
        return frozenset(self.order) or frozenset(self.rights[self.first])

    def rights_of(self, role: str, stage: str, chair: bool = False) -> Rights:
        """Rights of a participant who is inside and does not hold the floor. `chair` marks the one who presides: only that one directs."""
        found = self.rights[stage].get(role, NOTHING)
        return found if chair or not found.direct else replace(found, direct=False)

    def members(self, stage: str) -> frozenset[str]:
        """The roles that hear each other in a stage."""
        return frozenset(role for role, rights in self.rights[stage].items() if rights.see)


def stages(*given: Stage) -> Mapping[str, Stage]:
    """Stages by name, in order."""
    return MappingProxyType({stage.name: stage for stage in given})


def table(**by_stage: Mapping[str, str]) -> Mapping[str, Mapping[str, Rights]]:
    """Rights from letters: ``table(hearing={"judge": "SVPAD"})``."""
    return MappingProxyType(
        {stage: MappingProxyType({role: Rights.of(letters) for role, letters in roles.items()}) for stage, roles in by_stage.items()}
    )
