"""What every answer carries, and what signing in withstands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from dispatch import audit
from tests.dispatch.web.conftest import PASSWORD, Site

PAGES = ("/sign-in", "/device", "/no-such-page", "/booking", "/healthz")


@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_carries_the_policy(site: Site, path: str) -> None:
    answer = await site.visitor().get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert len(answer.headers["X-Request-Id"]) == 12
    assert "Strict-Transport-Security" not in answer.headers  # the site is reached by http here


async def test_no_page_has_a_script_or_style_of_its_own(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    for path in ("/booking", f"/booking?sitting={sitting}", "/sittings/new", f"/sittings/{sitting}", "/today", "/rooms"):
        text = await clerk.page(path)
        assert " style=" not in text, path
        assert "<style" not in text, path
        assert " onclick=" not in text, path
        for part in text.split("<script")[1:]:
            assert " src=" in part.split(">")[0] or 'type="application/json"' in part.split(">")[0], path


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    visitor = site.visitor()
    await visitor.page("/sign-in")
    answer = await visitor.post("/sign-in", {"name": "clerk", "password": PASSWORD})
    cookie = next(value for value in answer.headers.getall("Set-Cookie") if value.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_five_wrong_passwords_lock_the_account_for_half_an_hour(site: Site) -> None:
    visitor = site.visitor()
    await visitor.page("/sign-in")
    for _ in range(5):
        answer = await visitor.post("/sign-in", {"name": "clerk", "password": "wrong"})
        assert answer.status == 403
        assert 'value="clerk"' in await answer.text()  # what was typed stays
    locked = await visitor.post("/sign-in", {"name": "clerk", "password": PASSWORD})
    assert locked.status == 403
    site.now += timedelta(minutes=31)
    assert (await visitor.post("/sign-in", {"name": "clerk", "password": PASSWORD})).status == 303
    rows, _total = await audit.list_rows(site.db, action="sign_in")
    assert {"done", "refused", "locked"} <= {row.result for row in rows}
    assert {row.address for row in rows} == {"127.0.0.1"}


async def test_signing_out_ends_the_session_for_whoever_holds_the_cookie(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    token = next(cookie.value for cookie in clerk.session.cookie_jar if cookie.key == "session")
    assert (await clerk.post("/sign-out")).status == 303
    thief = site.visitor()
    answer = await thief.get("/booking", headers={"Cookie": f"session={token}"})
    assert answer.headers["Location"].startswith("/sign-in")


async def test_a_foreign_visitor_cookie_makes_no_token(site: Site) -> None:
    visitor = site.visitor()
    await visitor.page("/sign-in")
    other = site.visitor()
    await other.page("/sign-in")
    answer = await visitor.session.post("/sign-in", data={"_csrf": other.token, "name": "clerk", "password": PASSWORD})
    assert answer.status == 403


async def test_the_log_holds_no_link(site: Site) -> None:
    with capture_logs() as lines:
        await site.visitor().get("/join/Zp3kq8x_5w7vA2bnTq9rYcLd0e1fGhIjKlMnOpQrSt")
    assert [line["path"] for line in lines if line["event"] == "request"] == ["/join/***"]


async def test_too_large_a_body_is_refused_in_words(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.post("/sittings/new", {"title": "x" * 3_000_000})
    assert answer.status == 413


async def test_an_error_page_shows_the_number_of_the_request(site: Site) -> None:
    answer = await site.visitor().get("/no-such-page")
    assert answer.status == 404
    assert answer.headers["X-Request-Id"] in await answer.text()


async def test_health_says_alive_and_names_what_is_missing(site: Site) -> None:
    visitor = site.visitor()
    assert (await visitor.get("/healthz")).status == 200
    ready = await visitor.get("/readyz")
    assert ready.status in (200, 503)
    assert "database" not in (await ready.json())["missing"]
    assert "text/plain" in (await visitor.get("/metrics")).headers["Content-Type"]


async def test_static_files_are_kept_by_their_build_only(site: Site) -> None:
    visitor = site.visitor()
    text = await visitor.page("/sign-in")
    path = text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in (await visitor.get(path)).headers["Cache-Control"]
    old = path.replace(path.split("/")[2], "0" * 12)
    assert (await visitor.get(old)).headers["Cache-Control"] == "no-cache"
    assert (await visitor.get(f"/static/{'0' * 12}/..%2f..%2fpyproject.toml")).status == 404


async def test_what_pages_load_of_others_is_served_with_them(site: Site) -> None:
    visitor = site.visitor()
    build = (await visitor.page("/sign-in")).split("/static/")[1].split("/")[0]
    library = await visitor.get(f"/static/{build}/lib/leaflet/leaflet.js")
    assert "immutable" in library.headers["Cache-Control"]
    assert "javascript" in library.content_type
    assert "export" in await library.text()
    assert (await visitor.get(f"/static/{build}/lib/leaflet/package.json")).status == 404


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "登录"), ("en", "Sign in")])
async def test_pages_answer_in_the_language_of_the_browser(site: Site, language: str, word: str) -> None:
    text = await site.visitor(language).page("/sign-in")
    assert f'<html lang="{language}"' in text
    assert word in text


async def test_the_switch_keeps_page_and_day(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.get("/booking?day=2026-11-25&language=zh-CN")
    assert answer.headers["Location"] == "/booking?day=2026-11-25"
    assert "排期" in await clerk.page("/booking?day=2026-11-25")
