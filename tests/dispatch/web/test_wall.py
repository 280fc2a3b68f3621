"""The wall: what officers put on it, presets, screens that sign in by a code, and in whose name is watched."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType
from sqlalchemy import select

from dispatch.console.wall import presets
from dispatch.identity import people
from dispatch.store.tables import AuditRow, User
from dispatch.web.console import wall_lines
from rooms.protocol import SUBPROTOCOL, CloseCode
from tests.dispatch.web.conftest import Person, Site


def origin(site: Site) -> str:
    return str(site.server.make_url("")).rstrip("/")


async def wall_line(site: Site, person: Person, wall: str = "own", query: str = "") -> ClientWebSocketResponse:
    return await person.session.ws_connect(f"/ws/console/wall/{wall}{query}", origin=origin(site))


async def told(socket: ClientWebSocketResponse, kind: str = "wall", when: Any = lambda _: True) -> dict[str, Any]:
    """The next message of that kind for which `when` holds."""
    async with asyncio.timeout(15):
        while True:
            message = json.loads(await socket.receive_str())
            if message["type"] == kind and when(message):
                return dict(message)


async def closed(socket: ClientWebSocketResponse) -> int | None:
    """With which code the server ended it."""
    async with asyncio.timeout(15):
        while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            continue
    return socket.close_code


async def act(person: Person, wall: str = "own", **what: Any) -> ClientResponse:
    return await person.send(f"/console/wall/{wall}/act", what)


def source(sitting: str, participant: str = "") -> dict[str, str]:
    return {"sitting": sitting, "participant": participant}


async def rows(site: Site, action: str) -> list[AuditRow]:
    async with site.db.reader() as session:
        return list(await session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.seq)))


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may look on is asked again and again; here it need not be waited for."""
    monkeypatch.setattr(wall_lines, "ALIVE_S", 0.2)


@pytest.fixture
async def sitting(site: Site) -> str:
    sitting = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(sitting)
    return sitting


async def another(site: Site, rank: str = "lead") -> Person:
    """A second officer."""
    await people.add_user(site.db, name="Other", sign_in_name="other", role="officer", rank=rank, password="Yunhe-2026", language="en")
    return await site.signed_in("other")


async def ranked(site: Site, rank: str) -> None:
    """The first officer has this rank from now on."""
    async with site.db.writer() as session:
        user = await session.get(User, site.users["officer"].id)
        assert user is not None
        user.rank = rank


@pytest.fixture
async def officer(site: Site) -> Person:
    """A shift leader."""
    await ranked(site, "lead")
    officer = await site.signed_in("officer")
    await officer.page("/console/wall")
    return officer


async def screen(site: Site, officer: Person, name: str = "左屏") -> tuple[int, Person]:
    """A new screen, and its computer, signed in by the code."""
    answer = await officer.session.post("/console/wall-screens", data={"name": name}, headers={"X-CSRF-Token": officer.token})
    made = await answer.json()
    assert answer.status == 200, made
    computer = site.visitor()
    await computer.page("/wall-screen")
    enrolled = await computer.post("/wall-screen", {"code": made["code"]})
    assert enrolled.headers["Location"] == f"/console/wall/screens/{made['number']}"
    return made["number"], computer


async def watching(site: Site, person: Person, wall: str, sitting: str) -> ClientWebSocketResponse:
    path = f"/ws/console/wall/{wall}/sittings/{sitting}?view=1"
    socket = await person.session.ws_connect(path, origin=origin(site), protocols=(SUBPROTOCOL,))
    await socket.send_json({"type": "hello"})
    return socket


def watchers(site: Site, sitting: str) -> list[str]:
    overview = site.context.hub.overview(sitting)
    assert overview is not None
    return list(overview.watchers)


# ------------------------------------------------------------------------------------------------ putting


