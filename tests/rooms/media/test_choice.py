"""Which layer each picture gets, by size, importance and what the connection carries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding.choice import SLOWER, Choice, Picture, Rung, choose, ideal, rungs

THREE = (Rung(180, 150_000), Rung(360, 500_000), Rung(720, 1_500_000))


def camera(name: str, shown: int | None = None, *, floor: bool = False, held: int = -1, thins: bool = False) -> Picture:
    return Picture(TrackKey(name, Source.CAMERA), floor, shown, THREE, held, thins)


def levels(pictures: list[Picture], budget: int | None, steady: int | None = None) -> dict[str, int]:
    return {key.endpoint: choice.level for key, choice in choose(pictures, budget, steady).items()}


def test_a_picture_gets_the_lowest_layer_that_is_high_enough_for_its_tile() -> None:
    assert [camera("ana", shown).ideal for shown in (0, 90, 180, 250, 300, 400, 600, 2000, None)] == [-1, 0, 0, 0, 1, 1, 2, 2, 2]


def test_who_has_the_floor_is_raised_first_and_a_screen_before() -> None:
    screen = Picture(TrackKey("bo", Source.SCREEN), False, 720, THREE)
    pictures = [camera("ana", 720), camera("cy", 720, floor=True), screen]
    found = choose(pictures, 3_200_000)
    assert {key.source: choice.level for key, choice in found.items() if key.endpoint == "bo"} == {Source.SCREEN: 2}
    assert levels([camera("ana", 720), camera("cy", 720, floor=True)], 1_700_000) == {"ana": 0, "cy": 2}
    assert levels(pictures, 2_300_000) == {"ana": 0, "cy": 1, "bo": 2}


def test_of_others_the_larger_one_comes_first() -> None:
    assert levels([camera("ana", 300), camera("bo", 720)], 700_000) == {"ana": 0, "bo": 1}


def test_what_does_not_fit_is_thinned_and_then_left_out_from_the_least_important_on() -> None:
    pictures = [camera("ana", 720, floor=True, thins=True), camera("bo", 720, thins=True)]
    assert choose(pictures, 150_000 + int(150_000 * SLOWER)) == {
        pictures[0].key: Choice(0, False, 2),
        pictures[1].key: Choice(0, True, 2),
    }
    assert levels(pictures, 200_000) == {"ana": 0, "bo": -1}
    assert levels(pictures, 50_000) == {"ana": -1, "bo": -1}


def test_what_is_held_stays_while_it_fits_and_what_is_new_waits_for_steady_headroom() -> None:
    assert levels([camera("ana", 720, held=2)], 1_500_000, 600_000) == {"ana": 2}
    assert levels([camera("ana", 720, held=0)], 1_500_000, 600_000) == {"ana": 1}
    assert levels([camera("ana", 720, held=2)], 1_400_000, 600_000) == {"ana": 1}
    assert levels([camera("ana", 720)], 1_500_000, 100_000) == {"ana": -1}


KEYS = st.builds(TrackKey, st.sampled_from("abcdefgh"), st.sampled_from([Source.CAMERA, Source.SCREEN]))
RUNGS = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10**6)), min_size=1, max_size=3).map(
    lambda steps: tuple(Rung(sum(h for h, _ in steps[: i + 1]), sum(b for _, b in steps[: i + 1])) for i in range(len(steps)))
)
PICTURES = st.lists(
    st.builds(Picture, KEYS, st.booleans(), st.none() | st.integers(0, 1500), RUNGS, st.integers(-1, 2), st.booleans()),
    unique_by=lambda picture: picture.key,
    max_size=12,
)


def cost(picture: Picture, choice: Choice) -> int:
    if choice.level < 0:
        return 0
    return int(picture.rungs[0].bps * SLOWER) if choice.slower else picture.rungs[choice.level].bps


@given(PICTURES, st.integers(0, 1_000_000))
def test_where_there_is_room_for_all_each_gets_what_suits_its_tile(pictures: list[Picture], more: int) -> None:
    """So nothing has to be weighed there."""
    ideals = {picture.key: ideal(picture.rungs, picture.shown) for picture in pictures}
    enough = sum(picture.rungs[ideals[picture.key]].bps for picture in pictures if ideals[picture.key] >= 0)
    assert choose(pictures, enough + more, enough) == {key: Choice(level, False, level) for key, level in ideals.items()}


@given(PICTURES, st.integers(0, 5_000_000), st.integers(0, 5_000_000))
def test_never_more_than_the_connection_carries_nor_than_is_seen(pictures: list[Picture], a: int, b: int) -> None:
    budget, steady = max(a, b), min(a, b)
    chosen = choose(pictures, budget, steady)
    assert chosen.keys() == {picture.key for picture in pictures}
    assert sum(cost(picture, chosen[picture.key]) for picture in pictures) <= budget
    for picture in pictures:
        choice = chosen[picture.key]
        assert choice.level <= choice.ideal
        assert not choice.slower or (choice.level == 0 and picture.thins)


@given(PICTURES)
def test_without_a_limit_each_gets_what_can_be_seen_of_it(pictures: list[Picture]) -> None:
    chosen = choose(pictures, None)
    assert all(chosen[picture.key] == Choice(picture.ideal, False, picture.ideal) for picture in pictures)


@given(PICTURES, st.integers(0, 5_000_000))
def test_who_is_less_important_takes_nothing_from_who_is_more(pictures: list[Picture], budget: int) -> None:
    """Without the last in the order, every other gets its lowest layer as before."""
    ordered = sorted(pictures, key=lambda picture: picture.order)
    with_last, without = choose(ordered, budget), choose(ordered[:-1], budget)
    assert all((with_last[p.key].level >= 0) == (without[p.key].level >= 0) for p in ordered[:-1])


@given(st.lists(st.none() | st.integers(16, 2000), min_size=1, max_size=3), st.data())
def test_unknown_layers_are_taken_to_be_half_as_high_as_the_next(sizes: list[int | None], data: st.DataObject) -> None:
    rates = data.draw(st.lists(st.none() | st.integers(1, 10**6), min_size=len(sizes), max_size=len(sizes)))
    found = rungs(sizes, rates)
    assert [rung.height for rung, size in zip(found, sizes, strict=True) if size] == [size for size in sizes if size]
    assert all(rung.height > 0 and rung.bps >= 0 for rung in found)
    if not any(sizes):
        assert [rung.height for rung in found] == ([720] if len(sizes) == 1 else [180, 360, 720][: len(sizes)])
