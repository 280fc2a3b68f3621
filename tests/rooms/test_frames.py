"""What many viewers see alike is put together and written once, and is the same as if it had been made for each alone."""

from __future__ import annotations

import json

import pytest

from rooms.commands import Disappear
from rooms.measured import Measured
from rooms.media.engine import Source
from rooms.protocol import Consult, Leave, ServerMessage, SetSource, Speaker, Step
from rooms.protocol import State as StateMessage
from rooms.protocol.frames import Parts, serialise
from rooms.state import State
from rooms.views import Common, view_for
from tests.rooms.court import EVERYBODY, court
from tests.rooms.making import Sitting


def sittings() -> list[Sitting]:
    """A court in session, with a talk aside, one who stepped out of it, one who is lost, and a room's device at which people sit."""
    plain = court(*EVERYBODY, apart=(("li", "gallery"),))
    aside = court(*EVERYBODY)
    aside.act("e-judge", Consult(participants=("zhang", "lawyer")))
    aside.act("e-zhang", Step(out=True))
    lost = court(*EVERYBODY)
    lost.system(Disappear("e-li"))
    room = court("clerk", "zhang", "li", "lawyer")
    room.act("e-lawyer", Leave())
    room.sit_down("lawyer")
    room.room_comes()
    deliberating = court(*EVERYBODY, stage="deliberation")
    for each in (plain, aside, lost, room):
        each.watch()
        each.act("e-judge", SetSource(source=Source.CAMERA, on=True))
    return [plain, aside, lost, room, deliberating]


@pytest.mark.parametrize("sitting", sittings(), ids=["plain", "aside", "lost", "room", "deliberating"])
def test_whoever_shares_with_others_sees_what_he_would_see_alone(sitting: Sitting) -> None:
    state = sitting.state
    measured = Measured(
        producers=frozenset({("e-judge", Source.CAMERA)}), undecodable={"e-zhang": frozenset({("e-judge", Source.CAMERA)})}
    )
    common = Common(state, measured)
    again = Common(state, measured, common)
    for viewer in (*state.endpoints, *state.observers):
        alone = view_for(state, measured, viewer)
        assert view_for(state, measured, viewer, common) == alone
        assert view_for(state, measured, viewer, again) == alone
        assert alone is not None
        assert [p.id for p in alone.participants] == [p for p in state.seats if p in {each.id for each in alone.participants}]


def test_the_frame_says_what_the_message_says() -> None:
    state = court(*EVERYBODY).state
    common = Common(state, Measured())
    for viewer in state.endpoints:
        view = view_for(state, Measured(), viewer, common)
        assert view is not None
        message = StateMessage(now_us=7, view=view)
        assert json.loads(serialise(message, 5)) == json.loads(message.model_copy(update={"number": 5}).model_dump_json())


def test_another_message_is_numbered_too() -> None:
    message: ServerMessage = Speaker(endpoint="e-judge")
    assert json.loads(serialise(message, 3))["number"] == 3


def test_parts_are_written_once_and_let_go_when_there_are_many() -> None:
    state: State = court(*EVERYBODY).state
    view = view_for(state, Measured(), "e-judge")
    assert view is not None
    parts = Parts(most=2)
    first, second, third = view.participants[:3]
    text = parts.json(first)
    assert parts.json(first) is text
    assert json.loads(text)["id"] == first.id
    parts.json(second)
    parts.json(third)
    assert parts.json(first) == text
    assert parts.json(first) is not text
