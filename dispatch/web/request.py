"""What handlers need of a request: context, person, language, forms, answers. Handlers import from here, not from the middleware."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web
from markupsafe import Markup

from dispatch.errors import UserError, ValidationFailed
from dispatch.store.tables import Browser, RoomDevice, Session, User
from dispatch.store.wall_tables import Wall
from dispatch.web import formats
from dispatch.web.context import CONTEXT, Context
from dispatch.web.navigation import INLINE, entries, sections
from dispatch.web.templates import TEMPLATES
from dispatch.web.translations import LANGUAGES, Catalogue, catalogue

Request = web.Request
Response = web.StreamResponse

REQUEST_ID = web.RequestKey("request_id", str)
LANGUAGE = web.RequestKey("language", str)
SESSION: web.RequestKey[Session | None] = web.RequestKey("session", Session)
ROOM_DEVICE: web.RequestKey[RoomDevice | None] = web.RequestKey("room_device", RoomDevice)
WALL_SCREEN: web.RequestKey[Wall | None] = web.RequestKey("wall_screen", Wall)
BROWSER: web.RequestKey[Browser] = web.RequestKey("browser", Browser)
VISITOR = web.RequestKey("visitor", str)
PROGRAM: web.RequestKey[User | None] = web.RequestKey("program", User)
"""Set where a bearer token was given; None where it is not good. Such a request has no session, whatever cookies it carries."""


def ctx(request: Request) -> Context:
    """The application's context."""
    return request.app[CONTEXT]


def zone(request: Request) -> ZoneInfo:
    """The court's time zone."""
    return ctx(request).settings.zone


def session(request: Request) -> Session | None:
    """The staff session of this request, if any."""
    found: Session | None = request.get(SESSION)
    return found


def visitor(request: Request) -> User | None:
    """The staff member who is signed in, or the program that asks by its token, if any."""
    found = session(request)
    return found.user if found else program(request)


def program(request: Request) -> User | None:
    """The program that asks by a good token, if any (the API alone)."""
    found: User | None = request.get(PROGRAM)
    return found


def bearer_token(request: Request) -> str | None:
    """The token of an ``Authorization: Bearer`` header (RFC 6750 section 2.1), if there is one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def me(request: Request) -> User:
    """The staff member or program that asks. Only for routes whose access names these alone."""
    user = visitor(request)
    if user is None:
        raise web.HTTPForbidden(text="no staff session")
    return user


def room_device(request: Request) -> RoomDevice | None:
    """The enrolled room device that asks, if any."""
    found: RoomDevice | None = request.get(ROOM_DEVICE)
    return found


def wall_screen(request: Request) -> Wall | None:
    """The screen of the command centre's wall that asks, if any (routes with SCREEN access)."""
    found: Wall | None = request.get(WALL_SCREEN)
    return found


def browser(request: Request) -> Browser | None:
    """The browser known by the resume cookie of the route's {sitting}, if any (routes with LINK access)."""
    found: Browser | None = request.get(BROWSER)
    return found


def address(request: Request) -> str:
    """Where the request comes from: the peer, or what the trusted proxy in front says (X-Forwarded-For's last hop)."""
    settings = ctx(request).settings
    if settings.behind_proxy:
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        if hops[-1].strip():
            return hops[-1].strip()
    return request.remote or ""


def language(request: Request) -> str:
    """Language tag of the answer: "zh-CN" or "en"."""
    tag: str = request.get(LANGUAGE, "zh-CN")
    return tag


def texts(request: Request) -> Catalogue:
    """The catalogue of the answer's language."""
    return catalogue(language(request))


def translate(request: Request, msgid: str, /, **values: object) -> str:
    """`msgid` in the answer's language."""
    return texts(request).gettext(msgid, **values)


def gettext(request: Request) -> Callable[..., str]:
    """The function for ``_ = gettext(request)``: texts in the answer's language, {values} filled."""
    return texts(request).gettext


def error_text(request: Request, error: UserError) -> str:
    """What a refused operation says to the person, in words; of bad input, what is wrong with each field."""
    if isinstance(error, ValidationFailed):
        said = dict.fromkeys(translate(request, f"error.{code}", **data) for _field, code, data in error.errors)
        return " ".join(said)
    return translate(request, f"error.{error.code}", **error.data)


def clerk_contact(request: Request) -> str:
    """The clerk's telephone, shown wherever a citizen is stuck."""
    return ctx(request).settings.clerk_phone


def csrf(request: Request) -> str:
    """The token a changing request must carry: the session's, or for people without a session one derived from their
    own random cookie, which another site can neither read nor set."""
    found = session(request)
    if found is not None:
        return found.csrf
    return hashlib.sha256(b"csrf:" + str(request.get(VISITOR, "")).encode()).hexdigest()


