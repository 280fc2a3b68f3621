"""What each viewer may see, computed from the state and from what is measured. Pure.

People inside see who is inside. Chair and clerk see everybody, with network and device check; so does an observer.
Whoever waits sees the sitting and himself, and nothing of what goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from rooms import acts, departures, floor, intercom, needs, opinions, roll_call, votes
from rooms.conversation import text_of
from rooms.desired import listening, may_observe, officers, quality
from rooms.desk_views import course, on_the_desk
from rooms.measured import Measured
from rooms.media.engine import Source
from rooms.participant_views import Channel, participant_view, sources_of
from rooms.privacy import Doors, consultations, offers, private_view
from rooms.procedure import Rights
from rooms.protocol import (
    AlertView,
    BreakInView,
    DeviceView,
    MessageView,
    ParticipantView,
    RightsView,
    RoomView,
    SittingView,
    SourceView,
    View,
)
from rooms.sealing import Seal
from rooms.state import Alert, Endpoint, Seat, State, WrittenMessage, doers

MESSAGES_SHOWN = 100
Place = Literal["waiting", "inside", "device_pending", "observing"]


@dataclass(frozen=True, slots=True)
class Audience:
    """Viewers who see all others alike: by what they may know, whom they must not see, and behind which doors they are."""

    seen: bool
    all_of_it: bool
    desk: bool
    hidden: frozenset[str]
    doors: Doors

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for the same audience."""
        return (self.seen, self.all_of_it, self.desk, self.hidden, self.doors.key)


class Common:
    """What several viewers see alike of one state, made once: each of sixty viewers sees sixty people. What is as it was in the
    `former` one is the same object, so that views are compared quickly."""

    def __init__(self, state: State, measured: Measured, former: Common | None = None) -> None:
        self._state = state
        self._measured = measured
        self._former = former.people if former is not None else {}
        self.people: dict[tuple[str, bool, bool, bool, bool], ParticipantView] = {}
        self._sources: dict[tuple[str, bool, bool], dict[str, SourceView]] = {}
        self._sides = floor.side_of(state)
        self._courses: dict[bool, Mapping[str, Any]] = {}
        self._shown: dict[tuple[Any, ...], Mapping[str, ParticipantView]] = {}
        self.sittings: dict[tuple[bool, bool, bool], SittingView] = {}
        self._former_sittings = former.sittings if former is not None else {}
        self.ceiling = quality(state)
        self.interpreters = tuple(p.id for p in state.plan.participants if p.role == "interpreter" and state.is_there(p.id))

    def participant(
        self, seat: Seat, *, you: bool, all_of_it: bool, desk: bool, unseen: frozenset[tuple[str, Source]], behind: bool
    ) -> ParticipantView:
        """:func:`participant_view`, with his side and what is known of him on the desk."""
        if unseen:
            return self._made(seat, you, all_of_it, desk, behind, unseen)
        key = (seat.participant.id, you, all_of_it, desk, behind)
        found = self.people.get(key)
        if found is None:
            found = self._made(seat, you, all_of_it, desk, behind)
            former = self._former.get(key)
            found = self.people[key] = former if former == found and former is not None else found
        return found

    def shown(self, audience: Audience) -> Mapping[str, ParticipantView]:
        """Everybody whom such a viewer sees, but himself, as he sees others; in the order of the plan."""
        key = audience.key
        if key not in self._shown:
            state, inside = self._state, {"present", "lost"}
            self._shown[key] = {
                p: self.participant(
                    seat, you=False, all_of_it=audience.all_of_it, desk=audience.desk, unseen=frozenset(), behind=audience.doors.hide(p)
                )
                for p, seat in state.seats.items()
                if p not in audience.hidden and (audience.all_of_it or (audience.seen and seat.presence in inside and seat.admitted))
            }
        return self._shown[key]

    def sitting(self, rights: Rights, seen: bool, leads: bool) -> SittingView:
        """The sitting as everybody with these rights sees it."""
        key = (rights.direct, seen, leads)
        if key not in self.sittings:
            found = _sitting(self._state, self._measured, rights, seen, leads, self)
            former = self._former_sittings.get(key)
            self.sittings[key] = former if former == found and former is not None else found
        return self.sittings[key]

    def _made(
        self, seat: Seat, you: bool, all_of_it: bool, desk: bool, behind: bool, unseen: frozenset[tuple[str, Source]] = frozenset()
    ) -> ParticipantView:
        sources = None if unseen else self._sources_of(seat, behind, you)
        found = participant_view(
            self._state, self._measured, seat, you=you, all_of_it=all_of_it, unseen=unseen, behind=behind, sources=sources
        )
        side = self._sides.get(seat.participant.id, "middle")
        return found.model_copy(update={"side": side} | on_the_desk(self._state, seat, you=you, desk=desk))

    def _sources_of(self, seat: Seat, behind: bool, you: bool) -> dict[str, SourceView]:
        """The same to himself, to the others and to the desk, but while the command centre talks with a few."""
        key = (seat.participant.id, behind, you and self._state.intercom is not None)
        if key not in self._sources:
            self._sources[key] = sources_of(self._state, self._measured, seat, frozenset(), behind, you)
        return self._sources[key]

    def course(self, *, seen: bool) -> Mapping[str, Any]:
        """:func:`rooms.desk_views.course`."""
        if seen not in self._courses:
            self._courses[seen] = course(self._state, seen=seen)
        return self._courses[seen]


