"""Tasks of teams in the field, and the teams. Programs of an officer's role send them; a report is checked and closed by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.console.field import listing, orders, tasks, teams
from dispatch.console.field.listing import Filter, Whole
from dispatch.console.field.orders import LONGEST, LONGEST_REPORT, Doing, TaskDraft
from dispatch.store.field_tables import FieldTask
from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, cursor_of, place
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Given, Id, IdOrNone, Moment, Resource, Shown, local, local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

SEES, SENDS = programs(OFFICER, CLERK), programs(OFFICER)
State = Literal["drafted", "sent", "signed", "on_site", "reported", "closed", "cancelled"]
CentreAct = Literal["send", "urge", "return", "reassign", "cancel"]
StepAct = Literal[
    "draft", "send", "sign", "arrive", "report", "hand_back", "close", "return", "urge", "reassign", "cancel", "overdue",
]  # fmt: skip
_LATITUDE = "Degrees of WGS-84; null where the place is said in words alone."
_USER = "For whom in the team it is; empty: for anybody of it."


class MemberView(Shown):
    """Somebody in a team."""

    user_id: Id
    name: str
    duty: Literal["officer", "grid_worker"]
    leads: bool


class TeamView(Shown):
    """A team, and how it does. Counts are of what is open; what is closed, and the medians, of the last 90 days."""

    id: Id
    name: str
    name_en: str
    area: str
    phone: str
    active: bool = Field(description="Whether it can be sent out.")
    members: list[MemberView]
    out: int = Field(description="Tasks that it has to do something for.")
    overdue: int
    reported: int = Field(description="Tasks that wait to be checked.")
    closed: int
    to_sign_s: float | None = Field(description="Median seconds from sending to signing; null where there are none.")
    to_report_s: float | None = Field(description="Median seconds from signing to reporting; null where there are none.")


class TeamList(Shown):
    """All teams, in their order."""

    items: list[TeamView]


class StepView(Shown):
    """A step of a task. The log cannot be changed."""

    number: int
    act: StepAct
    state: State = Field(description="Of the task afterwards.")
    by: str = Field(description="Name of whoever did it.")
    at: Moment = Field(description="When the server took it.")
    done_at: Moment = Field(description="When it was done; earlier where a phone had no connection.")
    text: str
    latitude: float | None = Field(description=_LATITUDE)
    longitude: float | None = Field(description=_LATITUDE)


class TaskView(Resource):
    """A task of a team. `steps` is empty in lists."""

    id: Id
    number: str = Field(description="As it is written on everything: year of the court and running number.")
    title: str
    text: str
    place: str
    latitude: float | None = Field(description=_LATITUDE)
    longitude: float | None = Field(description=_LATITUDE)
    case_number: str
    team_id: Id
    user_id: IdOrNone = Field(description=_USER)
    state: State
    deadline: Moment
    overdue: bool
    signed_by: str = Field(description="Name of whoever signed for it; empty while nobody has.")
    created_at: Moment
    sent_at: Moment | None
    signed_at: Moment | None
    arrived_at: Moment | None
    reported_at: Moment | None
    ended_at: Moment | None = Field(description="When it was closed or cancelled.")
    steps: list[StepView]

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/tasks/{self.id}"

    @classmethod
    def of(cls, task: FieldTask, tz: ZoneInfo, overdue: bool, whole: Whole | None = None) -> TaskView:
        """As it is."""
        plain = ("id", "number", "title", "text", "place", "latitude", "longitude", "team_id")
        moments = ("sent_at", "signed_at", "arrived_at", "reported_at", "ended_at")
        return cls(
            **{name: getattr(task, name) for name in plain},
            **{name: local_or_none(getattr(task, name), tz) for name in moments},
            case_number=task.case.number if task.case is not None else "",
            user_id=task.user_id or "",
            state=cast("State", task.state),
            deadline=local(task.deadline, tz),
            overdue=overdue,
            signed_by=task.signed_name,
            created_at=local(task.created_at, tz),
            steps=[
                StepView(
                    number=step.number, act=cast("StepAct", step.act), state=cast("State", step.state), by=step.by_name, text=step.text,
                    at=local(step.at, tz), done_at=local(step.done_at, tz), latitude=step.latitude, longitude=step.longitude,
                )
                for step in (whole.steps if whole is not None else ())
            ],
        )  # fmt: skip


class TaskList(Page[TaskView]):
    """One page of tasks, those made last first."""


class TaskQuery(Paging):
    """Which tasks."""

    team: IdOrNone = Field("", description="Of this team.")
    state: list[State] = Field([], max_length=7, description="One or more states: the parameter may be repeated.")
    overdue: bool = Field(False, description="Only those that are overdue.")
    case_number: str = Field("", max_length=LONGEST["case_number"], description="Only those of this case.")


class NewTask(Given):
    """A task for a team."""

    title: str = Field(min_length=1, max_length=LONGEST["title"])
    text: str = Field("", max_length=LONGEST["text"], description="What matters there.")
    place: str = Field(min_length=1, max_length=LONGEST["place"], description="In words.")
    latitude: float | None = Field(None, ge=-90, le=90, description=_LATITUDE)
    longitude: float | None = Field(None, ge=-180, le=180, description=_LATITUDE)
    case_number: str = Field("", max_length=LONGEST["case_number"], description="Of a case that there is; empty: of none.")
    team_id: Id
    user_id: IdOrNone = Field("", description=_USER)
    deadline: Moment = Field(description="By when it is to be reported.")
    send: bool = Field(True, description="Sent at once; otherwise it is a draft.")


class TaskStep(Given):
    """What the centre does to a task."""

    act: CentreAct = Field(description="`return`: the team is to go on and report again; `reassign`: given to `team_id`.")
    text: str = Field("", max_length=LONGEST_REPORT, description="Why; needed to return and to cancel.")
    team_id: IdOrNone = Field("", description="To whom it goes; of `reassign` alone.")
    user_id: IdOrNone = Field("", description=_USER)
    deadline: Moment | None = Field(None, description="A new deadline, with send, return and reassign.")


async def search_teams(request: Request) -> TeamList:
    """List the teams.

    With their people and their figures.
    """
    context = ctx(request)
    figures = await listing.figures(context.db, context.clock())
    names = ("out", "overdue", "reported", "closed", "to_sign_s", "to_report_s")
    plain = ("id", "name", "name_en", "area", "phone", "active")
    return TeamList(
        items=[
            TeamView(
                **{name: getattr(team, name) for name in plain},
                **{name: getattr(figures[team.id], name) for name in names},
                members=[
                    MemberView(user_id=each.user_id, name=each.user.name, duty=cast("Any", each.duty), leads=each.leads)
                    for each in team.members
                ],
            )
            for team in await teams.listed(context.db, everything=True)
        ]
    )


async def search(request: Request, query: TaskQuery) -> TaskList:
    """List tasks."""
    context, after = ctx(request), place(query.cursor)
    only = Filter(team_id=query.team, states=tuple(query.state), overdue=query.overdue, case_number=query.case_number)
    found, more = await listing.listed(context.db, me(request), only, context.clock(), after, query.limit)
    return TaskList(
        items=[_view(request, task) for task in found], next=cursor_of(found[-1].created_at, found[-1].id) if more else None
    )


async def create(request: Request, body: NewTask, headers: Once) -> TaskView:
    """Make a task.

    It is sent at once, or kept as a draft to which its material is added on its page.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "task", body)
    wanted = TaskDraft(**{name: getattr(body, name) for name in TaskDraft.__slots__})
    task = await orders.draft(context.db, wanted, user, context.clock(), order)
    if body.send and task.state == "drafted" and task.steps == 1:
        await orders.act(context.db, task.id, "send", user, context.clock())
    return await _shown(request, task.id)