async def test_what_an_officer_puts_on_his_wall_comes_by_its_line(site: Site, officer: Person, sitting: str) -> None:
    socket = await wall_line(site, officer)
    assert (await told(socket))["shown"] == [None] * 4
    assert (await act(officer, act="place", window=2, source=source(sitting))).status == 200
    message = await told(socket, when=lambda m: m["shown"][2])
    assert message["shown"][2] == source(sitting)
    [shown] = message["sittings"]
    assert (shown["room"], shown["status"], shown["going"]) == ("Remote Court 1", "planned", False), "nobody has come yet"
    await act(officer, act="split", windows=9)
    assert (await told(socket, when=lambda m: len(m["shown"]) == 9))["shown"][0] == source(sitting)


async def test_a_wall_shows_the_same_after_a_restart(site: Site, officer: Person, sitting: str) -> None:
    await act(officer, act="grid", columns=3, rows=2)
    await act(officer, act="spread", window=0, width=2, height=2)
    await act(officer, act="place", window=0, source=source(sitting))
    wall_lines._walls.pop(site.context.hub)  # what a restart forgets
    message = await told(await wall_line(site, officer))
    assert [(w["width"], w["height"]) for w in message["arrangement"]["layout"]["windows"]] == [(2, 2), (1, 1), (1, 1)]
    assert message["shown"][0] == source(sitting)


async def test_the_walls_of_two_officers_are_two(site: Site, officer: Person, sitting: str) -> None:
    other = await another(site)
    await act(officer, act="place", window=0, source=source(sitting))
    assert (await told(await wall_line(site, other)))["shown"] == [None] * 4


async def test_the_line_of_the_desk_tells_what_there_is_to_be_put(site: Site, officer: Person, sitting: str) -> None:
    socket = await wall_line(site, officer, query="?console=1")
    [found] = (await told(socket, "sources"))["sources"]
    assert found["id"] == sitting
    assert {person["role"] for person in found["people"]} >= {"party", "interpreter"}


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ({"act": "split", "windows": 5}, 422, "layout_wrong"),
        ({"act": "place", "window": 9, "source": None}, 422, "window_unknown"),
        ({"act": "patrol", "sources": [], "windows": [0], "dwell_s": 10}, 422, "patrol_sources"),
        ({"act": "patrol", "sources": [source("a")], "windows": [0], "dwell_s": 1}, 422, "patrol_dwell"),
        ({"act": "step"}, 409, "no_patrol"),
        ({"act": "call", "preset": "none"}, 404, "preset_unknown"),
        ({"act": "explode"}, 400, "malformed"),
        ({"act": "split", "windows": "4"}, 400, "malformed"),
    ],
)
async def test_what_no_wall_can_show_is_refused_in_words(officer: Person, what: dict[str, Any], status: int, code: str) -> None:
    answer = await officer.send("/console/wall/own/act", what)
    refused = await answer.json()
    assert (answer.status, refused["code"]) == (status, code)
    assert "error." not in refused["title"]


async def test_only_officers_have_the_wall(site: Site, sitting: str) -> None:
    for role in ("clerk", "judge", "administrator"):
        person = await site.signed_in(role)
        assert (await person.get("/console/wall")).status == 403
        assert (await act(person, act="place", window=0, source=source(sitting))).status == 403
        with pytest.raises(Exception, match="403"):
            await wall_line(site, person)


# ------------------------------------------------------------------------------------------------ presets


