"""What each role may open and do, read from the route table that enforces it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dispatch.web.access import ADMINISTRATOR, ALL_ROLES, Route, roles
from dispatch.web.request import Request, Response, gettext, render

AREAS = (
    ("Booking", ("/booking", "/sittings", "/api/v1/sittings")),
    ("My sittings", ("/today",)),
    ("Hearings", ("/hearing",)),
    ("Command centre", ("/console",)),
    ("Silent watch", ("/ws/console/sittings",)),
    ("In the field", ("/field",)),
    ("Archive", ("/archive", "/api/v1/recordings")),
    ("Keeping", ("/keeping",)),
    ("Storage", ("/storage", "/api/v1/storage")),
    ("Board in the hallway", ("/board",)),
    ("Devices of the rooms", ("/rooms",)),
    ("Catalogue", ("/catalogue",)),
    ("Staff", ("/users",)),
    ("Programs", ("/programs",)),
    ("Audit log", ("/audit",)),
)
"""Word of the catalogue, and the beginnings of the addresses that belong to it."""

May = Literal["changes", "reads", "nothing"]


@dataclass(frozen=True, slots=True)
class Area:
    """One row of the table."""

    words: str
    may: tuple[May, ...]


def may(role: str, heads: tuple[str, ...], table: tuple[Route, ...]) -> May:
    """The most that the role may do below these addresses."""
    own = [route for route in table if route.path.startswith(heads) and role in route.access.roles]
    if any(route.method != "GET" or route.answers == "socket" for route in own):
        return "changes"
    return "reads" if own else "nothing"


async def show(request: Request) -> Response:
    """The table, the roles side by side."""
    from dispatch.web.routes import ROUTES as TABLE

    _ = gettext(request)
    areas = [Area(_(word), tuple(may(role, heads, TABLE) for role in ALL_ROLES)) for word, heads in AREAS]
    return render(request, "admin/roles.html", roles=ALL_ROLES, areas=areas)


ROUTES = (Route("GET", "/roles", show, roles(ADMINISTRATOR)),)
