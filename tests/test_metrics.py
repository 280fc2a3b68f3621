"""What /metrics tells of a hearing that goes on at a real site: live figures, every family documented."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aioice.ice
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from rooms.participant.tracks import synthetic
from tests.browser.court import Court
from tests.browser.site import SHORT_COURT, Site
from tests.caller import Caller

DOCUMENT = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
LIBRARY = ("python_", "process_")
"""Families that the client library makes by itself."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), command="demo", adopts=SHORT_COURT) as site:
        yield site


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest_asyncio.fixture
async def hearing(site: Site) -> AsyncIterator[list[Caller]]:
    """The chair and a party, inside, sending and receiving."""
    court = await Court.open(site)
    held = await court.sitting((("李明", "party"),))
    people = [await Caller(site, held, held.chair.user.name).sign_in(held.chair)]
    people.append(await Caller(site, held, "李明").come_by_link())
    await people[0].admit_everybody(1)
    for one in people:
        await one.send_media(synthetic)
        await one.receive_media()
    await people[0].open_hearing()
    yield people
    await asyncio.gather(*(one.close() for one in people))
    await court.close()


async def text_of(site: Site) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"{site.url}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(get)


async def sample(site: Site, name: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels; 0 where there is none."""
    families = text_string_to_metric_families(await text_of(site))
    found = (one for family in families for one in family.samples if one.name == name)
    return sum(one.value for one in found if labels.items() <= one.labels.items())


async def grows(site: Site, name: str, **labels: str) -> None:
    """Wait until the counter has grown."""
    before = await sample(site, name, **labels)
    async with asyncio.timeout(60):
        while await sample(site, name, **labels) <= before:
            await asyncio.sleep(0.5)


async def is_at_least(site: Site, least: float, name: str, **labels: str) -> None:
    async with asyncio.timeout(60):
        while await sample(site, name, **labels) < least:
            await asyncio.sleep(0.5)


async def test_a_hearing_that_goes_on_is_seen_in_the_metrics(site: Site, hearing: list[Caller]) -> None:
    await is_at_least(site, 1, "rooms_conferences")
    await is_at_least(site, 1, "rooms_participants", role="judge", presence="present")
    await is_at_least(site, 1, "rooms_participants", role="party", presence="present")
    stage = {"kind": "remote_court", "stage": "hearing"}
    await is_at_least(site, 1, "rooms_sittings", **stage)
    await grows(site, "rooms_stage_seconds_total", **stage)
    for direction in ("in", "out"):
        await grows(site, "rooms_engine_worker_packets_total", worker="engine", direction=direction)
        await grows(site, "rooms_engine_worker_media_bytes_total", worker="engine", direction=direction)
    await grows(site, "rooms_engine_worker_cpu_seconds_total", worker="engine")
    await grows(site, "rooms_quality_steps_total", direction="up")
    await grows(site, "rooms_quality_loss_ratio_count", direction="up")
    await is_at_least(site, 2, "rooms_quality_devices")
    for part in ("web", "engine", "recorder", "jobs"):
        assert await sample(site, "dispatch_part_cpu_seconds_total", part=part) > 0, part
    assert await sample(site, "process_cpu_seconds_total") > 0
    assert await sample(site, "rooms_engine_worker_lost_packets_total", worker="engine") == 0, "on this machine nothing is lost"


async def test_every_family_has_its_row_in_the_document(site: Site) -> None:
    families = {family.name for family in text_string_to_metric_families(await text_of(site))}
    own = {name for name in families if not name.startswith(LIBRARY) and not name.endswith("_created")}
    rows = set(re.findall(r"^\| `((?:rooms|dispatch)_\w+?)(?:_total)?[`{]", DOCUMENT, re.MULTILINE))
    assert own == rows