async def test_a_preset_is_kept_called_changed_and_deleted_and_all_of_it_is_audited(site: Site, officer: Person, sitting: str) -> None:
    socket = await wall_line(site, officer, query="?console=1")
    await act(officer, act="place", window=1, source=source(sitting))
    kept = await (await officer.send("/console/wall/own/presets", {"name": "重大案件", "key": "1"})).json()
    room = await told(socket, "room", when=lambda m: m["presets"])
    assert room["presets"] == [{"id": kept["id"], "name": "重大案件", "key": "1"}]
    await act(officer, act="clear")
    await told(socket, when=lambda m: m["shown"] == [None] * 4)
    await act(officer, act="call", preset=kept["id"])
    await told(socket, when=lambda m: m["shown"][1] == source(sitting))
    assert (await officer.send(f"/console/wall-presets/{kept['id']}", {"name": "早会", "key": "2"})).status == 200
    await act(officer, act="split", windows=1)
    assert (await officer.send(f"/console/wall/own/presets/{kept['id']}", {"name": "早会", "key": "2"})).status == 200
    [preset] = await presets.list_presets(site.db)
    assert (preset.name, preset.key, len(preset.arrangement["sources"])) == ("早会", "2", 1)
    assert (await officer.send(f"/console/wall-presets/{kept['id']}/remove", {})).status == 200
    assert await presets.list_presets(site.db) == []
    for action, count in (("preset_added", 1), ("preset_called", 1), ("preset_changed", 2), ("preset_removed", 1)):
        found = await rows(site, action)
        assert [row.actor for row in found] == [site.users["officer"].name] * count, action


@pytest.mark.parametrize(
    ("given", "field"), [({"name": "  "}, "name"), ({"name": "x" * 41}, "name"), ({"name": "y", "key": "0"}, "key"), ({"name": 7}, "name")]
)
async def test_a_preset_that_cannot_be_is_refused_at_its_field(officer: Person, given: dict[str, Any], field: str) -> None:
    answer = await officer.send("/console/wall/own/presets", given)
    assert answer.status == 422
    assert [each["field"] for each in (await answer.json())["errors"]] == [field]


async def test_a_name_and_a_digit_are_one_presets_alone(officer: Person) -> None:
    assert (await officer.send("/console/wall/own/presets", {"name": "早会", "key": "1"})).status == 200
    answer = await officer.send("/console/wall/own/presets", {"name": "早会", "key": "1"})
    assert {each["field"] for each in (await answer.json())["errors"]} == {"name", "key"}


# ------------------------------------------------------------------------------------------------ patrol


async def test_a_patrol_is_stepped_paused_and_passes_over_what_is_off_line(site: Site, officer: Person, sitting: str) -> None:
    socket = await wall_line(site, officer)
    await act(officer, act="patrol", sources=[source(sitting), source("off")], windows=[3], dwell_s=600)
    message = await told(socket, when=lambda m: m["arrangement"]["patrol"])
    assert (message["shown"], message["on"]) == ([None] * 4, [False, False]), "nobody is inside yet"
    assert (await act(officer, act="step")).status == 200
    await act(officer, act="pause", on=True)
    assert (await told(socket, when=lambda m: m["arrangement"]["patrol"]["paused"]))["arrangement"]["patrol"]["windows"] == [3]
    await act(officer, act="end_patrol")
    await told(socket, when=lambda m: m["arrangement"]["patrol"] is None)


# ------------------------------------------------------------------------------------------------ screens


async def test_a_screen_shows_what_is_put_on_it_and_gets_it_again_when_it_comes_back(site: Site, officer: Person, sitting: str) -> None:
    number, computer = await screen(site, officer)
    assert "wall-view" in await computer.page(f"/console/wall/screens/{number}")
    socket = await wall_line(site, computer, str(number))
    await act(officer, str(number), act="place", window=0, source=source(sitting))
    assert (await told(socket, when=lambda m: m["shown"][0]))["name"] == "左屏"
    await socket.close()
    again = await told(await wall_line(site, computer, str(number)))
    assert again["shown"][0] == source(sitting)
    assert again["build"] in await computer.page(f"/console/wall/screens/{number}")
    assert [row.detail["sittings"] for row in await rows(site, "wall_put")] == [[sitting]]


