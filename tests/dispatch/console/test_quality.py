"""The plot of a connection, in words."""

from __future__ import annotations

import pytest

from dispatch.console.quality import history, in_words
from dispatch.web.translations import catalogue
from rooms.quality import Sample

SAMPLES = (Sample(1, 0.0, 20.0, 1_200_000.0), Sample(2, 7.46, 310.4, 400_000.0), Sample(3, 0.0, None, None))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Last 10 minutes: at most 7.5 % lost; round trip at most 310 ms; sent 400 to 1200 kbit/s"),
        ("zh-CN", "近 10 分钟：丢包率最高 7.5 %；往返时延最高 310 毫秒；上行 400 至 1200 kbit/s"),
    ],
)
def test_the_words_say_what_the_plot_shows(language: str, words: str) -> None:
    assert in_words(SAMPLES, catalogue(language).gettext) == words


def test_what_was_not_measured_is_not_said_and_who_has_no_samples_is_not_there() -> None:
    _ = catalogue("en").gettext
    assert in_words(SAMPLES[2:], _) == "Last 10 minutes: at most 0.0 % lost"
    found = history({"li": SAMPLES[:1], "wang": ()}, 5, _)
    assert (found["now_us"], list(found["people"])) == (5, ["li"])
    assert found["people"]["li"]["samples"] == [[1, 0.0, 20.0, 1_200_000.0]]
