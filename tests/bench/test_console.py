"""The console's measurement, in a short form: its faults reach the page, and its figures tell what was counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.console import Cost, Counted, Faults, cost_figures, fault_figure, measure


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_faults_among_few_sittings_stand_in_the_console(tmp_path: Path) -> None:
    figures = {str(each["figure"]): each for each in await measure(tmp_path, [1, 2], 3, 2.0)}
    assert set(figures) == {
        "fault_visible_p99_ms",
        "console_longest_frame_ms",
        "console_server_cpu_percent",
        "console_server_rss_mb",
        "console_server_cpu_growth_percent",
        "console_server_rss_growth_mb",
    }
    assert all(float(str(figures[name]["value"])) > 0 for name in ("fault_visible_p99_ms", "console_longest_frame_ms"))
    assert "3 connections broken" in str(figures["fault_visible_p99_ms"]["conditions"])


def test_growth_is_from_the_fewest_sittings_to_the_most() -> None:
    few = Counted(10, Cost(20.0, 100.0, 50.0), Cost(25.0, 101.0, 50.0, 20.0, 17.0, 60.0))
    many = Counted(100, Cost(30.0, 180.0, 49.0), Cost(55.0, 190.0, 49.0, 120.0, 40.0, 58.0))
    figures = {str(each["figure"]): each for each in cost_figures([few, many])}
    assert figures["console_server_cpu_growth_percent"]["value"] == 30.0
    assert figures["console_server_cpu_growth_percent"]["peer_value"] == 10.0
    assert figures["console_server_rss_growth_mb"]["value"] == 89.0
    assert figures["console_server_cpu_percent"]["ratio"] == round(55 / 30, 2)
    assert figures["console_longest_frame_ms"]["ratio"] == 3.0
    assert "100 live sittings of 8" in str(figures["console_longest_frame_ms"]["conditions"])


def test_the_99th_percentile_of_faults_is_told_beside_when_the_chair_was() -> None:
    found = Faults(console=[float(ms) for ms in range(1, 102)], chair=[10.0] * 101, whole=[9000.0] * 101)
    figure = fault_figure(found, 100)
    assert figure["value"] == 100.0
    assert figure["peer_value"] == 10.0
    assert "median 51, worst 101" in str(figure["conditions"])
    assert "median 9000, worst 9000" in str(figure["conditions"])
