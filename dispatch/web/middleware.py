"""What happens around every handler, from the outside in: request log, errors, who asks, may he, is the change his own.

Order: request id and log → errors as pages → language → who (session, room device, resume cookie) → access → CSRF.
"""

from __future__ import annotations

import hmac
import secrets
import time
from datetime import timedelta
from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dispatch import audit
from dispatch.console.wall import screens
from dispatch.errors import UserError, ValidationFailed
from dispatch.identity import browsers, devices, programs, sign_in
from dispatch.identity.tokens import is_token, new_token
from dispatch.web.access import Access, Route
from dispatch.web.api import problems
from dispatch.web.logs import masked_path
from dispatch.web.plain_http import lead_to_https
from dispatch.web.request import (
    BROWSER,
    LANGUAGE,
    PROGRAM,
    REQUEST_ID,
    ROOM_DEVICE,
    SESSION,
    VISITOR,
    WALL_SCREEN,
    address,
    bearer_token,
    csrf,
    ctx,
    error_text,
    is_own_origin,
    problem,
    program,
    render,
    see_other,
    session,
    set_cookie,
    translate,
    visitor,
)
from dispatch.web.request_metrics import count
from dispatch.web.translations import LANGUAGES, negotiate

log = structlog.get_logger("web")

SESSION_COOKIE = "session"
DEVICE_COOKIE = "device"
SCREEN_COOKIE = "wall-screen"
VISITOR_COOKIE = "visitor"
LANGUAGE_COOKIE = "language"
TEXT_COOKIE = "text"

YEAR = int(timedelta(days=365).total_seconds())
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
CONTENT_SECURITY_POLICY = "; ".join(_POLICY)
PERMISSIONS_POLICY = "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), geolocation=(), usb=()"

ROUTES_BY_HANDLER = web.AppKey("routes", dict[tuple[str, str], Route])


def resume_cookie(sitting: str) -> str:
    """Name of the cookie by which a browser comes back to its place in a sitting."""
    return f"resume-{sitting}"


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, streams and errors too (signal on_response_prepare)."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers["X-Request-Id"] = str(request.get(REQUEST_ID, ""))
    headers["Server"] = "dispatch"
    settings = ctx(request).settings
    if settings.public_url.startswith("https:") and not settings.own_authority:  # whose page of trust is reached by http
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


def route_of(request: web.Request) -> Route | None:
    """The row of the route table that answers, None for unknown addresses and static files."""
    resource = request.match_info.route.resource
    if resource is None:
        return None
    return request.app[ROUTES_BY_HANDLER].get((request.method, resource.canonical))


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line per request: method, path without secrets, status, time. The id is in the answer and on error pages."""
    request[REQUEST_ID] = secrets.token_hex(6)
    started = time.perf_counter()
    status = 500
    with structlog.contextvars.bound_contextvars(request=request[REQUEST_ID]):
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            if not request.path.startswith("/static/"):
                person, seconds = visitor(request), time.perf_counter() - started
                count(route_of(request), request.method, status, seconds)
                log.info(
                    "request",
                    method=request.method,
                    path=masked_path(request.path),
                    status=status,
                    ms=round(seconds * 1000, 1),
                    user=person.id if person else "",
                )


def wants_data(request: web.Request) -> bool:
    """Whether a program asks: answers are problem details then, and no page."""
    route = route_of(request)
    return route.answers != "page" if route else request.path.startswith("/api/")


def speaks_api(request: web.Request) -> bool:
    """Whether answers are those that are described to programs."""
    route = route_of(request)
    return route.answers == "api" if route else request.path.startswith("/api/")


def error_page(request: web.Request, status: int, title: str, text: str = "") -> web.Response:
    """A refusal in words: problem details for programs, a page with the request's id for people."""
    if speaks_api(request):
        return problems.of_status(request, status)
    if wants_data(request):
        return problem(request, status, title, detail=text) if text else problem(request, status, title)
    return render(request, "errors/error.html", status=status, title=title, text=text, error_status=status)


def _words_for(request: web.Request, status: int) -> tuple[str, str]:
    def _(msgid: str) -> str:
        return translate(request, msgid)

    if status == 404:
        return _("There is no such page"), _("The address may be mistyped, or what it showed is no longer there.")
    if status == 403:
        return _("You may not open this"), _("Your role does not allow it. Ask the administrator if you need it for your work.")
    if status == 405:
        return _("This address cannot be used like that"), _("Go back and try again from the page itself.")
    if status == 413:
        return _("That is too much at once"), _("What was sent is larger than this page accepts.")
    if status < 500:
        return _("The request was not understood"), _("Go back and try again from the page itself.")
    return _("Something went wrong here"), _("Nothing was changed. Try again; if it stays, tell the administrator the number below.")