async def test_a_screen_opens_nothing_but_its_own_wall(site: Site, officer: Person, sitting: str) -> None:
    first, computer = await screen(site, officer)
    second, _ = await screen(site, officer, "右屏")
    led = await computer.get(f"/console/wall/screens/{second}")
    assert (led.status, led.headers["Location"]) == (303, f"/console/wall/screens/{first}")
    for wall in (str(second), "own"):
        with pytest.raises(Exception, match="403"):
            await wall_line(site, computer, wall)
    for path in ("/console", "/console/wall", f"/console/sittings/{sitting}"):
        assert (await computer.get(path)).headers["Location"].startswith("/sign-in")
    assert (await act(computer, str(first), act="clear")).status in (401, 403)
    with pytest.raises(Exception, match="403"):
        await computer.session.ws_connect(f"/ws/console/sittings/{sitting}?view=1", origin=origin(site), protocols=(SUBPROTOCOL,))


async def test_a_screen_watches_in_the_name_of_the_officer_who_put_it_there(site: Site, officer: Person, sitting: str) -> None:
    number, computer = await screen(site, officer)
    name = site.users["officer"].name
    refused = await watching(site, computer, str(number), sitting)
    assert (await told(refused, "farewell"))["reason"] == "off_wall", "nobody has put it there"
    await act(officer, str(number), act="place", window=0, source=source(sitting))
    socket = await watching(site, computer, str(number), sitting)
    assert (await told(socket, "state"))["view"]["place"] == "observing"
    assert watchers(site, sitting) == [name]
    await act(officer, str(number), act="place", window=0, source=None)
    assert await closed(socket) == CloseCode.FORBIDDEN, "taken off, it is watched no more even if the window says nothing"
    async with asyncio.timeout(15):
        while watchers(site, sitting) or not await rows(site, "watch_ended"):
            await asyncio.sleep(0.05)
    for action in ("watch", "watch_ended"):
        [row] = await rows(site, action)
        assert (row.actor, row.detail["wall"], row.detail["sitting"]) == (name, number, sitting)


async def test_whoever_put_a_sitting_there_answers_for_it_while_others_change_the_rest(site: Site, officer: Person, sitting: str) -> None:
    number, computer = await screen(site, officer)
    other = await another(site)
    await act(officer, str(number), act="place", window=0, source=source(sitting))
    await act(other, str(number), act="split", windows=9)
    message = await told(await wall_line(site, computer, str(number)))
    assert message["answers"] == {sitting: site.users["officer"].name}
    await act(other, str(number), act="clear")
    await act(other, str(number), act="place", window=0, source=source(sitting))
    socket = await watching(site, computer, str(number), sitting)
    assert (await told(socket, "state"))["view"]["place"] == "observing"
    assert watchers(site, sitting) == ["Other"]


async def test_a_screen_whose_sign_in_is_taken_away_shows_nothing_any_more(site: Site, officer: Person, sitting: str) -> None:
    number, computer = await screen(site, officer)
    await act(officer, str(number), act="place", window=0, source=source(sitting))
    line, watch = await wall_line(site, computer, str(number)), await watching(site, computer, str(number), sitting)
    await told(line)
    assert (await officer.post(f"/console/wall-screens/{number}/revoke")).status == 200
    assert await closed(line) == CloseCode.UNAUTHORISED
    assert await closed(watch) == CloseCode.UNAUTHORISED
    assert (await computer.get(f"/console/wall/screens/{number}")).headers["Location"] == "/wall-screen"
    assert len(await rows(site, "wall_screen_revoked")) == 1


async def test_a_code_works_once(site: Site, officer: Person) -> None:
    number, computer = await screen(site, officer)
    made = await (await officer.post(f"/console/wall-screens/{number}/code")).json()
    assert (await computer.get(f"/console/wall/screens/{number}")).headers["Location"] == "/wall-screen", "signed out"
    await computer.page("/wall-screen")
    assert (await computer.post("/wall-screen", {"code": made["code"]})).status == 303
    stranger = site.visitor()
    await stranger.page("/wall-screen")
    answer = await stranger.post("/wall-screen", {"code": made["code"]})
    assert answer.status == 422
    assert "This code is not good" in await answer.text()
    assert [row.result for row in await rows(site, "wall_screen_enrolled")] == ["done", "done", "refused"]


