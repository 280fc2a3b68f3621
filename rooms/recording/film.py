"""What ffmpeg is told to make the film of a sitting and the sound of each place. Reads files, writes texts and lists; runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg as builder

from rooms.procedure.seating import Hall
from rooms.recording import timeline as axis
from rooms.recording.attendance import Place
from rooms.recording.film_words import AWAY, CAMERA_OFF, CARDS, UNSEEN, captions, fitted, from_to
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
    picture_in_picture,
    screen,
)
from rooms.recording.matroska import key_times_ms
from rooms.recording.timeline import Placement, Span, Timeline, TrackLine
from rooms.recording.unrecorded import Named

FPS = 25
PART_S = 20
"""The picture is made in parts of so many seconds, each whole by itself: whoever was ended goes on behind the last one."""
VOICE_RATE = "32k"
"""Opus of one voice, mono: wide-band speech without audible loss."""
OFF_S = 0.02
"""Sound that lies further than this from its time is put right: after a pause, in which few packets come (DTX), the next words."""
TITLE_WIDTH, STAGE_WIDTH, STAGE_MIDDLE = 590, 360, 810
"""Of the strip at the top, px: the title at the left, the stage between it and the clock."""
BACKGROUND, TILE, INK, DIM = "0x12161c", "0x1f2630", "0xf2f4f7", "0xaab4c0"
_GRAPH_IN_A_FILE = 100_000
"""A graph longer than this goes into a file: Linux takes no argument over 128 KiB. That needs ffmpeg 7 or later."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A place with where it stands: `alone`, or `beside` a shared screen. `over`: alone it lies over another place's picture."""

    place: Place
    alone: Box
    beside: Box
    over: bool = False


