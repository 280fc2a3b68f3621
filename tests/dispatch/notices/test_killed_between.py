"""A sender that is killed after the other side took a message and before that is written down: nobody can know whether it was taken, so
it is sent once more, under the same name, and never again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.notices.sender import LEASE
from dispatch.store.database import Database
from dispatch.store.tables import utc_now
from tests.dispatch.making import Court
from tests.dispatch.notices.told import messages, told_sitting

TOP = Path(__file__).resolve().parents[3]
SENDER = """
import asyncio, sys
from datetime import timedelta
from dispatch.notices.lines import TextLine
from dispatch.notices.sender import Sender
from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.store.tables import utc_now
from dispatch.web.translations import catalogue

async def main(url, gateway, minutes):
    settings = Settings(sms_url=gateway, sms_template='{"to": "{phone}", "content": "{text}", "id": "{id}"}')
    db = await Database.connect(url)
    line = TextLine(db, settings, lambda language: catalogue(language).gettext)
    await Sender(db, line, lambda: utc_now() + timedelta(minutes=minutes), idle_s=0.05).run()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
"""A process of its own that sends text messages, by a clock that is so many minutes ahead."""


class Gateway:
    """What it was sent. `answering` is called after a message was taken and before the answer goes out."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[dict[str, Any]] = []
        self.reached, self.answer = asyncio.Event(), asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.taken.append(await request.json())
        self.reached.set()
        await self.answer.wait()
        return web.Response(text="taken")


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made, app = Gateway(), web.Application()
    app.router.add_post("/send", made.take)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url("/send"))
    yield made
    await server.close()


@asynccontextmanager
async def nobody_writes(court: Court) -> AsyncIterator[None]:
    """Another writer has the database for himself."""
    other = await Database.connect(court.db.url, court.db.site)
    try:
        async with other.writer() as session:
            await session.execute(select(1))  # on SQLite it begins with the first statement
            yield
    finally:
        await other.close()


async def test_it_is_sent_at_most_once_more_and_under_the_same_name(court: Court, gateway: Gateway) -> None:
    start = utc_now()
    begins = start.replace(minute=0, second=0, microsecond=0) + timedelta(days=9)
    people = (ParticipantDraft("刘芳", "party", phone="13812345678"),)
    await told_sitting(court, now=start, starts_at=begins, ends_at=begins + timedelta(hours=1), participants=people)

    async def sender(minutes: int) -> asyncio.subprocess.Process:
        arguments = (court.db.url, gateway.url, str(minutes))
        return await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, *arguments, cwd=TOP, stdout=asyncio.subprocess.DEVNULL)

    killed = await sender(0)
    async with asyncio.timeout(60):
        await gateway.reached.wait()
        async with nobody_writes(court):
            gateway.answer.set()
            await asyncio.sleep(0.5)  # it has its answer, and waits to write it down
            killed.send_signal(signal.SIGKILL)
            await killed.wait()
    (in_hand,) = await messages(court.db, "sms", kind="invitation")
    assert (in_hand.state, in_hand.attempts) == ("sending", 1)

    ahead = int(LEASE.total_seconds() // 60) + 1
    for _ in range(2):
        again = await sender(ahead)
        async with asyncio.timeout(60):
            while (await messages(court.db, "sms", kind="invitation"))[0].state != "sent":
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        again.terminate()
        await again.wait()
    assert [each["id"] for each in gateway.taken] == [in_hand.id] * 2, "by its id the gateway knows both as one"
