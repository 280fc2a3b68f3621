"""The WebSocket shell: what is no message of the protocol, floods, browsers that take nothing. One is sent away, nobody else notices."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest
from aiohttp import WSMsgType, web
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from rooms import signalling
from rooms.plan import Ticket
from rooms.protocol import MAX_MESSAGE_BYTES, BrowserMessage, CloseCode
from rooms.signalling import Allowance, Outgoing
from tests.rooms.courthouse import LIMIT_S, Courthouse, Page, person, until
from tests.rooms.making import PEOPLE, make_plan, ticket

DIRECTION: dict[str, Any] = {
    "lost_percent": 1,
    "jitter_ms": 5,
    "rtt_ms": None,
    "bps": 1e6,
    "height": 360,
    "frames_per_s": 25,
    "freezes": 0,
    "codec": "VP8",
}
DIRECTION |= {"candidate": "relay", "protocol": "tls"}
NESTED = '{"type":"leave","ref":' + "[" * 30_000
MALFORMED: dict[str, str | bytes] = {
    "no JSON": '{"type":"leave"',
    "nothing": "",
    "a list": '["leave"]',
    "null": "null",
    "no type": '{"ref":1}',
    "an unknown type": '{"type":"dance"}',
    "a type that is no word": '{"type":["leave"]}',
    "a message of the server": '{"type":"state","now_us":1}',
    "a missing field": '{"type":"mute","participant":"li"}',
    "a field too many": '{"type":"leave","really":true}',
    "an unknown source": '{"type":"source","source":"smell","on":true}',
    "a word for a switch": '{"type":"source","source":"camera","on":"yes"}',
    "an id that is none": '{"type":"to_waiting","participant":"../li"}',
    "an id of 65 characters": json.dumps({"type": "to_waiting", "participant": "x" * 65}),
    "a novel for a reason": json.dumps({"type": "stage", "to": "recess", "reason": "x" * 501}),
    "four tracks": json.dumps({"type": "publish", "sdp": "v=0", "tracks": [{"mid": "0", "source": "camera"}] * 4}),
    "an endless nest": NESTED,
    "half a character": '{"type":"stage","to":"recess","reason":"\\ud800"}',
    "a number that is none": '{"type":"quality","rtt_ms":NaN,"lost_percent":0}',
    "bandwidth without end": '{"type":"quality","rtt_ms":1,"lost_percent":0,"received_bps":Infinity}',
    "bandwidth beyond every number": '{"type":"quality","rtt_ms":1,"lost_percent":0,"sent_bps":1e999}',
    "more loss than there is": json.dumps({"type": "quality", "down": DIRECTION | {"lost_percent": 101}}),
    "freezes without end": json.dumps({"type": "quality", "down": DIRECTION | {"freezes": 10**9}}),
    "a codec that is a page": json.dumps({"type": "quality", "down": DIRECTION | {"codec": "<script>"}}),
    "somebody else's figures": json.dumps({"type": "quality", "endpoint": "e-li", "down": DIRECTION}),
    "another hello": '{"type":"hello"}',
    "a binary frame": b'{"type":"leave"}',
}
SAMPLES: dict[str, dict[str, Any]] = {
    "hello": {},
    "publish": {"sdp": "v=0", "tracks": []},
    "subscribe": {},
    "answer": {"transport": "t", "revision": 1, "sdp": "v=0"},
    "source": {"source": "microphone", "on": True},
    "quality": {"up": None, "down": DIRECTION},
    "show": {"pictures": []},
    "leave": {},
    "admit": {"participants": ["li"]},
    "to_waiting": {"participant": "li"},
    "admit_device": {"endpoint": "e-li", "accept": True},
    "mute": {"participant": "li", "source": "microphone"},
    "allow": {"participant": "li", "source": "microphone"},
    "mute_all": {},
    "remove": {"participant": "li", "reason": "why"},
    "readmit": {"participant": "li"},
    "stage": {"to": "recess"},
    "acknowledge": {"alert": "engine_lost"},
    "hand": {"up": True},
    "lower_hand": {"participant": "li"},
    "write": {"to": "all", "text": "good morning"},
    "lock": {"on": True},
    "seat": {"participant": "li", "endpoint": "room"},
    "unseat": {"participant": "li"},
    "voice": {"participant": "li", "endpoint": "room"},
    "give_floor": {"participant": "li"},
    "take_floor": {},
    "yield_floor": {},
    "roll": {"participant": "li", "answer": "present"},
    "identify": {"participant": "li", "result": "confirmed", "face": None, "document": None, "note": "身份证"},
    "consent": {"stages": ["hearing"], "agree": True},
    "warn": {"participant": "li", "degree": "prompt", "reason": "why"},
    "record": {"on": True},
    "consult": {"participants": ["li", "agent"]},
    "end_consult": {"consult": "1"},
    "answer_centre": {"on": True},
    "step": {"out": True},
    "listen": {"to": "original"},
    "opinion": {"text": "agreed", "final": True},
    "put_question": {"text": "agreed?"},
    "vote": {"question": "1", "choice": "for", "dissent": ""},
    "close_question": {"question": "1"},
    "classify": {"participant": "li", "cause": "network", "note": ""},
}
"""One well-formed message of each type."""


@asynccontextmanager
async def undisturbed(house: Courthouse, *pages: Page) -> AsyncIterator[None]:
    """Whatever happens inside: the others keep their connections, hear the next change, and the log holds nothing but that."""
    before = len(house.written)
    yield
    chair = pages[0]
    on = not person(chair.view, "judge")["sources"]["microphone"]["on"]
    await chair.send("source", source="microphone", on=on)
    for page in pages:
        await page.sees(lambda view: person(view, "judge")["sources"]["microphone"]["on"] == on)
        assert page.socket.close_code is None
        assert page.view["place"] == "inside"
    assert [row.type for row in house.written[before:] if row.type != "refused"] == ["source_switched"]


def test_there_is_a_sample_of_every_message() -> None:
    assert set(SAMPLES) == {message.model_fields["type"].default for message in get_args(BrowserMessage)}


# ------------------------------------------------------------------------------------------------ what is no message


async def test_a_malformed_message_ends_its_own_connection(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    for name, frame in MALFORMED.items():
        async with undisturbed(house, pages["judge"], pages["li"]):
            page = await house.enter("zhang")
            if isinstance(frame, bytes):
                await page.socket.send_bytes(frame)
            else:
                await page.raw(frame)
            assert (name, await page.sent_away()) == (name, (CloseCode.MALFORMED, "malformed"))
        assert person(pages["judge"].view, "zhang")["presence"] == "present"


@pytest.mark.parametrize("character", ["x", "张"])
async def test_a_message_is_as_long_as_the_protocol_says_and_no_longer(house: Courthouse, character: str) -> None:
    pages = await house.opened("zhang", "li")
    rest = MAX_MESSAGE_BYTES - len('{"type":"leave","ref":1}')
    padding = " " * (rest % len(character.encode()))

    def filled(bytes_more: int) -> str:
        inside = character * (rest // len(character.encode()))
        return '{"type":"leave","ref":1}'[:-1] + padding + " " * bytes_more + inside + "}"

    assert len(filled(0).encode()) == MAX_MESSAGE_BYTES
    async with undisturbed(house, pages["judge"]):
        await pages["zhang"].raw(filled(0))
        assert await pages["zhang"].sent_away() == (CloseCode.MALFORMED, "malformed")
        await pages["li"].raw(filled(1))
        assert await pages["li"].sent_away() == (CloseCode.OVERSIZED, "oversized")


async def test_a_frame_that_nobody_reads_to_its_end_ends_with_1009(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    async with undisturbed(house, pages["judge"]):
        await pages["zhang"].raw("x" * (1 << 21))
        assert await pages["zhang"].closed() == 1009


async def test_text_that_is_not_utf8_ends_with_1007(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    async with undisturbed(house, pages["judge"]):
        await pages["zhang"].socket._writer.send_frame(b"\xff\xfe", WSMsgType.TEXT)
        assert await pages["zhang"].closed() == 1007


# ------------------------------------------------------------------------------------------------ out of order


async def test_nothing_comes_before_hello(house: Courthouse) -> None:
    pages = await house.opened()
    async with undisturbed(house, pages["judge"]):
        for kind in SAMPLES.keys() - {"hello"}:
            page = await house.connect(ticket("zhang"))
            await page.send(kind, **SAMPLES[kind])
            assert (kind, await page.sent_away()) == (kind, (CloseCode.MALFORMED, "malformed"))
    assert house.state().seats["zhang"].presence == "absent"


async def test_who_says_no_hello_is_sent_away(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "HELLO_LIMIT_S", 0.3)
    pages = await house.opened()
    async with undisturbed(house, pages["judge"]):
        page = await house.connect(ticket("zhang"))
        await page.socket.ping()
        assert await page.sent_away() == (CloseCode.MALFORMED, "malformed")


async def test_an_answer_before_any_offer_is_an_error(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    assert await pages["zhang"].refused("answer", **SAMPLES["answer"]) == "transport_unknown"
    await pages["zhang"].send("source", source="camera", on=True)
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["on"])


async def test_an_answer_to_an_older_offer_is_an_error(house: Courthouse) -> None:
    page = (await house.opened("zhang"))["zhang"]
    await page.send("subscribe")
    first = await page.told("offer")
    house.engine.offer_again("sitting", "e-zhang", {"mid": "0", "endpoint": "e-judge", "source": "camera"})
    second = await page.told("offer", revision=2)
    assert second["tracks"] == [{"mid": "0", "endpoint": "e-judge", "source": "camera"}]
    assert await page.refused("answer", transport=first["transport"], revision=1, sdp="v=0") == "stale_revision"
    await page.send("answer", transport=second["transport"], revision=2, sdp="v=0")
    await until(lambda: not house.live().media.offers)


async def test_an_error_carries_the_ref_and_the_field_of_its_message(house: Courthouse) -> None:
    page = (await house.opened())["judge"]
    await page.raw('{"type":"readmit","participant":"nobody","ref":4711}')
    error = await page.told("error", ref=4711)
    assert (error["code"], error["field"]) == ("participant_unknown", "participant")
    await page.raw('{"type":"readmit","participant":"nobody"}')
    await page.told("error", ref=None)


# ------------------------------------------------------------------------------------------------ floods and slow browsers


def test_an_allowance_is_used_up_and_grows_again() -> None:
    allowance = Allowance(0.0, rate=20, burst=60)
    assert [allowance.take(0.0) for _ in range(61)] == [True] * 60 + [False]
    assert allowance.take(0.05)
    assert not allowance.take(0.05)
    assert sum(allowance.take(1000.0) for _ in range(100)) == 60


def test_what_is_said_at_the_allowed_rate_is_always_taken() -> None:
    allowance = Allowance(0.0, rate=20, burst=60)
    assert all(allowance.take(number / 20) for number in range(10_000))


async def test_a_flood_of_messages_ends_its_own_connection(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    async with undisturbed(house, pages["judge"], pages["li"]):
        for _ in range(200):
            await pages["zhang"].send("quality", rtt_ms=1, lost_percent=0)
        assert await pages["zhang"].sent_away() == (CloseCode.SLOW, "slow")
    again = await house.enter("zhang")
    assert again.view["place"] == "inside"


async def test_a_flood_of_negotiations_ends_its_own_connection(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is slow, and a page offers again and again without waiting."""
    monkeypatch.setattr(signalling, "QUEUE_LIMIT", 8)
    pages = await house.opened("zhang")
    house.engine.gate.clear()
    async with undisturbed(house, pages["judge"]):
        for _ in range(20):
            await pages["zhang"].send("publish", sdp="v=0", tracks=[])
        assert await pages["zhang"].sent_away() == (CloseCode.SLOW, "slow")
        house.engine.gate.set()


