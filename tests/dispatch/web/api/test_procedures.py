"""Versions of procedures by the API: listed, read, checked line by line, adopted once and on what was seen."""

from __future__ import annotations

import pytest

from dispatch.sittings import procedures
from rooms.procedure import BRIEF_COURT, PROCEDURES, SHIPPED
from tests.dispatch.making import audited
from tests.dispatch.web.api.conftest import Programs
from tests.dispatch.web.conftest import NOW, Site

COURT = PROCEDURES["remote_court"]
OWN = COURT.text.replace("version: 2026-1", "version: 云河 2027").replace("party: S°VPL", "party: SVPL", 1)


async def test_every_version_is_listed_with_who_adopted_it_and_which_is_in_force(site: Site, program: Programs) -> None:
    keeper = await program("administrator")
    listed = (await keeper.get("/procedures"))["items"]
    assert {(each["kind"], each["version"]) for each in listed} == set(SHIPPED)
    assert {each["kind"]: each["version"] for each in listed if each["in_force"]} == {k: p.version for k, p in PROCEDURES.items()}
    made = await keeper.made("/procedures", {"text": OWN})
    assert (made["version"], made["in_force"], made["shipped"]) == ("云河 2027", True, False)
    assert made["adopted_at"] == "2026-11-24T09:30:00+08:00"
    assert await keeper.get(f"/procedures/{made['id']}") == made
    courts = (await keeper.get("/procedures?kind=remote_court"))["items"]
    assert [(each["version"], each["in_force"]) for each in courts] == [("云河 2027", True), ("2026-1", False), ("2025-1", False)]
    first = await keeper.get("/procedures?limit=2&in_force=true")
    second = await keeper.get(f"/procedures?limit=2&in_force=true&cursor={first['next']}")
    assert {each["kind"] for each in first["items"]}.isdisjoint(each["kind"] for each in second["items"])
    assert [row.detail["version"] for row in await audited(site.db, "procedure_adopted")] == ["云河 2027"]


async def test_the_text_of_a_version_is_read_as_a_file_and_can_be_adopted_again(program: Programs) -> None:
    keeper = await program("administrator")
    _, _, answer = await keeper.ask("GET", "/procedures/remote_court-2025-1/text")
    assert await answer.text() == BRIEF_COURT.text
    again = await keeper.ask("GET", "/procedures/remote_court-2025-1/text", If_None_Match=answer.headers["ETag"])
    assert again[0] == 304
    made = await keeper.made("/procedures", {"text": BRIEF_COURT.text})
    assert (made["shipped"], made["in_force"]) == (True, True)
    assert (await keeper.get("/procedures/remote_court-2026-1"))["in_force"] is False


async def test_a_check_changes_nothing_and_says_what_differs(site: Site, program: Programs) -> None:
    keeper = await program("administrator")
    status, found, _ = await keeper.ask("POST", "/procedures/remote_court-2026-1/check", {"text": OWN})
    assert (status, found["compared_with"]) == (200, "remote_court-2026-1")
    changed = {each["stage"]: each["differences"] for each in found["differences"]}
    assert changed["roll_call"] == [
        "Party: rights, new: speak: microphone and camera",
        "Party: rights, no more: speak while holding the floor",
    ]
    assert await procedures.adopted(site.db, "remote_court") is None
    status, found, _ = await keeper.ask("POST", "/procedures/remote_court-2026-1/check", {"text": BRIEF_COURT.text})
    assert {each["state"] for each in found["differences"]} == {"changed", "new", "gone"}


@pytest.mark.parametrize("path", ["/procedures", "/procedures/remote_court-2026-1/check"])
async def test_each_bad_line_is_named(site: Site, program: Programs, path: str) -> None:
    keeper = await program("administrator")
    bad = OWN.replace("chair: judge", "chair: king").replace("next: [debate,", "next: [debat,")
    status, found, _ = await keeper.ask("POST", path, {"text": bad})
    lines = bad.splitlines()
    assert status == 422
    assert {lines[each["line"] - 1].strip().partition(":")[0] for each in found["errors"]} >= {"chair", "next"}
    assert all(each["pointer"] == "#/text" for each in found["errors"])
    assert (await keeper.ask("POST", path, {"text": "x" * 100_001}))[0] == 422
    assert await procedures.adopted(site.db, "remote_court") is None


async def test_a_text_is_compared_with_a_version_of_its_own_kind(program: Programs) -> None:
    keeper = await program("administrator")
    status, found, _ = await keeper.ask("POST", "/procedures/remote_court-2025-1/check", {"text": BRIEF_COURT.text})
    assert (status, found["differences"]) == (200, [])
    status, found, _ = await keeper.ask("POST", "/procedures/round_table-2026-1/check", {"text": OWN})
    assert (status, found["errors"][0]["code"]) == (422, "procedure_other_kind")


async def test_an_order_that_is_sent_twice_adopts_once(site: Site, program: Programs) -> None:
    keeper = await program("administrator")
    made = await keeper.made("/procedures", {"text": OWN}, Idempotency_Key="one")
    await procedures.adopt(site.db, BRIEF_COURT.text, "root", NOW)
    again = await keeper.made("/procedures", {"text": OWN}, Idempotency_Key="one")
    assert again == made | {"in_force": False}
    assert (await procedures.held_by(site.db, "remote_court")) == BRIEF_COURT
    status, found, _ = await keeper.ask("POST", "/procedures", {"text": COURT.text}, Idempotency_Key="one")
    assert (status, found["code"]) == (422, "key_reused")


async def test_what_another_adopted_meanwhile_is_not_replaced_unseen(site: Site, program: Programs) -> None:
    keeper = await program("administrator")
    _, _, seen = await keeper.ask("GET", "/procedures/remote_court-2026-1")
    other = await procedures.adopt(site.db, BRIEF_COURT.text, "root", NOW)
    status, found, _ = await keeper.ask("POST", "/procedures", {"text": OWN}, If_Match=seen.headers["ETag"])
    assert (status, found["code"]) == (412, "version_changed")
    _, _, seen = await keeper.ask("GET", f"/procedures/{other.id}")
    assert (await keeper.ask("POST", "/procedures", {"text": OWN}, If_Match=seen.headers["ETag"]))[0] == 201


async def test_only_administrators_and_their_programs_may(program: Programs, member: Programs) -> None:
    for who in (await program("clerk"), await program("officer"), await member("judge")):
        for method, path, body in (
            ("GET", "/procedures", None),
            ("POST", "/procedures", {"text": OWN}),
            ("POST", "/procedures/remote_court-2026-1/check", {"text": OWN}),
            ("GET", "/procedures/remote_court-2026-1", None),
            ("GET", "/procedures/remote_court-2026-1/text", None),
        ):
            assert (await who.ask(method, path, body))[0] == 403, (method, path)
