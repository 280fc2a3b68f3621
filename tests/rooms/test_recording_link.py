"""The recorder is kept at what the conference desires; what is said of the recording is what is on disk; failures are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rooms import recording_link
from rooms.media.engine import Source
from rooms.recording.control import RecorderEvent
from tests.rooms.courthouse import Courthouse, Page, alerts, person, until
from tests.rooms.making import make_plan, ticket

BOUND_S = 5
"""Within so many seconds a recording that is none is called so, in the hearing and in the console."""


def console_alerts(house: Courthouse) -> list[str]:
    overview = house.hub.overview("sitting")
    assert overview is not None
    return [alert["code"] for alert in overview.alerts]


def on_console(house: Courthouse) -> dict[str, Any]:
    overview = house.hub.overview("sitting")
    assert overview is not None
    return overview.recording


def recording_is(state: str, cause: str = "") -> Any:
    return lambda view: (view["recording"]["state"], view["recording"]["cause"]) == (state, cause)


async def seconds_pass(house: Courthouse, seconds: int, *, beats: bool = True, **tracks: int) -> None:
    """The clock goes on by whole seconds; the recorder's heartbeat with it, if it lives."""
    for _ in range(seconds):
        house.clock.forward(1)
        if beats:
            house.recorder.beat("sitting", [{"endpoint": f"e-{who}", "source": "camera", "packets": n} for who, n in tracks.items()])
            await until(lambda: house.live().recording._vigil._beat_us == house.clock.now_us)
        await house.live().recording.judge()


# ------------------------------------------------------------------------------------------------ begin and end


async def test_a_recording_follows_the_stages_and_counts_what_is_on_disk(house: Courthouse) -> None:
    pages = await house.gathered("zhang")
    judge = pages["judge"]
    assert judge.view["recording"]["state"] == "off"
    assert not house.recorder.on.get("sitting")
    await judge.send("stage", to="hearing")
    await judge.sees(recording_is("recording"))
    await seconds_pass(house, 60)
    await judge.send("stage", to="recess")
    seen = await judge.sees(recording_is("off"))
    assert (seen["recording"]["seconds"], house.recorder.on["sitting"]) == (60.0, False)
    house.clock.forward(600)
    await judge.send("stage", to="hearing")
    await judge.sees(recording_is("recording"))
    await seconds_pass(house, 30)
    await judge.send("stage", to="closed")
    await house.logged("sealed")
    assert house.recorder.commands == [
        ("record", True, "hearing_opened", "审判长 周正"),
        ("record", False, "recess", "审判长 周正"),
        ("record", True, "hearing_opened", "审判长 周正"),
        ("record", False, "closed", "审判长 周正"),
    ]
    assert [kind for kind in house.types() if kind.startswith("recording")] == ["recording_started", "recording_stopped"] * 2
    spans = [row.at_us for row in house.written if row.type.startswith("recording")]
    assert [(stop - start) / 1e6 for start, stop in zip(spans[::2], spans[1::2], strict=True)] == [60.0, 30.0]


