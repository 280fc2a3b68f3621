"""Roll-calls of the command centre and the groups that are called together. The page *Roll-call* has the same."""

from __future__ import annotations

from typing import Literal, cast
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from dispatch.console.ranks import Rank, require
from dispatch.console.roll_call import calls, groups, record, rules
from dispatch.console.roll_call.groups import GroupDraft
from dispatch.console.roll_call.rules import Act, Line, Standing, State
from dispatch.errors import UserError
from dispatch.exchange.exporting import MEDIA_TYPES
from dispatch.store.roll_call_tables import RollCallGroup, RollCallRow
from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.files import file_answer
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Change, Given, Id, Moment, Resource, Shown, left_out, local, local_or_none
from dispatch.web.api.versions import IfMatch, IfNoneMatch
from dispatch.web.request import Request, ctx, gettext, language, me, program, zone

SEES, CALLS = programs(OFFICER, CLERK), programs(OFFICER)
Kind = Literal["room", "team"]
_WHO = "Rooms and teams, in the order in which they are called."


class Called(Given):
    """A room, which answers at its device, or a team, whose people answer on their phones."""

    kind: Kind
    id: Id

    @property
    def key(self) -> str:
        """As it is kept."""
        return f"{self.kind}/{self.id}"

    @classmethod
    def of(cls, key: str) -> Called:
        """As it was kept."""
        kind, _, own = key.partition("/")
        return cls(kind=cast("Kind", kind), id=own)


class LineView(Shown):
    """One that is called."""

    called: Called
    name: str
    standing: Standing = Field(description="`ringing`: called just now; `late`: answered after the time.")
    tries: int = Field(description="How often it was called.")
    called_at: Moment | None
    answered_at: Moment | None
    how: Literal["", "device", "phone", "voice"] = Field(description="How it answered; `voice`: marked by an officer.")
    by: str = Field(description="Who answered, or who marked it.")


