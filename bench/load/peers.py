"""Peers that do ICE and DTLS with aiortc, then hand their socket and SRTP session to the load loop."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aioice.candidate
import aioice.ice
from aioice import stun
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc import rtcdtlstransport as dtls
from aiortc.sdp import SessionDescription, candidate_to_sdp

PROFILES = {"AES-GCM-128": dtls.SRTP_AEAD_AES_128_GCM, "AES-CM": dtls.SRTP_AES128_CM_SHA1_80}
AUDIO_TYPE, VIDEO_TYPE = 111, 96
#: What repairs of pictures come under (RFC 4588), VP8 and H.264.
REPAIR_TYPES = (97, 99)

_certificate = RTCCertificate.generateCertificate()


def use_address(address: str) -> None:
    """Every peer made from now on has this host candidate and no other."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]


class LoadPeer:
    """One peer connection. After :meth:`take` nothing of it runs on the loop any more."""

    def __init__(self, profile: str) -> None:
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [_certificate])
        self._dtls._srtp_profiles = [PROFILES[profile]]
        self.audio_ssrc, self.video_ssrc = secrets.randbits(32), secrets.randbits(32)

    async def publish(self, exchange: Callable[[str], Awaitable[str]]) -> LoadPeer:
        """Offer one audio and one video section to send."""
        lines = await self._transport_lines("actpass")
        sections = _section("audio", "0", AUDIO_TYPE, "sendonly", lines, self.audio_ssrc)
        sections += [*_section("video", "1", VIDEO_TYPE, "sendonly", lines, None), *self.video_lines()]
        answer = await exchange(_description(["0", "1"], sections))
        await self._connect(answer, server="a=setup:active" in answer)
        return self

    def video_lines(self) -> list[str]:
        """Of the camera's section: what it sends."""
        return [f"a=ssrc:{self.video_ssrc} cname:load"]

    async def subscribe(self, offer: str, finish: Callable[[str], Awaitable[None]]) -> LoadPeer:
        """Answer an offer, taking everything."""
        await finish(await self.answer(offer))
        await self._connect(offer, server=False)
        return self

    async def answer(self, offer: str) -> str:
        """The answer to this or a later offer of the same connection."""
        lines = await self._transport_lines("active")
        sections: list[str] = []
        mids = []
        for media in SessionDescription.parse(offer).media:
            mids.append(media.rtp.muxId)
            sections += _section(media.kind, media.rtp.muxId, int(media.rtp.codecs[0].payloadType or 0), "recvonly", lines, None)
        return _description(mids, sections)

    async def _transport_lines(self, setup: str) -> list[str]:
        await self._gatherer.gather()
        parameters = self._gatherer.getLocalParameters()
        fingerprint = next(f for f in _certificate.getFingerprints() if f.algorithm == "sha-256")
        return [
            f"a=ice-ufrag:{parameters.usernameFragment}",
            f"a=ice-pwd:{parameters.password}",
            f"a=fingerprint:sha-256 {fingerprint.value}",
            f"a=setup:{setup}",
            *(f"a=candidate:{candidate_to_sdp(c)}" for c in self._gatherer.getLocalCandidates()),
            "a=end-of-candidates",
        ]

    async def _connect(self, remote: str, server: bool) -> None:
        media = SessionDescription.parse(remote).media[0]
        if media.ice is None or media.dtls is None:
            raise ConnectionError("the description has no transport")
        lite = "a=ice-lite" in remote
        media.ice.iceLite = lite
        self._ice._connection.ice_controlling = lite or "a=setup:actpass" not in remote
        for candidate in media.ice_candidates:
            if candidate.protocol.lower() == "udp" and ":" not in candidate.ip:
                await self._ice.addRemoteCandidate(candidate)
        await self._ice.addRemoteCandidate(None)
        async with asyncio.timeout(30):
            await self._ice.start(media.ice)
            self._dtls._set_role("server" if server else "client")
            await self._dtls.start(media.dtls)
        if self._dtls.state != "connected":
            raise ConnectionError(f"DTLS {self._dtls.state}")

    def take(self) -> tuple[socket.socket, tuple[str, int], Any]:
        """The socket, the engine's address, and the session that protects what is sent."""
        connection = self._ice._connection
        pair = connection._nominated[1]
        original = pair.protocol.transport.get_extra_info("socket")
        asyncio.get_running_loop()._remove_reader(original.fileno())  # type: ignore[attr-defined]
        if connection._query_consent_task is not None:
            connection._query_consent_task.cancel()
        own = socket.socket(fileno=os.dup(original.fileno()))
        own.setblocking(False)
        return own, pair.remote_addr, self._dtls._tx_srtp

    def check(self) -> bytes:
        """A connectivity check (RFC 8445 section 7.2), to be sent from the socket of :meth:`take`."""
        connection = self._ice._connection
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{connection.remote_username}:{connection.local_username}"
        request.attributes["PRIORITY"] = aioice.candidate.candidate_priority(1, "prflx")
        request.attributes["ICE-CONTROLLING" if connection.ice_controlling else "ICE-CONTROLLED"] = connection._tie_breaker
        request.add_message_integrity((connection.remote_password or "").encode())
        return bytes(request)

    async def drop(self) -> None:
        """Let go of what :meth:`take` left on the loop."""
        await self._ice.stop()


def _section(kind: str, mid: str, payload_type: int, direction: str, transport: list[str], ssrc: int | None) -> list[str]:
    if kind == "audio":
        codec = [f"a=rtpmap:{payload_type} opus/48000/2"]
    else:
        feedback = ("nack", "nack pli", "ccm fir")
        codec = [f"a=rtpmap:{payload_type} VP8/90000", *(f"a=rtcp-fb:{payload_type} {f}" for f in feedback)]
    head = [f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_type}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={direction}", "a=rtcp-mux"]
    return [*head, *codec, *([f"a=ssrc:{ssrc} cname:load"] if ssrc is not None else []), *transport]


def _description(mids: list[str], sections: list[str]) -> str:
    head = ["v=0", f"o=- {secrets.randbits(40)} 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
    return "\r\n".join(head + sections) + "\r\n"
