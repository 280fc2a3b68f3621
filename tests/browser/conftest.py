"""Fixtures of the browser tests: a real server, and people with browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Playwright, async_playwright, expect

from tests.browser import participants
from tests.browser.court import Court
from tests.browser.material import make
from tests.browser.network import Computer, Network, NetworkSite, NoNamespaces
from tests.browser.participants import CHROMIUM, DESK, FLAGS, GRANTED, Person, arrive
from tests.browser.site import SHORT_COURT, Site
from tests.browser.stage import SOCKET, Windows

LIMIT_S = 600
"""A test without a limit of its own may take so long: a machine busy with something else needs many times the usual."""
expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Limits suit browsers; what is not of the main path is long."""
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))
        if item.get_closest_marker("main") is None:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server with the demonstration's rooms and people, for all files that need none of their own."""
    with Site(tmp_path_factory.mktemp("site"), command="demo", adopts=SHORT_COURT) as site:
        yield site


@pytest_asyncio.fixture
async def court(site: Site) -> AsyncIterator[Court]:
    """The control plane of the test's site."""
    found = await Court.open(site)
    yield found
    await found.close()


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the known pictures and sounds, made once."""
    return tmp_path_factory.mktemp("material")


@pytest_asyncio.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


PersonFactory = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture
async def person(playwright: Playwright, material: Path) -> AsyncIterator[PersonFactory]:
    """Makes people (arguments of :func:`arrive` after the folder); all leave when the test ends."""
    people: list[Person] = []

    async def come(number: int | None = None, **how: object) -> Person:
        one = await arrive(playwright, material, len(people) if number is None else number, **how)  # type: ignore[arg-type]
        people.append(one)
        return one

    yield come
    await asyncio.gather(*(one.close() for one in people))


@pytest_asyncio.fixture
async def window(playwright: Playwright, material: Path) -> AsyncIterator[Windows]:
    """Windows of a few browsers, each with a session of its own."""
    browsers = []
    for number in range(2):
        made = await asyncio.to_thread(make, material, number)
        media = [f"--use-file-for-fake-audio-capture={made.sound}", f"--use-file-for-fake-video-capture={made.picture}"]
        browsers.append((await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *media, GRANTED]), made))

    async def come(language: str, number: int) -> Person:
        browser, made = browsers[number % len(browsers)]
        context = await browser.new_context(locale=language, viewport={"width": DESK["width"], "height": DESK["height"]})
        context.set_default_timeout(60_000)
        await context.grant_permissions(["camera", "microphone"])
        await context.add_init_script(path=Path(__file__).parent / "page_hooks.js")
        await context.add_init_script(SOCKET)
        return Person(browser, context, await context.new_page(), made, "")

    yield come
    await asyncio.gather(*(browser.close() for browser, _ in browsers))


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    try:
        network = Network.make()
    except NoNamespaces as error:
        pytest.skip(str(error))
    yield network
    network.close()


@pytest.fixture
def computer(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """The participant's computer; whoever arrives in this test sits at it."""
    computer = Computer(network.home, tmp_path / "home")
    monkeypatch.setattr(participants, "CHROMIUM", str(computer.program))
    return computer


@pytest.fixture
def lan_site(network: Network, tmp_path: Path) -> Iterator[NetworkSite]:
    """A site begun by ``serve --lan`` on the court's machine."""
    with NetworkSite.in_lan(network, tmp_path / "var", {}) as site:
        yield site
