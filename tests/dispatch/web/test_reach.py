"""Pages that show links say how far they carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.settings import Settings, is_loopback
from dispatch.web.reach import Reach, reach_of
from tests.dispatch.web.conftest import Site

TRUST = "http://192.168.7.20:8080/trust"


@pytest.fixture(params=["http://127.0.0.1:8080", "http://192.168.7.20:8080"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    return Settings(data=tmp_path, public_url=request.param)


async def test_the_clerk_is_told_where_links_and_codes_do_not_open(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    sitting = await site.booked(clerk)
    public_url = site.context.settings.public_url
    assert f"{public_url}/join/" in await clerk.page(f"/sittings/{sitting}")
    for path in (f"/sittings/{sitting}", "/rooms"):
        text = await clerk.page(path)
        assert ("open on this computer only" in text) == ("127.0.0.1" in public_url), path
        assert ("do not begin with https" in text) == ("192.168" in public_url), path


@pytest.mark.parametrize(
    ("settings_of_a_site", "reach"),
    [
        (Settings(), Reach("here")),
        (Settings(public_url="https://localhost:8443"), Reach("here")),
        (Settings(public_url="http://court.lan"), Reach("plain")),
        (Settings(public_url="https://court.example"), Reach("all")),
        (Settings(lan="192.168.7.20"), Reach("trusting", TRUST)),
        (Settings(lan="192.168.7.20", port=80), Reach("trusting", "http://192.168.7.20/trust")),
        (Settings(lan="192.168.7.20", tls_certificate=Path("c.pem"), tls_key=Path("k.pem")), Reach("all")),
    ],
    ids=["as installed", "localhost", "plain http", "a public site", "a local network", "port 80", "a given certificate"],
)
def test_how_far_links_carry_follows_from_the_settings(settings_of_a_site: Settings, reach: Reach) -> None:
    assert reach_of(settings_of_a_site) == reach


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("court.lan", False)],
)
def test_what_only_the_computer_itself_reaches(host: str, own: bool) -> None:
    assert is_loopback(host) == own
