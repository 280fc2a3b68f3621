"""The supervisor keeps its parts running and takes them with it when it goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.supervise import Restarts, StartRefused, check_udp, listen

SUPERVISE = """
import sys
from pathlib import Path
from dispatch.supervise import Part, StartRefused, Supervisor
folder = Path(sys.argv[1])
parts, prepare = [], ()
for name, code in zip(sys.argv[2::2], sys.argv[3::2]):
    command = [sys.executable, "-c", code, str(folder / name)]
    if name == "prepare":
        prepare = command
        continue
    parts.append(Part(name, command, spare=(*command, "--spare") if "--spare" in code else ()))
ready = lambda: all((folder / p.name).exists() for p in parts)
try:
    say = lambda: print("ready", flush=True)
    house = Supervisor(
        parts, folder / "run", prepare=prepare, log_dir=folder / "log", probe=ready, on_ready=say, spare_after_s=0.1
    )
    sys.exit(house.run())
except StartRefused as error:
    sys.exit(str(error))
"""
LIVES = "import sys, time, pathlib; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
SAYS_WHEN_STOPPED = """
import pathlib, signal, sys, time
def stop(*_):
    with pathlib.Path(sys.argv[1]).with_name("order").open("a") as file: file.write(pathlib.Path(sys.argv[1]).name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1]).touch()
while True: time.sleep(600)
"""


def until(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    limit = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < limit, "did not happen"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


WAITS_AS_SPARE = """
import os, pathlib, sys, time
from rooms.spare import wait_until_needed
folder = pathlib.Path(sys.argv[1]).parent
if "--spare" in sys.argv:
    (folder / f"waits-{os.getpid()}").touch()
    wait_until_needed()
