"""Programs that are told of events: signed, by the same outbox, and never into the site's own network."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from dispatch.booking import bookings, extension
from dispatch.errors import NotFound, ValidationFailed
from dispatch.notices import webhooks
from dispatch.notices.sender import Sender
from dispatch.notices.targets import WebhookLine, is_public, may_be_public
from dispatch.settings import Settings
from dispatch.sittings.statuses import project_rows
from dispatch.store.notice_tables import Webhook, WebhookDelivery
from tests.dispatch.making import CANCELLED, NOW, OPENED, URGENT, Court, at, audited, make_rows, make_sitting, to_stage
from tests.dispatch.notices.told import whole_database


@dataclass
class Program:
    """A program of the court: what it was sent, and what it answers."""

    url: str = ""
    status: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.taken.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, text="taken" if self.status < 300 else "no", headers={"Location": "http://127.0.0.1:9/"})

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.taken]


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    made, app = Program(), web.Application()
    app.router.add_post("/hook", made.take)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url("/hook"))
    yield made
    await server.close()


async def subscribed(court: Court, url: str, *events: str) -> tuple[str, Webhook]:
    wanted = events or webhooks.EVENTS
    return await webhooks.add(court.db, webhooks.WebhookDraft("案件系统", url, wanted), private=True, by=court.users["xu"], now=NOW)


async def deliver(court: Court, private: bool = True, now: timedelta = timedelta()) -> None:
    line = WebhookLine(court.db, Settings(webhook_private=private))
    sender: Sender[WebhookDelivery] = Sender(court.db, line, lambda: NOW + now)
    while await sender.work():
        pass
    await line.close()


async def deliveries(court: Court) -> list[WebhookDelivery]:
    async with court.db.reader() as session:
        return list(await session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.created_at, WebhookDelivery.event)))


async def test_what_happens_to_a_sitting_is_told_without_personal_data_and_signed(court: Court, program: Program) -> None:
    secret, webhook = await subscribed(court, program.url)
    sitting = await make_sitting(court)
    await deliver(court)
    ((headers, body),) = program.taken
    parts = dict(part.split("=", 1) for part in headers["X-Dispatch-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)
    told = json.loads(body)
    assert (headers["X-Dispatch-Event"], headers["X-Dispatch-Delivery"]) == ("sitting.booked", told["id"])
    assert (told["event"], told["data"]["sitting"], told["data"]["status"]) == ("sitting.booked", sitting.id, "planned")
    assert "刘芳" not in body.decode()
    assert secret not in webhook.secret_sealed
    assert secret.encode() not in await whole_database(court)


async def test_each_act_is_an_event_of_its_own(court: Court, program: Program) -> None:
    await subscribed(court, program.url)
    sitting = await make_sitting(court)
    await bookings.move(
        court.db, sitting.id, court.room.id, at("15:00"), at("16:00"), court.clerk, NOW + timedelta(seconds=1), override_reason=URGENT
    )
    await extension.extend(court.db, sitting.id, 30, court.clerk, NOW + timedelta(seconds=2))
    await bookings.cancel(court.db, sitting.id, "法官病假", court.clerk, NOW + timedelta(seconds=3))
    await deliver(court, now=timedelta(minutes=1))
    assert program.events == ["sitting.booked", "sitting.moved", "sitting.extended", "sitting.cancelled"]
    assert [json.loads(body)["data"]["sequence"] for _, body in program.taken] == [0, 1, 2, 3]


async def test_the_hearing_itself_is_told_too(court: Court, program: Program) -> None:
    await subscribed(court, program.url, "sitting.opened", "sitting.closed", "sitting.cancelled")
    held, off = await make_sitting(court), await make_sitting(court, "16:00")
    await project_rows(
        court.db, held.id, make_rows(held.id, OPENED, to_stage("hearing"), to_stage("recess"), to_stage("hearing"), to_stage("closed"))
    )
    await project_rows(court.db, off.id, make_rows(off.id, OPENED, CANCELLED))
    await deliver(court, now=timedelta(minutes=1))
    assert sorted(program.events) == ["sitting.cancelled", "sitting.closed", "sitting.opened"]


async def test_only_what_was_subscribed_to_is_sent(court: Court, program: Program) -> None:
    await subscribed(court, program.url, "sitting.cancelled")
    await make_sitting(court)
    assert await deliveries(court) == []


async def test_a_program_that_fails_is_tried_again_and_one_that_refuses_is_not(court: Court, program: Program) -> None:
    await subscribed(court, program.url)
    await make_sitting(court)
    program.status = 503
    await deliver(court)
    (waits,) = await deliveries(court)
    assert (waits.state, waits.outcome, waits.next_at) == ("queued", "503 no", NOW + timedelta(minutes=1))
    program.status = 410
    await deliver(court, now=timedelta(minutes=1))
    (failed,) = await deliveries(court)
    assert (failed.state, failed.outcome, failed.attempts) == ("failed", "410 no", 2)


async def test_a_redirect_is_not_followed(court: Court, program: Program) -> None:
    await subscribed(court, program.url)
    await make_sitting(court)
    program.status = 307
    await deliver(court)
    assert [(each.state, each.outcome[:3]) for each in await deliveries(court)] == [("failed", "307")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
async def test_nothing_is_sent_into_the_own_network_unless_it_is_allowed(host: str, court: Court, program: Program) -> None:
    port = program.url.split(":")[2].split("/")[0]
    await subscribed(court, f"http://{host}:{port}/hook")
    await make_sitting(court)
    await deliver(court, private=False)
    (refused,) = await deliveries(court)
    assert (refused.state, refused.attempts) == ("failed", 1), refused.outcome
    assert "DISPATCH_WEBHOOK_PRIVATE" in refused.outcome or "not a canonical IPv4 address" in refused.outcome
    assert program.taken == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::1", False),
        ("64:ff9b::10.0.0.1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_is_judged_only_when_it_is_resolved() -> None:
    assert may_be_public("https://case.example/hook")
    assert not may_be_public("https://[fd00::1]/hook")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://case.example/", "webhook_url"),
        ("https://user:secret@case.example/", "webhook_url"),
        ("https://", "webhook_url"),
        ("https://case.example/a b", "webhook_url"),
        ("https://case.example:0/", "webhook_url"),
        ("https://case.example/" + "a" * 400, "webhook_url"),
        ("http://case.example/", "webhook_plain"),
        ("https://case.example/hook?x=1", ""),
    ],
)
def test_an_address_that_is_none_is_told(url: str, code: str) -> None:
    assert webhooks.url_problem(url, private=False) == code


async def test_every_bad_field_is_named_at_once(court: Court) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await webhooks.add(court.db, webhooks.WebhookDraft(" ", "x", ("sitting.eaten",)), private=False, by=court.users["xu"], now=NOW)
    assert [field for field, _, _ in refused.value.errors] == ["name", "url", "events"]


async def test_a_test_is_sent_and_a_removed_one_gets_nothing_more(court: Court, program: Program) -> None:
    _, webhook = await subscribed(court, program.url)
    await webhooks.test(court.db, webhook.id, court.users["xu"], NOW)
    await deliver(court)
    assert program.events == ["test"]
    await make_sitting(court)
    await webhooks.remove(court.db, webhook.id, court.users["xu"], NOW)
    await deliver(court)
    assert program.events == ["test"]
    assert await deliveries(court) == []
    with pytest.raises(NotFound):
        await webhooks.test(court.db, webhook.id, court.users["xu"], NOW)
    assert [row.action for row in await audited(court.db, "webhook_added", "webhook_tested", "webhook_removed")] == [
        "webhook_added",
        "webhook_tested",
        "webhook_removed",
    ]
