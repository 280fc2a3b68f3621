"""A site of the real parts (SQLite, hub, live plane, application) with engine and recorder in memory, and people who use it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer

from dispatch.identity import passwords, people
from dispatch.settings import Settings
from dispatch.sittings.live import LivePlane
from dispatch.store.database import Database
from dispatch.store.site import Site as SiteFacts
from dispatch.store.tables import Room, User, new_id
from dispatch.vault import site as site_vault
from dispatch.web import app
from dispatch.web.access import ALL_ROLES
from dispatch.web.assets import Assets
from dispatch.web.context import Context
from dispatch.web.templates import Templates
from rooms.hub import Hub
from rooms.sqlite_log import SqliteLog
from tests.dispatch.conftest import QUICK, Engines
from tests.rooms.in_memory import MemoryEngine, MemoryRecorder

PASSWORD = "Yunhe-2026"
NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class Person:
    """Somebody with a browser: follows pages, keeps cookies, sends the page's token with every form."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        self.token = ""

    async def get(self, path: str, **options: Any) -> ClientResponse:
        answer = await self.session.get(path, allow_redirects=False, **options)
        self._note(await answer.text())
        return answer

    async def page(self, path: str, **options: Any) -> str:
        """The page at the end of all redirects; it must be there."""
        answer = await self.session.get(path, **options)
        text = await answer.text()
        self._note(text)
        assert answer.status == 200, f"{path}: {answer.status}\n{text[:2000]}"
        return text

    async def post(self, path: str, fields: dict[str, str] | None = None, **options: Any) -> ClientResponse:
        """Send a form with the token of the page seen last."""
        answer = await self.session.post(path, data={"_csrf": self.token} | (fields or {}), allow_redirects=False, **options)
        self._note(await answer.text())
        return answer

    async def send(self, path: str, body: Any) -> ClientResponse:
        """Send JSON with the token of the page seen last."""
        return await self.session.post(path, json=body, headers={"X-CSRF-Token": self.token}, allow_redirects=False)

    def _note(self, text: str) -> None:
        found = _TOKEN.search(text)
        self.token = found[1] if found else self.token


class Site:
    """The site under test. `now` may be put forward."""

    def __init__(self, server: TestServer, db: Database, context: Context, users: dict[str, User], rooms: list[Room]) -> None:
        self.server = server
        self.db = db
        self.context = context
        self.users = users
        self.rooms = rooms
        self.now = NOW
        self._sessions: list[ClientSession] = []

    def visitor(self, language: str = "en") -> Person:
        """Somebody who is nobody yet."""
        jar = CookieJar(unsafe=True)
        session = ClientSession(base_url=self.server.make_url("/"), cookie_jar=jar, headers={"Accept-Language": language})
        self._sessions.append(session)
        return Person(session)

    async def signed_in(self, role: str, language: str = "en") -> Person:
        """The member of the staff with that role, signed in."""
        person = self.visitor(language)
        await person.page("/sign-in")
        answer = await person.post("/sign-in", {"name": role, "password": PASSWORD})
        assert answer.status == 303, await answer.text()
        # The session has a token of its own; a page that every role has shows it.
        await person.get("/no-such-page")
        return person

    def draft(self, **changes: str) -> dict[str, str]:
        """The fields of a good sitting's form: today 14:00, one hour, first room."""
        return {
            "case_number": "（2026）京0105民初31号",
            "case_title": "云河物业公司与刘芳物业服务合同纠纷案",
            "title": "",
            "day": "2026-11-24",
            "start": "14:00",
            "minutes": "60",
            "room_id": self.rooms[0].id,
            "chair_id": self.users["judge"].id,
            "clerk_id": self.users["clerk"].id,
            "prosecutor_id": "",
            "participants-0-name": "刘芳",
            "participants-0-role": "party",
            "participants-0-phone": "13812345678",
            "participants-0-seat": "link",
            "participants-1-name": "吴译",
            "participants-1-role": "interpreter",
            "participants-1-phone": "",
            "participants-1-seat": "room",
            "override_reason": "双方当事人同意即时开庭",
            "act": "save",
        } | changes

    async def booked(self, clerk: Person, **changes: str) -> str:
        """A sitting booked through the page; its id."""
        answer = await clerk.post("/sittings/new", self.draft(**changes))
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"].split("/")[2].split("?")[0]

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()


@dataclass(frozen=True)
class Founded:
    """A data directory with rooms and staff in it, copied for each test: it is migrated once."""

    folder: Path
    users: dict[str, User]
    rooms: list[Room]


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    folder = tmp_path_factory.mktemp("founded")

    async def found() -> Founded:
        db = await Database.open(Settings(data=folder))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passwords, "_hasher", QUICK)
            users = {
                role: await people.add_user(db, name=role.title(), sign_in_name=role, role=role, password=PASSWORD, language="en")
                for role in ALL_ROLES
            }
        rooms = [
            Room(id=new_id(), name="第一远程法庭", name_en="Remote Court 1", kind="court", capacity=8, position=1),
            Room(id=new_id(), name="第二远程法庭", name_en="Remote Court 2", kind="court", capacity=6, position=2),
        ]
        async with db.writer() as session:
            session.add_all(rooms)
        await db.close()
        return Founded(folder, users, rooms)

    return asyncio.run(found())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The site's settings; a file of tests that needs others has a fixture of this name."""
    return Settings(data=tmp_path)


@pytest.fixture(scope="session")
def site_engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """The engines of all sites' databases, beside those of courts: a test may have both."""
    return Engines.by(tmp_path_factory.mktemp("site") / "dispatch.db")


@pytest.fixture(scope="session")
def templates() -> Templates:
    """The pages' templates and static files, which no test changes: read and compiled once."""
    return Templates(Assets())


@pytest.fixture
async def site(
    tmp_path: Path, founded: Founded, settings: Settings, site_engines: Engines, templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    shutil.copytree(founded.folder, tmp_path, dirs_exist_ok=True)
    db = await site_engines.opened(tmp_path / "dispatch.db", SiteFacts.of(settings))
    monkeypatch.setattr(app, "Assets", lambda: templates.assets)
    monkeypatch.setattr(app, "Templates", lambda assets: templates)
    users, rooms = founded.users, founded.rooms

    def clock() -> datetime:
        return made.now

    def clock_us() -> int:
        return int(clock().timestamp() * 1_000_000)

    made: Site
    log = SqliteLog(tmp_path / "log.db")
    hub = Hub(
        log=log,
        engine=MemoryEngine(),
        recorder=MemoryRecorder(clock_us),
        reserve=tmp_path / "reserve.log",
        clock_us=clock_us,
        owner="test",
    )
    live = LivePlane(db, hub, settings, clock)
    context = Context(settings, db, hub, live, site_vault.of(settings), clock)
    server = TestServer(app.make_app(context))
    made = Site(server, db, context, users, rooms)
    await hub.start()
    await live.start()
    await server.start_server()
    yield made
    await made.close()
    await server.close()
    await live.close()
    await hub.close()
    await log.close()
    await db.close()
