"""A site with two media workers, as an operator has it: served, drained, called back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.site import TOP, Site, until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("workers"), settings={"MEDIA_WORKERS": "2"}).start()
    yield made
    made.stop()


def workers(site: Site) -> dict[str, str]:
    with urllib.request.urlopen(site.url + "/readyz", timeout=5) as answer:
        found = json.load(answer)["workers"]
    assert isinstance(found, dict)
    return found


def run(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "server.py", *arguments]
    return subprocess.run(command, cwd=TOP, env=site.environment, capture_output=True, text=True, timeout=60, check=False)


def metric(site: Site, name: str) -> float:
    with urllib.request.urlopen(site.url + "/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(name + " ")))


def test_both_are_served_each_on_a_port_of_its_own(site: Site) -> None:
    until(lambda: workers(site) == {"engine": "up", "engine-2": "up"}, 20, "both are told of")
    assert metric(site, 'rooms_engine_worker_up{worker="engine-2"}') == 1
    for name, port in (("engine", site.udp_port), ("engine-2", site.udp_port + 1)):
        assert f'"udp_port": {port}' in (site.data / "log" / f"{name}.log").read_text()


def test_a_drained_worker_ends_stays_away_and_comes_when_it_is_called_back(site: Site) -> None:
    until(lambda: workers(site) == {"engine": "up", "engine-2": "up"}, 20, "both are told of")
    first, second, web, recorder = (site.pid(name) for name in ("engine", "engine-2", "web", "recorder"))
    done = run(site, "drain", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["engine-2: 0 sittings, 0 connections", "engine-2: has ended"]
    assert not Path(f"/proc/{second}").exists()
    until(lambda: "engine-2 has ended and stays away" in site.log(), 10, "the supervisor leaves it alone")
    until(lambda: workers(site) == {"engine": "up", "engine-2": "drained"}, 20, "the other one carries on")
    assert (site.pid("engine"), site.pid("web"), site.pid("recorder")) == (first, web, recorder)

    again = run(site, "drain", "2")
    assert (again.returncode, again.stdout) == (0, "engine-2: has ended\n")
    back = run(site, "drain", "2", "--cancel")
    assert (back.returncode, back.stdout) == (0, "engine-2: may start again\n")
    until(lambda: workers(site) == {"engine": "up", "engine-2": "up"}, 20, "it is back")
    assert site.pid("engine-2") != second
    kept = run(site, "drain", "2", "--cancel")
    assert (kept.returncode, kept.stdout) == (0, "engine-2: takes new sittings\n")


def test_a_worker_that_there_is_not_is_wrong_usage(site: Site) -> None:
    done = run(site, "drain", "3")
    assert (done.returncode, done.stderr) == (2, "server.py drain: there is no worker 3: DISPATCH_MEDIA_WORKERS=2\n")
    one = run(site, "serve", "--only", "engine", "--worker", "3")
    assert (one.returncode, one.stderr) == (1, "dispatch: there is no worker 3: DISPATCH_MEDIA_WORKERS=2\n")


def test_where_nothing_runs_a_drain_is_refused_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"DISPATCH_DATA": str(tmp_path), "DISPATCH_MEDIA_WORKERS": "2"}
    command = [sys.executable, "server.py", "drain"]
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "dispatch: engine, engine-2: not running\n")
