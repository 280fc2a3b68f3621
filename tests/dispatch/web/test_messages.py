"""The clerk's page of what people were told, and the addresses in the forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.notices.figures import MESSAGES, OLDEST, read
from dispatch.store.notice_tables import Message
from tests.dispatch.web.conftest import NOW, Person, Site

LIU = "liu@example.com"


@pytest.fixture
def telling(site: Site) -> Site:
    """The site, with a mail server to be told by."""
    site.db.site = replace(site.db.site, mail=True, sms=True)
    return site


async def invited(site: Site) -> tuple[Person, str]:
    clerk = await site.signed_in("clerk")
    return clerk, await site.booked(clerk, **{"participants-0-email": LIU})


async def messages(site: Site, **wanted: Any) -> list[Message]:
    async with site.db.reader() as session:
        found = select(Message).where(*(getattr(Message, name) == value for name, value in wanted.items())).order_by(Message.created_at)
        return list(await session.scalars(found))


async def settled(site: Site, state: str, outcome: str = "", **wanted: Any) -> Message:
    """The one message that is meant, as the sender leaves it."""
    (message,) = await messages(site, **wanted)
    async with site.db.writer() as session:
        own = await session.get_one(Message, message.id)
        own.state, own.outcome, own.attempts, own.settled_at = state, outcome, 1, NOW
    return message


async def test_a_booking_in_the_form_with_an_address_is_told_of(telling: Site) -> None:
    clerk, sitting = await invited(telling)
    assert {(m.channel, m.kind) for m in await messages(telling, address=LIU)} == {("mail", "invitation"), ("mail", "reminder")}
    page = await clerk.page(f"/sittings/{sitting}")
    assert LIU in page
    assert "Waiting" in page
    form = await clerk.page(f"/sittings/{sitting}/edit")
    assert f'value="{LIU}"' in form


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "这不是有效的电子邮箱地址"), ("en", "This is no e-mail address")])
async def test_a_wrong_address_is_told_at_its_field_and_kept_as_typed(telling: Site, language: str, words: str) -> None:
    clerk = await telling.signed_in("clerk")
    await clerk.page(f"/sittings/new?language={language}")
    answer = await clerk.post("/sittings/new", telling.draft(**{"participants-0-email": "liu@example"}))
    page = await answer.text()
    assert answer.status == 422
    assert page.index('value="liu@example"') < page.index(words)
    assert await messages(telling) == []


async def test_the_list_shows_why_something_did_not_arrive_and_sends_it_again(telling: Site) -> None:
    clerk, sitting = await invited(telling)
    message = await settled(telling, "failed", "550 5.1.1 no <such> user", address=LIU, kind="invitation")
    page = await clerk.page("/messages?state=failed")
    assert "550 5.1.1 no &lt;such&gt; user" in page
    assert "刘芳" in page
    answer = await clerk.post(f"/messages/{message.id}/send-again")
    assert answer.headers["Location"] == f"/messages?sitting={sitting}&again=1"
    assert "It will be sent again within seconds" in await clerk.page(answer.headers["Location"])
    assert sorted(m.state for m in await messages(telling, address=LIU, kind="invitation")) == ["failed", "queued"]
    again = await clerk.post(f"/messages/{message.id}/send-again")
    assert (again.status, "so no longer" in await again.text()) == (409, True), "the former one is not what was told last"


async def test_the_list_shows_what_was_put_off_why_and_until_when(telling: Site) -> None:
    clerk, _ = await invited(telling)
    message = await settled(telling, "queued", "450 4.2.1 greylisted", address=LIU, kind="invitation")
    async with telling.db.writer() as session:
        (await session.get_one(Message, message.id)).next_at = NOW + timedelta(minutes=4)
    page = await clerk.page("/messages")
    assert "450 4.2.1 greylisted" in page
    assert "24 Nov 2026 09:34" in page


async def test_the_list_is_filtered_and_searched(telling: Site) -> None:
    clerk, _ = await invited(telling)
    assert LIU in await clerk.page("/messages")
    assert LIU not in await clerk.page("/messages?state=sent")
    assert LIU not in await clerk.page("/messages?channel=sms")
    assert LIU in await clerk.page("/messages?q=liu%40example")
    assert "Nothing was found" in await clerk.page("/messages?q=%25")
    assert LIU in await clerk.page("/messages?state=nonsense&channel=pigeon&cursor=%21")


async def test_a_site_that_tells_nobody_says_so(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    sitting = await site.booked(clerk, **{"participants-0-email": LIU})
    assert "This site tells nobody by itself" in await clerk.page("/messages")
    assert "This site tells nobody by itself" in await clerk.page(f"/sittings/{sitting}")


async def test_programs_read_and_send_again(telling: Site) -> None:
    clerk, sitting = await invited(telling)
    message = await settled(telling, "sent", "250 taken", address=LIU, kind="invitation")
    listed = await (await clerk.get(f"/api/v1/messages?sitting={sitting}&state=sent")).json()
    assert [(one["to"], one["kind"], one["outcome"], one["next_at"]) for one in listed["items"]] == [(LIU, "invitation", "250 taken", None)]
    one = await (await clerk.get(f"/api/v1/messages/{message.id}")).json()
    assert one == listed["items"][0]
    again = await clerk.session.post(f"/api/v1/messages/{message.id}/send-again", headers={"X-CSRF-Token": clerk.token})
    assert again.status == 201
    assert (await again.json())["state"] == "queued"
    assert (await clerk.get("/api/v1/messages?channel=pigeon")).status == 422
    assert (await clerk.get("/api/v1/messages/0123456789abcdef")).status == 404


async def test_figures_tell_what_waits_and_for_how_long(telling: Site) -> None:
    await invited(telling)
    await settled(telling, "failed", "550", address=LIU, kind="invitation")
    await read(telling.db, NOW.replace(minute=32))
    value = {(s.labels["channel"], s.labels["state"]): s.value for s in next(iter(MESSAGES.collect())).samples}
    assert (value["mail", "failed"], value["mail", "queued"], value["sms", "queued"]) == (1, 0, 1), "the reminder's time has not come"
    assert {s.labels["channel"]: s.value for s in next(iter(OLDEST.collect())).samples} == {"mail": 0, "sms": 120, "webhook": 0, "asker": 0}
