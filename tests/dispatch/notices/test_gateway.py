"""Text messages by a real HTTP gateway on this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from dispatch.booking import bookings, decisions
from dispatch.booking.catalogue.details import Details
from dispatch.identity import invitations
from dispatch.notices.gateway import Gateway, filled, took_it
from dispatch.notices.lines import AskerTextLine, TextLine
from dispatch.notices.sender import Rejected, Sender, TryLater, Unreachable
from dispatch.settings import Settings
from dispatch.store.notice_tables import AskerMessage
from dispatch.store.tables import User
from tests.dispatch.making import NOW, Court, make_draft, named, set_terms
from tests.dispatch.notices.conftest import words
from tests.dispatch.notices.told import messages, told_sitting


class Operator:
    """What it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.status, self.answer = 200, '{"code": "OK"}'

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append((request.headers.get("Authorization", ""), await request.json()))
        return web.Response(status=self.status, text=self.answer)


@pytest.fixture
async def operator() -> AsyncIterator[tuple[Operator, str]]:
    made = Operator()
    app = web.Application()
    app.router.add_post("/send", made.take)
    server = TestServer(app)
    await server.start_server()
    yield made, str(server.make_url("/send"))
    await server.close()


@pytest.fixture
def sms_settings(tmp_path: Path, operator: tuple[Operator, str]) -> Settings:
    (tmp_path / "headers").write_text("Authorization: Bearer key-2026\n")
    template = '{"to": ["{phone}"], "sign": "court", "params": {"content": "{text}", "n": 1}}'
    return Settings(
        data=tmp_path,
        public_url="https://court.example",
        sms_url=operator[1],
        sms_headers_file=tmp_path / "headers",
        sms_template=template,
        sms_success="code=OK",
    )


async def test_an_invitation_by_text_message_has_link_and_time(
    court: Court, operator: tuple[Operator, str], sms_settings: Settings
) -> None:
    sitting = await told_sitting(court)
    line = TextLine(court.db, sms_settings, words)
    while await Sender(court.db, line, lambda: NOW).work():
        pass
    await line.close()
    ((key, body),) = operator[0].asked
    link = f"https://court.example/join/{await invitations.link_of(court.db, named(sitting, '刘芳').id)}"
    assert key == "Bearer key-2026"
    assert (body["to"], body["sign"], body["params"]["n"]) == (["13812345678"], "court", 1)
    assert link in body["params"]["content"]
    assert body["params"]["content"].startswith("【京州市云河区人民法院】刘芳，您好：您的远程庭审定于2026年11月24日 星期二 14:00")
    assert [message.state for message in await messages(court.db, "sms", kind="invitation")] == ["sent"]


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (200, '{"code": "LIMIT"}', Rejected),
        (200, "<html>", Rejected),
        (400, "bad number", Rejected),
        (302, "", Rejected),
        (429, "slower", TryLater),
        (503, "later", TryLater),
        (401, "who are you", Unreachable),
    ],
)
async def test_what_the_gateway_says_decides(
    status: int, answer: str, error: type[Exception], operator: tuple[Operator, str], sms_settings: Settings
) -> None:
    operator[0].status, operator[0].answer = status, answer
    gateway = Gateway(sms_settings)
    with pytest.raises(error, match=f"{status}"):
        await gateway.deliver("m", "13812345678", "text")
    await gateway.close()


async def test_what_the_gateway_puts_off_is_tried_again_after_growing_waits_under_one_name(
    court: Court, operator: tuple[Operator, str], sms_settings: Settings
) -> None:
    await told_sitting(court, days=5)
    settings = sms_settings.model_copy(update={"sms_template": '{"to": "{phone}", "text": "{text}", "id": "{id}"}'})
    line, now, waits = TextLine(court.db, settings, words), NOW, []
    sender = Sender(court.db, line, lambda: now)
    operator[0].status, operator[0].answer = 503, "busy"
    for _ in range(8):
        assert await sender.work()
        (message,) = await messages(court.db, "sms", kind="invitation")
        assert (message.state, message.outcome) == ("queued", "503 busy")
        assert not await sender.work(), "it does not wait"
        waits.append((message.next_at - now).total_seconds() / 60)
        now = message.next_at
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    operator[0].status, operator[0].answer = 200, '{"code": "OK"}'
    assert await sender.work()
    await line.close()
    (message,) = await messages(court.db, "sms", kind="invitation")
    assert (message.state, message.attempts) == ("sent", 9)
    assert {body["id"] for _, body in operator[0].asked} == {message.id}


