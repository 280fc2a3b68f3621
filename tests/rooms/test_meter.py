"""The figures of one device, from the engine's reports and its page's."""

from __future__ import annotations

from typing import Any

import pytest

from rooms.figures import Figures
from rooms.meter import FRESH_US, Meter
from rooms.protocol import Direction, Quality

SECOND_US = 1_000_000
START_US = 1_795_500_000_000_000


def producer(second: int, *, packets: int = 50, lost: float = 0.0, rate: int | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "codec": "opus",
        "packets": second * packets,
        "bytes": second * packets * 100,
        "fraction_lost": lost,
        "jitter_ms": 2.0,
    }
    return made | ({} if rate is None else {"codec": "VP8", "frames_per_second": rate, "width": 1280, "height": 720}) | more


def sides(
    producers: dict[str, Any], *, up: str = "connected", down: str = "connected", consumers: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "publish": {"state": up, "rtt_ms": 40.0, "producers": producers} if up else None,
        "subscribe": {"state": down, "consumers": consumers or {}} if down else None,
    }


def direction(**figures: Any) -> Direction:
    plain = {"lost_percent": 1.0, "jitter_ms": 5.0, "rtt_ms": 60.0, "bps": 900_000.0, "height": 360, "frames_per_s": 24.0, "freezes": 0}
    return Direction.model_validate(plain | {"codec": "VP8", "candidate": "relay", "protocol": "tls"} | figures)


