"""The codecs that are forwarded, as data. Another one is another row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rooms.media.engine import Source
from rooms.recording import h264

from . import vp8
from .packets import payload_end

AS_OFFERED = ("profile-level-id", "level-asymmetry-allowed")


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec and what is agreed about it.

    `payload_type` and `rtx_payload_type` are those of our own offers; a publisher keeps the browser's. `feedback` is
    what we offer and accept (RFC 4585). `starts_key_frame` looks at a payload; audio has no key frames. `fits` looks at
    the format parameters (fmtp) under which somebody else offers the codec. `picture_size` is told by some payloads of a key
    frame: width and height. `red_payload_type`: of our offers, where it may come with redundancy (RFC 2198).
    """

    name: str
    kind: str
    clock_hz: int
    channels: int
    payload_type: int
    rtx_payload_type: int | None
    format: str
    feedback: tuple[str, ...]
    starts_key_frame: Callable[[bytes, int], bool] | None
    fits: Callable[[Mapping[str, str]], bool] = lambda _: True
    picture_size: Callable[[bytes, int], tuple[int, int] | None] | None = None
    red_payload_type: int | None = None

    @property
    def rtpmap(self) -> str:
        return f"{self.name}/{self.clock_hz}" + (f"/{self.channels}" if self.channels > 1 else "")

    def answered(self, offered: Mapping[str, str]) -> str:
        """The format parameters of our answer: ours, with profile and level as they were offered (RFC 6184 section 8.2.2)."""
        ours = dict(part.split("=") for part in self.format.split(";") if part)
        return ";".join(f"{name}={offered.get(name, value) if name in AS_OFFERED else value}" for name, value in ours.items())


def vp8_starts_key_frame(packet: bytes, at: int) -> bool:
    """True if the payload at `at` begins a VP8 key frame (RFC 7741 sections 4.2 and 4.3)."""
    try:
        first = packet[at]
        if not first & 0x10 or first & 0x07:
            return False
        at += 1
        if first & 0x80:
            flags = packet[at]
            at += 1
            if flags & 0x80:
                at += 2 if packet[at] & 0x80 else 1
            at += 1 if flags & 0x40 else 0
            at += 1 if flags & 0x30 else 0
        return not packet[at] & 0x01
    except IndexError:
        return False


#: NAL unit types (RFC 6184 table 1): an IDR slice, a sequence parameter set, aggregates and fragments.
IDR, SPS, STAP_A, FU_A = 5, 7, 24, 28


def h264_starts_key_frame(packet: bytes, at: int) -> bool:
    """True if the payload at `at` begins or holds an IDR slice or a sequence parameter set (RFC 6184 sections 5.6 to 5.8).

    Several packets of one key frame may say so; the first in its time is where it begins.
    """
    try:
        kind = packet[at] & 0x1F
        if kind == STAP_A:
            return any(k in (IDR, SPS) for k in _aggregated(packet, at + 1))
        if kind == FU_A:
            return packet[at + 1] & 0x80 != 0 and packet[at + 1] & 0x1F in (IDR, SPS)
    except IndexError:
        return False
    return kind in (IDR, SPS)


def _aggregated(packet: bytes, at: int) -> Iterator[int]:
    """Types of the units in a STAP-A."""
    while at + 2 < len(packet):
        yield packet[at + 2] & 0x1F
        at += 2 + (packet[at] << 8 | packet[at + 1])


def h264_picture_size(packet: bytes, at: int) -> tuple[int, int] | None:
    """Width and height, if the payload at `at` holds a sequence parameter set."""
    try:
        for unit in h264.units_of(packet[at : payload_end(packet)]):
            if unit[0] & 0x1F == SPS:
                return h264.picture_size(unit)
    except (ValueError, IndexError):
        pass
    return None


#: profile_idc, and what profile_iop is under a mask: the three ways to write constrained baseline.
CONSTRAINED = ((0x42, 0x4F, 0x40), (0x4D, 0x8F, 0x80), (0x58, 0xCF, 0xC0))


def is_constrained_baseline(parameters: Mapping[str, str]) -> bool:
    """H.264 as RFC 7742 section 6.2 has every browser speak it: constrained baseline (RFC 6184 table 5), packetization mode 1."""
    try:
        profile = bytes.fromhex(parameters.get("profile-level-id", "42000a"))
    except ValueError:
        return False
    if len(profile) != 3 or parameters.get("packetization-mode", "0") != "1":
        return False
    return any(profile[0] == idc and profile[1] & mask == bits for idc, mask, bits in CONSTRAINED)


VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
CONSTRAINED_BASELINE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"

#: What asks a sender of Opus for discontinuous transmission (RFC 7587 section 6.1).
DTX = "usedtx=1"

OPUS = Codec("opus", "audio", 48_000, 2, 111, None, "minptime=10;useinbandfec=1", ("nack",), None, red_payload_type=63)
VP8 = Codec("VP8", "video", 90_000, 1, 96, 97, "", VIDEO_FEEDBACK, vp8_starts_key_frame, picture_size=vp8.picture_size)
H264 = Codec(
    "H264", "video", 90_000, 1, 98, 99, CONSTRAINED_BASELINE, VIDEO_FEEDBACK, h264_starts_key_frame, is_constrained_baseline,
    h264_picture_size,
)  # fmt: skip

CODECS = (OPUS, VP8, H264)
KIND = {Source.MICROPHONE: "audio", Source.CAMERA: "video", Source.SCREEN: "video"}


def codec_for(name: str, kind: str, parameters: Mapping[str, str]) -> Codec | None:
    """The row for an rtpmap name (which ignores case, RFC 8866 section 6.6) with these format parameters."""
    return next((c for c in CODECS if c.name.lower() == name.lower() and c.kind == kind and c.fits(parameters)), None)


def offered(kind: str, first: Codec | None = None) -> tuple[Codec, ...]:
    """The codecs of our own offers, `first` before the others: some browsers answer with the first they know alone."""
    return tuple(sorted((c for c in CODECS if c.kind == kind), key=lambda c: c is not first))
