"""Every error and every farewell of docs/protocol.md, brought about over real WebSockets; and that there are no others."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest

from rooms.commands import Disappear, RaiseAlert
from rooms.plan import Ticket
from rooms.protocol import MAX_MESSAGE_BYTES
from tests.rooms.courthouse import Courthouse, Page, person, until
from tests.rooms.making import IN_CAMERA, PEOPLE, held_by, make_plan, observer, room_ticket, ticket
from tests.rooms.outage import unwritable
from tests.rooms.refusals import DECIDED, PRIVATE
from tests.rooms.test_protocol_document import TEXT, raised_codes

PUBLISH: dict[str, Any] = {"sdp": "v=0", "tracks": [{"mid": "0", "source": "camera"}]}
CAMERA_ON: dict[str, Any] = {"source": "camera", "on": True}
OUTSIDE = {"sitting_unknown", "sitting_not_open", "kind_unknown", "kind_fixed", "check_unknown", "too_many_checks", "stage_private"}
OUTSIDE |= {"sitting_over", "centre_private", "centre_not_here", "not_recorded"}
OUTSIDE |= {"break_in_outranked", "break_in_taken", "nobody_broke_in", "nobody_hears", "not_watching"}
OUTSIDE |= {"nobody_talks", "talk_broken_in", "talk_kept_apart", "talk_outranked", "talk_overheard", "talk_taken"}
OUTSIDE |= {"talk_to_minor", "talk_to_witness"}
"""Told to the control plane and never to a WebSocket."""

# ------------------------------------------------------------------------------------------------ errors


async def not_allowed(house: Courthouse) -> str:
    return await (await house.opened("zhang"))["zhang"].refused("mute_all")


async def not_inside(house: Courthouse) -> str:
    await house.gathered()
    return await (await house.enter("zhang")).refused("publish", **PUBLISH)


async def media_away(house: Courthouse) -> str:
    page = (await house.opened("zhang"))["zhang"]
    house.engine.lose()
    await page.sees(lambda view: view["media"] == "away")
    return await page.refused("publish", **PUBLISH)


async def bad_sdp(house: Courthouse) -> str:
    return await (await house.opened("zhang"))["zhang"].refused("publish", sdp="bad", tracks=[])


async def unsupported_codec(house: Courthouse) -> str:
    house.engine.faults["publish"] = "unsupported_codec"
    return await (await house.opened("zhang"))["zhang"].refused("publish", **PUBLISH)


async def media_failed(house: Courthouse) -> str:
    house.engine.faults["subscribe"] = "failed"
    return await (await house.opened("zhang"))["zhang"].refused("subscribe")


async def transport_unknown(house: Courthouse) -> str:
    pages = await house.opened("zhang", "li")
    await pages["li"].send("subscribe")
    offer = await pages["li"].told("offer")
    return await pages["zhang"].refused("answer", transport=offer["transport"], revision=1, sdp="v=0")


async def stale_revision(house: Courthouse) -> str:
    page = (await house.opened("zhang"))["zhang"]
    await page.send("subscribe")
    offer = await page.told("offer")
    house.engine.offer_again("sitting", "e-zhang")
    return await page.refused("answer", transport=offer["transport"], revision=1, sdp="v=0")


async def source_not_in_stage(house: Courthouse) -> str:
    return await (await house.opened("gallery"))["gallery"].refused("source", **CAMERA_ON)


async def muted_by_chair(house: Courthouse) -> str:
    pages = await house.opened("zhang")
    await pages["judge"].send("mute", participant="zhang", source="camera")
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["muted_by_chair"])
    return await pages["zhang"].refused("source", **CAMERA_ON)


async def log_unwritable(house: Courthouse) -> str:
    page = (await house.opened("zhang"))["zhang"]
    async with unwritable(house.log):
        return await page.refused("source", **CAMERA_ON)


async def chair_cannot_leave(house: Courthouse) -> str:
    return await (await house.opened())["judge"].refused("leave")


async def participant_unknown(house: Courthouse) -> str:
    return await (await house.opened())["judge"].refused("to_waiting", participant="nobody")


async def not_waiting(house: Courthouse) -> str:
    return await (await house.opened())["judge"].refused("admit", participants=["zhang"])


async def needs_no_admission(house: Courthouse) -> str:
    return await (await house.opened("clerk"))["judge"].refused("to_waiting", participant="clerk")


async def device_unknown(house: Courthouse) -> str:
    return await (await house.opened())["judge"].refused("admit_device", endpoint="e-zhang", accept=True)


async def chair_not_muted(house: Courthouse) -> str:
    return await (await house.opened("clerk"))["clerk"].refused("mute", participant="judge", source="camera")


async def chair_not_removed(house: Courthouse) -> str:
    return await (await house.opened())["judge"].refused("remove", participant="judge", reason="why")


async def reason_missing(house: Courthouse) -> str:
    return await (await house.opened("zhang"))["judge"].refused("remove", participant="zhang", reason=" ")


async def not_removed(house: Courthouse) -> str:
    return await (await house.opened("zhang"))["judge"].refused("readmit", participant="zhang")


async def stage_unknown(house: Courthouse) -> str:
    return await (await house.gathered())["judge"].refused("stage", to="dance")


async def stage_not_next(house: Courthouse) -> str:
    return await (await house.gathered())["judge"].refused("stage", to="recess")


async def recording_not_ready(house: Courthouse) -> str:
    house.recorder.fault = "disk_full"
    return await (await house.gathered())["judge"].refused("stage", to="hearing")


async def alert_unknown(house: Courthouse) -> str:
    return await (await house.gathered())["judge"].refused("acknowledge", alert="engine_lost")


async def sitting_locked(house: Courthouse) -> str:
    judge = (await house.opened())["judge"]
    await house.enter("zhang")
    await judge.send("lock", on=True)
    await judge.sees(lambda view: view["sitting"]["locked"])
    return await judge.refused("admit", participants=["zhang"])


async def nobody_there(house: Courthouse) -> str:
    return await (await house.opened())["judge"].refused("write", to="all", text="is anybody there")


async def text_missing(house: Courthouse) -> str:
    return await (await house.opened("zhang"))["zhang"].refused("write", to="chair", text=" ")


async def room(house: Courthouse, *people: str) -> dict[str, Page]:
    """The judge, and the room's device at which these people sit."""
    pages = await house.gathered()
    for someone in people:
        await house.hub.consent("sitting", someone, version="1", text_sha256="ab" * 32, device="第一法庭主机")
        await house.hub.sit_down("sitting", someone, endpoint="room", device="第一法庭主机")
    pages["room"] = await house.enter(room_ticket())
    await pages["judge"].send("admit")
    await pages["room"].sees(lambda view: view["place"] == "inside")
    return pages


