"""How a site is reached: its ports, its certificate, its public address, and where media is sent to."""

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from dispatch.operations import authority, certificate
from dispatch.operations.findings import Finding, mend, note, ok
from dispatch.settings import is_loopback
from rooms.media.forwarding.address import bound

if TYPE_CHECKING:
    from dispatch.settings import Settings

LIMIT_S = 10.0
WARN_BEFORE = timedelta(days=14)
"""How long before its end a given certificate is spoken of; our own is renewed earlier than that."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers at the site's own port. `ready`: what /readyz misses; None where nobody, or somebody else, answers."""

    missing: tuple[str, ...] | None

    @property
    def running(self) -> bool:
        """Whether the server of these settings runs."""
        return self.missing is not None


def serving(settings: Settings) -> Serving:
    """Ask the site's own port whether our server is there."""
    try:
        with _opened(f"http://{_own_host(settings)}:{settings.port}/readyz") as answer:
            ours, body = answer.headers["Server"] == "dispatch", answer.read()
    except urllib.error.HTTPError as error:  # 503 while something is missing
        ours, body = error.headers["Server"] == "dispatch", error.read()
    except OSError:
        return Serving(None)
    try:
        return Serving(tuple(json.loads(body)["missing"]) if ours else None)
    except (ValueError, KeyError, TypeError):
        return Serving(None)


def server(found: Serving) -> Finding:
    """Whether it runs, and lacks nothing."""
    if found.missing is None:
        return ok("server", "stopped")
    return mend("server", "not_ready", missing=", ".join(found.missing)) if found.missing else ok("server", "running")


def ports(settings: Settings, found: Serving) -> Iterator[Finding]:
    """TCP for pages, UDP for media: ours while the server runs, else free to take."""
    wanted = [("tcp", settings.host, settings.port, "DISPATCH_PORT")]
    if settings.has_certificate:
        wanted.append(("tcp", settings.host, settings.tls_port, "DISPATCH_TLS_PORT"))
    if settings.engine == "embedded":  # Janus takes ports of its range as people come
        wanted += [("udp", settings.media_bind, port, "DISPATCH_UDP_PORT") for port in settings.udp_ports]
    for kind, host, port, setting in wanted:
        about = {"kind": kind.upper(), "at": f"{host}:{port}", "setting": setting}
        failed = _bind(kind, host, port)
        if found.running:
            # A port below 1024 cannot be tried by everybody; and where the engine is down, "server" says so.
            held = failed == errno.EADDRINUSE or (failed == errno.EACCES and (kind == "udp" or _accepts(host, port)))
            held = held or (kind == "udp" and "engine" in (found.missing or ()))
            yield ok("port", "held", **about) if held else mend("port", "elsewhere", **about)
        elif failed is None:
            yield ok("port", "free", **about)
        elif failed == errno.EADDRINUSE:
            yield mend("port", "taken", **about)
        elif failed == errno.EACCES:
            yield note("port", "forbidden", **about)
        else:
            yield mend("port", "impossible", why=os.strerror(failed), **about)


def own_certificate(settings: Settings) -> Finding:
    """The certificate that this server serves pages with."""
    item, now = "certificate", datetime.now(UTC)
    pair = certificate.pair_of(settings)
    if pair is None:
        return ok(item, "none")
    if settings.own_authority and not pair.certificate.exists():
        return ok(item, "absent", address=settings.lan)
    try:
        host = urlsplit(settings.public_url).hostname or ""
        found = certificate.check(pair, settings.lan if settings.own_authority else host, now)
        known = authority.authority_of(settings.secrets) if settings.own_authority else None
    except (certificate.CertificateRefused, authority.AuthorityUnusable) as error:
        return note(item, "remade", why=error) if settings.own_authority else mend(item, "refused", why=error)
    until = f"{found.not_valid_after_utc:%Y-%m-%d}"
    if known is not None:
        return ok(item, "own", until=until, fingerprint=authority.fingerprint(known))
    if found.not_valid_after_utc - now < WARN_BEFORE:
        return mend(item, "ends", until=until)
    return ok(item, "well", until=until)


def public_address(settings: Settings, found: Serving) -> Finding:
    """Whether links lead to this server, by a way that lets people use camera and microphone."""
    item, url = "public_url", settings.public_url
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme == "http" and not is_loopback(host):
        return mend(item, "plain", url=url)
    if parts.scheme == "https" and not (settings.has_certificate or settings.behind_proxy):
        return mend(item, "nobody_ends_tls", url=url)
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        return mend(item, "unresolved", url=url, host=host)
    if found.running:
        return _asked(settings, url)
    expected = settings.tls_port if parts.scheme == "https" else settings.port
    if not settings.behind_proxy and port != expected:
        return note(item, "another_port", url=url, expected=expected)
    return note(item, "here", url=url) if is_loopback(host) else ok(item, "untried", url=url)


def _asked(settings: Settings, url: str) -> Finding:
    item = "public_url"
    try:
        with _opened(f"{url}/healthz", settings) as answer:
            ours = answer.headers["Server"] == "dispatch" or (settings.behind_proxy and b'"ok"' in answer.read())
    except urllib.error.HTTPError as error:
        return mend(item, "other", url=url, why=error.code)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            return mend(item, "untrusted", url=url, why=error.reason.verify_message)
        return _unreached(url, error.reason if isinstance(error.reason, OSError) else error)
    except OSError as error:
        return _unreached(url, error)
    if not ours:
        return mend(item, "other", url=url, why=200)
    return note(item, "here", url=url) if is_loopback(urlsplit(url).hostname or "") else ok(item, "well", url=url)


def _unreached(url: str, error: OSError) -> Finding:
    if isinstance(error, TimeoutError):  # some firewalls let nobody inside use the outside address
        return note("public_url", "silent", url=url)
    return mend("public_url", "unreached", url=url, why=os.strerror(error.errno) if error.errno else error)


def media_address(settings: Settings) -> Finding:
    """Whether browsers that open the links can send media here."""
    item, address = "media", ", ".join(settings.media_addresses)
    elsewhere = not is_loopback(urlsplit(settings.public_url).hostname or "")
    if elsewhere and all(is_loopback(a) for a in settings.media_addresses):
        return mend(item, "loopback", address=address)
    others = [a for a in settings.media_addresses if _bind("udp", a, 0) is not None]
    if others:
        return note(item, "forwarded", address=", ".join(others), port=_span(settings.media_ports))
    return ok(item, "well", address=address, port=_span(settings.media_ports))


def _span(ports: Sequence[int]) -> str:
    return str(ports[0]) if len(ports) == 1 else f"{ports[0]}–{ports[-1]}"


def _own_host(settings: Settings) -> str:
    host = _reached_at(settings.host)
    return f"[{host}]" if ":" in host else host


def _reached_at(host: str) -> str:
    """The address at which the machine itself reaches what listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((_reached_at(host), port), timeout=LIMIT_S).close()
    except OSError:
        return False
    return True


def _opened(url: str, settings: Settings | None = None) -> HTTPResponse:
    """The answer of an address, asked straight, past any proxy of the environment. Raises OSError."""
    own = str(settings.secrets / "authority.crt") if settings is not None and settings.own_authority else None
    trusting = ssl.create_default_context(cafile=own)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    return cast("HTTPResponse", opener.open(url, timeout=LIMIT_S))


def _bind(kind: str, host: str, port: int) -> int | None:
    """Take the port for a moment; the error number where that is not possible."""
    try:
        if kind == "udp":
            bound(host, port).close()
        else:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((host, port))
                trial.listen(1)
    except OSError as error:
        return error.errno or errno.EINVAL
    return None
