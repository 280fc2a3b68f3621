"""How good a direction of a connection is: good, fair, poor or bad. One rule for pages, console, statistics and metrics. Pure.

A direction is as good as the worse of its sound and its pictures; where nothing gets through it is bad.

**Sound** goes by the transmission rating R of the E-model (ITU-T G.107), simplified for a path of which only loss, delay and jitter
are known, everything else at its default value: ``R = 93.2 - Id - Ie,eff``. The delay impairment ``Id`` of a connection without echo
(clause 7.4) is approximated by ``0.024 d + 0.11 (d - 177.3)``, the second part beyond 177.3 ms, of the delay `d` from mouth to ear; the
effective equipment impairment is that of clause 7.5 for random loss, ``Ie + (95 - Ie) Ppl / (Ppl + Bpl)``. G.113 has no values for
Opus; taken are ``Ie = 0`` and ``Bpl = 25.1``, those of G.711 with concealment of losses (G.113 Appendix I), which is an assumption: Opus
conceals losses too, and has in-band FEC. The limits are the categories of ITU-T G.109: from 80 users are satisfied, from 70 some are
not, from 60 many are not, below nearly all are not.

**Pictures** go by the share of the time in which they stand still, by the frame rate, and by their size against what the page shows.
Twelve frames a second are what lip-reading still needs (ITU-T H-series Supplement 1, GB/T 28513-2012, EN 301 549 clause 6.5.1).
A small picture in a small tile is no fault of the path: size counts where less comes than is wanted, and then 144 lines (QCIF, the
least of the same sources) divide fair from poor.
"""

from __future__ import annotations

from rooms.figures import STEP_US, Figures, Score, worst

BEST_R = 93.2
LOSS_ROBUSTNESS = 25.1
DEVICES_MS = 40.0
"""Of the delay from mouth to ear: a packet of 20 ms of speech, and as much in the sound devices of both ends."""
JITTER_BUFFER = 2.0
"""A jitter buffer waits for about so many times the jitter."""
SOUND_LIMITS = ((80.0, Score.GOOD), (70.0, Score.FAIR), (60.0, Score.POOR))
FROZEN_LIMITS = ((0.01, Score.GOOD), (0.05, Score.FAIR), (0.20, Score.POOR))
"""Share of the time."""
FRAME_LIMITS = ((12.0, Score.GOOD), (8.0, Score.FAIR), (4.0, Score.POOR))
LEAST_LINES = 144


def score(figures: Figures) -> Score | None:
    """How good the direction is; None while nothing is known of it."""
    if figures.carries is False:
        return Score.BAD
    return worst(_sound(figures), _pictures(figures))


def rating(lost_percent: float, rtt_ms: float, jitter_ms: float) -> float:
    """The R of sound: 93.2 without any loss or delay, 0 at worst."""
    delay_ms = rtt_ms / 2 + JITTER_BUFFER * jitter_ms + DEVICES_MS
    delay = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    return max(0.0, BEST_R - delay - 95.0 * lost_percent / (lost_percent + LOSS_ROBUSTNESS))


def _sound(figures: Figures) -> Score | None:
    lost = figures.lost_percent if figures.sound_lost_percent is None else figures.sound_lost_percent
    if lost is None and figures.rtt_ms is None:
        return None
    found = rating(lost or 0.0, figures.rtt_ms or 0.0, figures.jitter_ms or 0.0)
    return next((each for limit, each in SOUND_LIMITS if found >= limit), Score.BAD)


def _pictures(figures: Figures) -> Score | None:
    frozen = figures.frozen_ms * 1000 / STEP_US
    still = next((each for limit, each in FROZEN_LIMITS if frozen <= limit), Score.BAD) if frozen else None
    rate = figures.frames_per_s
    moving = next((each for limit, each in FRAME_LIMITS if rate >= limit), Score.BAD) if rate is not None else None
    return worst(still, moving, _size(figures))


def _size(figures: Figures) -> Score | None:
    match figures.pictures:
        case "audio":
            return Score.POOR
        case "smaller" | "slower":
            return Score.FAIR if figures.height >= LEAST_LINES or figures.height == 0 else Score.POOR
        case _:
            return None
