"""What the pages say of a recording is for people: names, not the notation of certificates."""

from __future__ import annotations

import pytest

from dispatch.web.recording_words import names_in


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("CN=Recording seal 2026-11-29,O=京州市云河区人民法院", "Recording seal 2026-11-29 · 京州市云河区人民法院"),
        ("CN=Court\\, first chamber", "Court, first chamber"),
        ("somebody", "somebody"),
        ("", ""),
    ],
)
def test_who_signed_is_said_by_his_names(subject: str, said: str) -> None:
    assert names_in(subject) == said
