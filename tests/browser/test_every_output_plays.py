"""Everything that is made of a recording is played by two programs that are not ours: ffprobe decodes each picture and each sound of it,
and a browser plays it and gets on."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Playwright

from rooms.packaging.watermark import Part, burn
from rooms.recording.composite import compose
from rooms.recording.fonts import find_font
from tests.browser.participants import CHROMIUM, FLAGS
from tests.browser.site import free_port
from tests.rooms.recording.held import hold

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]

PLAYS = """async (address) => {
  const element = document.createElement('video');
  element.src = address;
  element.playbackRate = 2;
  document.body.replaceChildren(element);
  await element.play();
  const limit = performance.now() + 60000;
  while (element.currentTime < 1.5 && !element.error && performance.now() < limit) await new Promise((done) => setTimeout(done, 50));
  return [element.currentTime, element.videoWidth, element.error ? element.error.message : ''];
}"""


@pytest_asyncio.fixture
async def outputs(tmp_path: Path) -> Path:
    """A sealed recording with its film, its voices, and of the film a copy and a span with a watermark."""
    font = find_font()
    if font is None:
        pytest.skip("no Chinese font")
    root = tmp_path / "recording"
    hold(root, "sitting")
    async for _ in compose(root, font=font, tz="Asia/Shanghai"):
        pass
    film = root / "derived" / "composite.mp4"
    for name, part, cut in (("copy", Part(0.0, 10.0), False), ("span", Part(2.0, 4.0), True)):
        async for _ in burn(film, tmp_path / f"{name}.mp4", ("王律师", "副本 2026-0007"), font=font, number="1", part=part, cut=cut):
            pass
    return tmp_path


@pytest_asyncio.fixture
async def address(outputs: Path) -> AsyncIterator[str]:
    """Where a browser finds them."""
    app, port = web.Application(), free_port(socket.SOCK_STREAM)

    async def blank(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>player</title>", content_type="text/html")

    app.add_routes([web.get("/", blank), web.static("/", outputs)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


def probed(path: Path) -> dict[str, tuple[str, int]]:
    """Codec and decoded frames of each kind of stream, by ffprobe, whose every word against the file fails the test; where there is no
    ffprobe, by the libraries that it is made of."""
    if shutil.which("ffprobe") is None:
        with av.open(str(path)) as container:
            kinds = [(stream.type, stream.codec_context.codec.canonical_name) for stream in container.streams]
        return {kind: (codec, _decoded(path, kind)) for kind, codec in kinds}
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_type,codec_name,nb_read_frames", "-of", "json"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == "", f"{path.name}: {done.stderr}"
    return {row["codec_type"]: (row["codec_name"], int(row["nb_read_frames"])) for row in json.loads(done.stdout)["streams"]}


def _decoded(path: Path, kind: str) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _frame in container.decode(**{kind: 0}))


async def test_ffprobe_and_a_browser_play_every_output(outputs: Path, address: str, playwright: Playwright) -> None:
    recording = outputs / "recording"
    films = [recording / "derived" / "composite.mp4", outputs / "copy.mp4", outputs / "span.mp4"]
    voices = sorted(path for path in (recording / "derived" / "voices").iterdir() if path.suffix != ".json")
    tracks = sorted((recording / "tracks").iterdir())
    assert (len(voices), len(tracks)) == (3, 8)
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS])
    page = await browser.new_page()
    await page.goto(address)
    for path in (*films, *voices, *tracks):
        name = path.relative_to(outputs).as_posix()
        streams = probed(path)
        assert all(frames > 40 for _codec, frames in streams.values()), (name, streams)
        at_s, width, error = await page.evaluate(PLAYS, f"{address}/{name}")
        sys.stdout.write(f"{name}: {streams}, played to {at_s:.2f} s, {width} wide\n")
        assert error == "", f"{name}: {error}"
        assert at_s >= 1.5, f"{name} stands still at {at_s} s"
        assert (width > 0) == ("video" in streams), name
    assert {codec for path in tracks for codec, _frames in probed(path).values()} == {"vp8", "h264", "opus"}
    await browser.close()
