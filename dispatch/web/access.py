"""Who may call a handler. Each route says it; the middleware enforces it; a test walks the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

CLERK = "clerk"
JUDGE = "judge"
PROSECUTOR = "prosecutor"
OFFICER = "officer"
ADMINISTRATOR = "administrator"
FIELD = "field"
OFFICE_ROLES = (CLERK, JUDGE, PROSECUTOR, OFFICER, ADMINISTRATOR)
"""Who works inside: people in the field have their own pages and nothing else."""
ALL_ROLES = (*OFFICE_ROLES, FIELD)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Access:
    """Who passes: anybody (`public`), a browser with the resume cookie of the route's {sitting} (`link`), an enrolled
    room device (`device`), a screen of the command centre's wall (`screen`), staff of one of `roles`, with `programs` also a
    program whose token has one of them. Two are joined by ``|``: either is enough."""

    public: bool = False
    link: bool = False
    device: bool = False
    screen: bool = False
    roles: frozenset[str] = frozenset()
    programs: bool = False

    def __or__(self, other: Access) -> Access:
        return Access(
            self.public or other.public,
            self.link or other.link,
            self.device or other.device,
            self.screen or other.screen,
            self.roles | other.roles,
            self.programs or other.programs,
        )


PUBLIC = Access(public=True)
LINK = Access(link=True)
DEVICE = Access(device=True)
SCREEN = Access(screen=True)
STAFF = Access(roles=frozenset(OFFICE_ROLES))
SIGNED_IN = Access(roles=frozenset(ALL_ROLES))


def roles(*names: str) -> Access:
    """Staff of one of these roles; an unknown role is a mistake in the table."""
    unknown = set(names) - set(ALL_ROLES)
    if unknown:
        raise ValueError(f"unknown roles {sorted(unknown)}")
    return Access(roles=frozenset(names))


@dataclass(frozen=True)
class Route:
    """One row of the route table. `answers`: "page" is refused in words and sends strangers to sign in; "data" and
    "api" are refused with problem details (RFC 9457), "data" in the pages' own words, "api" in those that are described to
    programs; "socket" with a bare status. `csrf`: a changing request needs the token; only what is called by no browser may
    do without, and a program that names itself by its own token."""

    method: str
    path: str
    handler: Handler
    access: Access
    answers: Literal["page", "data", "api", "socket"] = "page"
    csrf: bool = True