async def test_the_folder_has_the_whole_log_and_the_manifest_says_who_was_where(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await house.enter(ticket("zhang", "phone"))
    await pages["judge"].send("admit_device", endpoint="phone", accept=True)
    await pages["zhang"].closed()
    await pages["judge"].send("stage", to="closed", reason="judgment given")
    await house.logged("sealed")
    rows = await house.hub.rows("sitting")
    assert house.recorder.rows["sitting"] == [row.line() for row in rows if row.type != "sealed"]
    meta = house.recorder.sealed["sitting"]
    assert {endpoint: found["participants"] for endpoint, found in meta["endpoints"].items()} == {
        "e-judge": ["judge"], "e-zhang": ["zhang"], "phone": ["zhang"],
    }  # fmt: skip
    assert (meta["case_number"], meta["court"], meta["room"]) == ("(2026)京01民初1号", "云河区人民法院", "第一法庭")
    assert "judgment given" in house.recorder.rows["sitting"][-2] + house.recorder.rows["sitting"][-1]
    assert rows[-1].data == {"manifest_sha256": "ab" * 32}


async def test_a_sitting_that_was_never_held_leaves_no_recording(house: Courthouse) -> None:
    pages = await house.gathered("zhang")
    await pages["judge"].send("stage", to="closed")
    await until(lambda: house.hub.overview("sitting") is None)
    assert house.recorder.commands == []
    assert house.recorder.sealed == {}


async def test_a_hearing_that_is_cancelled_keeps_its_recording(house: Courthouse) -> None:
    await house.opened("zhang")
    await house.hub.cancel("sitting", "moved")
    await house.logged("sealed")
    assert house.recorder.commands[-1][:3] == ("record", False, "cancelled")


# ------------------------------------------------------------------------------------------------ not ready


@pytest.mark.parametrize("trouble", ["away", "disk_full", "hangs"])
async def test_a_recorded_stage_is_not_entered_while_nothing_can_be_recorded(
    house: Courthouse, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_link, "OPEN_LIMIT_S", 0.1)
    pages = await house.gathered("zhang")
    judge = pages["judge"]
    await judge.sees(lambda view: not view["sitting"]["next_stages"][0]["blocked"])
    if trouble == "away":
        house.recorder.lose()
    elif trouble == "hangs":
        house.recorder.gate.clear()
    else:
        house.recorder.fault = trouble
    assert await judge.refused("stage", to="hearing") == "recording_not_ready"
    assert house.state().stage == "waiting"
    assert "stage_changed" not in house.types()
    seen = await judge.sees(lambda view: view["sitting"]["next_stages"][0]["blocked"])
    hearing, closed = seen["sitting"]["next_stages"]
    assert "recording_not_ready" in [missing["code"] for missing in hearing["missing"]]
    assert (closed["to"], closed["blocked"]) == ("closed", False)
    assert pages["zhang"].view["sitting"]["next_stages"] == []

    house.recorder.fault = ""
    house.recorder.gate.set()
    house.recorder.up()
    await judge.sees(lambda view: not view["sitting"]["next_stages"][0]["blocked"])
    await judge.send("stage", to="hearing")
    await judge.sees(recording_is("recording"))


async def test_after_a_recess_too(house: Courthouse) -> None:
    judge = (await house.opened())["judge"]
    await judge.send("stage", to="recess")
    await judge.sees(recording_is("off"))
    house.recorder.fault = "disk_full"
    assert await judge.refused("stage", to="hearing") == "recording_not_ready"
    assert house.state().stage == "recess"


async def test_it_is_starting_until_the_first_heartbeat_is_on_disk(house: Courthouse) -> None:
    judge = (await house.gathered())["judge"]
    await until(lambda: house.live().recording.ready)
    house.recorder.gate.clear()
    really = house.recorder.open

    async def opens(*_: object) -> None:
        pass

    house.recorder.open = opens  # type: ignore[assignment,method-assign]
    await judge.send("stage", to="hearing")
    await judge.sees(recording_is("starting"))
    assert on_console(house)["state"] == "starting"
    house.recorder.open = really  # type: ignore[method-assign]
    house.recorder.gate.set()
    await judge.sees(recording_is("recording"))


# ------------------------------------------------------------------------------------------------ failure and alarm


async def assert_told_and_mended(house: Courthouse, judge: Page, party: Page, code: str, cause: str) -> dict[str, Any]:
    seen = await judge.sees(lambda view: code in alerts(view))
    alert = next(alert for alert in seen["alerts"] if alert["code"] == code)
    assert alert["severity"] == "critical"
    if cause:
        assert alert["data"] == {"cause": cause}
        for page in (judge, party):
            await page.sees(recording_is("failed", cause))
        assert (on_console(house)["state"], on_console(house)["cause"]) == ("failed", cause)
    assert code in console_alerts(house)
    assert party.view["alerts"] == [], "the parties see that it does not record, and not the alert"
    return dict(alert)


async def test_a_recorder_that_dies_is_told_at_once_and_restored_with_its_gap(house: Courthouse) -> None:
    """The next one comes with an empty disk, and is given the whole log."""
    pages = await house.opened("zhang")
    judge, zhang = pages["judge"], pages["zhang"]
    await seconds_pass(house, 20)
    died_us = house.clock.now_us
    house.recorder.lose()
    alert = await assert_told_and_mended(house, judge, zhang, "recorder_lost", "")
    assert alert["raised_at_us"] - died_us < BOUND_S * 1e6
    assert (await house.logged("recorder_lost")).at_us - died_us < BOUND_S * 1e6
    await seconds_pass(house, 2, beats=False)
    house.recorder.rows.clear()
    house.recorder.up("recorder-2")
    gap = {"endpoint": "e-zhang", "source": "camera", "from_us": died_us, "to_us": house.clock.now_us, "cause": "recorder_restarted"}
    house.recorder.emit(RecorderEvent("gap", "sitting", gap))
    await judge.sees(lambda view: not view["alerts"] and recording_is("recording")(view))
    assert (await house.logged("gap")).data == gap
    assert (await house.logged("recorder_restored")).data == {"instance": "recorder-2", "replaced": True}
    assert house.recorder.commands[-1] == ("record", True, "recorder_restarted", "审判长 周正")
    assert console_alerts(house) == []
    rows = [row.line() for row in await house.hub.rows("sitting")]
    await until(lambda: house.recorder.rows["sitting"] == rows)


async def test_without_a_heartbeat_for_three_seconds_nothing_is_called_a_recording(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    judge = pages["judge"]
    await seconds_pass(house, 10)
    last_us = house.clock.now_us
    await seconds_pass(house, 3, beats=False)
    assert judge.view["recording"]["state"] == "recording"
    assert "recording_failed" not in house.types()
    await seconds_pass(house, 1, beats=False)
    alert = await assert_told_and_mended(house, judge, pages["zhang"], "recording_failed", "no_heartbeat")
    assert alert["raised_at_us"] - last_us < BOUND_S * 1e6
    assert (await house.logged("recording_failed")).data == {"cause": "no_heartbeat"}
    await seconds_pass(house, 1)
    await judge.sees(lambda view: not view["alerts"] and recording_is("recording")(view))
    assert "recording_restored" in house.types()


async def test_a_counter_that_does_not_follow_the_router_is_a_failure(house: Courthouse) -> None:
    """Packets go to the recorder, its heart beats, and what it has of the track stands still."""
    pages = await house.opened("zhang")
    judge, zhang = pages["judge"], pages["zhang"]
    await zhang.send("publish", sdp="v=0", tracks=[{"mid": "0", "source": "camera"}])
    await zhang.told("published")
    fed = house.engine.endpoints["sitting"]["e-zhang"]["publish"]["producers"]["camera"]
    vigil = house.live().recording._vigil
    written = 0

    async def feed(packets: int) -> None:
        fed["fed"] = packets
        await until(lambda: (track := vigil._tracks.get(("e-zhang", Source.CAMERA))) and track.router == packets)

    for second in range(1, 11):
        await feed(100 * second)
        written = 100 * (second - 1)
        await seconds_pass(house, 1, zhang=written)
    assert judge.view["recording"]["state"] == "recording", "a second behind is not behind"
    since_us = house.clock.now_us
    for second in range(11, 16):
        await feed(100 * second)
        await seconds_pass(house, 1, zhang=written)
    alert = await assert_told_and_mended(house, judge, zhang, "recording_failed", "not_following")
    assert alert["raised_at_us"] - since_us <= BOUND_S * 1e6
    await seconds_pass(house, 1, zhang=1500)
    await judge.sees(lambda view: not view["alerts"] and recording_is("recording")(view))


async def test_a_full_disk_is_told_by_its_name_until_there_is_room(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    judge = pages["judge"]
    await seconds_pass(house, 5)
    house.recorder.emit(RecorderEvent("alarm", "sitting", {"cause": "disk_full", "detail": "0 bytes"}))
    await assert_told_and_mended(house, judge, pages["zhang"], "recording_failed", "disk_full")
    assert house.state().recording.running_since_us is None
    await seconds_pass(house, 7)
    house.recorder.emit(RecorderEvent("alarm_cleared", "sitting", {"cause": "disk_full"}))
    seen = await judge.sees(lambda view: not view["alerts"] and recording_is("recording")(view))
    recording = seen["recording"]
    assert recording["seconds"] + (house.clock.now_us - recording["at_us"]) / 1e6 == 5.0, "what was not on disk is not counted"


async def test_a_disk_that_is_full_when_the_recording_is_due_is_told_by_its_name(house: Courthouse) -> None:
    pages = await house.gathered("zhang")
    await until(lambda: house.live().recording.ready)
    house.recorder.faults["record"] = "disk_full"
    await pages["judge"].send("stage", to="hearing")
    await assert_told_and_mended(house, pages["judge"], pages["zhang"], "recording_failed", "disk_full")
    house.recorder.faults.clear()
    await pages["judge"].sees(lambda view: not view["alerts"] and recording_is("recording")(view))


async def test_a_recorder_that_hangs_is_found_out_though_the_engine_is_away_too(house: Courthouse) -> None:
    """Nobody but the clock can notice: requests hang, no heartbeat comes, no report of the engine either."""
    pages = await house.opened("zhang")
    judge = pages["judge"]
    await seconds_pass(house, 5)
    house.recorder.gate.clear()
    house.engine.lose()
    await judge.sees(lambda view: "engine_lost" in alerts(view))
    house.clock.forward(4)
    await judge.sees(recording_is("failed", "no_heartbeat"))
    assert "recording_failed" in console_alerts(house)
    house.recorder.gate.set()


async def test_a_recorder_that_forgot_the_folder_is_shown_it_again(house: Courthouse) -> None:
    """Another process under the same name, or one that lost its disk for a moment."""
    pages = await house.opened("zhang")
    house.recorder.on.clear()
    await pages["judge"].send("mute", participant="zhang", source="camera")
    await until(lambda: "sitting" in house.recorder.on)
    rows = [row.line() for row in await house.hub.rows("sitting")]
    await until(lambda: house.recorder.rows["sitting"] == rows)


async def test_a_recorder_that_is_lost_in_a_recess_is_no_alarm_and_missing_before_the_next_stage(house: Courthouse) -> None:
    judge = (await house.opened())["judge"]
    await judge.send("stage", to="recess")
    await judge.sees(recording_is("off"))
    house.recorder.lose()
    await judge.sees(lambda view: view["sitting"]["next_stages"][0]["blocked"])
    assert judge.view["alerts"] == []
    assert "recorder_lost" not in house.types()


async def test_an_alarm_of_another_sitting_is_none_of_ours(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await house.hub.open(make_plan("other"))
    house.recorder.emit(RecorderEvent("alarm", "other", {"cause": "disk_full", "detail": ""}))
    house.recorder.emit(RecorderEvent("alarm", "unknown", {"cause": "disk_full", "detail": ""}))
    await seconds_pass(house, 1)
    await pages["judge"].send("source", source="camera", on=True)
    await pages["judge"].sees(lambda view: person(view, "judge")["sources"]["camera"]["on"])
    assert recording_is("recording")(pages["judge"].view)
    assert pages["judge"].view["alerts"] == []


async def test_a_step_that_fails_does_not_end_the_recording_for_good(house: Courthouse, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = await house.opened("zhang")

    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(house.recorder, "record", breaks)
        await pages["judge"].send("stage", to="recess")
        await pages["judge"].sees(lambda view: view["sitting"]["stage"] == "recess")
        assert house.recorder.on["sitting"]
    await until(lambda: not house.recorder.on["sitting"])
    assert json.loads(house.recorder.rows["sitting"][-1])


# ------------------------------------------------------------------------------------- what is explained, and where it lies


async def test_each_interruption_is_counted_for_the_explanation_that_is_asked_for_in_the_end(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    judge = pages["judge"]
    await judge.sees(recording_is("recording"))
    for cause in ("disk_full", "write_failed"):
        house.recorder.emit(RecorderEvent("alarm", "sitting", {"cause": cause}))
        await judge.sees(recording_is("failed", cause))
        house.recorder.emit(RecorderEvent("alarm_cleared", "sitting", {"cause": cause}))
        await judge.sees(recording_is("recording"))
    assert judge.view["recording"]["interruptions"] == 2
    house.recorder.lose()
    house.recorder.up("recorder-2")
    await judge.sees(lambda view: view["recording"]["interruptions"] == 3)


async def test_that_it_goes_on_in_the_second_directory_is_an_alert_until_it_does_no_longer(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    await pages["judge"].sees(recording_is("recording"))
    house.recorder.beat("sitting", [], second=True)
    await pages["judge"].sees(lambda view: "recording_elsewhere" in alerts(view))
    assert console_alerts(house) == ["recording_elsewhere"]
    assert on_console(house)["state"] == "recording"
    house.recorder.beat("sitting", [])
    await pages["judge"].sees(lambda view: alerts(view) == [])
