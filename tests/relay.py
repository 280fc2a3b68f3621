"""A seeded UDP relay on 127.0.0.1 that loses and delays packets on purpose, in either direction.

The kernels that tests run on often lack ``netem``; this is the same idea in the test's own process. *Up* is towards
the target, *down* is back to whoever spoke first from an address. Both probabilities may be changed at run time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

Address = tuple[str, int]


@dataclass(slots=True)
class Count:
    """Datagrams that passed and that were dropped."""

    passed: int = 0
    dropped: int = 0


class Link:
    """A link of `bps` (0: without limit) with a queue of `queue_s` before it: what finds the queue full is dropped."""

    OVERHEAD = 28
    """octets of UDP and IP around a datagram"""

    def __init__(self, bps: int = 0, queue_s: float = 0.3) -> None:
        self.bps = bps
        self.queue_s = queue_s
        self._free_at = 0.0

    def wait_s(self, size: int, now: float) -> float | None:
        """How long a datagram of `size` octets that comes at `now` takes through it; None: it is dropped."""
        if self.bps <= 0:
            return 0.0
        begins = max(self._free_at, now)
        if begins - now > self.queue_s:
            return None
        self._free_at = begins + (size + self.OVERHEAD) * 8 / self.bps
        return self._free_at - now


class _Down(asyncio.DatagramProtocol):
    """The relay's socket towards the target, one for each client, so that the target can tell clients apart."""

    def __init__(self, back: Callable[[bytes], None]) -> None:
        self._back = back

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._back(data)


class Relay(asyncio.DatagramProtocol):
    """Relays `host`:`port` to `target_host`:`target_port`; `up_drop` and `down_drop` are probabilities, 0 to 1.

    Only media (RTP and RTCP, first byte 128 to 191 as RFC 7983 has it) is dropped unless `everything` is set, so that
    a test of repair does not depend on the retries of ICE and DTLS. Whatever passes is delayed by `delay_s` and, each
    datagram for itself, by up to `jitter_s` more, so that datagrams overtake each other. `up_link` and `down_link` limit the rate
    of everything, and may be given another `bps` at any time.
    """

    def __init__(
        self,
        target_port: int,
        seed: int = 1,
        up_drop: float = 0.0,
        down_drop: float = 0.0,
        everything: bool = False,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        target_host: str = "127.0.0.1",
        host: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.target_port = target_port
        self.target_host = target_host
        self.up_drop = up_drop
        self.down_drop = down_drop
        self.everything = everything
        self.delay_s = delay_s
        self.jitter_s = jitter_s
        self.up_link = Link()
        self.down_link = Link()
        self.up = Count()
        self.down = Count()
        self.port = 0
        self._random = random.Random(seed)
        self._listening: asyncio.DatagramTransport | None = None
        self._towards: dict[Address, asyncio.DatagramTransport] = {}
        self._waiting: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Relay:
        """Bind a free port (:attr:`port`)."""
        loop = asyncio.get_running_loop()
        self._listening, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        self.port = self._listening.get_extra_info("sockname")[1]
        return self

    async def __aenter__(self) -> Relay:
        return await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def rebind(self) -> None:
        """Be another address for the target from now on, as after a change of network or of a NAT's mind."""
        for towards in self._towards.values():
            towards.close()
        self._towards.clear()

    def close(self) -> None:
        """Close every socket. May be called twice."""
        for task in self._tasks:
            task.cancel()
        for towards in self._towards.values():
            towards.close()
        self._towards.clear()
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """From a client, towards the target."""
        wait_s = self._pass(data, self.up_drop, self.up, self.up_link)
        if wait_s is None:
            return
        towards = self._towards.get(addr)
        if towards is not None:
            self._later(wait_s, lambda: None if towards.is_closing() else towards.sendto(data))
        elif addr in self._waiting:
            self._waiting[addr].append(data)
        else:
            self._waiting[addr] = [data]
            task = asyncio.create_task(self._open(addr))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, client: Address) -> None:
        def back(data: bytes) -> None:
            wait_s = self._pass(data, self.down_drop, self.down, self.down_link)
            if wait_s is not None:
                self._later(wait_s, lambda: self._back(data, client))

        loop = asyncio.get_running_loop()
        towards, _ = await loop.create_datagram_endpoint(lambda: _Down(back), remote_addr=(self.target_host, self.target_port))
        self._towards[client] = towards
        for data in self._waiting.pop(client):
            towards.sendto(data)

    def _back(self, data: bytes, client: Address) -> None:
        if self._listening is not None:
            self._listening.sendto(data, client)

    def _later(self, wait_s: float, send: Callable[[], None]) -> None:
        if wait_s or self.delay_s or self.jitter_s:
            asyncio.get_running_loop().call_later(wait_s + self.delay_s + self._random.random() * self.jitter_s, send)
        else:
            send()

    def _pass(self, data: bytes, probability: float, count: Count, link: Link) -> float | None:
        """How long the datagram takes through the link; None: it is lost."""
        media = bool(data) and 127 < data[0] < 192
        lost = (media or self.everything) and self._random.random() < probability
        wait_s = None if lost else link.wait_s(len(data), asyncio.get_running_loop().time())
        if wait_s is None:
            count.dropped += 1
        else:
            count.passed += 1
        return wait_s
