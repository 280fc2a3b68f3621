"""The staff: who there is, and in which role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from dispatch import audit
from dispatch.booking import orders
from dispatch.errors import FieldError, NotFound, Refused, UserError, ValidationFailed
from dispatch.identity import passwords
from dispatch.identity.sign_in import folded
from dispatch.notices import outbox
from dispatch.notices.addresses import is_email, masked_email, normal_email
from dispatch.store.tables import Participant, Session, Sitting, User, utc_now
from dispatch.typed import is_phone, tidy

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

RANKS = ("watch", "lead", "command")
"""of officers, the lowest first; see dispatch.console.ranks"""
ROLES = ("clerk", "judge", "prosecutor", "officer", "administrator", "field")
LANGUAGES = ("zh-CN", "en")
LONGEST_NAME = 80
_SIGN_IN_NAME = re.compile(r"[\w.@-]{2,80}")


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What an administrator may change of a member of the staff. An empty `password` leaves it as it is."""

    name: str
    role: str
    phone: str = ""
    language: str = "zh-CN"
    active: bool = True
    password: str = ""
    email: str = ""
    rank: str = "watch"
    """of an officer; nobody else has one"""


async def add_user(
    db: Database,
    *,
    name: str,
    sign_in_name: str,
    role: str,
    password: str,
    phone: str = "",
    language: str = "zh-CN",
    email: str = "",
    rank: str = "watch",
    by: User | str = "system",
    order: orders.Order | None = None,
) -> User:
    """Add a member of the staff. An `order` that was carried out before gives whom it made, as he is now. Raises ValidationFailed with
    every bad field (name, sign_in_name, role, password …), or UserError("key_reused")."""
    if order is not None:
        async with db.writer() as session:
            if made := await orders.made_before(session, order, utc_now()):
                return await session.get_one(User, made)
    errors = list(_problems(UserDraft(name, role, phone, language, email=email, rank=rank)))
    if not _SIGN_IN_NAME.fullmatch(folded(sign_in_name)):
        errors.append(("sign_in_name", "sign_in_name_shape", {}))
    errors.extend(_password_problems(password))
    async with db.reader() as session:
        taken = await session.scalar(select(User.id).where(User.sign_in_name == folded(sign_in_name)))
    if taken:
        errors.append(("sign_in_name", "sign_in_name_taken", {"name": folded(sign_in_name)}))
    if errors:
        raise ValidationFailed(errors)
    password_hash = await passwords.hashed(password)
    user = User(
        name=tidy(name),
        sign_in_name=folded(sign_in_name),
        role=role,
        rank=rank if role == "officer" else "",
        password_hash=password_hash,
        phone=phone.strip(),
        language=language,
        email=normal_email(email) if email.strip() else "",
    )
    async with db.writer() as session:
        if made := await orders.made_before(session, order, utc_now()):  # at the same time
            return await session.get_one(User, made)
        if await session.scalar(select(User.id).where(User.sign_in_name == user.sign_in_name)):
            raise ValidationFailed([("sign_in_name", "sign_in_name_taken", {"name": user.sign_in_name})])
        session.add(user)
        await session.flush()
        await orders.keep_made(session, order, user.id, utc_now())
        await audit.write(session, by, "user_added", user.sign_in_name, detail={"user": user.id, "role": role, "rank": user.rank})
    return user


async def change_user(db: Database, user_id: str, change: Callable[[User], UserDraft], by: User) -> tuple[User, int]:
    """Change a member of the staff; `change` is asked inside the transaction, with the person as he is, what he is to be.
    Gives him, and how many of his sessions ended: a new password and deactivation end them all.

    Raises NotFound, ValidationFailed with every bad field, or Refused("last_administrator").
    """
    draft = change(await get_user(db, user_id))
    if draft.password and (errors := list(_password_problems(draft.password))):
        raise ValidationFailed([*_problems(draft), *errors])
    # Hashing takes too long for a transaction; the rest of the draft is made anew inside it.
    password_hash = await passwords.hashed(draft.password) if draft.password else ""
    async with db.writer() as session:
        user = await session.get_one(User, user_id)
        draft = change(user)
        if errors := list(_problems(draft)):
            raise ValidationFailed(errors)
        await _keep_an_administrator(session, user, draft)
        user.name, user.role, user.active = tidy(draft.name), draft.role, draft.active
        user.phone, user.language = draft.phone.strip(), draft.language
        user.rank = draft.rank if draft.role == "officer" else ""
        former, user.email = user.email, normal_email(draft.email) if draft.email.strip() else ""
        if password_hash:
            user.password_hash, user.failures, user.locked_until = password_hash, 0, None
        ended = list(await session.scalars(select(Session).where(Session.user_id == user_id))) if password_hash or not user.active else []
        for each in ended:
            await session.delete(each)
        detail = {"user": user_id, "role": user.role, "rank": user.rank, "active": user.active}
        detail |= {"password": bool(password_hash), "sessions": len(ended)}
        await audit.write(session, by, "user_changed", user.sign_in_name, detail=detail)
        if user.email != former:
            detail = {"user": user_id, "former": masked_email(former), "latter": masked_email(user.email)}
            await audit.write(session, by, "address_changed", user.sign_in_name, detail=detail)
            for sitting in await session.scalars(_ahead(user_id)):
                await outbox.settle(session, db, sitting, utc_now())
    return user, len(ended)


