"""The last minutes of each connection as the command centre's page shows them: figures for the plot, and the same in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.console.situation import Words
from rooms.quality import SPAN_US, STEP_US, Sample

Json = dict[str, Any]


def history(found: Mapping[str, Sequence[Sample]], now_us: int, _: Words) -> Json:
    """``{"now_us", "span_us", "step_us", "people": {id: {"samples": [[at_us, lost_percent, rtt_ms, sent_bps]], "text"}}}``."""
    people = {
        person: {"samples": [[s.at_us, s.lost_percent, s.rtt_ms, s.sent_bps] for s in samples], "text": in_words(samples, _)}
        for person, samples in found.items()
        if samples
    }
    return {"now_us": now_us, "span_us": SPAN_US, "step_us": STEP_US, "people": people}


def in_words(samples: Sequence[Sample], _: Words) -> str:
    """What the plot shows, for who does not see it."""
    lost = max(sample.lost_percent for sample in samples)
    parts = [_("Last 10 minutes: at most {lost} % lost", lost=f"{lost:.1f}")]
    rtts = [sample.rtt_ms for sample in samples if sample.rtt_ms is not None]
    sent = [sample.sent_bps for sample in samples if sample.sent_bps is not None]
    if rtts:
        parts.append(_("round trip at most {rtt} ms", rtt=round(max(rtts))))
    if sent:
        parts.append(_("sent {least} to {most} kbit/s", least=round(min(sent) / 1000), most=round(max(sent) / 1000)))
    return _("; ").join(parts)
