"""By which version of its procedure each kind of sitting is held: every version there is, its text, the unit's own checked and adopted."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from dispatch.booking.orders import Order
from dispatch.errors import ValidationFailed
from dispatch.sittings import procedures
from dispatch.sittings.procedures import Version
from dispatch.web import procedure_words
from dispatch.web.access import ADMINISTRATOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Given, Moment, Resource, Shown, local_or_none
from dispatch.web.api.versions import IfMatch, IfNoneMatch, names
from dispatch.web.procedure_catalogue import file_answer
from dispatch.web.request import Request, ctx, gettext, me, zone
from rooms.procedure.reading import LONGEST_TEXT

Kind = Literal["remote_court", "petition_intake", "public_hearing", "round_table", "remote_interrogation"]
LONGEST_BODY = 8 * LONGEST_TEXT
_TEXT = "The version as a file has it (YAML, docs/procedures.md)."


class ProcedureView(Resource):
    """A version of a kind of sitting."""

    id: str
    kind: str = Field(description="Of the sitting.")
    version: str = Field(description="What the version is called by those who made it.")
    names: dict[str, str] = Field(description="Its name by language; empty where this server can read its text no more.")
    source: str = Field(description="What it rests on.")
    in_force: bool = Field(description="Whether sittings of this kind that are opened now are held by it.")
    shipped: bool = Field(description="Whether its text comes with the program.")
    adopted_by: str = Field(description="Who adopted it; empty of what comes with the program and nobody had to adopt.")
    adopted_at: Moment | None

    @classmethod
    def of(cls, version: Version, tz: ZoneInfo) -> ProcedureView:
        """The version as it is."""
        found = version.procedure
        return cls(
            id=version.id,
            kind=version.kind,
            version=version.version,
            names=dict(found.names) if found is not None else {},
            source=found.source if found is not None else "",
            in_force=version.in_force,
            shipped=version.shipped,
            adopted_by=version.by,
            adopted_at=local_or_none(version.at, tz),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/procedures/{self.id}"


class ProcedureList(Page[ProcedureView]):
    """One page of versions: kind by kind the one in force, those that come with the program, those adopted before."""


class ProcedureQuery(Paging):
    """Which versions."""

    kind: Kind | None = Field(None, description="Only those of one kind of sitting.")
    in_force: bool | None = Field(None, description="Only those by which sittings are held now, or only the others.")


class ProcedureText(Given):
    """The text of a version."""

    text: str = Field(max_length=LONGEST_TEXT, description=_TEXT)


class StageDifference(Shown):
    """What differs in one place, in the language asked for."""

    stage: str = Field(description="Of which stage; empty of the whole.")
    name: str = Field(description="What the stage is called.")
    state: Literal["changed", "new", "gone"] = Field(description="Whether the whole stage is new, or there no more.")
    differences: list[str] = Field(description="In words, one difference each.")


class CheckedProcedure(Shown):
    """A text without a mistake, and what differs from another version."""

    kind: str = Field(description="Of the sitting.")
    version: str = Field(description="What the version is called by those who made it.")
    names: dict[str, str] = Field(description="Its name by language.")
    compared_with: str = Field(description="Id of the version that it is compared with.")
    differences: list[StageDifference] = Field(description="Of the whole first, then stage by stage; empty where nothing differs.")


class AdoptHeaders(Once, IfMatch):
    """The ETag of the version in force that was seen, and the key of the order."""


async def search(request: Request, query: ProcedureQuery) -> ProcedureList:
    """List versions of procedures."""
    found = await procedures.versions(ctx(request).db)
    wanted = [each for each in found if query.kind in (None, each.kind) and query.in_force in (None, each.in_force)]
    page, goes_on = slice_of(wanted, query)
    return ProcedureList(items=[ProcedureView.of(each, zone(request)) for each in page], next=goes_on)


async def show(request: Request) -> ProcedureView:
    """Show one version of a procedure."""
    return ProcedureView.of(await procedures.get(ctx(request).db, request.match_info["procedure"]), zone(request))


async def text(request: Request, headers: IfNoneMatch) -> web.Response:
    """Show the text of a version.

    As a file, to be changed and adopted under another name.
    """
    found = file_answer(await procedures.get(ctx(request).db, request.match_info["procedure"]))
    if headers.if_none_match is not None and names([headers.if_none_match], found.headers["ETag"], weak=True):
        return web.Response(status=304, headers={"ETag": found.headers["ETag"], "Cache-Control": "no-store"})
    return found


async def check(request: Request, body: ProcedureText) -> CheckedProcedure:
    """Check a text against a version.

    Nothing is changed. What differs is told from the version that is named, as from the one in force. Refused, `errors` has an entry with
    `line` for each bad line.
    """
    found = procedures.check(body.text)
    held = await procedures.get(ctx(request).db, request.match_info["procedure"])
    if held.kind != found.kind:
        raise ValidationFailed([("text", "procedure_other_kind", {"line": 1})])
    told = procedure_words.told(held.procedure, found, gettext(request)) if held.procedure is not None else []
    return CheckedProcedure(
        kind=found.kind,
        version=found.version,
        names=dict(found.names),
        compared_with=held.id,
        differences=[
            StageDifference(stage=each.stage, name=each.words, state=each.state or "changed", differences=list(each.lines)) for each in told
        ],
    )


async def adopt(request: Request, body: ProcedureText, headers: AdoptHeaders) -> ProcedureView:
    """Adopt a version.

    Sittings that are open keep their version; the next one of its kind to be opened is held by this one. Audited. Refused, `errors` has an
    entry with `line` for each bad line. If-Match takes the ETag of the version in force.
    """
    context, tz, key = ctx(request), zone(request), headers.idempotency_key
    order = Order(me(request).id, key, b"procedure " + body.text.encode()) if key else None
    made = await procedures.adopt(
        context.db, body.text, me(request), context.clock(), order=order, seen=lambda held: headers.check(ProcedureView.of(held, tz))
    )
    return ProcedureView.of(made, tz)


KEEPS = programs(ADMINISTRATOR)
_ONE = "/procedures/{procedure}"

ROUTES = (
    operation("GET", "/procedures", search, KEEPS),
    operation("POST", "/procedures", adopt, KEEPS, status=201, longest=LONGEST_BODY),
    operation("POST", f"{_ONE}/check", check, KEEPS, longest=LONGEST_BODY),
    operation("GET", _ONE, show, KEEPS),
    operation("GET", f"{_ONE}/text", text, KEEPS, file="text/plain"),
)
