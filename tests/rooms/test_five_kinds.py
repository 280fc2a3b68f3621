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

from rooms import departures
from rooms.commands import (
    SYSTEM,
    Actor,
    Arrive,
    Command,
    Consent,
    Disappear,
    Facts,
    Observe,
    Open,
    RaiseAlert,
    Revoke,
    SitDown,
    StandUp,
)
from rooms.conference import handle
from rooms.departures import GRACE_US
from rooms.desired import recording, routing
from rooms.fold import apply, fold
from rooms.log import GENESIS, Event, Row, chain
from rooms.measured import Measured
from rooms.media.engine import Source, TrackKey
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import (
    Admit,
    AdmitDevice,
    Allow,
    CastVote,
    ChangeStage,
    Classify,
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
    Warn,
    Write,
    YieldFloor,
)
from rooms.refusals import Refusals
from rooms.state import Endpoint, State, doers
from rooms.views import view_for
from rooms.votes import NO_VOTE
from tests.effort import examples
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
STAGES = {kind: [stage for stage in procedure.stages if stage != procedure.last] for kind, procedure in PROCEDURES.items()}
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
CONSEQUENCES = {kind: yaml.safe_load(procedure.text)["departure"] for kind, procedure in PROCEDURES.items()}
STOPS = {kind: bool(yaml.safe_load(procedure.text).get("stops_without_recording")) for kind, procedure in PROCEDURES.items()}
CAUSES = ("network", "equipment", "power", "force_majeure", "left")
RECORDER = ("recording_started", "recording_failed", "recording_failed", "recording_restored", "recording_stopped", "recorder_lost", "gap")
STEP_US = 1_100_000
"""From one command to the next: longer than the pause between two refusals that are noted."""
numbers = st.integers(0, 30)
few = st.sets(numbers, max_size=3)
moments = st.sets(st.integers(0, 3))
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

    @initialize(kind=st.sampled_from(list(STAGES)), where=numbers, absent=few, unknown=few, pair=st.tuples(numbers, numbers))
    def opened(self, kind: str, where: int, absent: set[int], unknown: set[int], pair: tuple[int, int]) -> None:
        """The sitting has come to some stage, almost all of its people are inside and known, and two of them must not meet."""
        stage = STAGES[kind][where % len(STAGES[kind])]
        self.people = [p.id for p in PEOPLE[kind]]
        self.chair = next(p.id for p in PEOPLE[kind] if p.chair)
        self.log, self.now_us, self.ready, self.refusals = [], NOW_US, True, Refusals()
        self.consequence = CONSEQUENCES[kind]
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
        """A command as the shell has it done: decided, or refused and noted; then the clock is looked at."""
        self.now_us += STEP_US
        self._decide(actor, command)
        for alert in departures.due(self.state, self.now_us):
            self._decide(SYSTEM, alert)

    def _decide(self, actor: Actor, command: Command) -> None:
        before = self.state
        try:
            events = handle(self.state, actor, command, self.now_us, Facts(recorder_ready=self.ready, seal=SEAL))
        except (UserError, ProtocolError) as error:
            assert self.state is before
            self._refused(actor, command, error)
            return
        if isinstance(command, ChangeStage) and actor.endpoint:
            # Nobody but the chair goes on, and he is there.
            device = before.endpoints[actor.endpoint]
            assert self.chair in device.participants
            assert Oracle(before, self.log).inside(device)
            assert command.to in before.next_stages
            stage = before.procedure.stages[command.to]
            assert self.ready or not stage.recorded, "nothing that has to be recorded begins without the recorder"
            assert stage.status != "live" or self.consequence != "stop" or not self._overdue(before)
        if isinstance(command, CloseQuestion):
            assert not self._votes_that_wait(before, command.question)
        self._append(events)

    def _refused(self, actor: Actor, command: Command, error: UserError | ProtocolError) -> None:
        """What is refused changes nothing and is in the log, under the name of whoever asked for it."""
        before, device = self.state, self.state.endpoints.get(actor.endpoint)
        code = error.code if isinstance(error, UserError) else ""
        noted = self.refusals.note(self.state, actor, command, code, self.now_us / 1e6) if code else None
        assert (noted is not None) == bool(code and device and device.participants)
        if noted is not None and device is not None:
            self._append(handle(self.state, SYSTEM, noted, self.now_us))
            assert (self.log[-1].type, self.log[-1].data["code"]) == ("refused", code)
            assert set(doers(self.log[-1].data["by"])) == set(device.participants)
        assert self.state == before

    def _restart(self) -> None:
        """The server ends and comes back: what it knows is what the log says."""
        again = fold(Row.from_line(row.line()) for row in self.log)
        assert again is not None
        self.state, self.refusals = again, Refusals()

    def _overdue(self, state: State) -> set[str]:
        """Whoever is awaited, was lost longer than the grace ago, and is not said to have left."""
        awaited = {role for role, marks in ROLES[state.plan.kind].items() if "awaited" in marks}
        found = {p for p, s in state.seats.items() if s.presence == "lost" and s.participant.role in awaited}
        return {p for p in found if self.now_us - self._lost_at_us(state, p) >= GRACE_US and self._said(state, p) != "left"}

    def _lost_at_us(self, state: State, person: str) -> int:
        return next(row.at_us for row in reversed(self.log) if row.type == "endpoint_lost" and person in row.data["participants"])

    def _said(self, state: State, person: str) -> str:
        """Why he is gone this time, as was said last; "" is nothing."""
        lost_us = self._lost_at_us(state, person)
        said = (row for row in reversed(self.log) if row.type == "departure_classified" and row.data["participant"] == person)
        return next((str(row.data["cause"]) for row in said if row.at_us >= lost_us), "")

    def _votes_that_wait(self, state: State, question: str) -> set[str]:
        asked = state.questions[question]
        letters = LETTERS[state.plan.kind][asked.stage]
        lost = {p: s.participant.role for p, s in state.seats.items() if s.presence == "lost" and s.admitted}
        voters = {p for p, role in lost.items() if "V" in str(letters.get(role, "")) and role not in NO_VOTE}
        voted = {row.data["participant"] for row in self.log if row.type == "voted" and row.data["question"] == question}
        return {p for p in voters - voted if self._said(state, p) != "left"}

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

    @rule(silent=few, cause=st.sampled_from(("", "network", "left")), restarts=st.booleans())
    def something_is_voted_on(self, silent: set[int], cause: Any, restarts: bool) -> None:
        """The chair asks, most of them answer, and some are lost before they do."""
        self._do(Actor(f"e-{self.chair}"), PutQuestion(text="agreed?"))
        question = str(len(self.state.questions))
        for index, person in enumerate(self.people):
            if index not in silent:
                self._do(Actor(f"e-{person}"), CastVote(question=question, choice="for"))
            elif person != self.chair:
                self._do(SYSTEM, Disappear(f"e-{person}"))
                if cause:
                    self._do(Actor(f"e-{self.chair}"), Classify(participant=person, cause=cause, note=""))
        if restarts:
            self._restart()
        self._do(Actor(f"e-{self.chair}"), CloseQuestion(question=question))

    @rule(number=numbers, to=st.sampled_from(["all", "chair", "clerk", "people"]), reader=numbers)
    def somebody_writes(self, number: int, to: Any, reader: int) -> None:
        who, text = self._person(number), f"text {len(self.log)}"
        endpoint = self.state.endpoints.get(f"e-{who}")
        oracle = self.oracle()
        if endpoint is not None and who in endpoint.participants:
            room = {oracle.room(p) for p in endpoint.participants}
            in_stage = "private" in oracle.marks and oracle.inside(endpoint) and all(oracle.sees(p) for p in endpoint.participants)
            private = room != {""} or in_stage
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

    @rule(number=numbers, cause=st.sampled_from(CAUSES), keeper=numbers)
    def it_is_said_why_somebody_is_gone(self, number: int, cause: Any, keeper: int) -> None:
        """By the chair mostly, and mostly of one who is gone."""
        away = [p for p in self.people if not self.state.closed and self.state.seats[p].presence in {"lost", "left"}]
        who = away[number % len(away)] if away and number < 25 else self._person(number)
        says = self._person(keeper) if keeper > 20 else self.chair
        self._do(Actor(f"e-{says}"), Classify(participant=who, cause=cause, note="said at the desk"))

    @rule(number=numbers, degree=st.sampled_from(["prompt", "warning"]), by_chair=st.booleans())
    def somebody_is_warned(self, number: int, degree: Any, by_chair: bool) -> None:
        who = self._person(number)
        self._do(Actor(f"e-{self.chair if by_chair else who}"), Warn(participant=who, degree=degree, reason="order"))

    @rule(seconds=st.sampled_from([5, 60, 119, 121]), restarts=st.booleans())
    def time_goes_by(self, seconds: int, restarts: bool) -> None:
        self.now_us += seconds * 1_000_000
        if restarts:
            self._restart()
        self._do(SYSTEM, Observe("server_restarted", {"down_from_us": self.now_us}) if restarts else Disappear("nothing"))

    @rule(number=numbers, cause=st.sampled_from(("", *CAUSES)), early=st.booleans(), back=st.booleans(), restarts=moments)
    def somebody_does_not_come_back_in_time(self, number: int, cause: Any, early: bool, back: bool, restarts: set[int]) -> None:
        """Lost, perhaps with a cause that is said at once or later, until the grace is over; the server restarts anywhere between."""
        who = self._person(number)
        says = Classify(participant=who, cause=cause, note="") if cause else None
        if 0 in restarts:
            self._restart()
        self._do(SYSTEM, Disappear(f"e-{who}"))
        if 1 in restarts:
            self._restart()
        if says and early:
            self._do(Actor(f"e-{self.chair}"), says)
        self.now_us += GRACE_US
        if 2 in restarts:
            self._restart()
        self._do(SYSTEM, Disappear("nothing"))
        if says and not early:
            self._do(Actor(f"e-{self.chair}"), says)
        if 3 in restarts:
            self._restart()
        if back:
            self._do(SYSTEM, Arrive(ticket(who)))

    @rule(what=st.sampled_from(RECORDER), ready=st.booleans(), restarts=st.booleans())
    def the_recorder_says(self, what: str, ready: bool, restarts: bool) -> None:
        """That it writes, that it has failed, that it writes again; and whether it could begin."""
        self.ready = ready
        data = {"cause": "disk_full"} if what == "recording_failed" else {"by": {"system": True}, "reason": ""}
        self._do(SYSTEM, Observe(what, data))
        if restarts:
            self._restart()
        if what == "recording_failed":
            self._do(SYSTEM, RaiseAlert("recording_failed", "critical", data={"cause": "disk_full"}))

    @rule()
    def the_server_restarts(self) -> None:
        self._restart()

    # -- what holds -------------------------------------------------------------------------------------------

    @invariant()
    def the_log_is_the_state(self) -> None:
        assert fold(Row.from_line(row.line()) for row in self.log) == self.state

    @invariant()
    def nobody_is_declared_gone_before_his_time_nor_otherwise_than_the_kind_provides(self) -> None:
        for row in self.log:
            if row.type == "departure_declared":
                lost_us = row.data["lost_at_us"]
                assert row.data["cause"] == "left" or row.at_us - lost_us >= GRACE_US
                assert row.data["consequence"] == self.consequence
        alerts = {a.code: a.data["participant"] for a in self.state.alerts.values() if a.code in {"departure_due", "participant_lost"}}
        assert all(self.state.seats[p].presence == "lost" for p in alerts.values())

    @invariant()
    def what_must_not_go_on_stops(self) -> None:
        """Without a recording where the kind provides so, and without one who is gone; the system does nothing else with the stages."""
        stage = self.state.procedure.first
        for index, row in enumerate(self.log):
            if row.type == "recording_failed" and STOPS[self.state.plan.kind] and "recorded" in MARKS[self.state.plan.kind][stage]:
                assert [each.type for each in self.log[index + 1 : index + 3]] == ["stage_changed", "stopped"]
            if row.type == "stage_changed":
                stage = row.data["to"]
                if row.data["by"] == {"system": True}:
                    assert "pause" in MARKS[self.state.plan.kind][stage]
                    assert self.consequence == "stop" or STOPS[self.state.plan.kind]
            if row.type == "resumed":
                stopped = next(each for each in reversed(self.log[:index]) if each.type == "stopped")
                assert (row.data["since_us"], row.data["cause"]) == (stopped.at_us, stopped.data["cause"])
        assert stage == self.state.stage
        live = "pause" not in MARKS[self.state.plan.kind][stage] and self.state.now.status == "live"
        assert not (live and self.consequence == "stop" and self._overdue(self.state))

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
TestFiveKinds.settings = settings(max_examples=examples(40), stateful_step_count=30, deadline=None)
