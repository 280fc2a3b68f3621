"""What each viewer sees, and what engine and recorder should be doing."""

from __future__ import annotations

from rooms.commands import Consent, Disappear
from rooms.desired import recording, routing
from rooms.measured import Measured
from rooms.media.engine import Source, TrackKey
from rooms.overview import overview, status
from rooms.plan import PlanParticipant
from rooms.protocol import Admit, ChangeStage, Mute, NetworkView, SetSource, View
from rooms.views import view_for
from tests.rooms.making import PEOPLE, Sitting

MICROPHONE, CAMERA = Source.MICROPHONE, Source.CAMERA
NETWORK = NetworkView(score="fair", up="good", down="fair", rtt_ms=20.0, lost_percent=5.0, sent_bps=9e5)


def view(sitting: Sitting, endpoint: str, measured: Measured | None = None) -> View:
    found = view_for(sitting.state, measured or Measured(), endpoint)
    assert found is not None
    return found


def names(seen: View) -> set[str]:
    return {p.id for p in seen.participants}


def test_who_waits_sees_himself() -> None:
    sitting = Sitting().gathered("li")
    sitting.arrive("zhang")
    seen = view(sitting, "e-zhang")
    assert (seen.place, names(seen), seen.rights.see) == ("waiting", {"zhang"}, False)


def test_a_party_sees_who_is_inside_and_how_good_his_own_connection_is_and_no_figures() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.arrive("witness")
    seen = view(sitting, "e-zhang", Measured(networks={"e-li": NETWORK, "e-zhang": NETWORK}))
    assert names(seen) == {"judge", "zhang", "li"}
    assert {p.id: p.network for p in seen.participants if p.network} == {"zhang": NetworkView(score="fair", up="good", down="fair")}
    assert not seen.sitting.next_stages


def test_the_chair_sees_everybody_with_figures() -> None:
    sitting = Sitting().opened("zhang")
    seen = view(sitting, "e-judge", Measured(networks={"e-zhang": NETWORK}))
    assert names(seen) == {p.id for p in PEOPLE}
    assert {p.id: p.network for p in seen.participants}["zhang"] == NETWORK


def test_watchers_are_counted_for_all_and_named_for_chair_and_clerk() -> None:
    sitting = Sitting().opened("clerk", "zhang")
    sitting.watch()
    assert (view(sitting, "e-zhang").watching, view(sitting, "e-zhang").watchers) == (1, ())
    assert view(sitting, "e-judge").watchers == view(sitting, "e-clerk").watchers == ("指挥员 孙",)


def test_the_chair_is_told_what_is_missing() -> None:
    sitting = Sitting().gathered("clerk", "zhang")
    sitting.arrive("li")
    (hearing, _) = view(sitting, "e-judge", Measured(recorder_ready=False)).sitting.next_stages
    assert hearing["blocked"]
    missing = {m["code"]: m["names"] for m in hearing["missing"]}
    assert missing == {"recording_not_ready": [], "people_waiting": ["李某"], "consent_missing": ["张某"]}
    sitting.system(Consent("zhang", "1", "ab", "phone"))
    (hearing, _) = view(sitting, "e-judge").sitting.next_stages
    assert not hearing["blocked"]
    assert [m["code"] for m in hearing["missing"]] == ["people_waiting"]


def test_a_source_is_live_when_it_is_on_allowed_and_arrives() -> None:
    sitting = Sitting().opened("zhang")
    sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
    arriving = Measured(producers=frozenset({("e-zhang", MICROPHONE), ("e-zhang", CAMERA)}))

    def sources(measured: Measured) -> dict[str, bool]:
        seen = {p.id: p for p in view(sitting, "e-judge", measured).participants}["zhang"]
        return {name: source.live for name, source in seen.sources.items()}

    assert sources(Measured()) == {"microphone": False, "camera": False, "screen": False}
    assert sources(arriving) == {"microphone": True, "camera": False, "screen": False}
    sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE))
    assert sources(arriving)["microphone"] is False


