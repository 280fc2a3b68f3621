"""Each of the five kinds, whatever is asked in whatever order and by whomever: what must always hold of a sitting holds.

What anybody may get is worked out here once more, from the letters in the procedure's file and from who sits where, and not by the
code that is tested.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rooms.commands import SYSTEM, Actor, Arrive, Command, Consent, Disappear, Facts, Open, Revoke, SitDown, StandUp
from rooms.conference import handle
from rooms.desired import recording, routing
from rooms.fold import apply, fold
from rooms.log import GENESIS, Event, Row, chain
from rooms.media.engine import Source, TrackKey
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import (
    Admit,
    AdmitDevice,
    Allow,
    CastVote,
    ChangeStage,
    CloseQuestion,
    Consult,
    EndConsult,
    GiveFloor,
    GiveOpinion,
    Identify,
    Leave,
    Listen,
    Mute,
    MuteAll,
    ProtocolError,
    PutQuestion,
    Readmit,
    RecordWish,
    Remove,
    ReturnToWaiting,
    Seat,
    SetSource,
    Step,
    TakeFloor,
    Unseat,
    UserError,
    Write,
    YieldFloor,
)
from rooms.state import Endpoint, State
from rooms.views import Measured, view_for
from tests.rooms.court import path_to
from tests.rooms.making import NOW_US, SEAL, make_plan, observer, room_ticket, ticket

MICROPHONE, CAMERA, SCREEN = Source
TWICE = {"party", "hearing_officer", "member", "petitioner", "panel"}
WARDS = ("party", "suspect", "petitioner")
NOBODY = "nobody"
OPINION = "my opinion"


def people_of(kind: str) -> tuple[PlanParticipant, ...]:
    """One in each role, two where the kind needs several; a guardian has his minor."""
    found: list[PlanParticipant] = []
    for role in PROCEDURES[kind].order:
        ward = next((p.id for p in found if p.role in WARDS), "") if role == "guardian" else ""
        for number in range(2 if role in TWICE else 1):
            one = f"{role}-{number}"
            found.append(PlanParticipant(one, f"{role} {number}", role, chair=role == PROCEDURES[kind].chair, guards=ward))
    return tuple(found)


PEOPLE = {kind: people_of(kind) for kind in PROCEDURES}
STAGES = [(kind, stage) for kind, procedure in PROCEDURES.items() for stage in procedure.stages if stage != procedure.last]
LETTERS: dict[str, Any] = {
    kind: {name: about["rights"] for name, about in yaml.safe_load(procedure.text)["stages"].items()}
    for kind, procedure in PROCEDURES.items()
}
MARKS: dict[str, Any] = {
    kind: {name: set(about.get("is", ())) for name, about in yaml.safe_load(procedure.text)["stages"].items()}
    for kind, procedure in PROCEDURES.items()
}
NEEDS: dict[str, Any] = {
    kind: {name: set(about.get("needs", ())) for name, about in yaml.safe_load(procedure.text)["stages"].items()}
    for kind, procedure in PROCEDURES.items()
}
ROLES: dict[str, Any] = {
    kind: {name: set(about.get("is", ())) for name, about in yaml.safe_load(procedure.text)["roles"].items()}
    for kind, procedure in PROCEDURES.items()
}
numbers = st.integers(0, 30)
few = st.sets(numbers, max_size=3)
sources = st.sampled_from(list(Source))


class Oracle:
    """Who may get what of whom, from letters, seats and what the log says of identities."""

    def __init__(self, state: State, log: list[Row]) -> None:
        self.state = state
        self.looked = {row.data["participant"]: (row.data["result"], row.data["device"]) for row in log if row.type == "identified"}
        gone = {row.data["to"] for row in log if row.type == "stage_changed"}
        self.due = any("identity" in NEEDS[state.plan.kind][stage] for stage in gone)
        self.kind, self.stage = state.plan.kind, state.stage
        self.marks = MARKS[self.kind][self.stage]

    def letters(self, person: str) -> str:
        return str(LETTERS[self.kind][self.stage].get(self.state.seats[person].participant.role, ""))

    def room(self, person: str) -> str:
        """The talk aside in which he is."""
        talks = [c.id for c in self.state.consults.values() if person in c.members and person not in self.state.out]
        assert len(talks) < 2
        return talks[0] if talks else ""

    def inside(self, endpoint: Endpoint) -> bool:
        seats = [self.state.seats[p] for p in endpoint.participants]
        return endpoint.connected and not endpoint.pending and all(s.admitted and s.presence == "present" for s in seats)

    def here(self, person: str) -> bool:
        device = self.state.endpoints.get(self.state.seats[person].endpoint or "")
        return device is not None and self.inside(device)

    def holds_the_floor(self, person: str) -> bool:
        holder = self.state.floor
        if holder is None:
            return False
        return person == holder or self.state.seats[person].endpoint == self.state.seats[holder].endpoint is not None

    def unknown(self, person: str) -> bool:
        """Whether it has to be known by now who he is, and is not: not looked at, not found to be him, or at another device since."""
        seat = self.state.seats[person]
        shows = "identified" in ROLES[self.kind][seat.participant.role]
        return self.due and shows and self.looked.get(person) != ("confirmed", seat.endpoint or seat.beside)

    def sees(self, person: str) -> bool:
        shut_out = "private" in self.marks and (person in self.state.out or self.unknown(person))
        return bool(self.room(person)) or ("V" in self.letters(person) and not shut_out)

    def gives(self, person: str, source: Source) -> bool:
        if self.room(person):
            return True
        if "private" in self.marks and not self.sees(person):
            return False
        letters = self.letters(person)
        if self.unknown(person):
            return source is CAMERA and ("S" in letters or "P" in letters)
        if self.holds_the_floor(person):
            letters = letters.replace("°", "")
        speaks, shows = ("S" in letters and "S°" not in letters), ("P" in letters and "P°" not in letters)
        if source is CAMERA:
            return "S" in letters or "P" in letters
        return speaks if source is MICROPHONE else shows

    def kept_apart(self, one: str, other: str) -> bool:
        return any({one, other} == set(pair) for pair in self.state.plan.apart)

    def speaks(self, person: str) -> bool:
        """Whether his sound may pass: whoever is bound to somebody waits for him."""
        bound = [p.id for p in self.state.plan.participants if p.guards == person]
        bound += [p.guards for p in self.state.plan.participants if p.id == person and p.guards]
        return not bound or any(self.here(other) and self.room(other) == self.room(person) for other in bound)

    def may_get(self, viewer: Endpoint, giver: Endpoint, source: Source) -> bool:
        if viewer.id == giver.id or not self.inside(viewer) or not self.inside(giver):
            return False
        rooms = {self.room(p) for p in (*viewer.participants, *giver.participants)}
        pairs = [(p, q) for p in viewer.participants for q in (*giver.participants, *viewer.participants)]
        pairs += [(p, q) for p in giver.participants for q in giver.participants]
        return (
            len(rooms) == 1
            and all(self.sees(p) for p in viewer.participants)
            and all(self.gives(p, source) for p in giver.participants)
            and not any(self.kept_apart(p, q) for p, q in pairs)
        )


class FiveKinds(RuleBasedStateMachine):
    state: State
    log: list[Row]

    @initialize(where=st.sampled_from(STAGES), absent=few, unknown=few, pair=st.tuples(numbers, numbers))
    def opened(self, where: tuple[str, str], absent: set[int], unknown: set[int], pair: tuple[int, int]) -> None:
        """The sitting has come to some stage, almost all of its people are inside and known, and two of them must not meet."""
        kind, stage = where
        self.people = [p.id for p in PEOPLE[kind]]
        self.chair = next(p.id for p in PEOPLE[kind] if p.chair)
        self.log, self.now_us = [], NOW_US
        self.written: dict[str, set[str]] = {}
        one, other = self._person(pair[0]), self._person(pair[1])
        apart = ((one, other),) if one != other and self.chair not in {one, other} else ()
        plan = make_plan(people=PEOPLE[kind], kind=kind, procedure=PROCEDURES[kind].text, apart=apart)
        self._append(handle(None, SYSTEM, Open(plan), NOW_US))
        self._do(SYSTEM, Arrive(ticket(self.chair)))
        for index, person in enumerate(self.people):
            if person != self.chair and index not in absent:
                self._do(SYSTEM, Arrive(ticket(person)))
        self._do(Actor(f"e-{self.chair}"), Admit())
        for before, after in itertools.pairwise((self.state.stage, *path_to(kind, stage))):
            data = {"from": before, "to": after, "by": {"participant": self.chair}, "reason": ""}
            self._append((Event("stage_changed", self.now_us, data),))
            self._do(Actor(f"e-{self.chair}"), Admit())
        for index, person in enumerate(self.people):
            if index not in unknown:
                self._do(Actor(f"e-{self.chair}"), Identify(participant=person, result="confirmed", note="identity card"))
        for person in self.people:
            for source in Source:
                self._do(Actor(f"e-{person}"), SetSource(source=source, on=True))

    def _person(self, number: int) -> str:
        return self.people[number % len(self.people)]

    def oracle(self) -> Oracle:
        return Oracle(self.state, self.log)

    def _append(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self.state = apply(getattr(self, "state", None) if self.log else None, event)
            self.log.append(chain("sitting", 1, len(self.log) + 1, self.log[-1].hash if self.log else GENESIS, event))

    def _do(self, actor: Actor, command: Command) -> None:
        self.now_us += 1000
        before = self.state
        try:
            events = handle(self.state, actor, command, self.now_us, Facts(seal=SEAL))
        except (UserError, ProtocolError):
            assert self.state is before
            return
        if isinstance(command, ChangeStage) and actor.endpoint:
            # Nobody but the chair goes on, and he is there.
            device = before.endpoints[actor.endpoint]
            assert self.chair in device.participants
            assert Oracle(before, self.log).inside(device)
            assert command.to in before.next_stages
        self._append(events)

    # -- what may happen --------------------------------------------------------------------------------------

    @rule(number=numbers, data=st.data(), by_chair=st.booleans())
    def somebody_asks(self, number: int, data: st.DataObject, by_chair: bool) -> None:
        whoever = st.sampled_from([*self.people, NOBODY])
        others = st.lists(whoever, min_size=2, max_size=4, unique=True).map(tuple)
        command = data.draw(
            st.one_of(
                st.builds(Admit),
                st.builds(ReturnToWaiting, participant=whoever),
                st.builds(AdmitDevice, endpoint=st.sampled_from(["phone", "room", "nowhere"]), accept=st.booleans()),
                st.builds(Mute, participant=whoever, source=sources),
                st.builds(Allow, participant=whoever, source=sources),
                st.builds(MuteAll),
                st.builds(Remove, participant=whoever, reason=st.just("order")),
                st.builds(Readmit, participant=whoever),
                st.builds(Seat, participant=whoever, endpoint=st.just("room")),
                st.builds(Unseat, participant=whoever),
                st.builds(SetSource, source=sources, on=st.booleans()),
                st.builds(Leave),
                st.builds(Consult, participants=others),
                st.builds(EndConsult, consult=st.sampled_from(["1", "2", "3"])),
                st.builds(Step, out=st.booleans()),
                st.builds(Listen, to=st.sampled_from(["mix", "original", "interpretation"])),
                st.builds(GiveFloor, participant=whoever),
                st.builds(TakeFloor),
                st.builds(YieldFloor),
                st.builds(RecordWish, on=st.booleans()),
                st.builds(GiveOpinion, text=st.just(OPINION), final=st.booleans()),
                st.builds(Identify, participant=whoever, result=st.sampled_from(["confirmed", "refused"]), note=st.just("identity card")),
                st.builds(PutQuestion, text=st.just("agreed?")),
                st.builds(CastVote, question=st.sampled_from(["1", "2"]), choice=st.sampled_from(["for", "against", "abstain"])),
                st.builds(CloseQuestion, question=st.sampled_from(["1", "2"])),
            )
        )
        self._do(Actor(f"e-{self.chair if by_chair else self._person(number)}"), command)

    @rule(data=st.data())
    def a_group_of_the_procedure_talks_aside(self, data: st.DataObject) -> None:
        groups = PROCEDURES[self.state.plan.kind].consults
        if groups:
            roles = data.draw(st.sampled_from(groups))
            people = [p for p in self.people if self.state.seats[p].participant.role in roles] if not self.state.closed else []
            chosen = [data.draw(st.sampled_from([p for p in people if p.startswith(role)])) for role in sorted(roles)] if people else []
            self._do(Actor(f"e-{self.chair}"), Consult(participants=tuple(chosen)) if chosen else Admit())

    @rule(number=numbers, choice=numbers, reason=numbers)
    def a_stage_is_called(self, number: int, choice: int, reason: int) -> None:
        """By the chair often, by somebody else else; in an order that the procedure has, or any."""
        stages = list(self.state.procedure.stages)
        onwards = [to for to in self.state.next_stages if to != self.state.procedure.last] or stages
        to = onwards[choice % len(onwards)] if choice < 25 else stages[choice % len(stages)]
        reasons = self.state.procedure.stages[to].reasons or ("",)
        who = self._person(number) if number > 20 else self.chair
        self._do(Actor(f"e-{who}"), ChangeStage(to=to, reason=reasons[reason % len(reasons)]))

    @rule(number=numbers, to=st.sampled_from(["all", "chair", "clerk", "people"]), reader=numbers)
    def somebody_writes(self, number: int, to: Any, reader: int) -> None:
        who, text = self._person(number), f"text {len(self.log)}"
        endpoint = self.state.endpoints.get(f"e-{who}")
        oracle = self.oracle()
        if endpoint is not None and who in endpoint.participants:
            room = {oracle.room(p) for p in endpoint.participants}
            private = room != {""} or ("private" in oracle.marks and all(oracle.sees(p) for p in endpoint.participants))
            if private:
                members = {p for p in self.people if {oracle.room(p)} == room and oracle.sees(p) and oracle.state.seats[p].admitted}
                self.written[text] = members | set(endpoint.participants)
        self._do(Actor(f"e-{who}"), Write(to=to, participants=(self._person(reader),) if to == "people" else (), text=text))

    @rule(number=numbers, reader=numbers, what=st.sampled_from(["writes", "writes to one", "is lost", "leaves", "is put out"]))
    def something_happens_to_a_member_of_a_private_phase(self, number: int, reader: int, what: str) -> None:
        oracle = self.oracle()
        private = "private" in oracle.marks
        members = [p for p in self.people if not self.state.closed and (oracle.room(p) or (private and oracle.sees(p)))]
        if not members:
            return
        index = self.people.index(members[number % len(members)])
        match what:
            case "writes":
                self.somebody_writes(index, "all", reader)
            case "writes to one":
                self.somebody_writes(index, "people", reader)
            case "is lost":
                self._do(SYSTEM, Disappear(f"e-{self.people[index]}"))
            case "leaves":
                self._do(Actor(f"e-{self.people[index]}"), Leave())
            case _:
                self._do(Actor(f"e-{self.chair}"), Remove(participant=self.people[index], reason="order"))

    @rule(number=numbers, endpoint=st.sampled_from(["", "", "phone"]), user=st.sampled_from(["", "u-1"]))
    def arrives(self, number: int, endpoint: str, user: str) -> None:
        self._do(SYSTEM, Arrive(ticket(self._person(number), endpoint, user=user)))

    @rule(first=numbers, second=numbers)
    def arrive_together(self, first: int, second: int) -> None:
        one, other = self._person(first), self._person(second)
        self._do(SYSTEM, Arrive(ticket(one, "shared", more=(other,) if other != one else ())))

    @rule(number=numbers, stands_up=st.booleans())
    def sits_down_at_the_rooms_device(self, number: int, stands_up: bool) -> None:
        self._do(SYSTEM, Consent(self._person(number), "2026-11", "ab" * 32, "Room 1"))
        self._do(SYSTEM, (StandUp if stands_up else SitDown)(self._person(number), "room", "Room 1"))

    @rule()
    def the_rooms_device_comes(self) -> None:
        self._do(SYSTEM, Arrive(room_ticket("room")))

    @rule()
    def watches(self) -> None:
        self._do(SYSTEM, Arrive(observer()))

    @rule(number=numbers, back=st.booleans())
    def is_lost(self, number: int, back: bool) -> None:
        who = self._person(number)
        self._do(SYSTEM, Disappear(f"e-{who}"))
        if back:
            self._do(SYSTEM, Arrive(ticket(who)))

    @rule(number=numbers)
    def link_is_revoked(self, number: int) -> None:
        self._do(SYSTEM, Revoke(self._person(number), "reissued"))

    @rule()
    def the_server_restarts(self) -> None:
        again = fold(Row.from_line(row.line()) for row in self.log)
        assert again is not None
        self.state = again

    # -- what holds -------------------------------------------------------------------------------------------

    @invariant()
    def the_log_is_the_state(self) -> None:
        assert fold(Row.from_line(row.line()) for row in self.log) == self.state

    @invariant()
    def nobody_gets_what_he_has_no_right_to(self) -> None:
        wanted, oracle = routing(self.state), self.oracle()
        for viewer, tracks in wanted.watch.items():
            if viewer not in self.state.observers:
                for track in tracks:
                    assert oracle.may_get(self.state.endpoints[viewer], self.state.endpoints[track.endpoint], track.source)

    @invariant()
    def whoever_has_the_right_gets_it(self) -> None:
        """So that no rule holds because nothing flows at all."""
        wanted, oracle = routing(self.state), self.oracle()
        for viewer, giver in self._pairs():
            if {self.state.seats[p].listens for p in viewer.participants} == {"mix"}:
                for source in Source:
                    if oracle.may_get(viewer, giver, source):
                        assert TrackKey(giver.id, source) in wanted.watch[viewer.id]

    def _pairs(self) -> Iterator[tuple[Endpoint, Endpoint]]:
        return ((v, g) for v in self.state.endpoints.values() for g in self.state.endpoints.values())

    @invariant()
    def only_the_sound_is_chosen(self) -> None:
        wanted, oracle = routing(self.state), self.oracle()
        interpreters = {
            e.id for e in self.state.endpoints.values() if {self.state.seats[p].participant.role for p in e.participants} == {"interpreter"}
        }
        for viewer, giver in self._pairs():
            chosen = {self.state.seats[p].listens for p in viewer.participants}
            if len(chosen) != 1 or not oracle.may_get(viewer, giver, CAMERA):
                continue
            tracks = wanted.watch[viewer.id]
            assert TrackKey(giver.id, CAMERA) in tracks
            if chosen == {"original"}:
                assert giver.id not in interpreters or TrackKey(giver.id, MICROPHONE) not in tracks
            heard = {t.endpoint for t in tracks if t.source is MICROPHONE}
            if chosen == {"interpretation"} and heard & interpreters:
                assert heard <= interpreters

    @invariant()
    def only_what_may_passes(self) -> None:
        oracle = self.oracle()
        for endpoint, passing in routing(self.state).publish.items():
            if endpoint in self.state.observers:
                assert passing == frozenset()
                continue
            device = self.state.endpoints[endpoint]
            assert oracle.inside(device)
            for person in device.participants:
                for source in passing:
                    assert source in device.on
                    assert oracle.gives(person, source)
                    assert source is not MICROPHONE or oracle.speaks(person)
                    assert oracle.room(person) or source not in self.state.seats[person].muted

    @invariant()
    def private_phases_leak_nothing(self) -> None:
        wanted, oracle = routing(self.state), self.oracle()
        marks = oracle.marks
        aside = {e.id for e in self.state.endpoints.values() if any(oracle.room(p) for p in e.participants)}
        assert not {t.endpoint for t in wanted.record} & aside
        if "private" in marks or not marks & {"recorded", "recordable"}:
            assert not recording(self.state).on
            assert wanted.record == frozenset()
        for officer in self.state.observers:
            if self.state.consults or marks & {"private", "unobservable"}:
                assert officer not in wanted.watch
            else:
                assert not {t.endpoint for t in wanted.watch[officer]} & aside
        for viewer in (*self.state.endpoints, *self.state.observers):
            view = view_for(self.state, Measured(seal=SEAL), viewer)
            assert view is not None
            people = self.state.endpoints[viewer].participants if viewer in self.state.endpoints else ()
            for message in view.messages:
                if message.text in self.written:
                    assert not self.written[message.text].isdisjoint(people)
            if view.private is not None and not view.private.member:
                assert view.private.members == ()
            if not self.state.opinions_opened and not any(p in self.state.opinions for p in people):
                assert OPINION not in view.model_dump_json()
            for question in view.questions:
                assert question.result is None or not question.open
                assert all(
                    "V" in str(LETTERS[oracle.kind][self.state.questions[question.id].stage].get(self.state.seats[p].participant.role))
                    for p in people
                )

    @invariant()
    def the_log_has_what_is_sealed_only_when_it_is_opened(self) -> None:
        for row in self.log:
            assert (OPINION in row.line()) == (row.type == "opinions_opened")
            assert row.type != "voted" or not row.data.keys() & {"choice", "dissent"}

    @invariant()
    def whom_one_must_not_see_is_nowhere_on_his_page(self) -> None:
        for pair in self.state.plan.apart:
            for one, other in (pair, pair[::-1]):
                for endpoint in self.state.endpoints.values():
                    if one in endpoint.participants and other not in endpoint.participants:
                        view = view_for(self.state, Measured(), endpoint.id)
                        assert view is not None
                        assert other not in {p.id for p in view.participants}
                        assert not any(other in room.people or other in room.coming for room in view.rooms)
                        assert view.private is None or other not in view.private.members

    @invariant()
    def nobody_is_in_a_private_phase_by_mistake(self) -> None:
        """A talk has the members it was opened with, or fewer; whoever is out of one belongs to one."""
        begun = {row.data["consult"]: set(row.data["participants"]) for row in self.log if row.type == "consult_opened"}
        for talk in self.state.consults.values():
            assert talk.members
            assert set(talk.members) <= begun[talk.id]
            assert all(self.state.seats[p].admitted for p in talk.members)
        for person in self.state.out:
            member = any(person in talk.members for talk in self.state.consults.values())
            assert member or ("private" in self.oracle().marks and "V" in self.oracle().letters(person))


TestFiveKinds = FiveKinds.TestCase
TestFiveKinds.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
