"""Who may call what: the whole route table, walked by everybody."""

from __future__ import annotations

import re

import pytest

from dispatch.identity import programs
from dispatch.web.access import ALL_ROLES, Route
from dispatch.web.routes import ROUTES
from tests.dispatch.web.conftest import Site

GUESTS = ("nobody", *ALL_ROLES)


def filled(path: str) -> str:
    """The path with ids that nobody has."""
    return re.sub(r"\{\w+(:[^}]*)?\}", "0123456789abcdef", path)


def is_refused(route: Route, status: int, location: str) -> bool:
    """Sent to sign in, to the device's page, or told that it is forbidden."""
    return status in (401, 403) or (status == 303 and location.startswith(("/sign-in?next=", "/device")))


@pytest.mark.parametrize("guest", GUESTS)
async def test_every_route_lets_in_whom_it_names_and_nobody_else(site: Site, guest: str) -> None:
    wrong: list[str] = []
    for route in ROUTES:
        # A fresh session each time: one of the routes signs out.
        person = await site.signed_in(guest) if guest != "nobody" and route.path == "/sign-out" else None
        if person is None:
            person = site.visitor() if guest == "nobody" else await _remembered(site, guest)
        headers = {"Origin": str(site.server.make_url("/")).rstrip("/"), "X-CSRF-Token": person.token}
        body = b"" if route.method != "GET" else None
        answer = await person.session.request(route.method, filled(route.path), headers=headers, data=body, allow_redirects=False)
        named = route.access.public or guest in route.access.roles
        refused = is_refused(route, answer.status, answer.headers.get("Location", ""))
        if guest == "nobody" and route.method != "GET" and named:
            continue  # refused for want of a token, which the next test is about
        if named and guest != "nobody" and answer.status in (401,):
            wrong.append(f"{route.method} {route.path}: refused to {guest} ({answer.status})")
        if not named and not refused:
            wrong.append(f"{route.method} {route.path}: open to {guest} ({answer.status})")
        if named and answer.status == 303 and answer.headers["Location"].startswith("/sign-in?"):
            wrong.append(f"{route.method} {route.path}: {guest} was sent to sign in")
        if answer.status >= 500 and route.path not in ("/readyz",):
            wrong.append(f"{route.method} {route.path}: {answer.status} for {guest}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", programs.ROLES)
async def test_a_program_is_let_in_where_programs_of_its_role_are_named_and_nowhere_else(site: Site, role: str) -> None:
    token, _ = await programs.issue(site.db, name="Case files", role=role, days=30, by=site.users["administrator"], now=site.now)
    visitor = site.visitor()
    headers = {"Authorization": f"Bearer {token}", "Origin": str(site.server.make_url("/")).rstrip("/")}
    wrong: list[str] = []
    for route in ROUTES:
        if route.access.public:
            continue
        answer = await visitor.session.request(route.method, filled(route.path), headers=headers, allow_redirects=False)
        named = route.access.programs and role in route.access.roles
        refused = is_refused(route, answer.status, answer.headers.get("Location", ""))
        if named == refused or answer.status >= 500:
            wrong.append(f"{route.method} {route.path}: {answer.status} for a program with the role {role}")
    assert not wrong, "\n".join(wrong)


_KEPT: dict[int, dict[str, object]] = {}


async def _remembered(site: Site, role: str):  # type: ignore[no-untyped-def]
    kept = _KEPT.setdefault(id(site), {})
    if role not in kept:
        kept[role] = await site.signed_in(role)
    return kept[role]


def test_every_route_says_who_may_call_it() -> None:
    for route in ROUTES:
        access = route.access
        assert access.public or access.link or access.device or access.screen or access.roles, route.path
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_socket_and_every_change_is_guarded() -> None:
    for route in ROUTES:
        if route.path.startswith("/ws/"):
            assert route.answers == "socket", route.path
        if route.method != "GET":
            assert route.csrf, route.path


async def test_a_changing_request_without_the_token_is_refused_everywhere(site: Site) -> None:
    people = {role: await site.signed_in(role) for role in ALL_ROLES}
    visitor = site.visitor()
    for route in ROUTES:
        if route.method == "GET":
            continue
        person = next((people[role] for role in sorted(route.access.roles)), visitor)
        if not route.access.roles and not route.access.public:
            continue  # refused before, for want of a link or a device
        answer = await person.session.request(route.method, filled(route.path), data={"x": "1"}, allow_redirects=False)
        assert answer.status == 403, f"{route.method} {route.path}: {answer.status}"


async def test_a_form_sent_from_another_site_is_refused_even_with_the_token(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.post("/sittings/new", site.draft(), headers={"Origin": "https://evil.example"})
    assert answer.status == 403


async def test_a_page_asks_to_sign_in_and_comes_back_to_what_was_wanted(site: Site) -> None:
    visitor = site.visitor()
    answer = await visitor.get("/booking?day=2026-11-25")
    assert answer.status == 303
    await visitor.page(answer.headers["Location"])
    signed = await visitor.post("/sign-in", {"name": "clerk", "password": "Yunhe-2026", "next": "/booking?day=2026-11-25"})
    assert signed.headers["Location"] == "/booking?day=2026-11-25"


async def test_a_judge_sees_no_other_judges_sitting(site: Site) -> None:
    clerk, prosecutor = await site.signed_in("clerk"), await site.signed_in("prosecutor")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    assert (await prosecutor.get(f"/sittings/{sitting}")).status == 404
    judge = await site.signed_in("judge")
    text = await judge.page(f"/sittings/{sitting}")
    assert "刘芳" in text
    assert "/join/" not in text
