"""Sittings from a list or a calendar, in two steps: a preview that names each bad row, and booking it. The page *Files* has the same."""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable
from typing import Literal, cast

from pydantic import Field

from dispatch.booking.draft import LONGEST_REASON
from dispatch.errors import UserError, ValidationFailed
from dispatch.exchange import drafts, reading, waiting_files
from dispatch.exchange.columns import TAKEN
from dispatch.exchange.importing import Given as Names
from dispatch.exchange.importing import Judged, of_kind
from dispatch.exchange.reading import Row
from dispatch.store.notice_tables import ImportDraft
from dispatch.typed import tidy
from dispatch.web.access import CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Given, Id, IdOrNone, Moment, Resource, Shown, local
from dispatch.web.api.versions import IfMatch
from dispatch.web.exchange import kind_words, role_words
from dispatch.web.request import Request, ctx, me, translate, zone
from dispatch.web.waiting_files import words
from rooms.procedure import PROCEDURES

LONGEST_BODY_BYTES = 2_000_000
LONGEST_TEXT = reading.MOST_BYTES
LONGEST_BASE64 = (reading.MOST_BYTES + 2) // 3 * 4

_OVERRIDE = "Why rows that name no reason may lie outside working hours, on a day off or at short notice."
RowState = Literal["good", "bad", "known", "booked"]
Words = Callable[..., str]


class RowProblem(Shown):
    """One thing that is wrong with a row."""

    column: str = Field(description="Of the list; empty where it is none.")
    code: str = Field(description="What is wrong, as a word that does not change.")
    detail: str = Field(description="What is wrong, in the language asked for.")


class RowView(Shown):
    """One row of the file."""

    number: int = Field(description="As the file counts: its lines with the heading as 1, or the entries of a calendar from 1.")
    state: RowState = Field(description="good (would be booked), bad, known (it was imported before, or is one of ours), or booked.")
    said: dict[str, str] = Field(description="What the row says, by the names of the columns.")
    errors: list[RowProblem]
    sitting_id: Id | None = Field(description="The sitting that it is.")


