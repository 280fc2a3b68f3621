"""``server.py export``, and the page that it puts into a package."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import server
from dispatch.copies import verifier
from dispatch.store.database import migrated
from rooms.recording.seal import seal_folder
from rooms.verification.folder import verify
from tests.rooms.recording.folders import META, a_folder
from tests.rooms.recording.keys import AT_US

WHY = ("--reason", "法院当日调取，系统管理员不在")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No database of this computer's is meant."""
    monkeypatch.setenv("DISPATCH_DATA", str(tmp_path / "var"))


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    root = a_folder(tmp_path / "s1")
    seal_folder(root, {"sitting": "s1", **META}, AT_US)
    return root


def test_the_page_is_one_file_that_loads_nothing() -> None:
    page = verifier.page().decode()
    assert not re.search(r"^\s*(import|export)\b", page, re.MULTILINE)
    assert not re.search(r"\b(src|href)=|https?://", page)
    assert "{{ " not in page
    assert page.count("<script") == 2 == page.count("</script>")


def test_no_name_is_declared_by_two_of_its_modules() -> None:
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", verifier.page().decode(), re.MULTILINE)
    assert len(names) > 40
    assert sorted(names) == sorted(set(names))


def test_the_command_makes_a_package_that_verify_finds_good(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert server.main(["export", str(sealed), str(tmp_path / "package"), *WHY]) == 0
    report = verify(tmp_path / "package")
    assert report.ok
    assert report.manifest_sha256 in capsys.readouterr().out
    assert (tmp_path / "package" / "verify.html").read_bytes() == verifier.page()


def test_the_command_says_why_it_makes_none(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package").mkdir()
    assert server.main(["export", str(sealed), str(tmp_path / "package"), *WHY]) == 1
    assert "is there already" in capsys.readouterr().err
    assert server.main(["export", str(a_folder(tmp_path / "open")), str(tmp_path / "other"), *WHY]) == 1
    assert "is not sealed" in capsys.readouterr().err


def test_an_operator_says_why_and_where_there_is_a_database_it_is_in_the_audit_log(sealed: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        server.main(["export", str(sealed), str(tmp_path / "package")])
    migrated(f"sqlite:///{tmp_path / 'var' / 'dispatch.db'}")
    assert server.main(["export", str(sealed), str(tmp_path / "package"), *WHY]) == 0
    with closing(sqlite3.connect(tmp_path / "var" / "dispatch.db")) as database:
        ((actor, action, subject, detail),) = database.execute("SELECT actor, action, subject, detail FROM audit")
    assert (actor.split()[0], action, subject) == ("operator", "export_unapproved", "s1")
    assert json.loads(detail) == {"sitting": "s1", "path": str(tmp_path / "package"), "reason": WHY[1]}


def test_without_its_database_nothing_is_exported_unless_that_is_said(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPATCH_DATABASE_URL", "postgresql://127.0.0.1:1/dispatch")
    assert server.main(["export", str(sealed), str(tmp_path / "package"), *WHY]) == 1
    assert not (tmp_path / "package").exists()
    assert "--no-database" in capsys.readouterr().err
    assert server.main(["export", str(sealed), str(tmp_path / "package"), *WHY, "--no-database"]) == 0
    assert "in no audit log" in capsys.readouterr().err
