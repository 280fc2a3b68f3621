"""Webhooks by the API: the administrator's programs keep the list themselves, and see what became of each event."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from dispatch.store.notice_tables import Webhook, WebhookDelivery
from tests.dispatch.making import audited
from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import Site

WANTED = {"name": "案件系统", "url": "https://case.example/hook", "events": ["sitting.booked", "sitting.cancelled"]}


async def test_the_secret_is_told_once_and_again_only_to_who_did_not_get_it(site: Site, program: Programs) -> None:
    administrator = await program("administrator")
    made = await administrator.made("/webhooks", WANTED, Idempotency_Key="one")
    assert made["secret"].startswith("whsec_")
    assert await administrator.made("/webhooks", WANTED, Idempotency_Key="one") == made
    shown = await administrator.get(f"/webhooks/{made['id']}")
    assert shown == made | {"secret": None}
    assert (await administrator.get("/webhooks"))["items"] == [shown]
    async with site.db.reader() as session:
        assert made["secret"] not in str(vars(await session.get_one(Webhook, made["id"])))


async def test_only_administrators_and_their_programs_may(site: Site, program: Programs, member: Programs) -> None:
    made = await (await program("administrator")).made("/webhooks", WANTED)
    for who in (await program("clerk"), await program("officer"), await member("judge")):
        for method, path, body in (
            ("GET", "/webhooks", None),
            ("POST", "/webhooks", WANTED),
            ("PATCH", f"/webhooks/{made['id']}", {"active": False}),
            ("DELETE", f"/webhooks/{made['id']}", None),
            ("POST", f"/webhooks/{made['id']}/test", None),
            ("GET", f"/webhooks/{made['id']}/deliveries", None),
        ):
            assert (await who.ask(method, path, body))[0] == 403, (method, path)


async def test_a_change_is_made_on_what_was_seen_and_is_in_the_audit_log(site: Site, program: Programs) -> None:
    administrator = await program("administrator")
    made = await administrator.made("/webhooks", WANTED)
    path = f"/webhooks/{made['id']}"
    _, _, seen = await administrator.ask("GET", path)
    status, changed, now = await administrator.ask(
        "PATCH", path, {"active": False, "events": ["sitting.moved"]}, If_Match=seen.headers["ETag"]
    )
    assert (status, changed) == (200, made | {"active": False, "events": ["sitting.moved"], "secret": None})
    assert now.headers["ETag"] != seen.headers["ETag"]
    status, body, _ = await administrator.ask("PATCH", path, {"name": "x"}, If_Match=seen.headers["ETag"])
    assert (status, body["code"]) == (412, "version_changed")
    status, body, _ = await administrator.ask("DELETE", path, If_Match=seen.headers["ETag"])
    assert (status, body["code"]) == (412, "version_changed")
    assert (await administrator.ask("PATCH", path, {"active": False}))[0] == 200, "nothing is different: nothing is written"
    (row,) = await audited(site.db, "webhook_changed")
    assert (row.detail["events"], row.detail["active"], row.detail["host"]) == (["sitting.moved"], False, "case.example")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"url": "http://case.example/hook"}, "#/url", "webhook_plain"),
        ({"url": "ftp://case.example"}, "#/url", "webhook_url"),
        ({"name": " "}, "#/name", "required"),
        ({"events": []}, "#/events", "list_short"),
        ({"events": ["sitting.eaten"]}, "#/events/0", "choice_wanted"),
    ],
)
async def test_a_bad_field_is_named_when_it_is_made_and_when_it_is_changed(
    site: Site, program: Programs, changes: dict[str, Any], pointer: str, code: str
) -> None:
    administrator = await program("administrator")
    made = await administrator.made("/webhooks", WANTED)
    for method, path, body in (("POST", "/webhooks", WANTED | changes), ("PATCH", f"/webhooks/{made['id']}", changes)):
        status, found, _ = await administrator.ask(method, path, body)
        assert (status, found["errors"][0]["pointer"], found["errors"][0]["code"]) == (422, pointer, code)
    assert await administrator.get(f"/webhooks/{made['id']}") == made | {"secret": None}


async def test_a_test_and_each_event_are_listed_with_what_became_of_them(site: Site, program: Programs) -> None:
    administrator, clerk = await program("administrator"), await program("clerk")
    hook = await administrator.made("/webhooks", WANTED)
    other = await administrator.made("/webhooks", WANTED | {"events": ["sitting.opened"]})
    tested = await administrator.made(f"/webhooks/{hook['id']}/test")
    assert (tested["event"], tested["state"], tested["sitting_id"], tested["attempts"]) == ("test", "queued", None, 0)
    sitting = await clerk.made("/sittings", order(site))
    async with site.db.writer() as session:
        (row,) = await session.scalars(select(WebhookDelivery).where(WebhookDelivery.event == "sitting.booked"))
        row.state, row.outcome, row.attempts, row.settled_at = "failed", "410 gone", 1, site.now
    path = f"/webhooks/{hook['id']}/deliveries"
    (failed,) = (await administrator.get(f"{path}?state=failed"))["items"]
    assert (failed["sitting_id"], failed["outcome"], failed["next_at"]) == (sitting["id"], "410 gone", None)
    assert await administrator.get(f"{path}/{failed['id']}") == failed
    first = await administrator.get(f"{path}?limit=1")
    second = await administrator.get(f"{path}?limit=1&cursor={first['next']}")
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {failed["id"], tested["id"]}
    assert second["next"] is None
    assert (await administrator.get(f"/webhooks/{other['id']}/deliveries"))["items"] == []
    status, body, _ = await administrator.ask("GET", f"/webhooks/{other['id']}/deliveries/{failed['id']}")
    assert (status, body["code"]) == (404, "delivery_unknown")


async def test_lists_go_on_where_they_ended_though_one_was_removed(site: Site, program: Programs) -> None:
    administrator = await program("administrator")
    made = [(await administrator.made("/webhooks", WANTED))["id"] for _ in range(3)]
    first = await administrator.get("/webhooks?limit=1")
    assert (await administrator.ask("DELETE", f"/webhooks/{first['items'][0]['id']}"))[0] == 204
    rest = await administrator.get(f"/webhooks?cursor={first['next']}")
    assert {first["items"][0]["id"], *(each["id"] for each in rest["items"])} == set(made)
    assert (await administrator.ask("GET", f"/webhooks/{first['items'][0]['id']}"))[0] == 404
