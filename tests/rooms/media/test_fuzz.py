"""Anything may come from outside: nothing escapes as an exception, nothing is kept, everything is counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibsrtp import Error, Policy, Session

from rooms import wire
from rooms.media.control import Control
from rooms.media.drain import Drain
from rooms.media.engine import EngineError, Routing, Source, TrackKey
from rooms.media.forwarding import packets, sdp
from rooms.media.forwarding.address import packed
from rooms.media.forwarding.feed import Feed
from rooms.media.forwarding.keys import PROFILES
from rooms.media.forwarding.outbox import Destination
from rooms.media.forwarding.port import bind
from rooms.media.forwarding.protection import Protection, protected
from rooms.media.forwarding.transport import CONNECTED, MAX_ADDRESSES, Transport
from rooms.media.forwarding.unprotection import Unprotection
from rooms.media.forwarding.worker import Worker
from tests.effort import examples

from .test_sdp import OFFER

pytestmark = pytest.mark.timeout(3600)
#: `make fuzz` asks for many more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or examples(150))
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SOURCES = {"0": Source.MICROPHONE, "1": Source.CAMERA}
KEY = bytes(range(28))
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM


class Target:
    """A worker with one publisher and one viewer, and a socket that stands for the whole world."""

    def __init__(self, folder: Path) -> None:
        feed = Feed(folder / "engine-feed.sock", folder / "recorder-feed.sock")
        self.worker = Worker(bind("127.0.0.1", 0), "127.0.0.1", feed)
        self.world = bind("127.0.0.1", 0)
        self.address = packed("127.0.0.1", self.world.getsockname()[1], socket.AF_INET)
        self.router = self.worker.open_router("room", 1)
        watch = frozenset(TrackKey("ana", source) for source in SOURCES.values())
        self.router.apply(Routing(publish={"ana": frozenset(SOURCES.values()), "bo": frozenset()}, watch={"bo": watch}))
        self.router.publish("ana", OFFER, SOURCES)
        self.router.subscribe("bo")
        self.sender = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))

    @property
    def port(self) -> Any:
        return self.worker.port

    def transport(self, direction: str) -> Transport:
        return next(t for t in self.router.transports() if t.direction == direction)

    def connect(self, direction: str) -> Transport:
        """As after a handshake with the world: its address is known and its packets can be read."""
        transport = self.transport(direction)
        theirs = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        ours = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))
        transport.dtls._sessions = (ours, theirs)
        transport.dtls.inbound, transport.dtls.outbound = theirs._srtp[0], ours._srtp[0]
        transport.protection = Protection("SRTP_AEAD_AES_128_GCM", KEY)
        transport.unprotection = Unprotection("SRTP_AEAD_AES_128_GCM", KEY)
        transport.destination = Destination(self.address)
        self.port._by_address[self.address] = transport
        transport.ready, transport.state = True, CONNECTED
        return transport

    def receive(self, *datagrams: bytes) -> list[bytes]:
        """The worker takes these; what it sends back."""
        for datagram in datagrams:
            self.world.sendto(datagram, ("127.0.0.1", self.port.number))
        self.port._readable()
        back = []
        while True:
            try:
                back.append(self.world.recv(2048))
            except BlockingIOError:
                return back

    def tables(self) -> dict[str, int]:
        return {"ufrags": len(self.port._by_ufrag), "addresses": len(self.port._by_address), "tasks": len(self.worker._context.tasks)}

    def dropped(self) -> int:
        return sum(self.port.dropped.values())


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    made = Target(tmp_path)
    made.port._loop.remove_reader(made.port._socket.fileno())  # the tests take the datagrams in themselves
    yield made
    await made.worker.close()
    made.world.close()


@st.composite
def flawed(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Something right that was cut, lengthened, or changed in some bytes."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(0, len(data)))
    return bytes(data[:end] if draw(st.booleans()) else data + draw(st.binary(max_size=8)))


def check(ufrag: str, password: str, remote: str = "abcd", nominate: bool = True) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:{remote}"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 7
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return bytes(message)


async def test_any_datagram_is_counted_and_leaves_nothing_behind(target: Target) -> None:
    before = target.tables()

    @bounded
    @given(st.one_of(st.binary(max_size=200), st.builds(lambda a, b: bytes([a]) + b, st.integers(0, 255), st.binary(max_size=2040))))
    def anything(datagram: bytes) -> None:
        dropped, received = target.dropped(), target.port.received
        assert target.receive(datagram) == []
        assert target.port.received == received + 1
        assert target.dropped() == dropped + 1

    anything()
    assert target.tables() == before


async def test_a_flawed_check_of_a_known_user_is_answered_or_counted(target: Target) -> None:
    transport = target.transport("publish")
    assert len(target.receive(check(transport.ufrag, transport.password))) == 1, "without a flaw it is answered"
    before = target.tables()

    @bounded
    @given(flawed(st.builds(check, st.just(transport.ufrag), st.sampled_from([transport.password, "wrong"]), st.text("abcd", max_size=5))))
    def anything(datagram: bytes) -> None:
        dropped = target.dropped()
        answers = target.receive(datagram)
        # What looks like DTLS and comes from an address that is known waits for the handshake, in a queue that is bounded.
        waits = bool(datagram) and 19 < datagram[0] < 64
        assert len(answers) + target.dropped() - dropped in ((0, 1) if waits else (1,))

    anything()
    assert target.tables() == before


async def test_addresses_of_one_user_are_bounded(target: Target) -> None:
    transport = target.transport("publish")
    for _ in range(3 * MAX_ADDRESSES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.sendto(check(transport.ufrag, transport.password, nominate=False), ("127.0.0.1", target.port.number))
        target.port._readable()
    assert len(target.port._by_address) <= MAX_ADDRESSES
    assert target.port.dropped["stun_refused"] > 0


def rtp(first: int, second: int, seq: int, ssrc: int, rest: bytes) -> bytes:
    return struct.pack("!BBHII", 0x80 | first, second, seq, 0, ssrc) + rest


async def test_any_rtp_of_an_authenticated_publisher_is_taken_or_counted(target: Target) -> None:
    target.connect("publish")
    before = target.tables()

    def counted() -> int:
        endpoint = target.worker.report()["routers"]["room"]["endpoints"]["ana"]["publish"]
        return target.dropped() + sum(int(producer["packets"]) for producer in endpoint["producers"].values())

    streams = st.sampled_from([5, 6, 7, 99])
    kinds = st.sampled_from([96, 97, 111, 96 | 128, 0, 127])
    whole = st.builds(rtp, st.integers(0, 63), kinds, st.integers(0, 65535), streams, st.binary(max_size=1200))

    @bounded
    @given(st.lists(whole, min_size=1, max_size=8))
    def anything(plain: list[bytes]) -> None:
        protected = []
        for packet in plain:
            try:
                protected.append(target.sender.protect(packet))
            except Error:
                continue  # libsrtp itself finds it malformed, or a number used twice
        received, before = target.port.received, counted()
        target.receive(*protected)
        assert target.port.received == received + len(protected)
        # A retransmission may carry nothing (a probe of the sender's bandwidth estimation): that alone is not counted.
        repairs = sum(packet[1] & 0x7F == 97 for packet in protected)
        assert counted() - before >= len(protected) - repairs

    taken = counted()
    anything()
    assert counted() > taken
    assert target.tables() == before
    publisher: Any = target.transport("publish")
    assert len(publisher._by_ssrc) <= 64
    for producer in publisher.producers if isinstance(publisher.producers, list) else publisher.producers.values():
        assert sum(producer.ring.get(number) is not None for number in range(1 << 16)) <= 512


@pytest.mark.parametrize("profile", PROFILES)
async def test_what_was_changed_on_its_way_is_counted_and_no_source_is_remembered_for_it(target: Target, profile: str) -> None:
    transport = target.connect("publish")
    key = bytes(range(PROFILES[profile].key + PROFILES[profile].salt))
    transport.unprotection = incoming = Unprotection(profile, key)
    before, spoke = target.tables(), set[int]()
    ssrcs, sizes = st.one_of(st.just(5), st.integers(0, 2**32 - 1)), st.sampled_from([0, 1, 60, 1200])
    other = st.binary(max_size=1400).map(lambda rest: b"\x90\x60" + rest)
    whole = st.builds(rtp, st.integers(0, 63), st.sampled_from([96, 97, 111]), st.integers(0, 65535), ssrcs, sizes.map(bytes))

    def genuine(plain: bytes) -> bytes:
        if made := protected(Protection(profile, key), plain):
            spoke.add(int.from_bytes(plain[8:12], "big"))
        return made

    @bounded
    @given(st.lists(st.one_of(flawed(whole.map(genuine)), other), min_size=1, max_size=8))
    def anything(datagrams: list[bytes]) -> None:
        dropped, received = target.dropped(), target.port.received
        target.receive(*datagrams)
        assert target.port.received == received + len(datagrams)
        assert target.dropped() <= dropped + len(datagrams)
        assert incoming.streams.keys() <= spoke, "it never sent anything genuine"

    anything()
    assert target.dropped() > 0
    assert target.tables() == before


@pytest.mark.parametrize("direction", ["publish", "subscribe"])
async def test_any_rtcp_of_an_authenticated_peer_is_taken_or_counted(target: Target, direction: str) -> None:
    target.connect(direction)
    before = target.tables()
    head = st.builds(
        lambda count, kind, words: struct.pack("!BBH", 0x80 | count, kind, words),
        st.integers(0, 63),
        st.integers(192, 223),
        st.integers(0, 30),
    )
    piece = st.builds(lambda head, body: head + body, head, st.binary(min_size=4, max_size=120))
    right = st.one_of(
        st.builds(packets.generic_nack, st.just(1), st.sampled_from([5, 6]), st.lists(st.integers(0, 65535), min_size=1, max_size=40)),
        st.builds(packets.sender_report, st.sampled_from([5, 6]), st.integers(0, 2**64 - 1), *[st.integers(0, 2**32 - 1)] * 3),
        st.builds(packets.bitrate_ceiling, st.just(1), st.integers(1, 2**40), st.lists(st.sampled_from([5, 6]), max_size=3)),
    )

    @bounded
    @given(st.lists(st.one_of(piece, right, flawed(right)), min_size=1, max_size=5))
    def anything(parts: list[bytes]) -> None:
        plain = b"".join(parts)
        if len(plain) < 8 or not 128 <= plain[0] < 192 or not 192 <= plain[1] <= 223 or len(plain) > 1700:
            return
        target.receive(target.sender.protect_rtcp(plain))

    anything()
    assert target.tables() == before
    assert set(target.port.dropped) <= {"media_malformed", "media_unexpected", "replayed"}


LINES = OFFER.split("\r\n")
DESCRIPTIONS = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(LINES), max_size=60).map(lambda lines: "\r\n".join(["v=0", *lines])),
    flawed(st.just(OFFER.encode())).map(lambda data: data.decode("latin-1")),
    st.builds(
        lambda at, line: "\r\n".join([*LINES[:at], line, *LINES[at:]]),
        st.integers(0, len(LINES)),
        st.text(max_size=40).map(lambda t: "a=" + t),
    ),
)


async def test_any_description_is_taken_or_refused_with_a_reason(target: Target) -> None:
    @bounded
    @given(DESCRIPTIONS)
    def anything(text: str) -> None:
        with contextlib.suppress(sdp.SdpError):
            sdp.parse(text)

    anything()


async def test_a_refused_offer_leaves_nothing_behind(target: Target) -> None:
    before = target.tables()
    codes: set[str] = set()

    @bounded
    @given(DESCRIPTIONS)
    def anything(text: str) -> None:
        try:
            target.router.publish("ana", text, SOURCES)
        except EngineError as refused:
            codes.add(refused.code)

    anything()
    assert "bad_sdp" in codes
    assert codes <= {"bad_sdp", "unsupported_codec"}
    await asyncio.sleep(0)
    now = target.tables()
    assert now["ufrags"] <= before["ufrags"] + 1, "one transport in place of another, and the credentials of a restart"
    assert now["addresses"] == before["addresses"]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(["room", "ana", "bo", OFFER])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
RIGHT: dict[str, Any] = {
    "router": "room", "epoch": 1, "endpoint": "ana", "sdp": OFFER, "sources": {"0": "microphone", "1": "camera"}, "transport": "t",
    "revision": 1, "routing": Routing(publish={"ana": frozenset(SOURCES.values())}).to_json(), "heights": [["ana", "camera", 180]],
    "on": False,
}  # fmt: skip
REFUSED = {
    "stale_epoch",
    "unknown_router",
    "unknown_endpoint",
    "unknown_transport",
    "bad_sdp",
    "unsupported_codec",
    "stale_revision",
    "malformed",
}


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Right ones, of which some are something else, and some missing."""
    made: dict[str, Any] = json.loads(json.dumps(RIGHT))
    for name in draw(st.lists(st.sampled_from(sorted(RIGHT)), max_size=3)):
        made[name] = draw(JSON)
    for name in draw(st.lists(st.sampled_from(sorted(RIGHT)), max_size=2)):
        made.pop(name, None)
    inside = draw(st.sampled_from(["", *RIGHT["routing"]]))
    if inside and isinstance(made.get("routing"), dict):
        made["routing"][inside] = draw(JSON)
    return made


