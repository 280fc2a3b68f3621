"""When a recording may be called one."""

from __future__ import annotations

from rooms.heartbeat import Vigil
from rooms.media.engine import Source

S = 1_000_000
CAMERA = ("e", Source.CAMERA)


def watching() -> Vigil:
    vigil = Vigil()
    vigil.begin(0)
    vigil.beat(1 * S, [])
    return vigil


def test_off_until_it_is_due() -> None:
    assert Vigil().verdict(5) == ("off", "")


def test_it_starts_until_the_first_heartbeat_and_fails_without_one() -> None:
    vigil = Vigil()
    vigil.begin(0)
    assert vigil.verdict(2 * S) == ("starting", "")
    assert vigil.verdict(5 * S) == ("failed", "no_heartbeat")


def test_a_silent_room_is_a_recording() -> None:
    vigil = watching()
    vigil.router(2 * S, {CAMERA: 0})
    vigil.beat(3 * S, [(CAMERA, 0)])
    assert vigil.verdict(4 * S) == ("recording", "")


def test_an_old_heartbeat_is_a_failure_within_five_seconds() -> None:
    vigil = watching()
    assert vigil.verdict(3 * S) == ("recording", "")
    assert vigil.verdict(int(4.5 * S)) == ("failed", "no_heartbeat")
    vigil.beat(6 * S, [])
    assert vigil.verdict(6 * S) == ("recording", "")


def test_a_recorder_that_does_not_follow_the_router_fails() -> None:
    vigil = watching()
    for second in range(2, 8):
        vigil.router(second * S, {CAMERA: 100 * second})
        vigil.beat(second * S, [(CAMERA, 50)])
    assert vigil.verdict(7 * S) == ("failed", "not_following")


def test_one_that_follows_two_seconds_later_does_not() -> None:
    vigil = watching()
    for second in range(2, 20):
        vigil.router(second * S, {CAMERA: 100 * second})
        vigil.beat(second * S, [(CAMERA, 100 * (second - 2))])
        assert vigil.verdict(second * S) == ("recording", "")


def test_a_restarted_recorder_counts_anew_and_is_believed() -> None:
    vigil = watching()
    vigil.router(2 * S, {CAMERA: 900})
    vigil.beat(3 * S, [(CAMERA, 900)])
    vigil.router(4 * S, {CAMERA: 1000})
    vigil.beat(5 * S, [(CAMERA, 10)])
    assert vigil.verdict(7 * S) == ("recording", "")


def test_a_muted_track_has_nothing_to_follow() -> None:
    vigil = watching()
    vigil.router(2 * S, {CAMERA: 100})
    vigil.beat(2 * S, [(CAMERA, 100)])
    for second in range(3, 10):
        vigil.router(second * S, {CAMERA: 100})
        vigil.beat(second * S, [(CAMERA, 100)])
    assert vigil.verdict(10 * S) == ("recording", "")


def test_a_track_that_went_is_forgotten() -> None:
    vigil = watching()
    vigil.router(2 * S, {CAMERA: 100})
    vigil.router(3 * S, {})
    vigil.beat(8 * S, [])
    assert vigil.verdict(9 * S) == ("recording", "")


def test_an_alarm_is_a_failure_until_it_is_cleared() -> None:
    vigil = watching()
    vigil.alarm("disk_full")
    assert vigil.verdict(2 * S) == ("failed", "disk_full")
    vigil.alarm("")
    assert vigil.verdict(2 * S) == ("recording", "")
