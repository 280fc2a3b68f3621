"""Refusals as problem details (RFC 9457): what was refused, every bad field, and what is in the way, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web
from pydantic import Field, ValidationError

from dispatch.errors import Conflict, SeriesConflict, UserError, ValidationFailed
from dispatch.web.api.values import Moment, Shown
from dispatch.web.request import REQUEST_ID, Request, ctx, language, translate, zone

MEDIA_TYPE = "application/problem+json"
LONGEST_BODY_BYTES = 65_536
"""Longest body that is read: twenty participants with long names are 10 kB."""
MOST_ERRORS = 50
"""Bad fields that are named; who makes more of them does not read them."""
HEADERS = frozenset({"If-Match", "If-None-Match", "Idempotency-Key", "Range", "Content-Type"})


class FieldProblem(Shown):
    """One thing that is wrong with the request. One of `pointer`, `parameter` and `header` says where."""

    pointer: str | None = Field(None, description="Place in the body: a JSON pointer as a fragment (RFC 6901 section 6).")
    parameter: str | None = Field(None, description="Name of the query parameter.")
    header: str | None = Field(None, description="Name of the header.")
    line: int | None = Field(None, description="Of a text that is a file: the line, from 1.")
    code: str = Field(description="What is wrong, as a word that does not change.")
    detail: str = Field(description="What is wrong, in the language asked for.")


class Obstacle(Shown):
    """What is in the way of a booking, and when it would not be."""

    kind: str = Field(description="Of the resource that is taken or closed: room, equipment, custody, interpreter, police or person.")
    resource_id: str
    name: str = Field(description="Of the resource.")
    sitting_id: str = Field(description="The sitting that holds it; empty where it is closed.")
    room_id: str
    title: str
    case_number: str
    person: str = Field(description="Who is needed there, empty where the room is what is taken.")
    starts_at: Moment
    ends_at: Moment
    nearest_free: Moment = Field(description="The start nearest to the wanted one at which everything that was asked for is free.")


class SeriesClash(Shown):
    """A sitting of a series that cannot be, and what is in its way."""

    occurrence: str = Field(description="Which of them: the wall time at which the rule puts it.")
    sitting_id: str = Field(description="The sitting that was to be changed; empty where it was to be booked.")
    starts_at: Moment = Field(description="When it was to begin.")
    code: str
    detail: str = Field(description="What to say to the person, in the language asked for.")
    conflict: Obstacle


class Problem(Shown):
    """Why a request was refused (RFC 9457). Nothing was changed, but for what 503 says."""

    type: str = Field(description="Address of the words on this kind of refusal.")
    title: str
    status: int
    detail: str = Field(description="What to say to the person, in the language asked for.")
    instance: str = Field(description="The request's number; the server's own log has it too.")
    code: str = Field(description="What was refused, as a word that does not change.")
    errors: list[FieldProblem] | None = Field(None, description="Every bad field.")
    conflict: Obstacle | None = Field(None, description="What is in the way of a booking.")
    clashes: list[SeriesClash] | None = Field(None, description="Every sitting of a series that cannot be.")


class Malformed(UserError):
    """The body is no JSON."""

    status = 400


class PreconditionFailed(UserError):
    """What was to be changed is not what the one who asks had seen."""

    status = 412


class TooLarge(UserError):
    """The body is longer than is read."""

    status = 413


class WrongMediaType(UserError):
    """The body is of another type than is read."""

    status = 415


class RangeNotSatisfiable(UserError):
    """The part that was asked for does not exist. `size` in bytes."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__("range_not_satisfiable", "Range", size=size)
        self.size = size


class TooManyRequests(UserError):
    """Faster than is served. `wait_s`: seconds after which the next is."""

    status = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__("too_many_requests", seconds=wait_s)
        self.wait_s = wait_s


