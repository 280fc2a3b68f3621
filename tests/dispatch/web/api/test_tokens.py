"""Tokens of programs: made and revoked on the administrator's page, shown once, and good for the API alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.identity import programs
from dispatch.identity.tokens import token_hash
from dispatch.store.tables import ApiToken, AuditRow
from dispatch.web.access import ALL_ROLES
from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import Person, Site

FORM = {"name": "Case management", "role": "clerk", "days": "30"}
SECRET = re.compile(r"dispatch_[\w-]{43}")


async def made_on_the_page(administrator: Person, **changes: str) -> str:
    """The token that the page shows."""
    await administrator.page("/programs")
    answer = await administrator.post("/programs", FORM | changes)
    assert answer.status == 200, await answer.text()
    shown: set[str] = set(SECRET.findall(await answer.text()))
    assert len(shown) == 1
    return shown.pop()


async def asked(site: Site, token: str, path: str = "/api/v1/rooms") -> int:
    """What the bearer of a token meets."""
    return (await site.visitor().get(path, headers={"Authorization": f"Bearer {token}"})).status


async def test_a_token_is_shown_once_and_kept_by_its_hash(site: Site) -> None:
    administrator = await site.signed_in("administrator")
    token = await made_on_the_page(administrator)
    assert await asked(site, token) == 200
    assert not SECRET.search(await administrator.page("/programs"))
    async with site.db.reader() as session:
        kept = (await session.scalars(select(ApiToken))).one()
        noted = (await session.scalars(select(AuditRow).where(AuditRow.action == "api_token_made"))).one()
    assert kept.token_hash == token_hash(token.removeprefix("dispatch_"))
    assert token not in str(vars(kept))
    assert (noted.subject, noted.actor) == ("Case management", "Administrator")


async def test_a_revoked_token_is_refused_from_the_next_request_on(site: Site) -> None:
    administrator = await site.signed_in("administrator")
    token = await made_on_the_page(administrator)
    other = await made_on_the_page(administrator)
    page = await administrator.page("/programs")
    async with site.db.reader() as session:
        row = await session.scalar(select(ApiToken).where(ApiToken.token_hash == token_hash(token.removeprefix("dispatch_"))))
    assert row is not None
    assert f'action="/programs/{row.id}/revoke"' in page
    assert (await administrator.post(f"/programs/{row.id}/revoke")).status == 303
    assert (await asked(site, token), await asked(site, other)) == (401, 200)
    assert "Revoked" in await administrator.page("/programs")
    assert (await administrator.post(f"/programs/{row.id}/revoke")).status == 303
    async with site.db.reader() as session:
        assert len((await session.scalars(select(AuditRow).where(AuditRow.action == "api_token_revoked"))).all()) == 1


async def test_a_token_ends_on_its_day(site: Site, program: Programs) -> None:
    clerk = await program("clerk", days=1)
    await clerk.get("/rooms")
    site.now += timedelta(days=1)
    assert (await clerk.ask("GET", "/rooms"))[1]["code"] == "token_unknown"


async def test_the_page_says_when_a_token_was_last_used(site: Site, program: Programs) -> None:
    administrator = await site.signed_in("administrator")
    clerk = await program("clerk")
    assert "never" in await administrator.page("/programs")
    site.now += timedelta(hours=1)
    await clerk.get("/rooms")
    assert "24 Nov 2026 10:30" in await administrator.page("/programs")


@pytest.mark.parametrize("bad", [{"name": " "}, {"name": "x" * 81}, {"role": "judge"}, {"days": "0"}, {"days": "9999"}, {"days": "²"}])
async def test_a_token_that_cannot_be_made_keeps_what_was_typed(site: Site, bad: dict[str, str]) -> None:
    administrator = await site.signed_in("administrator")
    await administrator.page("/programs")
    answer = await administrator.post("/programs", FORM | bad)
    text = await answer.text()
    assert answer.status == 422
    assert f'id="{next(iter(bad))}-error-1"' in text
    assert not SECRET.search(text)
    assert "name" in bad or 'value="Case management"' in text


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "程序接入"), ("en", "Programs")])
async def test_the_page_is_there_in_both_languages_for_the_administrator_alone(site: Site, language: str, words: str) -> None:
    administrator = await site.signed_in("administrator")
    assert f"<h1>{words}</h1>" in await administrator.page(f"/programs?language={language}")
    assert (await (await site.signed_in("clerk")).get("/programs")).status == 403


@pytest.mark.parametrize("header", ["Bearer x", "bearer ", "Bearer dispatch_" + "A" * 43, "Bearer \udcff", "BEARER dispatch_é"])
async def test_a_token_that_is_none_is_refused_and_no_cookie_stands_in_for_it(site: Site, header: str) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.get("/api/v1/rooms", headers={"Authorization": header})
    assert (answer.status, (await answer.json())["code"]) == (401, "token_unknown")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


async def test_without_a_token_and_without_a_session_nobody_is_let_in(program: Programs) -> None:
    nobody = await program()
    status, refused, answer = await nobody.ask("GET", "/sittings")
    assert (status, refused["code"], answer.headers["WWW-Authenticate"]) == (401, "token_missing", 'Bearer realm="api"')
    assert "Set-Cookie" not in answer.headers


async def test_a_token_opens_no_page(site: Site, program: Programs) -> None:
    administrator = await program("administrator")
    for path in ("/users", "/programs", "/audit", "/booking"):
        answer = await site.visitor().get(path, headers={"Authorization": f"Bearer {administrator.token}"})
        assert answer.status == 303, path


async def test_a_program_needs_no_page_token_and_a_browser_does(site: Site, program: Programs) -> None:
    await (await program("clerk")).made("/sittings", order(site))
    clerk = await site.signed_in("clerk")
    path, body = "/api/v1/sittings", order(site, "16:00", "17:00")
    refused = await clerk.session.post(path, json=body)
    assert (refused.status, (await refused.json())["code"]) == (403, "not_yours")
    foreign = await clerk.session.post(path, json=body, headers={"X-CSRF-Token": clerk.token, "Origin": "https://evil.example"})
    assert foreign.status == 403
    assert (await clerk.session.post(path, json=body, headers={"X-CSRF-Token": "\udcff"})).status == 403
    assert (await clerk.send(path, body)).status == 201


def test_a_program_has_no_role_of_the_bench() -> None:
    assert set(programs.ROLES) < set(ALL_ROLES)
    assert not {"judge", "prosecutor"} & set(programs.ROLES)
