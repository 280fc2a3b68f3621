"""While the event loop waits, packets that only have to be sent on pass; timers, other descriptors and what is for Python come in time."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from rooms.media.forwarding.native.image import Interpreted, load
from rooms.media.forwarding.native.layout import BATCH, MOST_PASSED
from rooms.media.forwarding.outbox import Group
from rooms.media.forwarding.waiting import Waiting
from tests.rooms.media.test_flows import FIRST, Street, rtp
from tests.rooms.media.test_outbox import Viewer

PATIENCE_S = 30.0


class Watched:
    """A street whose socket is read by an event loop that waits in our way."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.waiting = Waiting()
        self.loop = asyncio.SelectorEventLoop(self.waiting)
        self.wakes = 0
        descriptor = street.hall.socket.fileno()
        self.loop.add_reader(descriptor, self._readable)
        self.waiting.serve(street.inbox, descriptor)
        self.seen = asyncio.Event()

    def _readable(self) -> None:
        self.wakes += 1
        inbox = self.street.inbox
        if not inbox.quiet():
            self.street.long_way += [inbox.open(slot, self.street.incoming) for slot in inbox.others()]
            self.street.hall.outbox.flush()
            self.seen.set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE_S))

    def close(self) -> None:
        self.waiting.leave()
        self.loop.remove_reader(self.street.hall.socket.fileno())
        self.loop.close()


@pytest.fixture(params=["machine code", "python"])
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    street = Street(load() if request.param == "machine code" else Interpreted())
    made = Watched(street)
    yield made
    made.close()
    street.close()


def begun(watched: Watched) -> Viewer:
    viewer = watched.street.viewer()
    watched.street.begin(Group([viewer.target]))
    return viewer


def test_what_may_pass_passes_without_a_turn_of_the_loop_and_timers_end_the_wait(watched: Watched) -> None:
    viewer = begun(watched)
    for number in range(1, 4):
        watched.street.send(watched.street.protected(rtp(FIRST + number)))
    watched.run(asyncio.sleep(0.05))
    assert [p[2] << 8 | p[3] for p in viewer.received()] == [(FIRST + n) & 0xFFFF for n in (1, 2, 3)]
    assert watched.wakes == 0
    watched.street.inbox.tell()
    assert len(watched.street.told.packets) == 3


def test_packets_that_keep_coming_keep_no_timer_waiting(watched: Watched) -> None:
    viewer = begun(watched)
    over = threading.Event()

    def come() -> None:
        number = 0
        while not over.wait(0.002) and number < 5000:
            number += 1
            watched.street.send(watched.street.protected(rtp(FIRST + number)))

    sender = threading.Thread(target=come)
    sender.start()
    try:
        watched.run(asyncio.sleep(0.3))
    finally:
        over.set()
        sender.join()
    assert len(viewer.received()) > 3


def test_what_is_for_python_wakes_it_and_is_taken_once(watched: Watched) -> None:
    viewer = begun(watched)

    async def come() -> None:
        await asyncio.sleep(0)
        watched.street.send(watched.street.protected(rtp(FIRST + 1)))
        watched.street.send(watched.street.protected(rtp(FIRST + 5)))
        await watched.seen.wait()
        await asyncio.sleep(0.02)

    watched.run(come())
    assert len(viewer.received()) == 1
    assert watched.street.long_way == [rtp(FIRST + 5)]
    assert watched.wakes == 1


def test_more_than_is_taken_at_once_needs_nothing_that_comes_after_it(watched: Watched) -> None:
    viewer = begun(watched)
    watched.street.hall.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for number in range(MOST_PASSED + BATCH + 8):
        watched.street.send(watched.street.protected(rtp(FIRST + 1 + number)))
    watched.run(asyncio.sleep(0.1))
    assert len(viewer.received()) == MOST_PASSED
    assert len(watched.street.long_way) == BATCH + 8


def test_packets_that_come_together_with_something_else_pass(watched: Watched) -> None:
    viewer = begun(watched)
    reading, writing = os.pipe()
    try:
        watched.loop.add_reader(reading, lambda: os.read(reading, 1))
        os.write(writing, b"x")
        watched.street.send(watched.street.protected(rtp(FIRST + 1)))
        watched.run(asyncio.sleep(0.05))
        assert len(viewer.received()) == 1
    finally:
        watched.loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)


def test_other_descriptors_and_calls_from_other_threads_end_the_wait(watched: Watched) -> None:
    begun(watched)
    reading, writing = os.pipe()
    try:
        came = asyncio.Event()

        def read() -> None:
            os.read(reading, 1)
            came.set()

        watched.loop.add_reader(reading, read)

        async def both() -> None:
            threading.Timer(0.02, os.write, (writing, b"x")).start()
            await came.wait()
            called = asyncio.Event()
            threading.Timer(0.02, watched.loop.call_soon_threadsafe, (called.set,)).start()
            await called.wait()

        watched.run(both())
    finally:
        watched.loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)


def test_packets_that_passed_are_told_of_before_they_are_old(watched: Watched) -> None:
    begun(watched)

    async def come() -> None:
        for number in range(1, 30):
            watched.street.send(watched.street.protected(rtp(FIRST + number)))
            await asyncio.sleep(0.01)
            if watched.street.inbox.due:
                return

    watched.run(come())
    assert watched.street.inbox.due
    assert watched.wakes >= 1


def test_once_it_has_left_it_selects_as_any_other(watched: Watched) -> None:
    viewer = begun(watched)
    watched.waiting.leave()
    watched.street.send(watched.street.protected(rtp(FIRST + 1)))
    watched.run(asyncio.sleep(0.05))
    assert watched.wakes == 1
    assert len(viewer.received()) == 1
