"""The load generator, in a short form: what it sends arrives whole, and it knows how long each packet took."""

from __future__ import annotations

from pathlib import Path

import aioice.ice
import pytest

from bench import rooms
from bench.load.floor import floor_us
from bench.load.peers import use_address
from bench.load.targets import Embedded
from bench.load.traffic import split
from bench.media import CM, GCM, Case, measure

LOOPBACK = "127.0.0.1"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("profile", "frames"), [(GCM, True), (GCM, False), (CM, True)])
async def test_the_load_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, frames: bool) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)
    use_address(LOOPBACK)
    target = await Embedded(tmp_path, LOOPBACK).start()
    try:
        done = await measure(target, Case((2, 3), profile, frames, own_sizes=profile == GCM), 0.2, 1.0)
        report = (await target.client.report())["worker"]
    finally:
        await target.stop()
    assert done.counted.sent > 2 * 100
    assert done.whole
    assert 0 < done.counted.cpu_s < done.counted.wall_s
    if profile == GCM:
        assert done.delays is not None, "a packet was lost"
        assert len(done.delays) > done.counted.sent
        assert all(delay > 0 for delay in done.delays)
    assert report["failed"] == 0


def test_the_packets_of_a_frame_are_equal_but_for_one_byte() -> None:
    assert split(4400, 4) == [1100] * 4
    assert split(4403, 4) == [1100, 1101, 1101, 1101]
    assert all(sum(split(total, 3)) == total for total in range(100, 110))


def test_the_floor_is_measured_for_both_profiles() -> None:
    for profile in (GCM, CM):
        protect, send = floor_us(profile, LOOPBACK)
        assert 0 < protect < 1000
        assert 0 < send < 1000


@pytest.mark.timeout(60)
async def test_a_hearing_of_six_gets_the_layers_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)
    use_address(LOOPBACK)
    target = await Embedded(tmp_path, LOOPBACK).start()
    hearing = await rooms.Hearing("room").open(target)
    try:
        step = await rooms.measure([hearing], [target], rooms.WARM_S, 1.0)
    finally:
        await hearing.close()
        await target.stop()
    assert hearing.wanted["p0"] == ("f",)
    assert set(hearing.wanted["p1"]) == {"q", "f"}
    assert all(hearing.wanted[f"p{i}"] == ("q",) for i in range(2, 6))
    assert step.lost < 0.2
    assert step.participants > 0
