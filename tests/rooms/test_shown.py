"""What each viewer is shown of a live conference, on the wire: complete, true, and nothing that is not for him."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.rooms.courthouse import Courthouse, alerts, person
from tests.rooms.making import IN_CAMERA, observer, ticket


async def test_who_comes_back_gets_one_complete_view_of_his_present_rights_and_nothing_of_before(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    await pages["zhang"].vanish()
    for on in (True, False, True):
        await pages["li"].send("source", source="camera", on=on)
    await pages["judge"].send("mute", participant="zhang", source="microphone")
    await pages["judge"].send("to_waiting", participant="zhang")
    await pages["judge"].sees(lambda view: person(view, "zhang")["presence"] == "waiting")
    back = await house.enter("zhang")
    await pages["judge"].send("source", source="camera", on=True)
    await pages["li"].sees(lambda view: person(view, "judge")["sources"]["camera"]["on"])
    assert [message["type"] for message in back.heard] == ["welcome", "state"]
    assert (back.view["place"], back.view["rights"]["see"]) == ("waiting", False)
    assert [p["id"] for p in back.view["participants"]] == ["zhang"]
    assert person(back.view, "zhang")["sources"]["microphone"]["muted_by_chair"]


async def test_what_changes_nothing_for_a_viewer_is_not_sent_to_him(house: Courthouse) -> None:
    pages = await house.opened("zhang", "li")
    told = len(pages["li"].views)
    await pages["zhang"].send("quality", rtt_ms=40, lost_percent=2)
    await house.enter("witness")
    await pages["judge"].sees(lambda view: person(view, "witness")["presence"] == "waiting")
    await pages["zhang"].send("source", source="camera", on=True)
    await pages["li"].sees(lambda view: person(view, "zhang")["sources"]["camera"]["on"])
    assert len(pages["li"].views) == told + 1


async def test_many_changes_at_once_are_told_in_few_views_of_which_the_last_is_true(
    house: Courthouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = await house.opened("zhang")
    monkeypatch.setattr("rooms.viewers.COALESCE_S", 0.5)
    told = len(pages["zhang"].views)
    for number in range(40):
        await pages["judge"].send("source", source=["microphone", "camera"][number % 2], on=number % 4 < 2)
    await pages["judge"].send("mute", participant="zhang", source="screen")
    await pages["zhang"].sees(lambda view: person(view, "zhang")["sources"]["screen"]["muted_by_chair"])
    assert len(pages["zhang"].views) - told < 20
    judge = person(pages["zhang"].view, "judge")["sources"]
    assert (judge["microphone"]["on"], judge["camera"]["on"]) == (False, False)


SECRETS = ["指挥员 孙", "u-officer", "e-officer", "an-officers-note", "a-check-of-zhang", "his-old-phone", "a-next-booking"]
"""What only those who conduct or watch the hearing may know."""


@pytest.mark.parametrize("who", ["zhang", "gallery", "witness", "phone"])
async def test_who_has_no_right_to_it_hears_nothing_of_watchers_devices_checks_and_alerts(house: Courthouse, who: str) -> None:
    pages = await house.opened("clerk", "li", "zhang", "gallery")
    await house.enter("witness")
    phone = await house.enter(ticket("zhang", "phone"))
    await house.enter(replace(ticket("li", "third"), name="his-old-phone"))
    await house.watch()
    await house.hub.device_checked("sitting", "zhang" if who != "zhang" else "li", {"camera": "a-check-of-zhang"})
    await house.hub.set_next_booking("sitting", {"title": "a-next-booking", "room": "r", "starts_at_us": 5})
    page = {"phone": phone}.get(who) or await house.enter(who)
    await pages["judge"].send("source", source="camera", on=True)
    await pages["li"].sees(lambda view: person(view, "judge")["sources"]["camera"]["on"])
    await pages["judge"].sees(lambda view: len(view["devices"]) == 2 and alerts(view) and view["watchers"])
    inside = who in {"zhang", "gallery"}
    await page.sees(lambda view: view["watching"] == (1 if inside else 0))
    heard = json.dumps(page.heard, ensure_ascii=False)
    assert [secret for secret in SECRETS if secret in heard] == []
    view = page.view
    assert (view["watchers"], view["devices"], view["alerts"]) == ([], [], [])
    assert all(p["network"] is None and p["device_check"] is None for p in view["participants"])
    others = [p for p in ("judge", "clerk", "zhang", "li", "gallery") if p != who]
    assert [p["id"] for p in view["participants"] if not p["you"]] == (others if inside else [])
    seen = json.dumps(pages["judge"].heard, ensure_ascii=False)
    assert [secret for secret in ("指挥员 孙", "a-check-of-zhang", "his-old-phone", "a-next-booking") if secret not in seen] == []


async def test_nobody_hears_of_links_numbers_or_accounts(house: Courthouse) -> None:
    """Not even those who conduct the hearing: the conference does not know links and telephone numbers at all."""
    pages = await house.opened("clerk", "zhang")
    await house.watch()
    heard = json.dumps([page.heard for page in house.pages], ensure_ascii=False)
    words = {"phone", "tel", "contact", "link", "token", "user", "secret", "cookie", "address"}
    assert {word for word in words if f'"{word}"' in heard} == set()
    assert "u-officer" not in heard
    assert pages["judge"].view["watchers"] == ["指挥员 孙"]


async def test_of_a_private_stage_the_officer_sees_nothing_and_the_recorder_gets_nothing(house: Courthouse, in_camera: str) -> None:
    pages = await house.opened("clerk", "zhang", procedure=in_camera)
    officer = await house.watch()
    await officer.sees(lambda view: view["rights"]["see"])
    for page in (pages["judge"], pages["zhang"]):
        await page.send("source", source="camera", on=True)
    await house.routed(lambda routing: "e-officer" in routing.watch and routing.record)
    await pages["judge"].send("stage", to="deliberation")
    seen = await officer.sees(lambda view: not view["rights"]["see"])
    assert (seen["place"], seen["participants"], seen["alerts"], seen["watchers"]) == ("observing", [], [], [])
    routing = await house.routed(lambda routing: routing.private)
    assert routing.record == frozenset()
    assert routing.publish["e-zhang"] == routing.publish["e-officer"] == frozenset()
    assert not {"e-zhang", "e-officer"} & routing.watch.keys(), "parties and officer are there and neither see nor hear"
    assert {track.endpoint for track in routing.watch["e-clerk"]} == {"e-judge"}
    await pages["judge"].sees(lambda view: view["recording"]["state"] == "off")
    assert not house.recorder.on["sitting"]
    overview = house.hub.overview("sitting")
    assert overview is not None
    assert not overview.observable
    await officer.send("subscribe")
    assert (await officer.told("offer"))["tracks"] == [], "who comes in the meantime is connected, and nothing comes by it"
    await pages["judge"].send("stage", to="hearing")
    await officer.sees(lambda view: view["rights"]["see"])
    await house.routed(lambda routing: "e-officer" in routing.watch and routing.record)
    assert IN_CAMERA.stages["deliberation"].recorded, "it is private that keeps it off the recorder"


async def test_an_observer_comes_back_as_the_same_observer(house: Courthouse) -> None:
    pages = await house.opened()
    officer = await house.enter(observer())
    await officer.vanish()
    again = await house.enter(observer())
    assert again.view["place"] == "observing"
    assert house.types().count("observer_joined") == 1
    await pages["judge"].sees(lambda view: view["watchers"] == ["指挥员 孙"])