class RollCallView(Resource):
    """A roll-call as it stands. One is called at a time, in order."""

    id: Id
    name: str
    limit_s: int = Field(description="Seconds in which each has to answer.")
    state: State
    started_at: Moment
    started_by: str
    ended_at: Moment | None
    present: int
    late: int
    absent: int
    lines: list[LineView]

    @classmethod
    def of(cls, row: RollCallRow, tz: ZoneInfo) -> RollCallView:
        """The roll-call as it is."""
        roll = calls.roll_of(row)
        return cls(
            id=row.id,
            name=row.name,
            limit_s=row.limit_s,
            state=roll.state,
            started_at=local(row.started_at, tz),
            started_by=row.started_name,
            ended_at=local_or_none(row.ended_at, tz),
            present=roll.count("present"),
            late=roll.count("late"),
            absent=roll.count("absent"),
            lines=[_line(line, tz) for line in roll.lines],
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/roll-calls/{self.id}"


def _line(line: Line, tz: ZoneInfo) -> LineView:
    return LineView(
        called=Called.of(line.key), name=line.name, standing=line.standing, tries=line.tries, how=line.how, by=line.by,
        called_at=local_or_none(line.called_at, tz), answered_at=local_or_none(line.answered_at, tz),
    )  # fmt: skip


class RollCallList(Page[RollCallView]):
    """One page of the newest roll-calls, the last one first."""


class NewRollCall(Given):
    """A roll-call to be begun: of `who`, or of a group."""

    name: str = Field(min_length=1, max_length=calls.LONGEST_NAME, description="What it is for.")
    limit_s: int = Field(rules.LIMIT_S, ge=rules.LEAST_LIMIT_S, le=rules.MOST_LIMIT_S, description="Seconds in which each has to answer.")
    who: list[Called] = Field([], max_length=rules.MOST_LINES, description=_WHO)
    group_id: str = Field("", pattern=r"^([0-9a-f]{16})?$", description="Id of a group that is called before `who`; empty: none.")


class RollCallStep(Given):
    """What is done with a roll-call."""

    act: Act = Field(
        description="`present` and `absent` mark `called`; `again`: the absent are called once more; `end`: nothing changes any more."
    )
    called: Called | None = Field(None, description="For `present` and `absent`: who.")


class GroupView(Resource):
    """Rooms and teams that are called together."""

    id: Id
    name: str
    members: list[Called] = Field(description=_WHO)
    changed_by: str
    changed_at: Moment

    @classmethod
    def of(cls, group: RollCallGroup, tz: ZoneInfo) -> GroupView:
        """The group as it is."""
        members = [Called.of(key) for key in group.members]
        changed_at = local(group.changed_at, tz)
        return cls(id=group.id, name=group.name, members=members, changed_by=group.changed_by, changed_at=changed_at)

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/roll-call-groups/{self.id}"


class GroupList(Page[GroupView]):
    """One page of groups, by name."""


class NewGroup(Given):
    """A group to be kept."""

    name: str = Field(min_length=1, max_length=groups.LONGEST_NAME)
    members: list[Called] = Field(min_length=1, max_length=rules.MOST_LINES, description=_WHO)


class GroupChange(Change):
    """What is to be different about a group."""

    name: str = left_out(min_length=1, max_length=groups.LONGEST_NAME)
    members: list[Called] = left_out(min_length=1, max_length=rules.MOST_LINES, description=_WHO)


# ------------------------------------------------------------------------------------------------ roll-calls


async def search(request: Request, query: Paging) -> RollCallList:
    """List the newest roll-calls."""
    found, goes_on = slice_of(await calls.newest(ctx(request).db), query)
    return RollCallList(items=[RollCallView.of(row, zone(request)) for row in found], next=goes_on)


async def show(request: Request) -> RollCallView:
    """Show one roll-call as it stands."""
    row = await calls.look(ctx(request).db, request.match_info["call"], ctx(request).clock())
    return RollCallView.of(row, zone(request))


async def begin(request: Request, body: NewRollCall, headers: Once) -> RollCallView:
    """Begin a roll-call.

    Those who cannot be called (no longer in use) are left out; where nobody is left it is refused.
    """
    context = ctx(request)
    order = headers.order(me(request), "roll-call", body)
    group = await groups.get(context.db, body.group_id) if body.group_id else None
    keys = [*(group.members if group else ()), *(each.key for each in body.who)]
    lines = groups.lines_of(await groups.callable_now(context.db, english=language(request) == "en"), keys)
    row = await calls.begin(context.db, body.name, lines, body.limit_s, me(request), context.clock(), order)
    return RollCallView.of(row, zone(request))


async def step(request: Request, body: RollCallStep, headers: IfMatch) -> RollCallView:
    """Do something with a roll-call.

    Marks somebody present or absent by voice, calls the absent again, pauses, goes on, or ends it.
    """
    context, user, tz = ctx(request), me(request), zone(request)
    now, call = context.clock(), request.match_info["call"]
    if body.called is None and body.act in ("present", "absent"):
        raise UserError("required", "called")
    key = body.called.key if body.called else ""
    headers.check(RollCallView.of(await calls.look(context.db, call, now), tz))
    return RollCallView.of(await calls.change(context.db, call, rules.by_officer(body.act, key, user.name, now), now, user, body.act), tz)


async def record_csv(request: Request, headers: IfNoneMatch) -> web.Response:
    """Take out the record as CSV.

    In UTF-8; Accept-Language chooses the language of headings and results. Audited.
    """
    return await _record(request, "csv", headers)


async def record_xlsx(request: Request, headers: IfNoneMatch) -> web.Response:
    """Take out the record as XLSX.

    As CSV, for spreadsheets. Audited.
    """
    return await _record(request, "xlsx", headers)


async def _record(request: Request, kind: Literal["csv", "xlsx"], headers: IfNoneMatch) -> web.Response:
    context, tz = ctx(request), zone(request)
    row = await calls.look(context.db, request.match_info["call"], context.clock())
    body = await record.taken_out(context.db, row, kind, me(request), context.clock(), tz, gettext(request))
    name = record.file_name(row, kind, tz)
    return file_answer(body, MEDIA_TYPES[kind], headers, name=name, charset="utf-8" if kind == "csv" else None)


# ------------------------------------------------------------------------------------------------ groups


async def search_groups(request: Request, query: Paging) -> GroupList:
    """List the groups for roll-calls."""
    found, goes_on = slice_of(await groups.list_groups(ctx(request).db), query)
    return GroupList(items=[GroupView.of(group, zone(request)) for group in found], next=goes_on)


async def show_group(request: Request) -> GroupView:
    """Show one group for roll-calls."""
    return GroupView.of(await groups.get(ctx(request).db, request.match_info["group"]), zone(request))


async def add_group(request: Request, body: NewGroup) -> GroupView:
    """Keep a group for roll-calls.

    Takes a shift leader, or a program.
    """
    _may_keep(request)
    draft = GroupDraft(body.name, tuple(each.key for each in body.members))
    return GroupView.of(await groups.add(ctx(request).db, draft, me(request), ctx(request).clock()), zone(request))


async def change_group(request: Request, body: GroupChange, headers: IfMatch) -> GroupView:
    """Change a group for roll-calls.

    Takes a shift leader, or a program.
    """
    _may_keep(request)
    given, tz = body.given(), zone(request)

    def changed(group: RollCallGroup) -> GroupDraft:
        headers.check(GroupView.of(group, tz))
        members = tuple(each.key for each in given["members"]) if "members" in given else tuple(group.members)
        return GroupDraft(given.get("name", group.name), members)

    group = await groups.change(ctx(request).db, request.match_info["group"], changed, me(request), ctx(request).clock())
    return GroupView.of(group, tz)


async def remove_group(request: Request, headers: IfMatch) -> None:
    """Delete a group for roll-calls.

    Takes a shift leader, or a program. Roll-calls that were made with it stay.
    """
    _may_keep(request)
    context, tz = ctx(request), zone(request)
    await groups.remove(
        context.db, request.match_info["group"], me(request), context.clock(), lambda group: headers.check(GroupView.of(group, tz))
    )


def _may_keep(request: Request) -> None:
    """A program has no rank: an administrator gave it the role for this."""
    if program(request) is None:
        require(me(request), Rank.LEAD)


_CALL, _GROUP = "/roll-calls/{call}", "/roll-call-groups/{group}"

ROUTES = (
    operation("GET", "/roll-calls", search, SEES),
    operation("POST", "/roll-calls", begin, CALLS, status=201, refuses=(404, 409)),
    operation("GET", _CALL, show, SEES),
    operation("POST", f"{_CALL}/steps", step, CALLS, refuses=(409,)),
    operation("GET", f"{_CALL}/record.csv", record_csv, SEES, file=MEDIA_TYPES["csv"]),
    operation("GET", f"{_CALL}/record.xlsx", record_xlsx, SEES, file=MEDIA_TYPES["xlsx"]),
    operation("GET", "/roll-call-groups", search_groups, SEES),
    operation("POST", "/roll-call-groups", add_group, CALLS, status=201, refuses=(403,)),
    operation("GET", _GROUP, show_group, SEES),
    operation("PATCH", _GROUP, change_group, CALLS, refuses=(403,)),
    operation("DELETE", _GROUP, remove_group, CALLS, status=204, refuses=(403,)),
)
