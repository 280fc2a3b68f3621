"""What every engine does for a conference, with real processes and real media."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from rooms.media.engine import EngineError, Routing, Source, TrackKey
from tests.rooms.media.peer import ONE_TRANSPORT, Peer, Picture
from tests.rooms.media.process import until
from tests.rooms.media.rights import everybody, tracks

from .conftest import Hall
from .engines import BOTH_CODECS, RESTART_ALWAYS, SENDER_REPORTS

MICROPHONE, CAMERA = Source.MICROPHONE, Source.CAMERA
BOTH = (MICROPHONE, CAMERA)
PRODUCER = {
    "codec", "packets", "bytes", "lost", "repaired", "fraction_lost", "jitter_ms", "nacks", "plis", "forwarded", "recorded", "fed",
    "dropped_not_permitted", "last_arrival_us", "bitrate_bps",
}  # fmt: skip
CONSUMER = {"packets", "bytes", "nacks", "rtx", "never_came", "fraction_lost", "rtt_ms", "undecodable", "bitrate_bps"}


async def test_what_one_publishes_the_other_sees_and_hears(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    for source in BOTH:
        await hall.seen(bo, "ana", source)
    assert {(t["endpoint"], t["source"]) for t in bo.offers[-1].tracks} == {("ana", "microphone"), ("ana", "camera")}
    assert bo.offers[-1].revision == len(bo.offers)
    assert hall.noticed("producer", "ana", source="camera", state="open")
    assert hall.noticed("transport", "ana", direction="publish", state="connected")
    assert hall.noticed("transport", "bo", direction="subscribe", state="connected")


async def test_the_report_has_the_same_shape(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana", more=20)
    report = await hall.client.report()
    assert report.keys() == {"instance", "worker", "routers"}
    worker = report["worker"]
    assert {"started_at", "udp_port", "received", "sent", "failed", "dropped", "feed", "transports", "cpu_s"} <= worker.keys()
    assert worker["transports"] == 2
    assert worker["received"] > 0
    room = report["routers"][hall.router]
    assert room["epoch"] == 1
    sending, watching = room["endpoints"]["ana"], room["endpoints"]["bo"]
    assert sending["subscribe"] is None
    assert watching["publish"] is None
    assert sending["publish"]["state"] == watching["subscribe"]["state"] == "connected"
    assert sending["publish"].keys() >= {"transport", "state", "rtt_ms", "producers"}
    assert watching["subscribe"]["transport"] == bo.offers[-1].transport
    assert sending["publish"]["producers"].keys() == {"microphone", "camera"}
    for source, codec in (("microphone", "opus"), ("camera", "VP8")):
        producer = sending["publish"]["producers"][source]
        assert producer.keys() >= PRODUCER
        assert producer["codec"] == codec
        assert producer["packets"] > 0
        assert producer["forwarded"] > 0
        assert producer["fed"] is None
        consumer = watching["subscribe"]["consumers"][f"ana/{source}"]
        assert consumer.keys() >= CONSUMER
        assert consumer["packets"] > 0
        assert not consumer["undecodable"]


async def test_who_came_first_is_offered_what_appears_later(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    bo = hall.peer("bo")
    first = await bo.subscribe()
    assert first.tracks == ()
    ana = hall.peer("ana")
    await ana.publish((MICROPHONE,))
    await hall.seen(bo, "ana", MICROPHONE)
    assert bo.offers[-1].transport == first.transport
    assert [offer.revision for offer in bo.offers] == list(range(1, len(bo.offers) + 1))


@pytest.mark.timeout(150)
@pytest.mark.parametrize("seed", [7])
async def test_two_then_three_then_six_in_any_order_and_every_pair_gets_frames(hall: Hall, seed: int) -> None:
    dice = random.Random(seed)
    names = ["ana", "bo", "chen", "du", "emi", "fu"]
    present: list[Peer] = []
    for size in (2, 3, 6):
        await hall.apply(everybody(*names[:size]))
        newcomers = [hall.peer(name) for name in names[len(present) : size]]
        acts = [(peer, act) for peer in newcomers for act in ("publish", "subscribe")]
        dice.shuffle(acts)
        for peer, act in acts:
            await (peer.publish(BOTH) if act == "publish" else peer.subscribe())
        present += newcomers
        for viewer in present:
            for other in present:
                if other is not viewer:
                    await until(lambda v=viewer, o=other: all(v.frames(o.endpoint, s) > 0 for s in BOTH), 60)  # type: ignore[misc]


# -- rights


async def test_a_muted_browser_that_goes_on_sending_reaches_nobody(hall: Hall) -> None:
    """The recorder included; and what it sent meanwhile comes to nobody when it may speak again."""
    recorded = everybody("ana", "bo", record=tracks("ana"))
    await hall.apply(recorded)
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    for source in BOTH:
        await hall.seen(bo, "ana", source)
        await until(lambda s=source: hall.recorder.heard("ana", s) > 10)  # type: ignore[misc]

    await hall.apply(everybody("ana", "bo", muted=tracks("ana"), record=tracks("ana")))
    before = await hall.producer("ana")
    await hall.goes_on_sending(ana, packets=10)  # what was on its way has come or not
    counted = {s: (bo.frames("ana", s), hall.recorder.heard("ana", s)) for s in BOTH}
    await hall.goes_on_sending(ana)
    await hall.goes_on_sending(ana, "audio")
    assert {s: (bo.frames("ana", s), hall.recorder.heard("ana", s)) for s in BOTH} == counted
    after = await hall.producer("ana")
    assert after["dropped_not_permitted"] > before["dropped_not_permitted"]
    assert after["recorded"] == before["recorded"]

    await hall.apply(recorded)
    for source in BOTH:
        await hall.seen(bo, "ana", source)
        await until(lambda s=source: hall.recorder.heard("ana", s) > counted[s][1] + 20)  # type: ignore[misc]
        heard = hall.recorder.track("ana", source)
        assert heard is not None
        assert heard.missing() == 0, "a mute is no loss"
        assert heard.ended == ""


async def test_what_may_not_be_sent_from_the_start_reaches_nobody(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", muted=[TrackKey("ana", CAMERA)], record=tracks("ana")))
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana", MICROPHONE)
    await hall.goes_on_sending(ana)
    assert bo.frames("ana", CAMERA) == 0
    assert hall.recorder.track("ana", "camera") is None
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    await hall.seen(bo, "ana")
    await until(lambda: hall.recorder.heard("ana", "camera") > 0)


async def test_a_stage_in_which_nobody_may_watch_ends_it_at_once(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    await hall.apply(replace(everybody("ana", "bo"), watch={}))
    await hall.goes_on_sending(ana, packets=10)
    receivers = list(bo.receivers.values())
    frames = [receiver.frames for receiver in receivers]
    await hall.goes_on_sending(ana)
    assert [receiver.frames for receiver in receivers] == frames
    await until(lambda: bo.offers[-1].tracks == () and bo.answered == bo.offers[-1].revision)
    await hall.apply(everybody("ana", "bo"))
    # Sound alone: aiortc keeps the jitter buffer of a section whose SSRC is another, and waits for numbers that never come.
    await hall.seen(bo, "ana", MICROPHONE)
    assert {t["source"] for t in bo.offers[-1].tracks} == {"microphone", "camera"}


async def test_who_is_removed_has_no_transports_and_comes_to_nobody(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", record=tracks("ana", "bo")))
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    for peer in (ana, bo):
        await peer.publish(BOTH)
    for peer in (ana, bo):
        await peer.subscribe()
    await hall.seen(bo, "ana")
    await hall.seen(ana, "bo")
    await until(lambda: hall.recorder.heard("ana", "camera") > 5)
    await hall.apply(everybody("bo", record=tracks("ana", "bo")))
    assert "ana" not in (await hall.client.report())["routers"][hall.router]["endpoints"]
    receivers = [*ana.receivers.values(), *(r for mid, r in bo.receivers.items())]
    await hall.goes_on_sending(bo, packets=10)
    counted = [r.frames for r in receivers], hall.recorder.heard("ana", "camera")
    await hall.goes_on_sending(bo)
    assert ([r.frames for r in receivers], hall.recorder.heard("ana", "camera")) == counted
    await until(lambda: (track := hall.recorder.track("ana", "camera")) is not None and track.ended == "closed")
    with pytest.raises(EngineError) as refused:
        await hall.client.subscribe(hall.router, 1, "ana")
    assert refused.value.code == "unknown_endpoint"


# -- the recorder


async def test_the_recorder_is_given_every_packet(hall: Hall) -> None:
    await hall.apply(everybody("ana", record=tracks("ana")))
    hall.record()
    ana = hall.peer("ana")
    await ana.publish(BOTH)
    await until(lambda: hall.recorder.heard("ana", "camera") > 60 and hall.recorder.heard("ana", "microphone") > 100)
    for source, kind in (("camera", "video"), ("microphone", "audio")):
        heard = hall.recorder.track("ana", source)
        assert heard is not None
        sent = await ana.sent(kind)
        await until(lambda h=heard, n=sent: len(h.packets) >= n)  # type: ignore[misc]
        assert heard.missing() == 0
        assert heard.announcement["sitting"] == hall.router
        assert all(packet[0] & 0x10 == 0 for packet in heard.packets), "no header extension"
        assert len({packet[8:12] for packet in heard.packets}) == 1
    producer = await hall.producer("ana")
    assert producer["fed"] == producer["recorded"] > 0
    camera = hall.recorder.track("ana", "camera")
    assert camera is not None
    if SENDER_REPORTS in hall.engine.can:
        await until(lambda: camera.reports > 0)
    else:
        assert camera.reports == 0, "the recorder goes by arrival alone"


async def test_the_recorder_asks_for_a_key_frame_and_one_comes(hall: Hall) -> None:
    await hall.apply(everybody("ana", record=tracks("ana")))
    hall.record()
    ana = hall.peer("ana")
    await ana.publish((CAMERA,))
    await until(lambda: hall.recorder.heard("ana", "camera") > 20)
    handle, heard = list(hall.recorder.tracks.items())[-1]
    plis, key_frames = (await hall.producer("ana"))["plis"], _key_frames(heard.packets)
    hall.recorder.key_frame(handle)
    await until(lambda: _key_frames(heard.packets) > key_frames)
    assert (await hall.producer("ana"))["plis"] > plis


def _key_frames(packets: list[bytes]) -> int:
    """VP8 frames that begin with a picture of their own (RFC 7741 section 4.3): aiortc's descriptor has 4 or 5 bytes with a picture id."""
    from rooms.media.forwarding.codecs import vp8_starts_key_frame

    return sum(vp8_starts_key_frame(packet, 12) for packet in packets)


