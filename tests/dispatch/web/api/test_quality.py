"""Connections of a sitting through the API: by the hour, for whom it is meant."""

from __future__ import annotations

import pytest

from dispatch.sittings.moments import microseconds
from dispatch.sittings.quality import QualityKeeper
from rooms.figures import STEP_US, Figures, Point, Score
from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import NOW, Site


@pytest.fixture
async def sitting(site: Site, program: Programs) -> str:
    """A sitting in which somebody was measured for a minute."""
    made = await (await program("clerk")).made("/sittings", order(site))
    await site.context.live.ensure_open(made["id"])
    quality = site.context.hub._lives[made["id"]].quality
    party = next(person["id"] for person in made["participants"] if person["name"] == "刘芳")
    for number in range(12):
        figures = Figures(lost_percent=2.0, rtt_ms=40, jitter_ms=3, bps=9e5, height=720, candidate="relay", protocol="tls", codec="VP8")
        quality.keep([party], "up", Point(microseconds(NOW) + number * STEP_US, figures, Score.GOOD if number else Score.BAD))
    await QualityKeeper(site.db, site.context.hub).keep()
    return str(made["id"])


async def test_hours_are_told_with_their_scores_and_how_the_figures_were_distributed(program: Programs, sitting: str) -> None:
    [hour] = (await (await program("officer")).get(f"/sittings/{sitting}/quality"))["items"]
    assert (hour["direction"], hour["begins_at"], hour["seconds"]) == ("up", "2026-11-24T09:00:00+08:00", 60)
    assert hour["scores"] == {"good": 55, "fair": 0, "poor": 0, "bad": 5}
    assert 1.0 <= hour["lost_percent"]["median"] <= hour["lost_percent"]["p95"] <= 2.0
    assert (hour["height"]["median"], hour["frames_per_s"]["median"]) == (720, None)
    assert hour["paths"] == [{"candidate": "relay", "protocol": "tls", "seconds": 60}]
    assert hour["codecs"] == ["VP8"]


@pytest.mark.parametrize(("role", "status"), [("clerk", 200), ("officer", 200), ("administrator", 403), ("", 401)])
async def test_programs_of_clerks_and_of_the_command_centre_may_ask(program: Programs, sitting: str, role: str, status: int) -> None:
    assert (await (await program(role)).ask("GET", f"/sittings/{sitting}/quality"))[0] == status


@pytest.mark.parametrize("role", ["judge", "prosecutor"])
async def test_who_takes_part_may_not(member: Programs, sitting: str, role: str) -> None:
    assert (await (await member(role)).ask("GET", f"/sittings/{sitting}/quality"))[0] == 403


async def test_a_sitting_that_does_not_exist_has_none(program: Programs) -> None:
    assert (await (await program("clerk")).ask("GET", "/sittings/0123456789abcdef/quality"))[0] == 404
