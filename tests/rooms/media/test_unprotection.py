"""Incoming RTP: our own lines take off what libsrtp takes off, refuse what it refuses with the same status, and remember nothing of what is
not genuine. The packets here are protected by neither of the two."""

from __future__ import annotations

import ctypes
import hmac
import os
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from rooms.media.forwarding import adapter, keys, protection, unprotection
from rooms.media.forwarding.keys import AUTHENTICATION, ENCRYPTION, PROFILES, SALT, derived
from rooms.media.forwarding.native import layout, srtp
from rooms.media.forwarding.native.image import load
from rooms.media.forwarding.native.layout import AUTH_FAIL, BAD_PARAMETER, KEY_EXPIRED, REPLAY_FAIL, REPLAY_OLD
from rooms.media.forwarding.unprotection import TOO_MANY, Unprotection, opened
from tests.effort import examples

GCM, CM = "SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"
SSRC = 0xCAFE_BABE
WINDOW = layout.CAME_WINDOW
#: Packets that are compared with libsrtp for each profile; `make fuzz` asks for many more.
PACKETS = 100 * int(os.environ.get("FUZZ_EXAMPLES", "150"))
#: What is behind a packet in memory, and has to be there afterwards.
BEHIND = bytes(range(100, 200))


def key(profile: str) -> bytes:
    kind = PROFILES[profile]
    return bytes(range(1, 1 + kind.key + kind.salt))


@dataclass
class Peer:
    """Who sends. Each packet is told by its whole index, so that anything may be sent in any order."""

    profile: str
    key: bytes
    salt: bytes
    secret: bytes

    @classmethod
    def of(cls, profile: str) -> Peer:
        kind, master = PROFILES[profile], key(profile)
        own, salt = master[: kind.key], master[kind.key :]
        secret = derived(own, salt, AUTHENTICATION, 20)
        return cls(profile, derived(own, salt, ENCRYPTION, kind.key), derived(own, salt, SALT, kind.salt), secret)

    def sends(self, index: int, payload: bytes, ssrc: int = SSRC, first: int = 0x80, between: bytes = b"") -> bytes:
        """The packet of this index (RFC 7714 section 8, RFC 3711 sections 4.1.1 and 4.2); `between` header and payload are sources and
        extension, which `first` tells of."""
        head = struct.pack("!BBHII", first, 96, index & 0xFFFF, 9000, ssrc) + between
        if PROFILES[self.profile].kind == layout.GCM:
            nonce = int.from_bytes(self.salt, "big") ^ ssrc << 48 ^ index
            return head + AESGCM(self.key).encrypt(nonce.to_bytes(12, "big"), payload, head)
        nonce = int.from_bytes(self.salt, "big") << 16 ^ ssrc << 64 ^ index << 16
        sent = head + Cipher(algorithms.AES(self.key), modes.CTR(nonce.to_bytes(16, "big"))).encryptor().update(payload)
        return sent + hmac.digest(self.secret, sent + (index >> 16).to_bytes(4, "big"), "sha1")[:10]


class Receiver:
    """Takes protection off by machine code. What it found: the plain packet, or a status; and what is in memory then."""

    def __init__(self, profile: str, take: Callable[..., int] | None = None) -> None:
        self.unprotection = Unprotection(profile, key(profile), own=True)
        self._take = take or load().open_at
        self._memory = ctypes.create_string_buffer(layout.SLOT + len(BEHIND))
        self._place = ctypes.addressof(self._memory)

    def __call__(self, packet: bytes) -> tuple[bytes | int, bytes]:
        ctypes.memmove(self._place, packet + BEHIND, len(packet) + len(BEHIND))
        size = self.unprotection.open(self._take, self._place, len(packet), int.from_bytes(packet[8:12], "big"))
        left = ctypes.string_at(self._place, len(packet) + len(BEHIND))
        assert left[len(packet) :] == BEHIND
        return left[:size] if size > 0 else -size, left[: len(packet)]

    def rows(self) -> dict[int, bytes]:
        """All that is remembered."""
        return {ssrc: stream._row.tobytes() for ssrc, stream in self.unprotection.streams.items()}


