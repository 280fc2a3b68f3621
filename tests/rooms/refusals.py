"""Errors of private phases, brought about over real WebSockets; the test is in test_protocol_codes.py."""

from __future__ import annotations

from rooms.procedure import PROCEDURES
from tests.rooms.court import COURT
from tests.rooms.courthouse import Courthouse, Page
from tests.rooms.making import room_ticket


async def among(house: Courthouse, *people: str) -> dict[str, Page]:
    """Judge, lawyer and these, in a court by the ordinary procedure."""
    return await house.gathered("lawyer", *people, people=COURT, procedure=PROCEDURES["remote_court"].text)


async def consult_not_provided(house: Courthouse) -> str:
    return await (await among(house, "li"))["judge"].refused("consult", participants=["judge", "li"])


async def consults_already(house: Courthouse) -> str:
    judge = (await among(house, "zhang", "li"))["judge"]
    await judge.send("consult", participants=["zhang", "lawyer"])
    await judge.sees(lambda view: view["consults"])
    return await judge.refused("consult", participants=["li", "lawyer"])


async def consult_overheard(house: Courthouse) -> str:
    judge = (await among(house))["judge"]
    for someone in ("zhang", "li"):
        await house.hub.consent("sitting", someone, version="1", text_sha256="ab" * 32, device="第一法庭主机")
        await house.hub.sit_down("sitting", someone, endpoint="room", device="第一法庭主机")
    page = await house.enter(room_ticket())
    await judge.send("admit")
    await page.sees(lambda view: view["place"] == "inside")
    return await judge.refused("consult", participants=["zhang", "lawyer"])


async def consult_unknown(house: Courthouse) -> str:
    return await (await among(house))["judge"].refused("end_consult", consult="1")


async def no_private_phase(house: Courthouse) -> str:
    return await (await among(house))["lawyer"].refused("step", out=True)


PRIVATE = (consult_not_provided, consults_already, consult_overheard, consult_unknown, no_private_phase)
