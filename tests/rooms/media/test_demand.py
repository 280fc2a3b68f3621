"""What a publisher is told: more at once, less after a while, all of it to a new stream."""

from __future__ import annotations

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding.demand import RELEASE_S, Demand

KEY = TrackKey("ana", Source.CAMERA)
STREAM = object()


def told(demand: Demand, wanted: set[int], now: float, of: object = STREAM) -> set[int] | None:
    return set(demand.levels(KEY)) if demand.changed(KEY, of, wanted, now) else None


def test_the_first_is_told_whatever_it_is() -> None:
    assert told(Demand(), set(), 0.0) == set()
    assert told(Demand(), {1}, 0.0) == {1}


def test_more_is_told_at_once_and_less_after_a_while() -> None:
    demand = Demand()
    assert told(demand, {0}, 0.0) == {0}
    assert told(demand, {0}, 0.1) is None
    assert told(demand, {2}, 0.2) == {0, 2}
    assert demand.shrinking
    assert told(demand, {2}, 0.2 + RELEASE_S - 0.01) is None
    assert told(demand, {2}, 0.2 + RELEASE_S) == {2}
    assert not demand.shrinking


def test_who_comes_back_within_the_while_changes_nothing() -> None:
    demand = Demand()
    assert told(demand, {1}, 0.0) == {1}
    assert told(demand, set(), RELEASE_S - 0.1) is None
    assert told(demand, {1}, RELEASE_S - 0.05) is None
    assert told(demand, set(), 2 * RELEASE_S) is None
    assert demand.shrinking
    assert told(demand, set(), 3 * RELEASE_S) == set()


def test_a_new_stream_and_a_new_server_are_told_again() -> None:
    demand = Demand()
    assert told(demand, {1}, 0.0) == {1}
    assert told(demand, {1}, 0.1, object()) == {1}
    demand.forget()
    assert told(demand, {1}, 0.2) == {1}
    demand.forget(KEY)
    assert told(demand, set(), 0.3) == set()
