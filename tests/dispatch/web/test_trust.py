"""A site with an authority of its own in the local network: what plain http still answers, and how a device comes to trust it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from dispatch.operations.authority import certify, fingerprint
from dispatch.settings import Settings
from dispatch.web.trust import IN_ORDER, system_of
from tests.dispatch.web.conftest import Site

ADDRESS = "192.168.7.20"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, lan=ADDRESS)


@pytest.fixture
def authority(settings: Settings) -> x509.Certificate:
    return certify(settings.secrets, ADDRESS, "京州市云河区人民法院", datetime.now(UTC)).authority


async def test_pages_asked_for_by_plain_http_go_on_to_https(site: Site) -> None:
    visitor = site.visitor()
    for path in ("/", "/sign-in", "/booking?day=2026-11-25", "/join/Zp3kq8x_5w7vA2bnTq9rYcLd0e1fGhIjKlMnOpQrSt", "/no-such-page"):
        answer = await visitor.get(path)
        assert (answer.status, answer.headers["Location"]) == (307, f"https://{ADDRESS}:8443{path}")
        assert "Set-Cookie" not in answer.headers


async def test_a_password_sent_by_plain_http_signs_nobody_in(site: Site) -> None:
    answer = await site.visitor().post("/sign-in", {"name": "clerk", "password": "Yunhe-2026"})
    assert answer.status == 307


async def test_a_socket_by_plain_http_is_refused(site: Site) -> None:
    answer = await site.visitor().get("/ws/sittings/0123456789abcdef", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert answer.status == 403


async def test_what_machines_ask_is_answered(site: Site) -> None:
    visitor = site.visitor()
    assert (await visitor.get("/healthz")).status == 200
    assert (await visitor.get("/metrics")).status == 200


async def test_the_page_shows_the_fingerprint_and_offers_the_authority(site: Site, authority: x509.Certificate) -> None:
    visitor = site.visitor()
    text = await visitor.page("/trust")
    shown = fingerprint(authority).split(":")
    for start in range(0, 32, 8):
        assert " ".join(shown[start : start + 8]) in text
    der = await (await visitor.session.get("/trust/authority.crt")).read()
    pem = await (await visitor.session.get("/trust/authority.pem")).read()
    assert x509.load_der_x509_certificate(der) == x509.load_pem_x509_certificate(pem) == authority
    assert b"PRIVATE" not in pem


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "让本设备信任本院站点"), ("en", "Let this device trust the site")])
async def test_the_page_says_what_to_do_on_each_system(site: Site, authority: x509.Certificate, language: str, words: str) -> None:
    assert authority is not None
    text = await site.visitor(language).page("/trust", headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"})
    assert words in text
    assert text.count("<details") == len(IN_ORDER)
    assert text.index("iPhone") < text.index("Windows"), "the visitor's own system comes first"
    assert "trust." not in text.split("<main")[1], "a text is missing"


async def test_the_language_can_be_switched_by_plain_http(site: Site, authority: x509.Certificate) -> None:
    assert authority is not None
    visitor = site.visitor("en")
    assert "让本设备信任本院站点" in await visitor.page("/trust?language=zh-CN")
    assert "让本设备信任本院站点" in await visitor.page("/trust")


async def test_no_browser_is_told_to_come_by_https_only(site: Site) -> None:
    # It would keep devices from the page that says how to trust the authority.
    assert "Strict-Transport-Security" not in (await site.visitor().get("/trust")).headers


@pytest.mark.parametrize(
    ("agent", "system"),
    [
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 Chrome/114 ArkWeb/4.1 Mobile", "harmonyos"),
        ("Mozilla/5.0 (Linux; Android 12; HarmonyOS; LIO-AN00) AppleWebKit/537.36", "harmonyos"),
        ("Mozilla/5.0 (Linux; Android 14; 23013RK75C) AppleWebKit/537.36", "android"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", "ios"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "macos"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "linux"),
        ("curl/8", ""),
    ],
)
def test_the_visitors_system_is_known(agent: str, system: str) -> None:
    assert system_of(agent) == system
