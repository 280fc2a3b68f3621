"""A site's data as a server leaves it: people, a closed sitting with its sealed recording and picture, one that is live."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch.booking import bookings
from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.identity.people import add_user
from dispatch.settings import Settings
from dispatch.sittings.statuses import project_rows
from dispatch.store.database import Database
from dispatch.store.tables import Room, new_id
from rooms.log import Event
from rooms.sqlite_log import SqliteLog
from tests.dispatch.archive.sealed import START_US, make_sealed

NOW = datetime.fromtimestamp(START_US / 1e6, UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "var")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data directory that each test gets a copy of, and the closed sitting's id: passwords are hashed once."""
    data = tmp_path_factory.mktemp("held") / "var"
    return data, asyncio.run(furnished(Settings(data=data)))


@pytest.fixture
def held(settings: Settings, made_once: tuple[Path, str]) -> str:
    """The closed sitting's id; with it the whole data directory is there."""
    data, sitting = made_once
    shutil.copytree(data, settings.data)
    return sitting


async def furnished(settings: Settings) -> str:
    db = await Database.open(settings)
    log = SqliteLog(settings.data / "log.db")
    try:
        judge = await add_user(db, name="周正", sign_in_name="zhou", role="judge", password="Yunhe-2026-court")
        clerk = await add_user(db, name="赵敏", sign_in_name="zhao", role="clerk", password="Yunhe-2026-court")
        room = Room(id=new_id(), name="第一远程法庭", name_en="Remote Court 1", kind="court")
        async with db.writer() as session:
            session.add(room)
        closed, live = [
            await bookings.create_sitting(
                db,
                SittingDraft(
                    case_number=f"（2026）京0105民初{hour}号",
                    case_title="张某诉某公司买卖合同纠纷",
                    title="第一次开庭",
                    room_id=room.id,
                    starts_at=NOW.replace(hour=hour),
                    ends_at=NOW.replace(hour=hour + 1),
                    chair_id=judge.id,
                    clerk_id=clerk.id,
                    participants=(ParticipantDraft(name="张某", role="party", phone="13800138000"),),
                    override_reason="双方当事人同意即时开庭",
                ),
                clerk,
                NOW.replace(hour=0),
            )
            for hour in (2, 4)
        ]
        sealed = make_sealed(settings.recordings, closed.id)
        derived = settings.recordings / closed.id / "derived"
        (derived / "composite.mp4").write_bytes(b"picture" * 1000)
        (derived / "composite.mp4.part").write_bytes(b"half a picture")
        await hold(log, db, closed.id, sealed["manifest_sha256"])
        await hold(log, db, live.id, "")
        return closed.id
    finally:
        await log.close()
        await db.close()


async def hold(log: SqliteLog, db: Database, sitting: str, manifest_sha256: str) -> None:
    """Log a hearing and bring SQL up to it; to its end where it was sealed."""
    by = {"participant": "judge"}
    events = [
        Event("conference_opened", START_US, {"plan": {"participants": []}}),
        Event("stage_changed", START_US + 1, {"from": "waiting", "to": "hearing", "by": by, "reason": ""}),
    ]
    if manifest_sha256:
        events += [
            Event("stage_changed", START_US + 2, {"from": "hearing", "to": "closed", "by": by, "reason": ""}),
            Event("sealed", START_US + 3, {"manifest_sha256": manifest_sha256, "files": 7}),
        ]
    epoch = await log.lease(sitting, "test")
    await project_rows(db, sitting, await log.append(sitting, epoch, 1, events))
