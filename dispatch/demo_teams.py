"""The demonstration's teams in the field: the nine of the district, each with officers and a grid worker. Everybody is made up."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dispatch.console.field import teams
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.store.tables import User, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dispatch.store.database import Database

TEAMS = (
    ("望河中队", "Wanghe team", "望河街道", "010 6550 4101", ("程海", "chenghai"), ("蒋雪", "jiangxue"), ("董桂芬", "dongguifen")),
    ("南桥中队", "Nanqiao team", "南桥街道", "010 6550 4102", ("邵强", "shaoqiang"), ("龙婷", "longting"), ("万树生", "wanshusheng")),
    ("北苑中队", "Beiyuan team", "北苑街道", "010 6550 4103", ("段毅", "duanyi"), ("雷芸", "leiyun"), ("贺春兰", "hechunlan")),
    ("东坝中队", "Dongba team", "东坝乡", "010 6550 4104", ("汤磊", "tanglei"), ("尹洁", "yinjie"), ("黎满仓", "limancang")),
    ("西岭中队", "Xiling team", "西岭镇", "010 6550 4105", ("武刚", "wugang"), ("乔楠", "qiaonan"), ("赖有福", "laiyoufu")),
    ("柳泉中队", "Liuquan team", "柳泉镇", "010 6550 4106", ("文博远", "wenboyuan"), ("庞静", "pangjing"), ("樊玉珍", "fanyuzhen")),
    ("石门中队", "Shimen team", "石门乡", "010 6550 4107", ("兰波", "lanbo"), ("殷悦", "yinyue"), ("施大成", "shidacheng")),
    ("清河中队", "Qinghe team", "清河街道", "010 6550 4108", ("陶勇", "taoyong"), ("洪琳", "honglin"), ("翟秀梅", "zhaixiumei")),
    ("新区中队", "New district team", "经济开发区", "010 6550 4109", ("安宁", "anning"), ("颜冰", "yanbing"), ("倪传宝", "nichuanbao")),
)  # fmt: skip
"""Name, in English, where, telephone; then its leader, an officer, and a grid worker, each with the name to sign in by."""
DUTIES = (("officer", True), ("officer", False), ("grid_worker", False))


async def muster(db: Database, users: Mapping[str, User], now: datetime) -> None:
    """Make the teams that there are not. `users` by the name to sign in by; whoever is not among them has no password until an
    administrator gives him one."""
    known = {team.name for team in await teams.listed(db, everything=True)}
    for name, name_en, area, phone, *people in TEAMS:
        if name in known:
            continue
        own = [users.get(sign_in) or _without_password(person, sign_in) for person, sign_in in people]
        async with db.writer() as session:
            session.add_all(user for user in own if user.sign_in_name not in users)
        members = tuple(Member(user.id, duty, leads) for user, (duty, leads) in zip(own, DUTIES, strict=True))
        await teams.add(db, TeamDraft(name, name_en, area, phone, members=members), "demo", now)


def _without_password(name: str, sign_in_name: str) -> User:
    return User(id=new_id(), name=name, sign_in_name=sign_in_name, role=teams.FIELD, password_hash="")
