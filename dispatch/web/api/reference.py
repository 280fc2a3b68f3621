"""The reference page: the same description that programs get (openapi.py), for people, in their language and without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dispatch.web.access import ALL_ROLES, PUBLIC, Route
from dispatch.web.api.openapi import TAGS, description
from dispatch.web.api.problems import LONGEST_BODY_BYTES, STATUSES
from dispatch.web.request import Request, Response, ctx, gettext, language, render

Json = dict[str, Any]
Words = Callable[..., str]


@dataclass(frozen=True)
class Field:
    """A row of a table: a parameter, or a field of a schema. `kind` in words; `schema` names one that is shown below."""

    name: str
    kind: str
    schema: str
    required: bool
    text: str


@dataclass(frozen=True)
class Answer:
    """What an operation answers. `schema` names one that is shown below, "" where there is none."""

    status: str
    text: str
    schema: str


@dataclass(frozen=True)
class Entry:
    """An operation as the page shows it; `roles` in words."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    roles: list[str]
    parameters: list[tuple[str, Field]]
    body: str
    answers: list[Answer]


@dataclass(frozen=True)
class Group:
    """The operations of one kind of resource."""

    name: str
    heading: str
    text: str
    entries: list[Entry]


@dataclass(frozen=True)
class Schema:
    """A schema with its fields."""

    name: str
    text: str
    fields: list[Field]


async def show(request: Request) -> Response:
    """The page."""
    _ = gettext(request)
    made = description(ctx(request).settings.public_url, language(request))
    return render(
        request,
        "api/reference.html",
        about=made["info"]["description"],
        base=f"{ctx(request).settings.public_url}/api/v1",
        bearer=made["components"]["securitySchemes"]["bearer"]["description"],
        groups=groups(made, _),
        schemas=schemas(made, _),
        problems=[(status, _(f"problem.{status}")) for status in STATUSES],
        kilobytes=LONGEST_BODY_BYTES // 1024,
        marked=marked,
    )


def marked(text: str) -> Markup:
    """A text of the description for a page: what is between backticks is code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts))


def groups(made: Json, _: Words) -> list[Group]:
    """The operations by what they belong to, in the order of the description."""
    headings = {
        "sittings": _("Sittings"),
        "series": _("Series of sittings"),
        "decisions": _("Tentative bookings and approval"),
        "waiting": _("Waiting for a time"),
        "listings": _("The week’s list"),
        "slots": _("Free times"),
        "participants": _("Participants and links"),
        "events": _("Log of a sitting"),
        "history": _("History of the booking"),
        "keeping": _("Keeping"),
        "use": _("Use of the rooms"),
        "reports": _("Reports"),
        "quality": _("Connections of a sitting"),
        "rooms": _("Function rooms"),
        "people": _("Staff"),
        "catalogue": _("Catalogue"),
        "templates": _("Templates of sittings"),
        "presets": _("Presets of the wall"),
        "map": _("Map"),
        "roll_calls": _("Roll-calls"),
        "procedures": _("Procedures"),
        "messages": _("Notices"),
        "feeds": _("Calendar subscriptions"),
        "imports": _("Import"),
        "exports": _("Export"),
        "webhooks": _("Webhooks"),
        "recordings": _("Recordings"),
        "storage": _("Storage"),
        "teams": _("Teams"),
        "alerts": _("Alerts"),
        "field_feeds": _("Live videos of the field"),
        "tasks": _("Tasks in the field"),
        "copies": _("Copies"),
    }
    texts = {tag["name"]: tag["description"] for tag in made["tags"]}
    listed = [(path, method, operation) for path, methods in made["paths"].items() for method, operation in methods.items()]
    return [
        Group(name, headings[name], texts[name], [_entry(path, method, each, _) for path, method, each in listed if each["tags"] == [name]])
        for name in TAGS
    ]


def schemas(made: Json, _: Words) -> list[Schema]:
    """Every schema, by name."""
    return [Schema(name, schema.get("description", ""), list(_fields(schema, _))) for name, schema in made["components"]["schemas"].items()]


def _entry(path: str, method: str, operation: Json, _: Words) -> Entry:
    places = {"path": _("in the address"), "query": _("query"), "header": _("header")}
    return Entry(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        roles=[_(f"account.{role}") for role in ALL_ROLES if role in operation["x-roles"]],
        parameters=[
            (places[each["in"]], _field(each["name"], each["schema"], each["required"], each.get("description", ""), _))
            for each in operation["parameters"]
        ],
        body=next(_references(operation.get("requestBody", {})), ""),
        answers=[Answer(status, each["description"], next(_references(each), "")) for status, each in operation["responses"].items()],
    )


def _references(value: Any) -> Iterator[str]:
    """The names of the schemas that are pointed to, the outermost first."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield str(value["$ref"]).rpartition("/")[2]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _fields(schema: Json, _: Words) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield _field(name, field, name in required, field.get("description", ""), _)


def _field(name: str, schema: Json, required: bool, text: str, _: Words) -> Field:
    kind = _kind(schema, _)
    if schema.get("default") not in (None, "", []):
        kind = _("{kind}; if left out {value}", kind=kind, value=_value(schema["default"]))
    return Field(name, kind, next(_references(schema), ""), required, text)


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(schema: Json, _: Words) -> str:
    """What a value is, in words."""
    if "anyOf" in schema:
        kinds = [_kind(each, _) for each in schema["anyOf"] if each.get("type") != "null"]
        said = " | ".join(kinds)
        return _("{kind} or null", kind=said) if len(kinds) < len(schema["anyOf"]) else said
    if "$ref" in schema:
        return next(_references(schema))
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return _("list of {kind}", kind=_kind(schema["items"], _))
    return _plain(schema, _)


def _plain(schema: Json, _: Words) -> str:
    if schema.get("pattern", "").strip("^$()?") == "[0-9a-f]{16}":
        return _("id")
    words = {
        "string": _("text"),
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": _("true or false"),
        "date-time": _("moment"),
        "date": _("day"),
    }
    said = words.get(schema.get("format", ""), words.get(schema.get("type", ""), ""))
    least, most = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if most is not None and schema["type"] == "string":
        return _("{kind} of at most {n} characters", kind=said, n=most)
    if most is not None:
        return _("{kind}, {least} to {most}", kind=said, least=least, most=most)
    return said


ROUTES = (Route("GET", "/api/v1/docs", show, PUBLIC),)
