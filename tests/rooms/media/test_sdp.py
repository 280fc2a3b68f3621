"""What is read of a browser's description, and what is written for it."""

from __future__ import annotations

import contextlib

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding import sdp
from rooms.media.forwarding.codecs import H264, OPUS, VP8, is_constrained_baseline, offered

OFFER = """\
v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=mid:0
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:63 red/48000/2
a=rtpmap:9 G722/8000
a=ssrc:5 cname:x
m=video 9 UDP/TLS/RTP/SAVPF 45 46 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=mid:1
a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtpmap:45 AV1/90000
a=rtpmap:46 rtx/90000
a=fmtp:46 apt=45
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 6 7
a=ssrc:6 cname:x
a=ssrc:7 cname:x
""".replace("\n", "\r\n")
AUDIO = (sdp.Format.ours(OPUS),)
VIDEO = (sdp.Format.ours(VP8), sdp.Format.ours(H264))
LOCAL = sdp.Local("uf", "pw", "AA:BB", ("127.0.0.1",), 5000, "actpass")


def test_an_offer_of_chromium_is_read() -> None:
    offer = sdp.parse(OFFER)
    assert (offer.ufrag, offer.setup, offer.fingerprints) == ("abcd", "actpass", [("sha-256", "AA:BB")])
    audio, video = offer.sections
    assert audio.choose() == sdp.Format(OPUS, 111, None, OPUS.format)
    assert video.choose() == sdp.Format(VP8, 96, 97, "")
    assert video.fid == [(6, 7)]
    assert video.ssrcs == [6, 7]
    assert video.extmap[sdp.MID_EXTENSION] == 3
    assert audio.sends
    assert not audio.receives


def test_attributes_of_the_session_hold_for_its_sections() -> None:
    lines = OFFER.split("\r\n")
    session = [line for line in lines[6:] if line.startswith(("a=ice", "a=fingerprint", "a=setup"))][:4]
    rest = [line for line in lines[6:] if not line.startswith(("a=ice", "a=fingerprint", "a=setup"))]
    offer = sdp.parse("\r\n".join(lines[:6] + session + rest))
    assert (offer.ufrag, offer.setup, offer.fingerprints) == ("abcd", "actpass", [("sha-256", "AA:BB")])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        OFFER.replace("a=mid:1", "a=mid:0"),
        OFFER.replace("a=mid:1\r\n", ""),
        OFFER.replace("m=audio 9", "m=audio nine"),
        OFFER.replace("sha-256 AA:BB", "sha-256"),
        OFFER.replace("rtpmap:111", "rtpmap:x"),
        OFFER + "a=ssrc:x\r\n",
        "v=0" + " " * sdp.MAX_BYTES,
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(sdp.SdpError):
        sdp.parse(text)


@given(st.integers(0, len(OFFER) - 1), st.characters())
def test_no_changed_character_breaks_the_reading(at: int, character: str) -> None:
    with contextlib.suppress(sdp.SdpError):
        sdp.parse(OFFER[:at] + character + OFFER[at + 1 :])


def test_what_is_written_is_read_by_another_implementation() -> None:
    sections = [
        sdp.Written("audio", "0", "sendonly", AUDIO, stream="ana", track="ana.microphone", ssrc=5, rtx_ssrc=50),
        sdp.Written("video", "1", "sendonly", VIDEO, stream="ana", track="ana.camera", ssrc=6, rtx_ssrc=7),
        sdp.Written("application", "2", profile="UDP/DTLS/SCTP", formats=["webrtc-datachannel"]),
        sdp.Written("video", "3", "inactive", VIDEO),
    ]
    text = sdp.write(LOCAL, sections, 1, 1)
    read = SessionDescription.parse(text)
    assert [m.direction for m in read.media] == ["sendonly", "sendonly", "inactive", "inactive"]
    assert read.group[0].items == ["0", "1", "3"]
    assert all(m.ice is not None and m.ice.iceLite for m in read.media)
    assert [s.ssrc for s in read.media[1].ssrc] == [6, 7]
    assert [s.ssrc for s in read.media[0].ssrc] == [5]
    assert read.media[1].msid == "ana ana.camera"
    assert (read.media[0].ice_candidates[0].ip, read.media[0].ice_candidates[0].port) == ("127.0.0.1", 5000)
    assert read.media[2].port == 0
    assert tuple(sdp.parse(text).sections[1].known()) == VIDEO
    codecs = [(c.mimeType, c.payloadType, c.parameters.get("apt", c.parameters.get("profile-level-id"))) for c in read.media[1].rtp.codecs]
    assert codecs == [("video/VP8", 96, None), ("video/rtx", 97, 96), ("video/H264", 98, "42e01f"), ("video/rtx", 99, 98)]


