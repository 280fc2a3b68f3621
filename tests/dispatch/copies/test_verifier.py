"""``server.py export``, and the page that it puts into a package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import server
from dispatch.copies import verifier
from rooms.recording.seal import seal_folder
from rooms.verification.folder import verify
from tests.rooms.recording.folders import META, a_folder
from tests.rooms.recording.keys import AT_US


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
    assert server.main(["export", str(sealed), str(tmp_path / "package")]) == 0
    report = verify(tmp_path / "package")
    assert report.ok
    assert report.manifest_sha256 in capsys.readouterr().out
    assert (tmp_path / "package" / "verify.html").read_bytes() == verifier.page()


def test_the_command_says_why_it_makes_none(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package").mkdir()
    assert server.main(["export", str(sealed), str(tmp_path / "package")]) == 1
    assert "is there already" in capsys.readouterr().err
    assert server.main(["export", str(a_folder(tmp_path / "open")), str(tmp_path / "other")]) == 1
    assert "is not sealed" in capsys.readouterr().err
