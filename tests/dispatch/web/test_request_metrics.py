"""What the web process counts of its requests: by row of the route table, never by what a stranger types."""

from __future__ import annotations

import re

from tests.dispatch.web.conftest import Person, Site


async def counted(asking: Person, name: str, **labels: str) -> float:
    """The value of a sample on /metrics, 0 where there is none."""
    text = await (await asking.session.get("/metrics")).text()
    found = re.search(rf"^{name}\{{(?:[^}}]*)\}}", text, re.MULTILINE)
    assert found is not None, name
    for line in text.splitlines():
        if line.startswith(name + "{") and all(f'{label}="{value}"' in line for label, value in labels.items()):
            return float(line.rpartition(" ")[2])
    return 0.0


async def test_requests_are_counted_by_route_and_status_and_their_time_is_measured(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    labels = {"method": "GET", "route": "/sittings/{sitting}"}
    before = await counted(clerk, "dispatch_requests_total", **labels, status="404")
    timed = await counted(clerk, "dispatch_request_seconds_count", **labels)
    for number in range(3):
        await clerk.get(f"/sittings/{number:016x}")
    assert await counted(clerk, "dispatch_requests_total", **labels, status="404") == before + 3
    assert await counted(clerk, "dispatch_request_seconds_count", **labels) == timed + 3


async def test_unknown_addresses_and_methods_share_one_label(site: Site) -> None:
    visitor = site.visitor()
    before = await counted(visitor, "dispatch_requests_total", method="GET", route="unknown", status="404")
    for path in ("/wp-login.php", "/api/v1/secrets", "/join"):
        await visitor.get(path)
    await visitor.session.request("PROPFIND", "/rooms")
    assert await counted(visitor, "dispatch_requests_total", method="GET", route="unknown", status="404") == before + 3
    text = await (await visitor.session.get("/metrics")).text()
    assert 'dispatch_requests_total{method="unknown",route="unknown",status="405"}' in text
    assert "wp-login" not in text
