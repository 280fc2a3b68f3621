"""What ffmpeg is told to make the film of a sitting and the sound of each place. Reads files, writes texts and lists; runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ffmpeg as builder

from rooms.procedure.seating import Hall
from rooms.recording import timeline as axis
from rooms.recording.attendance import Place
from rooms.recording.layout import (
    HEAD,
    HEIGHT,
    LABEL,
    MARGIN,
    WIDTH,
    Box,
    caption,
    court,
    people,
    people_beside_screen,
    picture,
    screen,
)
from rooms.recording.timeline import Span, Timeline, TrackLine

FPS = 25
VOICE_RATE = "32k"
"""Opus of one voice, mono: wide-band speech without audible loss."""
OFF_S = 0.02
"""Sound that lies further than this from its time is put right: after a pause, in which few packets come (DTX), the next words."""
BACKGROUND, TILE, INK, DIM = "0x12161c", "0x1f2630", "0xf2f4f7", "0xaab4c0"
ROLES = {
    "judge": ("审判员", "Judge"),
    "panel": ("合议庭成员", "Panel"),
    "clerk": ("书记员", "Clerk"),
    "prosecutor": ("检察官", "Prosecutor"),
    "party": ("当事人", "Party"),
    "agent": ("诉讼代理人", "Agent"),
    "defender": ("辩护人", "Defender"),
    "witness": ("证人", "Witness"),
    "expert": ("鉴定人", "Expert"),
    "interpreter": ("翻译", "Interpreter"),
    "gallery": ("旁听", "Gallery"),
    "custody_officer": ("法警", "Custody officer"),
}
CARDS = {
    "recess": "休庭  Recess",
    "private": "不公开环节，未录制  Private phase, not recorded",
    "unrecorded": "本环节未录制  Not recorded",
    "gap": "录制中断  Recording interrupted",
}
AWAY, CAMERA_OFF, UNSEEN = "未在线  Not connected", "摄像头已关闭  Camera off", "未收到画面  No picture received"
_GRAPH_IN_A_FILE = 100_000
"""A graph longer than this goes into a file: Linux takes no argument over 128 KiB. That needs ffmpeg 7 or later."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A place with where it stands: `alone`, or `beside` a shared screen."""

    place: Place
    alone: Box
    beside: Box


