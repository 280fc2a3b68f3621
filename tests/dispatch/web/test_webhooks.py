"""The administrator's page of webhooks."""

from __future__ import annotations

import re

from tests.dispatch.web.conftest import Site

URL = "https://case.example/hook"


async def test_a_secret_is_shown_once_and_a_test_is_queued(site: Site) -> None:
    boss = await site.signed_in("administrator")
    await boss.page("/webhooks")
    made = await boss.post("/webhooks", {"name": "Case system", "url": URL, "events": "sitting.booked"})
    page = await made.text()
    assert made.status == 200
    assert re.search(r"whsec_[\w-]{43}", page)
    assert "whsec_" not in await boss.page("/webhooks")
    found = re.search(r"/webhooks/\w+/test", page)
    assert found
    assert (await boss.post(found[0])).headers["Location"] == "/webhooks?tested"
    assert "Waiting" in await boss.page("/webhooks?tested")
    assert (await boss.post(found[0].replace("/test", "/remove"))).status == 303
    assert "No program is told of anything" in await boss.page("/webhooks")


async def test_a_refusal_keeps_what_was_typed(site: Site) -> None:
    boss = await site.signed_in("administrator")
    await boss.page("/webhooks")
    refused = await boss.post("/webhooks", {"name": "Case system", "url": "http://10.0.0.1/hook"})
    page = await refused.text()
    assert refused.status == 422
    assert 'value="http://10.0.0.1/hook"' in page
    assert "has to begin with https" in page
    assert "Choose at least one event" in page
