"""Janus as the media engine: which Janus each media worker drives, with which secrets, and how one is started on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from rooms.media.janus import configuration
from rooms.media.janus.configuration import NoJanus, Secrets

if TYPE_CHECKING:
    from dispatch.settings import Settings

EVERY_ADDRESS = ("::", "0.0.0.0")  # noqa: S104  compared, not bound


class JanusRefused(Exception):
    """Janus cannot be the engine like this; the text is one line that says what to set or install."""


@dataclass(frozen=True, slots=True)
class JanusNode:
    """A Janus: the WebSockets of its API and its admin API. `own`: the server starts it; `api_port`, `rtp_ports`: with these ports."""

    name: str
    url: str
    admin_url: str
    own: bool
    api_port: int = 0
    rtp_ports: tuple[int, int] = (0, 0)


def nodes(settings: Settings) -> Sequence[JanusNode]:
    """The Janus of each media worker, in order."""
    if settings.janus_urls:
        pairs = zip(settings.janus_addresses, settings.janus_admin_addresses, strict=True)
        return [JanusNode(_name(number), url, admin, own=False) for number, (url, admin) in enumerate(pairs, 1)]
    found = []
    first, last = settings.janus_port_range
    share = (last - first + 1) // settings.media_workers
    for number in range(1, settings.media_workers + 1):
        api_port = settings.janus_port + 2 * (number - 1)
        rtp_ports = (first + share * (number - 1), first + share * number - 1)
        url, admin = f"ws://127.0.0.1:{api_port}", f"ws://127.0.0.1:{api_port + 1}"
        found.append(JanusNode(_name(number), url, admin, True, api_port, rtp_ports))
    return found


def _name(number: int) -> str:
    return "janus" if number == 1 else f"janus-{number}"


def secrets_folder(settings: Settings) -> Path:
    """Where the secrets of Janus are: one file each, ``api``, ``admin`` and ``room``."""
    return settings.janus_secrets or settings.secrets / "janus"


def read_secrets(settings: Settings) -> Secrets:
    """The secrets; made at the first start where no other place is set. Raises :class:`JanusRefused`."""
    folder = secrets_folder(settings)
    if settings.janus_secrets is None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in configuration.SECRETS:
            path = folder / name
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(secrets.token_hex(24) + "\n", encoding="utf-8")
    try:
        return configuration.read_secrets(folder)
    except (OSError, ValueError) as error:
        raise JanusRefused(f"DISPATCH_JANUS_SECRETS={folder}: {error}") from None


def check(settings: Settings) -> None:
    """Refuse, before anything is started, what cannot work; secrets are made where they are missing. Raises :class:`JanusRefused`."""
    read_secrets(settings)
    look(settings)


def look(settings: Settings) -> None:
    """Whether Janus can be the engine, secrets aside; makes nothing. Raises :class:`JanusRefused`."""
    if settings.janus_urls:
        return
    try:
        configuration.installed()
    except NoJanus as error:
        raise JanusRefused(f"DISPATCH_ENGINE=janus, but {error}") from None
    if not _taken_on(settings):
        raise JanusRefused(
            f"DISPATCH_ENGINE=janus, but Janus takes media on no loopback address, and of DISPATCH_MEDIA_ADDRESS={settings.media_address}"
            " no other is of IPv4: name this machine's address in its network"
        )


def _usable(addresses: Sequence[str]) -> list[str]:
    return [a for a in addresses if (ip := ip_address(a)).version == 4 and not ip.is_loopback]


def _taken_on(settings: Settings) -> str:
    """The addresses on which media is taken, with commas: behind address translation DISPATCH_MEDIA_BIND, else those that browsers
    are told; "" if Janus can take none of them."""
    bound = settings.media_bind
    return ",".join(_usable(settings.media_addresses if bound in EVERY_ADDRESS else (bound,)))


def command(settings: Settings, number: int) -> list[str]:
    """Write the configuration of one Janus of our own, counted from 1; returns its command line. Raises :class:`JanusRefused`."""
    if settings.engine != "janus":
        raise JanusRefused(f"DISPATCH_ENGINE={settings.engine}: there is no Janus to start")
    node = nodes(settings)[number - 1]
    if not node.own:
        raise JanusRefused("DISPATCH_JANUS_URLS names a Janus that runs elsewhere: there is none to start here")
    check(settings)
    folder = settings.run.resolve() / node.name
    taken_on = _taken_on(settings)
    told = ",".join(_usable(settings.media_addresses))
    named = told if told != taken_on else ""
    configuration.write(folder, read_secrets(settings), node.api_port, node.api_port + 1, taken_on, node.rtp_ports, named)
    return ["janus", "-F", str(folder), "-o", "-N"]