@dataclass(frozen=True, slots=True)
class Film:
    """Everything ffmpeg is told. Texts and lists of files are in `work`, so that no name needs escaping.

    Without a `font` that knows Chinese only what is ASCII is written, in `clock_font`. `tz` is the court's time zone.
    """

    line: Timeline
    title: str
    work: Path
    font: Path | None
    clock_font: Path
    tz: str
    tiles: tuple[Tile, ...]
    screens: tuple[Span, ...]

    @classmethod
    def plan(
        cls,
        line: Timeline,
        meta: Mapping[str, Any],
        seats: Hall,
        shown: Sequence[Place],
        work: Path,
        fonts: tuple[Path | None, Path],
        tz: str,
    ) -> Film:
        """Decide who has which tile, and when a screen is shown. `seats`: where those who are shown are in the hall."""
        order = (*seats.bench, *seats.left, *seats.right, *seats.middle)
        if seats.bench or seats.left or seats.right:
            alone = court(len(seats.bench), len(seats.left), len(seats.right), len(seats.middle))
        else:
            alone = people(len(shown))
        tiles = tuple(map(Tile, [shown[index] for index in order], alone, people_beside_screen(len(shown))))
        screens = axis.merge(span for track in line.tracks if track.source == "screen" for span in track.present())
        title = " ".join(filter(None, (meta.get("case_number", ""), meta.get("title", ""))))
        return cls(line, title, work, *fonts, tz, tiles, tuple(screens))

    # -- the command --------------------------------------------------------------------------------------------

    def command(self, output: Path, program: str) -> list[str]:
        """The command line: the film into `output`, and each voice into :meth:`voice_file`."""
        length = f"{self.line.duration_s:.3f}"
        mixed, alone = self._sound()
        film = builder.output(
            self._picture(),
            mixed,
            str(output),
            f="mp4",
            vcodec="libx264",
            preset="veryfast",
            crf=26,
            g=2 * FPS,
            pix_fmt="yuv420p",
            acodec="aac",
            audio_bitrate="96k",
            ar=48_000,
            movflags="+faststart",
            t=length,
        )
        voices = [
            builder.output(sound, str(self.voice_file(place)), f="webm", acodec="libopus", audio_bitrate=VOICE_RATE, ar=48_000, t=length)
            for place, sound in alone
        ]
        outputs = builder.merge_outputs(film, *voices) if voices else film
        arguments = outputs.global_args("-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1")
        return self._shortened([str(argument) for argument in builder.compile(arguments, cmd=program, overwrite_output=True)])

    def _shortened(self, command: list[str]) -> list[str]:
        at = command.index("-filter_complex")
        if len(command[at + 1].encode()) < _GRAPH_IN_A_FILE:
            return command
        graph = self.work / "graph.txt"
        graph.write_text(command[at + 1], encoding="utf-8")
        return [*command[:at], "-/filter_complex", str(graph), *command[at + 2 :]]

    def voice_file(self, place: Place) -> Path:
        """Where the sound of a place is written."""
        return self.work / f"{place.id}.webm"

    def _input(self, track: TrackLine) -> Any:
        """One track as one input: its segments in a list, each at its own time (ffmpeg's concat demuxer)."""
        rows = ["ffconcat version 1.0"]
        for placement, after in zip(track.placements, (*track.placements[1:], None), strict=True):
            quoted = str(placement.file).replace("'", "'\\''")
            rows.append(f"file '{quoted}'")
            rows.append(f"outpoint {(placement.to_us - placement.start_us + 1) / 1e6:.6f}")  # the last picture stands at the end
            if after is not None:
                rows.append(f"duration {(after.start_us - placement.start_us) / 1e6:.6f}")
        path = self.work / f"{track.placements[0].file.stem}.ffconcat"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        late_s = (track.placements[0].start_us - self.line.start_us) / 1e6
        options: dict[str, Any] = {"f": "concat", "safe": 0, "itsoffset": f"{late_s:.6f}"}
        if track.source != "microphone":
            options["reinit_filter"] = 0  # the scaler takes pictures of any size; a new graph at each change would blink
        return builder.input(str(path), **options)

    def _during(self, spans: Iterable[Span]) -> str:
        """An expression of ffmpeg that is not 0 within `spans`."""
        start = self.line.start_us
        return "+".join(f"between(t,{(a - start) / 1e6:.3f},{(b - start) / 1e6:.3f})" for a, b in spans) or "0"

    # -- picture ------------------------------------------------------------------------------------------------

    def _picture(self) -> Any:
        length = f"{self.line.duration_s:.3f}"
        canvas = builder.input(f"color=c={BACKGROUND}:s={WIDTH}x{HEIGHT}:r={FPS}:d={length}", f="lavfi")
        seen: dict[str, list[Span]] = {}
        for track in self.line.tracks:
            if track.source == "camera":
                seen.setdefault(track.endpoint, []).extend(track.present())
        for tile in self.tiles:
            canvas = self._tile(canvas, tile, axis.merge(span for endpoint in tile.place.endpoints for span in seen.get(endpoint, ())))
        by_endpoint = {endpoint: tile for tile in self.tiles for endpoint in tile.place.endpoints}
        for track in self.line.tracks:
            if track.source == "camera" and track.placements:
                tile = by_endpoint[track.endpoint]
                canvas = self._show(canvas, track, picture(tile.alone), picture(tile.beside))
            elif track.source == "screen" and track.placements:
                canvas = self._show(canvas, track, screen(), screen())
        return self._head(self._cards(canvas))

    def _shared(self) -> str:
        return self._during(self.screens)

    def _either(self, alone: int, beside: int) -> str:
        """A number that depends on whether a screen is shown."""
        return str(alone) if alone == beside or not self.screens else f"if({self._shared()},{beside},{alone})"

    def _tile(self, canvas: Any, tile: Tile, seen: Sequence[Span]) -> Any:
        """The empty place: name and role under it, and in it why there is no picture. Where there is one it covers that."""
        for name, cell, shown in (("alone", tile.alone, f"not({self._shared()})"), ("beside", tile.beside, self._shared())):
            if shown == "0":
                continue
            box, under = picture(cell), caption(cell)
            canvas = canvas.filter("drawbox", x=box.x, y=box.y, w=box.width, h=box.height, color=TILE, t="fill", enable=shown)
            size = 19 if cell.width >= 300 else 15
            text = fitted(captions(tile.place), cell.width - MARGIN, size)
            canvas = self._write(
                canvas,
                f"name-{name}-{tile.place.id}",
                text,
                x=f"{under.x + under.width // 2}-text_w/2",
                y=f"{under.y + LABEL // 2}-text_h/2",
                fontsize=size,
                fontcolor=INK,
                enable=shown,
            )
            canvas = self._state(canvas, name, tile.place, box, seen, shown)
        return canvas

    def _state(self, canvas: Any, name: str, place: Place, box: Box, seen: Sequence[Span], shown: str) -> Any:
        whole = [(self.line.start_us, self.line.end_us)]
        here = axis.merge([*place.here, *seen])
        on = axis.merge([*place.camera_on, *seen])
        states = (
            (AWAY, axis.without(whole, here)),
            (CAMERA_OFF, axis.without(axis.common(whole, here), on)),
            (UNSEEN, axis.without(axis.common(whole, on), seen)),
        )
        size = max(12, min(24, box.width // 15))
        for number, (text, spans) in enumerate(states):
            if not spans:
                continue
            canvas = self._write(
                canvas,
                f"state-{number}-{name}-{place.id}",
                fitted([text, *text.split("  ")[:1]], box.width, size),
                x=f"{box.x + box.width // 2}-text_w/2",
                y=f"{box.y + box.height // 2}-text_h/2",
                fontsize=size,
                fontcolor=DIM,
                enable=f"({shown})*({self._during(spans)})",
            )
        return canvas

    def _show(self, canvas: Any, track: TrackLine, alone: Box, beside: Box) -> Any:
        """Lay a track over its place while it has frames."""
        stream = self._input(track).video
        stream = stream.filter("fps", FPS)
        width, height = self._either(alone.width, beside.width), self._either(alone.height, beside.height)
        ratio = f"min(({width})/iw,({height})/ih)"
        stream = stream.filter("scale", w=f"max(2,trunc(iw*{ratio}/2)*2)", h=f"max(2,trunc(ih*{ratio}/2)*2)", eval="frame")
        x = self._either(alone.x + alone.width // 2, beside.x + beside.width // 2)
        y = self._either(alone.y + alone.height // 2, beside.y + beside.height // 2)
        shown = self._during(track.present())
        return builder.overlay(canvas, stream, x=f"{x}-w/2", y=f"{y}-h/2", eof_action="pass", enable=shown)

    def _cards(self, canvas: Any) -> Any:
        """What is not recorded is said with its times in place of everybody's picture: a recess, a stage behind closed doors with its
        name, an interruption."""
        for number, band in enumerate(self.line.bands):
            if band.kind == "recording":
                continue
            during = self._during([(band.from_us, band.to_us)])
            canvas = canvas.filter("drawbox", x=0, y=0, w=WIDTH, h=HEIGHT, color=BACKGROUND, t="fill", enable=during)
            times = from_to(band.from_us, band.to_us, self.tz)
            named = "  ".join(name for tag in ("zh-CN", "en") if (name := band.names.get(tag)))
            below = f"{named}  {times}" if named and band.pause != "recess" else times
            lines = ((CARDS[band.pause if band.kind == "recess" else "gap"], 44, INK, -24), (below, 30, DIM, 40))
            for row, (text, size, colour, lower) in enumerate(lines):
                middle = {"x": "(w-text_w)/2", "y": f"(h-text_h)/2+{lower}"}
                canvas = self._write(canvas, f"card-{number}-{row}", text, **middle, fontsize=size, fontcolor=colour, enable=during)
        return canvas

    def _head(self, canvas: Any) -> Any:
        canvas = self._write(canvas, "title", self.title, x=2 * MARGIN, y=f"({HEAD}-text_h)/2", fontsize=20, fontcolor=DIM)
        clock = self.work / "clock.txt"
        clock.write_text(f"%{{pts:localtime:{self.line.start_us / 1e6:.6f}}}", encoding="utf-8")
        return canvas.filter(
            "drawtext",
            fontfile=str(self.clock_font),
            textfile=str(clock),
            x=f"w-text_w-{2 * MARGIN}",
            y=f"({HEAD}-text_h)/2",
            fontsize=24,
            fontcolor=INK,
        )

    def _write(self, canvas: Any, name: str, text: str, **options: Any) -> Any:
        """Draw `text`; without a font that knows Chinese, only its ASCII part."""
        if self.font is None:
            text = " ".join("".join(letter if letter.isascii() else " " for letter in text).split())
        if not text.strip():
            return canvas
        path = self.work / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        return canvas.filter("drawtext", fontfile=str(self.clock_font), textfile=str(path), expansion="none", **options)

    # -- sound --------------------------------------------------------------------------------------------------

    def _sound(self) -> tuple[Any, list[tuple[Place, Any]]]:
        """Everybody's sound as one, and that of each place; both from the same samples, so that they are in step."""
        length = f"{self.line.duration_s:.3f}"
        together: list[Any] = []
        alone: list[tuple[Place, Any]] = []
        for tile in self.tiles:
            tracks = [t for t in self.line.tracks if t.source == "microphone" and t.placements and t.endpoint in tile.place.endpoints]
            if tracks:
                own = _mixed([self._voice(track) for track in tracks]).asplit()
                together.append(own[0])
                alone.append((tile.place, own[1].filter("atrim", end=length)))
        if not together:
            return builder.input(f"anullsrc=r=48000:cl=mono:d={length}", f="lavfi").audio, []
        mixed = _mixed(together)
        return mixed.filter("alimiter", limit=0.95, level=0).filter("atrim", end=length), alone

    def _voice(self, track: TrackLine) -> Any:
        """One microphone with its pauses filled by silence, from 0 to the end."""
        sound = self._input(track).audio.filter("aformat", sample_rates=48_000, channel_layouts="mono", sample_fmts="fltp")
        filled = sound.filter_("aresample", **{"async": 1, "min_hard_comp": OFF_S, "first_pts": 0})
        return filled.filter("apad", whole_dur=f"{self.line.duration_s:.3f}")


def _mixed(sounds: Sequence[Any]) -> Any:
    return sounds[0] if len(sounds) == 1 else builder.filter(sounds, "amix", inputs=len(sounds), normalize=0, duration="longest")


# ---------------------------------------------------------------------------------------------------- texts and times


def captions(place: Place) -> list[str]:
    """What may stand under the tile of a place, the longest first: names with roles in both languages, in Chinese, names alone."""
    if not place.people:
        return [min(place.endpoints)[:24]]
    named = [(person.name, *ROLES.get(person.role, (person.role, ""))) for person in place.people]
    return [
        "，".join(f"{name} · {role} {english}".rstrip() for name, role, english in named),
        "，".join(f"{name} · {role}" for name, role, _ in named),
        "，".join(name for name, _, _ in named),
    ]


def fitted(texts: Sequence[str], width: int, size: int) -> str:
    """The first of `texts` that is no wider than `width` pixels in letters of `size`; if none is, the last one, cut."""
    for text in texts:
        if _width(text, size) <= width:
            return text
    cut = texts[-1]
    while cut and _width(cut + "…", size) > width:
        cut = cut[:-1]
    return cut + "…"


def _width(text: str, size: int) -> float:
    """How wide a text is at most, nearly: Chinese letters are square, others on average 0.6 of that."""
    return sum(0.6 if letter.isascii() else 1.0 for letter in text) * size


def from_to(from_us: int, to_us: int, tz: str) -> str:
    """ "22:13:25 – 22:13:27" in the court's time; with the dates where they differ."""
    begin, end = (datetime.fromtimestamp(us / 1e6, ZoneInfo(tz)) for us in (from_us, to_us))
    form = "%H:%M:%S" if begin.date() == end.date() else "%Y-%m-%d %H:%M:%S"
    return f"{begin.strftime(form)} – {end.strftime(form)}"
