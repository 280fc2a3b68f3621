"""The whole server with a certificate: one of its own authority for the local network, or one that was given."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch.operations.authority import certify
from tests.browser.site import Site, free_port, until
from tests.test_server import one_line, server

LAN = "127.0.0.9"
"""Stands for the address in the local network; the certificate names it and nothing else does."""
WAITS_S = 120
"""So long an answer is waited for: a web process without a spare starts anew, on whatever machine."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site begun by ``serve --lan``, which its other devices reach at LAN."""
    tls_port = str(free_port(socket.SOCK_STREAM))
    site = Site(tmp_path_factory.mktemp("lan") / "var", settings={"TLS_PORT": tls_port, "PUBLIC_URL": ""}, options=("--lan", LAN))
    made = server("user", "add", "zhao", "--role", "clerk", DATA=str(site.data))
    assert made.returncode == 0, made.stderr
    try:
        site.start()
        until(lambda: "SHA-256" in (site.data / "server.out").read_text(), 10, "it says how to trust it")
        yield site
    finally:
        site.stop()


def asked(site: Site, path: str, *, host: str = LAN, trusting: bool = True, method: str = "GET") -> http.client.HTTPResponse:
    """An answer over https, as a device gets it that trusts the authority, or one that does not."""
    context = ssl.create_default_context(cafile=str(site.data / "secrets" / "authority.crt") if trusting else None)
    connection = http.client.HTTPSConnection(host, int(site.settings["TLS_PORT"]), timeout=WAITS_S, context=context)
    connection.request(method, path, headers={"Accept-Language": "en"})
    answer = connection.getresponse()
    answer.read()
    return answer


def test_a_device_that_trusts_the_authority_gets_pages(site: Site) -> None:
    answer = asked(site, "/sign-in")
    assert answer.status == 200
    assert "Secure" in (answer.headers["Set-Cookie"] or "")
    assert asked(site, "/sign-in", host="127.0.0.1").status == 200, "the server's own machine opens the same pages"


def test_a_device_that_does_not_is_warned(site: Site) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        asked(site, "/sign-in", trusting=False)


def test_the_start_says_where_devices_come_and_which_fingerprint_they_must_see(site: Site) -> None:
    said = (site.data / "server.out").read_text()
    assert f"ready at https://{LAN}:{site.settings['TLS_PORT']}\n" in said
    assert f"http://{LAN}:{site.port}/trust" in said
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(site.data / "secrets" / "authority.crt"), "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert shown.partition("=")[2] in said


def test_media_goes_to_the_address_in_the_local_network(site: Site) -> None:
    command = Path(f"/proc/{site.pid('engine')}/cmdline").read_bytes().split(b"\0")
    assert command[command.index(b"--address") + 1] == LAN.encode()


def test_browsers_wait_at_both_ports_while_the_web_process_is_replaced(site: Site) -> None:
    former = {"web": site.pid("web")}
    os.kill(former["web"], signal.SIGKILL)
    assert asked(site, "/healthz").status == 200, "a connection was refused"
    assert site.restarted(former)
    certificate = (site.data / "secrets" / "server.crt").read_bytes()
    until(lambda: site.answers("/readyz"), 30, "the server is ready again")
    assert (site.data / "secrets" / "server.crt").read_bytes() == certificate


def given(tmp_path: Path, now: datetime) -> dict[str, str]:
    """Settings of a server whose certificate for 127.0.0.1 was issued at `now`."""
    certify(tmp_path / "issued", "127.0.0.1", "court", now)
    return {
        "DATA": str(tmp_path / "var"),
        "PORT": str(free_port(socket.SOCK_STREAM)),
        "UDP_PORT": str(free_port(socket.SOCK_DGRAM)),
        "MEDIA_BIND": "127.0.0.1",
        "PUBLIC_URL": "https://127.0.0.1",
        "TLS_CERTIFICATE": str(tmp_path / "issued" / "server.crt"),
        "TLS_KEY": str(tmp_path / "issued" / "server.key"),
    }


def test_an_expired_certificate_stops_the_start(tmp_path: Path) -> None:
    line = one_line(server("serve", **given(tmp_path, datetime.now(UTC) - timedelta(days=500))))
    assert "DISPATCH_TLS_CERTIFICATE" in line
    assert "expired" in line


def test_a_certificate_of_another_site_stops_the_start(tmp_path: Path) -> None:
    settings = given(tmp_path, datetime.now(UTC)) | {"PUBLIC_URL": "https://court.example"}
    assert "not for court.example" in one_line(server("serve", **settings))


def test_a_key_of_another_certificate_stops_the_start(tmp_path: Path) -> None:
    certify(tmp_path / "other", "127.0.0.1", "court", datetime.now(UTC))
    settings = given(tmp_path, datetime.now(UTC)) | {"TLS_KEY": str(tmp_path / "other" / "server.key")}
    assert "DISPATCH_TLS_KEY" in one_line(server("serve", **settings))


def test_a_certificate_without_its_key_or_without_https_stops_the_start(tmp_path: Path) -> None:
    settings = given(tmp_path, datetime.now(UTC))
    assert "DISPATCH_TLS_KEY is missing" in one_line(server("serve", **(settings | {"TLS_KEY": ""})))
    assert "DISPATCH_PUBLIC_URL=http://127.0.0.1 " in one_line(server("serve", **(settings | {"PUBLIC_URL": "http://127.0.0.1"})))


def test_the_port_of_https_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        line = one_line(server("serve", **(given(tmp_path, datetime.now(UTC)) | {"TLS_PORT": port})))
    assert f"127.0.0.1:{port}" in line
    assert "DISPATCH_TLS_PORT" in line


@pytest.mark.parametrize("address", ["http://court.lan", "0.0.0.0", "court lan"])
def test_what_is_no_address_stops_the_start(tmp_path: Path, address: str) -> None:
    assert f"DISPATCH_LAN={address}" in one_line(server("serve", "--lan", address, DATA=str(tmp_path / "var")))
