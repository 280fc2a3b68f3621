"""SDP as browsers and this engine exchange it (RFC 8866, RFC 8829). Pure; raises :class:`SdpError` on what it cannot take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .address import candidates
from .codecs import Codec, codec_for

MAX_BYTES = 200_000
MAX_SECTIONS = 256
MID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:mid"
LEVEL_EXTENSION = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
RID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
#: Layers of one track (RFC 8853) that are taken; what a browser offers beyond them is not answered.
MAX_LAYERS = 3
RID = re.compile(r"[A-Za-z0-9_-]{1,32}")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


class SdpError(ValueError):
    """A description that cannot be taken. `code` is that of EngineError."""

    def __init__(self, message: str, code: str = "bad_sdp") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Format:
    """A codec under its payload types in one section; `parameters` is our fmtp for it (RFC 8866 section 6.15).

    `red_payload_type`: of the same with redundancy (RFC 2198), which is sent rather than it if it stands first.
    """

    codec: Codec
    payload_type: int
    rtx_payload_type: int | None
    parameters: str
    red_payload_type: int | None = None
    red_first: bool = field(default=False, compare=False)

    @classmethod
    def ours(cls, codec: Codec, *, red: bool = True) -> Format:
        """As in our own offers, with redundancy or without."""
        return cls(codec, codec.payload_type, codec.rtx_payload_type, codec.format, codec.red_payload_type if red else None)


@dataclass(slots=True)
class Section:
    """One m= section as it was received."""

    kind: str
    port: int
    profile: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    ufrag: str = ""
    password: str = ""
    setup: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    rtpmap: dict[int, str] = field(default_factory=dict)
    fmtp: dict[int, str] = field(default_factory=dict)
    extmap: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    fid: list[tuple[int, int]] = field(default_factory=list)
    rtcp_mux: bool = False
    rids: list[str] = field(default_factory=list)
    simulcast: list[str] = field(default_factory=list)

    @property
    def layers(self) -> tuple[str, ...]:
        """The rids of the layers it sends (RFC 8853), in its order, which is the lowest first; empty if it is no simulcast."""
        layers = tuple(rid for rid in self.simulcast if rid in self.rids)[:MAX_LAYERS]
        return layers if len(layers) > 1 and RID_EXTENSION in self.extmap else ()

    @property
    def sends(self) -> bool:
        return self.port != 0 and self.direction in ("sendonly", "sendrecv")

    @property
    def receives(self) -> bool:
        return self.port != 0 and self.direction in ("recvonly", "sendrecv")

    def known(self) -> Iterator[Format]:
        """The codecs of ours in the section, in its own order of preference."""
        for text in self.formats:
            number = int(text) if text.isdigit() else -1
            parameters = self._parameters(number)
            codec = codec_for(self.rtpmap.get(number, "").split("/")[0], self.kind, parameters)
            if codec is not None:
                red = self._red_of(number, codec)
                first = red is not None and self.formats.index(str(red)) < self.formats.index(text)
                yield Format(codec, number, self._rtx_of(number), codec.answered(parameters), red, first)

    def choose(self) -> Format | None:
        """The first codec of ours in the section."""
        return next(self.known(), None)

    def chosen(self) -> Format:
        """The same, where there has to be one."""
        chosen = self.choose()
        if chosen is None:
            raise SdpError(f"no codec in section {self.mid!r} is known here", "unsupported_codec")
        return chosen

    def _rtx_of(self, payload_type: int) -> int | None:
        for number, name in self.rtpmap.items():
            if name.split("/")[0].lower() == "rtx" and self._parameters(number).get("apt") == str(payload_type):
                return number
        return None

    def _red_of(self, payload_type: int, codec: Codec) -> int | None:
        """Redundancy of this codec and no other: its fmtp names the codec of each block (RFC 2198 section 5)."""
        if codec.red_payload_type is None:
            return None
        for number, name in self.rtpmap.items():
            named = set(self.fmtp.get(number, "").strip().split("/"))
            if name.lower() == f"red/{codec.clock_hz}/{codec.channels}" and named == {str(payload_type)} and str(number) in self.formats:
                return number
        return None

    def _parameters(self, payload_type: int) -> dict[str, str]:
        return dict(p.strip().partition("=")[::2] for p in self.fmtp.get(payload_type, "").split(";"))


@dataclass(slots=True)
class Description:
    """A parsed description. Transport attributes are those of the first section that carries any (BUNDLE, RFC 9143).

    `session_id` is that of the o= line (RFC 8866 section 5.2), "" if there is none.
    """

    sections: list[Section]
    bundle: list[str]
    ufrag: str
    password: str
    setup: str
    fingerprints: list[tuple[str, str]]
    session_id: str = ""


def parse(text: str) -> Description:
    """Parse an offer or answer of a browser."""
    if len(text) > MAX_BYTES:
        raise SdpError(f"description is longer than {MAX_BYTES} characters")
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[0].startswith("v=0"):
        raise SdpError("description does not begin with v=0")
    session = Section("", 9, "", [])
    sections: list[Section] = []
    bundle: list[str] = []
    session_id = ""
    for line in lines[1:]:
        try:
            if line.startswith("o="):
                session_id = line.split()[1]
            elif line.startswith("m="):
                sections.append(_section(line, session))
            elif line.startswith("a=group:BUNDLE"):
                bundle = line.split()[1:]
            elif line.startswith("a="):
                _attribute(sections[-1] if sections else session, *line[2:].partition(":")[::2])
        except (ValueError, IndexError):
            raise SdpError(f"cannot read {line[:100]!r}") from None
    if len(sections) > MAX_SECTIONS:
        raise SdpError(f"more than {MAX_SECTIONS} sections")
    mids = [s.mid for s in sections]
    if len(set(mids)) != len(mids) or not all(mids):
        raise SdpError("each section needs a mid of its own")
    first = next((s for s in sections if s.ufrag and s.fingerprints), session)
    return Description(sections, bundle, first.ufrag, first.password, first.setup, first.fingerprints, session_id)


def _section(line: str, session: Section) -> Section:
    kind, port, profile, *formats = line[2:].split()
    section = Section(kind, int(port.split("/")[0]), profile, formats, fingerprints=list(session.fingerprints))
    section.ufrag, section.password = session.ufrag, session.password
    section.setup, section.direction = session.setup, session.direction
    return section


def _attribute(section: Section, name: str, value: str) -> None:
    if name in DIRECTIONS:
        section.direction = name
    elif name == "mid":
        section.mid = value.strip()
    elif name == "ice-ufrag":
        section.ufrag = value.strip()
    elif name == "ice-pwd":
        section.password = value.strip()
    elif name == "setup":
        section.setup = value.strip()
    elif name == "fingerprint":
        algorithm, digest = value.split()
        section.fingerprints.append((algorithm.lower(), digest))
    elif name == "rtcp-mux":
        section.rtcp_mux = True
    elif name == "rtpmap":
        number, mapping = value.split(maxsplit=1)
        section.rtpmap[int(number)] = mapping
    elif name == "fmtp":
        number, parameters = value.split(maxsplit=1)
        section.fmtp[int(number)] = parameters
    elif name == "extmap":
        number, uri = value.split()[:2]
        section.extmap[uri] = int(number.split("/")[0])
    elif name == "ssrc":
        ssrc = int(value.split()[0])
        if ssrc not in section.ssrcs:
            section.ssrcs.append(ssrc)
    elif name == "rid":
        rid, direction = value.split()[:2]
        if direction == "send" and RID.fullmatch(rid) and rid not in section.rids:
            section.rids.append(rid)
    elif name == "simulcast":
        section.simulcast = _simulcast(value.split())
    elif name == "ssrc-group" and value.startswith("FID "):
        media, rtx = value.split()[1:3]
        section.fid.append((int(media), int(rtx)))


def _simulcast(words: list[str]) -> list[str]:
    """The streams of the "send" part: of alternatives the first, whether it begins paused or not (RFC 8853 section 5.1)."""
    if "send" not in words:
        return []
    streams = words[words.index("send") + 1].split(";")
    return list(dict.fromkeys(stream.split(",")[0].removeprefix("~") for stream in streams))


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of a transport."""

    ufrag: str
    password: str
    fingerprint: str
    addresses: tuple[str, ...]
    port: int
    setup: str

    def lines(self) -> list[str]:
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.password}",
            f"a=fingerprint:sha-256 {self.fingerprint}",
            f"a=setup:{self.setup}",
            *candidates(self.addresses, self.port),
            "a=end-of-candidates",
        ]


