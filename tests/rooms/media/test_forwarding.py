"""Media from peer to peer through the engine process, and what routing does to it."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rooms.media.engine import EngineError, Routing, Source, TrackKey

from .conftest import MakePeer
from .peer import Peer, Tone
from .process import EngineProcess, until
from .rights import EVERYTHING, everybody, tracks

BOTH = (Source.MICROPHONE, Source.CAMERA)
ANA_CAMERA = TrackKey("ana", Source.CAMERA)
ANA_MICROPHONE = TrackKey("ana", Source.MICROPHONE)
OFF_S = 2.5


async def producers(engine: EngineProcess, endpoint: str) -> dict[str, dict[str, int]]:
    report = await engine.client.report()
    found: dict[str, dict[str, int]] = report["routers"]["room"]["endpoints"][endpoint]["publish"]["producers"]
    return found


async def test_two_endpoints_see_and_hear_each_other(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    for peer in (ana, bo):
        await peer.publish(BOTH)
    for peer in (ana, bo):
        await peer.subscribe()
    await until(lambda: all(p.frames(o, s) > 5 for p, o in ((ana, "bo"), (bo, "ana")) for s in BOTH))
    report = await engine.client.report()
    assert report["worker"]["dropped"] == {}
    assert report["routers"]["room"]["epoch"] == 1
    ana_report = report["routers"]["room"]["endpoints"]["ana"]
    assert ana_report["publish"]["state"] == ana_report["subscribe"]["state"] == "connected"
    assert set(ana_report["subscribe"]["consumers"]) == {"bo/camera", "bo/microphone"}
    assert [e.fields["state"] for e in engine.events if e.name == "producer"] == ["open"] * 4


async def test_a_muted_source_reaches_nobody_though_the_browser_sends_on(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)

    await engine.client.apply("room", 1, everybody("ana", "bo", muted=[ANA_CAMERA]))
    at_mute = (await producers(engine, "ana"))["camera"]
    sent = await ana.sent("video")
    while await ana.sent("video") < sent + 20:
        await asyncio.sleep(0.05)
    muted = (await producers(engine, "ana"))["camera"]
    assert muted["forwarded"] == at_mute["forwarded"]
    assert muted["dropped_not_permitted"] >= 15
    assert (await producers(engine, "ana"))["microphone"]["dropped_not_permitted"] == 0

    frames = bo.frames("ana", Source.CAMERA)
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    await until(lambda: bo.frames("ana", Source.CAMERA) > frames + 5)
    consumer = (await engine.client.report())["routers"]["room"]["endpoints"]["bo"]["subscribe"]["consumers"]["ana/camera"]
    assert consumer["nacks"] == 0, "the pause left a hole in the numbers"


async def test_sound_that_was_off_goes_on_at_its_time_though_the_browser_did_not_count(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish((Source.MICROPHONE,))
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.MICROPHONE) > 20)
    tone = ana.sender("audio").track
    assert isinstance(tone, Tone)

    tone.halt()
    await engine.client.apply("room", 1, everybody("ana", "bo", muted=[ANA_MICROPHONE]))
    await asyncio.sleep(OFF_S)
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    tone.go_on()
    frames = bo.frames("ana", Source.MICROPHONE)
    await until(lambda: bo.frames("ana", Source.MICROPHONE) > frames + 20)
    pts = bo.receivers["0"].pts
    steps = [b - a for a, b in itertools.pairwise(pts)]
    assert max(steps) > (OFF_S - 0.5) * 48_000
    assert sum(step > 48_000 for step in steps) == 1, "it is one step, and goes on from there"


async def test_a_browser_that_publishes_anew_is_seen_without_a_new_offer(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    first = await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3 and bo.frames("ana", Source.MICROPHONE) > 3)
    await ana.publish(BOTH)
    frames = {source: bo.frames("ana", source) for source in BOTH}
    await until(lambda: all(bo.frames("ana", source) > frames[source] + 5 for source in BOTH))
    assert len(bo.offers) == 1
    pts = bo.receivers["1"].pts
    assert pts == sorted(pts), "the timestamps went back"
    closed = [e for e in engine.events if e.name == "transport" and e.fields["state"] == "closed"]
    assert [e.fields["direction"] for e in closed] == ["publish"]
    await first.close()


async def test_an_m_line_is_used_again_for_another_track(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", "cy"))
    ana, bo, cy = make_peer("ana"), make_peer("bo"), make_peer("cy")
    await bo.subscribe()
    await ana.publish(BOTH)
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    mids = {t["mid"] for t in bo.offers[-1].tracks}
    await engine.client.apply("room", 1, everybody("bo", "cy"))
    await until(lambda: bo.answered == bo.offers[-1].revision and bo.offers[-1].tracks == ())
    await cy.publish(BOTH)
    await until(lambda: {t["endpoint"] for t in bo.offers[-1].tracks} == {"cy"})
    assert {t["mid"] for t in bo.offers[-1].tracks} == mids
    assert bo.offers[-1].sdp.count("m=") == len(mids)
    assert "a=msid:cy cy.camera" in bo.offers[-1].sdp
    before = bo.frames("cy", Source.CAMERA)
    await until(lambda: bo.frames("cy", Source.CAMERA) > before + 3)


async def test_an_endpoint_that_is_no_longer_named_loses_its_transports(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana = make_peer("ana")
    await ana.publish(BOTH)
    await ana.subscribe()
    await until(lambda: sum(e.name == "transport" and e.fields["state"] == "connected" for e in engine.events) == 2)
    await engine.client.apply("room", 1, everybody("bo"))
    report = await engine.client.report()
    assert "ana" not in report["routers"]["room"]["endpoints"]
    assert report["worker"]["transports"] == 0
    with pytest.raises(EngineError, match="unknown_endpoint"):
        await engine.client.subscribe("room", 1, "ana")


async def test_a_right_to_watch_that_is_taken_away_ends_at_once(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    await engine.client.apply("room", 1, Routing(publish={"ana": EVERYTHING, "bo": EVERYTHING}, watch={"bo": frozenset()}))
    stopped = (await producers(engine, "ana"))["camera"]
    await until(lambda: bo.offers[-1].tracks == ())
    while (now := (await producers(engine, "ana"))["camera"])["packets"] < stopped["packets"] + 10:
        await asyncio.sleep(0.05)
    assert now["forwarded"] == stopped["forwarded"]


async def test_an_older_epoch_is_refused_also_after_the_router_was_closed(engine: EngineProcess) -> None:
    await engine.client.apply("room", 5, everybody("ana"))
    with pytest.raises(EngineError, match="stale_epoch"):
        await engine.client.apply("room", 4, everybody("ana"))
    with pytest.raises(EngineError, match="stale_epoch"):
        await engine.client.subscribe("room", 4, "ana")
    await engine.client.close_router("room", 5)
    await engine.client.close_router("room", 5)
    with pytest.raises(EngineError, match="stale_epoch"):
        await engine.client.apply("room", 4, everybody("ana"))
    await engine.client.apply("room", 6, everybody("ana"))
    assert (await engine.client.report())["routers"]["room"]["epoch"] == 6


async def test_requests_that_make_no_sense_are_refused_by_name(engine: EngineProcess, make_peer: MakePeer) -> None:
    with pytest.raises(EngineError, match="unknown_router"):
        await engine.client.subscribe("nowhere", 1, "ana")
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    with pytest.raises(EngineError, match="bad_sdp"):
        await engine.client.publish("room", 1, "ana", "hello", {"0": Source.CAMERA})
    offer = await engine.client.subscribe("room", 1, "ana")
    with pytest.raises(EngineError, match="unknown_transport"):
        await engine.client.answer("room", 1, "ana", "another", offer.revision, "v=0")
    with pytest.raises(EngineError, match="stale_revision"):
        await engine.client.answer("room", 1, "ana", offer.transport, offer.revision + 1, "v=0")
    with pytest.raises(EngineError, match="bad_sdp"):
        await engine.client.answer("room", 1, "ana", offer.transport, offer.revision, offer.sdp.replace("setup:actpass", "setup:passive"))
    assert (await engine.client.report())["worker"]["transports"] == 1


async def test_applying_the_same_again_renegotiates_nothing(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    for _ in range(5):
        await engine.client.apply("room", 2, everybody("ana", "bo"))
    frames = bo.frames("ana", Source.CAMERA)
    await until(lambda: bo.frames("ana", Source.CAMERA) > frames + 5)
    assert len(bo.offers) == 1
    assert tracks("ana") == {TrackKey(t["endpoint"], Source(t["source"])) for t in bo.offers[0].tracks}


@pytest.mark.parametrize(("setting", "whole", "asked"), [([], (), True), ([], ("ana",), False), (["--no-dtx"], (), False)])
async def test_a_microphone_is_asked_for_pauses_unless_it_is_to_be_heard_through_them(
    tmp_path: Path, setting: list[str], whole: tuple[str, ...], asked: bool
) -> None:
    engine = EngineProcess(tmp_path)
    engine.options = setting
    await engine.start()
    peer = Peer(engine.client, "ana")
    try:
        await engine.client.apply("room", 1, replace(everybody("ana"), continuous=frozenset(whole)))
        answer = (await peer.publish(BOTH)).remoteDescription.sdp
    finally:
        await peer.close()
        await engine.stop()
    assert ("usedtx=1" in answer) is asked
    assert "useinbandfec=1" in answer


@pytest.mark.parametrize(
    ("setting", "order", "answered"),
    [
        ("off", "111 63", ["111"]),
        ("off", "63 111", ["111"]),
        ("auto", "111 63", ["111", "63"]),
        ("auto", "63 111", ["63", "111"]),
        ("always", "111 63", ["63", "111"]),
        ("always", "111", ["111"]),
    ],
)
async def test_redundancy_is_sent_by_who_puts_it_first_or_by_all_who_know_it(
    tmp_path: Path, setting: str, order: str, answered: list[str]
) -> None:
    """What stands first in the answer is what a browser sends."""
    engine = EngineProcess(tmp_path)
    engine.options = ["--red", setting]
    await engine.start()
    try:
        await engine.client.apply("room", 1, everybody("ana", "bo"))
        offer = RED_OFFER.replace("SAVPF 111 63", f"SAVPF {order}")
        published = await engine.client.publish("room", 1, "ana", offer, {"0": Source.MICROPHONE})
        watched = await engine.client.subscribe("room", 1, "bo")
    finally:
        await engine.stop()
    assert re.findall(r"^m=audio \d+ \S+ (.*?)\r?$", published.sdp, re.M) == [" ".join(answered)]
    assert ("a=rtpmap:63 red/48000/2" in watched.sdp) is (setting != "off")


RED_OFFER = "\r\n".join(
    (
        "v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=ice-ufrag:4ZcD", "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlkc",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass", "a=mid:0", "a=sendonly", "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111", "",
    )
)  # fmt: skip
