"""Who speaks: a voice and not a noise, the one who goes on and not the one who coughs."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding import packets
from rooms.media.forwarding.speaker import NOBODY_S, SILENCE, Speaking, Voice

Sound = Callable[[float], int | None]


def speech(loudness: int = 30, seed: int = 0) -> Sound:
    """Syllables of a fifth of a second, a pause between words; `loudness` in -dBov."""
    rng = random.Random(seed)

    def level(at: float) -> int:
        return loudness + rng.randrange(6) if at % 0.25 < 0.18 and at % 2.0 < 1.7 else 75

    return level


def steady(level: int | None) -> Sound:
    return lambda at: level


def between(first: float, last: float, sound: Sound, otherwise: int | None = 80) -> Sound:
    return lambda at: sound(at) if first <= at < last else otherwise


def played(sounds: dict[str, Sound], until: float, speaking: Speaking | None = None) -> list[tuple[float, str]]:
    """Let everybody send a packet each 20 ms, ask four times a second; returns when who was told to speak."""
    speaking = speaking or Speaking()
    voices = {endpoint: Voice() for endpoint in sounds}
    told = []
    for step in range(round(until / 0.02)):
        at = step * 0.02
        for endpoint, sound in sounds.items():
            level = sound(at)
            if level is not None:
                voices[endpoint].heard(level, at)
        if step % 12 == 0 and speaking.changed(voices, at):
            told.append((round(at, 2), speaking.speaker))
    return told


def speakers(sounds: dict[str, Sound], until: float) -> list[str]:
    return [who for _, who in played(sounds, until)]


def test_whoever_begins_is_told_within_a_second_and_stays_through_pauses() -> None:
    [(at, who)] = played({"ana": between(3, 60, speech()), "bo": steady(80)}, 20)
    assert who == "ana"
    assert 3 < at < 4


def test_silence_of_some_seconds_is_nobody() -> None:
    told = played({"ana": between(1, 6, speech()), "bo": steady(80)}, 12)
    assert [who for _, who in told] == ["ana", ""]
    assert NOBODY_S < told[1][0] - 5.7 < NOBODY_S + 1


@pytest.mark.parametrize("silent", [SILENCE, 80, None], ids=["digital silence", "a quiet room", "nothing sent (DTX)"])
def test_the_turn_goes_over_to_the_next(silent: int | None) -> None:
    told = played({"ana": between(1, 6, speech(), silent), "bo": between(6.5, 12, speech(45, 1), silent)}, 11)
    assert [who for _, who in told] == ["ana", "bo"]
    assert told[1][0] < 7.6


def test_a_cough_and_a_door_take_nothing_from_the_speaker_and_give_nothing() -> None:
    cough = between(5.0, 5.15, steady(5))
    assert speakers({"ana": speech(), "bo": cough}, 10) == ["ana"]
    assert speakers({"ana": steady(80), "bo": cough}, 10) == []


def test_steady_noise_is_nobody_for_long_and_a_voice_above_it_is_heard() -> None:
    fan = steady(52)
    told = played({"bo": fan, "ana": between(20, 30, speech())}, 40)
    assert [who for _, who in told if who][-1] == "ana"
    assert not any(who == "bo" and at > 10 for at, who in told)


def test_two_at_once_change_nothing_unless_one_is_clearly_louder() -> None:
    assert speakers({"ana": speech(30), "bo": between(5, 30, speech(28, 1))}, 20) == ["ana"]
    assert speakers({"ana": speech(45), "bo": between(5, 30, speech(25, 1))}, 20) == ["ana", "bo"]


def test_who_may_no_longer_be_heard_speaks_no_more() -> None:
    speaking = Speaking()
    assert [who for _, who in played({"ana": speech()}, 5, speaking)] == ["ana"]
    assert speaking.changed({}, 5.1)
    assert speaking.speaker == ""


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.tuples(st.integers(0, 127), st.floats(-1, 5)), max_size=40)))
def test_no_levels_at_any_times_do_harm(heard: dict[str, list[tuple[int, float]]]) -> None:
    voices, now = {endpoint: Voice() for endpoint in heard}, 0.0
    speaking = Speaking()
    for endpoint, levels in heard.items():
        for level, after in levels:
            now += after
            voices[endpoint].heard(level, now)
            assert 0 <= voices[endpoint].activity(now) <= 1 + 1e-9
            assert -127 <= voices[endpoint].loudness <= 0
            speaking.changed(voices, now)
            assert speaking.speaker in {"", *voices}


# ------------------------------------------------------------------------------------------------ in the packet


def packet(profile: int, elements: bytes, csrcs: int = 0) -> bytes:
    elements += bytes(-len(elements) % 4)
    extension = struct.pack("!HH", profile, len(elements) // 4) + elements
    return struct.pack("!BBHII", 0x90 | csrcs, 111, 1, 2, 3) + bytes(4 * csrcs) + extension + b"opus"


@pytest.mark.parametrize("csrcs", [0, 2])
@pytest.mark.parametrize(
    ("profile", "elements"),
    [
        (0xBEDE, b"\x10\x9e"),
        (0xBEDE, b"\x20a\x10\x9e"),
        (0xBEDE, b"\0\0\x10\x9e"),
        (0x1000, b"\x01\x01\x9e"),
        (0x1000, b"\x02\0\x01\x01\x9e"),
    ],
)
def test_the_level_is_found_wherever_it_stands(profile: int, elements: bytes, csrcs: int) -> None:
    assert packets.extension(packet(profile, elements, csrcs), 1) == b"\x9e"


@pytest.mark.parametrize("data", [packet(0xBEDE, b""), packet(0xBEDE, b"\x20a"), packet(0xABAC, b"\x10\x9e"), b"\x80o" + bytes(14)])
def test_where_there_is_none_none_is_found(data: bytes) -> None:
    assert packets.extension(data, 1) is None
