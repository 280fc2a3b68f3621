"""A disk that is full in the midst of a sitting, on either engine, with real processes: who is told, and what the kind does then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import disks
from tests.disks import fill
from tests.rooms.courthouse import alerts, until

from .chamber import Chamber

pytestmark = pytest.mark.timeout(240)
WITHIN_US = 5_000_000 * 3
"""An alarm is promised within 5 s; a busy machine may take three times as long."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own where the chamber's recordings are kept."""
    with disks.mounted(tmp_path / "recordings", 16) as disk:
        yield disk


async def test_a_stage_that_must_be_recorded_is_not_entered_on_a_full_disk(small_disk: Path, chamber: Chamber) -> None:
    walk = await chamber.open("remote_interrogation")
    await walk.to("questioning")
    await walk.go("recess")
    await until(lambda: [row["kind"] for row in chamber.ledger_of_recorder()][-1:] == ["stop"])
    ballast = fill(small_disk)
    assert await walk.chair.refused("stage", to="questioning") == "recording_not_ready"
    ballast.unlink()
    await walk.go("questioning")
    await walk.chair.sees(lambda view: view["recording"]["state"] == "recording")


@pytest.mark.parametrize(
    ("kind", "stage", "goes_on"), [("remote_interrogation", "questioning", False), ("public_hearing", "questions", True)]
)
async def test_hearing_and_console_are_told_and_the_kind_decides_whether_it_goes_on(
    small_disk: Path, chamber: Chamber, kind: str, stage: str, goes_on: bool
) -> None:
    walk = await chamber.open(kind)
    await walk.to(stage)
    await chamber.people["judge"].sends()
    await chamber.recorded("judge")
    await walk.chair.sees(lambda view: view["recording"]["state"] == "recording")
    await until(lambda: sum(chamber.on_disk().values()) > 10_000)
    ballast = fill(small_disk)
    full_us = chamber.house.clock()
    assert (await chamber.house.logged("recording_failed")).at_us - full_us <= WITHIN_US
    before = chamber.on_disk()
    if goes_on:
        view = await walk.chair.sees(lambda view: "recording_failed" in alerts(view))
        assert view["sitting"]["stage"] == stage
        overview = chamber.house.hub.overview("sitting")
        assert overview is not None
        assert "recording_failed" in [alert["code"] for alert in overview.alerts]
    else:  # with the recess nothing has to be recorded: what is told is why it stands
        await walk.chair.sees(lambda view: view["sitting"]["stage"] == "recess")
        assert (await chamber.house.logged("stopped")).data["reason"] == "recording_failed"
        assert await walk.chair.refused("stage", to=stage) == "recording_not_ready"
    ballast.unlink()
    if not goes_on:
        await walk.go(stage)
        await chamber.people["judge"].switch_on("microphone", "camera")
    await walk.chair.sees(lambda view: view["recording"]["state"] == "recording" and "recording_failed" not in alerts(view))
    await chamber.recorded("judge")
    await until(lambda: len(chamber.on_disk()) > len(before))
    assert {name for name in before if chamber.on_disk()[name] < before[name] - 1} <= set(list(before)[-2:]), "cut to what is whole"
    assert [row["cause"] for row in chamber.ledger_of_recorder() if row["kind"] in ("alarm", "alarm_cleared")] == ["disk_full"] * 2
