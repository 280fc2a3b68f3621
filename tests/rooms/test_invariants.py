"""Whatever is asked, in whatever order and by whomever: what must always hold of a conference holds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rooms.commands import (
    SYSTEM,
    Actor,
    Arrive,
    Cancel,
    Command,
    Consent,
    Disappear,
    Facts,
    Open,
    RaiseAlert,
    Revise,
    Revoke,
    SitDown,
    StandUp,
)
from rooms.conference import handle
from rooms.desired import recording, routing
from rooms.fold import apply, fold
from rooms.log import GENESIS, Event, Row, chain
from rooms.measured import Measured
from rooms.media.engine import Source
from rooms.overview import overview
from rooms.protocol import (
    Admit,
    AdmitDevice,
    Allow,
    ChangeStage,
    Leave,
    Mute,
    MuteAll,
    ProtocolError,
    Readmit,
    Remove,
    ReturnToWaiting,
    Seat,
    SetSource,
    Unseat,
    UserError,
    Voice,
)
from rooms.state import State
from rooms.views import view_for
from tests.effort import examples
from tests.rooms.making import NOW_US, PEOPLE, make_plan, observer, room_ticket, ticket

IDS = [p.id for p in PEOPLE]
ENDPOINTS = [f"e-{p}" for p in IDS] + ["phone", "room", "court-room", "e-officer", "nowhere"]
people = st.sampled_from([*IDS, "nobody"])
endpoints = st.sampled_from(ENDPOINTS)
sources = st.sampled_from(list(Source))
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Admit, participants=st.lists(people, max_size=3).map(tuple)),
    st.builds(ReturnToWaiting, participant=people),
    st.builds(AdmitDevice, endpoint=endpoints, accept=st.booleans()),
    st.builds(Mute, participant=people, source=sources),
    st.builds(Allow, participant=people, source=sources),
    st.builds(MuteAll),
    st.builds(Remove, participant=people, reason=st.just("why")),
    st.builds(Readmit, participant=people),
    st.builds(ChangeStage, to=st.sampled_from(["waiting", "hearing", "recess", "hearing", "recess", "closed", "nonsense"])),
    st.builds(SetSource, source=sources, on=st.booleans()),
    st.builds(Leave),
    st.builds(Seat, participant=people, endpoint=st.sampled_from(["court-room", "e-judge"])),
    st.builds(Unseat, participant=people),
    st.builds(Voice, participant=st.one_of(st.none(), people), endpoint=st.sampled_from([None, "court-room"])),
)


class Conference(RuleBasedStateMachine):
    state: State
    log: list[Row]

    @initialize()
    def opened(self) -> None:
        self.log = []
        self.now_us = NOW_US
        first = handle(None, SYSTEM, Open(make_plan()), NOW_US)
        self.state = apply(None, first[0])
        self._append(first)
        self._do(SYSTEM, Arrive(ticket("judge")))

    def _append(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self.log.append(chain("sitting", 1, len(self.log) + 1, self.log[-1].hash if self.log else GENESIS, event))

    def _do(self, actor: Actor, command: Command) -> None:
        self.now_us += 1000
        before = self.state
        try:
            events = handle(self.state, actor, command, self.now_us, Facts())
        except (UserError, ProtocolError):
            assert self.state is before
            return
        for event in events:
            self.state = apply(self.state, event)
        self._append(events)

    @rule(endpoint=endpoints, command=commands)
    def somebody_asks(self, endpoint: str, command: Command) -> None:
        self._do(Actor(endpoint=endpoint), command)

    @rule(command=commands)
    def chair_asks(self, command: Command) -> None:
        self._do(Actor(endpoint="e-judge"), command)

    @rule(participant=people, endpoint=st.sampled_from(["", "phone"]), user=st.sampled_from(["", "u-1"]))
    def arrives(self, participant: str, endpoint: str, user: str) -> None:
        self._do(SYSTEM, Arrive(ticket(participant, endpoint, user=user)))

    @rule(first=people, second=people)
    def arrive_together(self, first: str, second: str) -> None:
        self._do(SYSTEM, Arrive(ticket(first, "room", more=(second,) if second != first else ())))

    @rule(participant=people)
    def consents(self, participant: str) -> None:
        self._do(SYSTEM, Consent(participant, "2026-11", "ab" * 32, "Court room 1"))

    @rule(participant=people, stands_up=st.booleans())
    def sits_down_at_the_rooms_device(self, participant: str, stands_up: bool) -> None:
        self._do(SYSTEM, (StandUp if stands_up else SitDown)(participant, "court-room", "Court room 1"))

    @rule()
    def the_rooms_device_comes(self) -> None:
        self._do(SYSTEM, Arrive(room_ticket("court-room")))

    @rule()
    def watches(self) -> None:
        self._do(SYSTEM, Arrive(observer()))

    @rule(endpoint=endpoints)
    def disappears(self, endpoint: str) -> None:
        self._do(SYSTEM, Disappear(endpoint))

    @rule(participant=people)
    def link_is_revoked(self, participant: str) -> None:
        self._do(SYSTEM, Revoke(participant, "reissued"))

    @rule(kept=st.sets(st.sampled_from(IDS), min_size=1))
    def plan_is_revised(self, kept: set[str]) -> None:
        self._do(SYSTEM, Revise(make_plan(people=tuple(p for p in PEOPLE if p.id in kept))))

    @rule()
    def is_cancelled(self) -> None:
        if len(self.log) > 40:
            self._do(SYSTEM, Cancel("moved"))

    @rule()
    def alarm(self) -> None:
        self._do(SYSTEM, RaiseAlert("engine_lost", "critical"))

    @invariant()
    def log_is_the_state(self) -> None:
        assert fold(Row.from_line(row.line()) for row in self.log) == self.state

    @invariant()
    def nobody_has_media_who_is_not_admitted(self) -> None:
        wanted = routing(self.state)
        for endpoint in set(wanted.publish) | set(wanted.watch):
            if endpoint in self.state.observers:
                assert wanted.publish[endpoint] == frozenset()
                continue
            for participant in self.state.endpoints[endpoint].participants:
                seat = self.state.seats[participant]
                assert seat.admitted
                assert seat.presence == "present"
                assert seat.endpoint == endpoint

    @invariant()
    def what_is_watched_or_recorded_is_somebodys_right(self) -> None:
        wanted = routing(self.state)
        given = {(e.id, s) for e in self.state.inside() for s in self.state.publishable(e)}
        for tracks in (*wanted.watch.values(), wanted.record):
            assert {(t.endpoint, t.source) for t in tracks} <= given
        for endpoint, tracks in wanted.watch.items():
            assert all(t.endpoint != endpoint for t in tracks)

    @invariant()
    def what_is_muted_does_not_pass(self) -> None:
        for endpoint, passing in routing(self.state).publish.items():
            found = self.state.endpoints.get(endpoint)
            for participant in found.participants if found else ():
                assert not passing & self.state.seats[participant].muted

    @invariant()
    def a_device_may_do_no_more_than_anybody_who_sits_at_it(self) -> None:
        for endpoint in self.state.endpoints.values():
            own = self.state.rights(endpoint.id)
            for participant in endpoint.participants:
                assert own & self.state.rights_in_role(participant) == own
                assert self.state.passing(endpoint) <= self.state.rights_in_role(participant).sources

    @invariant()
    def whoever_sits_at_a_rooms_device_consented_himself_and_is_inside_with_all_or_none(self) -> None:
        for endpoint in self.state.endpoints.values():
            if endpoint.shared:
                seats = [self.state.seats[p] for p in endpoint.participants]
                assert all(seat.consent for seat in seats)
                assert len({seat.admitted for seat in seats}) == 1
                assert endpoint.voice in {None, *endpoint.participants}
                apart = [seat for seat in seats if seat.participant.role == "witness"]
                assert not apart or len(seats) == 1

    @invariant()
    def whoever_has_no_place_yet_has_nothing(self) -> None:
        for seat in self.state.seats.values():
            if seat.beside is not None:
                assert (seat.endpoint, seat.admitted) == (None, False)
                assert seat.presence in {"absent", "waiting", "left"}

    @invariant()
    def recorded_is_what_the_stage_says(self) -> None:
        assert recording(self.state).on == (self.state.stage == "hearing" and not self.state.cancelled)
        if not recording(self.state).on:
            assert routing(self.state).record == frozenset()

    @invariant()
    def nobody_hears_anybody_in_recess_or_after(self) -> None:
        if self.state.stage in {"recess", "closed"}:
            wanted = routing(self.state)
            assert not any(wanted.publish.values())
            assert not any(wanted.watch.values())

    @invariant()
    def a_participant_sits_at_one_device(self) -> None:
        seated: dict[str, Any] = {}
        for endpoint in self.state.endpoints.values():
            assert endpoint.participants
            if not endpoint.pending:
                for participant in endpoint.participants:
                    assert seated.setdefault(participant, endpoint.id) == endpoint.id
        for participant, seat in self.state.seats.items():
            assert seat.endpoint == seated.get(participant)

    @invariant()
    def who_waits_sees_nobody_else(self) -> None:
        for endpoint in self.state.endpoints:
            view = view_for(self.state, Measured(), endpoint)
            assert view is not None
            if view.place in {"waiting", "device_pending"}:
                assert all(p.you for p in view.participants)
                assert not view.watchers
                assert not view.alerts
        assert overview(self.state, Measured()).sitting == "sitting"


TestConference = Conference.TestCase
TestConference.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
