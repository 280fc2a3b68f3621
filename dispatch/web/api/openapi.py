"""The description of the API (OpenAPI 3.1), made from the route table and the models: nothing in it is written twice."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from dispatch.web.access import PUBLIC, Route
from dispatch.web.api.operations import JSON, NoQuery, Operation
from dispatch.web.api.problems import MEDIA_TYPE, Problem
from dispatch.web.api.values import Change, Resource
from dispatch.web.api.versions import IfMatch, IfNoneMatch
from dispatch.web.middleware import SESSION_COOKIE
from dispatch.web.request import Request, Response, answer, ctx, language
from dispatch.web.translations import catalogue

Json = dict[str, Any]
Words = Callable[[str], str]
Reference = tuple[Any, JsonSchemaMode]
"""A model, and whether it is taken or given."""

TITLE = "Court hearing dispatch"
ABOUT = (
    "Sittings, rooms, people and recordings, for other programs of the court. What can be done here is what the pages can do,"
    " by the same rules. Bodies are JSON in UTF-8, times RFC 3339 with their offset, refusals problem details (RFC 9457)."
)
TAGS = {
    "sittings": "Booking sittings of a case into rooms, and following them.",
    "series": "Sittings that repeat: booked whole or not at all, and changed or cancelled from one on, or all.",
    "decisions": "Bookings that are not firm: confirmed, approved, declined.",
    "waiting": "Sittings that wait for a time; the week's list is made of them.",
    "listings": "The week's list: all that waits placed at once, with the bound on how far from the best that is.",
    "slots": "Free times for what a sitting needs.",
    "participants": "Who takes part in a sitting, and their personal links.",
    "events": "What happened in a sitting, in words.",
    "history": "What happened to a booking.",
    "use": "How the rooms are used.",
    "reports": "What the command centre reports: delays, lost connections, alerts and answers, tasks.",
    "quality": "How well people were connected.",
    "rooms": "The function rooms.",
    "people": "The staff.",
    "catalogue": "Sites, what can be booked and on which terms, when it cannot be had, and the court's calendar.",
    "templates": "What the form of a sitting is filled with to begin with.",
    "presets": "What the wall of the command centre shows when officers call it by name.",
    "map": "The map of the command centre: its layers, and where people in the field were last.",
    "roll_calls": "Rooms and teams called in order, who answered, and the groups that are called together.",
    "procedures": "By which version of its procedure each kind of sitting is held.",
    "messages": "What participants were told by e-mail and text message, and whether it arrived.",
    "feeds": "Calendars that are subscribed to by secret addresses.",
    "imports": "Sittings from a list or a calendar, with a preview.",
    "exports": "Sittings as a list or a calendar.",
    "webhooks": "Programs that are told of what happens to sittings.",
    "recordings": "Sealed recordings of sittings that are over.",
    "storage": "How recordings are kept, and how long the space lasts.",
    "keeping": "How long recordings are kept, holds, sealed juvenile records and destructions.",
    "teams": "Teams that can be sent out.",
    "field_feeds": "Live videos of people in the field, while they go on.",
    "alerts": "Alerts of the command centre: what needs somebody, at the site and in sittings.",
    "tasks": "Tasks of teams in the field: sent, signed for, on site, reported, checked and closed.",
    "copies": "Copies of recordings for somebody outside of the archive: asked for, approved, made, fetched.",
}
BEARER = (
    "A program's token. An administrator makes it on the page “Programs”, where it is shown once; it has one role, ends on its"
    " day, and can be revoked."
)
COOKIE = "The session of somebody who is signed in to the pages."
CSRF = "With the cookie, a request that changes something carries the page's token too."
PATH_WORDS = {
    "sitting": "Id of the sitting.",
    "copy": "Id of the copy.",
    "task": "Id of the task.",
    "series": "Id of the series.",
    "waiting": "Id of the sitting that waits.",
    "listing": "Id of the week's list.",
    "participant": "Id of the participant.",
    "preset": "Id of the preset.",
    "alert": "Id of the alert.",
    "layer": "Id of the layer.",
    "call": "Id of the roll-call.",
    "group": "Id of the group.",
    "room": "Id of the room.",
    "message": "Id of the message.",
    "hold": "Id of the legal hold.",
    "destruction": "Id of the destruction.",
    "template": "Id of the template.",
    "procedure": "Id of the version of a procedure.",
    "person": "Id of the member of the staff.",
    "site": "Id of the site.",
    "resource": "Id of the resource: a room's or person's is that of the room or person.",
    "closure": "Id of the closure.",
    "day": "The day, as 2026-10-01.",
    "feed": "Id of the feed.",
    "import": "Id of the import.",
    "webhook": "Id of the webhook.",
    "delivery": "Id of the delivery.",
}
ETAG = "The version of what is shown, for If-Match."
STATUS_WORDS = {
    200: "Done.",
    201: "Made.",
    202: "Begun.",
    204: "Done; there is nothing to show.",
    206: "The part that was asked for.",
    304: "The version that is there already is the newest.",
    400: "The body is not JSON.",
    401: "There is no token, or it is not good any more.",
    403: "The role does not allow it.",
    404: "There is no such thing, or not for the one who asks.",
    409: "The state of things does not allow it: `code` says what, `conflict` what is in the way of a booking and the nearest free time,"
    " `clashes` the same for each sitting of a series.",
    412: "There is a newer version than the one named in If-Match.",
    413: "The body is longer than is read.",
    415: "The body is not application/json.",
    416: "The file has no such part.",
    422: "Something in the request is not as described: `errors` names every bad field.",
    429: "Faster than is served: wait as long as Retry-After says.",
    503: "It cannot be written just now: `code` says what cannot, Retry-After when to ask again. After log_unwritable the change"
    " itself is kept; asked again, the hearing follows it.",
}


class Plain(GenerateJsonSchema):
    """JSON Schema without the titles that repeat each field's name, and without the default of what is left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        """The class by its name; its docstring on one line."""
        made = super().model_schema(schema)
        made.pop("title", None)
        made["description"] = one_line(schema["cls"].__doc__ or "")
        if issubclass(schema["cls"], Change):
            for field in made.get("properties", {}).values():
                field.pop("default", None)
        return made


