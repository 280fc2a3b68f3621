"""The description of the API is whole: every operation, in both languages, by the words that the domain has."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from dispatch.booking.catalogue.rooms import KINDS
from dispatch.identity.people import LANGUAGES, ROLES
from dispatch.sittings.statuses import ALLOWED
from dispatch.web.access import ALL_ROLES
from dispatch.web.api import openapi, people, rooms, sitting_shapes
from dispatch.web.api.problems import CODES, REFUSED, STATUSES
from dispatch.web.routes import ROUTES
from dispatch.web.translations import catalogue
from tests.dispatch.web.api.described import Description
from tests.dispatch.web.conftest import Site

OPERATIONS = openapi.operations(ROUTES)


def test_everything_under_api_is_described_but_the_description_itself() -> None:
    below = {(route.method, route.path) for route in ROUTES if route.path.startswith("/api/")}
    described = {(operation.method, operation.path) for operation in OPERATIONS}
    assert below - described == {("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/docs")}
    assert all(operation.path.startswith("/api/v1/") for operation in OPERATIONS)


def test_every_operation_says_who_may_and_lets_programs_in() -> None:
    for operation in OPERATIONS:
        assert operation.access.programs, operation.path
        assert operation.access.roles, operation.path
        assert not operation.access.public, operation.path


def test_every_text_of_the_description_is_there_in_chinese() -> None:
    chinese = catalogue("zh-CN")
    assert [text for text in sorted(openapi.texts(ROUTES)) if text not in chinese] == []


def test_every_refusal_has_words_in_both_languages() -> None:
    wanted = {f"error.{code}" for code in {*CODES, *REFUSED.values()}} | {f"problem.{status}" for status in STATUSES}
    for tag in ("zh-CN", "en"):
        assert {code for code in wanted if code not in catalogue(tag)} == set(), tag
    stated = {status for operation in OPERATIONS for status in openapi.statuses(operation) if status >= 400}
    assert stated <= set(STATUSES)


def test_the_words_of_the_api_are_those_of_the_domain() -> None:
    assert get_args(sitting_shapes.Status) == tuple(ALLOWED)
    assert get_args(rooms.Kind) == KINDS
    assert get_args(people.Role) == ROLES
    assert get_args(people.Language) == LANGUAGES
    assert set(ROLES) == set(ALL_ROLES)


def test_no_two_operations_have_one_name() -> None:
    document = openapi.document(ROUTES, "", lambda text: text)
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names) == len(OPERATIONS)


def test_every_schema_that_is_pointed_to_is_there_and_none_is_idle() -> None:
    document = openapi.document(ROUTES, "", lambda text: text)
    pointed = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert pointed == set(document["components"]["schemas"])


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "预约场次"), ("en", "Book a sitting")])
async def test_the_description_speaks_the_language_asked_for(site: Site, language: str, words: str) -> None:
    answer = await site.visitor(language).get("/api/v1/openapi.json")
    document = await answer.json()
    assert (answer.headers["Vary"], document["openapi"]) == ("Accept-Language", "3.1.0")
    assert document["paths"]["/api/v1/sittings"]["post"]["summary"] == words


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_reference_page_shows_every_operation_and_schema(site: Site, description: Description, language: str) -> None:
    page = await site.visitor(language).page("/api/v1/docs")
    for path, methods in description.document["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    anchors = set(re.findall(r'href="#([\w-]+)"', page))
    assert anchors <= set(re.findall(r'id="([\w-]+)"', page))
    assert {f"schema-{name}" for name in description.document["components"]["schemas"]} <= set(re.findall(r'id="([\w-]+)"', page))
    assert "`" not in page
