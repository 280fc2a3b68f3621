"""What is wrong with a connection: a series of figures for each diagnosis, and those that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.console.diagnosis import SEVERITIES, Line, diagnose, rough_sites, told
from dispatch.web.translations import catalogue
from rooms.figures import STEP_US, Figures, Point, Score
from rooms.quality import History
from rooms.scores import score

NOW_US = 1_000 * STEP_US
STEPS = 24
FINE = Figures(
    carries=True, lost_percent=0.1, sound_lost_percent=0.1, jitter_ms=6, rtt_ms=38, bps=900_000, width=1280, height=720, frames_per_s=25,
    codec="VP8", candidate="host", protocol="udp",
)  # fmt: skip
DEAD = Figures(carries=False, bps=0.0)
TALKING, SILENT = 250, 13


def series(figures: Figures, *, steps: int = STEPS, last: int = 1, **changed: Any) -> tuple[Point, ...]:
    """So many steps of these figures, the newest of them `last` steps ago; scored as the live plane does."""
    figures = replace(figures, **changed)
    return tuple(Point(NOW_US - (last + number) * STEP_US, figures, score(figures)) for number in reversed(range(steps)))


def both(**changed: Any) -> History:
    return {"up": series(FINE, **changed), "down": series(FINE, **changed)}


def ways(up: dict[str, Any] | None = None, down: dict[str, Any] | None = None) -> History:
    return {"up": series(FINE, **(up or {})), "down": series(FINE, **(down or {}))}


def codes(history: History, **more: Any) -> list[str]:
    return [finding.code for finding in diagnose(history, NOW_US, **more)]


SERIES: dict[str, History] = {
    "cut": {"up": series(DEAD, steps=3), "down": series(DEAD, steps=3)},
    "cut_up": {"up": series(DEAD, steps=3), "down": series(FINE)},
    "cut_down": {"up": series(FINE), "down": series(DEAD, steps=3)},
    "busy_computer": ways(up={"limited": "cpu", "frames_per_s": 9.0}),
    "firewall": both(candidate="relay", protocol="tls", rtt_ms=420, jitter_ms=80),
    "loss_up": ways(up={"lost_percent": 8.0, "sound_lost_percent": 8.0}),
    "loss_both": ways(up={"lost_percent": 6.0, "sound_lost_percent": 6.0}, down={"lost_percent": 4.0, "sound_lost_percent": 4.0}),
    "loss_down": ways(down={"lost_percent": 7.0, "sound_lost_percent": 7.0}),
    "frozen_down": ways(down={"freezes": 2, "frozen_ms": 1800.0}),
    "narrow_up": ways(up={"pictures": "smaller", "height": 180, "bps": 150_000}),
    "narrow_down": ways(down={"pictures": "slower", "bps": 200_000}),
    "far": both(rtt_ms=480),
    "unsteady": both(jitter_ms=95),
    "still_camera": ways(up={"freezes": 1, "frozen_ms": 5000.0}),
    "relayed": both(candidate="relay"),
    "unmeasured": {},
    "well": both(),
}


@pytest.mark.parametrize("code", SERIES)
def test_each_series_has_its_diagnosis_first_and_no_other_that_is_as_grave(code: str) -> None:
    found = diagnose(SERIES[code], NOW_US)
    assert found[0].code == code
    assert [each.code for each in found if each.severity == found[0].severity and each.code != code] == []


def test_there_is_a_series_for_every_diagnosis_that_the_figures_alone_tell() -> None:
    assert set(SERIES) == set(SEVERITIES) - {"site_line", "silent", "was_rough"}


# -- what is no diagnosis


def test_one_bad_step_is_none() -> None:
    up = list(series(FINE))
    up[-4] = replace(up[-4], figures=replace(FINE, lost_percent=30.0), score=Score.BAD)
    assert codes({"up": tuple(up), "down": series(FINE)}) == ["well"]


def test_what_is_over_is_none_and_is_mentioned_where_it_took_half_a_minute() -> None:
    rough = series(FINE, steps=8, last=16, lost_percent=30.0, sound_lost_percent=30.0)
    short = series(FINE, steps=5, last=16, lost_percent=30.0, sound_lost_percent=30.0)
    since = series(FINE, steps=15)
    assert codes({"up": rough + since, "down": series(FINE)}) == ["was_rough"]
    assert diagnose({"up": rough + since}, NOW_US)[0].since_us == rough[0].at_us
    assert codes({"up": short + since, "down": series(FINE)}) == ["well"]


def test_loss_of_two_in_a_hundred_is_not_heard() -> None:
    assert codes(ways(up={"lost_percent": 2.0, "sound_lost_percent": 2.0})) == ["well"]


def test_figures_of_former_minutes_are_no_figures_of_now() -> None:
    assert codes({"up": series(FINE, last=20), "down": series(FINE, last=20)}) == ["unmeasured"]


def test_a_screen_that_is_shared_sends_few_frames_by_design() -> None:
    assert codes(ways(up={"frames_per_s": 3.0})) == ["well"]


# -- what explains what


def test_a_narrow_line_is_not_asked_for_where_packets_are_lost() -> None:
    assert codes(ways(up={"lost_percent": 8.0, "sound_lost_percent": 8.0, "pictures": "smaller"})) == ["loss_up"]


def test_loss_down_explains_pictures_that_stand_still() -> None:
    assert codes(ways(down={"lost_percent": 7.0, "sound_lost_percent": 7.0, "frozen_ms": 2000.0})) == ["loss_down"]


def test_a_busy_computer_is_told_beside_a_bad_line_since_both_need_a_remedy() -> None:
    found = codes(ways(up={"lost_percent": 8.0, "sound_lost_percent": 8.0, "limited": "cpu"}))
    assert sorted(found) == ["busy_computer", "loss_up"]


def test_a_relay_over_tcp_that_works_needs_nothing() -> None:
    assert codes(both(candidate="relay", protocol="tcp")) == ["relayed"]


def test_it_says_since_when() -> None:
    fine, bad = series(FINE, steps=10, last=10), series(FINE, steps=9, lost_percent=9.0, sound_lost_percent=9.0)
    (found,) = diagnose({"up": fine + bad, "down": series(FINE)}, NOW_US)
    assert (found.code, found.since_us) == ("loss_up", bad[0].at_us)


# -- the line of a site


BAD = both(lost_percent=12.0, sound_lost_percent=12.0)


def test_where_all_devices_of_a_site_are_bad_it_is_its_line() -> None:
    rough = rough_sites([Line("看守所", "a", BAD), Line("看守所", "b", BAD), Line("本院", "c", BAD), Line("本院", "d", both())], NOW_US)
    assert rough == {"看守所"}
    (found,) = diagnose(BAD, NOW_US, site="看守所", rough=rough)
    assert (found.code, dict(found.data)) == ("site_line", {"site": "看守所"})
    assert codes(BAD, site="本院", rough=rough) == ["loss_both"]


def test_one_device_is_no_site_and_people_at_one_device_are_one() -> None:
    assert rough_sites([Line("看守所", "a", BAD), Line("看守所", "a", BAD)], NOW_US) == frozenset()


def test_whoever_is_well_at_such_a_site_is_well() -> None:
    assert codes(both(), site="看守所", rough=frozenset({"看守所"})) == ["well"]


def test_devices_at_no_site_are_no_site() -> None:
    assert rough_sites([Line("", "a", BAD), Line("", "b", BAD)], NOW_US) == frozenset()


# -- silence


def test_an_open_microphone_that_carries_only_silence_for_two_minutes_is_mentioned() -> None:
    silent = ways(up={"sound_packets": SILENT, "steps": 26})
    assert codes(silent, microphone=True) == ["silent"]
    assert codes(silent, microphone=False) == ["well"]


def test_who_has_spoken_is_not_silent() -> None:
    up = list(series(FINE, steps=26, sound_packets=SILENT))
    up[5] = replace(up[5], figures=replace(up[5].figures, sound_packets=TALKING))
    assert codes({"up": tuple(up), "down": series(FINE)}, microphone=True) == ["well"]


def test_a_microphone_that_was_opened_a_minute_ago_is_not_silent_yet() -> None:
    assert codes(ways(up={"sound_packets": SILENT, "steps": 12}), microphone=True) == ["well"]


# -- in words


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("code", SEVERITIES)
def test_each_has_words_and_a_remedy_in_both_languages(code: str, language: str) -> None:
    texts = catalogue(language)
    for msgid in (f"diagnosis.{code}", f"diagnosis.{code}.remedy"):
        assert texts.gettext(msgid, site="X") != msgid


def test_the_page_gets_text_remedy_and_the_time() -> None:
    (found,) = told(diagnose(BAD, NOW_US, site="看守所", rough=frozenset({"看守所"})), catalogue("zh-CN").gettext, str)
    assert found["severity"] == "danger"
    assert found["text"].startswith("看守所的全部设备")
    (found,) = told(diagnose(SERIES["loss_up"], NOW_US), catalogue("en").gettext, lambda us: f"at {us}")
    assert found["since"] == f"at {SERIES['loss_up']['up'][0].at_us}"
    assert found["remedy"].startswith("Ask them to go nearer to the router")
