"""Joining by a personal link: notice and consent, device check, and on to the waiting room.

The token leaves the address after one redirect. Opening a link, by its owner or by a messenger's preview, consumes
nothing: it only gives a browser that is new a resume cookie.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from dispatch import audit
from dispatch.errors import UserError
from dispatch.identity import browsers, invitations
from dispatch.identity.invitations import LinkRefused
from dispatch.sittings import procedures
from dispatch.store.tables import Participant, Sitting
from dispatch.web.access import LINK, PUBLIC, Route
from dispatch.web.entrants import COOKIE_S, ENDED, Entrant, by_link, device_words
from dispatch.web.middleware import resume_cookie
from dispatch.web.notice import Notice, notice
from dispatch.web.request import Request, Response, address, clerk_contact, ctx, form, gettext, language, render, see_other, set_cookie
from dispatch.web.user_agent import parse


def opens_at(request: Request, sitting: Sitting) -> datetime:
    """From when the sitting's waiting room can be entered."""
    return sitting.starts_at - timedelta(hours=ctx(request).settings.open_hours)


def is_early(request: Request, sitting: Sitting) -> bool:
    """Whether the waiting room is not open yet."""
    return ctx(request).clock() < opens_at(request, sitting)


def has_consented(participant: Participant) -> bool:
    """Whether the participant consented. The first consent counts for the whole sitting, whatever the notice reads later."""
    return participant.consented_at is not None


async def notice_for(request: Request, sitting: Sitting) -> Notice:
    """The notice of a sitting in the page's language, by the version of the procedure by which its kind is held."""
    context, tag = ctx(request), language(request)
    procedure = await procedures.held_by(context.db, sitting.kind)
    court = context.settings.court_en if tag == "en" else context.settings.court
    return notice(gettext(request), tag, procedure, court, clerk_contact(request))


def not_agreed(request: Request, fields: Mapping[str, str], text: Notice) -> str:
    """Why the form of a consent is none, in words: other words were shown, or no box was ticked; empty if it is one."""
    _ = gettext(request)
    if fields.get("sha256") != text.sha256:
        return _("The notice has changed meanwhile. Please read it again.")
    return "" if fields.get("agree") == "yes" else _("Please tick the box if you agree.")


# ------------------------------------------------------------------------------------------------ the link


async def open_link(request: Request) -> Response:
    """The link itself: sets the resume cookie and leads to the address without the token. An embedded browser is told
    where to open it, and nothing is set there."""
    token = request.match_info["token"]
    context = ctx(request)
    try:
        invitation = await invitations.open_link(context.db, token, context.clock())
    except LinkRefused as refusal:
        return refused_link(request, refusal)
    agent = parse(request.headers.get("User-Agent", ""))
    if not agent.supported:
        return render(
            request,
            "join/unsupported.html",
            link=f"{context.settings.public_url}/join/{token}",
            app=agent.embedded,
            why="embedded" if agent.embedded else "unsupported",
        )
    sitting = invitation.participant.sitting
    secret, _browser = await browsers.enter(
        context.db,
        sitting_id=sitting.id,
        invitation_id=invitation.id,
        secret=request.cookies.get(resume_cookie(sitting.id)),
        device=device_words(request),
        language=language(request),
    )
    response = see_other(f"/join/sitting/{sitting.id}/")
    set_cookie(request, response, resume_cookie(sitting.id), secret, max_age=COOKIE_S)
    return response


def refused_link(request: Request, refusal: LinkRefused) -> Response:
    """A link that does not open, in words, with the clerk's telephone."""
    return render(
        request, "join/problem.html", status=refusal.status, code=refusal.code, sitting=refusal.sitting, revoked_as=refusal.revoked_as
    )


def refused(request: Request, error: UserError) -> Response:
    """Any refusal on a citizen's page."""
    if isinstance(error, LinkRefused):
        return refused_link(request, error)
    return render(request, "join/problem.html", status=error.status, code=error.code, sitting=None, revoked_as="")


def ended(request: Request, sitting: Sitting) -> Response:
    """The page of a sitting that is over."""
    return render(request, "join/problem.html", status=410, code=f"sitting_{sitting.status}", sitting=sitting, revoked_as="")


