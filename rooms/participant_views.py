"""One participant as others see him: presence, sources, network. Pure."""

from __future__ import annotations

from functools import cache
from typing import Literal, cast

from rooms.measured import Measured
from rooms.media.engine import Source
from rooms.protocol import DepartureView, NetworkView, ParticipantView, SourceView
from rooms.state import Seat, State

Channel = Literal["mix", "original", "interpretation"]
"""What somebody listens to where there is an interpreter."""


def participant_view(
    state: State,
    measured: Measured,
    seat: Seat,
    *,
    you: bool,
    all_of_it: bool,
    unseen: frozenset[tuple[str, Source]] = frozenset(),
    behind: bool = False,
    sources: dict[str, SourceView] | None = None,
) -> ParticipantView:
    """One participant; `all_of_it` adds the network's figures and the device check, and of somebody else any word of the network;
    `unseen` are tracks that the viewer's browser cannot show. `behind` closed doors: what is open there is not told. `sources`: his,
    where they were looked at before."""
    flowing = any(endpoint == seat.endpoint for endpoint, _ in measured.producers)
    awaited = seat.endpoint in measured.awaited and not flowing and seat.presence in {"present", "waiting"}
    network = measured.networks.get(seat.endpoint) if seat.endpoint else None
    return ParticipantView(
        id=seat.participant.id,
        name=seat.participant.name,
        role=seat.participant.role,
        presence="lost" if awaited else seat.presence,
        you=you,
        endpoint=seat.endpoint,
        consented=bool(seat.consent),
        sources=sources_of(state, measured, seat, unseen, behind, you) if sources is None else sources,
        hand_at_us=seat.hand_at_us,
        network=network if all_of_it or network is None else _score_alone(network) if you else None,
        device_check=dict(seat.device_check) if all_of_it and seat.device_check is not None else None,
        lost_at_us=measured.restarted_us if awaited else seat.lost_at_us,
        guards=(seat.participant.guards or None) if you or all_of_it else None,
        guarded_by=tuple(p.id for p in state.plan.participants if p.guards == seat.participant.id) if you or all_of_it else (),
        out=seat.participant.id in state.out,
        channel=cast("Channel", seat.listens) if you or all_of_it else None,
        departure=DepartureView(cause=seat.departure.cause, at_us=seat.departure.at_us) if all_of_it and seat.departure else None,
    )


def _score_alone(network: NetworkView) -> NetworkView:
    return network.model_copy(update=dict.fromkeys(("lost_percent", "rtt_ms", "received_bps", "sent_bps")))


def sources_of(
    state: State, measured: Measured, seat: Seat, unseen: frozenset[tuple[str, Source]], behind: bool, you: bool
) -> dict[str, SourceView]:
    """His microphone, camera and whatever else there is, as `participant_view` tells them."""
    endpoint = state.endpoints.get(seat.endpoint) if seat.endpoint else None
    muted = frozenset[Source]() if state.circle(seat.participant.id) else seat.muted
    given = frozenset[Source]() if behind else state.rights_in_role(seat.participant.id).sources - muted
    on = endpoint.on if endpoint and not behind else frozenset()
    passing = state.passing(endpoint) if endpoint and not behind else frozenset()
    if endpoint is not None and state.answers_at(endpoint):
        if you:  # he is told what he sends to the command centre; in the room his microphone is closed
            given, muted = given | {Source.MICROPHONE}, muted - {Source.MICROPHONE}
        else:
            on, passing = on - {Source.MICROPHONE}, passing - {Source.MICROPHONE}
    return {
        str(source): _source(
            source in given,
            source in on,
            source in passing and (seat.endpoint, source) in measured.producers,
            source in muted,
            (seat.endpoint, source) in unseen,
        )
        for source in Source
    }


@cache
def _source(allowed: bool, on: bool, live: bool, muted: bool, undecodable: bool) -> SourceView:
    """One of the thirty-two that there are: everybody has several, and each is looked at whenever anything changes."""
    return SourceView(allowed=allowed, on=on, live=live, muted_by_chair=muted, undecodable=undecodable)