async def source_not_for_all(house: Courthouse) -> str:
    return await (await room(house, "zhang", "gallery"))["room"].refused("source", source="microphone", on=True)


async def nobody_heard(house: Courthouse) -> str:
    return await (await room(house, "zhang", "gallery"))["room"].refused("voice", participant="zhang")


async def not_seated(house: Courthouse) -> str:
    return await (await room(house, "zhang"))["room"].refused("voice", participant="li")


async def seat_refused(house: Courthouse, who: str, *, consents: bool = True) -> str:
    judge = (await room(house, "zhang"))["judge"]
    if consents:
        await house.hub.consent("sitting", who, version="1", text_sha256="ab" * 32, device="手机")
    return await judge.refused("seat", participant=who, endpoint="room")


async def consent_missing(house: Courthouse) -> str:
    return await seat_refused(house, "li", consents=False)


async def enters_by_himself(house: Courthouse) -> str:
    return await seat_refused(house, "clerk")


async def sits_apart(house: Courthouse) -> str:
    return await seat_refused(house, "witness")


async def seated_elsewhere(house: Courthouse) -> str:
    judge = (await room(house, "zhang"))["judge"]
    await house.enter("li")
    await house.hub.consent("sitting", "li", version="1", text_sha256="ab" * 32, device="手机")
    return await judge.refused("seat", participant="li", endpoint="room")


async def was_removed(house: Courthouse) -> str:
    judge = (await room(house, "zhang", "li"))["judge"]
    await judge.send("remove", participant="li", reason="why")
    await judge.sees(lambda view: person(view, "li")["presence"] == "removed")
    return await judge.refused("seat", participant="li", endpoint="room")


async def not_in_stage(house: Courthouse) -> str:
    return await (await house.opened("gallery"))["judge"].refused("give_floor", participant="gallery")


