"""Who is told to go, and why: each connection whose endpoint is no longer part of the sitting, and no other."""

from __future__ import annotations

import pytest

from rooms.commands import Cancel, Command, Disappear, Revise, Revoke
from rooms.farewells import COME_BACK, farewells
from rooms.media.engine import Source
from rooms.protocol import AdmitDevice, ChangeStage, Leave, Mute, Remove, ReturnToWaiting
from tests.rooms.making import PEOPLE, Sitting, make_plan

CONNECTED = ("e-judge", "e-zhang", "e-li", "phone", "e-officer")
Told = dict[str, tuple[int, str, str]]


def hearing() -> Sitting:
    """Judge, Zhang and Li are inside; Zhang's telephone asks to come in; the officer watches."""
    sitting = Sitting().opened("zhang", "li")
    sitting.arrive("zhang", "phone")
    sitting.watch()
    return sitting


def told(sitting: Sitting, endpoint: str, command: Command, connected: tuple[str, ...] = CONNECTED) -> Told:
    """Who is told what after `command`; an empty `endpoint` is the system."""
    before, known = sitting.state, len(sitting.log)
    if endpoint:
        sitting.act(endpoint, command)
    else:
        sitting.system(command)
    found = farewells(before, sitting.state, sitting.log[known:], dict.fromkeys(connected))
    return {who: (farewell.code, farewell.reason, farewell.detail) for who, farewell in found.items()}


WITHOUT_ZHANG = make_plan(people=tuple(p for p in PEOPLE if p.id != "zhang"))
REMOVED = (4410, "removed", "disturbs")
CASES: dict[str, tuple[str, Command, Told]] = {
    "the chair removes": ("e-judge", Remove(participant="zhang", reason="disturbs"), {"e-zhang": REMOVED, "phone": REMOVED}),
    "a link is revoked": ("", Revoke("zhang", "reissued"), dict.fromkeys(("e-zhang", "phone"), (4410, "revoked", "reissued"))),
    "somebody is struck off": ("", Revise(WITHOUT_ZHANG), dict.fromkeys(("e-zhang", "phone"), (4410, "revoked", ""))),
    "a device is admitted": ("e-judge", AdmitDevice(endpoint="phone", accept=True), {"e-zhang": (4409, "replaced", "")}),
    "a device is refused": ("e-judge", AdmitDevice(endpoint="phone", accept=False), {"phone": (4403, "device_refused", "")}),
    "a device gives up": ("phone", Leave(), {"phone": (1000, "left", "")}),
    "an officer goes": ("e-officer", Leave(), {"e-officer": (1000, "left", "")}),
    "the sitting ends": (
        "e-judge",
        ChangeStage(to="closed", reason="judgment given"),
        dict.fromkeys(CONNECTED, (4411, "closed", "judgment given")),
    ),
    "it is cancelled": ("", Cancel("moved to May"), dict.fromkeys(CONNECTED, (4411, "cancelled", "moved to May"))),
    "a connection is lost": ("", Disappear("e-zhang"), {"e-zhang": (4503, "reconnect", "")}),
    "a device that asks is lost": ("", Disappear("phone"), {"phone": (4503, "reconnect", "")}),
    "an officer is lost": ("", Disappear("e-officer"), {"e-officer": (1000, "left", "")}),
    "a mute": ("e-judge", Mute(participant="zhang", source=Source.MICROPHONE), {}),
    "back to the waiting room": ("e-judge", ReturnToWaiting(participant="zhang"), {}),
    "a recess": ("e-judge", ChangeStage(to="recess"), {}),
}


@pytest.mark.parametrize(("endpoint", "command", "expected"), CASES.values(), ids=CASES.keys())
def test_each_hears_why_he_has_to_go(endpoint: str, command: Command, expected: Told) -> None:
    assert told(hearing(), endpoint, command) == expected


def test_who_leaves_has_left_and_his_other_device_comes_in_anew() -> None:
    found = told(hearing(), "e-zhang", Leave())
    assert found.pop("e-zhang") == (1000, "left", "")
    assert found == {"phone": (COME_BACK.code, COME_BACK.reason, "")}


def test_who_is_not_connected_is_told_nothing() -> None:
    assert told(hearing(), "e-judge", Remove(participant="zhang", reason="disturbs"), ("e-judge", "e-li")) == {}


def test_a_connection_that_nobody_knows_looks_for_its_place_again() -> None:
    assert told(hearing(), "e-judge", ChangeStage(to="recess"), ("somebody",)) == {"somebody": (4503, "reconnect", "")}


def test_of_two_who_share_a_device_the_other_stays() -> None:
    sitting = Sitting().opened()
    sitting.arrive("zhang", "room", more=("li",))
    assert told(sitting, "e-judge", Remove(participant="zhang", reason="disturbs"), ("room",)) == {}
    assert told(sitting, "e-judge", Remove(participant="li", reason="disturbs"), ("room",)) == {"room": REMOVED}