@web.middleware
async def show_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The three kinds of error: refused by a rule → its words; HTTP refusal → its page; anything else → logged, shown by id."""
    try:
        return await handler(request)
    except UserError as error:
        if speaks_api(request):
            return problems.of_error(request, error)
        if wants_data(request):
            return problem(request, error.status, error_text(request, error), code=error.code, errors=_field_errors(request, error))
        return error_page(request, error.status, error_text(request, error))
    except web.HTTPException as error:
        if error.status < 400 or request.headers.get("Upgrade"):
            raise
        page = error_page(request, error.status, *_words_for(request, error.status))
        if isinstance(error, web.HTTPMethodNotAllowed):
            page.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return page
    except (ConnectionResetError, TimeoutError):
        raise
    except Exception:
        log.exception("request failed", path=masked_path(request.path))
        return error_page(request, 500, *_words_for(request, 500))


def _field_errors(request: web.Request, error: UserError) -> list[tuple[str, str]]:
    if isinstance(error, ValidationFailed):
        return [(field, translate(request, f"error.{code}", **data)) for field, code, data in error.errors]
    return [(error.field, error_text(request, error))] if error.field else []


@web.middleware
async def choose_language(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Language: the switch (?language=en) → cookie → the user's own → the browser's → zh-CN. Text size likewise (?text=large)."""
    chosen = {LANGUAGE_COOKIE: request.query.get("language", ""), TEXT_COOKIE: request.query.get("text", "")}
    allowed = {LANGUAGE_COOKIE: tuple(LANGUAGES), TEXT_COOKIE: ("large", "normal")}
    switched = {name: value for name, value in chosen.items() if value in allowed[name]}
    if switched and request.method == "GET" and not request.path.startswith(("/static/", "/api/")):
        response = see_other(str(request.rel_url.without_query_params("language", "text")))
        for name, value in switched.items():
            set_cookie(request, response, name, value, max_age=YEAR)
        return response
    cookie = request.cookies.get(LANGUAGE_COOKIE, "")
    request[LANGUAGE] = cookie if cookie in LANGUAGES else negotiate(request.headers.get("Accept-Language", ""))
    return await handler(request)


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks: a staff session, a room's device, a screen of the wall, a browser that opened a personal link, each by its own
    cookie; or a program by its bearer token, which counts before any cookie."""
    context, cookies = ctx(request), request.cookies
    if request.path.startswith("/static/"):
        return await handler(request)
    audit.ADDRESS.set(address(request))
    if request.path.startswith("/api/") and (bearer := bearer_token(request)) is not None:
        request[PROGRAM] = await programs.program(context.db, bearer, context.clock())
        return await handler(request)
    if token := cookies.get(SESSION_COOKIE):
        request[SESSION] = await sign_in.session(context.db, token, context.clock())
        found = session(request)
        if found is not None and LANGUAGE_COOKIE not in cookies and found.user.language in LANGUAGES:
            request[LANGUAGE] = found.user.language
    if token := cookies.get(DEVICE_COOKIE):
        request[ROOM_DEVICE] = await devices.device(context.db, token)
    if (token := cookies.get(SCREEN_COOKIE)) and (route := route_of(request)) is not None and route.access.screen:
        request[WALL_SCREEN] = await screens.screen(context.db, token)
    sitting = request.match_info.get("sitting")
    if sitting and (secret := cookies.get(resume_cookie(sitting))):
        found_browser = await browsers.browser(context.db, secret)
        if found_browser is not None and found_browser.sitting_id == sitting:
            request[BROWSER] = found_browser
    known = cookies.get(VISITOR_COOKIE, "")
    request[VISITOR] = known if is_token(known) else new_token()
    response = await handler(request)
    if request[VISITOR] != known and not response.prepared and not request.path.startswith("/api/"):
        set_cookie(request, response, VISITOR_COOKIE, request[VISITOR])
    return response


def is_allowed(request: web.Request, access: Access) -> bool:
    """Whether the one who asks is among those the route names."""
    found, asking = session(request), program(request)
    return (
        access.public
        or (access.programs and asking is not None and asking.role in access.roles)
        or (found is not None and found.user.role in access.roles)
        or (access.device and request.get(ROOM_DEVICE) is not None)
        or (access.screen and request.get(WALL_SCREEN) is not None)
        or (access.link and request.get(BROWSER) is not None)
    )


def _refuse(request: web.Request, route: Route) -> web.StreamResponse:
    access, known = route.access, session(request) is not None
    if route.answers == "socket":
        raise web.HTTPForbidden
    if route.answers == "api":
        return problems.of_status(request, 403) if visitor(request) else problems.unknown_caller(request, token_given=PROGRAM in request)
    if route.answers == "data":
        status = 403 if known or not access.roles else 401
        title = translate(request, "You may not open this") if status == 403 else translate(request, "Please sign in")
        return problem(request, status, title)
    if access.screen and not known and SCREEN_COOKIE in request.cookies:
        return see_other("/wall-screen")
    if access.roles and not known and not access.link:
        aim = request.rel_url if request.method in ("GET", "HEAD") else "/"
        return see_other(f"/sign-in?next={quote(str(aim), safe='')}")
    if access.device and not access.roles:
        return see_other("/device")
    if access.link and not known:
        return render(request, "errors/open_link.html", status=403, signs_in=bool(access.roles))
    return error_page(request, 403, *_words_for(request, 403))


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The route's own word on who may call it."""
    route = route_of(request)
    if route is not None and not is_allowed(request, route.access):
        return _refuse(request, route)
    return await handler(request)


@web.middleware
async def check_csrf(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A changing request carries the token (field `_csrf` or header X-CSRF-Token) and, where a browser says where it comes
    from, comes from here. A WebSocket has no token: its Origin must be ours."""
    route = route_of(request)
    if route is not None and route.answers == "socket":
        if not is_own_origin(request):
            raise web.HTTPForbidden
        return await handler(request)
    if request.method not in CHANGING or route is None or not route.csrf or program(request) is not None:
        return await handler(request)
    foreign = "Origin" in request.headers and not is_own_origin(request)
    given = request.headers.get("X-CSRF-Token", "")
    if not given and not foreign and request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        field = (await request.post()).get("_csrf", "")
        given = field if isinstance(field, str) else ""
    if foreign or not hmac.compare_digest(given.encode("utf-8", "replace"), csrf(request).encode()):
        return error_page(
            request,
            403,
            translate(request, "This page was open too long"),
            translate(request, "Nothing was changed. Go back, load the page again and repeat what you did."),
        )
    return await handler(request)


MIDDLEWARES: tuple[Middleware, ...] = (
    log_request,
    lead_to_https,
    choose_language,
    identify,
    show_errors,
    check_access,
    check_csrf,
)
