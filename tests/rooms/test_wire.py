"""JSON lines between the server and its workers, over real Unix sockets: answers, refusals, broken lines, lost connections."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from rooms import wire
from rooms.media.client import EngineClient
from rooms.recording.client import RecorderClient
from rooms.wire import MAX_LINE, Json, Peer, WireError
from tests.rooms.courthouse import until


def failed(code: str) -> pytest.RaisesExc[WireError]:
    return pytest.RaisesExc(WireError, check=lambda error: error.code == code)


class Worker:
    """One end that listens, as a worker does: answers what it is asked, and keeps what it is told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.peers: list[Peer] = []
        self.notes: list[tuple[str, Json]] = []
        self.gate = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> Worker:
        self._server = await wire.serve(self.path, self._accept)
        return self

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, self._answer, lambda _, name, fields: self.notes.append((name, fields)))
        self.peers.append(peer)
        await peer.run()

    async def _answer(self, peer: Peer, do: str, arguments: Json) -> Json:
        match do:
            case "echo":
                return arguments
            case "wait":
                await self.gate.wait()
                return {}
            case "refuse":
                raise WireError("stale_epoch", "1 < 2")
            case "hello" | "report":
                return {"instance": "worker-1", "routers": {}, "draining": False, "sittings": {}}
            case "need":
                return {"needed": arguments["needed"]}
        raise RuntimeError("out of order")

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for peer in self.peers:
            await peer.close()


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    worker = await Worker(tmp_path / "run" / "worker.sock").start()
    yield worker
    await worker.close()


@pytest.fixture
async def server(worker: Worker) -> AsyncIterator[Peer]:
    """The server's end of a connection to the worker."""
    peer = await wire.connect(worker.path)
    running = asyncio.create_task(peer.run())
    yield peer
    await peer.close()
    await running


