"""What all tests share."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable

import pytest
from hypothesis import is_hypothesis_test, settings

from tests.effort import examples

# A busy machine makes any example slow: how long one takes says nothing of the code.
settings.register_profile("any machine", deadline=None, max_examples=examples(100))
settings.load_profile("any machine")


IN_REAL_TIME = ("tests/engine/", "tests/rooms/media/", "tests/rooms/recording/", "tests/test_")
"""Where tests mostly wait for pictures, sound and servers; the others use the processor all the time."""


def spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """The order of files where several processes take one after the other: those that wait evenly among those that compute, so that no
    core is idle and none is fought for, and of both kinds first those that may take longest, so that none is alone at the end: those that
    start whole servers, and those with a limit of their own."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.split("::")[0], []).append(item)

    def longest(name: str) -> tuple[bool, float, int]:
        limits = [mark.args[0] for item in files[name] if (mark := item.get_closest_marker("timeout")) is not None]
        return not name.startswith("tests/test_"), -max(limits, default=0), -len(files[name])

    waiting = [name for name in files if name.startswith(IN_REAL_TIME)]
    computing = [name for name in files if not name.startswith(IN_REAL_TIME)]
    placed = [(place / len(kind), name) for kind in (waiting, computing) for place, name in enumerate(sorted(kind, key=longest))]
    return [item for _, name in sorted(placed) for item in files[name]]


def makes_up_cases(item: pytest.Item) -> bool:
    """Whether it is a property, tried with examples that chance makes."""
    return is_hypothesis_test(getattr(item, "obj", None))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--failed-files", action="store_true", help="only the files in which a test failed the last time, whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What makes up cases is marked; and files stay whole, as their tests may build on one another."""
    for item in items:
        if makes_up_cases(item):
            item.add_marker("thorough")
    if hasattr(config, "workerinput"):
        items[:] = spread(items)
    if not config.getoption("failed_files"):
        return
    failed = config.cache.get("cache/lastfailed", {}) if config.cache is not None else {}
    files = {test.split("::")[0] for test in failed}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid.split("::")[0] not in files])
    items[:] = [item for item in items if item.nodeid.split("::")[0] in files]


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: a tenth of a test's time would be spent looking through it for what nobody refers to."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives a TCP port that is free now, on 127.0.0.1."""

    def take() -> int:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            return int(trial.getsockname()[1])

    return take