def _at(stage: str, view: dict[str, Any]) -> bool:
    return bool(view["sitting"]["stage"] == stage)


async def in_stage(house: Courthouse, kind: str, *stages: str, **roles: str) -> Page:
    """The judge's page of a sitting of this kind that has gone so far, with everybody inside and identified."""
    judge = (await house.gathered(*roles, **held_by(kind, **roles)))["judge"]
    for someone in roles:
        await judge.send("roll", participant=someone, answer="present")
        await judge.send("identify", participant=someone, result="confirmed", note="身份证")
    for stage in stages:
        await judge.send("stage", to=stage)
        await judge.sees(partial(_at, stage))
    return judge


async def reason_not_allowed(house: Courthouse) -> str:
    return await (await in_stage(house, "remote_court", "roll_call", clerk="clerk")).refused("stage", to="recess", reason="tired")


async def roll_call_missing(house: Courthouse) -> str:
    judge = await in_stage(house, "remote_court", "roll_call", clerk="clerk")
    await judge.send("roll", participant="clerk", answer="")
    return await judge.refused("stage", to="identity")


async def identity_missing(house: Courthouse) -> str:
    judge = await in_stage(house, "remote_court", "roll_call", "identity", zhang="party")
    await judge.send("identify", participant="zhang", result="refused", note="与证件不符")
    return await judge.refused("stage", to="investigation")


async def quorum_missing(house: Courthouse) -> str:
    return await (await in_stage(house, "public_hearing", zhang="hearing_officer")).refused("stage", to="roll_call")


async def people_gone(house: Courthouse) -> str:
    judge = await in_stage(house, "remote_interrogation", "out_of_cell", "identity", clerk="clerk", zhang="suspect")
    await house.live().note(Disappear("e-zhang"))
    house.pages = [judge]  # his own is told that he was not heard of
    await house.live().note(RaiseAlert("departure_due", "warning", "zhang"))
    await judge.sees(partial(_at, "recess"))
    return await judge.refused("stage", to="identity")


async def minutes_missing(house: Courthouse) -> str:
    stages = ("identity", "statement", "explanation", "minutes")
    return await (await in_stage(house, "petition_intake", *stages, zhang="petitioner")).refused("stage", to="routing")


async def still_unknown(house: Courthouse) -> str:
    judge = (await house.opened("zhang"))["judge"]
    return await judge.refused("identify", participant="zhang", result="confirmed", face="ab" * 32, note="身份证")


ERRORS: tuple[Callable[[Courthouse], Awaitable[str]], ...] = (
    not_allowed, not_inside, media_away, bad_sdp, unsupported_codec, media_failed, transport_unknown, stale_revision,
    source_not_in_stage, muted_by_chair, log_unwritable, chair_cannot_leave, participant_unknown, not_waiting, needs_no_admission,
    device_unknown, chair_not_muted, chair_not_removed, reason_missing, not_removed, stage_unknown, stage_not_next,
    recording_not_ready, alert_unknown, sitting_locked, nobody_there, text_missing, source_not_for_all, nobody_heard, not_seated,
    consent_missing, enters_by_himself, sits_apart, seated_elsewhere, was_removed, not_in_stage, reason_not_allowed, roll_call_missing,
    identity_missing, people_gone, quorum_missing, minutes_missing, still_unknown, *PRIVATE, *DECIDED,
)  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
async def test_the_error(house: Courthouse, error: Callable[[Courthouse], Awaitable[str]]) -> None:
    """It is told, with the connection kept."""
    assert await error(house) == error.__name__
    assert all(page.socket.close_code is None for page in house.pages)


def test_these_are_all_errors_there_are() -> None:
    assert {error.__name__ for error in ERRORS} == raised_codes() - OUTSIDE


# ------------------------------------------------------------------------------------------------ farewells

Farewells = dict[tuple[int, str], Callable[[Courthouse], Awaitable[Page]]]
FAREWELLS: Farewells = {}
"""By close code and reason, what leads to it: returns the page that is sent away."""
IN_THE_WEB = {"unauthorised", "consent_missing", "link_expired", "sitting_unknown"}
"""Told by the handler of the WebSocket before the conference is reached: tests/dispatch/web/test_hearing_socket.py."""


