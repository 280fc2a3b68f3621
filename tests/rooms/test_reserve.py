"""The reserve beside the journal: a disk of its own that fails, and what is left in it between sittings and starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from rooms.log import Event
from rooms.reserve import Reserve, ReserveFull

MUTED = Event("muted", 1, {"participant": "张某", "source": "camera", "by": {}})


def test_what_is_kept_is_there_at_the_next_start(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.log", 4096)
    kept = [*reserve.keep("a", [MUTED]), *reserve.keep("b", [MUTED, MUTED])]
    reserve.close()
    reserve.close()
    assert list(Reserve(tmp_path / "reserve.log", 4096).pending) == kept
    assert len({one.key for one in kept}) == 3


def test_it_is_cleared_when_nobody_has_anything_in_it(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.log", 4096)
    reserve.keep("a", [MUTED])
    of_b = reserve.keep("b", [MUTED])
    reserve.taken_over("a")
    assert list(reserve.pending) == list(of_b)
    assert b"muted" in (tmp_path / "reserve.log").read_bytes()
    reserve.taken_over("b")
    assert (tmp_path / "reserve.log").read_bytes() == bytes(4096)
    assert reserve.keep("c", [MUTED])


def test_all_of_an_act_is_kept_or_none_of_it(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.log", 400)
    with pytest.raises(ReserveFull):
        reserve.keep("a", [MUTED] * 10)
    assert list(reserve.pending) == []
    assert reserve.keep("a", [MUTED])


def test_a_reserve_whose_own_disk_fails_takes_nothing(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve.log", 4096)
    reserve.close()
    with pytest.raises(ReserveFull):
        reserve.keep("a", [MUTED])
    assert list(reserve.pending) == []


def test_what_a_crash_left_of_another_kind_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "reserve.log"
    path.write_bytes(b'no json\n{"key":"k"}\n[]\n' + bytes(4096))
    reserve = Reserve(path, 4096)
    assert list(reserve.pending) == []
    kept = reserve.keep("a", [MUTED])
    reserve.close()
    assert list(Reserve(path, 4096).pending) == list(kept)
