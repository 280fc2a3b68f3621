"""A server's share of many requests at once: ``python -m tests.dispatch.booking.clerks URL SEED COUNT`` says "ready", waits for a line,
books, and prints what became of each request."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from dispatch.booking import bookings
from dispatch.errors import Conflict
from dispatch.store.database import Database
from dispatch.store.tables import Resource, Room, User
from tests.dispatch.making import NOW, Court, at, make_draft

STARTS = ("13:00", "13:30", "14:00", "14:30")


async def court_of(db: Database) -> Court:
    """The court that is in the database."""
    async with db.reader() as session:
        users = {user.sign_in_name: user for user in await session.scalars(select(User))}
        rooms = list(await session.scalars(select(Room).order_by(Room.position)))
    return Court(db, Path("no such file"), users, rooms[0], rooms[1])


async def requests(db: Database, seed: int, count: int) -> list[dict[str, Any]]:
    """Requests for two to four resources each, in any order, at times that overlap."""
    random_ = random.Random(seed)  # the same each time
    async with db.reader() as session:
        rooms = list(await session.scalars(select(Room.id).order_by(Room.id)))
        stands = list(await session.scalars(select(Resource.id).where(Resource.kind == "equipment").order_by(Resource.id)))
        judges = list(await session.scalars(select(User.id).where(User.role == "judge").order_by(User.id)))
    found = []
    for _ in range(count):
        named, things = random_.sample(rooms, random_.randint(1, 3)), random_.sample(stands, random_.randint(0, 2))
        start = at(random_.choice(STARTS))
        found.append({"rooms": named, "equipment": things, "chair_id": random_.choice(judges), "start": start})
    return found


async def book(court: Court, wanted: dict[str, Any], title: str) -> dict[str, Any]:
    """What became of one request."""
    start: datetime = wanted["start"]
    draft = make_draft(
        court, starts_at=start, ends_at=start + timedelta(hours=1), room_id=wanted["rooms"][0], rooms=tuple(wanted["rooms"]),
        equipment=tuple(wanted["equipment"]), chair_id=wanted["chair_id"], clerk_id="", title=title,
    )  # fmt: skip
    asked = {"wanted": [*wanted["rooms"], *wanted["equipment"], wanted["chair_id"]], "start": start.isoformat()}
    try:
        return {**asked, "won": (await bookings.create_sitting(court.db, draft, court.clerk, NOW)).id}
    except Conflict as told:
        return {
            **asked, "resource": told.resource_id, "name": told.data["name"], "by": told.sitting_id, "from": told.starts_at.isoformat(),
            "to": told.ends_at.isoformat(), "nearest": told.nearest_free.isoformat(),
        }  # fmt: skip


async def main(url: str, seed: int, count: int) -> None:
    """One server's share."""
    db = await Database.connect(url)
    court, wanted = await court_of(db), await requests(db, seed, count)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    outcomes = await asyncio.gather(*(book(court, each, f"{seed}-{number}") for number, each in enumerate(wanted)), return_exceptions=True)
    listed = [each if isinstance(each, dict) else {"error": repr(each)} for each in outcomes]
    sys.stdout.write(json.dumps({"outcomes": listed, "again": db.again}) + "\n")
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