def ends_with(code: int, reason: str) -> Callable[[Callable[[Courthouse], Awaitable[Page]]], None]:
    def keep(way: Callable[[Courthouse], Awaitable[Page]]) -> None:
        FAREWELLS[code, reason] = way

    return keep


async def arriving(house: Courthouse, who: Ticket) -> Page:
    page = await house.connect(who)
    await page.send("hello")
    return page


@ends_with(1000, "left")
async def leaves(house: Courthouse) -> Page:
    page = (await house.opened("zhang"))["zhang"]
    await page.send("leave")
    return page


@ends_with(4400, "malformed")
async def talks_nonsense(house: Courthouse) -> Page:
    page = (await house.opened("zhang"))["zhang"]
    await page.raw("nonsense")
    return page


@ends_with(4413, "oversized")
async def talks_too_long(house: Courthouse) -> Page:
    page = (await house.opened("zhang"))["zhang"]
    await page.raw(" " * (MAX_MESSAGE_BYTES + 1))
    return page


@ends_with(4429, "slow")
async def talks_too_much(house: Courthouse) -> Page:
    page = (await house.opened("zhang"))["zhang"]
    for _ in range(100):
        await page.send("quality", rtt_ms=1, lost_percent=0)
    return page


@ends_with(4403, "not_invited")
async def is_a_stranger(house: Courthouse) -> Page:
    await house.gathered()
    return await arriving(house, ticket("stranger"))


@ends_with(4403, "nobody_seated")
async def is_a_device_at_which_nobody_sits_any_more(house: Courthouse) -> Page:
    pages = await room(house, "zhang")
    await pages["judge"].send("unseat", participant="zhang")
    return pages["room"]


@ends_with(4403, "private")
async def watches_a_deliberation(house: Courthouse) -> Page:
    pages = await house.opened(procedure=IN_CAMERA.text)
    await pages["judge"].send("stage", to="deliberation")
    await pages["judge"].sees(lambda view: view["sitting"]["stage"] == "deliberation")
    return await arriving(house, observer())


@ends_with(4403, "device_refused")
async def brings_a_device_that_is_refused(house: Courthouse) -> Page:
    pages = await house.opened("zhang")
    phone = await house.enter(ticket("zhang", "phone"))
    assert phone.view["place"] == "device_pending"
    await pages["judge"].send("admit_device", endpoint="phone", accept=False)
    return phone


@ends_with(4404, "not_open")
async def comes_before_it_is_open(house: Courthouse) -> Page:
    return await arriving(house, ticket("zhang"))


@ends_with(4409, "replaced")
async def goes_on_in_another_window(house: Courthouse) -> Page:
    page = (await house.opened("zhang"))["zhang"]
    assert (await house.enter("zhang")).view["place"] == "inside"
    return page


@ends_with(4410, "removed")
async def is_removed(house: Courthouse) -> Page:
    pages = await house.opened("zhang")
    await pages["judge"].send("remove", participant="zhang", reason="disturbs")
    await pages["zhang"].told("farewell", detail="disturbs")
    return pages["zhang"]


@ends_with(4410, "revoked")
async def has_a_link_that_is_revoked(house: Courthouse) -> Page:
    pages = await house.opened("zhang")
    await house.hub.revoke("sitting", "zhang", "reissued")
    return pages["zhang"]


@ends_with(4411, "closed")
async def is_inside_at_the_end(house: Courthouse) -> Page:
    pages = await house.opened("zhang")
    await pages["judge"].send("stage", to="closed")
    return pages["zhang"]


@ends_with(4411, "cancelled")
async def is_there_when_it_is_cancelled(house: Courthouse) -> Page:
    pages = await house.gathered("zhang")
    await house.hub.cancel("sitting", "moved to May")
    await pages["zhang"].told("farewell", detail="moved to May")
    return pages["zhang"]


@ends_with(4503, "reconnect")
async def is_there_when_the_server_goes(house: Courthouse) -> Page:
    pages = await house.opened("zhang")
    await house.hub.close()
    return pages["zhang"]


@ends_with(4503, "log_unwritable")
async def comes_first_while_nothing_can_be_logged(house: Courthouse) -> Page:
    await house.gathered()
    async with unwritable(house.log):
        page = await arriving(house, ticket("clerk"))
        await page.closed()
    return page