class Stalled:
    """A browser that takes nothing from its socket until it is asked to, with as small a buffer as the system gives."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._uri = parse_uri(url.replace("http", "ws", 1))
        self._protocol = ClientProtocol(self._uri, max_size=None)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._socket.setblocking(False)

    async def connect(self) -> Stalled:
        await self._loop.sock_connect(self._socket, (self._uri.host, self._uri.port))
        self._protocol.send_request(self._protocol.connect())
        await self._flush()
        while not self._protocol.events_received():
            self._protocol.receive_data(await self._loop.sock_recv(self._socket, 512))
        return self

    async def say(self, **message: Any) -> None:
        self._protocol.send_text(json.dumps(message).encode())
        await self._flush()

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            await self._loop.sock_sendall(self._socket, data)

    async def take_all(self) -> int | None:
        """Read everything to the end; returns the close code."""
        async with asyncio.timeout(LIMIT_S):
            while data := await self._loop.sock_recv(self._socket, 1 << 20):
                self._protocol.receive_data(data)
        return self._protocol.close_rcvd.code if self._protocol.close_rcvd else None

    def close(self) -> None:
        self._socket.close()


async def stalled_clerk(house: Courthouse) -> Stalled:
    """The clerk's browser has said hello and takes nothing of an answer that is longer than what sockets hold."""
    await house.hub.device_checked("sitting", "li", {"of which nobody knows why it is so long": "x" * 500_000})
    slow = await Stalled(house.url(ticket("clerk"))).connect()
    await slow.say(type="hello")
    await until(lambda: "e-clerk" in house.live().connections)
    return slow


