"""The process that drives one Janus: ``python -m rooms.media.janus.worker --socket S --janus ws://127.0.0.1:8188 ...``.

To the server it is a media worker like any other (:mod:`rooms.media.worker`): same socket, same requests, same feed to the recorder. So a
server that is restarted finds it as it was, with the session in Janus and the recorder's feed going on. It ends when the session
in Janus is lost (exit 3); whoever starts it again gets one that knows nothing yet, and browsers build new connections. SIGTERM and
SIGINT end it cleanly (exit 0), and so does the last conference of one that drains.

The secrets are files of one line: ``api``, ``admin`` and ``room`` in the directory `--secrets`.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import signal
import sys
from pathlib import Path

import structlog
import uvloop

from rooms.media.janus.configuration import Secrets, read_secrets
from rooms.media.worker import configure_log
from rooms.spare import wait_until_needed

WAIT_S = 0.2
"""Between tries to reach a Janus that is not there yet."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rooms.media.janus.worker", description="Drives a Janus as a media engine.")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket for the server's requests")
    parser.add_argument("--janus", required=True, metavar="URL", help="WebSocket of Janus's API")
    parser.add_argument("--admin", required=True, metavar="URL", help="WebSocket of Janus's admin API")
    parser.add_argument("--secrets", type=Path, required=True, help="directory with the files api, admin and room")
    parser.add_argument("--feed-socket", type=Path, help="Unix datagram socket on which the recorder asks for its feed")
    parser.add_argument("--recorder-feed-socket", type=Path, help="Unix datagram socket of the recorder")
    parser.add_argument("--number", type=int, default=1, choices=range(1, 256), metavar="N", help="which of the workers it is, 1 to 255")
    parser.add_argument("--spare", action="store_true", help="load everything, then wait for a line on standard input")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace, secrets: Secrets) -> int:
    """Run until SIGTERM or SIGINT, until it has drained (0), or until Janus is lost (3)."""
    from rooms.media.control import Control
    from rooms.media.drain import Drain, marker
    from rooms.media.forwarding.feed import Feed
    from rooms.media.janus.connection import Admin, Connection, JanusError
    from rooms.media.janus.node import Node

    log = structlog.get_logger()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connection = Connection(options.janus, secrets.api)
    told = False
    while not stop.is_set():
        try:
            await connection.open()
            break
        except (OSError, JanusError) as error:
            if not told:
                log.warning("janus_not_there", url=options.janus, error=str(error))
            told = True
            await asyncio.sleep(WAIT_S)
    if stop.is_set():
        await connection.close()
        return 0
    running = asyncio.create_task(connection.run())
    feed = Feed(options.feed_socket, options.recorder_feed_socket, options.number)
    try:
        node = await Node.open(connection, Admin(options.admin, secrets.admin), secrets.room, feed)
    except JanusError as error:
        log.error("janus_refused", error=str(error))
        return 3
    drain = Drain(node, marker(options.socket))
    control = Control(node, drain)
    await control.listen(options.socket)
    log.info("engine_up", instance=node.instance, janus=options.janus)
    waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(drain.over()), running]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    lost = running.done()
    for task in waiting:
        task.cancel()
    await control.close()
    await node.close()
    log.log(40 if lost else 20, "janus_lost" if lost else "engine_down")
    return 3 if lost else 0


def main() -> int:
    """Exit code: 0 ended on request, 1 could not start, 3 lost its Janus."""
    options = parse()
    configure_log()
    if options.spare:
        importlib.import_module("rooms.media.control")
        importlib.import_module("rooms.media.janus.node")
        wait_until_needed()
    try:
        secrets = read_secrets(options.secrets)
    except (OSError, ValueError) as error:
        print(f"--secrets {options.secrets}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return uvloop.run(serve(options, secrets))


if __name__ == "__main__":
    sys.exit(main())