def view_for(state: State, measured: Measured, viewer: str, common: Common | None = None) -> View | None:
    """All that the endpoint `viewer` may see now; None if it is not part of the sitting. `common`: of this state and these figures."""
    endpoint = state.endpoints.get(viewer)
    if viewer not in state.observers and endpoint is None:
        return None
    place = _place(state, endpoint)
    rights = state.rights(viewer)
    observing = place == "observing" and may_observe(state)
    leads = rights.admit or rights.direct
    common = common or Common(state, measured)
    height, bps = common.ceiling
    seen = place == "inside" or observing
    mine = endpoint.participants if endpoint is not None else ()
    return View(
        place=place,
        sitting=common.sitting(rights, seen, leads or observing),
        rights=RightsView(**{name: getattr(rights, name) for name in RightsView.model_fields})
        if place != "observing"
        else RightsView(**{name: name == "see" and observing for name in RightsView.model_fields}),
        participants=_participants(state, measured, viewer, seen, leads or observing, acts.keeps_the_desk(state, viewer), common),
        devices=_devices(state) if leads else (),
        rooms=_rooms(state, viewer, seen, leads or observing),
        recording=measured.recording,
        watching=len(state.observers) if seen else 0,
        watchers=tuple(sorted(o.name for o in state.observers.values())) if leads or observing else (),
        break_in=_break_in(state, viewer) if seen else None,
        intercom=intercom.view(state, viewer, leads=leads, recorded=state.is_recorded) if seen else None,
        alerts=tuple(alert_view(a) for a in state.alerts.values()) if leads or observing else (),
        messages=_messages(state, viewer, observing, measured.seal),
        max_height=height,
        max_video_bps=bps,
        media=measured.media,
        private=private_view(state, viewer, seen=seen),
        consults=consultations(state) if leads else (),
        talks=offers(state) if rights.direct else (),
        listening=cast("Channel", listening(state, endpoint) if endpoint else "mix"),
        interpreters=_interpreters(state, endpoint, common) if seen else (),
        opinions=opinions.view(state, mine, seen=seen, leads=leads, seal=measured.seal),
        questions=votes.view(state, mine, measured.seal) if place == "inside" else (),
    )


def _break_in(state: State, viewer: str) -> BreakInView | None:
    """The officer who broke in, for whoever sees and hears him."""
    officer = state.broken_in
    if officer is None or officer.break_in is None or not officers(state):
        return None
    his = officer.break_in
    return BreakInView(
        endpoint=officer.endpoint,
        name=officer.name,
        office=his.office,
        reason=his.reason,
        since_us=his.since_us,
        camera=his.camera,
        you=officer.endpoint == viewer,
    )


