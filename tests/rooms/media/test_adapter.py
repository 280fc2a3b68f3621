"""The contract with aiortc's and pylibsrtp's private parts: fails when one of them moves."""

from __future__ import annotations

import asyncio
import ctypes
from typing import cast

import pytest
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import SRTPProtectionProfile

from rooms.media.forwarding import adapter
from rooms.media.forwarding.address import readable
from rooms.media.forwarding.inbox import Inbox
from rooms.media.forwarding.native.image import load
from rooms.media.forwarding.outbox import Outbox
from rooms.media.forwarding.port import bind
from rooms.media.forwarding.protection import Protection, protected
from rooms.media.forwarding.unprotection import Unprotection, opened, works

RTP = bytes((0x80, 96, 0, 7)) + bytes(4) + bytes((0, 0, 0, 42)) + b"picture" * 20
RTCP = bytes((0x81, 206, 0, 2)) + bytes(8)


class Wire:
    """The client's side of an association in memory."""

    role = "controlling"

    def __init__(self) -> None:
        self.towards_client: asyncio.Queue[bytes] = asyncio.Queue()
        self.server: adapter.Dtls | None = None

    async def _recv(self) -> bytes:
        return await self.towards_client.get()

    async def _send(self, data: bytes) -> None:
        assert self.server is not None
        self.server.receive(data)


Association = tuple[adapter.Dtls, RTCDtlsTransport, asyncio.Event]


async def associate(profiles: list[SRTPProtectionProfile] | None = None, lie: bool = False) -> Association:
    """A server of ours and a client of aiortc, connected."""
    wire = Wire()
    certificate, theirs = adapter.Certificate(), RTCCertificate.generateCertificate()
    wire.server = adapter.Dtls(certificate, wire.towards_client.put_nowait)
    client = RTCDtlsTransport(wire, [theirs])  # type: ignore[arg-type]
    client._set_role("client")
    if profiles is not None:
        client._srtp_profiles = profiles
    closed = asyncio.Event()
    fingerprints = [(f.algorithm, f.value) for f in theirs.getFingerprints()]
    if lie:
        fingerprints = [("sha-256", ":".join(["00"] * 32))]
    parameters = RTCDtlsParameters([RTCDtlsFingerprint("sha-256", certificate.fingerprint)])
    async with asyncio.timeout(20):
        await asyncio.gather(wire.server.handshake(fingerprints, closed.set), client.start(parameters))
    return wire.server, client, closed


@pytest.mark.parametrize("profile", adapter.PROFILES, ids=lambda p: p.openssl_profile.decode())
async def test_the_peer_reads_what_is_protected_by_the_keys_of_the_association(profile: SRTPProtectionProfile) -> None:
    server, client, _ = await associate([profile])
    assert server.profile == profile.openssl_profile.decode()
    for own in (True, False):
        name, key = server.outgoing()
        packet = RTP[:3] + bytes((RTP[3] + own,)) + RTP[4:]
        assert client._rx_srtp.unprotect(protected(Protection(name, key, own), packet)) == packet
        assert opened(Unprotection(*server.incoming(), own), client._tx_srtp.protect(packet)) == packet
    buffer, length = adapter.new_buffer(adapter.SLOT), adapter.new_length()
    view = adapter.buffer_view(buffer)
    view[: len(RTCP)] = RTCP
    length[0] = len(RTCP)
    assert adapter.protect_rtcp(server.outbound, buffer, length) == adapter.OK
    assert len(RTCP) < length[0] <= len(RTCP) + adapter.TRAILER
    assert client._rx_srtp.unprotect_rtcp(bytes(view[: length[0]])) == RTCP
    await server.close()
    await client.stop()


