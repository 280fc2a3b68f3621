"""Messages of the command centre, and more time asked for from the hearing."""

from __future__ import annotations

import json

import pytest
from aiohttp import ClientWebSocketResponse

from dispatch import audit
from rooms.protocol import SUBPROTOCOL
from tests.dispatch.web.conftest import Person, Site


async def enter(site: Site, sitting: str, person: Person) -> ClientWebSocketResponse:
    await person.page(f"/hearing/{sitting}")
    origin = str(site.server.make_url("")).rstrip("/")
    socket = await person.session.ws_connect(f"/ws/sittings/{sitting}?via=staff", origin=origin, protocols=(SUBPROTOCOL,))
    await socket.send_json({"type": "hello"})
    return socket


async def view_when(socket: ClientWebSocketResponse, condition: str) -> dict[str, object]:
    """The first view of which the condition, a word in its JSON, holds."""
    while True:
        message = json.loads(await socket.receive_str(timeout=15))
        if message["type"] == "state" and condition in json.dumps(message["view"], ensure_ascii=False):
            return dict(message["view"])


@pytest.fixture
async def sitting(site: Site) -> str:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    found = await site.booked(clerk)
    await site.context.live.ensure_open(found)
    return found


async def test_a_message_of_the_command_centre_is_read_in_the_hearing_and_audited(site: Site, sitting: str) -> None:
    judge, officer = await site.signed_in("judge"), await site.signed_in("officer")
    socket = await enter(site, sitting, judge)
    await view_when(socket, "judge")
    await officer.page("/console")
    answer = await officer.send(f"/console/sittings/{sitting}/message", {"text": "网络将于五分钟后切换", "participants": []})
    assert answer.status == 200
    view = await view_when(socket, "网络将于五分钟后切换")
    assert [(m["sender"], m["notice"]) for m in view["messages"]] == [("Officer", True)]  # type: ignore[attr-defined]
    assert "message_sent" in await audit.actions(site.db)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "", "participants": []}, 409),
        ({"text": "x" * 1001, "participants": []}, 422),
        ({"text": "x", "participants": ["stranger"]}, 409),
        ({"text": "x", "participants": "all"}, 400),
        ({"text": 7}, 400),
        ([], 400),
    ],
)
async def test_a_bad_message_is_refused_in_words(site: Site, sitting: str, body: object, status: int) -> None:
    judge, officer = await site.signed_in("judge"), await site.signed_in("officer")
    await view_when(await enter(site, sitting, judge), "judge")
    await officer.page("/console")
    answer = await officer.send(f"/console/sittings/{sitting}/message", body)
    assert answer.status == status
    assert (await answer.json())["title"]


async def test_a_judge_writes_nothing_from_the_console(site: Site, sitting: str) -> None:
    judge = await site.signed_in("judge")
    assert (await judge.send(f"/console/sittings/{sitting}/message", {"text": "x"})).status == 403


async def test_the_chair_asks_for_more_time_and_everybody_sees_the_new_end(site: Site, sitting: str) -> None:
    judge = await site.signed_in("judge")
    socket = await enter(site, sitting, judge)
    before = await view_when(socket, "judge")
    answer = await judge.send(f"/hearing/{sitting}/extend", {"minutes": 30})
    assert answer.status == 200
    ends_at_us = (await answer.json())["ends_at_us"]
    assert ends_at_us == before["sitting"]["ends_at_us"] + 1_800_000_000  # type: ignore[index]
    await view_when(socket, str(ends_at_us))


async def test_more_time_that_another_booking_needs_is_refused_by_name(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk, start="15:00", case_number="（2026）京0105民初77号", title="另案")
    answer = await clerk.send(f"/hearing/{sitting}/extend", {"minutes": 15})
    assert answer.status == 409
    assert "另案" in (await answer.json())["title"]
    steps = json.loads(await clerk.page(f"/hearing/{sitting}/extend"))["steps"]
    assert [(step["minutes"], "另案" in step["why"]) for step in steps] == [(15, True), (30, True), (60, True)]


@pytest.mark.parametrize("body", [{}, {"minutes": "long"}, {"minutes": 7}, []])
async def test_a_bad_wish_for_time_is_refused(site: Site, sitting: str, body: object) -> None:
    clerk = await site.signed_in("clerk")
    assert (await clerk.send(f"/hearing/{sitting}/extend", body)).status == 422


async def test_only_who_conducts_the_hearing_asks_for_time(site: Site, sitting: str) -> None:
    for role in ("officer", "prosecutor", "administrator"):
        person = await site.signed_in(role)
        assert (await person.send(f"/hearing/{sitting}/extend", {"minutes": 15})).status == 403, role
        assert (await person.get(f"/hearing/{sitting}/extend")).status == 403, role