class Invalid(ValidationFailed):
    """Input that the models refuse. `where` is "pointer", "parameter" or "header"; `located` has its value for each error."""

    def __init__(self, where: str, errors: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
        super().__init__(errors)
        self.where = where

    @classmethod
    def of(cls, where: str, error: ValidationError) -> Invalid:
        """What pydantic found, in the catalogue's words."""
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for each in error.errors(include_url=False, include_input=False)[:MOST_ERRORS]:
            parts = [str(part) for part in each["loc"]]
            # Of a parameter that may be left out pydantic says twice what is wrong: it is no day, and it is not left out.
            place = pointer(parts) if where == "pointer" else parts[0]
            found.setdefault(place, _code(str(each["type"]), each.get("ctx", {})))
        return cls(where, [(place, code, values) for place, (code, values) in found.items()])


def _code(kind: str, context: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """pydantic's word for an error → ours, with the values of its text."""
    if kind == "string_too_short":
        return ("required", {}) if context["min_length"] == 1 else ("text_short", {"least": context["min_length"]})
    if kind in _VALUES:
        code, own, theirs = _VALUES[kind]
        return code, {own: context[theirs]}
    if kind.startswith(("int", "float")):
        return "number_wanted", {}
    return _CODES.get(kind, "value_shape"), {}


_VALUES = {
    "string_too_long": ("too_long", "most", "max_length"),
    "too_long": ("list_long", "most", "max_length"),
    "too_short": ("list_short", "least", "min_length"),
    "greater_than_equal": ("number_small", "least", "ge"),
    "less_than_equal": ("number_large", "most", "le"),
    "literal_error": ("choice_wanted", "choices", "expected"),
}
_CODES = {
    "missing": "required",
    "extra_forbidden": "field_unknown",
    "null_given": "null_given",
    "given_twice": "given_twice",
    "moment_shape": "moment_shape",
    "day_shape": "day_shape",
    "wall_shape": "wall_shape",
    "string_type": "text_wanted",
    "string_pattern_mismatch": "value_shape",
    "bool_type": "flag_wanted",
    "bool_parsing": "flag_wanted",
    "list_type": "list_wanted",
    "model_type": "object_wanted",
}
CODES = frozenset({"required", "text_short", "number_wanted", "value_shape", *(code for code, _, _ in _VALUES.values()), *_CODES.values()})
"""Every word that a bad field of a request can be given by the models; the operations add their own."""


def pointer(parts: Iterable[str]) -> str:
    """A JSON pointer as a URI fragment (RFC 6901 section 6)."""
    return "#" + "".join("/" + quote(part.replace("~", "~0").replace("/", "~1"), safe="~") for part in parts)


def of_error(request: Request, error: UserError) -> web.Response:
    """The refusal of an operation."""
    if isinstance(error, ValidationFailed):
        where = error.where if isinstance(error, Invalid) else ""
        listed = [_field(request, where, field, code, data) for field, code, data in error.errors[:MOST_ERRORS]]
        detail = translate(request, "error.invalid")
    else:
        listed = [_field(request, "", error.field, error.code, error.data)] if error.field else []
        detail = translate(request, f"error.{error.code}", **error.data)
    return _problem(
        request,
        error.status,
        error.code,
        detail,
        errors=listed or None,
        conflict=_obstacle(request, error),
        clashes=_clashes(request, error),
        headers=_headers(error),
    )


REFUSED = {
    400: "request_malformed",
    403: "not_yours",
    404: "address_unknown",
    405: "method_unknown",
    413: "body_too_large",
    500: "failed",
}
"""What is refused before an operation is asked, or by none: status → word."""
STATUSES = (400, 401, 403, 404, 405, 409, 412, 413, 415, 416, 422, 429, 500, 503)
"""Every status of a refusal; the reference page has words on each."""


def of_status(request: Request, status: int) -> web.Response:
    """A refusal that no operation gave."""
    code = REFUSED.get(status, REFUSED[400])
    return _problem(request, status, code, translate(request, f"error.{code}", most=LONGEST_BODY_BYTES))


def unknown_caller(request: Request, *, token_given: bool) -> web.Response:
    """Nobody knows who asks (RFC 6750 section 3)."""
    code = "token_unknown" if token_given else "token_missing"
    challenge = 'Bearer realm="api"' + (', error="invalid_token"' if token_given else "")
    return _problem(request, 401, code, translate(request, f"error.{code}"), headers={"WWW-Authenticate": challenge})


def _problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    conflict: Obstacle | None = None,
    clashes: list[SeriesClash] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    problem = Problem(
        type=f"{ctx(request).settings.public_url}/api/v1/docs#problem-{status}",
        title=translate(request, f"problem.{status}"),
        status=status,
        detail=detail,
        instance=str(request.get(REQUEST_ID, "")),
        code=code,
        errors=errors,
        conflict=conflict,
        clashes=clashes,
    )
    response = web.Response(text=problem.model_dump_json(exclude_none=True), status=status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = language(request)
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def _field(request: Request, where: str, field: str | None, code: str, data: Mapping[str, Any]) -> FieldProblem:
    """`where` is "" for the fields of an operation: they have the body's names, or a header's."""
    text, name = translate(request, f"error.{code}", **data), field or ""
    if where == "parameter":
        return FieldProblem(parameter=name, code=code, detail=text)
    if where == "header" or name in HEADERS:
        return FieldProblem(header=name, code=code, detail=text)
    line = data.get("line")
    place = name if where == "pointer" else pointer(name.split("."))
    return FieldProblem(pointer=place, line=line if isinstance(line, int) else None, code=code, detail=text)


def _obstacle(request: Request, error: UserError) -> Obstacle | None:
    if not isinstance(error, Conflict):
        return None
    tz = zone(request)
    return Obstacle(
        kind=error.kind,
        resource_id=error.resource_id,
        name=error.data["name"],
        sitting_id=error.sitting_id,
        room_id=error.room_id,
        title=error.data["title"],
        case_number=error.data["case_number"],
        person=error.data["person"],
        starts_at=error.starts_at.astimezone(tz),
        ends_at=error.ends_at.astimezone(tz),
        nearest_free=error.nearest_free.astimezone(tz),
    )


def _clashes(request: Request, error: UserError) -> list[SeriesClash] | None:
    if not isinstance(error, SeriesConflict):
        return None
    found = []
    for clash in error.clashes:
        obstacle, conflict = _obstacle(request, clash.conflict), clash.conflict
        if obstacle is not None:
            found.append(
                SeriesClash(
                    occurrence=clash.occurrence.isoformat(timespec="minutes"),
                    sitting_id=clash.sitting_id,
                    starts_at=clash.starts_at.astimezone(zone(request)),
                    code=conflict.code,
                    detail=translate(request, f"error.{conflict.code}", **conflict.data),
                    conflict=obstacle,
                )
            )
    return found


def _headers(error: UserError) -> dict[str, str]:
    if isinstance(error, RangeNotSatisfiable):
        return {"Content-Range": f"bytes */{error.size}"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.wait_s)}
    if error.status == 503:
        return {"Retry-After": "5"}
    return {}
