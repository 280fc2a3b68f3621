"""A live video of the field on either engine: bytes of the phone come to who watches, to nobody else, and to no record."""

from __future__ import annotations

import pytest

from rooms.feeds.feed import About
from rooms.feeds.feeds import id_of
from rooms.plan import Ticket

from .chamber import Chamber, Person

pytestmark = pytest.mark.timeout(240)
ABOUT = About(id_of("u-lin"), "u-lin", "林涛", "望河中队")


async def test_a_phone_is_got_by_who_watches_and_by_nobody_else(chamber: Chamber) -> None:
    await chamber.open("remote_court")
    house, people = chamber.house, chamber.people
    await people["zhang"].receives()
    house.hub.feeds.start(ABOUT)
    phone = await house.enter(Ticket(ABOUT.id, "phone", "participant", ("u-lin",), "手机", "u-lin"))
    people["phone"] = Person("phone", phone, chamber.ledger)
    await people["phone"].sends(switched_on=False)
    for name in ("wall", "other"):
        ticket = Ticket(ABOUT.id, name, "observer", (), name, "u-officer")
        people[name] = Person(name, await house.enter(ticket), chamber.ledger)
        await people[name].receives()
        await people[name].gets("phone")
    assert await people["wall"].page.refused("publish", sdp="v=0", tracks=[]) == "not_inside"

    await people["other"].page.send("leave")
    await people["phone"].page.sees(lambda view: view["watchers"] == ["wall"])
    assert house.hub.feeds.room(ABOUT.id) is not None
    await people["wall"].gets("phone", more=8000)
    assert chamber.got("zhang", "phone") == 0, "no sitting gets anything of it"
    assert chamber.leaked(0.0, of=("phone",)) == {}, "and no recorder"

    await people["phone"].page.send("leave")
    assert await people["wall"].page.sent_away() == (4411, "feed_over")