async def show(request: Request) -> TaskView:
    """Show one task with the steps of its log."""
    return await _shown(request, request.match_info["task"])


async def step(request: Request, body: TaskStep, headers: IfMatch) -> TaskView:
    """Do something to a task.

    What the centre does: send, urge, return, reassign, cancel. A report is checked and closed by a person, on the task's page.
    """
    context, task_id = ctx(request), request.match_info["task"]
    whole = await listing.get(context.db, me(request), task_id)
    doing = Doing(text=body.text, team_id=body.team_id, user_id=body.user_id, deadline=body.deadline)
    await orders.act(context.db, task_id, body.act, me(request), context.clock(), doing, _seen(request, headers, whole))
    return await _shown(request, task_id)


def _seen(request: Request, headers: IfMatch, whole: Whole) -> Callable[[FieldTask], None]:
    """Refuses a task that is other than the one who acts saw it: each change of it is a step."""

    def check(task: FieldTask) -> None:
        same = task.steps == whole.task.steps
        headers.check(_view(request, whole.task if same else task, whole if same else None))

    return check


async def _shown(request: Request, task_id: str) -> TaskView:
    whole = await listing.get(ctx(request).db, me(request), task_id)
    return _view(request, whole.task, whole)


def _view(request: Request, task: FieldTask, whole: Whole | None = None) -> TaskView:
    late = tasks.is_overdue(cast("State", task.state), task.deadline, ctx(request).clock())
    return TaskView.of(task, zone(request), late, whole)


ROUTES = (
    operation("GET", "/teams", search_teams, SEES),
    operation("GET", "/tasks", search, SEES),
    operation("POST", "/tasks", create, SENDS, status=201),
    operation("GET", "/tasks/{task}", show, SEES),
    operation("POST", "/tasks/{task}/steps", step, SENDS, refuses=(409,)),
)