async def test_a_gateway_that_is_away_is_unreachable(tmp_path: Path) -> None:
    gateway = Gateway(Settings(data=tmp_path, sms_url="http://127.0.0.1:9/send"))
    with pytest.raises(Unreachable):
        await gateway.deliver("m", "13812345678", "text")
    await gateway.close()


def test_whatever_is_filled_in_stays_a_text() -> None:
    template = json.loads('{"a": "{text}", "b": [{"c": "to {phone}: {text}"}], "d": 3, "e": "{other}"}')
    made = filled(template, {"phone": "1", "text": '", "x": {phone} \\'})
    assert made == {"a": '", "x": {phone} \\', "b": [{"c": 'to 1: ", "x": {phone} \\'}], "d": 3, "e": "{other}"}


@pytest.mark.parametrize(
    ("answer", "success", "taken"),
    [
        ("anything", "", True),
        ('{"code": "OK"}', "code=OK", True),
        ('{"code": 0}', "code=0", True),
        ('{"data": [{"ok": true}]}', "data.0.ok=true", True),
        ('{"code": "NO"}', "code=OK", False),
        ("[]", "code=OK", False),
        ('{"code": null}', "code.deeper=OK", False),
    ],
)
def test_what_counts_as_taken(answer: str, success: str, taken: bool) -> None:
    assert took_it(answer, success) is taken


async def test_whoever_asked_for_a_booking_is_told_what_became_of_it_where_his_account_has_a_mobile_number(
    court: Court, operator: tuple[Operator, str], sms_settings: Settings
) -> None:
    async with court.db.writer() as session:
        clerk = await session.get_one(User, court.clerk.id)
        clerk.phone, clerk.email = "139 0013 9000", "asker@court.example"
    await set_terms(court.db, court.room.id, Details(needs_approval=True), court.users["xu"], NOW)
    good = await bookings.create_sitting(court.db, make_draft(court), court.clerk, NOW)  # he takes part in it
    bad = await bookings.create_sitting(court.db, make_draft(court, "16:00", clerk_id=""), court.clerk, NOW)
    await decisions.approve(court.db, good.id, court.users["xu"], NOW)
    await decisions.decline(court.db, bad.id, "另有安排", court.users["xu"], NOW)
    line = AskerTextLine(sms_settings, words)
    while await Sender(court.db, line, lambda: NOW).work():
        pass
    await line.close()
    texts = [body["params"]["content"] for _, body in operator[0].asked]
    assert [body["to"] for _, body in operator[0].asked] == [["13900139000"]] * 2
    link = f"https://court.example/sittings/{good.id}"
    assert sorted(("已获批准" in text, link in text) for text in texts) == [(False, False), (True, True)]
    async with court.db.reader() as session:
        told = {(row.channel, row.sitting_id) for row in await session.scalars(select(AskerMessage))}
    # Of the one in which he takes part he has an e-mail as a participant.
    assert told == {("sms", good.id), ("sms", bad.id), ("mail", bad.id)}


async def test_an_asker_without_a_mobile_number_gets_no_text_message(court: Court) -> None:
    async with court.db.writer() as session:
        (await session.get_one(User, court.clerk.id)).phone = "010-12345678"
    await set_terms(court.db, court.room.id, Details(needs_approval=True), court.users["xu"], NOW)
    asked = await bookings.create_sitting(court.db, make_draft(court, clerk_id=""), court.clerk, NOW)
    await decisions.approve(court.db, asked.id, court.users["xu"], NOW)
    async with court.db.reader() as session:
        assert list(await session.scalars(select(AskerMessage.channel))) == []