@dataclass(slots=True)
class Written:
    """One m= section to be written. Without `codecs` it is a rejected section (port 0) of the `formats` offered.

    `layers`: the rids that we take of a simulcast.
    """

    kind: str
    mid: str
    direction: str = "inactive"
    codecs: tuple[Format, ...] = ()
    extmap: dict[str, int] = field(default_factory=dict)
    stream: str = ""
    track: str = ""
    ssrc: int | None = None
    rtx_ssrc: int | None = None
    profile: str = "UDP/TLS/RTP/SAVPF"
    formats: list[str] = field(default_factory=list)
    layers: tuple[str, ...] = ()


def write(local: Local, sections: list[Written], session_id: int, version: int) -> str:
    """A complete offer or answer with one ICE-lite transport under all sections."""
    bundled = " ".join(s.mid for s in sections if s.codecs)
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=msid-semantic:WMS *",
    ]
    if bundled:
        lines.insert(4, f"a=group:BUNDLE {bundled}")
    for section in sections:
        lines += _section_lines(local, section)
    return "\r\n".join(lines) + "\r\n"


def _section_lines(local: Local, section: Written) -> list[str]:
    if not section.codecs:
        head = f"m={section.kind} 0 {section.profile} {' '.join(section.formats)}"
        return [head, "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", "a=inactive"]
    types = [n for f in section.codecs for n in _types(f) if n is not None]
    return [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *local.lines(),
        f"a=mid:{section.mid}",
        f"a={section.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=extmap:{number} {uri}" for uri, number in section.extmap.items()),
        *(line for codec in section.codecs for line in _format_lines(codec)),
        *_source_lines(section),
        *_layer_lines(section),
    ]


