"""The demonstration's tasks in the field, each as far as it has come, and where the people on them are. Everything is made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.console.field import orders, positions, teams
from dispatch.console.field.orders import Doing, TaskDraft
from dispatch.console.field.positions import Fix
from dispatch.store.field_tables import FieldTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dispatch.console.field.tasks import Act
    from dispatch.store.database import Database
    from dispatch.store.tables import User

ACCURACY_M = 12.0


@dataclass(frozen=True, slots=True)
class Done:
    """A step of a task: by whom (the name to sign in by), how many minutes ago, with what words, and where he was."""

    act: Act
    by: str
    ago: int
    text: str = ""
    place: tuple[float, float] | None = None
    """longitude and latitude, WGS-84 degrees"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task: made so many minutes ago, to be done by so many minutes from then, and what became of it since."""

    title: str
    team: str
    text: str
    where: str
    place: tuple[float, float]
    ago: int
    within: int
    steps: tuple[Done, ...]
    case: str = ""


TASKS = (
    Wanted("核查北河沿排污口整治情况", "北苑中队", "查看是否仍有污水直排，拍摄排口全景与近景，记录水面颜色与气味。",
           "北河沿排污口", (116.657, 39.955), 85, 180,
           (Done("send", "gao", 84), Done("sign", "duanyi", 76, place=(116.6705, 39.9582)),
            Done("arrive", "duanyi", 22, place=(116.6545, 39.9535))), "京云检公益〔2026〕9号"),
    Wanted("为郑桂兰送去接访用平板并协助接入", "望河中队", "到后先帮她做设备检测，全程陪同到接访结束。",
           "望河街道办事处一层", (116.6065, 39.9093), 25, 90,
           (Done("send", "gao", 24),), "京云检控申〔2026〕118号"),
    Wanted("送达开庭通知书", "南桥中队", "当面送达并请其在送达回证上签字；无人在家时拍摄门牌。",
           "南桥街道春和里6号楼", (116.6512, 39.8831), 130, 240,
           (Done("send", "gao", 128), Done("sign", "shaoqiang", 55, place=(116.6447, 39.8872)))),
    Wanted("巡查红军小学保护标志", "新区中队", "查看保护标志是否完好，周边有无违规施工。", "红军小学", (116.697, 39.912), 300, 240,
           (Done("send", "gao", 298), Done("sign", "anning", 280, place=(116.7011, 39.9046)),
            Done("arrive", "anning", 205, place=(116.6972, 39.9118)),
            Done("report", "anning", 190, "保护标志完好，周边50米内没有施工。", (116.6972, 39.9118)),
            Done("close", "gao", 150))),
)  # fmt: skip
"""Those whose step says where they were have agreed that it is known."""


async def send_out(db: Database, users: Mapping[str, User], now: datetime) -> None:
    """Make the tasks where there are none. `users` by the name to sign in by."""
    async with db.reader() as session:
        if await session.scalar(select(FieldTask.id).limit(1)) is not None:
            return
    known = {team.name: team.id for team in await teams.listed(db)}
    people = dict(users) | {user.sign_in_name: user for user, member in await teams.people(db) if member is not None}
    for wanted in TASKS:
        if wanted.team not in known or not {done.by for done in wanted.steps} <= people.keys():
            continue  # the demonstration's own user has changed it
        made = now - timedelta(minutes=wanted.ago)
        longitude, latitude = wanted.place
        draft = TaskDraft(
            wanted.title,
            wanted.where,
            known[wanted.team],
            made + timedelta(minutes=wanted.within),
            wanted.text,
            case_number=wanted.case,
            latitude=latitude,
            longitude=longitude,
        )
        task = await orders.draft(db, draft, users["gao"], made)
        for done in wanted.steps:
            by, at = people[done.by], now - timedelta(minutes=done.ago)
            if done.place is not None:
                await positions.agree(db, by, True, at)
            fix = Fix(done.place[1], done.place[0], ACCURACY_M) if done.place is not None else None
            await orders.act(db, task.id, done.act, by, at, Doing(done.text, fix))
