"""What is remembered of each connection: one sample for each step, ten minutes of it, and nothing more."""

from __future__ import annotations

from rooms.quality import SPAN_US, STEP_US, QualityHistory, Sample

NOW_US = 1_795_500_000_000_000
SECOND_US = 1_000_000


def figures(lost: float, rtt: float, sent: float) -> dict[str, float]:
    return {"lost_percent": lost, "rtt_ms": rtt, "sent_bps": sent}


def test_a_step_keeps_its_worst_loss_and_delay_and_what_was_sent_last() -> None:
    history = QualityHistory()
    for second, (lost, rtt, sent) in enumerate([(0.0, 20.0, 900e3), (7.5, 180.0, 300e3), (0.0, 25.0, 800e3)]):
        history.take({"e": figures(lost, rtt, sent)}, {"e": ("li",)}, NOW_US + second * SECOND_US)
    assert history.of(NOW_US + 3 * SECOND_US) == {"li": (Sample(NOW_US, 7.5, 180.0, 800e3),)}


def test_everybody_at_one_device_has_its_figures_and_keeps_them_at_another() -> None:
    history = QualityHistory()
    history.take({"room": figures(1.0, 30.0, 1e6)}, {"room": ("li", "wang")}, NOW_US)
    history.take({"own": figures(2.0, 40.0, 5e5)}, {"own": ("li",)}, NOW_US + STEP_US)
    found = history.of(NOW_US + STEP_US)
    assert [sample.lost_percent for sample in found["li"]] == [1.0, 2.0]
    assert [sample.lost_percent for sample in found["wang"]] == [1.0]


def test_what_is_older_than_ten_minutes_is_forgotten_and_memory_stays_bounded() -> None:
    history = QualityHistory()
    for step in range(1000):
        history.take({"e": figures(float(step), 1.0, 1.0)}, {"e": ("li",)}, NOW_US + step * STEP_US)
    last_us = NOW_US + 999 * STEP_US
    samples = history.of(last_us)["li"]
    assert len(samples) == SPAN_US // STEP_US
    assert samples[-1].lost_percent == 999
    assert history.of(last_us + SPAN_US) == {}


def test_who_was_not_measured_has_no_samples_and_a_missing_figure_stays_missing() -> None:
    history = QualityHistory()
    history.take({"e": {"lost_percent": 0.0}}, {"e": ("li",), "other": ("wang",)}, NOW_US)
    history.take({"e": figures(0.0, 50.0, 1e5)}, {"e": ("li",)}, NOW_US + SECOND_US)
    history.take({"e": {"lost_percent": 0.0}}, {"e": ("li",)}, NOW_US + STEP_US)
    assert history.of(NOW_US + STEP_US) == {"li": (Sample(NOW_US, 0.0, 50.0, 1e5), Sample(NOW_US + STEP_US, 0.0, None, None))}