async def line(worker: Worker) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection, on which anything can be said."""
    return await asyncio.open_unix_connection(str(worker.path), limit=2 * MAX_LINE)


async def test_a_request_is_answered(server: Peer) -> None:
    fields = {"sitting": "张某诉李某", "numbers": [1, 2.5, None]}
    assert await server.request("echo", 10.0, **fields) == fields


async def test_answers_find_their_requests_in_whatever_order_they_come(worker: Worker, server: Peer) -> None:
    slow = asyncio.create_task(server.request("wait"))
    assert [await server.request("echo", n=n) for n in range(20)] == [{"n": n} for n in range(20)]
    assert not slow.done()
    worker.gate.set()
    assert await slow == {}


@pytest.mark.parametrize(
    ("do", "code"),
    [("refuse", "stale_epoch"), ("need", "malformed"), ("dance", "failed")],
    ids=["refused", "an argument is missing", "a defect"],
)
async def test_what_goes_wrong_is_an_answer_too(server: Peer, do: str, code: str) -> None:
    with failed(code):
        await server.request(do)
    assert await server.request("echo", still="here") == {"still": "here"}


async def test_who_takes_no_requests_says_so(worker: Worker, server: Peer) -> None:
    with failed("unknown"):
        await worker.peers[0].request("echo")


async def test_notices_go_both_ways_and_wait_for_nobody(worker: Worker) -> None:
    heard: list[tuple[str, Json]] = []
    peer = await wire.connect(worker.path, on_note=lambda _, name, fields: heard.append((name, fields)))
    running = asyncio.create_task(peer.run())
    peer.note("key_frame", track="camera")
    await until(lambda: worker.notes == [("key_frame", {"track": "camera"})])
    for number in range(3):
        worker.peers[0].note("gap", number=number)
    await until(lambda: heard == [("gap", {"number": number}) for number in range(3)])
    await peer.close()
    await running


async def test_a_worker_that_hangs_is_not_waited_for_for_ever(worker: Worker, server: Peer) -> None:
    with failed("timeout"):
        await server.request("wait", limit_s=0.05)
    worker.gate.set()
    assert await server.request("echo", n=1) == {"n": 1}, "the answer that came too late is nobody's"


async def test_what_still_waits_when_the_worker_dies_is_lost_at_once(worker: Worker, server: Peer) -> None:
    waiting = [asyncio.create_task(server.request("wait")) for _ in range(3)]
    await until(lambda: len(worker.peers[0]._tasks) == 3)
    await worker.peers[0].close()
    for task in waiting:
        with failed("lost"):
            await task
    with failed("lost"):
        await server.request("echo")
    server.note("nobody", hears="this")


async def test_closing_twice_is_closing_once(worker: Worker, server: Peer) -> None:
    await server.close()
    await server.close()
    await until(lambda: worker.peers[0].closed)


async def test_lines_are_as_long_as_the_wire_says(server: Peer) -> None:
    text = "x" * (MAX_LINE - 200)
    assert await server.request("echo", text=text) == {"text": text}


NONSENSE: dict[str, bytes] = {
    "no JSON": b"{",
    "no UTF-8": b'{"do":"\xff"}',
    "a list": b'["do"]',
    "a number": b"7",
    "null": b"null",
    "a request without a number": b'{"do":"echo"}',
    "an answer to a list": b'{"re":[1],"ok":{}}',
    "a line without end": b"x" * (MAX_LINE + 10),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
async def test_a_line_that_is_no_message_ends_that_connection_alone(worker: Worker, server: Peer, nonsense: bytes) -> None:
    reader, writer = await line(worker)
    writer.write(nonsense + b"\n")
    async with asyncio.timeout(15):
        assert await reader.read() == b""
    writer.close()
    assert await server.request("echo", n=1) == {"n": 1}


@pytest.mark.parametrize("answer", [b'{"re":1}', b'{"re":1,"error":"bad"}', b'{"re":1,"error":{"code":"x"}}'])
async def test_an_answer_that_is_none_fails_its_request_at_once(tmp_path: Path, answer: bytes) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer + b"\n")

    listening = await wire.serve(tmp_path / "worker.sock", accept)
    peer = await wire.connect(tmp_path / "worker.sock")
    running = asyncio.create_task(peer.run())
    with failed("lost"):
        await peer.request("echo")
    await running
    listening.close()


async def test_answers_to_nobody_and_messages_of_tomorrow_are_passed_over(worker: Worker) -> None:
    reader, writer = await line(worker)
    for message in ({"re": 99, "ok": {}}, {"whatever": 1}, {"note": "unknown"}, {"id": "a", "do": "echo", "n": 1}):
        writer.write(json.dumps(message).encode() + b"\n")
    assert json.loads(await reader.readline()) == {"re": "a", "ok": {"n": 1}}
    writer.close()


async def test_the_socket_is_the_owners_alone_and_replaces_what_a_killed_process_left(tmp_path: Path) -> None:
    path = tmp_path / "run" / "worker.sock"
    first = await Worker(path).start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    second = await Worker(path).start()
    peer = await wire.connect(path)
    running = asyncio.create_task(peer.run())
    assert await peer.request("echo", n=1) == {"n": 1}
    assert (len(first.peers), len(second.peers)) == (0, 1)
    await peer.close()
    await running
    await first.close()
    await second.close()


# ------------------------------------------------------------------------------------------------ the server's clients


@pytest.mark.parametrize("client_of", [EngineClient, RecorderClient])
async def test_a_client_connects_again_whatever_a_worker_said_last(
    worker: Worker, client_of: Callable[[Path], EngineClient | RecorderClient]
) -> None:
    """A worker's defect costs a connection and never the server's way to the next worker."""
    heard: list[Any] = []
    client = client_of(worker.path)
    client.on_event(lambda event: heard.append(event.name))
    await client.start()
    await client.start()
    await until(lambda: heard == ["up"])
    for number, nonsense in enumerate((b"{", b'{"re":[]}', b'{"note":"offer"}', b'{"note":[]}', b"[]"), 1):
        worker.peers[-1]._writer.write(nonsense + b"\n{\n")
        await until(lambda: heard.count("lost") == number and heard.count("up") == number + 1)  # noqa: B023
    assert (await client.report())["instance"] == "worker-1"
    await client.close()
    await client.close()
    await until(lambda: worker.peers[-1].closed)
    assert heard[-1] == "lost"


@pytest.mark.parametrize("client_of", [EngineClient, RecorderClient])
async def test_a_listener_that_fails_does_not_cost_the_connection(
    worker: Worker, client_of: Callable[[Path], EngineClient | RecorderClient]
) -> None:
    heard: list[str] = []

    def fails(_: object) -> None:
        raise RuntimeError

    client = client_of(worker.path)
    client.on_event(fails)
    client.on_event(lambda event: heard.append(event.name))
    await client.start()
    await until(lambda: heard == ["up"])
    assert (await client.report())["instance"] == "worker-1"
    await client.close()


@pytest.mark.parametrize("client_of", [EngineClient, RecorderClient])
async def test_without_a_worker_everything_is_lost_until_there_is_one(
    tmp_path: Path, client_of: Callable[[Path], EngineClient | RecorderClient]
) -> None:
    path = tmp_path / "worker.sock"
    heard: list[str] = []
    client = client_of(path)
    client.on_event(lambda event: heard.append(event.name))
    await client.start()
    await asyncio.sleep(0.1)
    with pytest.raises(Exception, match="lost"):
        await client.report()
    assert heard == []
    worker = await Worker(path).start()
    await until(lambda: heard == ["up"])
    await client.close()
    await worker.close()
