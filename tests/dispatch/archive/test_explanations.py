"""Faults of a recording are explained in writing by whoever presided, who signs with his account (DOMAIN.md section 5, rule 4)."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.archive.explanations import faults


def manifest(*ledger: dict[str, Any], missing: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"ledger": list(ledger), "missing": list(missing)}


def gap(cause: str) -> dict[str, Any]:
    return {"kind": "gap", "endpoint": "e", "source": "camera", "from_us": 0, "to_us": 1_000_000, "cause": cause}


@pytest.mark.parametrize("cause", ["packet_loss", "key_frame", "stale"])
def test_what_the_network_took_is_stated_and_nobody_answers_for_it(cause: str) -> None:
    assert faults(manifest(gap(cause))) == []


@pytest.mark.parametrize("cause", ["disk_full", "engine_lost", "recorder_restarted", "write_failed", "overload"])
def test_what_the_site_lost_has_to_be_explained(cause: str) -> None:
    assert faults(manifest(gap(cause))) == [gap(cause)]


def test_interruptions_alarms_and_lost_files_have_to_be_explained_and_a_start_and_a_recess_do_not() -> None:
    restart = {"kind": "restart", "at_us": 5, "from_us": 1, "to_us": 5, "cause": "recorder_restarted"}
    alarm = {"kind": "alarm", "at_us": 7, "cause": "disk_full", "detail": ""}
    start, stop = {"kind": "start", "at_us": 0}, {"kind": "stop", "at_us": 9, "reason": "recess"}
    assert faults(manifest(start, restart, alarm, stop, missing=("tracks/1.mkv",))) == [
        restart,
        alarm,
        {"kind": "missing", "file": "tracks/1.mkv"},
    ]
