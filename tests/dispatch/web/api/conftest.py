"""Programs that use the API of a site, each by a token of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from dispatch.identity import programs
from dispatch.store.archive_tables import Job, Recording
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.web.api.described import Description
from tests.dispatch.web.conftest import NOW, Site

Json = dict[str, Any]
PICTURE = bytes(range(256)) * 40


class Program:
    """A program with a token, or without one; or somebody signed in. Answers are read whole and held against the
    description; a body is sent as JSON."""

    def __init__(self, session: ClientSession, description: Description, token: str = "", headers: dict[str, str] | None = None) -> None:
        self.session = session
        self.token = token
        self._description = description
        self._headers = headers or {}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Json, ClientResponse]:
        """Status, body and answer. Header names are written with _ for -."""
        given = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        options: Json = {} if body is None else {"json": body}
        answer = await self.session.request(method, f"/api/v1{path}", headers=given, allow_redirects=False, **options)
        raw = await answer.read()
        found: Json = json.loads(raw) if raw and "json" in answer.content_type else {}
        self._description.check(method, answer.url.path, answer.status, answer.content_type, found)
        return answer.status, found, answer

    async def get(self, path: str, **headers: str) -> Json:
        """What is there; it must be there."""
        status, body, _ = await self.ask("GET", path, **headers)
        assert status == 200, body
        return body

    async def made(self, path: str, body: Any = None, **headers: str) -> Json:
        """What a POST makes; it must be made."""
        status, made, _ = await self.ask("POST", path, body, **headers)
        assert status == 201, made
        return made


Programs = Callable[..., Awaitable[Program]]


@pytest.fixture
async def description(site: Site) -> Description:
    """How the site describes its API."""
    answer = await site.visitor().session.get("/api/v1/openapi.json")
    return Description(await answer.json())


@pytest.fixture
def member(site: Site, description: Description) -> Programs:
    """Somebody of the staff, signed in to the pages: ``await member("judge")``."""

    async def come(role: str) -> Program:
        person = await site.signed_in(role)
        return Program(person.session, description, headers={"X-CSRF-Token": person.token})

    return come


@pytest.fixture
async def program(site: Site, description: Description) -> AsyncIterator[Programs]:
    """Makes programs: ``await program("clerk")``; without a role one without a token."""
    async with AsyncExitStack() as stack:

        async def make(role: str = "", *, days: int = 30, language: str = "en") -> Program:
            token = ""
            if role:
                token, _ = await programs.issue(
                    site.db, name=f"Case files ({role})", role=role, days=days, by=site.users["administrator"], now=site.now
                )
            headers = {"Accept-Language": language} | ({"Authorization": f"Bearer {token}"} if token else {})
            session = await stack.enter_async_context(ClientSession(base_url=site.server.make_url("/"), headers=headers))
            return Program(session, description, token)

        yield make


def order(site: Site, start: str = "14:00", end: str = "15:00", **changes: Any) -> Json:
    """A good booking: today, an hour, the first room, a party who joins by link and an interpreter in the room."""
    return {
        "case_number": "（2026）京0105民初31号",
        "case_title": "云河物业公司与刘芳物业服务合同纠纷案",
        "room_id": site.rooms[0].id,
        "starts_at": f"2026-11-24T{start}:00+08:00",
        "ends_at": f"2026-11-24T{end}:00+08:00",
        "chair_id": site.users["judge"].id,
        "clerk_id": site.users["clerk"].id,
        "participants": [
            {"name": "刘芳", "role": "party", "phone": "13812345678"},
            {"name": "吴译", "role": "interpreter", "seat": "room"},
        ],
        "override_reason": "双方当事人同意即时开庭",
    } | changes


async def recorded(site: Site, sitting: str, at: datetime = NOW) -> None:
    """The sitting has a sealed recording with a picture."""
    base = site.context.settings.recordings
    sealed = await asyncio.to_thread(make_sealed, base, sitting)
    (base / sitting / "derived" / "composite.mp4").write_bytes(PICTURE)
    async with site.db.writer() as session:
        row = {"folder": sitting, "sealed_at": at, "manifest_sha256": sealed["manifest_sha256"], "seconds": 8.0, "bytes": 123_456}
        session.add_all([Recording(sitting_id=sitting, composite="done", **row), Job(kind="composite", sitting_id=sitting, state="done")])
