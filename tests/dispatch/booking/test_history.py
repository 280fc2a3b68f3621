"""What happened to a booking is told from the audit log: who, when, from what to what, why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from dispatch.booking import bookings, history
from dispatch.booking.extension import extend
from dispatch.booking.history import Changed, differences
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.identity import invitations
from dispatch.sittings import participants
from dispatch.store import postgresql
from tests.dispatch.making import NOW, Court, add_movable, at, bring_to, draft_of, make_sitting, named, other_sitting

WHY = "双方同意"


async def test_a_booking_says_what_was_booked(court: Court) -> None:
    sitting = await make_sitting(court)
    await other_sitting(court)
    [entry] = await history.of(court.db, sitting.id)
    assert (entry.action, entry.actor, entry.at) == ("sitting_booked", "赵书宁", NOW)
    assert entry.changes == (
        Changed("starts", "", "2026-11-24 14:00"),
        Changed("ends", "", "15:00"),
        Changed("room", "", "第一法庭"),
    )


async def test_a_move_says_from_where_to_where_and_the_newest_comes_first(court: Court) -> None:
    sitting = await make_sitting(court)
    await bookings.move(
        court.db, sitting.id, court.other_room.id, at("16:00", 1), at("17:30", 1), court.users["he"], NOW, override_reason=WHY
    )
    moved, _ = await history.of(court.db, sitting.id)
    assert (moved.action, moved.actor) == ("sitting_moved", "何晓岚")
    assert moved.changes == (
        Changed("starts", "2026-11-24 14:00", "2026-11-25 16:00"),
        Changed("ends", "15:00", "17:30"),
        Changed("room", "第一法庭", "第二法庭"),
    )


async def test_a_change_says_what_is_different_and_nothing_else(court: Court) -> None:
    sitting = await make_sitting(court)
    [camera] = await add_movable(court.db, "equipment", "实物展台", court.users["xu"], NOW)
    draft = draft_of(sitting, title="改后", equipment=(camera.id,))
    people = (*(row for row in draft.participants if row.name != "吴译"), ParticipantDraft("王五", "witness"))
    await bookings.update_sitting(court.db, sitting.id, replace(draft, participants=people, override_reason=WHY), court.clerk, NOW)
    changed = (await history.of(court.db, sitting.id))[0]
    assert changed.action == "sitting_changed"
    assert changed.changes == (
        Changed("equipment", "", "实物展台"),
        Changed("title", "云河物业公司与刘芳物业服务合同纠纷案", "改后"),
        Changed("people", "interpreter=吴译", "witness=王五"),
    )


async def test_a_change_of_time_in_the_form_is_told_as_a_move(court: Court) -> None:
    sitting = await make_sitting(court)
    draft = draft_of(sitting, starts_at=at("16:00"), ends_at=at("17:00"), override_reason=WHY)
    await bookings.update_sitting(court.db, sitting.id, draft, court.clerk, NOW)
    changed, moved, _ = await history.of(court.db, sitting.id)
    assert (changed.action, changed.changes) == ("sitting_changed", ())
    assert [change.field for change in moved.changes] == ["starts", "ends"]


async def test_it_tells_of_people_links_more_time_and_the_end(court: Court) -> None:
    sitting = await make_sitting(court)
    added = await participants.add(court.db, sitting.id, ParticipantDraft("王五", "witness"), court.clerk, NOW)
    await invitations.reissue(court.db, named(sitting, "刘芳").id, court.clerk, NOW)
    await participants.remove(court.db, added.id, court.clerk, NOW)
    await bookings.cancel(court.db, sitting.id, "原告撤诉", court.clerk, NOW)
    entries = await history.of(court.db, sitting.id)
    assert [(entry.action, entry.reason) for entry in entries[:-1]] == [
        ("sitting_cancelled", "原告撤诉"),
        ("participant_removed", ""),
        ("link_reissued", ""),
        ("participant_added", ""),
    ]
    assert [entry.changes for entry in entries[1:4]] == [
        (Changed("people", "witness=王五", ""),),
        (),
        (Changed("people", "", "witness=王五"),),
    ]
    other = await bring_to(court.db, await other_sitting(court), "live")
    await extend(court.db, other.id, 30, court.clerk, at("14:30"))
    assert (await history.of(court.db, other.id))[0].changes == (Changed("ends", "15:00", "15:30"),)


async def test_a_sitting_that_nobody_knows_has_none(court: Court) -> None:
    await make_sitting(court)
    assert await history.of(court.db, "' OR 1=1 --") == []


async def test_a_long_log_is_not_read_for_it(court: Court) -> None:
    sitting = await make_sitting(court)
    async with court.db.reader() as session:
        if postgresql.is_postgresql(session):
            await session.execute(text("SET LOCAL enable_seqscan = off"))
            asked = f"EXPLAIN SELECT * FROM audit WHERE (detail ->> 'sitting') = '{sitting.id}' ORDER BY seq DESC"
        else:
            asked = f"EXPLAIN QUERY PLAN SELECT * FROM audit WHERE json_extract(detail, '$.sitting') = '{sitting.id}' ORDER BY seq DESC"
        assert "audit_of_sitting" in str((await session.execute(text(asked))).all())


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"room": "甲", "people": ""}, {"room": "甲", "people": ""}, {}),
        ({"room": "甲", "people": ""}, {"room": "乙", "people": ""}, {"changed": {"room": ["甲", "乙"]}}),
        ({"room": "甲", "people": "party=A"}, {"room": "甲", "people": ""}, {"changed": {"people": ["party=A", ""]}}),
        ({"room": "甲", "people": "party=A · party=B"}, {"room": "甲", "people": "party=B · party=A"}, {}),
    ],
)
def test_only_what_differs_is_kept(before: dict[str, str], after: dict[str, str], told: dict[str, object]) -> None:
    assert differences(before, after, ("room", "people")) == told