class ImportView(Resource):
    """A file that was sent to be imported, and what becomes of its rows. It is kept for a day, for whoever sent it."""

    id: Id
    file_name: str
    state: Literal["preview", "booked"]
    good: int = Field(description="How many rows are good.")
    bad: int
    known: int
    booked: int
    rows: list[RowView]
    created_at: Moment
    judged_at: Moment = Field(description="When the rows were looked at: what is free then may be taken later.")

    @classmethod
    def of(cls, request: Request, draft: ImportDraft) -> ImportView:
        """As the one who asks reads it. Its version does not depend on the language."""
        plain = cls._plain(request, draft, lambda _code, **_data: "")
        worded = cls._plain(request, draft, lambda code, **data: translate(request, code, **data))
        return plain.only(rows=worded.rows)

    @classmethod
    def _plain(cls, request: Request, draft: ImportDraft, words: Words) -> ImportView:
        judged, tz = drafts.judged_of(draft), zone(request)
        counts = {state: sum(each.state == state for each in judged) for state in ("good", "bad", "known", "booked")}
        return cls(
            id=draft.id,
            file_name=draft.name,
            state=cast("Literal['preview', 'booked']", draft.state),
            **counts,
            rows=[_row(each, words) for each in judged],
            created_at=local(draft.created_at, tz),
            judged_at=local(draft.judged_at, tz),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/imports/{self.id}"


def _row(judged: Judged, words: Words) -> RowView:
    return RowView(
        number=judged.row.number,
        state=judged.state,
        said={name: judged.row.fields[name] for name in TAKEN if judged.row.fields.get(name)},
        errors=[RowProblem(column=field, code=code, detail=words(f"error.{code}", **data)) for field, code, data in judged.errors],
        sitting_id=judged.sitting_id or None,
    )


class NewImport(Given):
    """A file with sittings, as `text` or as `base64`."""

    file_name: str = Field(
        min_length=5, max_length=drafts.LONGEST_NAME, description="Its end says what it is: .csv, .xlsx (as base64) or .ics."
    )
    text: str = Field("", max_length=LONGEST_TEXT, description="The file where it is text in UTF-8.")
    base64: str = Field("", max_length=LONGEST_BASE64, description="The file as it is, in base64 (RFC 4648 section 4): 1 MB at most.")
    chair_id: IdOrNone = Field("", description="Who presides where a row names nobody, as in calendars.")
    clerk_id: IdOrNone = Field("", description="Who keeps the record where a row names nobody.")
    override_reason: str = Field("", max_length=LONGEST_REASON, description=_OVERRIDE)
    kind: str = Field("", json_schema_extra={"enum": ["", *PROCEDURES]}, description="Of rows that name none; empty: remote_court.")


def _content(body: NewImport | WaitingFile) -> bytes:
    """The file. Raises ValidationFailed."""
    if bool(body.text) == bool(body.base64):
        raise ValidationFailed([("text", "import_one_of", {})])
    try:
        return body.text.encode() if body.text else b64decode(body.base64, validate=True)
    except UnicodeEncodeError:
        raise ValidationFailed([("text", "file_encoding", {})]) from None
    except (binascii.Error, ValueError):
        raise ValidationFailed([("base64", "base64_shape", {})]) from None


class ImportOrder(Given):
    """Which rows are to be booked."""

    take: Literal["good", "all"] = Field(description="good: those that are good. all: every one, or none where one is bad (409).")


class WaitingRow(Shown):
    """One row of a list of sittings that are to wait."""

    number: int = Field(description="As the file counts: its lines with the heading as 1.")
    state: Literal["good", "bad", "known", "added"] = Field(description="good (would be added), bad, known (it waits already), or added.")
    said: dict[str, str] = Field(description="What the row says, by the names of the columns.")
    errors: list[RowProblem]
    waiting_id: Id | None = Field(description="The waiting sitting that it is.")


class WaitingImport(Shown):
    """What a list of sittings that are to wait does, row by row."""

    good: int = Field(description="How many rows are good.")
    bad: int
    known: int
    added: int
    rows: list[WaitingRow]


class WaitingFile(Given):
    """A list with sittings that are to wait, as `text` or as `base64`."""

    file_name: str = Field(min_length=5, max_length=drafts.LONGEST_NAME, description="Its end says what it is: .csv or .xlsx (as base64).")
    text: str = Field("", max_length=LONGEST_TEXT, description="The file where it is text in UTF-8.")
    base64: str = Field("", max_length=LONGEST_BASE64, description="The file as it is, in base64 (RFC 4648 section 4): 1 MB at most.")
    take: Literal["preview", "good", "all"] = Field(
        description="preview: nothing is added. good: the rows that are good. all: every one, or none where one is bad."
    )


async def preview(request: Request, body: NewImport, headers: Once) -> ImportView:
    """Send a file and see what each row would do.

    Nothing is booked. Each row is tried with those before it, so that two of them that want one room are found too. At most 200.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "import", body)
    if body.kind and body.kind not in PROCEDURES:
        raise ValidationFailed([("kind", "kind_unknown", {"kind": body.kind[:40]})])
    rows = of_kind(await asyncio.to_thread(_rows, body, request), body.kind)
    given = Names(role_words(), kind_words(), body.chair_id, body.clerk_id, tidy(body.override_reason))
    draft = await drafts.keep(context.db, body.file_name, rows, user, context.clock(), given, order)
    return ImportView.of(request, draft)


def _rows(body: NewImport | WaitingFile, request: Request) -> list[Row]:
    content = _content(body)
    try:
        if isinstance(body, WaitingFile):
            return reading.read_list(content, body.file_name, waiting_files.COLUMNS, waiting_files.NEEDED)
        return reading.read(content, body.file_name, ctx(request).settings.zone)
    except UserError as error:
        field = "file_name" if error.code == "file_kind" else "text" if body.text else "base64"
        raise ValidationFailed([(field, error.code, error.data)]) from None


async def show(request: Request) -> ImportView:
    """Show an import."""
    draft = await drafts.get(ctx(request).db, request.match_info["import"], me(request), ctx(request).clock())
    return ImportView.of(request, draft)


async def book(request: Request, body: ImportOrder, headers: IfMatch) -> ImportView:
    """Book an import.

    Its rows are looked at again: time has passed. What was booked stays so, and asked again, the same is the answer. A row that was
    imported once is not imported again, from whatever file.
    """
    context = ctx(request)
    draft = await drafts.book(
        context.db,
        request.match_info["import"],
        body.take,
        me(request),
        context.clock(),
        role_words(),
        kind_words(),
        lambda found: headers.check(ImportView.of(request, found)),
    )
    return ImportView.of(request, draft)


async def drop(request: Request, headers: IfMatch) -> None:
    """Forget an import.

    What was booked stays booked.
    """
    context = ctx(request)
    await drafts.drop(
        context.db,
        request.match_info["import"],
        me(request),
        context.clock(),
        lambda found: headers.check(ImportView.of(request, found)),
    )


async def waits(request: Request, body: WaitingFile) -> WaitingImport:
    """Send a list of sittings that are to wait.

    Of each row it is said whether it is good, and where it is bad, why: look at a preview first. Sent again, the same list adds nothing
    twice: what waits already, by its key or by being the same, is known.
    """
    context = ctx(request)
    rows = await asyncio.to_thread(_rows, body, request)
    judged = await waiting_files.take(context.db, rows, me(request), context.clock(), body.take, words())
    return WaitingImport(
        **{state: sum(each.state == state for each in judged) for state in ("good", "bad", "known", "added")},
        rows=[
            WaitingRow(
                number=each.row.number,
                state=each.state,
                said={name: each.row.fields[name] for name in waiting_files.COLUMNS if each.row.fields.get(name)},
                errors=[
                    RowProblem(column=field, code=code, detail=translate(request, f"error.{code}", **data))
                    for field, code, data in each.errors
                ],
                waiting_id=each.waiting_id or None,
            )
            for each in judged
        ],
    )


IMPORTS = programs(CLERK)

ROUTES = (
    operation("POST", "/imports", preview, IMPORTS, status=201, longest=LONGEST_BODY_BYTES),
    operation("POST", "/waiting-imports", waits, IMPORTS, longest=LONGEST_BODY_BYTES, refuses=(409,)),
    operation("GET", "/imports/{import}", show, IMPORTS),
    operation("POST", "/imports/{import}/book", book, IMPORTS, refuses=(409,)),
    operation("DELETE", "/imports/{import}", drop, IMPORTS, status=204),
)
