"""What a window of the wall is told of a live video from the field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.console.wall.told import told_of_feed
from rooms.feeds import feed as feeds
from rooms.feeds.feed import About, Feed

ABOUT = About("feed-1", "u-lin", "林涛", "望河中队", "t-1", "2026-0007", "查看北河沿排污口", team_en="Wanghe team")


def title(about: About, tag: str) -> str:
    overview = feeds.overview(Feed(about, since_us=1, watched_s=1.0, lost_s=None), frozenset())
    return str(told_of_feed(overview, lambda msgid, **_: msgid, tag)["title"])


@pytest.mark.parametrize(("tag", "said"), [("zh-CN", "林涛 · 望河中队"), ("en", "林涛 · Wanghe team")])
def test_its_team_is_named_in_the_language_of_the_page(tag: str, said: str) -> None:
    assert title(ABOUT, tag) == said


def test_a_team_without_an_english_name_keeps_its_own_and_no_team_is_left_out() -> None:
    assert title(replace(ABOUT, team_en=""), "en") == "林涛 · 望河中队"
    assert title(replace(ABOUT, team="", team_en=""), "en") == "林涛"
