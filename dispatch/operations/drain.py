"""Drains media workers from outside, while server and recorder go on: asks, and tells how far they are (:mod:`rooms.media.drain`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from dispatch.operations.workers import MediaWorker
from rooms import wire
from rooms.media.drain import marker

EVERY_S = 1.0
Say = Callable[[str], None]


class DrainRefused(Exception):
    """A worker cannot be reached; the text is the one line that says so."""


async def run(workers: Sequence[MediaWorker], say: Say) -> None:
    """Have `workers` drain; returns when all have ended. Raises :class:`DrainRefused` for one that does not run, before anything
    else is done. Who stops waiting does not stop the drain."""
    peers = [await _reached(worker) for worker in workers]
    if missing := [worker.name for worker, peer in zip(workers, peers, strict=True) if peer is None and not marker(worker.socket).exists()]:
        for peer in peers:
            if peer is not None:
                await peer.close()
        raise DrainRefused(f"{', '.join(missing)}: not running")
    await asyncio.gather(*(_drained(worker, peer, say) for worker, peer in zip(workers, peers, strict=True)))


async def cancel(workers: Sequence[MediaWorker], say: Say) -> None:
    """Have `workers` take new conferences again; one that has ended is started by whoever starts workers."""
    for worker in workers:
        peer = await _reached(worker)
        if peer is None:
            ended = marker(worker.socket).exists()
            marker(worker.socket).unlink(missing_ok=True)
            say(f"{worker.name}: may start again" if ended else f"{worker.name}: not running, and not drained")
            continue
        reading = asyncio.create_task(peer.run())
        try:
            await peer.request("drain", on=False)
        except wire.WireError as error:
            raise DrainRefused(f"{worker.name}: {error.message}") from None
        finally:
            reading.cancel()
            await peer.close()
        say(f"{worker.name}: takes new sittings")


async def _reached(worker: MediaWorker) -> wire.Peer | None:
    try:
        return await wire.connect(worker.socket)
    except OSError:
        return None


async def _drained(worker: MediaWorker, peer: wire.Peer | None, say: Say) -> None:
    if peer is None:
        say(f"{worker.name}: has ended")
        return
    reading = asyncio.create_task(peer.run())
    told, order = "", {"on": True}
    try:
        while not peer.closed:
            left = await peer.request("drain", **order)
            order = {}
            if not left["draining"]:
                raise DrainRefused(f"{worker.name}: the drain was cancelled")
            line = f"{worker.name}: {left['routers']} sittings, {left['transports']} connections"
            if line != told:
                told = line
                say(line)
            await asyncio.wait((reading,), timeout=EVERY_S)
    except wire.WireError as error:
        if error.code != "lost":
            raise DrainRefused(f"{worker.name}: {error.message}") from None
    finally:
        reading.cancel()
        await peer.close()
    if not marker(worker.socket).exists():
        raise DrainRefused(f"{worker.name}: the drain was cancelled")
    if (again := await _reached(worker)) is not None:  # it was killed and is back, draining: what it had is with it or with others
        await _drained(worker, again, say)
        return
    say(f"{worker.name}: has ended")
