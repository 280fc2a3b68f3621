"""Descriptions on their way to Janus and back."""

from __future__ import annotations

import pytest

from rooms.media.engine import Source
from rooms.media.forwarding import sdp
from rooms.media.janus.descriptions import answered, for_janus, layers, published, turned, without_placeholders

HEAD = "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
TRANSPORT = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef012345\r\na=fingerprint:sha-256 AA:BB\r\na=fingerprint:sha-512 CC:DD\r\n"


def description(setup: str = "actpass", direction: str = "sendonly", codec: str = "VP8/90000") -> str:
    sound = f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na={direction}\r\na=rtpmap:111 opus/48000/2\r\n"
    picture = f"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na={direction}\r\na=rtpmap:96 {codec}\r\n"
    return HEAD + "".join(section + TRANSPORT + f"a=setup:{setup}\r\n" for section in (sound, picture))


BOTH = {"0": Source.MICROPHONE, "1": Source.CAMERA}


def test_a_publish_offer_names_its_tracks_by_mid() -> None:
    found = published(sdp.parse(description()), BOTH)
    assert {mid: (source, described.codec.name) for mid, (source, described) in found.items()} == {
        "0": (Source.MICROPHONE, "opus"),
        "1": (Source.CAMERA, "VP8"),
    }
    assert published(sdp.parse(description(direction="inactive")), BOTH) == {}


@pytest.mark.parametrize(
    ("text", "sources", "code"),
    [
        (description(setup="passive"), BOTH, "bad_sdp"),
        (description().replace("sha-256", "sha-1"), BOTH, "bad_sdp"),
        (description().replace("a=ice-ufrag:abcd\r\n", ""), BOTH, "bad_sdp"),
        (description(codec="VP9/90000"), BOTH, "unsupported_codec"),
        (description(), {"0": Source.CAMERA}, "bad_sdp"),
        (description(), {"2": Source.CAMERA}, "bad_sdp"),
        (description(), {"0": Source.MICROPHONE, "1": Source.MICROPHONE}, "bad_sdp"),
    ],
)
def test_what_janus_could_not_use_is_refused_before_it_sees_it(text: str, sources: dict[str, Source], code: str) -> None:
    with pytest.raises(sdp.SdpError) as refused:
        published(sdp.parse(text), sources)
    assert refused.value.code == code


def test_janus_is_shown_one_fingerprint() -> None:
    assert for_janus(description()).count("a=fingerprint:") == 2
    assert "sha-512" not in for_janus(description())
    assert len(sdp.parse(for_janus(description())).sections) == 2


def test_an_answer_has_to_fit_the_offer() -> None:
    assert answered(description("active", "recvonly"), ("0", "1")).sections[1].receives
    for text in (description("passive"), description("active").replace("a=ice-ufrag", "a=x"), "no description"):
        with pytest.raises(sdp.SdpError):
            answered(text, ("0", "1"))
    with pytest.raises(sdp.SdpError, match="sections"):
        answered(description("active"), ("1", "0"))


def test_sections_that_carry_no_track_are_inactive() -> None:
    sections = sdp.parse(without_placeholders(description(), {"1"})).sections
    assert [section.direction for section in sections] == ["inactive", "sendonly"]
    assert without_placeholders(description(), {"0", "1"}) == description()


SIMULCAST = "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"


def test_janus_is_shown_the_highest_layer_first_and_the_browser_its_own_order() -> None:
    offer = description() + SIMULCAST
    assert layers(offer) == {"1": ("q", "h", "f")}
    shown = for_janus(offer)
    assert shown.endswith("a=rid:f send\r\na=rid:h send\r\na=rid:q send\r\na=simulcast:send f;h;q\r\n")
    assert turned(turned(offer)) == offer
    assert turned(description()) == description()


@pytest.mark.parametrize(
    "lines", ["a=rid:q send\r\n", "a=simulcast:send q;h\r\n", "a=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv q;h\r\n"]
)
def test_what_is_no_simulcast_has_no_layers(lines: str) -> None:
    assert layers(description() + lines) == {}