def one_line(text: str) -> str:
    """A text of the source without its line breaks: this is how the catalogue knows it."""
    return " ".join(text.split())


def operations(routes: Iterable[Route]) -> list[Operation]:
    """The rows of the table that are described, in their order."""
    return [route for route in routes if isinstance(route, Operation)]


def tag_of(operation: Operation) -> str:
    """What an operation belongs to: the module it is in."""
    return operation.act.__module__.rpartition(".")[2]


def words_of(operation: Operation) -> tuple[str, str]:
    """What an operation does, in a few words without a full stop, and the rest of what is to be said of it."""
    head, _, rest = inspect.cleandoc(operation.act.__doc__ or "").partition("\n\n")
    return one_line(head).rstrip("."), one_line(rest)


def statuses(operation: Operation) -> list[int]:
    """Every status that the operation answers with: what follows from what it takes, and what it says itself."""
    found = {operation.status, 401, 403, 422, 429, *operation.refuses}
    if operation.method != "GET" or operation.file:  # whatever changes or takes out is audited, and so written
        found.add(503)
    if "{" in operation.path:
        found.add(404)
    if "body" in operation.takes:
        found |= {400, 413, 415}
    if issubclass(operation.takes.get("headers", BaseModel), IfMatch):
        found.add(412)
    if operation.versioned or operation.file:
        found.add(304)
    if "range" in operation.takes.get("headers", BaseModel).model_fields:
        found |= {206, 416}
    return sorted(found)


def document(routes: Iterable[Route], public_url: str, words: Words) -> Json:
    """The whole description, in the language of `words`."""
    described = operations(routes)
    schemas, components = _schemas(described)
    paths: dict[str, Json] = {}
    for operation in described:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas, components)
    made = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "description": ABOUT},
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in sorted(components.items()) if name not in _asked(described)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": BEARER},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": COOKIE},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": CSRF},
            },
        },
    }
    translated: Json = _translated(made, words)
    return translated


def texts(routes: Iterable[Route]) -> set[str]:
    """Every text of the description that is translated."""
    found: set[str] = set()

    def note(text: str) -> str:
        found.add(text)
        return text

    document(routes, "", note)
    return found


def _translated(value: Any, words: Words) -> Any:
    if isinstance(value, dict):
        return {
            key: words(each) if key in ("description", "summary", "title") and isinstance(each, str) and each else _translated(each, words)
            for key, each in value.items()
        }
    return [_translated(each, words) for each in value] if isinstance(value, list) else value


def _asked(described: Iterable[Operation]) -> set[str]:
    """Models whose fields are parameters, and which so are no components."""
    return {model.__name__ for operation in described for name, model in _models(operation) if name in ("query", "headers")}


def _models(operation: Operation) -> Iterator[tuple[str, type[BaseModel]]]:
    yield from operation.takes.items()
    if operation.versioned:
        yield "headers", IfNoneMatch
    if operation.gives is not None:
        yield "gives", operation.gives


