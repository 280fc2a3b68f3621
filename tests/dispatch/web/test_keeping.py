"""The pages of keeping: who may what, holds, classes, sealed juvenile records, and a destruction from the proposal to the certificate."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatch.keeping import carrying_out
from dispatch.keeping.carrying_out import Destroyer
from dispatch.operations import authority, seal_key
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.keeping_tables import Destruction, LegalHold
from dispatch.store.tables import AuditRow, Participant, Sitting
from rooms.verification import destruction
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.web.conftest import NOW, PASSWORD, Person, Site

GROUND = "犯罪时不满十八周岁"


@pytest.fixture
async def sitting(site: Site) -> str:
    """A closed sitting with a sealed recording."""
    found = await site.booked(await site.signed_in("clerk"))
    sealed = await asyncio.to_thread(make_sealed, site.context.settings.recordings, found)
    async with site.db.writer() as session:
        row = {"folder": found, "sealed_at": NOW, "manifest_sha256": sealed["manifest_sha256"], "seconds": 8.0, "bytes": 123_456}
        session.add_all([Recording(sitting_id=found, composite="done", **row), Job(kind="composite", sitting_id=found, state="done")])
        await session.execute(update(Sitting).where(Sitting.id == found).values(status="closed", opened_at=NOW, closed_at=NOW))
    return found


async def given(site: Site, role: str, *powers: str) -> None:
    administrator = await site.signed_in("administrator")
    await administrator.page("/keeping/settings")
    fields = [("_csrf", administrator.token), *(("powers", power) for power in powers)]
    answer = await administrator.session.post(
        f"/keeping/settings/powers/{site.users[role].id}", data=fields, allow_redirects=False
    )
    assert answer.status == 303


async def audited(site: Site, action: str) -> list[dict[str, Any]]:
    async with site.db.reader() as session:
        return list(await session.scalars(select(AuditRow.detail).where(AuditRow.action == action)))


async def expired(site: Site, clerk: Person, sitting: str) -> None:
    await clerk.page(f"/keeping/recordings/{sitting}")
    fields = {"retention": "years_10", "counted_from": "2010-01-31", "reason": "鉴定后改划"}
    assert (await clerk.post(f"/keeping/recordings/{sitting}/class", fields)).status == 303


async def proposed(site: Site, clerk: Person, sitting: str) -> str:
    await clerk.page("/keeping?view=due")
    answer = await clerk.post("/keeping/destructions", {"sittings": sitting, "reason": "期满无保存价值", "order_reference": ""})
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def test_a_clerk_changes_the_class_and_what_expired_is_due(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    assert "Permanent" in await clerk.page(f"/keeping/recordings/{sitting}")
    assert sitting not in await clerk.page("/keeping?view=due")
    await expired(site, clerk, sitting)
    page = await clerk.page("/keeping?view=due")
    assert sitting in page
    assert "10 years" in page
    assert (await audited(site, "retention_changed"))[0]["reason"] == "鉴定后改划"


async def test_what_was_typed_wrongly_is_kept_and_named_at_its_field(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page(f"/keeping/recordings/{sitting}")
    fields = {"retention": "years_30", "counted_from": "2030-01-01", "reason": "r<b>"}
    answer = await clerk.post(f"/keeping/recordings/{sitting}/class", fields)
    text = await answer.text()
    assert answer.status == 422
    for there in ("counted_from-error-1", 'value="r&lt;b&gt;"', 'value="2030-01-01"'):
        assert there in text
    answer = await clerk.post(f"/keeping/recordings/{sitting}/holds", {"reference": "", "hold_reason": "why"})
    assert (answer.status, "reference-error-1" in await answer.text()) == (422, True)


async def test_a_hold_is_placed_shown_and_lifted(site: Site, sitting: str) -> None:
    judge = await site.signed_in("judge")
    await judge.page(f"/keeping/recordings/{sitting}")
    hold = {"reference": "（2026）监督1号", "hold_reason": "申诉审查", "whole_case": "1"}
    assert (await judge.post(f"/keeping/recordings/{sitting}/holds", hold)).status == 303
    assert "（2026）监督1号" in await judge.page(f"/keeping/recordings/{sitting}")
    assert sitting in await judge.page("/keeping?view=held")
    clerk = await site.signed_in("clerk")
    await expired(site, clerk, sitting)
    assert sitting not in await clerk.page("/keeping?view=due")
    async with site.db.reader() as session:
        found = (await session.scalars(select(LegalHold))).one()
    answer = await clerk.post(f"/keeping/recordings/{sitting}/holds/{found.id}/lift", {"lift_reason": "终结"})
    assert answer.status == 403, "it is another's"
    assert (await judge.post(f"/keeping/recordings/{sitting}/holds/{found.id}/lift", {"lift_reason": "终结"})).status == 303
    assert sitting in await clerk.page("/keeping?view=due")


async def test_nobody_sees_what_is_kept_of_a_sitting_that_is_not_his(site: Site, sitting: str) -> None:
    prosecutor = await site.signed_in("prosecutor")
    assert (await prosecutor.get(f"/keeping/recordings/{sitting}")).status == 404
    await prosecutor.page("/keeping")
    answer = await prosecutor.post(f"/keeping/recordings/{sitting}/holds", {"reference": "a", "hold_reason": "b"})
    assert answer.status == 404
    assert (await prosecutor.post(f"/keeping/recordings/{sitting}/seal", {"ground": "a"})).status == 404


async def test_an_administrator_sets_classes_and_sees_no_recording(site: Site, sitting: str) -> None:
    administrator = await site.signed_in("administrator")
    await administrator.page("/keeping/settings")
    assert (await administrator.post("/keeping/settings/classes", {"petition_intake": "years_10"})).status == 303
    assert (await administrator.get(f"/keeping/recordings/{sitting}")).status == 403
    assert (await audited(site, "retention_defaults")) == [{"changed": {"petition_intake": ["years_30", "years_10"]}}]


async def test_a_sealed_record_is_gone_for_everybody_as_if_it_had_never_been(site: Site, sitting: str) -> None:
    clerk, judge, officer = [await site.signed_in(role) for role in ("clerk", "judge", "officer")]
    administrator = await site.signed_in("administrator")
    async with site.db.writer() as session:
        await session.execute(update(Participant).where(Participant.sitting_id == sitting, Participant.name == "刘芳").values(minor=True))
    assert sitting in await clerk.page("/keeping?view=juvenile"), "it is proposed"
    assert (await clerk.post(f"/keeping/recordings/{sitting}/seal", {"ground": GROUND})).status == 303
    number = "民初31"
    own = [f"/keeping?view={view}" for view in ("due", "held", "juvenile", "destructions")]
    pages = ("/archive", f"/archive?q={number}", *own, "/today?day=2026-11-24")
    lists = (*pages, "/booking?day=2026-11-24", "/messages", f"/messages?q={number}", "/sittings/new", "/console")
    for person in (clerk, judge, officer):
        for path in lists:
            answer = await person.get(path)
            text = await answer.text()
            assert sitting not in text, path
            assert number not in text.replace(f"q={number}", "").replace(f'value="{number}"', "").replace(f"“{number}”", ""), path
    below = ("", "/manifest.json", "/composite.mp4", "/composite", "/verification", "/voices/x", "/tracks/x", "/stills/x")
    beside = ("/keeping/recordings/{}", "/sittings/{}", "/sittings/{}/history", "/sittings/{}/connections")
    paths = (*(f"/archive/{{}}{end}" for end in below), *beside)
    for person in (clerk, judge, officer):
        for path in paths:
            found, nothing = await person.get(path.format(sitting)), await person.get(path.format("0123456789abcdef"))
            assert found.status == nothing.status, path
            if found.status == 404:
                assert _without_ids(await found.text(), sitting) == _without_ids(await nothing.text(), "0123456789abcdef"), path
    audit = await administrator.page("/audit")
    assert sitting not in audit
    assert number not in audit
    assert "Sealed juvenile record" in audit
    assert "juvenile_sealed" in set(await _actions(site))


def _without_ids(text: str, sitting: str) -> str:
    """The page without what differs at each request."""
    import re

    text = text.replace(sitting, "")
    return re.sub(r"[0-9a-f]{8,}|\d\d:\d\d", "", text)


async def _actions(site: Site) -> list[str]:
    async with site.db.reader() as session:
        return list(await session.scalars(select(AuditRow.action)))


async def test_the_api_has_no_sealed_record_either(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    api = ("/api/v1/recordings", "/api/v1/sittings?from=2026-11-24T00:00:00Z", "/api/v1/messages")
    recording = ("/recordings/{}", "/recordings/{}/manifest", "/recordings/{}/verification")
    by_id = (*recording, "/sittings/{}", "/sittings/{}/history", "/sittings/{}/participants")
    before = [(await clerk.get(f"/api/v1{path.format(sitting)}")).status for path in by_id]
    assert set(before) == {200}
    await clerk.page(f"/keeping/recordings/{sitting}")
    assert (await clerk.post(f"/keeping/recordings/{sitting}/seal", {"ground": GROUND})).status == 303
    for path in api:
        assert sitting not in await (await clerk.get(path)).text(), path
    for path in by_id:
        answer, nothing = await clerk.get(f"/api/v1{path.format(sitting)}"), await clerk.get(f"/api/v1{path.format('0123456789abcdef')}")
        assert (answer.status, (await answer.json())["code"]) == (404, (await nothing.json())["code"]), path


async def test_a_look_opens_it_to_one_person_for_an_hour_and_is_audited(site: Site, sitting: str) -> None:
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    await clerk.page(f"/keeping/recordings/{sitting}")
    await clerk.post(f"/keeping/recordings/{sitting}/seal", {"ground": GROUND})
    assert (await clerk.post(f"/keeping/recordings/{sitting}/look", {"ground": "办案"})).status == 403
    await given(site, "clerk", "sealed")
    page = await clerk.page("/keeping?view=juvenile")
    assert sitting in page
    assert (await clerk.get(f"/archive/{sitting}")).status == 404, "the power alone opens nothing"
    assert (await clerk.post(f"/keeping/recordings/{sitting}/look", {"ground": ""})).status == 422
    assert (await clerk.post(f"/keeping/recordings/{sitting}/look", {"ground": "（2026）刑再1号"})).status == 303
    await clerk.page(f"/archive/{sitting}")
    assert sitting not in await clerk.page("/archive")
    assert (await judge.get(f"/archive/{sitting}")).status == 404
    site.now += timedelta(hours=1)
    assert (await clerk.get(f"/archive/{sitting}")).status == 404
    assert [row["ground"] for row in await audited(site, "juvenile_looked_at")] == ["（2026）刑再1号"]
    await clerk.page("/keeping?view=juvenile")
    assert (await clerk.post(f"/keeping/recordings/{sitting}/open", {"ground": "撤销封存"})).status == 303
    await judge.page(f"/archive/{sitting}")


async def test_two_people_destroy_a_recording_and_its_certificate_can_be_verified(site: Site, sitting: str, tmp_path: Path) -> None:
    settings = site.context.settings
    authority.certify_seal(settings.secrets, "localhost", settings.court, NOW)
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    await expired(site, clerk, sitting)
    path = await proposed(site, clerk, sitting)
    assert "You proposed this" in await clerk.page(path)
    assert (await judge.get(path)).status == 404
    await given(site, "judge", "approve")
    assert "1 destruction waits" in await judge.page("/keeping")
    await judge.page(path)
    wrong = await judge.post(f"{path}/approve", {"password": "wrong"})
    assert (wrong.status, "password-error-1" in await wrong.text(), "wrong" in await wrong.text()) == (422, True, False)
    assert (await clerk.post(f"{path}/approve", {"password": PASSWORD})).status == 403
    assert (await judge.post(f"{path}/approve", {"password": PASSWORD})).status == 303
    assert (await clerk.get(f"{path}/certificate")).status == 404
    later = site.now + timedelta(days=settings.destruction_wait_days)
    unit = (settings.court, settings.court_en)
    destroyer = Destroyer(site.db, carrying_out.places(settings), seal_key.of(settings).load, unit, lambda: later)
    assert await destroyer.work()
    site.now = later
    clerk = await site.signed_in("clerk")
    assert not (settings.recordings / sitting).exists()
    page = await clerk.page(f"{path}/certificate")
    assert "events.jsonl" in page
    assert "录制销毁证书" in page
    file = tmp_path / "certificate.json"
    file.write_bytes(await (await clerk.get(f"{path}/certificate.json")).read())
    report = await asyncio.to_thread(destruction.verify, file, settings.secrets / "seal-roots.crt")
    assert (report.ok, report.complete) == (True, True)
    assert json.loads(file.read_bytes())["approved"]["by"] == site.users["judge"].name
    assert "was destroyed" in await clerk.page(f"/keeping/recordings/{sitting}")
    assert sitting in await clerk.page("/archive"), "the entry stays"
    await clerk.page(f"/archive/{sitting}")
    assert len(await audited(site, "certificate_taken")) == 2


async def test_too_many_wrong_passwords_lock_the_name(site: Site, sitting: str) -> None:
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    await expired(site, clerk, sitting)
    path = await proposed(site, clerk, sitting)
    await given(site, "judge", "approve")
    await judge.page(path)
    statuses = [(await judge.post(f"{path}/approve", {"password": "wrong"})).status for _ in range(5)]
    assert statuses == [422, 422, 422, 422, 403]
    assert (await judge.post(f"{path}/approve", {"password": PASSWORD})).status == 403
    async with site.db.reader() as session:
        assert (await session.scalars(select(Destruction.state))).all() == ["proposed"]


async def test_either_of_the_two_stops_it(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    await expired(site, clerk, sitting)
    path = await proposed(site, clerk, sitting)
    await clerk.page(path)
    assert (await clerk.post(f"{path}/stop", {"stop_reason": ""})).status == 422
    assert (await clerk.post(f"{path}/stop", {"stop_reason": "需再鉴定"})).status == 303
    assert "需再鉴定" in await clerk.page(path)
    assert (await clerk.post(f"{path}/stop", {"stop_reason": "again"})).status == 409


@pytest.mark.parametrize("tag", ["en", "zh-CN"])
async def test_the_pages_have_all_their_words(site: Site, sitting: str, tag: str) -> None:
    await given(site, "clerk", "approve", "sealed", "holds")
    clerk = await site.signed_in("clerk", tag)
    administrator = await site.signed_in("administrator", tag)
    pages = [await clerk.page(f"/keeping?view={view}") for view in ("due", "held", "juvenile", "destructions")]
    pages += [await clerk.page(f"/keeping/recordings/{sitting}"), await administrator.page("/keeping/settings")]
    for text in pages:
        for prefix in ("retention.", "destruction.", "power.", "kept_why.", "audit."):
            assert f">{prefix}" not in text