class Libsrtp:
    """The same by libsrtp."""

    def __init__(self, profile: str) -> None:
        self._session = adapter.inbound_session(profile, key(profile), WINDOW)
        self._memory, self._length = adapter.new_buffer(layout.SLOT + len(BEHIND)), adapter.new_length()
        self._view = adapter.buffer_view(self._memory)
        self._unprotect: Any = adapter.function("int(*)(uintptr_t, void *, int *)", adapter.c_function("srtp_unprotect"))

    def __call__(self, packet: bytes) -> tuple[bytes | int, bytes]:
        self._view[: len(packet)] = packet
        self._length[0] = len(packet)
        status = self._unprotect(adapter.session_address(self._session), self._memory, self._length)
        left = bytes(self._view[: len(packet)])
        return status or left[: self._length[0]], left


# -- the standards


@pytest.mark.parametrize(
    ("profile", "size", "sent"),
    [
        (GCM, 16, "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"),
        (
            "SRTP_AEAD_AES_256_GCM",
            32,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ],
)
def test_a_packet_by_gcm_is_read_as_the_standard_has_it(profile: str, size: int, sent: str) -> None:
    """RFC 7714, sections 16.1.1 and 16.2.1."""
    head = bytes.fromhex("8040f17b8041f8d35501a0b2")
    one = Unprotection(profile, key(profile), own=True)
    one._take(bytes(range(size)), bytes.fromhex("517569642070726f2071756f"), b"")
    assert opened(one, head + bytes.fromhex(sent)) == head + b"Gallia est omnis divisa in partes tres"


def test_a_packet_by_counter_mode_is_read_as_the_standard_has_it() -> None:
    """RFC 3711, appendix B.2: the key stream of index 0 and source 0."""
    stream = bytes.fromhex("E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0")
    own, salt, secret = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"), bytes(range(20))
    one = Unprotection(CM, key(CM), own=True)
    one._take(own, salt, secret)
    sent = bytes.fromhex("806000000000000000000000") + stream
    assert opened(one, sent + hmac.digest(secret, sent + bytes(4), "sha1")[:10]) == sent[:12] + bytes(len(stream))


def test_keys_and_packets_are_those_of_the_known_example() -> None:
    """The packet by which libsrtp tries itself, with the keys of RFC 3711 appendix B.3."""
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
    sent = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
    assert opened(Unprotection(CM, master, own=True), sent) == sent[:12] + b"\xab" * 16


# -- libsrtp


#: How far the next packet of a stream is from the newest: on and on, over a little, late, far ahead, a round away.
STEPS: tuple[Callable[[random.Random], int], ...] = (
    *[lambda _: 1] * 6,
    lambda r: r.randint(2, 5),
    lambda r: -r.randint(0, 40),
    lambda r: -r.randint(0, WINDOW + 70),
    lambda r: r.choice((-1, 1)) * (WINDOW + r.randint(-2, 2)),
    lambda r: r.choice((-32_769, -32_768, -32_767, 32_767, 32_768, 32_769)),
    lambda r: r.randint(-40_000, 40_000) if r.random() < 0.1 else r.randint(1, 3000),
)
EXTENSIONS = [struct.pack("!HH", 0xBEDE, n) + bytes(range(4 * n)) for n in (0, 1, 2, 9)]


@dataclass
class Traffic:
    """Anything that may come of a peer and in its name, one datagram after another."""

    peer: Peer
    chance: random.Random
    at: dict[int, int] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self._any()

    def _any(self) -> bytes:
        chance, roll = self.chance, self.chance.random()
        if roll < 0.03:
            return chance.randbytes(chance.randint(0, 60))
        if roll < 0.06:
            return bytes((chance.choice((0x80, 0x90, 0x83, 0x9F)),)) + chance.randbytes(chance.randint(0, 70))
        if self.sent and roll < 0.14:
            return chance.choice(self.sent[-WINDOW:])
        begun = len(self.at)
        packet = self._next()
        if begun < len(self.at):
            # The first of a stream arrives, or else a receiver could not know the round in which it goes on.
            self.sent.append(packet)
            return packet
        if roll < 0.24:
            spoiled = bytearray(packet)
            spoiled[chance.choice((chance.randrange(len(packet)), len(packet) - 1, 1, 3, 11))] ^= 1 << chance.randrange(8)
            return bytes(spoiled)
        if roll < 0.28:
            return packet[: chance.randint(0, len(packet))]
        if roll < 0.29:
            return packet + chance.randbytes(chance.randint(1, 20))
        self.sent.append(packet)
        return packet

    def _next(self) -> bytes:
        chance, peer = self.chance, self.peer
        ssrc = chance.choice((SSRC, SSRC, SSRC, 7, 0, 0xFFFF_FFFF))
        newest = self.at.get(ssrc)
        if newest is None:
            index = newest = chance.choice((0, 1, 32_767, 32_768, 32_769, 65_534, 65_535, chance.randrange(65_536)))
        else:
            index = newest + chance.choice(STEPS)(chance)
        index = max(index, 0)
        if index - newest < 1 << 15:  # from further ahead no receiver would find back
            self.at[ssrc] = max(newest, index)
        sources, extension = chance.choice((0, 0, 0, 1, 15)), chance.choice((b"", b"", b"", *EXTENSIONS))
        first = chance.choice((0x80, 0xA0, 0x80)) | sources | (0x10 if extension else 0)
        size = chance.choice((0, 1, 3, 48, chance.randint(0, 150), chance.randint(0, 1300)))
        return peer.sends(index, chance.randbytes(size), ssrc, first, bytes(4 * sources) + extension)


@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_comes_it_is_taken_or_refused_as_libsrtp_does_it(profile: str) -> None:
    found: dict[int, int] = {}
    seeds = random.Random(profile)
    left = PACKETS
    while left > 0:
        seed = seeds.randrange(1 << 32)
        ours, theirs = Receiver(profile), Libsrtp(profile)
        many = min(left, seeds.choice((300, 2000)))
        left -= many
        for number, packet in zip(range(many), Traffic(Peer.of(profile), random.Random(seed)), strict=False):
            (got, memory), (expected, their_memory) = ours(packet), theirs(packet)
            status = got if isinstance(got, int) else 0
            found[status] = found.get(status, 0) + 1
            assert got == expected, (seed, number, packet.hex())
            # What GCM finds forged is spoiled, in each case in its own way; all else is left as it came.
            if status and (status != AUTH_FAIL or PROFILES[profile].kind != layout.GCM):
                assert memory == their_memory == packet
    assert {0, BAD_PARAMETER, AUTH_FAIL, REPLAY_FAIL, REPLAY_OLD} <= found.keys()
    assert found[0] > PACKETS / 3
    assert all(many > PACKETS / 1000 for status, many in found.items() if status in (AUTH_FAIL, REPLAY_FAIL, REPLAY_OLD))


# -- the window


def guessed(newest: int | None, number: int) -> int:
    """RFC 3711 appendix A, to the letter."""
    if newest is None:
        return number
    rounds, last = divmod(newest, 1 << 16)
    if last < 32_768:
        v = rounds - 1 if number - last > 32_768 and rounds > 0 else rounds
    else:
        v = rounds + 1 if last - 32_768 > number else rounds
    return number + v * 65_536


step = st.one_of(
    st.just(1),
    st.integers(-70, 70),
    st.integers(-WINDOW - 3, WINDOW + 3),
    st.sampled_from([sign * (WINDOW + more) for sign in (1, -1) for more in (-2, -1, 0, 1)]),
    st.sampled_from([-65_536, -32_769, -32_768, -32_767, 32_767, 32_768, 32_769, 65_535, 65_536]),
    st.integers(-40_000, 40_000),
)
first = st.one_of(st.sampled_from([0, 1, 32_767, 32_768, 32_769, 65_000, 65_535]), st.integers(0, 65_535))


@settings(max_examples=examples(150), deadline=None)
@given(profile=st.sampled_from([GCM, CM]), start=first, steps=st.lists(st.tuples(step, st.booleans()), max_size=80))
def test_each_index_is_taken_once_and_none_that_is_older_than_the_window(profile: str, start: int, steps: list[tuple[int, bool]]) -> None:
    peer, receiver = Peer.of(profile), Receiver(profile)
    newest, came, at = None, set[int](), start
    for each, genuine in [(0, True), *steps]:
        at = max(at + each, 0)
        packet = peer.sends(at, b"picture")
        packet = packet if genuine else packet[:-1] + bytes((packet[-1] ^ 1,))
        index, rows = guessed(newest, at & 0xFFFF), receiver.rows()
        if newest is not None and newest - index >= WINDOW:
            expected: bytes | int = REPLAY_OLD
        elif index in came:
            expected = REPLAY_FAIL
        else:
            expected = packet[:12] + b"picture" if genuine and index == at else AUTH_FAIL
        got, memory = receiver(packet)
        assert got == expected
        if isinstance(got, int):
            assert receiver.rows() == rows, "nothing is remembered of it"
            assert memory == packet or got == AUTH_FAIL
        else:
            came.add(index)
            newest = max(newest or 0, index)
            assert receiver.unprotection.streams[SSRC].index == newest


@settings(max_examples=examples(40), deadline=None)
@given(profile=st.sampled_from(list(PROFILES)), seed=st.integers(0, 1 << 32))
def test_machine_code_and_the_same_lines_in_python_take_off_alike(profile: str, seed: int) -> None:
    fast, slow = Receiver(profile), Receiver(profile, srtp.open_at)
    for _, packet in zip(range(60), Traffic(Peer.of(profile), random.Random(seed)), strict=False):
        assert fast(packet) == slow(packet)
        assert {s: row[16:] for s, row in fast.rows().items()} == {s: row[16:] for s, row in slow.rows().items()}, "but for addresses"


def test_the_last_index_that_there_is_is_the_last() -> None:
    peer, receiver = Peer.of(GCM), Receiver(GCM)
    receiver(peer.sends(0, b"picture"))
    receiver.unprotection.streams[SSRC]._row[layout.INDEX // 8] = (1 << 48) - 3
    for number in (2, 1):
        assert isinstance(receiver(peer.sends((1 << 48) - number, b"picture"))[0], bytes)
    assert receiver(peer.sends(1 << 48, b"picture"))[0] == KEY_EXPIRED


# -- sources


@pytest.mark.parametrize("own", [True, False])
def test_only_who_sent_a_genuine_packet_is_remembered_and_not_too_many(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprotection, "MOST_SOURCES", 3)
    peer, one = Peer.of(GCM), Unprotection(GCM, key(GCM), own)
    for ssrc in range(100):
        assert opened(one, peer.sends(5, b"picture", ssrc)[:-1] + b"\0") == AUTH_FAIL
    assert one.streams == {}
    for ssrc in (1, 2, 3):
        assert isinstance(opened(one, peer.sends(5, b"picture", ssrc)), bytes)
    assert opened(one, peer.sends(5, b"picture", 4)) == TOO_MANY
    assert [opened(one, peer.sends(5, b"picture", ssrc)) for ssrc in (1, 2, 3)] == [REPLAY_FAIL] * 3, "no one is forgotten"
    assert isinstance(opened(one, peer.sends(6, b"picture", 2)), bytes)
    assert list(one.streams) == [1, 2, 3]


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="no key"):
        Unprotection(CM, key(GCM))


# -- where our lines do not work


@pytest.fixture
def untried() -> Iterator[None]:
    """It is tried anew whether our own lines work, in the test and after it."""
    tried = (keys.tools, protection.works, unprotection.works)
    for each in tried:
        each.cache_clear()
    yield
    for each in tried:
        each.cache_clear()


def by_libsrtp(one: Unprotection) -> bool:
    return one._row[layout.KIND // 8] == layout.LIBSRTP


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("profile", PROFILES)
def test_libsrtp_takes_off_where_openssl_is_not_to_be_had(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> int:
        raise LookupError(name)

    monkeypatch.setattr(adapter, "openssl", nothing)
    theirs = Libsrtp(profile)
    with capture_logs() as said:
        one = Unprotection(profile, key(profile))
        for _, packet in zip(range(300), Traffic(Peer.of(profile), random.Random(1)), strict=False):
            assert opened(one, packet) == theirs(packet)[0]
    assert [entry["event"] for entry in said] == ["srtp_by_libsrtp"]
    assert by_libsrtp(one)


@pytest.mark.usefixtures("untried")
def test_libsrtp_takes_off_where_our_own_lines_find_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srtp, "note", lambda stream, index: 0)
    with capture_logs() as said:
        assert not unprotection.works()
        assert not unprotection.works()
    assert [entry["event"] for entry in said] == ["srtp_by_libsrtp"]
    assert by_libsrtp(Unprotection(GCM, key(GCM)))


@pytest.mark.usefixtures("untried")
def test_here_our_own_lines_work() -> None:
    assert unprotection.works()
    assert not by_libsrtp(Unprotection(GCM, key(GCM)))
