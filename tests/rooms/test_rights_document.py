"""The tables of rights in docs/architecture.md are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

from rooms.procedure import BRIEF_COURT, NOTHING, Rights
from rooms.procedure.model import LETTERS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
SECTION = DOCUMENT.read_text(encoding="utf-8").split("## Rights\n")[1].split("\n## ")[0]


def test_every_letter_is_explained() -> None:
    assert re.findall(r"^\| ([A-Z]) \| (\w+)", SECTION, re.MULTILINE) == [
        (letter, {"record": "run"}.get(right, right)) for letter, right in LETTERS.items()
    ]


def test_every_role_has_the_rights_that_are_written() -> None:
    written: dict[str, tuple[str, str]] = {}
    for roles, waiting, hearing in re.findall(r"^\| ([a-z_, ]+) \| ([A-Z]+) \| ([A-Z]+) \|$", SECTION, re.MULTILINE):
        written |= dict.fromkeys(roles.split(", "), (waiting, hearing))
    assert written.keys() == BRIEF_COURT.roles
    for role, (waiting, hearing) in written.items():
        assert BRIEF_COURT.rights["waiting"][role] == Rights.of(waiting), role
        assert BRIEF_COURT.rights["hearing"][role] == Rights.of(hearing), role


def test_in_recess_nobody_speaks_sees_or_publishes_and_in_the_end_nobody_has_a_right() -> None:
    assert all(not (r.speak or r.see or r.publish) for r in BRIEF_COURT.rights["recess"].values())
    assert all(BRIEF_COURT.rights_of(role, "closed", chair=True) == NOTHING for role in BRIEF_COURT.roles)
