"""``server.py procedure``: what each kind is held by, and another version adopted by its name or from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

import server
from dispatch.operations import procedure
from dispatch.operations.acts import operator
from dispatch.settings import Settings
from dispatch.sittings import procedures
from dispatch.store.database import Database
from rooms.procedure import BRIEF_COURT, PROCEDURES
from tests.dispatch.making import audited


async def said(settings: Settings, language: str = "zh-CN") -> list[str]:
    lines: list[str] = []
    await procedure.tell(settings, language, lines.append)
    return lines


async def test_what_each_kind_is_held_by_is_told_and_what_else_there_is(settings: Settings) -> None:
    lines = await said(settings)
    assert [line.split("/")[0] for line in lines if not line.startswith(" ")] == list(PROCEDURES)
    assert lines[0].startswith("remote_court/2026-1  普通程序庭审")
    assert lines[1] == "  remote_court/2025-1  简化流程庭审"


async def test_a_version_is_adopted_by_its_name_or_from_a_file_and_the_operator_is_audited(settings: Settings, tmp_path: Path) -> None:
    lines: list[str] = []
    await procedure.adopt(settings, "remote_court/2026-1", "en", str, lines.append)
    own = tmp_path / "own.yaml"
    own.write_text(PROCEDURES["round_table"].text.replace("version: 2026-1", "version: 云河 2027"), encoding="utf-8")
    await procedure.adopt(settings, str(own), "en", str, lines.append)
    assert lines == ["remote_court/2026-1  Ordinary court hearing", "round_table/云河 2027  Round table"]
    db = await Database.open(settings)
    try:
        assert await procedures.held_by(db, "remote_court") == PROCEDURES["remote_court"]
        assert [(row.actor, row.subject) for row in await audited(db, "procedure_adopted")] == [
            (operator(), "remote_court 2026-1"),
            (operator(), "round_table 云河 2027"),
        ]
    finally:
        await db.close()
    told = await said(settings, "en")
    assert told[0].startswith("remote_court/2026-1  Ordinary court hearing")
    assert told[1] == f"  remote_court/{BRIEF_COURT.version}  Short court hearing"


def test_of_a_bad_file_each_bad_line_is_named_and_nothing_is_changed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_settings", lambda: settings)
    bad = tmp_path / "bad.yaml"
    bad.write_text(PROCEDURES["round_table"].text.replace("member: SVPL", "member: SVQL"), encoding="utf-8")
    nowhere = str(tmp_path / "none.yaml")
    for wanted, why in ((str(bad), "行：权限“SVQL”有误"), (nowhere, "none.yaml"), ("remote_court/1999", "remote_court/1999")):
        with pytest.raises(server.Refused, match=why):
            server._procedure(argparse.Namespace(adopt=wanted, lang="zh-CN"))


def test_it_is_a_command(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(server, "_settings", lambda: settings)
    assert server.main(["procedure", "--lang", "en"]) == 0
    assert "round_table/2026-1  Round table" in capsys.readouterr().out
