"""Rights as letters, what they give, and what several people at one device have in common."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from rooms.media.engine import Source
from rooms.procedure.model import IN_TURN_LETTERS, LETTERS, NOTHING, Rights, Stage, intersection, stages, table

MICROPHONE, CAMERA, SCREEN = Source.MICROPHONE, Source.CAMERA, Source.SCREEN


@pytest.mark.parametrize(("letter", "right"), LETTERS.items())
def test_each_letter_is_one_right(letter: str, right: str) -> None:
    rights = Rights.of(letter)
    assert [name for name in LETTERS.values() if getattr(rights, name)] == [right]


def test_all_letters_are_all_rights_and_no_letter_none() -> None:
    of_all = asdict(Rights.of("".join(LETTERS)))
    assert {name for name, has in of_all.items() if has} == set(LETTERS.values()) == of_all.keys() - set(IN_TURN_LETTERS.values())
    assert Rights.of("") == NOTHING == Rights()
    with pytest.raises(KeyError):
        Rights.of("X")


@pytest.mark.parametrize(
    ("letters", "sources"),
    [
        ("", set()),
        ("VARLD", set()),
        ("S", {MICROPHONE, CAMERA}),
        ("P", {CAMERA, SCREEN}),
        ("SP", {MICROPHONE, CAMERA, SCREEN}),
    ],
)
def test_whoever_speaks_is_seen_and_whoever_publishes_shares(letters: str, sources: set[Source]) -> None:
    assert Rights.of(letters).sources == sources


def test_several_have_what_all_of_them_have() -> None:
    assert intersection([Rights.of("SVPAD"), Rights.of("SVARL"), Rights.of("VAL")]) == Rights.of("VA")
    assert intersection([Rights.of("SV")]) == Rights.of("SV")
    assert intersection([]) == NOTHING
    assert intersection([Rights.of("SVPARLD"), NOTHING]) == NOTHING


def test_a_table_is_read_by_stage_and_role_and_written_by_nobody() -> None:
    rights = table(hearing={"judge": "SVD"})
    assert rights["hearing"]["judge"] == Rights.of("SVD")
    with pytest.raises(TypeError):
        rights["hearing"]["judge"] = Rights.of("S")  # type: ignore[index]
    with pytest.raises(TypeError):
        stages(Stage("hearing", status="live"))["recess"] = Stage("recess", status="recess")  # type: ignore[index]