@dataclass(frozen=True, slots=True)
class Film:
    """Everything ffmpeg is told. Texts and lists of files are in `work`, so that no name needs escaping.

    Without a `font` that knows Chinese only what is ASCII is written, in `clock_font`. `tz` is the court's time zone, `stages` are written
    beside the clock while they last.
    """

    line: Timeline
    title: str
    work: Path
    font: Path | None
    clock_font: Path
    tz: str
    tiles: tuple[Tile, ...]
    screens: tuple[Span, ...]
    stages: tuple[Named, ...] = ()

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
        stages: Sequence[Named] = (),
    ) -> Film:
        """Decide who has which tile, and when a screen is shown. `seats`: where those who are shown are in the hall."""
        order = (*seats.large, *seats.bench, *seats.left, *seats.right, *seats.middle)
        if seats.large:
            alone = picture_in_picture(len(seats.large), len(order) - len(seats.large))
        elif seats.bench or seats.left or seats.right:
            alone = court(len(seats.bench), len(seats.left), len(seats.right), len(seats.middle))
        else:
            alone = people(len(shown))
        over = [bool(seats.large) and number >= len(seats.large) for number in range(len(order))]
        tiles = tuple(map(Tile, [shown[index] for index in order], alone, people_beside_screen(len(shown)), over))
        screens = axis.merge(span for track in line.tracks if track.source == "screen" for span in track.present())
        title = " ".join(filter(None, (meta.get("case_number", ""), meta.get("title", ""))))
        return cls(line, title, work, *fonts, tz, tiles, tuple(screens), tuple(stages))

    def since(self, at_us: int) -> Film:
        """The rest of the same film, from a time on."""
        tracks = (replace(track, placements=tuple(p for p in track.placements if p.to_us > at_us)) for track in self.line.tracks)
        return replace(self, line=replace(self.line, start_us=at_us, tracks=tuple(track for track in tracks if track.placements)))

    # -- the commands -------------------------------------------------------------------------------------------

    def picture_command(self, first: int, program: str) -> list[str]:
        """The command line that makes the picture, in parts of PART_S that are called :meth:`part_file`, the first one with that number."""
        parts = builder.output(
            self._picture(),
            str(self.work / "part-%06d.mkv"),
            f="segment",
            segment_format="matroska",
            segment_time=PART_S,
            segment_start_number=first,
            reset_timestamps=1,
            vcodec="libx264",
            preset="veryfast",
            crf=26,
            g=2 * FPS,
            keyint_min=2 * FPS,
            sc_threshold=0,
            bf=0,  # pictures in the order in which they are shown, so that parts can be put behind each other
            pix_fmt="yuv420p",
            r=FPS,
            t=f"{self.line.duration_s:.3f}",
        )
        return self._compiled(parts, program)

    def sound_command(self, program: str) -> list[str]:
        """The command line that makes the sound of all into :attr:`sound_file`, and each voice into :meth:`voice_file`."""
        length = f"{self.line.duration_s:.3f}"
        mixed, alone = self._sound()
        film = builder.output(mixed, str(self.sound_file), f="mp4", acodec="aac", audio_bitrate="96k", ar=48_000, t=length)
        voices = [
            builder.output(sound, str(self.voice_file(place)), f="webm", acodec="libopus", audio_bitrate=VOICE_RATE, ar=48_000, t=length)
            for place, sound in alone
        ]
        return self._compiled(builder.merge_outputs(film, *voices) if voices else film, program)

    def join_command(self, parts: Sequence[Path], output: Path, program: str) -> list[str]:
        """The command line that puts parts and sound into `output`, without making anything anew."""
        rows = ["ffconcat version 1.0"]
        for part in parts:
            rows += [f"file '{part.name}'", *([f"duration {PART_S}"] if part != parts[-1] else [])]
        listed = self.work / "parts.ffconcat"
        listed.write_text("\n".join(rows) + "\n", encoding="utf-8")
        pictures, sound = builder.input(str(listed), f="concat", safe=0).video, builder.input(str(self.sound_file)).audio
        return self._compiled(builder.output(pictures, sound, str(output), f="mp4", c="copy", movflags="+faststart"), program)

    def _compiled(self, outputs: Any, program: str) -> list[str]:
        arguments = outputs.global_args("-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1")
        return self._shortened([str(argument) for argument in builder.compile(arguments, cmd=program, overwrite_output=True)])

    def _shortened(self, command: list[str]) -> list[str]:
        at = command.index("-filter_complex") if "-filter_complex" in command else -1
        if at < 0 or len(command[at + 1].encode()) < _GRAPH_IN_A_FILE:
            return command
        graph = self.work / "graph.txt"
        graph.write_text(command[at + 1], encoding="utf-8")
        return [*command[:at], "-/filter_complex", str(graph), *command[at + 2 :]]

    def voice_file(self, place: Place) -> Path:
        """Where the sound of a place is written."""
        return self.work / f"{place.id}.webm"

    @property
    def sound_file(self) -> Path:
        """Where the sound of all is written."""
        return self.work / "sound.m4a"

    def part_file(self, number: int) -> Path:
        """Where a part of the picture is written; 0 is the first."""
        return self.work / f"part-{number:06d}.mkv"

    def _input(self, track: TrackLine) -> Any:
        """One track as one input: its segments in a list, each at its own time (ffmpeg's concat demuxer)."""
        rows = ["ffconcat version 1.0"]
        begin_us = track.placements[0].start_us
        for placement, after in zip(track.placements, (*track.placements[1:], None), strict=True):
            quoted = str(placement.file).replace("'", "'\\''")
            rows.append(f"file '{quoted}'")
            from_us = placement.start_us
            if skipped_ms := self._skipped_ms(track, placement):
                from_us += skipped_ms * 1000
                begin_us = from_us
                rows.append(f"inpoint {skipped_ms / 1e3:.3f}")
            rows.append(f"outpoint {(placement.to_us - placement.start_us + 1) / 1e6:.6f}")  # the last picture stands at the end
            if after is not None:
                rows.append(f"duration {(after.start_us - from_us) / 1e6:.6f}")
        path = self.work / f"{track.placements[0].file.name}.ffconcat"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        late_s = (begin_us - self.line.start_us) / 1e6
        options: dict[str, Any] = {"f": "concat", "safe": 0, "itsoffset": f"{late_s:.6f}"}
        if track.source != "microphone":
            options["reinit_filter"] = 0  # the scaler takes pictures of any size; a new graph at each change would blink
        return builder.input(str(path), **options)

    def _skipped_ms(self, track: TrackLine, placement: Placement) -> int:
        """How much of a file lies before the last picture that can be decoded alone and is not behind the film's beginning."""
        before_us = self.line.start_us - placement.start_us
        if track.source == "microphone" or before_us <= 0:
            return 0
        return max((at_ms for at_ms in key_times_ms(placement.file) if at_ms * 1000 <= before_us), default=0)

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
            for track in self.line.tracks:
                if track.source == "camera" and track.placements and track.endpoint in tile.place.endpoints:
                    canvas = self._show(canvas, track, picture(tile.alone), picture(tile.beside))
        for track in self.line.tracks:
            if track.source == "screen" and track.placements:
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
            if tile.over and name == "alone":
                around = {"x": cell.x, "y": cell.y, "w": cell.width, "h": cell.height}
                canvas = canvas.filter("drawbox", **around, color=BACKGROUND, t="fill", enable=shown)
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
        title = fitted([self.title], TITLE_WIDTH, 20)
        canvas = self._write(canvas, "title", title, x=2 * MARGIN, y=f"({HEAD}-text_h)/2", fontsize=20, fontcolor=DIM)
        for number, stage in enumerate(self.stages):
            if stage.to_us <= self.line.start_us:
                continue
            both = [name for tag in ("zh-CN", "en") if (name := stage.names.get(tag))]
            text = fitted(["  ".join(both), *both], STAGE_WIDTH, 20) if both else ""
            during = self._during([(stage.from_us, stage.to_us)])
            middle = {"x": f"{STAGE_MIDDLE}-text_w/2", "y": f"({HEAD}-text_h)/2"}
            canvas = self._write(canvas, f"stage-{number}", text, **middle, fontsize=20, fontcolor=INK, enable=during)
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
                sound = _mixed([self._voice(track) for track in tracks])
                if tile.place.aside:  # nobody in the room heard it, and whoever sees the film is in the room
                    sound = sound.filter("volume", volume=0, enable=self._during(tile.place.aside))
                own = sound.asplit()
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