async def test_nobody_waits_for_a_browser_that_takes_nothing(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "SEND_LIMIT_S", 2.0)
    pages = await house.opened("zhang")
    slow = await stalled_clerk(house)
    await pages["judge"].send("source", source="microphone", on=True)
    await pages["zhang"].sees(lambda view: person(view, "judge")["sources"]["microphone"]["on"])
    assert "e-clerk" in house.live().connections, "the others heard of it while the slow one was still waited for"
    await until(lambda: "e-clerk" not in house.live().connections)
    assert person(pages["judge"].view, "clerk")["presence"] == "present"
    assert await slow.take_all() == CloseCode.SLOW
    slow.close()


async def test_who_asks_and_takes_no_answer_is_dropped_when_his_queue_is_full(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "QUEUE_LIMIT", 16)
    monkeypatch.setattr(signalling, "SEND_LIMIT_S", 2 * LIMIT_S)
    pages = await house.opened("zhang")
    slow = await stalled_clerk(house)
    async with undisturbed(house, pages["judge"], pages["zhang"]):
        for _ in range(30):
            await slow.say(type="readmit", participant="li")
        await until(lambda: "e-clerk" not in house.live().connections)
        assert await slow.take_all() == CloseCode.SLOW
    slow.close()


async def test_of_the_states_that_wait_only_the_newest_is_sent(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    slow = await stalled_clerk(house)
    for number in range(1, 6):
        await pages["judge"].send("source", source="camera", on=number % 2 == 1)
        await until(lambda: house.types().count("source_switched") == number)  # noqa: B023  awaited here
        await pages["zhang"].sees(lambda view: person(view, "judge")["sources"]["camera"]["on"] == (number % 2 == 1))  # noqa: B023
    outgoing = house.live().connections["e-clerk"]
    assert isinstance(outgoing, Outgoing)
    waiting = [message for message in outgoing._queue if message.type == "state"]
    assert [message.view.participants[0].sources["camera"].on for message in waiting] == [True]
    slow.close()


# ------------------------------------------------------------------------------------------------ the rest of the shell


async def test_only_our_own_kind_of_socket_is_served(house: Courthouse) -> None:
    with pytest.raises(TypeError, match="new_socket"):
        await house.hub.serve_socket(web.WebSocketResponse(), ticket("judge"))


async def test_the_subprotocol_is_named(house: Courthouse) -> None:
    pages = await house.opened()
    assert pages["judge"].socket.protocol == "sitting.v1"


async def test_what_the_server_did_not_expect_ends_one_connection_and_says_nothing(house: Courthouse) -> None:
    """An engine answers nonsense when it is asked what it holds of a page that comes back."""
    pages = await house.opened("zhang")

    async def nonsense() -> dict[str, Any]:
        return {"routers": []}

    house.engine.report = nonsense  # type: ignore[method-assign]
    page = await house.connect(ticket("zhang"))
    await page.send("hello", publish="p1")
    assert await page.sent_away() == (CloseCode.RESTARTING, "failed")
    assert page.heard[-1]["detail"] == ""
    del house.engine.report
    await pages["judge"].send("mute", participant="zhang", source="camera")
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["muted_by_chair"])


async def test_a_stranger_is_refused_before_he_can_say_anything(house: Courthouse) -> None:
    await house.hub.open(make_plan())
    page = await house.connect(Ticket("elsewhere", "e-x", "participant", (PEOPLE[0].id,), "x"))
    assert await page.sent_away() == (CloseCode.NOT_FOUND, "not_open")