async def test_nothing_of_a_private_stage_is_fed(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", record=tracks("ana"), private=True))
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana", more=20)
    assert hall.recorder.track("ana", "camera") is None
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    await until(lambda: hall.recorder.heard("ana", "camera") > 10)
    first = hall.recorder.track("ana", "camera")
    await hall.apply(everybody("ana", "bo"))
    await until(lambda: first is not None and first.ended == "not_recorded")
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    await until(lambda: hall.recorder.track("ana", "camera") is not first and hall.recorder.heard("ana", "camera") > 10)


# -- requests


async def test_routers_close_twice_and_old_servers_are_refused(hall: Hall) -> None:
    for request in (hall.client.subscribe(hall.router, 1, "ana"), hall.client.publish(hall.router, 1, "ana", "v=0", {})):
        with pytest.raises(EngineError) as refused:
            await request
        assert refused.value.code == "unknown_router"
    await hall.apply(everybody("ana", "bo"), epoch=3)
    await hall.apply(everybody("ana", "bo"), epoch=3)
    ana = hall.peer("ana")
    ana.epoch = 3
    connection = await ana.publish(BOTH)
    await until(lambda: connection.connectionState == "connected")
    for old in (hall.apply(Routing(), 2), hall.client.subscribe(hall.router, 2, "bo"), hall.client.close_router(hall.router, 2)):
        with pytest.raises(EngineError) as refused:
            await old
        assert refused.value.code == "stale_epoch"
    await hall.client.close_router(hall.router, 3)
    await hall.client.close_router(hall.router, 3)
    assert hall.router not in (await hall.client.report())["routers"]
    await until(lambda: hall.noticed("transport", "ana", direction="publish", state="closed"))
    with pytest.raises(EngineError) as refused:
        await hall.apply(everybody("ana"), epoch=2)
    assert refused.value.code == "stale_epoch", "an old server does not open it again"
    await hall.apply(everybody("ana"), epoch=4)
    ana.epoch = 4
    again = await ana.publish(BOTH)
    await until(lambda: again.connectionState == "connected")
    await connection.close()


async def test_what_is_no_description_is_refused_and_disturbs_nobody(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    offer = ana.publishing.localDescription.sdp if ana.publishing is not None else ""
    sources = {"0": MICROPHONE, "1": CAMERA}
    bad = {
        "": "bad_sdp",
        "hello": "bad_sdp",
        "v=0\r\n" + "a=x\r\n" * 50_000: "bad_sdp",
        offer.replace("a=fingerprint", "a=nothing"): "bad_sdp",
        offer.replace("a=ice-ufrag", "a=nothing"): "bad_sdp",
        offer.replace("m=video", "m=audio"): "bad_sdp",
        offer.replace("VP8/", "AV9/").replace("H264/", "AV9/"): "unsupported_codec",
    }
    for text, code in bad.items():
        with pytest.raises(EngineError) as refused:
            await hall.client.publish(hall.router, 1, "ana", text, sources)
        assert refused.value.code == code, text[:200]
    for wrong in ({"0": CAMERA}, {"9": MICROPHONE}, {"0": MICROPHONE, "1": MICROPHONE}):
        with pytest.raises(EngineError) as refused:
            await hall.client.publish(hall.router, 1, "ana", offer, wrong)
        assert refused.value.code == "bad_sdp"
    with pytest.raises(EngineError) as refused:
        await hall.client.publish(hall.router, 1, "nobody", offer, sources)
    assert refused.value.code == "unknown_endpoint"
    await hall.seen(bo, "ana")


async def test_only_the_newest_answer_is_taken(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    bo = hall.peer("bo")
    offer = await hall.client.subscribe(hall.router, 1, "bo")
    connection = bo.receiving = RTCPeerConnection(ONE_TRANSPORT)
    await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    answer = connection.localDescription.sdp

    async def refused(transport: str, revision: int, text: str) -> str:
        with pytest.raises(EngineError) as error:
            await hall.client.answer(hall.router, 1, "bo", transport, revision, text)
        return error.value.code

    assert await refused("another", 1, answer) == "unknown_transport"
    assert await refused(offer.transport, 2, answer) == "stale_revision"
    assert await refused(offer.transport, 1, "no answer") == "bad_sdp"
    assert await refused(offer.transport, 1, answer.replace("a=mid:0", "a=mid:7")) == "bad_sdp"
    assert await refused(offer.transport, 1, answer.replace("a=setup:active", "a=setup:passive")) == "bad_sdp"
    await hall.client.answer(hall.router, 1, "bo", offer.transport, 1, answer)
    assert await refused(offer.transport, 1, answer) == "stale_revision"
    await until(lambda: connection.connectionState == "connected")


# -- negotiation


async def test_a_picture_is_added_to_the_connection_that_is_there(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    connection = await ana.publish((MICROPHONE,))
    await bo.subscribe()
    await hall.seen(bo, "ana", MICROPHONE)
    former = (await hall.client.report())["routers"][hall.router]["endpoints"]["ana"]["publish"]["transport"]
    connection.addTransceiver(Picture(), direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    sources = {"0": MICROPHONE, str(connection.getTransceivers()[1].mid): CAMERA}
    published = await hall.client.publish(hall.router, 1, "ana", connection.localDescription.sdp, sources)
    assert published.transport == former
    await connection.setRemoteDescription(RTCSessionDescription(published.sdp, "answer"))
    await hall.seen(bo, "ana", CAMERA)
    await hall.seen(bo, "ana", MICROPHONE)


async def test_whoever_loads_the_page_again_takes_his_own_place(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    hall.record()
    ana, bo = hall.peer("ana"), hall.peer("bo")
    former = await ana.publish(BOTH)
    await bo.subscribe()
    await hall.seen(bo, "ana")
    before = (await hall.client.report())["routers"][hall.router]["endpoints"]["ana"]["publish"]["transport"]
    again = hall.peer("ana")
    await again.publish(BOTH)
    transport = (await hall.client.report())["routers"][hall.router]["endpoints"]["ana"]["publish"]["transport"]
    assert transport != before
    await former.close()
    await until(lambda: len(bo.offers) > 1 or BOTH_CODECS in hall.engine.can)
    for source in BOTH:
        await hall.seen(bo, "ana", source)
    recorded = hall.recorder.heard("ana", "camera")
    await until(lambda: hall.recorder.heard("ana", "camera") > recorded + 5)


async def test_a_fresh_subscribe_transport_replaces_the_old_one(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    first = await bo.subscribe()
    await hall.seen(bo, "ana")
    again = hall.peer("bo")
    await hall.leaves(bo)
    second = await again.subscribe()
    assert second.transport != first.transport
    assert second.revision == 1
    await hall.seen(again, "ana")
    with pytest.raises(EngineError) as refused:
        await hall.client.answer(hall.router, 1, "bo", first.transport, first.revision, "v=0")
    assert refused.value.code == "unknown_transport"


async def test_ice_restarts_on_both_connections(hall: Hall) -> None:
    """aiortc restarts no ICE; what is looked at is what the engine offers and answers. tests/rooms/media has Chromium."""
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish(BOTH)
    offer = await bo.subscribe()
    await hall.seen(bo, "ana")
    await until(lambda: bo.answered == bo.offers[-1].revision)
    bo.receiving, connection = None, bo.receiving  # answers no more by itself
    again = await hall.client.restart(hall.router, 1, "bo", offer.transport)
    assert again.transport == offer.transport
    assert again.revision == bo.offers[-1].revision + 1
    assert _credentials(again.sdp) != _credentials(bo.offers[-1].sdp)
    assert {(t["endpoint"], t["source"]) for t in again.tracks} == {(t["endpoint"], t["source"]) for t in bo.offers[-1].tracks}
    if RESTART_ALWAYS in hall.engine.can:
        assert (await hall.client.restart(hall.router, 1, "bo", offer.transport)).revision == again.revision + 1
    else:
        with pytest.raises(EngineError) as refused:
            await hall.client.restart(hall.router, 1, "bo", offer.transport)
        assert refused.value.code == "unknown_transport", "the browser builds a new connection"
    with pytest.raises(EngineError) as refused:
        await hall.client.restart(hall.router, 1, "bo", "another")
    assert refused.value.code == "unknown_transport"

    assert ana.publishing is not None
    text = ana.publishing.localDescription.sdp
    ufrag, password = _credentials(text)
    moved = text.replace(f"a=ice-ufrag:{ufrag}", "a=ice-ufrag:other").replace(f"a=ice-pwd:{password}", "a=ice-pwd:another0another0another0")
    published = await hall.client.publish(hall.router, 1, "ana", moved, {"0": MICROPHONE, "1": CAMERA})
    assert _credentials(published.sdp) != _credentials(ana.publishing.remoteDescription.sdp)
    assert published.transport == (await hall.client.report())["routers"][hall.router]["endpoints"]["ana"]["publish"]["transport"]
    if connection is not None:
        await connection.close()


def _credentials(sdp: str) -> tuple[str, str]:
    lines = sdp.replace("\r", "").split("\n")
    return tuple(next(line.partition(":")[2] for line in lines if line.startswith(f"a=ice-{name}:")) for name in ("ufrag", "pwd"))  # type: ignore[return-value]


async def test_h264_is_carried_to_who_can_show_it(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo", "chen", record=tracks("ana")))
    hall.record()
    ana, bo, chen = hall.peer("ana"), hall.peer("bo"), hall.peer("chen")
    chen.codecs = ("VP8",)
    await ana.publish((MICROPHONE, CAMERA), "H264")
    await bo.subscribe()
    await hall.seen(bo, "ana")
    await until(lambda: hall.recorder.heard("ana", "camera") > 5)
    heard = hall.recorder.track("ana", "camera")
    assert heard is not None
    assert heard.announcement["codec"] == "H264"
    if BOTH_CODECS in hall.engine.can:
        await chen.subscribe()
        await hall.seen(chen, "ana", MICROPHONE)
        consumers = (await hall.client.report())["routers"][hall.router]["endpoints"]["chen"]["subscribe"]["consumers"]
        assert consumers["ana/camera"]["undecodable"]


async def test_a_source_that_is_no_longer_sent_ends(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana = hall.peer("ana")
    connection = await ana.publish(BOTH)
    await until(lambda: hall.noticed("transport", "ana", direction="publish", state="connected"))
    connection.getTransceivers()[1].direction = "inactive"
    await connection.setLocalDescription(await connection.createOffer())
    published = await hall.client.publish(hall.router, 1, "ana", connection.localDescription.sdp, {"0": MICROPHONE, "1": CAMERA})
    await connection.setRemoteDescription(RTCSessionDescription(published.sdp, "answer"))
    await until(lambda: hall.noticed("producer", "ana", source="camera", state="closed"))
    bo = hall.peer("bo")
    await bo.subscribe()
    await hall.seen(bo, "ana", MICROPHONE)
    assert {t["source"] for t in bo.offers[-1].tracks} == {"microphone"}


async def test_a_browser_that_goes_is_told_of(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    connection = await ana.publish((MICROPHONE,))
    await bo.subscribe()
    await hall.seen(bo, "ana", MICROPHONE)
    await connection.close()
    await until(lambda: hall.noticed("producer", "ana", source="microphone", state="closed"))
    await until(lambda: bo.offers[-1].tracks == ())
