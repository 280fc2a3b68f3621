"""Connections in words, and as the graphs get them."""

from __future__ import annotations

import pytest

from dispatch.console.quality import history, in_words
from dispatch.web.translations import catalogue
from rooms.figures import Figures, Point, Score

WHOLE = Figures(
    carries=True, lost_percent=7.46, jitter_ms=12.4, rtt_ms=310.4, bps=1_234_567.8, width=1280, height=720, frames_per_s=24.6,
    freezes=2, frozen_ms=1500, codec="VP8", candidate="relay", protocol="tls",
)  # fmt: skip


ENGLISH = (
    "From the court: Poor; 7.5 % lost; round trip 310 ms; jitter 12 ms; 1235 kbit/s; 1280×720; 25 frames a second; "
    "stood still 2 times, 1.5 s; VP8; by relay over TLS"
)
CHINESE = (
    "下行：较差；丢包 7.5%；往返 310 毫秒；抖动 12 毫秒；1235 kbit/s；1280×720；每秒 25 帧；画面停顿 2 次，共 1.5 秒；VP8；经中继（TLS）"
)


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("zh-CN", CHINESE)])
def test_the_words_say_all_that_is_known(language: str, words: str) -> None:
    assert in_words("down", Point(1, WHOLE, Score.POOR), catalogue(language).gettext) == words


def test_what_was_not_measured_is_not_said() -> None:
    _ = catalogue("en").gettext
    assert in_words("up", Point(1, Figures(), None), _) == "To the court: not measured"
    assert in_words("up", Point(1, Figures(carries=False, lost_percent=0.0), Score.BAD), _) == "To the court: Bad; nothing gets through"
    assert in_words("up", Point(1, Figures(rtt_ms=5, candidate="host", protocol="udp"), Score.GOOD), _).endswith("directly over UDP")


def test_the_graphs_get_a_row_for_each_point_and_direction() -> None:
    found = history({"li": {"up": (Point(1, WHOLE, Score.FAIR), Point(2, Figures(), None))}}, 5, catalogue("en").gettext)
    assert (found["now_us"], found["span_us"], found["step_us"]) == (5, 900_000_000, 5_000_000)
    assert found["people"]["li"]["up"]["points"] == [
        [1, "fair", 7.46, 12.4, 310.4, 1234568.0, 720],
        [2, None, None, None, None, None, None],
    ]
    assert list(found["people"]["li"]) == ["up"]
