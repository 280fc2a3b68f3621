"""``server.py serve``: what is looked at before anything starts, and all parts as children of one process."""

from __future__ import annotations

import asyncio
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dispatch.operations import certificate, greeting, janus, parts, seal_key, turn
from dispatch.supervise import StartRefused, Supervisor, check_udp, listen
from rooms.recording.signer import SignerUnusable

if TYPE_CHECKING:
    from dispatch.settings import Settings

SOCKET_PATH_BYTES = 107
"""sun_path, unix(7)."""


def supervise(settings: Settings, say: Callable[[str], None], *, demonstration: bool) -> int:
    """Serve all parts until told to stop; the exit code. Raises StartRefused."""
    _check_socket_paths(settings)
    _check_certificate(settings)
    make_seal_key(settings)
    _check_seal_key(settings)
    turn.relay_of(settings)
    listeners = [listen(settings.host, settings.port)]
    if settings.has_certificate:
        listeners.append(listen(settings.host, settings.tls_port, "DISPATCH_TLS_PORT"))
    handed_down = tuple(listener.fileno() for listener in listeners)
    if settings.engine == "embedded":
        for port in settings.udp_ports:
            check_udp(settings.media_bind, port)
    prepare = [sys.executable, str(parts.SERVER), "migrate", *(["--demonstration"] if demonstration else [])]
    log_dir = settings.log or (settings.data / "log" if demonstration else None)

    def ready() -> None:
        say(greeting.demonstration_table(settings) if demonstration else f"dispatch: ready at {settings.public_url}")
        if settings.own_authority:
            say(greeting.how_to_trust(settings))
        if (told := _how_to_begin(settings)) is not None:
            say(told)

    try:
        children = parts.of(settings, handed_down)
    except janus.JanusRefused as error:
        raise StartRefused(str(error)) from None
    return Supervisor(
        children,
        settings.run,
        prepare=prepare,
        log_dir=log_dir,
        probe=lambda: _answers(settings, "/readyz"),
        on_ready=ready,
    ).run()


def make_seal_key(settings: Settings) -> None:
    """The key of the seals is made where there is none. Raises StartRefused."""
    try:
        seal_key.ensure(settings, datetime.now(UTC))
    except SignerUnusable as error:
        raise StartRefused(str(error)) from None


def _check_seal_key(settings: Settings) -> None:
    """One that was set is looked at before anything starts; a device may be plugged in later."""
    try:
        if not settings.seal_signer:
            seal_key.of(settings).load()
    except SignerUnusable as error:
        raise StartRefused(str(error)) from None


def _check_certificate(settings: Settings) -> None:
    """A certificate that was given is looked at before anything starts."""
    pair = certificate.pair_of(settings)
    if pair is not None and not settings.own_authority:
        try:
            certificate.check(pair, urlsplit(settings.public_url).hostname or "", datetime.now(UTC))
        except certificate.CertificateRefused as error:
            raise StartRefused(str(error)) from None


def _check_socket_paths(settings: Settings) -> None:
    longest = str(parts.longest_socket(settings))
    if len(longest.encode()) > SOCKET_PATH_BYTES:
        told = f"this path is too long for the sockets below it ({len(longest)} of {SOCKET_PATH_BYTES} characters)"
        raise StartRefused(f"DISPATCH_DATA={settings.data}: {told}")


def _answers(settings: Settings, path: str) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}{path}", timeout=0.5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _how_to_begin(settings: Settings) -> str | None:
    """Where a new site gets its first administrator, while it has none."""
    from dispatch.identity import first_run  # behind the start: the parts need not wait for it
    from dispatch.store.database import Database, DatabaseUnavailable

    async def due() -> bool:
        db = await Database.open(settings)
        try:
            return await first_run.is_due(db)
        finally:
            await db.close()

    try:
        if not asyncio.run(due()):
            return None
    except DatabaseUnavailable as error:
        raise StartRefused(str(error)) from None
    return f"dispatch: nobody may sign in yet: open {settings.public_url}/first-run, set-up code {first_run.code(settings.secrets)}"
