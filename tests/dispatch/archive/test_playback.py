"""What playback shows beside the picture comes from the sealed folder alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatch.archive.identities import looks
from dispatch.archive.playback import gaps, manifest_of, page, read
from dispatch.web.translations import catalogue
from rooms.recording.attendance import Person
from tests.dispatch.archive.sealed import DIGESTS, at, make_sealed

ENGLISH = catalogue("en").gettext


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_sealed(tmp_path, "sitting")
    return tmp_path / "sitting"


@pytest.fixture
def shown(folder: Path) -> dict[str, Any]:
    return page(read(folder), ENGLISH)


def test_stages_lie_on_the_time_of_the_picture(shown: dict[str, Any]) -> None:
    spans = [(s["stage"], s["from_us"], s["to_us"]) for s in shown["timeline"]["stages"]]
    assert spans == [("hearing", at(0), at(4)), ("recess", at(4), at(6)), ("hearing", at(6), at(10))]
    assert shown["timeline"]["start_us"] == at(0)
    assert shown["timeline"]["duration_s"] == pytest.approx(10)


def test_each_person_has_a_row_with_the_spans_in_which_he_was_recorded(shown: dict[str, Any]) -> None:
    judge, zhang = shown["timeline"]["speakers"]
    assert (judge["name"], zhang["name"]) == ("周正", "张某")
    assert [(round((s["from_us"] - at(0)) / 1e6), round((s["to_us"] - at(0)) / 1e6)) for s in judge["segments"]] == [(0, 4), (6, 10)]
    assert [(g["from_us"], g["to_us"]) for g in zhang["gaps"]] == [(at(2), at(3.5))]


def test_an_officer_who_broke_in_has_a_row_below_the_participants(folder: Path) -> None:
    sealed = read(folder)
    his = ("watch-1", "microphone")
    person = Person("watch-1", "高卫东", "command_centre")
    officer = replace(sealed.places[0], people=(person,), endpoints=frozenset({"watch-1", "watch-2"}))
    broken_in = replace(sealed, places=(*sealed.places, officer), present={**sealed.present, his: [(at(7), at(8))]})
    *_, last = page(broken_in, ENGLISH)["timeline"]["speakers"]
    assert (last["name"], last["role"]) == ("高卫东", "Command centre")
    assert [(s["from_us"], s["to_us"], s["source"]) for s in last["segments"]] == [(at(7), at(8), "microphone")]


def test_the_log_begins_with_what_opened_the_recording(shown: dict[str, Any]) -> None:
    assert [line["type"] for line in shown["lines"]] == ["stage_changed"] * 4
    assert shown["lines"][1]["text"].endswith("Reason: 合议")


def test_gaps_are_told_with_name_length_and_cause(folder: Path) -> None:
    told = gaps(manifest_of(folder), ENGLISH, lambda us: f"{(us - at(0)) / 1e6:.0f}s")
    assert told == [f"2s 张某: microphone missing for 1.5 s ({ENGLISH('log.cause.engine_lost')})"]


@pytest.mark.parametrize(("rows", "shown"), [(8, 2), (5, 0)])
def test_a_log_whose_end_is_spoilt_is_shown_up_to_there(folder: Path, rows: int, shown: int) -> None:
    log = folder / "events.jsonl"
    log.chmod(0o644)
    log.write_text("\n".join(log.read_text(encoding="utf-8").splitlines()[:rows]) + "\n{spoilt", encoding="utf-8")
    assert len(page(read(folder), ENGLISH)["lines"]) == shown


def test_a_folder_that_is_not_sealed_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"manifest\.json"):
        read(tmp_path)


def test_every_look_at_face_and_document_is_told_with_its_stills(folder: Path) -> None:
    (look,) = looks(read(folder).rows, ENGLISH)
    assert (look.name, look.confirmed, look.by) == ("张某 (Party)", True, "周正 (Judge)")
    assert look.at.timestamp() * 1e6 == at(-20)
    assert look.stills == (("face", DIGESTS["face"]), ("document", DIGESTS["document"]))
