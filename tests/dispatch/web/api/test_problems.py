"""Refusals: each says what is wrong in the language asked for, and whatever is sent, none is a fault of the server's."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from dispatch.web.api.pace import PACE, Pace
from dispatch.web.api.problems import LONGEST_BODY_BYTES, pointer
from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import Site

JSON = {"Content-Type": "application/json"}


async def sent(program: Programs, data: Any, headers: dict[str, str], path: str = "/sittings") -> tuple[int, str]:
    """Status and code of what a clerk's program sends as it is."""
    clerk = await program("clerk")
    answer = await clerk.session.post(f"/api/v1{path}", data=data, headers=headers)
    assert answer.content_type == "application/problem+json"
    found = await answer.json()
    assert found["status"] == answer.status
    return answer.status, str(found["code"])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 30_000, b'"' + b"x" * 9_000])
async def test_a_body_that_is_no_json_is_refused(program: Programs, body: bytes) -> None:
    assert await sent(program, body, JSON) == (400, "json_invalid")


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b"NaN", b'"x"'])
async def test_a_body_that_is_no_object_is_refused(program: Programs, body: bytes) -> None:
    assert await sent(program, body, JSON) == (422, "invalid")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "multipart/form-data"])
async def test_a_body_of_another_media_type_is_refused(site: Site, program: Programs, media_type: str) -> None:
    body = json.dumps(order(site)).encode()
    assert await sent(program, body, {"Content-Type": media_type}) == (415, "media_type")


async def test_a_body_that_is_too_long_is_not_read(program: Programs) -> None:
    long = b'{"title": "' + b"x" * LONGEST_BODY_BYTES + b'"}'

    async def without_a_length() -> Any:
        for _ in range(40):
            yield long[:4096]
            await asyncio.sleep(0)

    assert await sent(program, long, JSON) == (413, "body_too_large")
    assert await sent(program, without_a_length(), JSON) == (413, "body_too_large")
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < LONGEST_BODY_BYTES
    assert await sent(program, packed, JSON | {"Content-Encoding": "gzip"}) == (413, "body_too_large")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_body_that_only_claims_to_be_compressed_is_refused(program: Programs, encoding: str) -> None:
    clerk = await program("clerk")
    answer = await clerk.session.post("/api/v1/sittings", data=b"{}garbage", headers=JSON | {"Content-Encoding": encoding})
    assert answer.status == 400


async def test_what_is_sent_compressed_is_read(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    body = gzip.compress(json.dumps(order(site)).encode())
    answer = await clerk.session.post("/api/v1/sittings", data=body, headers=JSON | {"Content-Encoding": "gzip"})
    assert answer.status == 201


async def test_a_method_that_an_address_does_not_have_is_refused_with_those_it_has(program: Programs) -> None:
    clerk = await program("clerk")
    for method in ("DELETE", "PUT", "TRACE", "PROPFIND"):
        status, refused, answer = await clerk.ask(method, "/sittings")
        assert (status, refused["code"], answer.headers["Allow"]) == (405, "method_unknown", "GET, POST"), method


@pytest.mark.parametrize(
    "path", ["/nothing", "/sittings/", "/sittings/a/b", "/rooms/%00", "/people/%ff", "/recordings/..%2f..%2fetc", "/" + "x" * 4000]
)
async def test_an_address_that_is_none_is_not_found(program: Programs, path: str) -> None:
    administrator = await program("administrator")
    answer = await administrator.session.get(f"/api/v1{path}")
    assert answer.status in (403, 404)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_refusals_speak_the_language_asked_for(site: Site, program: Programs, language: str) -> None:
    clerk = await program("clerk", language=language)
    await clerk.made("/sittings", order(site))
    status, refused, answer = await clerk.ask("POST", "/sittings", order(site, case_number="（2026）京0105民初32号"))
    assert (status, answer.headers["Content-Language"]) == (409, language)
    assert ("最近" in refused["detail"] or "空闲" in refused["detail"]) == (language == "zh-CN")
    assert ("nearest free" in refused["detail"]) == (language == "en")


async def test_whoever_asks_too_fast_is_told_how_long_to_wait(site: Site, program: Programs) -> None:
    clerk, other = await program("clerk"), await program("clerk")
    pace = site.server.app[PACE]
    pace.at_once, pace.per_minute = 3, 6
    statuses = [(await clerk.ask("GET", "/rooms"))[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    _, refused, answer = await clerk.ask("GET", "/rooms")
    assert refused["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert (await other.ask("GET", "/rooms"))[0] == 200


def test_a_bucket_fills_again_steadily() -> None:
    pace = Pace(per_minute=60, at_once=2)
    assert [pace.wait_s("a", 0), pace.wait_s("a", 0), pace.wait_s("a", 0)] == [0, 0, 1]
    assert pace.wait_s("b", 0) == 0
    assert pace.wait_s("a", 0.5) == 1
    assert [pace.wait_s("a", 1), pace.wait_s("a", 1)] == [0, 1]
    assert [pace.wait_s("a", 99), pace.wait_s("a", 99), pace.wait_s("a", 99)] == [0, 0, 1]


def test_only_so_many_callers_are_remembered() -> None:
    pace = Pace(per_minute=60, at_once=1)
    for number in range(Pace.REMEMBERED + 1):
        pace.wait_s(str(number), 0)
    assert pace.wait_s("1", 0) == 1
    assert pace.wait_s("0", 0) == 0  # forgotten


def test_pointers_are_those_of_the_rfc() -> None:
    assert pointer([]) == "#"
    assert pointer(["participants", "0", "name"]) == "#/participants/0/name"
    assert pointer(["a/b", "m~n", "刘"]) == "#/a~1b/m~0n/%E5%88%98"


async def test_the_type_of_a_refusal_leads_to_its_words(site: Site, program: Programs) -> None:
    _, refused, _ = await (await program("clerk")).ask("GET", "/sittings/x")
    address, _, anchor = refused["type"].partition("#")
    assert address == f"{site.context.settings.public_url}/api/v1/docs"
    assert f'id="{anchor}"' in await site.visitor().page("/api/v1/docs")


async def test_a_thousand_unknown_fields_are_not_all_named(program: Programs) -> None:
    clerk = await program("clerk")
    _, refused, _ = await clerk.ask("POST", "/sittings", {f"field {number}": 1 for number in range(1000)})
    assert 10 < len(refused["errors"]) <= 50


async def test_on_a_full_disk_programs_read_on_and_changes_are_refused_with_a_time_to_come_back(site: Site, program: Programs) -> None:
    clerk, administrator = await program("clerk"), await program("administrator")
    async with site.db.writer() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count = {pages}"))  # of the one connection that writes
    told = 0
    for number in range(200):
        room = {"name": "长" * 70 + str(number), "kind": "court", "site": "长" * 80}
        status, refused, answer = await administrator.ask("POST", "/rooms", room)
        if status != 201:
            told = status
            break
    assert (told, refused["code"]) == (503, "store_full")
    assert int(answer.headers["Retry-After"]) > 0
    site.now += timedelta(minutes=5)  # the token's last use would be noted anew
    assert (await clerk.get("/rooms"))["items"]