@ends_with(4503, "failed")
async def comes_back_to_an_engine_that_talks_nonsense(house: Courthouse) -> Page:
    await house.opened("zhang")

    async def nonsense() -> dict[str, Any]:
        return {"routers": []}

    house.engine.report = nonsense  # type: ignore[method-assign]
    page = await house.connect(ticket("zhang"))
    await page.send("hello", publish="p1")
    return page


@pytest.mark.usefixtures("in_camera")
@pytest.mark.parametrize("code_and_reason", FAREWELLS, ids=lambda one: f"{one[0]}-{one[1]}")
async def test_the_farewell(house: Courthouse, code_and_reason: tuple[int, str]) -> None:
    """The last message names the close code that follows, and everybody else is left alone."""
    page = await FAREWELLS[code_and_reason](house)
    assert await page.sent_away() == code_and_reason


def test_these_are_all_farewells_there_are() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| reason | `closed`"))
    assert set(re.findall(r"`(\w+)`", row)) == {reason for _, reason in FAREWELLS} | IN_THE_WEB
    codes = {int(code) for code in re.findall(r"^\| (4\d{3}) \|", TEXT, re.MULTILINE)}
    assert codes - {4401} == {code for code, _ in FAREWELLS if code != 1000}


# ------------------------------------------------------------------------------------------------ other ways to the same end


async def test_a_device_that_is_admitted_closes_the_first_and_keeps_the_place(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["judge"].send("mute", participant="zhang", source="camera")
    phone = await house.enter(ticket("zhang", "phone"))
    await pages["judge"].sees(lambda view: [device["endpoint"] for device in view["devices"]] == ["phone"])
    await pages["judge"].send("admit_device", endpoint="phone", accept=True)
    assert await pages["zhang"].sent_away() == (4409, "replaced")
    seen = await phone.sees(lambda view: view["place"] == "inside")
    assert person(seen, "zhang")["sources"]["camera"]["muted_by_chair"]
    assert pages["li"].socket.close_code is None


async def test_a_device_that_gives_up_waiting_has_left(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    phone = await house.enter(ticket("zhang", "phone"))
    await phone.send("leave")
    assert await phone.sent_away() == (1000, "left")
    assert pages["zhang"].view["place"] == "inside"


async def test_an_officer_who_leaves_has_left(house: Courthouse) -> None:
    await house.opened()
    officer = await house.watch()
    await officer.send("leave")
    assert await officer.sent_away() == (1000, "left")


async def test_who_is_struck_off_the_plan_has_no_link_any_more(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await house.hub.revise(make_plan(people=tuple(p for p in PEOPLE if p.id != "zhang")))
    assert await pages["zhang"].sent_away() == (4410, "revoked")
    await pages["li"].sees(lambda view: not person(view, "zhang"))


@pytest.mark.parametrize("how", ["removed", "closed", "cancelled"])
async def test_who_was_put_out_hears_the_same_when_he_tries_again(house: Courthouse, how: str) -> None:
    pages = await house.opened("zhang")
    async with AsyncExitStack() as afterwards:
        if how == "removed":
            await pages["judge"].send("remove", participant="zhang", reason="disturbs")
        else:  # the sitting stays in memory while its recording is sealed
            house.recorder.faults["seal"] = "timeout"
            afterwards.callback(house.recorder.faults.clear)
            await (pages["judge"].send("stage", to="closed") if how == "closed" else house.hub.cancel("sitting", "moved"))
        code, reason = await pages["zhang"].sent_away()
        again = await arriving(house, ticket("zhang"))
        assert await again.sent_away() == (code, reason) == ({"removed": 4410}.get(how, 4411), how)


async def test_a_sitting_that_is_over_and_sealed_stays_closed(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["judge"].send("stage", to="closed")
    await until(lambda: house.hub.overview("sitting") is None)
    await house.hub.open(make_plan())
    assert await (await arriving(house, ticket("zhang"))).sent_away() == (4411, "closed")


async def test_a_cancelled_sitting_is_cancelled_also_when_it_is_over(house: Courthouse) -> None:
    await house.gathered("zhang")
    await house.hub.cancel("sitting", "moved")
    await until(lambda: house.hub.overview("sitting") is None)
    assert (await (await arriving(house, ticket("zhang"))).sent_away())[0] == 4411