async def _present(request: Request) -> Entrant | Response:
    """The participant behind the cookie, or the page that says why there is nothing to join."""
    try:
        found = await by_link(request)
    except UserError as error:
        return refused(request, error)
    return ended(request, found.sitting) if found.sitting.status in ENDED else found


# ------------------------------------------------------------------------------------------------ notice and consent


async def show_notice(request: Request) -> Response:
    """First step: what happens with picture and voice, and consent to it."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    person = found.participants[0]
    return render(
        request,
        "join/notice.html",
        sitting=found.sitting,
        person=person,
        notice=await notice_for(request, found.sitting),
        consented=has_consented(person),
        error="",
    )


async def consent(request: Request) -> Response:
    """The act of consenting: a ticked box and a pressed button, to the very words that were shown."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    fields, person, text = await form(request), found.participants[0], await notice_for(request, found.sitting)
    error = not_agreed(request, fields, text)
    if error:
        return render(
            request, "join/notice.html", status=422, sitting=found.sitting, person=person, notice=text, consented=False, error=error
        )
    context = ctx(request)
    await context.live.consent(
        found.sitting.id,
        person.id,
        version=text.version,
        text=text.text,
        device=found.browser.device,
        address=address(request),
    )
    return see_other(f"/join/sitting/{found.sitting.id}/check")


async def refuse(request: Request) -> Response:
    """The act of refusing: noted in the audit, and nothing else follows from it here."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    person = found.participants[0]
    subject = f"{found.sitting.case.number} {person.name}"
    await audit.record(
        ctx(request).db, person.name, "consent_refused", subject, address=address(request), detail={"participant": person.id}
    )
    return see_other(f"/join/sitting/{found.sitting.id}/refused")


async def show_refused(request: Request) -> Response:
    """What happens now that somebody does not want to take part online."""
    found = await _present(request)
    return render(request, "join/refused.html", sitting=found.sitting) if isinstance(found, Entrant) else found


# ------------------------------------------------------------------------------------------------ on the way


async def show_check(request: Request) -> Response:
    """Second step: camera, microphone, speaker and the path to the court."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    if not has_consented(found.participants[0]):
        return see_other(f"/join/sitting/{found.sitting.id}/")
    base = f"/join/sitting/{found.sitting.id}"
    data = {
        "base": f"{base}/check",
        "next": f"{base}/waiting",
        "unsupported": f"{base}/unsupported",
        "sitting": found.sitting.id,
    }
    return render(
        request, "join/check.html", sitting=found.sitting, person=found.participants[0], data=data, early=is_early(request, found.sitting)
    )


async def waiting(request: Request) -> Response:
    """Third step: the waiting room, which is the hearing's own page; before it opens, when to come back."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    if not has_consented(found.participants[0]):
        return see_other(f"/join/sitting/{found.sitting.id}/")
    if is_early(request, found.sitting):
        return render(
            request, "join/early.html", sitting=found.sitting, person=found.participants[0], opens_at=opens_at(request, found.sitting)
        )
    return see_other(f"/hearing/{found.sitting.id}?via=link")


async def unsupported(request: Request) -> Response:
    """Where the page's own test sends a browser that cannot take part."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    context = ctx(request)
    token = await invitations.link_of(context.db, found.participants[0].id)
    link = f"{context.settings.public_url}/join/{token}" if token else ""
    why = "insecure" if request.query.get("why") == "insecure" else "unsupported"
    return render(request, "join/unsupported.html", link=link, app="", why=why)


ROUTES = (
    Route("GET", "/join/{token}", open_link, PUBLIC),
    Route("GET", "/join/sitting/{sitting}/", show_notice, LINK),
    Route("POST", "/join/sitting/{sitting}/consent", consent, LINK),
    Route("POST", "/join/sitting/{sitting}/refuse", refuse, LINK),
    Route("GET", "/join/sitting/{sitting}/refused", show_refused, LINK),
    Route("GET", "/join/sitting/{sitting}/check", show_check, LINK),
    Route("GET", "/join/sitting/{sitting}/waiting", waiting, LINK),
    Route("GET", "/join/sitting/{sitting}/unsupported", unsupported, LINK),
)
