"""The administrator's pages of procedures: by which version each kind of sitting is held, what else there is, and the unit's own versions:
loaded or written, checked line by line, compared, adopted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from dispatch.errors import Refused, UserError, ValidationFailed
from dispatch.sittings import procedures
from dispatch.sittings.procedures import Version
from dispatch.web import procedure_words
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.catalogue_forms import TABS, file_of, posted, text_of
from dispatch.web.request import Request, Response, ctx, error_text, gettext, language, me, render, see_other, translate
from rooms.procedure import PROCEDURES, Procedure
from rooms.procedure.model import IN_TURN_LETTERS, LETTERS

HOME = "/settings/procedures"


@dataclass(frozen=True, slots=True)
class BadLine:
    """What is wrong with a line (from 1) of the text: `words`; and the line as it is written."""

    number: int
    line: str
    words: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A text without a mistake: what it says, the version in force that it would follow, and a digest by which the same text is known."""

    procedure: Procedure
    held: Version
    digest: str


# ------------------------------------------------------------------------------------------------ what there is


async def show(request: Request) -> Response:
    """Each kind with the version it is held by, and the others that there are."""
    tag = language(request)
    found = await procedures.versions(ctx(request).db)
    kinds = [
        {
            "kind": kind,
            "held": next(_listed(each, tag) for each in found if each.kind == kind and each.in_force),
            "others": [_listed(each, tag) for each in found if each.kind == kind and not each.in_force],
        }
        for kind in PROCEDURES
    ]
    return render(request, "admin/procedures.html", kinds=kinds, adopted=request.query.get("adopted", ""), tab="procedures", tabs=TABS)


def _listed(version: Version, tag: str) -> dict[str, Any]:
    found = version.procedure
    return {
        "version": version,
        "name": procedure_words.title(found, tag) if found is not None else "",
        "source": found.source if found is not None else "",
    }


async def show_version(request: Request) -> Response:
    """One version as tables, and what differs from the one in force."""
    context, _ = ctx(request), gettext(request)
    version = await procedures.get(context.db, request.match_info["version"])
    held = await procedures.in_force(context.db, version.kind)
    found, shown = version.procedure, dict[str, Any](stages=(), roles=())
    if found is not None:
        shown = {
            "facts": procedure_words.facts(found, _),
            "stages": procedure_words.stage_rows(found, _),
            "roles": procedure_words.role_rows(found, _),
            "letters": [(letter, _("right." + letter)) for letter in (*LETTERS, *(f"{each}°" for each in IN_TURN_LETTERS))],
        }
    differs = None if found is None or held.procedure is None else procedure_words.told(held.procedure, found, _)
    return render(request, "admin/procedure.html", differs=differs, held=held, **_listed(version, language(request)), **shown)


async def text(request: Request) -> Response:
    """The text of a version, as a file."""
    version = await procedures.get(ctx(request).db, request.match_info["version"])
    return file_answer(version)


def file_answer(version: Version) -> web.Response:
    """The text of a version as a file to be kept (RFC 6266)."""
    name = quote(f"{version.kind}-{version.version}.yaml", safe="")
    etag = f'"{_digest(version.text)[:32]}"'
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store", "ETag": etag}
    return web.Response(text=version.text, content_type="text/plain", charset="utf-8", headers=headers)


# ------------------------------------------------------------------------------------------------ the unit's own


async def write(request: Request) -> Response:
    """The text of a version to begin with, or nothing; where it is meant to be adopted as it is, checked already."""
    begin = ""
    if wanted := request.query.get("from", ""):
        begin = (await procedures.get(ctx(request).db, wanted)).text
    return await _checked_page(request, begin) if begin and "check" in request.query else await _page(request, begin)


async def written(request: Request) -> Response:
    """Load a file in place of the text, check the text, or adopt what was checked. A refusal keeps the text."""
    fields = await posted(request)
    given = fields.get("text", "")
    typed = given.replace("\r\n", "\n") if isinstance(given, str) else ""
    act = text_of(fields, "act")
    if act == "load":
        data = await file_of(fields, "file")
        try:
            typed = data.decode("utf-8-sig").replace("\r\n", "\n") if data else typed
        except UnicodeDecodeError:
            return await _page(request, typed, UserError("procedure_file", "file"))
        if not data:
            return await _page(request, typed, UserError("file_missing", "file"))
    if act == "adopt" and text_of(fields, "checked") == _digest(typed):
        return await _adopt(request, typed, text_of(fields, "held"))
    return await _checked_page(request, typed, changed=act == "adopt")


async def _adopt(request: Request, typed: str, held: str) -> Response:
    context = ctx(request)

    def seen(now: Version) -> None:
        if now.id != held:
            raise Refused("procedure_meanwhile", version=now.version, name=now.by)

    try:
        made = await procedures.adopt(context.db, typed, me(request), context.clock(), seen=seen)
    except UserError as error:
        return await _checked_page(request, typed, error)
    return see_other(f"{HOME}?adopted={made.kind}#{made.kind}")


async def _checked_page(request: Request, typed: str, error: UserError | None = None, *, changed: bool = False) -> Response:
    """The text with what is wrong with it, or with what differs from the version in force."""
    try:
        found = procedures.check(typed)
    except ValidationFailed as refused:
        return await _page(request, typed, refused)
    held = await procedures.in_force(ctx(request).db, found.kind)
    return await _page(request, typed, error, Checked(found, held, _digest(typed)), changed=changed)


async def _page(
    request: Request, typed: str, error: UserError | None = None, checked: Checked | None = None, *, changed: bool = False
) -> Response:
    _ = gettext(request)
    bad = _bad_lines(request, typed, error) if isinstance(error, ValidationFailed) else []
    before = checked.held.procedure if checked is not None else None
    return render(
        request,
        "admin/procedure_text.html",
        status=error.status if error else 200,
        text=typed,
        bad=bad,
        error=error_text(request, error) if error is not None and not bad else "",
        error_field=error.field if error is not None else "",
        checked=checked,
        name=procedure_words.title(checked.procedure, language(request)) if checked is not None else "",
        same=checked is not None and checked.held.text == typed,
        differs=procedure_words.told(before, checked.procedure, _) if checked is not None and before is not None else None,
        changed=changed,
    )


def _bad_lines(request: Request, typed: str, error: ValidationFailed) -> list[BadLine]:
    lines, found = typed.split("\n"), []
    for _field, code, data in error.errors:
        number = min(_number(data), len(lines))
        found.append(BadLine(number, lines[number - 1], translate(request, f"error.{code}", **data)))
    return found


def _number(data: Mapping[str, Any]) -> int:
    return int(data.get("line", 1))


def _digest(typed: str) -> str:
    return hashlib.sha256(typed.encode()).hexdigest()


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    Route("GET", HOME, show, KEEPS),
    Route("GET", f"{HOME}/write", write, KEEPS),
    Route("POST", f"{HOME}/write", written, KEEPS),
    Route("GET", f"{HOME}/{{version}}", show_version, KEEPS),
    Route("GET", f"{HOME}/{{version}}/text", text, KEEPS),
)
