"""An officer talks by intercom over the site's own interface: by rank, where he watches, with a reason; done or refused, it is kept."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from dispatch.store.tables import AuditRow
from tests.dispatch.web.conftest import Person, Site
from tests.dispatch.web.test_breaking_in import kept, officer, sees, watch

WISH = {"reason": "核实设备", "to_all": True}


@pytest.fixture
async def sitting(site: Site) -> str:
    sitting = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(sitting)
    return sitting


async def asked(person: Person, path: str, body: dict[str, object]) -> tuple[int, str]:
    answer = await person.send(path, body)
    return answer.status, (await answer.json()).get("code", "")


async def test_a_shift_leader_talks_where_he_watches_and_ends_it(site: Site, sitting: str) -> None:
    person = await officer(site, "lead")
    path = f"/console/sittings/{sitting}/talk"
    assert await asked(person, f"{path}?view=1", WISH) == (409, "not_watching")
    socket = await watch(site, person, sitting)
    assert await asked(person, f"{path}?view=1", WISH | {"reason": " "}) == (422, "invalid")
    for nobody in ({"to_all": False}, {"participants": ["p-1"]}, {"to_all": False, "participants": [str(n) for n in range(65)]}):
        refused = await person.send(f"{path}?view=1", WISH | nobody)
        assert (refused.status, (await refused.json())["errors"][0]["field"]) == (422, "participants")
    assert await asked(person, f"{path}?view=1", {"reason": "核实", "participants": ["nobody"]}) == (409, "participant_unknown")
    assert await asked(person, f"{path}?view=1", WISH) == (200, "")
    await sees(socket, lambda view: view["intercom"] and view["intercom"]["you"] and view["intercom"]["to_all"])
    assert await asked(person, f"{path}/end", {}) == (200, "")
    await sees(socket, lambda view: view["intercom"] is None)
    assert await kept(site) == [
        ("stepping_in_refused", "talk_to_all", "not_watching"),
        ("stepping_in_refused", "talk", "participant_unknown"),
        ("stepped_in", "talk_to_all", ""),
        ("stepped_in", "talk_end", ""),
    ]
    assert [row.type for row in await site.context.hub.rows(sitting)][-2:] == ["talk_to_all_began", "talk_ended"]
    async with site.db.reader() as session:
        row = await session.scalar(select(AuditRow).where(AuditRow.action == "stepping_in_refused").order_by(AuditRow.seq.desc()))
    assert row is not None
    detail = json.loads(row.detail) if isinstance(row.detail, str) else row.detail
    assert (detail["participants"], detail["reason"]) == ("nobody", "核实")
    await socket.close()


async def test_a_watch_officer_does_not_and_nobody_else_may_ask(site: Site, sitting: str) -> None:
    person = await officer(site, "watch")
    socket = await watch(site, person, sitting)
    assert await asked(person, f"/console/sittings/{sitting}/talk?view=1", WISH) == (403, "rank_lead")
    clerk = await site.signed_in("clerk")
    for path in ("talk?view=1", "talk/end"):
        assert (await clerk.send(f"/console/sittings/{sitting}/{path}", WISH)).status == 403
    await socket.close()
