"""Participants in Python at a real site: they come by its own pages and see and hear each other through its engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import permutations
from pathlib import Path

import aioice.ice
import av
import pytest
import pytest_asyncio

from rooms.participant.participant import Refused
from rooms.participant.tracks import from_file, synthetic
from rooms.participant.visit import PageRefused, Visit
from tests.browser.court import Court
from tests.browser.site import SHORT_COURT, Site
from tests.caller import Caller

NAMES = ("李明", "王芳")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), command="demo", settings={"MEDIA_WORKERS": "2"}, adopts=SHORT_COURT) as site:
        yield site


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest_asyncio.fixture
async def court(site: Site) -> AsyncIterator[Court]:
    court = await Court.open(site)
    yield court
    await court.close()


@pytest_asyncio.fixture
async def present() -> AsyncIterator[list[Caller]]:
    """Whoever is put in here goes at the end."""
    people: list[Caller] = []
    yield people
    await asyncio.gather(*(one.close() for one in people))


async def hearing(site: Site, court: Court, present: list[Caller]) -> list[Caller]:
    """The chair and two parties, inside, sending and receiving."""
    held = await court.sitting(tuple((name, "party") for name in NAMES))
    people = [await Caller(site, held, held.chair.user.name).sign_in(held.chair)]
    people += [await Caller(site, held, name).come_by_link() for name in NAMES]
    present += people
    await people[0].admit_everybody(len(NAMES))
    for one in people:
        await one.send_media(synthetic)
        await one.receive_media()
    await people[0].open_hearing()
    return people


def frames(viewer: Caller, shown: Caller, source: str) -> int:
    assert viewer.receiving is not None
    return viewer.receiving.frames.get((viewer.endpoint(shown.name), source), 0)


async def seen(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.05)


async def everybody_more(people: list[Caller]) -> None:
    """Each sees and hears each other one more than until now."""
    for source, more in (("camera", 10), ("microphone", 25)):
        for viewer, shown in permutations(people, 2):
            before = frames(viewer, shown, source)
            await seen(lambda: frames(viewer, shown, source) >= before + more)  # noqa: B023


async def test_they_see_and_hear_each_other(site: Site, court: Court, present: list[Caller]) -> None:
    people = await hearing(site, court, present)
    await everybody_more(people)
    sending, receiving = people[0].sending, people[0].receiving
    assert sending is not None
    assert receiving is not None
    assert (await sending.figures()).packets > 50
    assert (await receiving.figures()).packets > 100


async def test_a_file_is_sent_as_it_is(site: Site, court: Court, present: list[Caller], tmp_path: Path) -> None:
    file = tmp_path / "words.ogg"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libopus", rate=48_000)
        for number in range(100):
            frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
            frame.planes[0].update(bytes(3840))
            frame.sample_rate, frame.pts = 48_000, number * 960
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    held = await court.sitting((("李明", "party"),))
    chair = await Caller(site, held, held.chair.user.name).sign_in(held.chair)
    li = await Caller(site, held, "李明").come_by_link()
    present += [chair, li]
    await chair.admit_everybody(1)
    await li.send_media(partial(from_file, file))
    await chair.receive_media()
    await seen(lambda: frames(chair, li, "microphone") > 150)
    assert frames(chair, li, "camera") == 0
    (tmp_path / "nothing.ogg").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"nothing\.ogg"):
        from_file(tmp_path / "nothing.ogg")


async def test_a_link_that_opens_nothing_and_a_message_that_is_none_are_told(site: Site, court: Court, present: list[Caller]) -> None:
    visit = Visit(site.url)
    with pytest.raises(PageRefused) as refusal:
        await visit.open_link(f"{site.url}/join/not-a-token")
    assert (refusal.value.status, refusal.value.path) == (404, "/join/…"), "the token is in no message"
    await visit.close()
    held = await court.sitting((("李明", "party"),))
    li = await Caller(site, held, "李明").come_by_link()
    present.append(li)
    await li.send(type="stage", to="hearing", reason="")
    with pytest.raises(Refused, match="error"):
        await li.until(lambda view: view["sitting"]["stage"] == "hearing", "opens the hearing")


async def test_two_hearings_on_two_workers_and_one_worker_dies(site: Site, court: Court, present: list[Caller]) -> None:
    """Who was on the killed worker makes new connections to the other one; who was not is asked for nothing."""
    first, second = await hearing(site, court, present), await hearing(site, court, present)
    await everybody_more(first)
    await everybody_more(second)
    killed = asyncio.get_running_loop().time()
    site.kill("engine-2")
    await seen(lambda: any(one.resets for one in present))
    took_s = asyncio.get_running_loop().time() - killed
    moved, stayed = (first, second) if first[0].resets or first[1].resets or first[2].resets else (second, first)
    await seen(lambda: all(one.resets == 1 for one in moved))
    await everybody_more(stayed)
    await everybody_more(moved)
    back_s = asyncio.get_running_loop().time() - killed
    sys.stdout.write(f"placed anew after {took_s:.1f} s, all media of all six again after {back_s:.1f} s\n")
    assert [one.resets for one in stayed] == [0, 0, 0]
    assert took_s < 15, "three times what is promised"
    assert moved[0].view["media"] == "up"
