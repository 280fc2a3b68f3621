"""The demonstration: rooms, staff, cases and sittings around now. Everybody and everything in it is made up."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.booking import bookings
from dispatch.booking.catalogue.sites import site_named
from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.demo_catalogue import COURT, furnish
from dispatch.demo_map import draw
from dispatch.demo_tasks import send_out
from dispatch.demo_teams import muster
from dispatch.errors import UserError
from dispatch.identity.people import add_user
from dispatch.store.tables import Room, Sitting, User

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.database import Database

ROOMS = (
    ("第一法庭", "Court room 1", "court", 12),
    ("第二法庭", "Court room 2", "court", 8),
    ("远程接访室", "Intake room", "intake", 4),
    ("公开听证室", "Hearing room", "hearing", 20),
    ("圆桌会议室", "Round-table room", "round_table", 12),
    ("远程提讯室", "Interrogation room", "interrogation", 4),
)
STAFF = (
    ("赵书宁", "zhao", "clerk"),
    ("何晓岚", "he", "clerk"),
    ("陈明远", "chen", "judge"),
    ("林静姝", "lin", "judge"),
    ("周启航", "zhou", "judge"),
    ("孙立言", "sun", "prosecutor"),
    ("唐慧", "tang", "prosecutor"),
    ("罗峰", "luo", "prosecutor"),
    ("高卫东", "gao", "officer"),
    ("宋雨桐", "song", "officer"),
    ("程国栋", "cheng", "officer"),
    ("许文博", "xu", "administrator"),
    ("程海", "chenghai", "field"),
    ("董桂芬", "dongguifen", "field"),
)


RANKS = {"gao": "lead", "song": "watch", "cheng": "command"}
"""Of the officers, by the name with which they sign in."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in to the demonstration."""

    name: str
    role: str
    sign_in_name: str
    password: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A sitting of the demonstration: `start` and `minutes` from the present half hour."""

    start: int
    minutes: int
    room: int
    chair: str
    clerk: str
    number: str
    case: str
    title: str
    people: tuple[tuple[str, str, str], ...]
    kind: str = "remote_court"
    prosecutor: str = ""


SITTINGS = (
    Planned(0, 90, 0, "chen", "zhao", "（2026）京0105民初3187号", "李建华诉云河物业服务有限公司物业服务合同纠纷", "第一次开庭",
            (("李建华", "party", "138 0013 2201"), ("云河物业（委托代理人 马俊）", "agent", "139 1177 0345"))),
    Planned(0, 60, 1, "lin", "he", "（2026）京0105民初2964号", "王秀兰诉张志强民间借贷纠纷", "证据交换",
            (("王秀兰", "party", "136 5120 8873"), ("张志强", "party", "137 1850 4426"))),
    Planned(120, 60, 0, "chen", "zhao", "（2026）京0105民初3342号", "北辰建材有限公司诉宏远装饰工程有限公司买卖合同纠纷", "第一次开庭",
            (("北辰建材（代理人 吴敏）", "agent", "135 0110 7719"), ("宏远装饰（代理人 郑凯）", "agent", "138 1039 5522"))),
    Planned(90, 90, 1, "zhou", "he", "（2026）京0105民初3015号", "刘思雨诉赵宇航离婚纠纷", "第二次开庭",
            (("刘思雨", "party", "150 1008 6631"), ("赵宇航", "party", "151 2907 4418"))),
    Planned(240, 45, 1, "lin", "he", "（2026）京0105民初3401号", "黄志远诉恒信人力资源有限公司劳动争议", "调解后开庭",
            (("黄志远", "party", "186 0115 3370"), ("恒信人力（代理人 钱进）", "agent", "139 0128 6645"),
             ("杨帆", "witness", "137 0109 2257"))),
    Planned(1440, 120, 0, "zhou", "zhao", "（2026）京0105民初3466号", "丰泽农业合作社诉顺达物流有限公司运输合同纠纷", "第一次开庭",
            (("丰泽合作社（代理人 宋洁）", "agent", "138 1122 9034"), ("顺达物流（代理人 石磊）", "agent", "136 9987 1250"))),
    Planned(0, 60, 2, "tang", "", "京云检控申〔2026〕118号", "郑桂兰不服民事判决申请监督", "远程接访",
            (("郑桂兰", "petitioner", "137 1620 5583"), ("韩松（街道接访点）", "officer", "010 6550 1180"),
             ("律师 方晓", "lawyer", "138 1177 4052")), "petition_intake"),
    Planned(300, 120, 3, "sun", "he", "京云检刑不诉〔2026〕46号", "梁志强交通肇事拟不起诉案", "公开听证",
            (("冯立群", "hearing_officer", "139 0105 6621"), ("沈若兰", "hearing_officer", "136 0123 9817"),
             ("曹文博", "hearing_officer", "158 1006 3390"), ("梁志强", "party", "150 1134 7728"),
             ("辩护律师 何琳", "agent", "138 0119 2246"), ("周秀英", "supervisor", "137 0102 4875")), "public_hearing", "tang"),
    Planned(240, 60, 4, "luo", "", "京云检公益〔2026〕9号", "北河沿线排污口整治公益诉讼磋商", "圆桌会议",
            (("区生态环境局 许安", "member", "010 6550 2231"), ("区水务局 丁海涛", "member", "010 6550 2087"),
             ("环境科学研究院 秦教授", "expert", "139 1008 4416")), "round_table"),
    Planned(180, 60, 5, "luo", "zhao", "京云检刑捕〔2026〕73号", "马某某涉嫌盗窃案", "远程提讯",
            (("马某某", "suspect", ""), ("看守所民警 田勇", "custody_officer", "010 6550 3302")), "remote_interrogation"),
)  # fmt: skip
"""Every kind of sitting is among them."""


async def seed(db: Database, settings: Settings, now: datetime) -> list[Account]:
    """Fill an empty database; later calls add today's sittings if there are none left. Passwords are made once, random,
    and kept in ``secrets/demo-accounts.json`` (0600)."""
    path = settings.secrets / "demo-accounts.json"
    if path.exists():
        accounts = [Account(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    else:
        accounts = [Account(name, role, sign_in, f"{secrets.token_hex(4)}-Yh{secrets.randbelow(90) + 10}") for name, sign_in, role in STAFF]
        settings.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump([asdict(a) for a in accounts], file, ensure_ascii=False, indent=1)
    users = await _staff(db, accounts)
    rooms = await _rooms(db)
    administrator = next(user for user in users.values() if user.role == "administrator")
    await furnish(db, administrator, now)
    await draw(db, administrator, now)
    await muster(db, users, now)
    async with db.reader() as session:
        to_come = await session.scalar(
            select(Sitting.id).where(Sitting.ends_at > now, Sitting.status.in_(("planned", "open", "live", "recess"))).limit(1)
        )
    if to_come is None:
        await _sittings(db, users, rooms, now)
    await send_out(db, users, now)
    return accounts


async def _staff(db: Database, accounts: list[Account]) -> dict[str, User]:
    async with db.reader() as session:
        users = {user.sign_in_name: user for user in await session.scalars(select(User))}
    for account in accounts:
        if account.sign_in_name not in users:
            users[account.sign_in_name] = await add_user(
                db,
                name=account.name,
                sign_in_name=account.sign_in_name,
                role=account.role,
                rank=RANKS.get(account.sign_in_name, "watch"),
                password=account.password,
            )
    return users


async def _rooms(db: Database) -> list[Room]:
    async with db.writer() as session:
        known = {room.name: room for room in await session.scalars(select(Room))}
        site = await site_named(session, COURT)
        for position, (name, name_en, kind, capacity) in enumerate(ROOMS):
            if name not in known:
                known[name] = Room(name=name, name_en=name_en, kind=kind, capacity=capacity, at=site, position=position)
                session.add(known[name])
    return [known[name] for name, *_ in ROOMS]


async def _sittings(db: Database, users: dict[str, User], rooms: list[Room], now: datetime) -> None:
    half_hour = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    for planned in SITTINGS:
        starts_at = half_hour + timedelta(minutes=planned.start)
        draft = SittingDraft(
            case_number=planned.number,
            case_title=planned.case,
            title=planned.title,
            room_id=rooms[planned.room].id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=planned.minutes),
            chair_id=users[planned.chair].id,
            clerk_id=users[planned.clerk].id if planned.clerk else "",
            prosecutor_id=users[planned.prosecutor].id if planned.prosecutor else "",
            participants=tuple(ParticipantDraft(name=n, role=r, phone=p) for n, r, p in planned.people),
            override_reason="演示场次，各方同意即时举行",
            kind=planned.kind,
        )
        try:
            await bookings.create_sitting(db, draft, users[planned.clerk or "zhao"], now)
        except UserError:
            continue  # something of the demonstration's own user is in the way: theirs stays
