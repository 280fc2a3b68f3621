"""Outgoing RTP: what our own lines make is what libsrtp makes, and no packet index is ever used for two packets."""

from __future__ import annotations

import gc
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Error, Policy, Session
from structlog.testing import capture_logs

from rooms.media.forwarding import adapter, keys, protection, unprotection
from rooms.media.forwarding.address import packed
from rooms.media.forwarding.keys import AUTHENTICATION, ENCRYPTION, PROFILES, SALT, derived
from rooms.media.forwarding.native import layout, memory, srtp
from rooms.media.forwarding.native.image import Code, Interpreted, load
from rooms.media.forwarding.outbox import MAX_PACKET, Destination, Group, Outbox, Target
from rooms.media.forwarding.port import bind
from rooms.media.forwarding.protection import Protection, protected
from tests.effort import examples

GCM, CM = "SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"
SSRC, OTHER = 0xCAFE_BABE, 7
PROFILE = st.sampled_from(list(PROFILES))


def key(profile: str, first: int = 1) -> bytes:
    kind = PROFILES[profile]
    return bytes(range(first, first + kind.key + kind.salt))


def rtp(number: int, payload: bytes = b"picture", ssrc: int = SSRC, sources: int = 0, extension: bytes | None = None) -> bytes:
    head = struct.pack("!BBHII", 0x80 | sources | (0x10 if extension is not None else 0), 96, number & 0xFFFF, 9000, ssrc)
    return head + bytes(4 * sources) + (extension or b"") + payload


def libsrtps(profile: str, kind: int) -> Session:
    known = next(p.libsrtp_profile for p in adapter.PROFILES if p.openssl_profile.decode() == profile)
    policy = Policy(key=key(profile), ssrc_type=kind, srtp_profile=known)
    policy.allow_repeat_tx = True
    policy.window_size = layout.WINDOW
    return Session(policy)


@dataclass
class Libsrtp:
    """What libsrtp makes of packets."""

    session: Session

    def __call__(self, packet: bytes) -> bytes:
        try:
            return self.session.protect(packet)
        except Error:
            return b""


