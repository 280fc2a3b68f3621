"""A court that tells its people, on both databases, with a mail server on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dispatch.notices.lines import MailLine
from dispatch.notices.sender import Sender
from dispatch.settings import Settings
from dispatch.store.notice_tables import Message
from dispatch.web.translations import catalogue
from tests.dispatch.making import NOW, Court
from tests.dispatch.notices.mail_server import MailBox, mail_server


def words(language: str) -> Callable[..., str]:
    return catalogue(language).gettext


@pytest.fixture(params=["sqlite", "postgresql"])
def court(request: pytest.FixtureRequest) -> Court:
    """The court, telling people by e-mail and text message."""
    found: Court = request.getfixturevalue(f"{request.param}_court")
    found.db.site = replace(found.db.site, mail=True, sms=True)
    return found


@pytest.fixture
async def box() -> AsyncIterator[MailBox]:
    async with mail_server(MailBox()) as served:
        yield served


@pytest.fixture
def settings(tmp_path: Path, box: MailBox) -> Settings:
    return mail_settings(tmp_path, box.port, public_url="https://court.example")


def mail_settings(data: Path, port: int, **changes: Any) -> Settings:
    """Settings with the mail server at this port of the machine itself."""
    server = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none", "mail_from": "sittings@court.example"}
    return Settings.model_validate({"data": data} | server | changes)


class Post:
    """The sender of the court's e-mail, step by step, with a clock that is put by hand."""

    def __init__(self, court: Court, settings: Settings, now: datetime = NOW) -> None:
        self.now = now
        self.line = MailLine(court.db, settings, words)
        self.sender: Sender[Message] = Sender(court.db, self.line, lambda: self.now, rest_s=(0.01,), idle_s=0.01)

    async def deliver(self) -> None:
        """Send whatever is due now."""
        while await self.sender.work():
            pass


@pytest.fixture
async def post(court: Court, settings: Settings) -> AsyncIterator[Post]:
    made = Post(court, settings)
    yield made
    await made.line.close()