H264_FIRST = """\
m=video 9 UDP/TLS/RTP/SAVPF 104 102 103 108 109 96
a=mid:1
a=sendonly
a=rtpmap:104 H264/90000
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:102 H264/90000
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:108 h264/90000
a=fmtp:108 packetization-mode=1;profile-level-id=42E034
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
a=rtpmap:96 VP8/90000
a=fmtp:96 max-fs=12288
""".replace("\n", "\r\n")


def test_of_all_the_kinds_of_h264_the_one_that_every_browser_decodes_is_taken() -> None:
    (video,) = sdp.parse("v=0\r\n" + H264_FIRST).sections
    h264, vp8 = video.known()
    assert h264 == sdp.Format(H264, 108, 109, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E034")
    assert vp8 == sdp.Format(VP8, 96, None, ""), "a limit of the offerer is none of ours"


@pytest.mark.parametrize(
    ("profile", "fits"),
    [
        ("42e01f", True),
        ("42C015", True),
        ("4d801f", True),
        ("58c01f", True),
        ("42001f", False),  # baseline: slices in any order, which hardly anybody decodes
        ("4d001f", False),
        ("640c1f", False),
        ("42e0", False),
        ("hello!", False),
    ],
)
def test_constrained_baseline_is_known_in_all_its_spellings(profile: str, fits: bool) -> None:
    """RFC 6184 table 5."""
    assert is_constrained_baseline({"packetization-mode": "1", "profile-level-id": profile}) is fits
    assert not is_constrained_baseline({"profile-level-id": profile})


def test_without_a_profile_it_is_none_of_ours() -> None:
    """RFC 6184 section 8.1: the default is baseline."""
    assert not is_constrained_baseline({"packetization-mode": "1"})


def test_the_codec_that_is_being_sent_is_offered_first() -> None:
    assert offered("video") == offered("video", VP8) == (VP8, H264)
    assert offered("video", H264) == (H264, VP8)
    assert offered("audio", OPUS) == (OPUS,)


SIMULCAST = f"""\
a=extmap:10 {sdp.RID_EXTENSION}
a=rid:q send
a=rid:h send
a=rid:f send
a=simulcast:send q;h;f
""".replace("\n", "\r\n")


def layers(lines: str) -> tuple[str, ...]:
    return sdp.parse(OFFER + lines).sections[1].layers


def test_the_layers_of_a_simulcast_are_read_in_their_order() -> None:
    assert layers(SIMULCAST) == ("q", "h", "f")
    assert layers(SIMULCAST.replace("send q;h;f", "recv x send ~f,q;h")) == ("f", "h")
    assert layers(SIMULCAST.replace("q;h;f", "q;h;f;q;h")) == ("q", "h", "f"), "a rid that is named twice is one layer"


def test_what_is_no_simulcast_that_can_be_told_apart_is_taken_as_one_stream() -> None:
    assert layers("") == ()
    assert layers(SIMULCAST.replace(sdp.RID_EXTENSION, "urn:other")) == ()
    assert layers(SIMULCAST.replace("send q;h;f", "send q;unknown")) == ()
    assert layers(SIMULCAST.replace("rid:h send", "rid:h recv").replace("q;h;f", "q;h")) == ()
    assert layers(SIMULCAST.replace("rid:q", "rid:../q")) == ("h", "f")
    with pytest.raises(sdp.SdpError):
        layers("a=simulcast:send\r\n")


def test_no_more_layers_are_taken_than_there_are_uses_for() -> None:
    more = "".join(f"a=rid:x{i} send\r\n" for i in range(8))
    assert len(layers(SIMULCAST + more + "a=simulcast:send " + ";".join(f"x{i}" for i in range(8)) + "\r\n")) == sdp.MAX_LAYERS


def test_the_answer_receives_the_layers_by_name() -> None:
    section = sdp.Written("video", "1", "recvonly", VIDEO, layers=("q", "h"))
    lines = sdp.write(LOCAL, [section], 1, 1).split("\r\n")
    assert {"a=rid:q recv", "a=rid:h recv", "a=simulcast:recv q;h"} <= set(lines)
    assert "a=rid" not in sdp.write(LOCAL, [sdp.Written("video", "1", "recvonly", VIDEO)], 1, 1)
