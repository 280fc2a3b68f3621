"""The receiver of a copy stands in its film: everywhere, readable, and without hiding what is behind. Made by the real ffmpeg."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rooms.packaging.watermark import COLUMNS, ROWS, WANDERS_S, Part, WatermarkRefused, burn
from rooms.recording.fonts import find_font
from rooms.recording.running import ffmpeg_program

WIDTH, HEIGHT, SECONDS = 640, 360, 12
WORDS = ("王律师", "云河律师事务所", "副本 2026-0007  2026-11-24")
GREY = 90
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of an even grey, in which nothing but a watermark can be seen, with a tone."""
    path = tmp_path_factory.mktemp("film") / "composite.mp4"
    grey = f"color=c=0x{GREY:02x}{GREY:02x}{GREY:02x}:s={WIDTH}x{HEIGHT}:r=25:d={SECONDS}"
    tone = f"sine=f=440:r=48000:d={SECONDS}"
    made = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", grey, "-f", "lavfi", "-i", tone]
    subprocess.run([*made, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)], check=True)
    return path


async def marked(film: Path, target: Path, part: Part | None = None, words: tuple[str, ...] = WORDS) -> list[float]:
    font = find_font()
    if font is None:
        pytest.skip("no Chinese font")
    given = part or Part(0.0, SECONDS)
    return [fraction async for fraction in burn(film, target, words, font=font, number="2026-0007", part=given, cut=part is not None)]


def pictures(path: Path) -> dict[float, Picture]:
    """Luminance of each picture, by its time."""
    with av.open(str(path)) as container:
        return {round(float(frame.time or 0), 2): frame.to_ndarray(format="gray").astype(np.uint8) for frame in container.decode(video=0)}


def touched(picture: Picture) -> NDArray[np.bool_]:
    """Where the picture is other than most of it."""
    return np.asarray(np.abs(picture.astype(int) - int(np.median(picture))) > 12)


async def test_every_part_of_the_picture_names_the_receiver_and_lets_what_is_behind_through(film: Path, tmp_path: Path) -> None:
    fractions = await marked(film, tmp_path / "copy.mp4")
    assert (fractions, fractions[-1]) == (sorted(fractions), 1.0)
    before, after = pictures(film), pictures(tmp_path / "copy.mp4")
    assert len(after) == len(before)
    ground = float(np.median(before[1.0]))
    assert not touched(before[1.0]).any()
    changed = touched(after[1.0])
    for row in range(ROWS):
        for column in range(COLUMNS):
            field = changed[row * HEIGHT // ROWS : (row + 1) * HEIGHT // ROWS, column * WIDTH // COLUMNS : (column + 1) * WIDTH // COLUMNS]
            assert field.sum() > 60, f"row {row} column {column} of the picture can be cut out without a name"
    assert changed.mean() < 0.2, "most of the picture is as it was"
    strongest = np.abs(after[1.0].astype(int) - ground).max()
    assert 20 < strongest < 110, "seen, and seen through"


async def test_the_words_wander(film: Path, tmp_path: Path) -> None:
    await marked(film, tmp_path / "copy.mp4")
    found = pictures(tmp_path / "copy.mp4")
    first, same, later = (touched(found[second]) for second in (1.0, 6.0, WANDERS_S + 1.0))
    alike = (first & same).sum() / first.sum()
    assert alike > 0.9
    assert (first & later).sum() / first.sum() < 0.5


async def test_another_receiver_is_another_picture(film: Path, tmp_path: Path) -> None:
    await marked(film, tmp_path / "one.mp4")
    await marked(film, tmp_path / "other.mp4", words=("李检察官", *WORDS[1:]))
    one, other = (touched(pictures(tmp_path / name)[1.0]) for name in ("one.mp4", "other.mp4"))
    assert (one ^ other).sum() > 200


async def test_the_sound_is_untouched_and_the_file_says_its_number(film: Path, tmp_path: Path) -> None:
    await marked(film, tmp_path / "copy.mp4")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert packets(tmp_path / "copy.mp4") == packets(film)
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert container.metadata["comment"] == "copy 2026-0007"


async def test_a_span_is_cut_out_to_the_tenth_of_a_second(film: Path, tmp_path: Path) -> None:
    await marked(film, tmp_path / "span.mp4", Part(2.5, 4.0))
    with av.open(str(tmp_path / "span.mp4")) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(4.0, abs=0.1)
    assert touched(pictures(tmp_path / "span.mp4")[1.0]).any()


async def test_a_copy_without_its_receivers_name_is_not_made(film: Path, tmp_path: Path) -> None:
    with pytest.raises(WatermarkRefused, match="font"):
        async for _ in burn(film, tmp_path / "copy.mp4", WORDS, font=None, number="1", part=Part(0, SECONDS), cut=False):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_what_is_no_film_leaves_nothing_behind(tmp_path: Path) -> None:
    font = find_font()
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(WatermarkRefused, match="ffmpeg"):
        async for _ in burn(tmp_path / "film.mp4", tmp_path / "copy.mp4", WORDS, font=font, number="1", part=Part(0, 1), cut=False):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


async def test_who_stops_asking_stops_ffmpeg_and_leaves_nothing(film: Path, tmp_path: Path) -> None:
    burning = burn(film, tmp_path / "copy.mp4", WORDS, font=find_font(), number="1", part=Part(0, SECONDS), cut=False)
    async for _ in burning:
        break
    await burning.aclose()
    await asyncio.sleep(0)
    assert list(tmp_path.iterdir()) == []