class Sender:
    """An outbox whose slots are looked at instead of sent."""

    def __init__(self, code: Code) -> None:
        self.socket = bind("127.0.0.1", 0)
        self.outbox = Outbox(self.socket.fileno(), 16, code)
        self.destination = Destination(packed("127.0.0.1", 9, self.socket.family))

    def made(self) -> list[bytes]:
        box, batch = self.outbox._box, self.outbox._batch
        count = box[layout.USED // 8]
        box[layout.USED // 8] = box[layout.MADE // 8] = 0
        return [bytes(batch.view[adapter.SLOT * slot :][: batch.lengths[slot]]) for slot in range(count)]

    def put(self, protection: Protection, packet: bytes) -> bytes:
        self.outbox.put(packet, protection, self.destination)
        return b"".join(self.made())


@pytest.fixture(scope="module")
def machine() -> Iterator[Sender]:
    sender = Sender(load())
    yield sender
    sender.socket.close()


#: Sequence numbers as steps: on and on, over a little, far ahead, back.
step = st.one_of(
    st.just(1),
    st.integers(-70, 70),
    st.sampled_from([sign * (layout.WINDOW + more) for sign in (1, -1) for more in (-2, -1, 0, 1)]),
    st.sampled_from([-32769, -32768, -32767, 32767, 32768, 32769]),
    st.integers(-40_000, 40_000),
)
first = st.one_of(st.sampled_from([0, 1, 32_767, 32_768, 32_769, 65_000, 65_535]), st.integers(0, 65_535))
walk = st.tuples(first, st.lists(step, max_size=80))


def numbers(start: int, steps: list[int]) -> Iterator[int]:
    yield start & 0xFFFF
    for each in steps:
        start += each
        yield start & 0xFFFF


def test_keys_are_derived_as_the_standard_has_it() -> None:
    """RFC 3711, appendix B.3."""
    master, salt = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert derived(master, salt, ENCRYPTION, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derived(master, salt, SALT, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derived(master, salt, AUTHENTICATION, 94).hex() == (
        "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdd"
        "dc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"
    )


@pytest.mark.parametrize(
    ("profile", "size", "made"),
    [
        (
            GCM,
            16,
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            "SRTP_AEAD_AES_256_GCM",
            32,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ],
)
def test_a_packet_by_gcm_is_as_the_standard_has_it(profile: str, size: int, made: str) -> None:
    """RFC 7714, sections 16.1.1 and 16.2.1."""
    head = bytes.fromhex("8040f17b8041f8d35501a0b2")
    packet = head + b"Gallia est omnis divisa in partes tres"
    one = Protection(profile, key(profile), own=True)
    one._take(bytes(range(size)), bytes.fromhex("517569642070726f2071756f"), b"")
    assert protected(one, packet) == head + bytes.fromhex(made)


@settings(max_examples=examples(150), deadline=None)
@given(profile=PROFILE, way=walk, seed=st.integers(0, 1 << 16))
def test_over_any_numbers_it_is_what_libsrtp_makes(machine: Sender, profile: str, way: tuple[int, list[int]], seed: int) -> None:
    theirs, ours = (Protection(profile, key(profile), own) for own in (False, True))
    sent = {}
    for number in numbers(*way):
        packet = rtp(number, bytes((number * 31 + seed) % (250 if number % 9 else MAX_PACKET - 11)))
        sent[number] = machine.put(ours, packet)
        assert sent[number] == protected(theirs, packet)
    assert any(sent.values())


@settings(max_examples=examples(60), deadline=None)
@given(
    profile=PROFILE,
    size=st.one_of(st.integers(0, 130), st.integers(0, MAX_PACKET - 12)),
    sources=st.integers(0, 15),
    extension=st.one_of(st.none(), st.integers(0, 9).map(lambda n: struct.pack("!HH", 0xBEDE, n) + bytes(4 * n))),
    fewer=st.one_of(st.just(0), st.integers(0, 100)),
)
def test_any_header_is_left_in_the_open_and_covered_by_the_tag(
    machine: Sender, profile: str, size: int, sources: int, extension: bytes | None, fewer: int
) -> None:
    packet = rtp(5, b"", sources=sources, extension=extension)
    packet = (packet + bytes(range(256)) * 8)[: len(packet) + min(size, MAX_PACKET - len(packet))]
    packet = packet[: max(12, len(packet) - fewer)]
    made = machine.put(Protection(profile, key(profile), own=True), packet)
    assert made == protected(Protection(profile, key(profile), own=False), packet)
    if made and len(packet) < 1300:
        assert libsrtps(profile, Policy.SSRC_ANY_INBOUND).unprotect(made) == packet


def test_what_is_no_whole_packet_is_counted_and_not_sent(machine: Sender) -> None:
    failed, one = machine.outbox.failed, Protection(GCM, key(GCM), own=True)
    for broken in (b"", rtp(1)[:11], rtp(1, b"", sources=15)[:40], rtp(1, b"abc", extension=b""), bytes(MAX_PACKET + 1)):
        assert machine.put(one, broken) == b""
    assert machine.outbox.failed == failed + 5
    assert machine.put(one, rtp(1)) != b""


@settings(max_examples=examples(60), deadline=None)
@given(profile=PROFILE, ways=st.lists(walk, min_size=1, max_size=2), own=st.booleans())
def test_machine_code_and_the_same_lines_in_python_protect_alike(
    machine: Sender, profile: str, ways: list[tuple[int, list[int]]], own: bool
) -> None:
    slow = Sender(Interpreted())
    try:
        one, other = (Protection(profile, key(profile), own) for _ in range(2))
        for ssrc, way in zip((SSRC, OTHER), ways, strict=False):
            for number in numbers(*way):
                assert machine.put(one, rtp(number, ssrc=ssrc)) == slow.put(other, rtp(number, ssrc=ssrc))
    finally:
        slow.socket.close()


@contextmanager
def nonces(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """With which nonces packets are encrypted from now on, one after another."""
    used: list[bytes] = []

    def begin(function: int, context: int, nonce: int) -> int:
        used.append(b"".join(memory.get32(nonce + at).to_bytes(4, "little") for at in (0, 4, 8, 12)))
        return memory.begin(function, context, nonce)

    with monkeypatch.context() as patch:
        patch.setattr(srtp, "begin", begin)
        yield used


@dataclass(frozen=True)
class Packet:
    """Another packet of a stream, so many numbers on; its contents are of this kind."""

    ssrc: int
    step: int
    contents: int


@dataclass(frozen=True)
class Replaced:
    """Who sends the stream is another from now on; `retired`: and nobody was to send it any more."""

    ssrc: int
    retired: bool


ssrcs = st.sampled_from([SSRC, OTHER])
event = st.one_of(st.builds(Packet, ssrcs, step, st.integers(0, 2)), st.builds(Packet, ssrcs, st.integers(-3, 3), st.integers(0, 2)),
                  st.builds(Replaced, ssrcs, st.booleans()))  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_is_sent_no_nonce_goes_out_with_two_different_packets(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @settings(max_examples=examples(200), deadline=None)
    @given(start=first, events=st.lists(event, max_size=60))
    def any_events(start: int, events: list[Packet | Replaced]) -> None:
        one = Protection(profile, key(profile), own=True)
        at = {SSRC: start, OTHER: start + 500}
        out: dict[bytes, bytes] = {}
        with nonces(monkeypatch) as used:
            for each in events:
                if isinstance(each, Replaced):
                    if each.retired:
                        one.retire(each.ssrc)
                    continue
                at[each.ssrc] += each.step
                packet = rtp(at[each.ssrc], bytes((each.contents,)) * 5, ssrc=each.ssrc)
                if protected(one, packet):
                    assert out.setdefault(used[-1], packet) == packet
        assert len(out) <= sum(isinstance(each, Packet) for each in events)

    any_events()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_packet_may_go_out_once_more_and_another_under_its_number_never(profile: str, machine: Sender) -> None:
    one = Protection(profile, key(profile), own=True)
    once = machine.put(one, rtp(100))
    machine.put(one, rtp(101))
    failed = machine.outbox.failed
    assert machine.put(one, rtp(100)) == once
    assert machine.put(one, rtp(100, b"another")) == b""
    assert machine.put(one, rtp(100, b"")) == b""
    assert machine.put(one, b"\x80\xe0" + rtp(100)[2:]) == b"", "with a marker bit it is another"
    assert machine.outbox.failed == failed + 3
    assert machine.put(one, rtp(100)) == once
    assert machine.put(one, rtp(102)) != b""


def test_nothing_is_sent_that_is_older_than_what_is_remembered(machine: Sender) -> None:
    one = Protection(GCM, key(GCM), own=True)
    for number in (40_000, 40_000 + layout.WINDOW):
        assert machine.put(one, rtp(number))
    assert machine.put(one, rtp(40_000)) == b"", "even though it is the same packet"
    assert machine.put(one, rtp(40_001)), "it was left out, and comes late"
    assert machine.put(one, rtp(40_000 + 2 * layout.WINDOW))
    assert machine.put(one, rtp(40_000 + layout.WINDOW)) == b""


def test_a_stream_goes_on_whoever_sends_it(machine: Sender) -> None:
    one = Protection(GCM, key(GCM), own=True)
    theirs = libsrtps(GCM, Policy.SSRC_ANY_INBOUND)

    def target() -> Target:
        return Target(machine.outbox, one.stream(SSRC), machine.destination, 96)

    def sent(by: Target, number: int, payload: bytes = b"picture") -> list[bytes]:
        machine.outbox.fan_out(rtp(number, payload), Group([by]))
        machine.outbox.settle()
        return [theirs.unprotect(made) for made in machine.made()]

    former = target()
    for number in (65_534, 65_535, 0, 1):
        assert sent(former, number) == [rtp(number)]
    former.end()
    later = target()
    assert sent(later, 1, b"another") == []
    assert sent(later, 65_535, b"another") == []
    assert sent(later, 2) == [rtp(2)], "the second round goes on"
    both = [target(), later]
    machine.outbox.fan_out(rtp(3), Group(both))
    both[0].renumber(1, 0)
    machine.outbox.fan_out(rtp(3, b"another"), Group(both))
    machine.outbox.settle()
    once, again, *rest = machine.made()
    assert once == again
    assert [theirs.unprotect(made) for made in (again, *rest)] == [rtp(3), rtp(4, b"another")]
    assert one.stream(SSRC).index == 0x1_0004
    assert machine.put(one, rtp(4, b"a third")) == b"", "what is sent by itself is of the same stream"


def test_a_stream_that_was_retired_goes_on_behind_everything_that_it_had(machine: Sender) -> None:
    one = Protection(GCM, key(GCM), own=True)
    for number in (65_535, 0, 5):
        assert machine.put(one, rtp(number))
    kept = weakref.ref(one.stream(SSRC)._keeps)
    one.retire(SSRC)
    one.retire(SSRC)
    for number in (5, 4, 3, 0, 65_535, 64_000):
        assert machine.put(one, rtp(number)) == b""
    assert (one.stream(SSRC).index, kept()) == (0x1_0005, one)
    assert machine.put(one, rtp(6)), "in the same round"
    one.retire(SSRC)
    assert machine.put(one, rtp(6)) == b""
    assert one.stream(SSRC).index == 0x1_0006


def test_the_last_index_that_there_is_is_the_last(machine: Sender) -> None:
    one = Protection(GCM, key(GCM), own=True)
    stream = one.stream(SSRC)
    stream._row[layout.INDEX // 8] = (1 << 48) - 3
    assert machine.put(one, rtp(65_534))
    assert machine.put(one, rtp(65_535))
    for number in (0, 1, 30_000):
        assert machine.put(one, rtp(number)) == b""
    assert stream.index == (1 << 48) - 1


def test_the_keys_go_with_the_last_who_uses_them() -> None:
    one = Protection(GCM, key(GCM), own=True)
    stream, gone = one.stream(SSRC), weakref.ref(one)
    del one
    gc.collect()
    assert gone() is not None
    del stream
    gc.collect()
    assert gone() is None


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="no key"):
        Protection(CM, key(GCM))


@pytest.fixture
def untried() -> Iterator[None]:
    """It is tried anew whether our own lines work, in the test and after it."""
    keys.tools.cache_clear()
    protection.works.cache_clear()
    unprotection.works.cache_clear()
    yield
    keys.tools.cache_clear()
    protection.works.cache_clear()
    unprotection.works.cache_clear()


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("profile", PROFILES)
def test_libsrtp_protects_where_openssl_is_not_to_be_had(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> int:
        raise LookupError(name)

    monkeypatch.setattr(adapter, "openssl", nothing)
    with capture_logs() as said:
        sender = Sender(load())
        one = Protection(profile, key(profile))
        Protection(profile, key(profile))
    assert [entry["event"] for entry in said] == ["srtp_by_libsrtp"]
    theirs = Libsrtp(libsrtps(profile, Policy.SSRC_ANY_OUTBOUND))
    for number in (65_535, 0, 0, 60_000, 1):
        assert sender.put(one, rtp(number)) == theirs(rtp(number))
    assert sender.outbox.failed == 1
    sender.socket.close()


@pytest.mark.usefixtures("untried")
def test_libsrtp_protects_where_our_own_lines_make_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    right = keys.derived
    monkeypatch.setattr(keys, "derived", lambda k, salt, label, size: right(k, salt, label ^ (label == AUTHENTICATION) << 3, size))
    with capture_logs() as said:
        assert not protection.works()
        assert not protection.works()
    assert [entry["event"] for entry in said] == ["srtp_by_libsrtp"]
    assert protected(Protection(GCM, key(GCM)), rtp(1)) == Libsrtp(libsrtps(GCM, Policy.SSRC_ANY_OUTBOUND))(rtp(1))
