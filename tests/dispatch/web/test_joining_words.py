"""What a browser is called, and what a citizen consents to."""

from __future__ import annotations

import re

import pytest

from dispatch.sittings.nouns import nouns
from dispatch.web.notice import Notice, notice
from dispatch.web.translations import LANGUAGES, catalogue
from dispatch.web.user_agent import parse
from rooms.procedure import PROCEDURES

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


def told(kind: str, language: str, court: str = "Court", phone: str = "010-1") -> Notice:
    """The notice of a kind that comes with the program."""
    return notice(catalogue(language).gettext, language, PROCEDURES[kind], court, phone)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", PROCEDURES)
def test_the_notice_names_purpose_recording_recipients_and_rights(kind: str, language: str) -> None:
    found = told(kind, language)
    assert [len(paragraphs) > 0 for _, paragraphs in found.parts] == [True] * 6
    assert "Court" in found.text
    assert "010-1" in found.text
    assert "REC" in found.text
    assert found.agree in found.text
    assert not re.search(r"notice\.text|noun\.|[{}]", found.text)  # nothing is left unsaid


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", PROCEDURES)
def test_the_notice_says_what_the_procedure_does(kind: str, language: str) -> None:
    procedure, text, words = PROCEDURES[kind], told(kind, language).text, catalogue(language).gettext
    noun = nouns(words, kind)
    stages = procedure.stages.values()
    assert (words("notice.text.recorded", **noun) in text) == any(stage.recorded for stage in stages)
    assert (words("notice.text.stops", **noun) in text) == procedure.stops_without_recording
    assert (words("notice.text.watched") in text) == any(stage.observable for stage in stages if stage.status == "live")
    assert (words("notice.text.broadcast") in text) == any(stage.broadcast for stage in stages)
    assert (words("notice.text.voluntary", **noun) in text) == bool(procedure.consents)
    for stage in stages:
        if stage.private and not stage.recorded:
            assert text.count(f"“{stage.names[language]}”") == 2  # neither recorded nor open to others


def test_only_a_court_speaks_of_a_court() -> None:
    for kind in set(PROCEDURES) - {"remote_court"}:
        assert "庭" not in told(kind, "zh-CN", court="某某区人民检察院").text.replace("出庭", "")


def test_another_text_has_another_digest() -> None:
    one, other = told("remote_court", "zh-CN", court="甲"), told("remote_court", "zh-CN", court="乙")
    assert one.sha256 == told("remote_court", "zh-CN", court="甲").sha256
    assert len({one.sha256, other.sha256, *(told(kind, "zh-CN", court="甲").sha256 for kind in PROCEDURES)}) == len(PROCEDURES) + 1