def _interpreters(state: State, endpoint: Endpoint | None, common: Common) -> tuple[str, ...]:
    """The interpreters who can be heard at the device: of a private phase its members alone."""
    circle = state.circle_at(endpoint) if endpoint is not None else ""
    return tuple(p for p in common.interpreters if state.circle(p) == circle and state.rights_in_role(p).see)


def _place(state: State, endpoint: Endpoint | None) -> Place:
    if endpoint is None:
        return "observing"
    if endpoint.pending:
        return "device_pending"
    return "inside" if state.is_inside(endpoint) else "waiting"


def _sitting(state: State, measured: Measured, rights: Rights, seen: bool, leads: bool, common: Common) -> SittingView:
    return SittingView(
        id=state.plan.id,
        kind=state.plan.kind,
        title=state.plan.title,
        case_number=state.plan.case_number,
        court=state.plan.court,
        stage=state.stage,
        stage_since_us=state.stage_since_us,
        starts_at_us=state.plan.starts_at_us,
        ends_at_us=state.plan.ends_at_us,
        next_booking=dict(state.next_booking) if leads and state.next_booking else None,
        next_stages=next_stages(state, measured) if rights.direct else (),
        reason=state.reason,
        locked=state.locked,
        **common.course(seen=seen),
    )


def _messages(state: State, viewer: str, observing: bool, seal: Seal | None) -> tuple[MessageView, ...]:
    endpoint = state.endpoints.get(viewer)
    mine = () if endpoint is None or endpoint.pending else endpoint.participants
    hidden = state.plan.kept_from(mine).difference(mine)
    read = [
        m for m in state.messages if (not set(mine).isdisjoint(m.readers) or (observing and m.observed)) and hidden.isdisjoint(doers(m.by))
    ]
    return tuple(_message(state, m, mine, seal) for m in read[-MESSAGES_SHOWN:])


def _message(state: State, message: WrittenMessage, mine: tuple[str, ...], seal: Seal | None) -> MessageView:
    senders = doers(message.by)
    roles = {state.seats[p].participant.role for p in senders if p in state.seats}
    return MessageView(
        id=message.id,
        at_us=message.at_us,
        sender=state.doer(message.by),
        role=min(roles, default=None) if len(roles) < 2 else None,
        you=not set(senders).isdisjoint(mine),
        to=message.to,
        to_names=tuple(state.name(p) for p in message.readers if p not in senders) if message.to == "people" else (),
        text=text_of(message, seal),
        notice=message.notice,
    )


def next_stages(state: State, measured: Measured) -> tuple[dict[str, Any], ...]:
    """The stages that may follow: ``{"to": "hearing", "names", "private", "reasons": [], "blocked": false, "missing": [{"code": ...,
    "names": [...]}]}``.

    `missing` is told to the chair before the change; only what is `blocked` is refused. Where there are `reasons`, one of them goes with
    the change.
    """
    return tuple(_next_stage(state, measured, to) for to in state.next_stages)


