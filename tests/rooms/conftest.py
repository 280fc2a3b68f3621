"""Fixtures of the live plane's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

import rooms.conference
import rooms.desk_views
import rooms.hub
import rooms.live
import rooms.media_link
import rooms.recording_link
import rooms.signalling
import rooms.state
import rooms.viewers
from rooms.procedure import procedure_of
from tests import disks
from tests.rooms.courthouse import Courthouse
from tests.rooms.making import IN_CAMERA


@pytest.fixture(scope="session", autouse=True)
def _short_tracebacks() -> None:
    """Several tests have the server log a failure on purpose; its full form with all values takes a second each."""
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    with disks.mounted(tmp_path / "disk", 4) as disk:
        yield disk


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Courthouse]:
    """A server that has just started. It looks round and tells news more often than others, so that tests need not wait; and it
    states nothing again by itself, so that what is right after a while is not taken for right at once."""
    monkeypatch.setattr(rooms.hub, "TICK_S", 0.02)
    monkeypatch.setattr(rooms.viewers, "COALESCE_S", 0.005)
    monkeypatch.setattr(rooms.media_link, "RETRY_S", 0.02)
    monkeypatch.setattr(rooms.media_link, "AGAIN_S", 600.0)
    monkeypatch.setattr(rooms.recording_link, "RETRY_S", 0.02)
    made = await Courthouse(tmp_path).start()
    yield made
    await made.close()


@pytest.fixture
def in_camera(monkeypatch: pytest.MonkeyPatch) -> str:
    """A version of the court with a private stage; the text that stands for it in a plan."""
    for module in (rooms.conference, rooms.desk_views, rooms.state):
        monkeypatch.setattr(module, "procedure_of", lambda text: IN_CAMERA if text == IN_CAMERA.text else procedure_of(text))
    return IN_CAMERA.text


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats more often, and who is silent for a second and a half is lost."""
    monkeypatch.setattr(rooms.signalling, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(rooms.live, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(rooms.live, "LOST_AFTER_S", 1.5)
