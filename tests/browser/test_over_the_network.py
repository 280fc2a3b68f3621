"""Joining from another computer: over https by the site's own authority, which the computer trusts; and through nginx."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.async_api import Error, expect

from dispatch import audit
from dispatch.operations.authority import authority_of, certify, fingerprint
from dispatch.sittings import participants as records
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import take_the_chair, to_the_waiting_room
from tests.browser.network import SERVER, VISITOR, Computer, Machine, Network, NetworkSite, presented
from tests.browser.site import SHORT_COURT, TOP, until

needs_certutil = pytest.mark.skipif(shutil.which("certutil") is None, reason="certutil is missing: apt-get install libnss3-tools")
needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is missing: apt-get install nginx")


@pytest.fixture
def proxied_site(network: Network, tmp_path: Path) -> Iterator[NetworkSite]:
    """A site that listens on its machine's loopback alone, and nginx in front of it."""
    issued = tmp_path / "issued"
    certify(issued, SERVER, "court", datetime.now(UTC))
    site = NetworkSite(
        tmp_path / "var",
        settings={"BEHIND_PROXY": "true", "PUBLIC_URL": f"https://{SERVER}", "MEDIA_ADDRESS": SERVER},
        adopts=SHORT_COURT,
        before=network.court.before,
        machine=network.court,
        address=f"https://{SERVER}",
    )
    nginx = None
    try:
        site.start()
        nginx = start_nginx(network.court, tmp_path / "nginx", site.port, issued)
        yield site
    finally:
        if nginx is not None:
            nginx.terminate()
            nginx.wait(10)
        site.stop()