def _next_stage(state: State, measured: Measured, to: str) -> dict[str, Any]:
    stage = state.procedure.stages[to]
    broken_off = to == state.procedure.last and departures.broken_off(state)
    reasons = (departures.REBOOK, departures.CONCLUDED) if broken_off else needs.reasons(state, stage)
    entry = {"to": to, "names": dict(stage.names), "private": stage.private, "reasons": list(reasons)}
    needed = needs.missing(state, to)
    missing = [{"code": each.code, "names": [state.name(p) for p in each.people], **each.data} for each in needed]
    held = roll_call.held_back(state)
    if held and to != state.procedure.last and not any(each.code == "identity_missing" for each in needed):
        missing.append({"code": "identity_missing", "names": [state.name(p) for p in held]})
    if reasons == (needs.SIGNED,):
        missing.append({"code": "minutes_missing", "names": []})
    if to == state.procedure.last or not (stage.recorded or (stage.recordable and state.recording_wanted)):
        return {**entry, "blocked": bool(needed), "missing": missing}
    if not measured.recorder_ready:
        missing.append({"code": "recording_not_ready", "names": []})
    if measured.media == "away":
        missing.append({"code": "media_away", "names": []})
    awaited = [s for s in state.seats.values() if s.participant.role in state.procedure.awaited]
    for code, found in (
        ("people_absent", [s for s in awaited if s.presence in {"absent", "left", "lost"}]),
        ("people_waiting", [s for s in awaited if s.presence == "waiting"]),
        (
            "consent_missing",
            [s for s in awaited if s.participant.role in state.procedure.consents and s.presence == "present" and not s.consent],
        ),
    ):
        if found and not any(each.code == code for each in needed):
            missing.append({"code": code, "names": [s.participant.name for s in found]})
    return {**entry, "blocked": bool(needed) or not measured.recorder_ready, "missing": missing}


def _participants(
    state: State, measured: Measured, viewer: str, seen: bool, all_of_it: bool, desk: bool, common: Common
) -> tuple[ParticipantView, ...]:
    """What several viewers see alike is put together once; in it each has his own place, and what his browser cannot show."""
    endpoint = state.endpoints.get(viewer)
    mine = endpoint.participants if endpoint is not None else ()
    unseen = measured.undecodable.get(viewer, frozenset())
    audience = Audience(seen, all_of_it, desk, state.plan.kept_from(mine).difference(mine), Doors(state, viewer))
    shown = dict(common.shown(audience))
    beside = [p for p, seat in state.seats.items() if seat.beside == viewer and seen and p not in audience.hidden]
    for p in (*shown, *beside, *mine) if unseen else (*beside, *mine):
        seat = state.seats[p]
        behind = p not in mine and audience.doors.hide(p)
        shown[p] = common.participant(seat, you=p in mine, all_of_it=all_of_it, desk=desk, unseen=unseen, behind=behind)
    return tuple(shown[p] for p in state.seats if p in shown)


def _devices(state: State) -> tuple[DeviceView, ...]:
    pending = (e for e in state.endpoints.values() if e.pending)
    return tuple(DeviceView(endpoint=e.id, participant=e.participants[0], device=e.device) for e in pending)


def _rooms(state: State, viewer: str, seen: bool, all_of_it: bool) -> tuple[RoomView, ...]:
    shared = (e for e in state.endpoints.values() if e.shared)
    shown = (e for e in shared if all_of_it or e.id == viewer or (seen and state.admitted_at(e.id)))
    mine = state.endpoints[viewer].participants if viewer in state.endpoints else ()
    hidden = state.plan.kept_from(mine).difference(mine)
    return tuple(room_view(state, e, coming=all_of_it or (seen and e.id == viewer), hidden=hidden) for e in shown)


def room_view(state: State, endpoint: Endpoint, *, coming: bool, hidden: frozenset[str] = frozenset()) -> RoomView:
    """A room's device with its people, but for those who are `hidden`; `coming`: and with those who wait to be let in there."""
    voice = None if endpoint.voice in hidden else endpoint.voice
    return RoomView(
        endpoint=endpoint.id,
        name=endpoint.device,
        people=tuple(p for p in endpoint.participants if p not in hidden),
        coming=tuple(p for p, seat in state.seats.items() if seat.beside == endpoint.id and p not in hidden) if coming else (),
        voice=voice,
        voice_at_us=endpoint.voice_at_us if voice else None,
    )


def alert_view(alert: Alert) -> AlertView:
    """An alert as pages see it."""
    return AlertView(
        id=alert.id,
        code=alert.code,
        severity=alert.severity,
        data=dict(alert.data),
        raised_at_us=alert.raised_at_us,
        acknowledged_by=alert.acknowledged_by,
    )