def draft_of(user: User) -> UserDraft:
    """The draft that changes nothing."""
    return UserDraft(user.name, user.role, user.phone, user.language, user.active, email=user.email, rank=user.rank or RANKS[0])


def _ahead(user_id: str) -> Select[Sitting]:
    """The sittings to come in which somebody takes part."""
    takes_part = select(Participant.sitting_id).where(Participant.user_id == user_id, Participant.removed_at.is_(None))
    return select(Sitting).where(Sitting.status.in_(outbox.AHEAD), Sitting.id.in_(takes_part))


async def _keep_an_administrator(session: AsyncSession, user: User, draft: UserDraft) -> None:
    """Without one nobody could add people any more."""
    if user.role == "administrator" and user.active and not (draft.role == "administrator" and draft.active):
        others = select(func.count()).select_from(User).where(User.role == "administrator", User.active, User.id != user.id)
        if not await session.scalar(others):
            raise Refused("last_administrator", "role" if draft.role != "administrator" else "active")


def _problems(draft: UserDraft) -> Iterator[FieldError]:
    if not tidy(draft.name):
        yield ("name", "required", {})
    elif len(tidy(draft.name)) > LONGEST_NAME:
        yield ("name", "too_long", {"most": LONGEST_NAME})
    if draft.role not in ROLES:
        yield ("role", "role_unknown", {"role": draft.role})
    if draft.role == "officer" and draft.rank not in RANKS:
        yield ("rank", "rank_unknown", {"rank": draft.rank})
    if draft.phone.strip() and not is_phone(draft.phone):
        yield ("phone", "phone_shape", {})
    if draft.email.strip() and not is_email(draft.email):
        yield ("email", "email_shape", {})
    if draft.language not in LANGUAGES:
        yield ("language", "language_unknown", {"language": draft.language})


def _password_problems(password: str) -> Iterator[FieldError]:
    try:
        passwords.check_policy(password)
    except UserError as error:
        yield ("password", error.code, error.data)


async def list_users(db: Database, roles: Sequence[str] = (), *, active: bool | None = None) -> list[User]:
    """All users by role and name; with `roles` only those, with `active` only the active or the deactivated."""
    wanted = select(User).order_by(User.role, User.name)
    if roles:
        wanted = wanted.where(User.role.in_(roles))
    if active is not None:
        wanted = wanted.where(User.active == active)
    async with db.reader() as session:
        return list(await session.scalars(wanted))


async def get_user(db: Database, user_id: str) -> User:
    """Raises NotFound("user_unknown")."""
    async with db.reader() as session:
        user = await session.get(User, user_id)
    if user is None:
        raise NotFound("user_unknown")
    return user


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user likes: `theme` "light" or "dark", `text` "normal" or "large", `language` a tag of LANGUAGES."""

    theme: str
    text: str
    language: str

    @property
    def valid(self) -> bool:
        """Whether each is one that there is."""
        return self.theme in ("light", "dark") and self.text in ("normal", "large") and self.language in LANGUAGES


async def set_preferences(db: Database, user_id: str, chosen: Preferences) -> None:
    """Keep what a user likes. Raises ValueError for what there is not."""
    if not chosen.valid:
        raise ValueError(f"{chosen}")
    async with db.writer() as session:
        user = await session.get_one(User, user_id)
        user.theme, user.text, user.language = chosen.theme, chosen.text, chosen.language
