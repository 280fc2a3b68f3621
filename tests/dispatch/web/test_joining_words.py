"""What a browser is called, and what a citizen consents to."""

from __future__ import annotations

import pytest

from dispatch.web.notice import notice
from dispatch.web.translations import catalogue
from dispatch.web.user_agent import parse

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
ANDROID = "Mozilla/5.0 (Linux; Android 14; M2102) AppleWebKit/537.36 Version/4.0 Chrome/116.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("header", "words", "supported"),
    [
        (WINDOWS, "Chrome · Windows", True),
        (WINDOWS + " Edg/130.0.0.0", "Edge · Windows", True),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "Safari · macOS", True),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox · Linux", True),
        (ANDROID + " MicroMessenger/8.0.49", "WeChat · Android", False),
        (ANDROID + " DingTalk/7.6", "DingTalk · Android", False),
        (ANDROID + " QQ/9.0.8", "QQ · Android", False),
        ("Mozilla/5.0 (Linux; Android 14; M2102; wv) AppleWebKit/537.36 Chrome/116.0 Safari/537.36", "WebView · Android", False),
        ("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer · Windows", False),
        ("", "Browser", True),
    ],
)
def test_a_browser_is_called_by_its_name_and_embedded_ones_are_turned_away(header: str, words: str, supported: bool) -> None:
    agent = parse(header)
    assert (str(agent), agent.supported) == (words, supported)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_notice_names_purpose_recording_recipients_and_rights(language: str) -> None:
    text = notice(catalogue(language).gettext, "Court", "010-1").text
    assert "Court" in text
    assert "010-1" in text
    assert "REC" in text
    assert len(notice(catalogue(language).gettext, "Court", "010-1").parts) == 6


def test_another_text_has_another_digest() -> None:
    words = catalogue("zh-CN").gettext
    assert notice(words, "甲", "1").sha256 == notice(words, "甲", "1").sha256
    assert notice(words, "甲", "1").sha256 != notice(words, "乙", "1").sha256
