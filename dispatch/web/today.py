"""The user's own sittings of a day, with the way in."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.sittings import sittings
from dispatch.store.tables import Sitting, User
from dispatch.web import lookups
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR, Route, roles
from dispatch.web.day_grid import ENTERABLE, room_name
from dispatch.web.days import around, shown_day, today
from dispatch.web.recording_words import outstanding
from dispatch.web.request import Request, Response, ctx, language, me, render


@dataclass(frozen=True)
class Entry:
    """One sitting. `role` is the user's own; `people` the others who are no staff."""

    sitting: Sitting
    room_name: str
    role: str
    people: str
    enters: bool
    recorded: bool


def _entry(sitting: Sitting, user: User, tag: str, recorded: set[str]) -> Entry:
    own = next((person for person in sitting.participants if person.user_id == user.id), None)
    others = [person.name for person in sitting.participants if not person.user_id]
    held = next(iter(sitting.rooms), None)
    return Entry(
        sitting,
        room_name(held, tag) if held else "",
        own.role if own else "",
        (", " if tag == "en" else "、").join(others),
        own is not None and sitting.status in ENTERABLE,
        sitting.id in recorded,
    )


async def show(request: Request) -> Response:
    """The day's sittings in which the user takes part; the next one to enter stands out."""
    db, user, day = ctx(request).db, me(request), shown_day(request)
    found = await sittings.for_user(db, user.id, day)
    recorded = await lookups.recorded(db, [sitting.id for sitting in found])
    entries = [_entry(sitting, user, language(request), recorded) for sitting in found]
    first_open = next((place for place, entry in enumerate(entries) if entry.enters), -1)
    about = {"day": day, "today": today(request), "outstanding": await outstanding(db, user), **around(day)}
    return render(request, "staff/today.html", entries=entries, first_open=first_open, **about)


ROUTES = (Route("GET", "/today", show, roles(CLERK, JUDGE, PROSECUTOR)),)
