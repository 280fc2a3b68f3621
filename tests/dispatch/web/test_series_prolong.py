"""The page on which a series is prolonged."""

from __future__ import annotations

from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.series import series
from tests.dispatch.booking.test_series import weekly
from tests.dispatch.web.conftest import Site


async def test_it_says_what_is_in_the_way_keeps_what_was_typed_and_leaves_out_what_is_ticked(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await site.booked(clerk, day="2026-12-23", start="09:30", case_number="（2026）京0105民初77号")
    draft = SittingDraft(
        case_number="（2026）京0105民初31号", case_title="合同纠纷", title="", room_id=site.rooms[0].id, starts_at=None, ends_at=None,
        chair_id=site.users["judge"].id, participants=(ParticipantDraft("刘芳", "party"),), override_reason="双方当事人同意",
    )  # fmt: skip
    made = await series.create(site.db, draft, weekly(), site.users["clerk"], site.now)
    sitting = (await series.get(site.db, made))[2][0].id
    page = await clerk.page(f"/sittings/{sitting}")
    path = page.partition('href="/series/')[2].partition('"')[0]
    address = f"/series/{path}"
    assert address.endswith("/prolong")
    form = await clerk.page(address)
    assert "4 dates by now" in form
    refused = await clerk.post(address, {"count": "6", "until": ""})
    text = await refused.text()
    assert (refused.status, 'value="6"' in text, 'name="out-2026-12-23T09:00"' in text) == (409, True, True)
    bad = await clerk.post(address, {"count": "many", "until": ""})
    assert (bad.status, 'id="count-error-1"' in await bad.text(), 'value="many"' in await bad.text()) == (422, True, True)
    assert (await clerk.post(address, {"count": "3", "until": ""})).status == 422
    done = await clerk.post(address, {"count": "6", "until": "", "out-2026-12-23T09:00": "1"})
    assert done.status == 303
    _, plan, sittings = await series.get(site.db, address.split("/")[2])
    assert (len(sittings), len(plan.excluded)) == (5, 1)
    judge = await site.signed_in("judge")
    assert (await judge.get(address)).status == 403
    assert (await clerk.get("/series/0000000000000000/prolong")).status == 404