async def test_a_screen_that_is_deleted_is_gone(site: Site, officer: Person) -> None:
    number, computer = await screen(site, officer)
    line = await wall_line(site, computer, str(number))
    await told(line)
    assert (await officer.post(f"/console/wall-screens/{number}/remove")).status == 200
    assert await closed(line) in (CloseCode.NOT_FOUND, CloseCode.UNAUTHORISED)
    assert (await act(officer, str(number), act="clear")).status == 404


async def test_what_an_officer_put_there_ends_with_his_rank(site: Site, officer: Person, sitting: str) -> None:
    number, computer = await screen(site, officer)
    await act(officer, str(number), act="place", window=0, source=source(sitting))
    socket = await watching(site, computer, str(number), sitting)
    await told(socket, "state")
    await ranked(site, "watch")
    assert await closed(socket) == CloseCode.FORBIDDEN


async def test_a_watch_officer_has_a_wall_of_his_own_and_changes_nobody_elses(site: Site, officer: Person, sitting: str) -> None:
    number, _ = await screen(site, officer)
    kept = await (await officer.send("/console/wall/own/presets", {"name": "早会", "key": "1"})).json()
    watch = await another(site, "watch")
    page = await watch.page("/console/wall")
    assert 'data-do="screens"' not in page
    assert (await act(watch, act="place", window=0, source=source(sitting))).status == 200
    assert (await act(watch, act="call", preset=kept["id"])).status == 200
    refused = [
        await act(watch, str(number), act="place", window=0, source=source(sitting)),
        await act(watch, str(number), act="call", preset=kept["id"]),
        await watch.send("/console/wall/own/presets", {"name": "x", "key": ""}),
        await watch.send(f"/console/wall/own/presets/{kept['id']}", {"name": "x", "key": ""}),
        await watch.send(f"/console/wall-presets/{kept['id']}", {"name": "x", "key": ""}),
        await watch.send(f"/console/wall-presets/{kept['id']}/remove", {}),
        await watch.post("/console/wall-screens", {"name": "x"}),
        await watch.post(f"/console/wall-screens/{number}/code"),
        await watch.post(f"/console/wall-screens/{number}/revoke"),
        await watch.post(f"/console/wall-screens/{number}/remove"),
    ]
    assert [(answer.status, (await answer.json())["code"]) for answer in refused] == [(403, "rank_lead")] * len(refused)


async def test_whoever_opens_a_screens_window_himself_watches_in_his_own_name(site: Site, officer: Person, sitting: str) -> None:
    number, _ = await screen(site, officer)
    await act(officer, str(number), act="place", window=0, source=source(sitting))
    socket = await watching(site, await another(site, "watch"), str(number), sitting)
    assert (await told(socket, "state"))["view"]["place"] == "observing"
    assert watchers(site, sitting) == ["Other"], "not in that of who put it there"


async def test_whoever_else_is_signed_in_at_a_screens_computer_gets_no_more_than_the_screen(
    site: Site, officer: Person, sitting: str
) -> None:
    number, computer = await screen(site, officer)
    other, _ = await screen(site, officer, "右屏")
    await act(officer, str(other), act="place", window=0, source=source(sitting))
    await computer.page("/sign-in")
    assert (await computer.post("/sign-in", {"name": "clerk", "password": "Yunhe-2026"})).status == 303
    assert (await told(await wall_line(site, computer, str(number))))["shown"] == [None] * 4
    for wall in (str(other), "own"):
        with pytest.raises(Exception, match="403"):
            await wall_line(site, computer, wall)
        with pytest.raises(Exception, match="403"):
            await watching(site, computer, wall, sitting)
    assert watchers(site, sitting) == []