def _schemas(described: Iterable[Operation]) -> tuple[dict[Reference, Json], dict[str, Json]]:
    wanted: dict[Reference, None] = {(Problem, "serialization"): None}
    for operation in described:
        for name, model in _models(operation):
            mode: Literal["validation", "serialization"] = "serialization" if name == "gives" else "validation"
            wanted[model, mode] = None
    found, made = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}", schema_generator=Plain)
    return dict(found), made["$defs"]


def _operation(operation: Operation, schemas: dict[Reference, Json], components: dict[str, Json]) -> Json:
    summary, description = words_of(operation)
    changes = operation.method != "GET"
    made: Json = {
        "operationId": f"{tag_of(operation)}_{operation.act.__name__}",
        "tags": [tag_of(operation)],
        "summary": summary,
        "parameters": [*_path(operation), *_parameters(operation, components)],
        "responses": {str(status): _response(operation, status, schemas) for status in statuses(operation)},
        "security": [{"bearer": []}, {"session": [], "csrf": []} if changes else {"session": []}],
        "x-roles": sorted(operation.access.roles),
    }
    if description:
        made["description"] = description
    if "body" in operation.takes:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas[operation.takes["body"], "validation"]}}}
    return made


_PATH_SHAPES = {"day": {"format": "date"}, "procedure": {"pattern": "^([0-9a-f]{16}|[a-z_]{1,40}-[0-9a-z-]{1,40})$"}}
"""What is no id that the database gave: a version that comes with the program has its kind and number."""


def _path(operation: Operation) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        schema = {"type": "string", **_PATH_SHAPES.get(name, {"pattern": "^[0-9a-f]{16}$"})}
        yield {"name": name, "in": "path", "required": True, "description": PATH_WORDS[name], "schema": schema}


def _parameters(operation: Operation, components: dict[str, Json]) -> Iterator[Json]:
    for kind, model in _models(operation):
        if kind not in ("query", "headers") or model is NoQuery:
            continue
        schema = components[model.__name__]
        for name, field in schema["properties"].items():
            field = _not_null(field)
            made = {"name": name, "in": "query" if kind == "query" else "header", "required": name in schema.get("required", ())}
            if "description" in field:
                made["description"] = field.pop("description")
            yield {**made, "schema": field}


def _not_null(field: Json) -> Json:
    """A parameter that is left out is left out: there is no null in an address."""
    field = dict(field)
    choices = [each for each in field.pop("anyOf", []) if each != {"type": "null"}]
    if field.get("default", "") in (None, "", []):
        field.pop("default", None)
    return {**choices[0], **field} if choices else field


def _response(operation: Operation, status: int, schemas: dict[Reference, Json]) -> Json:
    made: Json = {"description": STATUS_WORDS[status]}
    if status >= 400:
        made["content"] = {MEDIA_TYPE: {"schema": schemas[Problem, "serialization"]}}
    elif status in (200, 206) and operation.file:
        schema = {"type": "object"} if operation.file.endswith("json") else {"type": "string", "format": "binary"}
        made["content"] = {operation.file: {"schema": schema}}
    elif status in (200, 201, 202) and operation.gives is not None:
        made["content"] = {JSON: {"schema": schemas[operation.gives, "serialization"]}}
    headers = _response_headers(operation, status)
    return {**made, "headers": headers} if headers else made


def _response_headers(operation: Operation, status: int) -> Json:
    text = {"type": "string"}
    if status == 401:
        return {"WWW-Authenticate": {"schema": text, "required": True}}
    if status in (429, 503):
        return {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "required": True}}
    if status in (206, 416):
        return {"Content-Range": {"schema": text, "required": True}}
    if status == 201:
        if operation.gives is None or not issubclass(operation.gives, Resource):  # several at once have no address of their own
            return {}
        return {
            "Location": {"schema": {"type": "string", "format": "uri-reference"}, "required": True},
            "ETag": {"schema": text, "required": True, "description": ETAG},
        }
    shown = operation.gives is not None and issubclass(operation.gives, Resource)
    if status in (200, 304) and (operation.versioned or operation.file or (shown and 412 in statuses(operation))):
        return {"ETag": {"schema": text, "required": True, "description": ETAG}}
    return {}


@cache
def description(public_url: str, tag: str) -> Json:
    """The description of this program's own routes in a language; made once, and not to be changed."""
    from dispatch.web.routes import ROUTES as EVERY_ROUTE  # which names this module

    return document(EVERY_ROUTE, public_url, catalogue(tag).gettext)


async def show(request: Request) -> Response:
    """The description, in the language asked for."""
    response = answer(description(ctx(request).settings.public_url, language(request)))
    response.headers["Vary"] = "Accept-Language"
    return response


ROUTES = (Route("GET", "/api/v1/openapi.json", show, PUBLIC, answers="api"),)
