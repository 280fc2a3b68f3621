"""Rows of the route table that are operations of the API.

A handler says by its signature what it takes (`query`, `headers` and `body`, a model each) and gives (a model, or nothing).
The same signature is what :mod:`dispatch.web.api.openapi` describes, so that the two cannot differ. Its docstring is the
description that programmers read.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ValidationError

from dispatch.web.access import Access, Route, roles
from dispatch.web.api.pace import PACE
from dispatch.web.api.problems import LONGEST_BODY_BYTES, Invalid, Malformed, TooLarge, TooManyRequests, WrongMediaType
from dispatch.web.api.values import Asked, Resource
from dispatch.web.api.versions import etag_of, names
from dispatch.web.request import Request, Response, address, session, visitor

JSON = "application/json"

Act = Callable[..., Awaitable[BaseModel | web.StreamResponse | None]]
M = TypeVar("M", bound=BaseModel)


class NoQuery(Asked):
    """An address that takes no query: a filter that does nothing is told, not silently left out."""


def programs(*names: str) -> Access:
    """Staff of these roles, signed in, and programs whose token has one of them."""
    return replace(roles(*names), programs=True)


@dataclass(frozen=True, kw_only=True)
class Operation(Route):
    """`takes`: "query", "headers", "body" → model. `gives`: the model of the answer, None where it is a `file` (of that media
    type) or has no body. `refuses`: statuses beyond those that follow from what it takes. `longest`: bytes of a body that are read."""

    act: Act
    takes: Mapping[str, type[BaseModel]]
    gives: type[BaseModel] | None
    status: int
    file: str
    refuses: frozenset[int]
    longest: int

    @property
    def versioned(self) -> bool:
        """Whether a GET gives a version that the next one can name."""
        return self.method == "GET" and self.gives is not None and issubclass(self.gives, Resource)


def operation(
    method: str,
    path: str,
    act: Act,
    access: Access,
    *,
    status: int = 200,
    file: str = "",
    refuses: tuple[int, ...] = (),
    longest: int = LONGEST_BODY_BYTES,
) -> Operation:
    """The row for `act`; what it takes and gives is read off its signature."""
    hints = get_type_hints(act)
    gives = hints.pop("return")
    takes = {name: model for name, model in hints.items() if name in ("query", "headers", "body")}
    is_model = isinstance(gives, type) and issubclass(gives, BaseModel)
    return Operation(
        method,
        f"/api/v1{path}",
        _handler(act, takes, status, longest),
        access,
        answers="api",
        act=act,
        takes=takes,
        gives=gives if is_model else None,
        status=status,
        file=file,
        refuses=frozenset(refuses),
        longest=longest,
    )


def _handler(act: Act, takes: Mapping[str, type[BaseModel]], status: int, longest: int) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        _keep_pace(request)
        given: dict[str, BaseModel] = {"query": _query(request, takes.get("query", NoQuery))}
        if "headers" in takes:
            given["headers"] = _headers(request, takes["headers"])
        if "body" in takes:
            given["body"] = await _body(request, takes["body"], longest)
        found = await act(request, **{name: given[name] for name in takes})
        return found if isinstance(found, web.StreamResponse) else answer(request, found, status)

    return handle


def answer(request: Request, found: BaseModel | None, status: int) -> web.Response:
    """The answer of an operation: JSON with its version; 304 where the one who asks has that version already."""
    headers = {"Cache-Control": "no-store"}
    if found is None:
        return web.Response(status=204, headers=headers)
    if isinstance(found, Resource):
        headers["ETag"] = etag_of(found)
        if status == 201:
            headers["Location"] = found.address()
        if request.method == "GET" and names(request.headers.getall("If-None-Match", ()), headers["ETag"], weak=True):
            return web.Response(status=304, headers=headers)
    return web.Response(text=found.model_dump_json(by_alias=True), status=status, content_type=JSON, headers=headers)


def _keep_pace(request: Request) -> None:
    """Raises TooManyRequests. Who is counted: the program, the session, or the address of whoever is neither."""
    found, person = session(request), visitor(request)
    caller = found.token_hash if found else person.id if person else address(request)
    wait_s = request.app[PACE].wait_s(caller, time.monotonic())
    if wait_s:
        raise TooManyRequests(wait_s)


def _query(request: Request, model: type[M]) -> M:
    """Fields of the query; one that is a list may be given more than once. Raises Invalid."""
    lists = {name for name, annotation in _by_alias(model).items() if get_origin(annotation) is list}
    values: dict[str, Any] = {}
    for name in dict.fromkeys(request.query):
        given = request.query.getall(name)
        if len(given) > 1 and name not in lists:
            raise Invalid("parameter", [(name, "given_twice", {})])
        values[name] = given if name in lists else given[0]
    return _valid("parameter", model, values)


def _headers(request: Request, model: type[M]) -> M:
    """The headers that the model names; several lines of one are joined (RFC 9110 section 5.3). Raises Invalid."""
    given = {name: ", ".join(request.headers.getall(name)) for name in _by_alias(model) if name in request.headers}
    return _valid("header", model, given)


def _by_alias(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _valid(where: str, model: type[M], values: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Invalid.of(where, error) from None


async def _body(request: Request, model: type[M], longest: int) -> M:
    """Raises WrongMediaType, TooLarge, Malformed, Invalid."""
    if request.content_type != JSON:
        raise WrongMediaType("media_type", "Content-Type", wanted=JSON)
    raw = await _read(request, longest)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors(include_url=False, include_input=False)):
            raise Malformed("json_invalid") from None
        raise Invalid.of("pointer", error) from None


async def _read(request: Request, longest: int) -> bytes:
    if (request.content_length or 0) > longest:
        raise TooLarge("body_too_large", most=longest)
    raw = bytearray()
    try:
        async for part in request.content.iter_chunked(LONGEST_BODY_BYTES):
            raw += part
            if len(raw) > longest:
                raise TooLarge("body_too_large", most=longest)
    except web.RequestPayloadError:  # what was announced as compressed is not
        raise Malformed("json_invalid") from None
    return bytes(raw)
