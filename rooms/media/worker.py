"""The engine process: ``python -m rooms.media.worker --socket S --udp-port N ...``.

Logs JSON lines on standard error. SIGTERM and SIGINT end it cleanly (exit 0), and so does the last conference of one that drains
(:mod:`rooms.media.drain`); a UDP port in use ends it with one line and exit 1.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import signal
import socket
import sys
from pathlib import Path

import structlog

from rooms.lasting import keep_what_is_loaded
from rooms.media.forwarding.address import listed
from rooms.media.forwarding.native.image import Code, Untranslated, load
from rooms.media.forwarding.port import PortTaken, bind
from rooms.media.forwarding.red import AUTO, CHOICES
from rooms.media.forwarding.waiting import Waiting
from rooms.spare import wait_until_needed


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rooms.media.worker", description="The embedded media engine.")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket for the server's requests")
    parser.add_argument("--udp-port", type=int, required=True, help="UDP port for all media; 0 takes a free one")
    parser.add_argument("--bind", default="::", help="address the UDP port is bound to; :: is all, of IPv4 and IPv6")
    parser.add_argument("--address", default="127.0.0.1", help="addresses named in the candidates, with commas between them")
    parser.add_argument("--media-port", type=int, default=0, help="port named in the candidate, if not the UDP port")
    parser.add_argument("--no-dtx", action="store_false", dest="dtx", help="ask for sound in pauses too")
    parser.add_argument("--red", choices=CHOICES, default=AUTO, help="who sends sound with redundancy (RFC 2198)")
    parser.add_argument("--feed-socket", type=Path, help="Unix datagram socket on which the recorder asks for its feed")
    parser.add_argument("--recorder-feed-socket", type=Path, help="Unix datagram socket of the recorder")
    parser.add_argument("--number", type=int, default=1, choices=range(1, 256), metavar="N", help="which of the workers it is, 1 to 255")
    parser.add_argument("--spare", action="store_true", help="load everything, then wait for a line on standard input")
    return parser.parse_args(arguments)


def configure_log() -> None:
    """JSON lines on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


async def serve(options: argparse.Namespace, sock: socket.socket, code: Code, waiting: Waiting) -> None:
    """Run until SIGTERM or SIGINT, or until it has drained."""
    from rooms.media.control import Control
    from rooms.media.drain import Drain, marker
    from rooms.media.forwarding.feed import Feed
    from rooms.media.forwarding.unprotection import works
    from rooms.media.forwarding.worker import Worker

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    feed = Feed(options.feed_socket, options.recorder_feed_socket, options.number)
    asked = {"dtx": options.dtx, "red": options.red}
    worker = Worker(sock, options.address, feed, named_port=options.media_port, code=code, waiting=waiting, **asked)
    drain = Drain(worker, marker(options.socket))
    control = Control(worker, drain)
    await control.listen(options.socket)
    keep_what_is_loaded()
    log = structlog.get_logger()
    log.info("engine_up", instance=worker.instance, udp_port=worker.port.number, address=options.address, own_srtp=works())
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(drain.over())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in ends:
        task.cancel()
    await control.close()
    await worker.close()
    log.info("engine_down")


def main() -> int:
    """Exit code: 0 ended on request, 1 could not start."""
    options = parse()
    configure_log()
    try:
        # Before anything waits for this process: it takes seconds the first time.
        code = load(options.socket.parent)
    except Untranslated as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if options.spare:
        importlib.import_module("rooms.media.control")
        wait_until_needed()
    try:
        listed(options.address)
        sock = bind(options.bind, options.udp_port)
    except PortTaken as error:
        print(error.strerror, file=sys.stderr)  # noqa: T201
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    waiting = Waiting()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(waiting)) as runner:
        runner.run(serve(options, sock, code, waiting))
    return 0


if __name__ == "__main__":
    sys.exit(main())
