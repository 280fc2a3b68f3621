"""Counters of an engine process: they only grow while it lives, whatever comes and goes in it."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY

from rooms.media import metrics
from rooms.media.load import Load
from rooms.media.traffic import Traffic


def report(bytes_in: int, lost: int = 0, bytes_out: int = 0, *, instance: str = "one", endpoint: str = "e") -> dict[str, Any]:
    publish = {"producers": {"camera": {"bytes": bytes_in, "lost": lost}}}
    sides = {"publish": publish, "subscribe": {"consumers": {"o/camera": {"bytes": bytes_out}}}}
    worker = {"cpu_s": 1.5, "received": 70, "sent": 140}
    return {"instance": instance, "worker": worker, "routers": {"r": {"endpoints": {endpoint: sides}}}}


def told(*reports: dict[str, Any]) -> Traffic:
    traffic = Traffic()
    for one in reports:
        traffic.reported(one)
    return traffic


def test_what_tracks_carried_since_the_server_knows_them_is_added_up() -> None:
    assert told(report(1000, 5, 300), report(1500, 7, 900)).sums == {"bytes_in": 500, "bytes_out": 600, "lost": 2}


def test_a_track_that_ends_or_begins_anew_takes_nothing_back() -> None:
    assert told(report(1000), report(1500), report(10), report(40)).sums["bytes_in"] == 530
    assert told(report(1000), report(1500), report(90, endpoint="other"), report(100, endpoint="other")).sums["bytes_in"] == 510


def test_another_process_is_counted_from_what_it_has() -> None:
    assert told(report(1000), report(1500), report(9000, instance="two"), report(9001, instance="two")).sums["bytes_in"] == 501


def test_a_loss_that_was_repaired_late_is_not_taken_back() -> None:
    assert told(report(0, 5), report(0, 9), report(0, 7), report(0, 8)).sums["lost"] == 5


def test_what_a_report_lacks_counts_nothing() -> None:
    bare = {
        "instance": "one",
        "worker": {},
        "routers": {"r": {"endpoints": {"e": {"publish": None, "subscribe": {"consumers": {"x": {}}}}}}},
    }
    assert told(bare, {}).sums == {"bytes_in": 0, "bytes_out": 0, "lost": 0}


def test_prometheus_sees_them_by_worker_and_direction() -> None:
    metrics.show("engine-of-this-test", Load(), told(report(0, 0, 0), report(800, 3, 500)), 1, {"downlinks": {"smaller": 2}, "padding": 7})

    def sample(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"rooms_engine_worker_{name}_total", {"worker": "engine-of-this-test", **labels})

    assert sample("cpu_seconds") == 1.5
    assert (sample("packets", direction="in"), sample("packets", direction="out")) == (70, 140)
    assert (sample("media_bytes", direction="in"), sample("media_bytes", direction="out")) == (800, 500)
    assert sample("lost_packets") == 3
    shown = {"worker": "engine-of-this-test"}
    assert REGISTRY.get_sample_value("rooms_engine_worker_downlinks", {**shown, "state": "smaller"}) == 2
    assert REGISTRY.get_sample_value("rooms_engine_worker_padding", shown) == 7