def _types(described: Format) -> tuple[int | None, ...]:
    """Payload types in order of preference."""
    red = described.red_payload_type
    return (red, described.payload_type) if described.red_first else (described.payload_type, described.rtx_payload_type, red)


def _layer_lines(section: Written) -> list[str]:
    if not section.layers:
        return []
    return [*(f"a=rid:{rid} recv" for rid in section.layers), f"a=simulcast:recv {';'.join(section.layers)}"]


def _format_lines(described: Format) -> Iterator[str]:
    codec, number, rtx = described.codec, described.payload_type, described.rtx_payload_type
    yield f"a=rtpmap:{number} {codec.rtpmap}"
    yield from (f"a=rtcp-fb:{number} {feedback}" for feedback in codec.feedback)
    if described.parameters:
        yield f"a=fmtp:{number} {described.parameters}"
    if rtx is not None:
        yield f"a=rtpmap:{rtx} rtx/{codec.clock_hz}"
        yield f"a=fmtp:{rtx} apt={number}"
    red = described.red_payload_type
    if red is not None:
        yield f"a=rtpmap:{red} red/{codec.clock_hz}/{codec.channels}"
        yield f"a=fmtp:{red} {number}/{number}"


def _source_lines(section: Written) -> list[str]:
    if section.ssrc is None:
        return []
    lines = [f"a=msid:{section.stream} {section.track}"]
    ssrcs = [section.ssrc]
    if section.rtx_ssrc is not None and any(f.rtx_payload_type is not None for f in section.codecs):
        ssrcs.append(section.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}")
    return lines + [f"a=ssrc:{ssrc} cname:{section.stream}" for ssrc in ssrcs]