class Listener:
    """Stands for the server's end of the control socket: notices are well-formed JSON."""

    def note(self, name: str, **fields: Any) -> None:
        json.dumps([name, fields])


async def test_any_request_is_done_or_refused_with_a_code_of_the_protocol(target: Target, tmp_path: Path) -> None:
    control = Control(target.worker, Drain(target.worker, tmp_path / "drained"))
    server: Any = Listener()
    control._current = server
    requests = st.sampled_from([*control._requests, "drain", "no such request"])
    codes: set[str] = set()

    @bounded
    @given(requests, arguments())
    def anything(do: str, given_arguments: dict[str, Any]) -> None:
        step = control._on_request(server, do, given_arguments)
        try:
            step.send(None)
        except StopIteration as done:
            json.dumps(done.value)
        except wire.WireError as refused:
            codes.add(refused.code)
        else:
            raise AssertionError("a request waits for something")

    target.worker.on_event = lambda name, router, endpoint, fields: None
    anything()
    assert codes <= REFUSED
    assert "malformed" in codes
    assert len(target.worker._routers) <= 2 * EXAMPLES
    for name in list(target.worker._routers):
        target.worker.close_router(name, 2**70)
    assert target.tables()["ufrags"] == 0


# ------------------------------------------------------------------------------------------------ guided by coverage


def test_input_that_follows_what_the_code_does_finds_nothing_either(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is made for Linux on x86-64 alone")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate((b"\3" + OFFER.encode(), b"\2" + packets.receiver_report(1, [])), 1):
        (corpus / str(number)).write_bytes(seed)
    command = [sys.executable, "-m", "tests.rooms.media.guided", f"-runs={EXAMPLES * 100}", "-seed=1", "-max_len=3000"]
    done = subprocess.run([*command, f"-artifact_prefix={tmp_path}/", str(corpus)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert len(list(corpus.iterdir())) > 100, "it found no way into the parsers"
