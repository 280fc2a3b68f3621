"""A court at a running site: its people, its rooms, and sittings that begin now."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatch.booking import bookings
from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.identity import invitations
from dispatch.identity.people import add_user
from dispatch.settings import load
from dispatch.store.database import Database
from dispatch.store.tables import Room, User, utc_now
from tests.browser.site import Site

PASSWORD = "Yunhe-2026-court"
TITLES = {
    "remote_court": "第一次开庭",
    "petition_intake": "远程接访",
    "public_hearing": "拟不起诉公开听证",
    "round_table": "检察官联席会议",
    "remote_interrogation": "第一次提讯",
}
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signs in."""

    user: User
    sign_in_name: str
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class Held:
    """A sitting, its people by name (participant ids), and the personal links of those who have one."""

    id: str
    room: Room
    chair: Account
    clerk: Account | None
    participants: dict[str, str]
    links: dict[str, str]


@dataclass
class Court:
    """The control plane of `site`, used the way its pages use it. Made by :meth:`open`."""

    site: Site
    db: Database
    _made: int = field(default=0)

    @classmethod
    async def open(cls, site: Site) -> Court:
        """Connect to the database of a running site."""
        return cls(site, await Database.open(load(site.environment)))

    async def close(self) -> None:
        """Disconnect. Idempotent."""
        await self.db.close()

    async def person(self, role: str, name: str = "", language: str = "zh-CN", rank: str = "watch") -> Account:
        """A new member of the staff, whose pages are in this language; `rank`: of an officer."""
        self._made += 1
        mark = secrets.token_hex(3)
        name = name or f"{SURNAMES[self._made % len(SURNAMES)]}{mark}"
        sign_in_name = f"{role}-{mark}"
        user = await add_user(self.db, name=name, sign_in_name=sign_in_name, role=role, password=PASSWORD, language=language, rank=rank)
        return Account(user, sign_in_name)

    async def room(self, name: str = "") -> Room:
        """A new room, free all day."""
        mark = secrets.token_hex(3)
        room = Room(name=name or f"第{mark}法庭", name_en=f"Court room {mark}", kind="court")
        async with self.db.writer() as session:
            session.add(room)
        return room

    async def sitting(
        self,
        parties: tuple[tuple[str, str], ...] = (("李明", "party"), ("王芳", "party")),
        *,
        kind: str = "remote_court",
        with_clerk: bool = False,
        starts_in: timedelta = timedelta(minutes=-1),
        starts_at: datetime | None = None,
        length: timedelta = timedelta(hours=1),
        room: Room | None = None,
        guards: tuple[str, str] | None = None,
        screened: tuple[str, str] | None = None,
        language: str = "zh-CN",
    ) -> Held:
        """A sitting of this kind with a judge of its own in the chair and these parties (name, role). `guards`: a guardian and the minor
        whose guardian he is; `screened`: two who must not see or hear each other; `language`: that of the pages of chair and clerk."""
        chair = await self.person("judge", language=language)
        clerk = await self.person("clerk", language=language) if with_clerk else None
        by = clerk or await self.person("clerk")
        room = room or await self.room()
        now = utc_now()
        begin = starts_at or now + starts_in
        number = secrets.randbelow(9000) + 1000
        guardian, ward = guards or ("", "")
        draft = SittingDraft(
            case_number=f"（2026）京0105民初{number}{self._made}号",
            case_title=f"{parties[0][0]}诉某公司买卖合同纠纷",
            title=TITLES[kind],
            kind=kind,
            room_id=room.id,
            starts_at=begin,
            ends_at=begin + length,
            chair_id=chair.user.id,
            clerk_id=clerk.user.id if clerk else "",
            participants=tuple(
                ParticipantDraft(name=name, role=role, phone="13800138000", key=name, guards=ward if name == guardian else "")
                for name, role in parties
            ),
            apart=(screened,) if screened else (),
            override_reason="双方当事人同意即时开庭",
        )
        sitting = await bookings.create_sitting(self.db, draft, by.user, now)
        named = {participant.name: participant.id for participant in sitting.participants}
        links = {}
        for participant in sitting.participants:
            token = await invitations.link_of(self.db, participant.id)
            if token is not None:
                links[participant.name] = f"{self.site.url}/join/{token}"
        return Held(sitting.id, room, chair, clerk, named, links)
