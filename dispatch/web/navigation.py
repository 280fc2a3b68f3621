"""The main navigation: which pages each role has, and which one it starts with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dispatch.web.access import ADMINISTRATOR, CLERK, FIELD, JUDGE, OFFICER, PROSECUTOR


@dataclass(frozen=True)
class Entry:
    """One entry: where it leads, its word (a msgid) and its icon; `current` on the pages below it."""

    path: str
    label: str
    icon: str
    current: bool = False


BOOKING = Entry("/booking", "Booking", "calendar")
REQUESTS = Entry("/booking/requests", "Requests", "check-circle")
LISTS = Entry("/booking/listing", "The week’s list", "list")
TODAY = Entry("/today", "My sittings", "gavel")
CONSOLE = Entry("/console", "Command centre", "wall")
MESSAGES = Entry("/messages", "Notices", "message")
ARCHIVE = Entry("/archive", "Archive", "archive")
KEEPING = Entry("/keeping", "Keeping", "lock")
KEEPING_SETTINGS = Entry("/keeping/settings", "Keeping", "lock")
STORAGE = Entry("/storage", "Storage", "disk")
COPIES = Entry("/copies", "Copies", "copy")
ROOMS = Entry("/rooms", "Rooms", "door")
USERS = Entry("/users", "Staff", "users")
PROGRAMS = Entry("/programs", "Programs", "network")
CATALOGUE = Entry("/catalogue/rooms", "Catalogue", "door")
ROLES = Entry("/roles", "Roles", "shield")
WEBHOOKS = Entry("/webhooks", "Webhooks", "bell")
AUDIT = Entry("/audit", "Audit log", "audit")

REPORTS = Entry("/console/reports", "Reports", "list")
FIELD_TASKS = Entry("/field", "My tasks", "list")

BY_ROLE: dict[str, tuple[Entry, ...]] = {
    CLERK: (BOOKING, TODAY, MESSAGES, CONSOLE, ARCHIVE, KEEPING, ROOMS),
    JUDGE: (TODAY, REQUESTS, ARCHIVE, KEEPING),
    PROSECUTOR: (TODAY, REQUESTS, ARCHIVE, KEEPING),
    OFFICER: (CONSOLE, ARCHIVE, KEEPING, STORAGE),
    ADMINISTRATOR: (USERS, REQUESTS, CATALOGUE, COPIES, KEEPING_SETTINGS, AUDIT, LISTS, STORAGE, REPORTS, ROLES, PROGRAMS, WEBHOOKS),
    FIELD: (FIELD_TASKS,),
}
"""The first entry of a role is its home."""
INLINE = 6
"""So many entries stand in the header of a small desk screen; a role with more has the others in a menu."""

CENTRE: tuple[tuple[Entry, frozenset[str]], ...] = (
    (Entry("/console", "Situation", "list"), frozenset({OFFICER, CLERK})),
    (Entry("/console/wall", "Wall", "wall"), frozenset({OFFICER})),
    (Entry("/console/shift", "Shift", "clock"), frozenset({OFFICER})),
    (Entry("/console/tasks", "Tasks", "pin"), frozenset({OFFICER, CLERK})),
    (Entry("/console/teams", "Teams", "users"), frozenset({OFFICER, CLERK})),
    (Entry("/console/map", "Map", "map"), frozenset({OFFICER, CLERK, ADMINISTRATOR})),
    (Entry("/console/roll-call", "Roll-call of the centre", "bell"), frozenset({OFFICER, CLERK})),
    (REPORTS, frozenset({OFFICER, ADMINISTRATOR})),
)
"""The sections of the command centre, and who has each."""

_BELOW = {"/sittings": "/booking", "/exchange": "/booking", "/catalogue": "/catalogue/rooms", "/settings": "/catalogue/rooms"}


def home(role: str) -> str:
    """Where a role starts after signing in."""
    return BY_ROLE[role][0].path


def entries(role: str, path: str) -> list[Entry]:
    """The entries of a role, the one that `path` lies below marked."""
    for head, parent in _BELOW.items():
        if path.startswith(head):
            path = parent
    if path.startswith("/copies") and COPIES not in BY_ROLE.get(role, ()):
        path = "/archive"
    return [replace(entry, current=f"{path}/".startswith(f"{entry.path}/")) for entry in BY_ROLE.get(role, ())]


def sections(role: str, path: str) -> list[Entry]:
    """The sections of the command centre that a role has; that with the longest path in common with `path` is marked."""
    found = [entry for entry, who in CENTRE if role in who]
    here = max((entry.path for entry in found if f"{path}/".startswith(f"{entry.path}/")), key=len, default="")
    return [replace(entry, current=entry.path == here) for entry in found]
