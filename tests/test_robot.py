"""Three robots in a hearing at a real site: each sees and hears the others in both codecs, or is told that it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import permutations

import pytest
import pytest_asyncio

from tests.browser.court import Court, Held
from tests.browser.site import SHORT_COURT, Site
from tests.robot import Robot

NAMES = ("李明", "王芳")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), command="demo", adopts=SHORT_COURT) as site:
        yield site


@pytest_asyncio.fixture
async def court(site: Site) -> AsyncIterator[Court]:
    court = await Court.open(site)
    yield court
    await court.close()


@pytest_asyncio.fixture
async def robots() -> AsyncIterator[list[Robot]]:
    """Whoever is put in here goes at the end."""
    present: list[Robot] = []
    yield present
    await asyncio.gather(*(robot.close() for robot in present))


async def gathered(site: Site, court: Court, robots: list[Robot]) -> Held:
    """The chair and two parties, all inside."""
    held = await court.sitting(tuple((name, "party") for name in NAMES))
    robots.append(await Robot.signed_in(site, held, held.chair))
    robots += [await Robot.by_link(site, held, name) for name in NAMES]
    await robots[0].admit_everybody(len(NAMES))
    return held


async def test_everybody_sees_and_hears_everybody_in_both_codecs(site: Site, court: Court, robots: list[Robot]) -> None:
    await gathered(site, court, robots)
    codecs, greys = ("VP8", "H264", "VP8"), (60, 120, 180)
    for robot, codec, grey in zip(robots, codecs, greys, strict=True):
        await robot.take_part(codec, grey)  # type: ignore[arg-type]
    await robots[0].open_hearing()
    pairs = list(permutations(robots, 2))
    await asyncio.gather(*(viewer.sees(shown.name) for viewer, shown in pairs), *(viewer.hears(shown.name) for viewer, shown in pairs))
    for viewer, shown in pairs:
        picture = viewer.received(shown.name)
        assert picture.codec == codecs[robots.index(shown)]
        assert picture.luma == pytest.approx(greys[robots.index(shown)], abs=6), f"{viewer.name} sees somebody else as {shown.name}"


async def test_who_has_no_decoder_for_a_picture_is_told_whose_and_the_chair_is_too(site: Site, court: Court, robots: list[Robot]) -> None:
    held = await court.sitting(tuple((name, "party") for name in NAMES))
    robots += [await Robot.signed_in(site, held, held.chair), await Robot.by_link(site, held, "李明", decodes=("VP8",))]
    robots.append(await Robot.by_link(site, held, "王芳"))
    chair, li, wang = robots
    await chair.admit_everybody(2)
    for robot, codec in ((chair, "VP8"), (li, "VP8"), (wang, "H264")):
        await robot.take_part(codec)  # type: ignore[arg-type]

    def unseen() -> list[str]:
        return [p["name"] for p in li.view["participants"] if p["sources"]["camera"]["undecodable"]]

    def alerts() -> list[dict[str, str]]:
        return [alert["data"] for alert in chair.view["alerts"] if alert["code"] == "picture_undecodable"]

    await li.until(lambda _: unseen() == ["王芳"], "is told whose picture it cannot show")
    await chair.until(lambda _: bool(alerts()), "is told of it")
    assert alerts() == [{"participant": held.participants["李明"], "name": "李明", "whose": "王芳"}]
    await li.hears("王芳")
    await li.sees(chair.name)
    await chair.sees("王芳")
    assert li.received("王芳").packets == 0

    await wang.publish("VP8", 150)
    await li.sees("王芳")
    await li.until(lambda _: unseen() == [], "is told no more")
    await chair.until(lambda _: not alerts(), "hears that it is over")