def start_nginx(machine: Machine, folder: Path, port: int, issued: Path) -> subprocess.Popen[bytes]:
    """nginx with deploy/nginx.conf as it is, but for names, files and the server's port."""
    conf = (TOP / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("court.example;", f"{SERVER};"),
        ("/etc/dispatch/tls/certificate.pem", str(issued / "server.crt")),
        ("/etc/dispatch/tls/key.pem", str(issued / "server.key")),
    ):
        assert old in conf, old
        conf = conf.replace(old, new)
    folder.mkdir()
    (folder / "dispatch.conf").write_text(conf, encoding="utf-8")
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{ access_log off;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"include {folder}/dispatch.conf; }}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([*machine.before, "nginx", "-c", str(folder / "nginx.conf")])

    def listens() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        return machine.run(lambda: _accepts(443))

    until(listens, 15, "nginx listens")
    return process


def _accepts(port: int) -> bool:
    with socket.socket() as trial:
        trial.settimeout(1)
        return trial.connect_ex(("127.0.0.1", port)) == 0


async def somebody_may_sign_in(site: NetworkSite) -> None:
    """A site without anybody would show its first-run page instead."""
    court = await Court.open(site)
    await court.person("clerk")
    await court.close()


async def hold_a_hearing(site: NetworkSite, person: PersonFactory) -> tuple[Court, str]:
    """A judge and a party meet from the visitor's computer and see each other; the court, and the party's participant id."""
    court = await Court.open(site)
    held = await court.sitting(parties=(("李明", "party"),))
    judge, li = await person(), await person()
    chair = await take_the_chair(judge, site, held)
    party = await to_the_waiting_room(li, held, "李明")
    for one in (judge, li):
        assert await one.page.evaluate("[location.protocol, isSecureContext]") == ["https:", True]
    await chair.admit("李明")
    await party.until_inside()
    await party.sees(chair.name)
    await chair.sees("李明")
    await judge.page.goto("about:blank")
    return court, held.participants["李明"]


@needs_certutil
async def test_a_computer_that_trusts_the_made_authority_joins_over_the_local_network(
    lan_site: NetworkSite, computer: Computer, person: PersonFactory, tmp_path: Path
) -> None:
    stranger = await person()
    warned = await stranger.context.new_page()
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        await warned.goto(lan_site.url)
    await warned.close()

    # By plain http the computer gets what says how to trust, and nothing else; the browser gives such a page no camera.
    await stranger.page.goto(f"http://{SERVER}:{lan_site.port}/trust")
    assert await stranger.page.evaluate("[isSecureContext, navigator.mediaDevices === undefined]") == [False, True]
    assert await stranger.accessibility_faults() == []
    async with stranger.page.expect_download() as fetching:
        await stranger.page.get_by_role("link", name="下载证书").click()
    fetched = tmp_path / "authority.crt"
    await (await fetching.value).save_as(fetched)
    shown = (await stranger.page.locator(".trust-fingerprint").inner_text()).split()
    assert ":".join(shown) == fingerprint(x509.load_der_x509_certificate(fetched.read_bytes()))
    assert ":".join(shown) in (lan_site.data / "server.out").read_text(), "the start printed another fingerprint"
    await stranger.close()

    computer.trust(fetched)
    court, _ = await hold_a_hearing(lan_site, person)
    await court.close()


@needs_certutil
@needs_nginx
async def test_a_stolen_authority_certifies_no_other_site_in_a_real_browser(
    lan_site: NetworkSite, network: Network, computer: Computer, person: PersonFactory, tmp_path: Path
) -> None:
    """The authority's name constraints, judged by Chromium: a computer that trusts it still refuses a forged other site."""
    from dispatch.operations import authority as making

    own = authority_of(lan_site.data / "secrets")
    key = making._key(lan_site.data / "secrets" / "authority.key")
    assert own is not None
    assert key is not None
    forged, forged_key = making._make_server(own, key, "bank.example", datetime.now(UTC))
    making._write(tmp_path / "server.crt", forged.public_bytes(Encoding.PEM), 0o644)
    making._write(tmp_path / "server.key", making._pem(forged_key), 0o600)
    computer.trust(lan_site.data / "secrets" / "authority.crt")
    nginx = start_nginx(network.court, tmp_path / "nginx", lan_site.port, tmp_path)
    try:
        assert x509.load_der_x509_certificate(presented(network.home, SERVER, 443)) == forged
        victim = await person(flags=(f"--host-resolver-rules=MAP bank.example {SERVER}",))
        warned = await victim.context.new_page()
        with pytest.raises(Error, match=r"ERR_CERT_(INVALID|NAME_CONSTRAINT_VIOLATION)"):
            await warned.goto("https://bank.example/")
        assert (await victim.page.goto(f"{lan_site.url}/trust")) is not None
    finally:
        nginx.terminate()
        nginx.wait(10)


@needs_certutil
@needs_nginx
async def test_joining_through_nginx(proxied_site: NetworkSite, computer: Computer, person: PersonFactory, tmp_path: Path) -> None:
    computer.trust(tmp_path / "issued" / "authority.crt")
    court, participant = await hold_a_hearing(proxied_site, person)
    try:
        assert (await records.get(court.db, participant)).consented_at is not None
        consents, _total = await audit.list_rows(court.db, action="consented")
        assert {row.address for row in consents} == {VISITOR}, "the log does not know where people come from"
    finally:
        await court.close()


@needs_certutil
@needs_nginx
async def test_nginx_leads_from_http_to_https_and_keeps_figures_to_the_machine(
    proxied_site: NetworkSite, computer: Computer, person: PersonFactory, tmp_path: Path
) -> None:
    computer.trust(tmp_path / "issued" / "authority.crt")
    await somebody_may_sign_in(proxied_site)
    visitor = await person()
    await visitor.page.goto(f"http://{SERVER}/sign-in")
    assert visitor.page.url == f"https://{SERVER}/sign-in"
    await expect(visitor.page.locator("input[name=name]")).to_be_visible()
    answer = await visitor.context.request.get(f"https://{SERVER}/metrics", ignore_https_errors=True)
    assert answer.status == 404
    assert proxied_site.answers("/metrics")


@needs_certutil
@needs_nginx
async def test_nobody_passes_for_another_address_by_a_header_of_his_own(
    proxied_site: NetworkSite, computer: Computer, person: PersonFactory, tmp_path: Path
) -> None:
    computer.trust(tmp_path / "issued" / "authority.crt")
    await somebody_may_sign_in(proxied_site)
    visitor = await person()
    await visitor.page.set_extra_http_headers({"X-Forwarded-For": "203.0.113.9"})
    await visitor.page.goto(f"{proxied_site.url}/sign-in")
    await visitor.page.fill("input[name=name]", "nobody")
    await visitor.page.fill("input[name=password]", "wrong")
    await visitor.page.press("input[name=password]", "Enter")
    await expect(visitor.page.locator("main")).to_contain_text(re.compile("密码"))
    court = await Court.open(proxied_site)
    try:
        rows, _total = await audit.list_rows(court.db, action="sign_in")
        assert {row.address for row in rows} == {VISITOR}
    finally:
        await court.close()
