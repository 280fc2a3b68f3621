"""What the pages say of a recording is for people: names, not the notation of certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.store.archive_tables import Recording
from dispatch.web import verification
from dispatch.web.recording_words import names_in
from dispatch.web.translations import catalogue
from rooms.verification.report import Report
from rooms.verification.signature import Signed
from rooms.verification.stamp import Stamped
from tests.dispatch.web.conftest import NOW


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


def test_a_verification_says_who_vouches_for_it_by_his_names() -> None:
    signed = Signed("good", by="CN=Recording seal,O=京州市云河区人民法院", issuer="CN=Local authority")
    report = Report(Path("x"), signature=signed, stamp=Stamped("good", at="2026-11-30T03:00:00+00:00", by="CN=Stamps,O=授时中心"))
    shown = verification.as_json(Recording(), False, verification.Verdict(report, NOW), catalogue("en"), lambda at: f"{at:%H:%M}")
    assert [check["text"] for check in shown["checks"][-2:]] == [
        "Signed by Recording seal · 京州市云河区人民法院; certificate of Local authority, good at the time",
        "Time-stamped 03:00 by Stamps · 授时中心",
    ]
