"""What is remembered of each connection: a point for each step and direction, fifteen minutes of them, and nothing more."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY

from rooms.figures import SPAN_US, STEP_US, Score
from rooms.hours import HOUR_US
from rooms.protocol import Quality
from rooms.quality import POINTS, HourKey, Inside, QualityOfConference
from tests.rooms.test_meter import direction, producer, sides

SECOND_US = 1_000_000
START_US = 1_795_500_000_000_000 // HOUR_US * HOUR_US


class Hall:
    """One device at a time that is measured second by second."""

    def __init__(self) -> None:
        self.quality = QualityOfConference()
        self.now_us = START_US

    def seconds(self, count: int, *people: str, endpoint: str = "e", lost: float = 0.0, **page: Any) -> Hall:
        for _ in range(count):
            self.now_us += SECOND_US
            second = (self.now_us - START_US) // SECOND_US
            made = sides({"microphone": producer(second, lost=lost)}, up=page.get("up", "connected"), down=page.get("down", "connected"))
            self.quality.second({endpoint: Inside(people or ("li",), made)}, self.now_us)
        return self

    def points(self, person: str = "li") -> list[tuple[float | None, Score | None]]:
        return [(point.figures.lost_percent, point.score) for point in self.quality.of(self.now_us).get(person, {}).get("up", ())]


def test_a_step_of_five_seconds_is_a_point_in_each_direction() -> None:
    hall = Hall().seconds(4)
    assert hall.quality.of(hall.now_us) == {}
    hall.quality.page("e", Quality(down=direction(lost_percent=10.0)), hall.now_us)
    hall.seconds(1)
    both = hall.quality.of(hall.now_us)["li"]
    assert (both["up"][0].at_us, both["down"][0].at_us) == (START_US, START_US)
    assert (both["up"][0].score, both["down"][0].score) == (Score.GOOD, Score.POOR)
    network = hall.quality.networks["e"]
    assert (network.score, network.up, network.down, network.lost_percent, network.blocked) == ("poor", "good", "poor", 10.0, False)


def test_everybody_at_one_device_has_its_points_and_keeps_them_at_another() -> None:
    hall = Hall().seconds(5, "li", "wang").seconds(10, "li", endpoint="own", lost=0.1)
    assert [round(lost or 0) for lost, _ in hall.points("li")] == [0, 10, 10]
    assert [round(lost or 0) for lost, _ in hall.points("wang")] == [0]


def test_what_is_older_than_fifteen_minutes_is_forgotten_and_memory_stays_bounded() -> None:
    hall = Hall().seconds(2000)
    assert len(hall.points()) == POINTS == 180
    hall.now_us += SPAN_US + STEP_US
    assert hall.quality.of(hall.now_us) == {}


def test_only_what_is_new_is_given_to_who_has_the_rest() -> None:
    hall = Hall().seconds(20)
    assert len(hall.quality.of(hall.now_us, START_US + STEP_US)["li"]["up"]) == 2
    assert hall.quality.of(hall.now_us, hall.now_us) == {}


def test_a_path_that_is_cut_is_bad_within_a_second_and_good_again_with_the_next_step() -> None:
    hall = Hall().seconds(6)
    assert hall.quality.networks["e"].score == "good"
    hall.seconds(1, up="stale", down="connected")
    network = hall.quality.networks["e"]
    assert (network.score, network.up, network.down, network.blocked, network.rtt_ms) == ("bad", "bad", None, True, None)
    hall.seconds(4, up="stale", down="stale").seconds(1)
    assert "e" not in hall.quality.networks, "it carries again; how well is not known yet"
    hall.seconds(3)
    assert hall.quality.networks["e"].score == "good"
    assert [score for _, score in hall.points()] == [Score.GOOD, Score.BAD, Score.GOOD]


def test_a_path_that_never_carried_anything_is_bad_and_not_good() -> None:
    hall = Hall().seconds(7, up="new", down="new")
    assert (hall.quality.networks["e"].score, hall.quality.networks["e"].blocked) == ("bad", True)


def test_while_the_engine_is_away_nothing_is_said() -> None:
    hall = Hall().seconds(6)
    hall.quality.forget()
    assert hall.quality.networks == {}
    hall.now_us += 20 * SECOND_US
    hall.seconds(1)
    assert len(hall.points()) == 1, "nothing was measured meanwhile"


def test_what_a_page_says_of_a_device_that_is_not_inside_is_not_taken() -> None:
    hall = Hall()
    hall.quality.page("stranger", Quality(down=direction()), hall.now_us)
    hall.seconds(6)
    assert set(hall.quality.networks) == {"e"}


def test_each_hour_is_summed_up_and_given_away_once() -> None:
    hall = Hall()
    hall.now_us = START_US + HOUR_US - 10 * SECOND_US
    hall.seconds(20)
    found = hall.quality.take_hours()
    assert {key: hour.steps for key, hour in found.items() if key.way == "up"} == {
        HourKey("li", "up", START_US): 2,
        HourKey("li", "up", START_US + HOUR_US): 2,
    }
    assert hall.quality.take_hours() == {}


def test_steps_and_losses_are_counted_for_prometheus() -> None:
    def steps(score: str) -> float:
        return REGISTRY.get_sample_value("rooms_quality_steps_total", {"direction": "up", "score": score}) or 0.0

    before, lossy = steps("bad"), REGISTRY.get_sample_value("rooms_quality_loss_ratio_count", {"direction": "up"}) or 0.0
    Hall().seconds(10, lost=0.4)
    assert steps("bad") == before + 2
    assert REGISTRY.get_sample_value("rooms_quality_loss_ratio_count", {"direction": "up"}) == lossy + 2
