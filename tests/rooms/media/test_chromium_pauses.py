"""A real Chromium speaks with long pauses (Opus DTX): nearly nothing is sent in them, and in the record every word is where it was said."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from playwright.async_api import BrowserContext
from pystoi import stoi

from rooms.media.engine import Source
from rooms.recording.film import OFF_S
from rooms.recording.running import ffmpeg_program
from tests.browser.speech import RATE, Samples, make_speech, speech_is_made_here
from tests.rooms.recording.conftest import Site as Recorder

from .process import EngineProcess
from .test_chromium import A_MICROPHONE, Site, browser, more, open_page, routing

__all__ = ["browser"]

#: When something is said, s; a breath, and pauses of up to 14 s.
SAID_AT = (0.0, 2.6, 9.0, 17.0, 31.0, 46.0, 60.0)
SAID_S = 2.0
RIGHT_S = 0.02
"""What is recorded is so near to where it was said, compared with the first words."""
SPEAK = """async ({url, at}) => {
  const sound = window.sound = new AudioContext({sampleRate: 48000}), out = sound.createMediaStreamDestination();
  const words = await sound.decodeAudioData(await (await fetch(url)).arrayBuffer());
  const pc = window.pub = new RTCPeerConnection();
  const line = pc.addTransceiver(out.stream.getAudioTracks()[0], {direction: 'sendonly'});
  await pc.setLocalDescription();
  const answer = await post('/publish', {endpoint: 'ana', sdp: pc.localDescription.sdp, sources: {[line.mid]: 'microphone'}});
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
  while (pc.connectionState != 'connected') await new Promise(done => setTimeout(done, 50));
  const start = sound.currentTime + 3;
  for (const second of at) {
    const source = new AudioBufferSourceNode(sound, {buffer: words});
    source.connect(out);
    source.start(start + second);
  }
  return {answer: answer.sdp, from_us: 1000 * (performance.timeOrigin + performance.now() + 1000 * (start - sound.currentTime))};
}"""


@dataclass
class House:
    engine: EngineProcess
    recorder: Recorder
    site: Site


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An engine that feeds a recorder, and a site before it."""
    with tempfile.TemporaryDirectory(prefix="rec-") as sockets:
        recorder = Recorder(Path(sockets), tmp_path / "recordings")
        recorder.engine.close()
        recorder.engine_feed.unlink()
        engine = EngineProcess(tmp_path)
        engine.feed_socket, engine.recorder_feed_socket = recorder.engine_feed, recorder.feed
        await engine.start()
        await recorder.start()
        site = Site(engine)

        async def words(_: web.Request) -> web.StreamResponse:
            return web.FileResponse(tmp_path / "words.wav")

        site.runner.app.router.add_get("/words.wav", words)
        await site.start()
        yield House(engine, recorder, site)
        await site.runner.cleanup()
        await recorder.client.close()
        await recorder.kill()
        await engine.stop()


def words_of(path: Path) -> Samples:
    """The first words of the speech, as a file beside it too."""
    with wave.open(str(make_speech(path)), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    begin = int(np.nonzero(np.abs(samples) > 1000)[0][0])
    samples = samples[begin : begin + round(SAID_S * RATE)]
    with wave.open(str(path.with_name("words.wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return samples.astype(np.float64) / 32768


def sound_of(path: Path) -> Samples:
    """A file's sound as the film of the hearing has it (rooms/recording/film.py)."""
    filters = f"aformat=sample_rates=48000:channel_layouts=mono:sample_fmts=fltp,aresample=async=1:min_hard_comp={OFF_S}:first_pts=0"
    command = [ffmpeg_program(), "-v", "error", "-i", str(path), "-af", filters, "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32).astype(np.float64)


def found_at(words: Samples, sound: Samples, near_s: float) -> tuple[float, float]:
    """Where the words are found, s, and how well they are understood (STOI)."""
    first = max(0, round((near_s - 0.5) * RATE))
    part = sound[first : first + round((SAID_S + 1.0) * RATE)]
    size = len(part) + len(words)
    alike = np.fft.irfft(np.fft.rfft(part, size) * np.conj(np.fft.rfft(words, size)), size)
    place = int(np.argmax(alike[: len(part) - len(words)]))
    return (first + place) / RATE, float(stoi(words, part[place : place + len(words)], RATE))


@pytest.mark.long
@pytest.mark.skipif(not speech_is_made_here(), reason="espeak-ng is not installed")
@pytest.mark.timeout(200)
async def test_what_is_said_after_pauses_is_recorded_where_it_was_said(house: House, browser: BrowserContext, tmp_path: Path) -> None:
    words = await asyncio.to_thread(words_of, tmp_path / "speech.wav")
    engine, recorder = house.engine, house.recorder
    await engine.client.apply("room", 1, replace(routing(ana=frozenset({Source.MICROPHONE})), record=frozenset({A_MICROPHONE})))
    await recorder.client.open("room", 1, "s1", "t")
    await recorder.client.record("room", 1, True, "hearing_opened", "judge")
    ana, bo = await open_page(browser, house.site), await open_page(browser, house.site)
    begun = await ana.evaluate(SPEAK, {"url": "/words.wav", "at": SAID_AT})
    assert "usedtx=1" in begun["answer"]
    assert "useinbandfec=1" in begun["answer"]
    await bo.evaluate("subscribe('bo')")
    await more(bo, "inbound('audio')", "packetsReceived")

    async def microphone() -> dict[str, Any]:
        report = await engine.client.report()
        found: dict[str, Any] = report["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]["microphone"]
        return found

    async def packets_until(second: float) -> int:
        await asyncio.sleep(max(0.0, begun["from_us"] / 1e6 + second - time.time()))
        return int((await microphone())["packets"])

    first = await packets_until(17.2)
    second = await packets_until(18.2)
    spoken = second - first
    first = await packets_until(20.5)
    second = await packets_until(30.5)
    paused = (second - first) / 10
    speakers = [event.endpoint for event in engine.events if event.name == "speaker"]
    await packets_until(63.0)
    state = await microphone()
    await recorder.client.record("room", 1, False, "closed", "judge")

    segments = recorder.segments("s1")
    (segment,) = segments
    sound = await asyncio.to_thread(sound_of, recorder.recordings / "s1" / segment["file"])
    told = [begun["from_us"] / 1e6 + at - segment["start_us"] / 1e6 for at in SAID_AT]
    found = [found_at(words, sound, at) for at in told]
    late = [at - expected for (at, _), expected in zip(found, told, strict=True)]
    figures = {
        "spoken_per_s": spoken, "paused_per_s": paused, "late_ms": [round(1000 * s, 1) for s in late],
        "stoi": [round(score, 3) for _, score in found], "frames": segment["frames"], "speakers": speakers,
    }  # fmt: skip
    sys.stdout.write(json.dumps(figures) + "\n")
    assert spoken > 40
    assert paused < 10
    assert all(abs(each - late[0]) < RIGHT_S for each in late)
    assert -0.05 < late[0] < 0.2
    assert min(score for _, score in found) > 0.85
    assert state["lost"] == 0
    assert [row["kind"] for row in recorder.rows("ledger.jsonl", "s1")] == ["start", "stop"], "a pause is no gap"
    assert len(sound) / RATE == pytest.approx((segment["end_us"] - segment["start_us"]) / 1e6, abs=0.1)
    assert speakers[:2] == ["ana", ""], "who is silent is not taken for the speaker"
