"""Tasks brought from one state to the next: who, with what, once; the log that nobody changes; overdue."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from dispatch.audit import verify_chain
from dispatch.console.field import listing, orders, overdue, positions, teams
from dispatch.console.field.orders import Doing, TaskDraft
from dispatch.console.field.positions import Fix
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.errors import Forbidden, NotFound, Refused, UserError, ValidationFailed
from dispatch.store.alert_tables import Alert
from dispatch.store.database import Database
from dispatch.store.field_tables import FieldStep, FieldTask, Team
from dispatch.store.tables import AuditRow, User
from tests.dispatch.console.field.test_positions import somebody, team_of
from tests.dispatch.making import NOW, Court

SOON = NOW + timedelta(hours=2)


class Centre:
    """An officer, two teams and their people."""

    def __init__(self, db: Database, officer: User, team: Team, people: list[User], other: Team, stranger: User) -> None:
        self.db, self.officer, self.team, self.people, self.other, self.stranger = db, officer, team, people, other, stranger
        self.now = NOW

    async def draft(self, **changes: Any) -> FieldTask:
        plain = TaskDraft("查看北河沿排污口", "北河沿街 12 号桥东", self.team.id, SOON)
        return await orders.draft(self.db, replace(plain, **changes), self.officer, self.now)

    async def act(self, task: FieldTask, what: Any, by: User, **doing: Any) -> FieldTask:
        self.now += timedelta(minutes=1)
        return await orders.act(self.db, task.id, what, by, self.now, Doing(**doing))

    async def steps(self, task: FieldTask) -> list[str]:
        async with self.db.reader() as session:
            return list(await session.scalars(select(FieldStep.act).where(FieldStep.task_id == task.id).order_by(FieldStep.number)))


@pytest.fixture
async def centre(court: Court) -> Centre:
    people = [await somebody(court.db, "程海"), await somebody(court.db, "马兰")]
    stranger = await somebody(court.db, "丁一")
    team = await team_of(court.db, *people)
    other = await team_of(court.db, stranger, name="小庙中队")
    return Centre(court.db, court.users["gao"], team, people, other, stranger)


async def test_a_task_goes_from_the_draft_to_the_check_and_each_step_is_in_its_log_and_in_the_audit(centre: Centre) -> None:
    member = centre.people[0]
    await positions.agree(centre.db, member, True, NOW)
    task = await centre.draft()
    assert (task.number, task.state) == ("2026-0001", "drafted")
    await centre.act(task, "send", centre.officer)
    await centre.act(task, "sign", member)
    await centre.act(task, "arrive", member, fix=Fix(39.92, 116.44, 9.0))
    await centre.act(task, "report", member, text="排污口已封堵")
    task = await centre.act(task, "close", centre.officer, text="已核")
    assert (task.state, task.signed_name, task.ended_at) == ("closed", "程海", centre.now)
    whole = await listing.get(centre.db, centre.officer, task.id)
    assert [(step.act, step.by_name, step.state) for step in whole.steps] == [
        ("draft", "高卫东", "drafted"), ("send", "高卫东", "sent"), ("sign", "程海", "signed"), ("arrive", "程海", "on_site"),
        ("report", "程海", "reported"), ("close", "高卫东", "closed"),
    ]  # fmt: skip
    assert (whole.steps[3].latitude, whole.steps[3].accuracy_m) == (39.92, 9.0)
    assert [position.name for position in await positions.latest(centre.db)] == ["程海"]
    async with centre.db.reader() as session:
        rows = list(await session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("task_")).order_by(AuditRow.seq)))
    assert rows == ["task_drafted", "task_sent", "task_signed", "task_on_site", "task_reported", "task_closed"]
    assert (await verify_chain(centre.db)).ok


async def test_the_log_of_a_task_cannot_be_changed(centre: Centre, court: Court) -> None:
    task = await centre.draft()
    with closing(sqlite3.connect(court.file)) as database:
        for statement in (
            "UPDATE field_step SET text = 'x'", "DELETE FROM field_step", "INSERT OR REPLACE INTO field_step SELECT * FROM field_step",
        ):  # fmt: skip
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
    assert await centre.steps(task) == ["draft"]


async def test_the_log_of_a_task_cannot_be_changed_on_postgresql_either(postgresql_court: Court) -> None:
    db = postgresql_court.db
    team = await teams.add(db, TeamDraft("望河中队"), "test", NOW)
    await orders.draft(db, TaskDraft("查看", "桥东", team.id, SOON), postgresql_court.users["gao"], NOW)
    for statement in ("UPDATE field_step SET text = 'x'", "DELETE FROM field_step", "TRUNCATE field_step"):
        with pytest.raises(Exception, match="append-only"):
            async with db.writer() as session:
                await session.execute(text(statement))


async def test_another_teams_task_is_not_there_and_a_colleagues_is_not_his(centre: Centre) -> None:
    task = await centre.draft(user_id=centre.people[0].id)
    with pytest.raises(NotFound):
        await centre.act(task, "sign", centre.people[0])  # a draft is not there yet
    await centre.act(task, "send", centre.officer)
    with pytest.raises(NotFound):
        await centre.act(task, "sign", centre.stranger)
    with pytest.raises(NotFound):
        await listing.get(centre.db, centre.stranger, task.id)
    assert await listing.mine(centre.db, centre.stranger, NOW) == []
    with pytest.raises(Forbidden, match="task_not_yours"):
        await centre.act(task, "sign", centre.people[1])
    with pytest.raises(Forbidden, match="task_not_yours"):
        await centre.act(task, "close", centre.people[0])
    with pytest.raises(Refused, match="task_state"):
        await centre.act(task, "arrive", centre.people[0])
    assert await centre.steps(task) == ["draft", "send"]


async def test_what_a_phone_sends_twice_is_done_once(centre: Centre) -> None:
    member, task = centre.people[0], await centre.draft()
    await centre.act(task, "send", centre.officer)
    for _ in range(2):
        await centre.act(task, "sign", member, key="phone-key-1")
    for _ in range(2):  # the second finds a task that its sender no longer sees
        await centre.act(task, "hand_back", member, key="phone-key-2", text="道路封闭")
    with pytest.raises(UserError, match="key_reused"):
        await centre.act(task, "sign", member, key="phone-key-2")
    assert await centre.steps(task) == ["draft", "send", "sign", "hand_back"]


async def test_a_step_of_a_phone_without_connection_keeps_when_it_was_done(centre: Centre) -> None:
    member, task = centre.people[0], await centre.draft()
    await centre.act(task, "send", centre.officer)
    centre.now += timedelta(minutes=30)
    done = centre.now - timedelta(minutes=20)
    await centre.act(task, "sign", member, done_at=done)
    await centre.act(task, "arrive", member, done_at=centre.now + timedelta(days=1))  # a clock that is ahead
    steps = (await listing.get(centre.db, member, task.id)).steps
    assert steps[2].done_at == done
    assert steps[2].at - done == timedelta(minutes=21)
    assert steps[3].done_at == steps[3].at


async def test_what_needs_a_reason_or_a_report_is_refused_without_it(centre: Centre) -> None:
    member, task = centre.people[0], await centre.draft()
    with pytest.raises(ValidationFailed):
        await centre.act(task, "cancel", centre.officer, text="  ")
    await centre.act(task, "send", centre.officer)
    await centre.act(task, "sign", member)
    with pytest.raises(ValidationFailed):
        await centre.act(task, "hand_back", member)
    await centre.act(task, "arrive", member)
    with pytest.raises(ValidationFailed) as refused:
        await centre.act(task, "report", member, files=("0123456789abcdef",))
    assert [code for _field, code, _ in refused.value.errors] == ["task_files_missing"]
    with pytest.raises(ValidationFailed):
        await centre.act(task, "report", member)


async def test_a_report_that_is_returned_is_made_anew_and_a_task_goes_to_another_team(centre: Centre) -> None:
    member, task = centre.people[0], await centre.draft()
    await centre.act(task, "send", centre.officer)
    await centre.act(task, "sign", member)
    await centre.act(task, "arrive", member)
    await centre.act(task, "report", member, text="已到")
    task = await centre.act(task, "return", centre.officer, text="请补拍全景")
    assert (task.state, task.arrived_at, task.reported_at) == ("signed", None, None)
    await centre.act(task, "urge", centre.officer)
    with pytest.raises(ValidationFailed):
        await centre.act(task, "reassign", centre.officer, team_id=centre.other.id, user_id=member.id)
    task = await centre.act(task, "reassign", centre.officer, team_id=centre.other.id)
    assert (task.state, task.team.name, task.signed_name, task.urged_at) == ("sent", "小庙中队", "", None)
    with pytest.raises(NotFound):
        await listing.get(centre.db, member, task.id)
    assert [whole.task.id for whole in await listing.mine(centre.db, centre.stranger, centre.now)] == [task.id]


async def test_a_bad_draft_names_every_bad_field(centre: Centre) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await centre.draft(title=" ", team_id="nobody", deadline=NOW, latitude=39.0, case_number="（2026）无此案")
    assert [(field, code) for field, code, _ in refused.value.errors] == [
        ("title", "required"), ("team_id", "team_unknown"), ("deadline", "task_deadline_past"), ("coordinates", "coordinates_shape"),
        ("case_number", "case_unknown"),
    ]  # fmt: skip


async def test_a_draft_without_a_team_and_with_an_endless_case_number_says_one_thing_of_each(centre: Centre) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await centre.draft(team_id="", case_number="长" * 81)
    assert [(field, code) for field, code, _ in refused.value.errors] == [("case_number", "too_long"), ("team_id", "required")]


async def test_an_overdue_task_is_told_once_and_again_after_a_new_deadline(centre: Centre) -> None:
    task = await centre.draft()
    assert await overdue.escalate(centre.db, SOON + timedelta(hours=1)) == []  # nobody has it yet
    await centre.act(task, "send", centre.officer)
    late = SOON + timedelta(minutes=1)
    assert await overdue.escalate(centre.db, SOON) == []
    assert await overdue.escalate(centre.db, late) == ["2026-0001"]
    assert await overdue.escalate(centre.db, late) == []
    centre.now = late
    await centre.act(task, "reassign", centre.officer, team_id=centre.team.id, deadline=late + timedelta(hours=1))
    assert await overdue.escalate(centre.db, late + timedelta(minutes=30)) == []
    assert await overdue.escalate(centre.db, late + timedelta(hours=2)) == ["2026-0001"]
    assert await centre.steps(task) == ["draft", "send", "overdue", "reassign", "overdue"]


async def test_an_overdue_task_is_an_alert_of_the_centre_until_it_is_reported(centre: Centre) -> None:
    async def on() -> list[str]:
        async with centre.db.reader() as session:
            found = await session.scalars(select(Alert).where(Alert.code == "task_overdue", Alert.ended_at.is_(None)))
            return [alert.data["number"] for alert in found]

    member, task = centre.people[0], await centre.draft()
    await centre.act(task, "send", centre.officer)
    centre.now = SOON + timedelta(minutes=1)
    for _ in range(2):
        await overdue.escalate(centre.db, centre.now)
    assert await on() == ["2026-0001"]
    for what in ("sign", "arrive"):
        await centre.act(task, what, member)
    await overdue.escalate(centre.db, centre.now)
    assert await on() == ["2026-0001"]
    await centre.act(task, "report", member, text="完成")
    await overdue.escalate(centre.db, centre.now)
    assert await on() == []


async def test_lists_put_overdue_first_and_figures_count_each_team(centre: Centre) -> None:
    member = centre.people[0]
    calm, late, done = [await centre.draft(title=title, deadline=SOON + timedelta(hours=n)) for n, title in enumerate(("晚", "早", "完"))]
    await centre.act(calm, "reassign", centre.officer, team_id=centre.other.id, deadline=SOON + timedelta(days=1))
    for task in (calm, late, done):
        await centre.act(task, "send", centre.officer)
    await centre.act(done, "sign", member)
    await centre.act(done, "arrive", member)
    await centre.act(done, "report", member, text="完成")
    now = SOON + timedelta(hours=3)
    found, _more = await listing.by_urgency(centre.db, centre.officer, listing.Filter(), now)
    assert [task.title for task in found] == ["早", "完", "晚"]
    only = listing.Filter(overdue=True)
    assert [task.title for task in (await listing.by_urgency(centre.db, centre.officer, only, now))[0]] == ["早"]
    by_number, _more = await listing.listed(centre.db, centre.officer, listing.Filter(text=done.number), now)
    assert [task.title for task in by_number] == ["完"]
    figures = await listing.figures(centre.db, now)
    own = figures[centre.team.id]
    assert (own.out, own.overdue, own.reported, own.to_sign_s, own.to_report_s) == (1, 1, 1, 60.0, 120.0)
    assert (figures[centre.other.id].out, figures[centre.other.id].overdue) == (1, 0)


async def test_a_team_of_the_past_is_sent_nowhere(centre: Centre) -> None:
    member = Member(centre.people[0].id)
    await teams.change(centre.db, centre.team.id, TeamDraft(centre.team.name, active=False, members=(member,)), "test", NOW)
    with pytest.raises(ValidationFailed):
        await centre.draft()