class Device:
    """A device that is measured second by second."""

    def __init__(self) -> None:
        self.now_us = START_US
        self.meter = Meter(self.now_us)

    def seconds(self, count: int, made: Any, *, camera: bool = True) -> Device:
        for _ in range(count):
            self.now_us += SECOND_US
            self.meter.second(made((self.now_us - START_US) // SECOND_US), self.now_us, camera=camera)
        return self

    def page(self, **directions: Any) -> Device:
        self.meter.page(Quality(**directions), self.now_us)
        return self

    def figures(self) -> tuple[Figures, Figures]:
        return self.meter.step(self.now_us, "full")


def test_the_way_up_is_what_the_engine_received() -> None:
    up, _ = (
        Device().seconds(6, lambda n: sides({"microphone": producer(n), "camera": producer(n, packets=100, lost=0.1, rate=25)})).figures()
    )
    assert up.lost_percent == pytest.approx(100 * 11.11 / 161.11, abs=0.01)
    assert up.sound_lost_percent == 0
    assert (up.width, up.height, up.frames_per_s, up.codec, up.jitter_ms, up.rtt_ms) == (1280, 720, 25.0, "VP8", 2.0, 40.0)
    assert up.bps == pytest.approx(5 * 150 * 100 * 8 / 6)
    assert up.carries


def test_the_way_down_is_what_the_page_received_and_no_page_says_what_the_engine_knows_better() -> None:
    device = (
        Device()
        .seconds(5, lambda n: sides({"camera": producer(n, rate=25, lost=0.2)}))
        .page(up=direction(lost_percent=0.0), down=direction())
    )
    up, down = device.page(up=direction(lost_percent=0.0), down=direction()).figures()
    assert (down.lost_percent, down.height, down.frames_per_s, down.candidate, down.protocol) == (1.0, 360, 24.0, "relay", "tls")
    assert (round(up.lost_percent or 0), up.candidate, up.protocol) == (20, "relay", "tls")


def test_a_page_that_is_silent_is_believed_no_longer() -> None:
    device = Device().seconds(1, lambda n: sides({})).page(down=direction())
    device.now_us += FRESH_US + 1
    _, down = device.figures()
    assert (down.lost_percent, down.candidate) == (None, "")


def test_then_the_receiver_reports_that_the_engine_has_count() -> None:
    consumers = {"e/camera": {"packets": 5, "fraction_lost": 0.05, "rtt_ms": 80.0, "bitrate_bps": 500}, "e/microphone": {"rtt_ms": None}}
    _, down = Device().seconds(2, lambda n: sides({}, consumers=consumers)).figures()
    assert (down.lost_percent, down.rtt_ms, down.bps, down.pictures) == (5.0, 80.0, 500.0, "full")


def test_a_second_without_a_frame_of_a_camera_that_is_on_and_wanted_stands_still() -> None:
    rates = [20, 20, 0, 0, 20, 0]
    up, _ = Device().seconds(6, lambda n: sides({"camera": producer(n, rate=rates[n - 1])})).figures()
    assert (up.freezes, up.frozen_ms) == (2, 3000.0)


def test_a_camera_that_is_off_or_not_wanted_or_has_just_begun_does_not() -> None:
    off, _ = Device().seconds(5, lambda n: sides({"camera": producer(n, rate=20 if n < 3 else 0)}), camera=False).figures()
    begun, _ = Device().seconds(5, lambda n: sides({"camera": producer(n, rate=0 if n < 4 else 20)})).figures()
    assert (off.freezes, off.frozen_ms, off.frames_per_s) == (0, 0.0, None)
    assert (begun.freezes, begun.frozen_ms, begun.frames_per_s) == (0, 0.0, 20.0)


def test_freezes_of_the_page_are_counted_once_and_last_no_longer_than_the_step() -> None:
    device = (
        Device()
        .seconds(1, lambda n: sides({}))
        .page(down=direction(freezes=2, frozen_ms=300))
        .page(down=direction(freezes=1, frozen_ms=60_000))
    )
    _, down = device.figures()
    assert (down.freezes, down.frozen_ms) == (3, 5000.0)
    _, down = device.seconds(1, lambda n: sides({})).figures()
    assert (down.freezes, down.frozen_ms) == (0, 0.0)


@pytest.mark.parametrize(
    ("state", "seconds", "expected"),
    [("connected", 1, True), ("stale", 1, False), ("new", 2, None), ("new", 7, False), ("", 2, None), ("", 7, False)],
)
def test_whether_a_path_carries_is_for_the_checks_of_the_peer_to_say(state: str, seconds: int, expected: bool | None) -> None:
    up, down = Device().seconds(seconds, lambda n: sides({}, up=state, down=state)).figures()
    assert (up.carries, down.carries) == (expected, expected)


def test_a_path_that_was_cut_stays_so_while_the_page_tries_again_and_again() -> None:
    device = Device().seconds(3, lambda n: sides({}, consumers={"e/camera": {"packets": n * 20, "fraction_lost": 0.0, "rtt_ms": 9.0}}))
    states = ["stale", "new", "new", "", "new", "new"] * 4
    for state in states:
        _, down = device.seconds(1, lambda n, s=state: sides({}, down=s, consumers={"e/camera": {"fraction_lost": 0.0}})).figures()
        assert down.carries in ((False,) if state else (False, None))
        assert down.lost_percent is None
    _, down = device.seconds(1, lambda n: sides({})).figures()
    assert down.carries
    _, down = device.seconds(1, lambda n: sides({}, down="new")).figures()
    assert down.carries is None, "made anew without having been cut"


def test_tries_that_follow_each_other_are_one_attempt() -> None:
    device = Device().seconds(3, lambda n: sides({}))
    for state in ("new", "new", "", "new", "", "new"):
        _, down = device.seconds(1, lambda n, s=state: sides({}, down=s)).figures()
    assert down.carries is False


def test_a_direction_that_was_not_wanted_for_a_while_begins_as_new() -> None:
    device = Device().seconds(3, lambda n: sides({})).seconds(2, lambda n: sides({}, up="stale"))
    up, _ = device.seconds(7, lambda n: sides({}, up="")).seconds(1, lambda n: sides({}, up="new")).figures()
    assert up.carries is None


def test_who_sends_nothing_by_design_has_no_way_up() -> None:
    up, down = Device().seconds(9, lambda n: sides({}, up="")).figures()
    assert (up, down.carries) == (Figures(), True)


def test_packets_that_were_sent_and_of_which_none_came_make_a_path_that_carries_nothing() -> None:
    def made(n: int) -> dict[str, Any]:
        return sides({"microphone": producer(0)}, consumers={"e/camera": {"packets": n * 20}})

    device = Device()
    up, down = device.seconds(5, made).page(up=direction(bps=50_000), down=direction(bps=0)).figures()
    assert (up.carries, down.carries) == (True, True), "somebody may just have switched off"
    up, down = device.seconds(5, made).page(up=direction(bps=50_000), down=direction(bps=0)).figures()
    assert (up.carries, down.carries) == (False, False)
    up, down = device.seconds(5, made).page(up=direction(bps=0), down=direction(bps=9)).figures()
    assert (up.carries, down.carries) == (True, True)


def test_a_track_that_begins_anew_counts_from_there() -> None:
    device = Device().seconds(3, lambda n: sides({"microphone": producer(n + 1000)}))
    device.figures()
    up, _ = device.seconds(3, lambda n: sides({"microphone": producer(n)})).figures()
    assert up.bps == pytest.approx(2 * 5000 * 8 / 3)


def test_what_an_engine_does_not_measure_the_page_says() -> None:
    up, _ = (
        Device()
        .seconds(3, lambda n: sides({"camera": {"codec": "VP8", "packets": n, "bytes": n}}))
        .page(up=direction(height=480, width=640, frames_per_s=15, limited="bandwidth"))
        .figures()
    )
    assert (up.width, up.height, up.frames_per_s, up.pictures, up.limited) == (640, 480, 15.0, "smaller", "bandwidth")


def test_packets_of_an_open_microphone_are_counted_by_themselves() -> None:
    device = Device().seconds(6, lambda n: sides({"microphone": producer(n, packets=3), "camera": producer(n, packets=60)}))
    up, _ = device.figures()
    assert up.sound_packets == 15
    up, _ = Device().seconds(6, lambda n: sides({"camera": producer(n, packets=60)})).figures()
    assert up.sound_packets is None


def test_of_a_microphone_in_a_pause_one_packet_that_is_lost_is_no_share() -> None:
    device = Device().seconds(6, lambda n: sides({"microphone": producer(n, packets=3, lost=0.33)}))
    up, _ = device.figures()
    assert (up.lost_percent, up.sound_lost_percent) == (None, None)
    up, _ = device.seconds(5, lambda n: sides({"microphone": producer(n, packets=50, lost=0.33)})).figures()
    assert up.sound_lost_percent == pytest.approx(33, abs=1)


def test_what_another_lost_on_his_way_up_is_not_lost_on_the_way_down() -> None:
    """His page counts it: a number is missing, wherever it got lost."""

    def of(second: int, track: str) -> dict[str, Any]:
        return sides({}, consumers={track: {"packets": second * 80, "never_came": second * 20}})

    for track, sound in (("e/microphone", 5.0), ("e/camera", 24.0)):
        device = Device().seconds(6, lambda n, t=track: of(n, t))
        _, down = device.page(down=direction(lost_percent=24.0, sound_lost_percent=24.0)).figures()
        assert down.lost_percent == pytest.approx(5.0)
        assert down.sound_lost_percent == pytest.approx(sound)


def test_of_an_engine_that_looks_into_no_packet_a_camera_stands_still_where_nothing_of_it_comes() -> None:
    rates = [800_000, 800_000, 0, 0, 800_000]
    device = Device()
    up, _ = device.seconds(5, lambda n: sides({"camera": producer(n, codec="VP8", bitrate_bps=rates[n - 1])})).figures()
    assert (up.freezes, up.frozen_ms, up.frames_per_s) == (1, 2000.0, None)
    device.page(up=direction(frames_per_s=19.0, height=480, width=640))
    up, _ = device.seconds(5, lambda n: sides({"microphone": producer(n), "camera": producer(n, codec="VP8", bitrate_bps=1)})).figures()
    assert (up.frozen_ms, up.frames_per_s, up.width, up.height, up.codec) == (0.0, 19.0, 640, 480, "VP8")


def test_where_the_page_has_lost_its_connections_and_the_engine_has_not_noticed_nothing_gets_through_after_two_steps() -> None:
    device = Device().seconds(5, lambda n: sides({"microphone": producer(n)})).page(up=direction(), down=direction())
    assert [each.carries for each in device.figures()] == [True, True]
    carried = []
    for _ in range(3):
        device.seconds(5, lambda n: sides({"microphone": producer(5)}), camera=False).page()
        carried.append([each.carries for each in device.figures()])
    assert carried == [[True, True], [False, False], [False, False]]
    device.seconds(5, lambda n: sides({"microphone": producer(n)})).page(up=direction(), down=direction())
    assert [each.carries for each in device.figures()] == [True, True]


def test_a_page_of_an_earlier_version_says_nothing_of_its_connections() -> None:
    device = Device()
    for _ in range(3):
        device.seconds(5, lambda n: sides({"microphone": producer(5)}), camera=False).page(lost_percent=0.0, rtt_ms=20.0)
        assert [each.carries for each in device.figures()] == [True, True]