def test_after_a_restart_who_has_not_come_back_is_shown_as_lost_and_keeps_his_media() -> None:
    sitting = Sitting().opened("zhang")
    seen = view(sitting, "e-judge", Measured(awaited=frozenset({"e-zhang"}), restarted_us=7))
    zhang = {p.id: p for p in seen.participants}["zhang"]
    assert (zhang.presence, zhang.lost_at_us) == ("lost", 7)
    assert "e-zhang" in routing(sitting.state).publish


def test_after_a_restart_whose_tracks_arrive_all_the_same_is_not_shown_as_lost() -> None:
    sitting = Sitting().opened("zhang")
    flowing = Measured(awaited=frozenset({"e-zhang"}), producers=frozenset({("e-zhang", MICROPHONE)}), restarted_us=7)
    zhang = {p.id: p for p in view(sitting, "e-judge", flowing).participants}["zhang"]
    assert (zhang.presence, zhang.lost_at_us) == ("present", None)


def test_who_is_lost_is_out_of_the_router() -> None:
    sitting = Sitting().opened("zhang")
    sitting.system(Disappear("e-zhang"))
    wanted = routing(sitting.state)
    assert "e-zhang" not in wanted.publish
    assert not wanted.watch["e-judge"]


def test_a_mute_changes_what_passes_and_not_who_watches() -> None:
    sitting = Sitting().opened("zhang")
    sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
    before = routing(sitting.state)
    assert before.publish["e-zhang"] == {MICROPHONE}
    sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE))
    after = routing(sitting.state)
    assert after.publish["e-zhang"] == frozenset()
    assert (after.watch, after.record) == (before.watch, before.record)


def test_only_the_hearing_is_recorded() -> None:
    sitting = Sitting().gathered("zhang")
    assert routing(sitting.state).record == frozenset()
    sitting.act("e-judge", ChangeStage(to="hearing"))
    assert TrackKey("e-zhang", CAMERA) in routing(sitting.state).record
    sitting.act("e-judge", ChangeStage(to="recess"))
    assert routing(sitting.state).record == frozenset()
    assert recording(sitting.state).open


def test_an_observer_watches_all_and_publishes_nothing() -> None:
    sitting = Sitting().opened("zhang")
    sitting.watch()
    wanted = routing(sitting.state)
    assert wanted.publish["e-officer"] == frozenset()
    assert {t.endpoint for t in wanted.watch["e-officer"]} == {"e-judge", "e-zhang"}
    seen = view(sitting, "e-officer")
    assert (seen.place, seen.rights.see, seen.rights.speak) == ("observing", True, False)


def test_in_a_recess_nobody_hears_and_connections_stay() -> None:
    sitting = Sitting().opened("zhang")
    sitting.watch()
    sitting.act("e-judge", ChangeStage(to="recess"))
    wanted = routing(sitting.state)
    assert set(wanted.publish) == {"e-judge", "e-zhang", "e-officer"}
    assert not any(wanted.watch.values())


def test_above_four_people_video_is_small() -> None:
    more = (*PEOPLE, PlanParticipant("agent", "代理人 钱", "agent"))
    sitting = Sitting(people=more).opened("clerk", "zhang", "li")
    assert (view(sitting, "e-judge").max_height, routing(sitting.state).video_ceiling_bps) == (720, 1_500_000)
    sitting.arrive("agent")
    sitting.act("e-judge", Admit())
    assert (view(sitting, "e-judge").max_height, routing(sitting.state).video_ceiling_bps) == (360, 500_000)


def test_the_status_follows_the_stage() -> None:
    sitting = Sitting()
    found = [status(sitting.state)]
    sitting.arrive("judge")
    found.append(status(sitting.state))
    for stage in ("hearing", "recess", "closed"):
        sitting.act("e-judge", ChangeStage(to=stage))
        found.append(status(sitting.state))
    assert found == ["planned", "open", "live", "recess", "closed"]


def test_the_console_sees_it_at_a_glance() -> None:
    sitting = Sitting().opened("zhang")
    sitting.arrive("li")
    sitting.system(Disappear("e-zhang"))
    seen = overview(sitting.state, Measured()).to_json()
    assert (seen["stage"], seen["status"], seen["waiting"]) == ("hearing", "live", 1)
    assert [a["code"] for a in seen["alerts"]] == ["participant_lost"]
    assert {p["id"]: (p["presence"], p["chair"]) for p in seen["participants"]}["judge"] == ("present", True)
