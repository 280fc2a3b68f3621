"""What the router may do for a feed, what each sees of it, and when it ends by itself."""

from __future__ import annotations

from dataclasses import replace

from rooms.feeds import feed as feeds
from rooms.feeds.feed import LOST_S, UNWATCHED_S, About, Feed
from rooms.feeds.feeds import id_of
from rooms.media.engine import Source, TrackKey

ABOUT = About(id_of("u-lin"), "u-lin", "林涛", "望河中队", "t-1", "2026-0007", "查看北河沿排污口")
MICROPHONE, CAMERA = TrackKey("phone", Source.MICROPHONE), TrackKey("phone", Source.CAMERA)


def made() -> Feed:
    return feeds.came(Feed(ABOUT, since_us=1, watched_s=100.0, lost_s=100.0), "phone")


def test_only_the_phone_sends_and_only_officers_get_it() -> None:
    feed = feeds.watched(feeds.watched(made(), "wall-1", "梁雨"), "wall-2", "高卫东")
    desired = feeds.routing(feed)
    assert desired.publish == {"phone": {Source.MICROPHONE, Source.CAMERA}, "wall-1": frozenset(), "wall-2": frozenset()}
    assert desired.watch == {"wall-1": {MICROPHONE, CAMERA}, "wall-2": {MICROPHONE, CAMERA}, "phone": frozenset()}
    assert desired.record == frozenset(), "nothing of it is kept"


def test_without_a_phone_nothing_flows() -> None:
    waiting = Feed(ABOUT, since_us=1, watched_s=100.0, lost_s=100.0)
    assert feeds.routing(feeds.watched(waiting, "wall-1", "梁雨")).watch == {"wall-1": frozenset()}
    assert not waiting.connected


def test_what_its_owner_holds_back_passes_no_router_and_a_screen_never_does() -> None:
    quiet = feeds.switched(feeds.watched(made(), "wall-1", "梁雨"), Source.MICROPHONE, False)
    assert feeds.routing(quiet).publish["phone"] == {Source.CAMERA}
    assert feeds.routing(quiet).watch["wall-1"] == {CAMERA}
    assert feeds.switched(quiet, Source.MICROPHONE, True).on == {Source.MICROPHONE, Source.CAMERA}
    assert feeds.switched(quiet, Source.SCREEN, True).on == {Source.CAMERA}


def test_a_phone_that_is_away_keeps_its_place_for_a_minute() -> None:
    feed = feeds.away(feeds.watched(made(), "wall-1", "梁雨"), 200.0)
    assert (feeds.over(feed, 200.0 + LOST_S), feeds.over(feed, 200.1 + LOST_S)) == (None, "lost")
    assert feeds.away(feed, 230.0).lost_s == 200.0, "it is away since the first time"
    assert feeds.routing(feed).publish["phone"], "its media flow on meanwhile"
    assert feeds.over(feeds.came(feed, "phone"), 1000.0) is None


def test_what_nobody_watches_ends() -> None:
    feed = made()
    assert (feeds.over(feed, 100.0 + UNWATCHED_S), feeds.over(feed, 100.1 + UNWATCHED_S)) == (None, "unwatched")
    feed = feeds.watched(feed, "wall-1", "梁雨")
    assert feeds.over(feed, 99_999.0) is None
    feed = feeds.unwatched(feed, "wall-1", 2000.0)
    assert (feeds.over(feed, 2000.0 + UNWATCHED_S), feeds.over(feed, 2000.1 + UNWATCHED_S)) == (None, "unwatched")


def test_who_sends_sees_who_watches_and_an_officer_what_arrives() -> None:
    feed = feeds.watched(made(), "wall-1", "梁雨")
    own = feeds.view(feed, "phone", frozenset(), up=True)
    assert (own.place, own.rights.publish, own.rights.see, own.watchers) == ("inside", True, False, ("梁雨",))
    assert own.participants[0].you
    seen = feeds.view(feed, "wall-1", frozenset({("phone", Source.CAMERA)}), up=True)
    assert (seen.place, seen.rights.see, seen.rights.publish) == ("observing", True, False)
    person = seen.participants[0]
    assert (person.name, person.endpoint, person.presence, person.you) == ("林涛", "phone", "present", False)
    assert [name for name, source in person.sources.items() if source.live] == ["camera"]
    assert (seen.sitting.title, seen.sitting.case_number, seen.sitting.kind) == ("查看北河沿排污口", "2026-0007", "field_feed")
    assert feeds.view(feed, "wall-1", frozenset(), up=False).media == "away"


def test_the_command_centre_lists_it() -> None:
    listed = feeds.overview(feeds.away(made(), 5.0), frozenset())
    assert (listed["name"], listed["team"], listed["task"], listed["number"]) == ("林涛", "望河中队", "t-1", "2026-0007")
    assert (listed["connected"], listed["participants"][0]["presence"]) == (False, "lost")


def test_the_same_person_has_the_same_feed_each_time() -> None:
    assert id_of("u-lin") == id_of("u-lin") != id_of("u-zhao")
    assert replace(ABOUT, task="t-2").id == ABOUT.id
