"""A sitting's log through the API: in words, a page at a time."""

from __future__ import annotations

import pytest

from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import Site


@pytest.fixture
async def sitting(site: Site, program: Programs) -> str:
    """A sitting at whose room's device the interpreter has sat down."""
    made = await (await program("clerk")).made("/sittings", order(site))
    sitting, live = str(made["id"]), site.context.live
    interpreter = next(person["id"] for person in made["participants"] if person["name"] == "吴译")
    await live.ensure_open(sitting)
    await live.consent(sitting, interpreter, version="2026-11", text="Notice", device="Main screen")
    await live.sit_down(sitting, interpreter, endpoint="0123456789abcdef", device="Main screen")
    return sitting


async def test_who_consented_and_sat_down_where_is_told_in_words(program: Programs, sitting: str) -> None:
    found = await (await program("officer")).get(f"/sittings/{sitting}/events")
    assert [entry["type"] for entry in found["items"]] == ["conference_opened", "words_stated", "consented", "seated"]
    assert found["items"][1]["text"] == "Consent is given to these words (version 2026-11): Notice"
    assert found["items"][-1]["text"] == "吴译 (Interpreter) sits at “Main screen”"
    assert found["next"] is None
    chinese = await (await program("officer", language="zh-CN")).get(f"/sittings/{sitting}/events?after=3")
    assert [entry["text"] for entry in chinese["items"]] == ["吴译（翻译人员）在“Main screen”就座"]


async def test_the_log_is_read_a_page_at_a_time_and_names_are_known_on_each(program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    told, after = [], 0
    while after is not None:
        page = await clerk.get(f"/sittings/{sitting}/events?limit=1&after={after}")
        told += [entry["text"] for entry in page["items"]]
        after = page["next"]
    assert told == [entry["text"] for entry in (await clerk.get(f"/sittings/{sitting}/events"))["items"]]


async def test_a_sitting_to_which_nobody_has_come_has_no_log(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    assert await clerk.get(f"/sittings/{made['id']}/events") == {"items": [], "next": None}


async def test_a_prosecutor_reads_no_log(member, sitting: str) -> None:  # type: ignore[no-untyped-def]
    status, _, _ = await (await member("prosecutor")).ask("GET", f"/sittings/{sitting}/events")
    assert status == 403