def test_libsrtp_brings_along_the_functions_of_openssl_that_protect_rtp() -> None:
    names = (
        *("EVP_EncryptInit_ex", "EVP_EncryptUpdate", "EVP_EncryptFinal_ex", "EVP_CIPHER_CTX_ctrl", "SHA1_Update", "SHA1_Init"),
        *("EVP_DecryptInit_ex", "EVP_DecryptInit_ex2", "EVP_DecryptUpdate", "EVP_DecryptFinal_ex"),
    )
    assert len({adapter.openssl(name) for name in names}) == len(names)
    with pytest.raises(LookupError, match="EVP_of_no_kind"):
        adapter.openssl("EVP_of_no_kind")
    assert works()


async def test_what_came_is_unprotected_where_it_lies() -> None:
    server, client, _ = await associate()
    protected = client._tx_srtp.protect(RTP)
    with bind("127.0.0.1", 0) as receiving, bind("127.0.0.1", 0) as sending:
        inbox = Inbox(receiving.fileno(), 16, Outbox(receiving.fileno(), 16, load()), load())
        assert inbox.turn() == list(range(0))
        for datagram in (protected, protected, protected[:-1] + b"\x00", client._tx_srtp.protect_rtcp(RTCP), b"", bytes(3000)):
            sending.sendto(datagram, receiving.getsockname())
        assert inbox.turn() == list(range(6))
        incoming = Unprotection(*server.incoming())
        assert inbox.open(0, incoming) == RTP
        assert cast("int", inbox.open(1, incoming)) in adapter.REPLAYED
        assert inbox.datagram(1) == protected
        assert isinstance(inbox.open(2, incoming), int)
        assert inbox.open_rtcp(3, server.inbound) == RTCP
        assert all(isinstance(inbox.open(slot, incoming), int) for slot in (4, 5))
        assert (inbox.datagram(4), len(inbox.datagram(5))) == (b"", adapter.SLOT)
        assert {readable(inbox.names[slot].tobytes()) for slot in range(6)} == {sending.getsockname()}
        again = client._tx_srtp.protect(RTP[:2] + bytes((0, 8)) + RTP[4:])
        sending.sendto(again, receiving.getsockname())
        assert inbox.turn() == list(range(1))
        assert inbox.datagram(0) == again, "the room of a slot is whole again after a short packet"
    await server.close()
    await client.stop()


async def test_the_length_behind_protection_is_found_in_the_word_that_was_named() -> None:
    server, client, _ = await associate()
    buffer = adapter.new_buffer(adapter.SLOT)
    view = adapter.buffer_view(buffer)
    view[: len(RTCP)] = RTCP
    words = (ctypes.c_size_t * 3)(1, len(RTCP), 3)
    length = adapter.length_in(ctypes.addressof(words) + ctypes.sizeof(ctypes.c_size_t))
    assert adapter.protect_rtcp(server.outbound, buffer, length) == adapter.OK
    assert (words[0], words[2]) == (1, 3)
    assert client._rx_srtp.unprotect_rtcp(bytes(view[: words[1]])) == RTCP
    await server.close()
    await client.stop()


async def test_gcm_128_is_chosen_from_all_that_a_browser_offers() -> None:
    server, client, _ = await associate()
    assert server.profile == "SRTP_AEAD_AES_128_GCM"
    await server.close()
    await client.stop()


async def test_another_certificate_than_the_one_described_is_refused() -> None:
    with pytest.raises(ConnectionError):
        await associate(lie=True)


async def test_the_end_of_an_association_is_heard_on_both_sides() -> None:
    _, client, closed = await associate()
    await client.stop()
    async with asyncio.timeout(20):
        await closed.wait()
    other, peer, _ = await associate()
    await other.close()
    assert other.outbound is None
    while peer.state != "closed":
        await asyncio.sleep(0.01)


async def test_a_flood_before_the_handshake_is_bounded() -> None:
    server = adapter.Dtls(adapter.Certificate(), lambda data: None)
    taken = [server.receive(b"\x16" + bytes(20)) for _ in range(100)]
    assert taken.count(True) == adapter.HANDSHAKE_QUEUE
    await server.close()
