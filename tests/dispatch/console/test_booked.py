"""What is booked reaches the situation list as it stands in the database."""

from __future__ import annotations

from sqlalchemy import update

from dispatch.console import booked
from dispatch.console.shift import charge
from dispatch.sittings import sittings
from dispatch.sittings.moments import microseconds
from dispatch.store.tables import Participant, Sitting
from tests.dispatch.console.shift.test_shifts import LATER, officer
from tests.dispatch.making import NOW, Court, make_sitting


async def test_a_booked_sitting_has_its_people_in_order_its_first_room_and_its_officer(court: Court) -> None:
    sitting = await make_sitting(court, "14:00")
    li = await officer(court, "li")
    await charge.give(court.db, li, sitting.id, li.id, "", LATER)
    (found,) = await booked.of_day(court.db, NOW.date(), court.db.site.zone)
    whole = await sittings.get(court.db, sitting.id)
    assert (found.id, found.kind, found.title, found.status) == (whole.id, whole.kind, whole.title, whole.status)
    assert (found.case_number, found.officer) == (whole.case.number, "li")
    assert (found.room_id, found.room, found.room_en) == (whole.room.id, whole.room.name, whole.room.name_en)
    assert (found.starts_at_us, found.ends_at_us) == (microseconds(whole.starts_at), microseconds(whole.ends_at))
    assert found.people == tuple((p.id, p.name, p.role, p.presides) for p in whole.participants)
    assert len(found.people) > 1
    assert found.named is None
    assert await booked.one(court.db, sitting.id) == found


async def test_who_was_taken_out_is_nobody_who_is_missed(court: Court) -> None:
    sitting = await make_sitting(court)
    gone = sitting.participants[-1].id
    async with court.db.writer() as session:
        await session.execute(update(Participant).where(Participant.id == gone).values(removed_at=LATER))
    found = await booked.one(court.db, sitting.id)
    assert found is not None
    assert gone not in [person for person, _name, _role, _chair in found.people]
    assert len(found.people) == len(sitting.participants) - 1


async def test_the_days_sittings_come_by_their_start_and_withheld_ones_not_at_all(court: Court) -> None:
    late, early = await make_sitting(court, "16:00"), await make_sitting(court, "10:00")
    withheld, zone = await make_sitting(court, "12:00"), court.db.site.zone
    async with court.db.writer() as session:
        await session.execute(update(Sitting).where(Sitting.id == withheld.id).values(withheld_at=LATER))
    assert [one.id for one in await booked.of_day(court.db, NOW.date(), zone)] == [early.id, late.id]
    assert await booked.one(court.db, withheld.id) is None
    assert await booked.one(court.db, "nobody") is None
    assert await booked.of_day(court.db, NOW.date().replace(day=NOW.day + 1), zone) == []