def is_own_origin(request: Request) -> bool:
    """Whether the Origin header names this site: its public address or the very host that was asked. Absent: not own."""
    origin = request.headers.get("Origin", "")
    if not origin or origin == "null":
        return False
    public = urlsplit(ctx(request).settings.public_url)
    given = urlsplit(origin)
    return (given.scheme, given.netloc) == (public.scheme, public.netloc) or given.netloc == request.host


def is_secure(request: Request) -> bool:
    """Whether people reach the site by https: cookies are Secure then, but on what a site with a certificate leaves open to
    plain http (dispatch/web/plain_http.py), where a browser would not take them."""
    settings = ctx(request).settings
    return settings.public_url.startswith("https:") and (request.secure or not settings.has_certificate or settings.behind_proxy)


def set_cookie(
    request: Request,
    response: web.StreamResponse,
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    same_site: str = "Lax",
    path: str = "/",
) -> None:
    """Set a cookie that scripts cannot read, Secure where the site is."""
    response.set_cookie(name, value, max_age=max_age, httponly=True, samesite=same_site, secure=is_secure(request), path=path)


async def form(request: Request) -> dict[str, str]:
    """The fields of a submitted form, spaces around taken off. A field given twice keeps the last; see `rows` for lists."""
    posted = await request.post()
    return {name: value.strip() for name, value in posted.items() if isinstance(value, str) and name != "_csrf"}


async def json_of(request: Request) -> dict[str, Any]:
    """The object that was sent. Raises HTTPBadRequest."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    return body


def rows(fields: Mapping[str, str], prefix: str) -> list[dict[str, str]]:
    """Repeated groups of a form, ``prefix-0-name``, ``prefix-0-role``, ``prefix-1-name`` …, in the order of their numbers."""
    groups: dict[int, dict[str, str]] = {}
    for name, value in fields.items():
        head, _, rest = name.partition("-")
        number, _, key = rest.partition("-")
        if head == prefix and number.isdigit() and key:
            groups.setdefault(int(number), {})[key] = value
    return [groups[number] for number in sorted(groups)]


def render(request: Request, template: str, *, status: int = 200, **data: Any) -> web.Response:
    """A page in the person's language. Pages are never stored: they show what is so now, to one person.

    Beside `data` its template has `_('text', name=…)`, `csrf_field()`, `csrf`, `lang`, `languages`, `me`, `court`, `clerk_phone`, `path`,
    `now`, `time_zone`, `request_id`, `large_text`, `theme`, `navigation`, `inline_entries`, `centre_sections`, `switch(name, value)` (the
    address of this page in another language or text size); `fmt_clock(t)`, `fmt_day(t)`, `fmt_day_long(t)`, `fmt_date(t)`,
    `fmt_lately(t)`, `fmt_minute(t)`, `fmt_moment(t)`, `fmt_duration(span)`, `fmt_phone(number)`, all in the court's time zone.
    """
    body = request.app[TEMPLATES].page(template, _of_every_page(request) | data)
    response = web.Response(text=body, status=status, content_type="text/html", charset="utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _of_every_page(request: Request) -> dict[str, Any]:
    tag, context, person, token = language(request), ctx(request), visitor(request), csrf(request)
    return {
        "_": gettext(request),
        "lang": tag,
        "languages": list(LANGUAGES),
        "me": person,
        "court": context.settings.court_en if tag == "en" else context.settings.court,
        "clerk_phone": clerk_contact(request),
        "path": request.path,
        "csrf": token,
        "csrf_field": lambda: Markup('<input type="hidden" name="_csrf" value="{}">').format(token),
        "now": context.clock(),
        "large_text": (request.cookies.get("text") or (person.text if person else "")) == "large",
        "theme": person.theme if person else "light",
        "request_id": request.get(REQUEST_ID, ""),
        "time_zone": context.settings.time_zone,
        "navigation": entries(person.role, request.path) if person else [],
        "inline_entries": INLINE,
        "centre_sections": sections(person.role, request.path) if person else [],
        "switch": lambda name, value: str(request.rel_url.update_query({name: value})),
        **formats.for_page(tag, zone(request)),
    }


def see_other(path: str) -> web.Response:
    """Go on to another page after a change (303)."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def answer(data: Any, *, status: int = 200) -> web.Response:
    """JSON, never stored."""
    response = web.json_response(data, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def problem(
    request: Request, status: int, title: str, *, code: str = "", errors: Iterable[tuple[str, str]] = (), **extra: Any
) -> web.Response:
    """Problem details (RFC 9457). `errors`: every bad field with its words. The request's id is the instance."""
    body: dict[str, Any] = {"type": f"about:blank#{code}" if code else "about:blank", "title": title, "status": status}
    body["instance"] = str(request.get(REQUEST_ID, ""))
    if code:
        body["code"] = code
    listed = [{"field": field, "detail": text} for field, text in errors]
    if listed:
        body["errors"] = listed
    body.update(extra)
    response = web.json_response(body, status=status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    return response