(folder / f"works-{os.getpid()}").touch()
pathlib.Path(sys.argv[1]).touch()
while True: time.sleep(600)
"""


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor over parts given as name=code."""
    started: list[subprocess.Popen[str]] = []

    def start(**parts: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", SUPERVISE, str(tmp_path), *(word for pair in parts.items() for word in pair)]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pid_of(folder: Path, name: str) -> int:
    return int((folder / "run" / f"{name}.pid").read_text())


def is_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def test_a_part_that_is_killed_runs_again_and_the_others_do_not_notice(supervise: Start, tmp_path: Path) -> None:
    is_ready(supervise(web=LIVES, engine=LIVES))
    web, engine = pid_of(tmp_path, "web"), pid_of(tmp_path, "engine")
    os.kill(web, signal.SIGKILL)
    until(lambda: pid_of(tmp_path, "web") != web and runs(pid_of(tmp_path, "web")))
    assert pid_of(tmp_path, "engine") == engine
    assert runs(engine)


def test_a_spare_takes_the_place_of_a_killed_part_and_another_one_is_made(supervise: Start, tmp_path: Path) -> None:
    is_ready(supervise(web=LIVES, engine=WAITS_AS_SPARE))
    spare_pid = tmp_path / "run" / "engine-spare.pid"
    until(spare_pid.exists)
    spare, engine = int(spare_pid.read_text()), pid_of(tmp_path, "engine")
    until(lambda: (tmp_path / f"waits-{spare}").exists())
    assert not (tmp_path / f"works-{spare}").exists()
    os.kill(engine, signal.SIGKILL)
    until(lambda: pid_of(tmp_path, "engine") == spare and (tmp_path / f"works-{spare}").exists())
    until(lambda: spare_pid.exists() and int(spare_pid.read_text()) != spare)
    assert not (tmp_path / "run" / "web-spare.pid").exists()


PREPARES = """
import pathlib, sys, time
done = pathlib.Path(sys.argv[1])
limit = time.monotonic() + 20
while not list(done.parent.glob("waits-*")):  # loaded meanwhile
    if time.monotonic() > limit: sys.exit("nothing was loaded")
    time.sleep(0.02)
if list(done.parent.glob("works-*")): sys.exit("it went on too early")
done.touch()
"""


def test_parts_load_while_the_house_is_prepared_and_go_on_afterwards(supervise: Start, tmp_path: Path) -> None:
    is_ready(supervise(prepare=PREPARES, engine=WAITS_AS_SPARE))
    assert (tmp_path / "prepare").exists()
    assert [path.name for path in tmp_path.glob("works-*")] == [f"works-{pid_of(tmp_path, 'engine')}"]


def test_a_house_that_cannot_be_prepared_serves_nothing(supervise: Start, tmp_path: Path) -> None:
    process = supervise(prepare="import sys; sys.exit('the database is gone')", web=LIVES, engine=WAITS_AS_SPARE)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said == "the database is gone\n"
    assert not (tmp_path / "web").exists()
    assert not list(tmp_path.glob("works-*"))


def test_a_spare_that_dies_while_it_waits_disturbs_nobody(supervise: Start, tmp_path: Path) -> None:
    is_ready(supervise(web=LIVES, engine=WAITS_AS_SPARE))
    until((tmp_path / "run" / "engine-spare.pid").exists)
    spare, engine = pid_of(tmp_path, "engine-spare"), pid_of(tmp_path, "engine")
    os.kill(spare, signal.SIGKILL)
    until(lambda: not runs(spare))
    assert pid_of(tmp_path, "engine") == engine
    os.kill(engine, signal.SIGKILL)
    until(lambda: pid_of(tmp_path, "engine") not in (engine, spare) and runs(pid_of(tmp_path, "engine")))


def test_no_spare_outlives_its_supervisor(supervise: Start, tmp_path: Path) -> None:
    process = supervise(engine=WAITS_AS_SPARE)
    is_ready(process)
    until((tmp_path / "run" / "engine-spare.pid").exists)
    spare = pid_of(tmp_path, "engine-spare")
    process.kill()
    until(lambda: not runs(spare))


def test_an_orderly_stop_ends_spares_too(supervise: Start, tmp_path: Path) -> None:
    process = supervise(engine=WAITS_AS_SPARE)
    is_ready(process)
    until((tmp_path / "run" / "engine-spare.pid").exists)
    spare = pid_of(tmp_path, "engine-spare")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not runs(spare)
    assert list((tmp_path / "run").glob("*.pid")) == [tmp_path / "run" / "supervisor.pid"]


def test_an_orderly_stop_ends_the_parts_in_their_order(supervise: Start, tmp_path: Path) -> None:
    process = supervise(web=SAYS_WHEN_STOPPED, recorder=SAYS_WHEN_STOPPED, engine=SAYS_WHEN_STOPPED)
    is_ready(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert (tmp_path / "order").read_text().split() == ["web", "recorder", "engine"]
    assert list((tmp_path / "run").glob("*.pid")) == [tmp_path / "run" / "supervisor.pid"]


def test_no_part_outlives_a_killed_supervisor(supervise: Start, tmp_path: Path) -> None:
    process = supervise(web=LIVES, engine=LIVES)
    is_ready(process)
    parts = [pid_of(tmp_path, "web"), pid_of(tmp_path, "engine")]
    process.kill()
    until(lambda: not any(map(runs, parts)))


def test_a_part_that_refuses_to_start_ends_the_start_and_its_reason_is_shown(supervise: Start, tmp_path: Path) -> None:
    process = supervise(web=LIVES, engine="import sys; sys.exit('the port is taken')")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "engine could not start: the port is taken" in said
    assert not (tmp_path / "run" / "web.pid").exists()


def test_two_supervisors_never_share_a_data_directory(supervise: Start) -> None:
    first = supervise(web=LIVES)
    is_ready(first)
    second = supervise(web=LIVES)
    _, said = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"another server (process {first.pid}) already runs" in said


def test_a_part_that_dies_now_and_then_starts_again_at_once() -> None:
    restarts = Restarts()
    assert [restarts.died(now) for now in (0.0, 3.0, 6.0, 9.0, 12.0, 15.0)] == [0.0, 3.0, 6.0, 9.0, 12.0, 15.0]


def test_a_part_that_keeps_dying_waits_longer_each_time_and_is_forgiven_later() -> None:
    restarts = Restarts(limit=3, window_s=10, pause_s=2, longest_s=5)
    assert [restarts.died(0.0), restarts.died(0.1)] == [0.0, 0.1]
    assert restarts.died(0.2) == 2.2
    assert restarts.died(2.3) == 6.3
    assert restarts.died(6.4) == 11.4
    assert restarts.died(500.0) == 500.0


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_a_part_never_waits_longer_than_the_longest_pause(waits: list[float]) -> None:
    restarts, now = Restarts(), 0.0
    for wait in waits:
        now = restarts.died(now + wait)
    start = restarts.died(now)
    assert now <= start <= now + restarts.longest_s


def test_a_taken_port_is_named_in_one_line() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(StartRefused, match=f"127.0.0.1:{port}.*DISPATCH_PORT.*in use"):
            listen("127.0.0.1", port)


def test_a_taken_media_port_is_named_in_one_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(StartRefused, match=f"{port}.*DISPATCH_UDP_PORT.*in use"):
            check_udp("127.0.0.1", port)
