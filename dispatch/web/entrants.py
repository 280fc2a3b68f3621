"""Who enters a sitting's page: by a personal link, as a signed-in member of the staff, or as a room's own device.

One computer may be all three (a clerk who tries a party's link), so link and staff have a resume cookie each, and the page
says with ``?via=`` as whom it enters. A room's device is known by its token; who sits at it says the sitting's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dispatch.errors import NotFound, UserError
from dispatch.identity import browsers, invitations
from dispatch.sittings import sittings
from dispatch.store.tables import Browser, Participant, Sitting
from dispatch.web.middleware import resume_cookie
from dispatch.web.request import Request, Response, ctx, language, room_device, set_cookie, visitor
from dispatch.web.request import browser as link_browser
from dispatch.web.user_agent import parse
from rooms.plan import Ticket

Via = Literal["link", "staff", "device"]
ENDED = ("closed", "cancelled")


class LinkExpired(UserError):
    """The link behind the resume cookie has run out since it was opened."""

    status = 410


@dataclass(frozen=True)
class Entrant:
    """A browser with the people it carries into a sitting. `fresh` is the resume secret if it has to be set as a cookie."""

    via: Via
    sitting: Sitting
    browser: Browser
    participants: tuple[Participant, ...]
    fresh: str = ""

    def ticket(self, user: str = "") -> Ticket:
        """What the live plane is told about this browser's WebSocket."""
        ids = tuple(participant.id for participant in self.participants)
        device, shared = self.browser.device, self.via == "device"
        return Ticket(self.sitting.id, self.browser.endpoint, "participant", ids, device, user, device, shared)


def device_words(request: Request) -> str:
    """The browser and the system in words: "Chrome · Windows"."""
    return str(parse(request.headers.get("User-Agent", "")))


def wanted(request: Request) -> tuple[Via, ...]:
    """As whom the page wants to enter, first choice first."""
    via = request.query.get("via", "")
    known: tuple[Via, ...] = ("staff", "link", "device")
    return tuple(one for one in known if one == via) or known


async def entrant(request: Request, *, make: bool) -> Entrant | None:
    """The one who asks, if he has a place in the sitting of the address; `make`: give a browser that is new an endpoint.

    Raises :class:`dispatch.errors.UserError` where there is no such sitting, or for a link that no longer opens.
    """
    sitting = await sittings.in_sight(ctx(request).db, request.match_info["sitting"])
    for via in wanted(request):
        if via == "device":
            found = await _by_device(request, sitting)
        else:
            found = await _by_link(request, sitting) if via == "link" else await _by_own_cookie(request, sitting, make=make)
        if found is not None:
            return found
    return None


async def by_link(request: Request) -> Entrant:
    """The participant of the personal link behind the resume cookie. For routes with LINK access; raises LinkRefused."""
    sitting = await sittings.in_sight(ctx(request).db, request.match_info["sitting"])
    found = await _by_link(request, sitting)
    if found is None:
        raise NotFound("sitting_unknown")
    return found


async def _by_link(request: Request, sitting: Sitting) -> Entrant | None:
    browser = link_browser(request)
    if browser is None:
        return None
    people = await browsers.participants_of(ctx(request).db, browser)
    if not people:
        return None
    own = (one for person in sitting.participants for one in person.invitations if one.id == browser.invitation_id)
    expired = all(one.expires_at <= ctx(request).clock() for one in own)
    if expired and sitting.status not in (*ENDED, *invitations.UNDER_WAY):
        raise LinkExpired("link_expired", title=sitting.title)
    return Entrant("link", sitting, browser, people)


async def by_device(request: Request) -> Entrant:
    """The room's device that asks, with the people who sit at it, which may be nobody yet. For routes with DEVICE access; raises
    NotFound where the sitting is not in its room."""
    sitting = await sittings.in_sight(ctx(request).db, request.match_info["sitting"])
    found = await _by_device(request, sitting)
    if found is None:
        raise NotFound("sitting_unknown")
    return found


async def _by_device(request: Request, sitting: Sitting) -> Entrant | None:
    device = room_device(request)
    if device is None or not sitting.is_in(device.room_id):
        return None
    context = ctx(request)
    browser = await browsers.enter_room(context.db, sitting.id, device, language(request))
    seated = context.hub.sitting_at(sitting.id, browser.endpoint)
    return Entrant("device", sitting, browser, tuple(person for person in sitting.participants if person.id in seated))


async def _by_own_cookie(request: Request, sitting: Sitting, *, make: bool) -> Entrant | None:
    """Staff: who they are says their session; the cookie only brings them back to their endpoint."""
    user = visitor(request)
    if user is None or not any(person.user_id == user.id for person in sitting.participants):
        return None
    db, secret = ctx(request).db, request.cookies.get(own_cookie("staff", sitting.id), "")
    known = await browsers.browser(db, secret) if secret else None
    if known is not None and (known.sitting_id, known.user_id) == (sitting.id, user.id):
        people = await browsers.participants_of(db, known)
        return Entrant("staff", sitting, known, people) if people else None
    if not make:
        return None
    fresh, known = await browsers.enter(
        db, sitting_id=sitting.id, secret=None, device=device_words(request), language=language(request), user_id=user.id
    )
    people = await browsers.participants_of(db, known)
    return Entrant("staff", sitting, known, people, fresh) if people else None


def own_cookie(via: Via, sitting: str) -> str:
    """Name of the resume cookie of staff; links have :func:`dispatch.web.middleware.resume_cookie`."""
    return resume_cookie(sitting) if via == "link" else f"resume-{via}-{sitting}"


def remember(request: Request, response: Response, found: Entrant) -> None:
    """Set the resume cookie of a browser that is new."""
    if found.fresh:
        set_cookie(request, response, own_cookie(found.via, found.sitting.id), found.fresh, max_age=COOKIE_S)


COOKIE_S = 60 * 60 * 24 * 90
"""Life of a resume cookie: links are given weeks before a hearing. What it opens ends with the sitting."""
