"""Session descriptions between browsers and Janus: what is refused before Janus sees it, and what is put right on the way. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from rooms.media.engine import Source
from rooms.media.forwarding import sdp
from rooms.media.forwarding.codecs import KIND
from rooms.media.forwarding.sdp import Description, Format, SdpError

_OTHER_FINGERPRINTS = re.compile(r"a=fingerprint:(?!sha-256 )[^\r\n]*\r?\n", re.IGNORECASE)
_HEADS = re.compile(r"^(?=m=)", re.MULTILINE)
_MID = re.compile(r"^a=mid:(\S+)", re.MULTILINE)
_RID = re.compile(r"^a=rid:[^\r\n]*", re.MULTILINE)
_SIMULCAST = re.compile(r"^(a=simulcast:\s*(send|recv) )([^\s]+)", re.MULTILINE)
_SENDS = re.compile(r"^a=(?:sendonly|sendrecv)\r?$", re.MULTILINE)


def published(offer: Description, sources: Mapping[str, Source]) -> dict[str, tuple[Source, Format]]:
    """The tracks of a publish offer by mid; raises SdpError for an offer that the embedded engine would not take either."""
    if not offer.ufrag or not offer.fingerprints:
        raise SdpError("the offer has no ICE user fragment or no fingerprint")
    if not any(algorithm == "sha-256" for algorithm, _ in offer.fingerprints):
        raise SdpError("the offer has no SHA-256 fingerprint")
    if offer.setup not in ("actpass", "active"):
        raise SdpError("the browser has to be able to be the DTLS client")
    if len(set(sources.values())) != len(sources):
        raise SdpError("one source on two sections")
    sections = {section.mid: section for section in offer.sections}
    found: dict[str, tuple[Source, Format]] = {}
    for mid, source in sources.items():
        section = sections.get(mid)
        if section is None or section.kind != KIND[source]:
            raise SdpError(f"mid {mid!r} is no {KIND[source]} section of the offer")
        if section.sends:
            found[mid] = (source, section.chosen())
    return found


def answered(text: str, mids: Collection[str]) -> Description:
    """A browser's answer to an offer of these sections; raises SdpError if Janus cannot use it."""
    answer = sdp.parse(text)
    if [section.mid for section in answer.sections] != list(mids):
        raise SdpError("the answer's sections are not those of the offer")
    if not answer.ufrag or not any(algorithm == "sha-256" for algorithm, _ in answer.fingerprints):
        raise SdpError("the answer has no ICE user fragment or no SHA-256 fingerprint")
    if answer.setup != "active":
        raise SdpError(f"the browser has to be the DTLS client, the answer says setup:{answer.setup or 'nothing'}")
    return answer


def layers(text: str) -> dict[str, tuple[str, ...]]:
    """The simulcast layers (rids, RFC 8853) that each section of an offer sends, in its order, the lowest first; only if several."""
    found = {}
    for section in _sections(text):
        mid, sent = _MID.search(section), _SIMULCAST.search(section)
        rids = tuple(re.findall(r"^a=rid:(\S+) send", section, re.MULTILINE))
        wanted = tuple(rid for rid in (sent[3].split(";") if sent is not None and sent[2] == "send" else ()) if rid in rids)
        if mid is not None and len(wanted) > 1:
            found[mid[1]] = wanted
    return found


def for_janus(text: str) -> str:
    """A browser's description as Janus can read it: with the one fingerprint that it knows, for of several it would take the last
    (RFC 8122 section 5), and with simulcast layers the highest first, for it takes the first for the highest."""
    return turned(_OTHER_FINGERPRINTS.sub("", text))


def turned(text: str) -> str:
    """The same description with the order of simulcast layers turned round, in each section."""
    head, *sections = _HEADS.split(text)
    return "".join([head, *map(_turned, sections)])


def _turned(section: str) -> str:
    rids = iter(reversed(_RID.findall(section)))
    section = _RID.sub(lambda _: next(rids), section)
    return _SIMULCAST.sub(lambda found: found[1] + ";".join(reversed(found[3].split(";"))), section)


def _sections(text: str) -> list[str]:
    return _HEADS.split(text)[1:]


def without_placeholders(offer: str, carried: Collection[str]) -> str:
    """Janus's offer in which every section that carries no track of ours is inactive, so that no browser shows it."""
    head, *sections = _HEADS.split(offer)
    written = [head]
    for section in sections:
        mid = _MID.search(section)
        kept = mid is not None and mid[1] in carried
        written.append(section if kept else _SENDS.sub("a=inactive\r", section))
    return "".join(written)
