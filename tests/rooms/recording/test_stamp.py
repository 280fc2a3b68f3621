"""A time-stamp of a real authority says when a signature was there at the latest; openssl alone checks it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rooms.recording import stamp
from rooms.recording.seal import seal_folder
from rooms.recording.signer import load
from rooms.verification.command import main
from rooms.verification.folder import verify
from rooms.verification.stamp import ANSWER, STAMP
from tests.rooms.recording.folders import META, a_folder, flip, rewrite
from tests.rooms.recording.keys import AT_US, Authority
from tests.rooms.recording.time_stamps import LocalAuthority, stamped


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    root = a_folder(tmp_path / "s1")
    seal_folder(root, {"sitting": "s1", **META}, AT_US, load(*Authority(tmp_path).signer("Court")))
    return root


def both(tmp_path: Path, *roots: Path) -> Path:
    """One file of several roots."""
    path = tmp_path / "trusted.pem"
    path.write_bytes(b"".join(root.read_bytes() for root in roots))
    return path


def codes(root: Path) -> set[tuple[str, str]]:
    return {(problem.code, problem.file) for problem in verify(root).problems}


def test_openssl_alone_checks_it(sealed: Path, tsa: LocalAuthority) -> None:
    stamped(sealed, tsa)
    command = ["openssl", "ts", "-verify", "-data", "manifest.sig.json", "-in", "manifest.tsr", "-CAfile", str(tsa.root)]
    good = subprocess.run(command, cwd=sealed, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    rewrite(sealed / "manifest.sig.json", flip(10))
    assert subprocess.run(command, cwd=sealed, capture_output=True, check=False).returncode != 0


def test_verify_says_when_and_by_whom(sealed: Path, tsa: LocalAuthority, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(sealed).stamp.state == ""
    stamped(sealed, tsa)
    found = verify(sealed, trust=both(tmp_path, tmp_path / "Root.pem", tsa.root)).stamp
    assert (found.state, found.by, found.over, found.root) == ("good", "CN=Stamping authority", "manifest.sig.json", "trusted")
    assert main([str(sealed), "--lang", "en"]) == 0
    assert f"Time-stamp: {found.at}, by CN=Stamping authority, over manifest.sig.json" in capsys.readouterr().out


def test_who_does_not_trust_its_authority_is_told_so(sealed: Path, tsa: LocalAuthority, tmp_path: Path) -> None:
    stamped(sealed, tsa)
    report = verify(sealed, trust=tmp_path / "Root.pem")
    assert (report.ok, report.stamp.root, report.unchecked) == (True, "other", ["stamp_root"])
    assert main([str(sealed), "--trust", str(tmp_path / "Root.pem")]) == 3


def test_where_nobody_signed_it_is_over_the_manifest(tmp_path: Path, tsa: LocalAuthority) -> None:
    root = a_folder(tmp_path / "s1")
    seal_folder(root, {"sitting": "s1", **META}, AT_US)
    stamped(root, tsa)
    report = verify(root)
    assert (report.complete, report.stamp.over) == (True, "manifest.json")


@pytest.mark.parametrize("name", ["manifest.tsr", "manifest.stamp.json"])
def test_a_time_stamp_that_was_changed_or_half_taken_away_is_named(sealed: Path, tsa: LocalAuthority, name: str) -> None:
    stamped(sealed, tsa)
    content = (sealed / name).read_bytes()
    for position in range(0, len(content), 37):
        rewrite(sealed / name, flip(position))
        assert {file for _, file in codes(sealed)} == {name}, position
        rewrite(sealed / name, flip(position))
    (sealed / name).unlink()
    assert codes(sealed) == {("file_missing", name)}


def test_whoever_knows_that_there_was_one_misses_it(sealed: Path, tsa: LocalAuthority) -> None:
    stamped(sealed, tsa)
    assert verify(sealed, seals=(ANSWER, STAMP)).ok
    for name in (ANSWER, STAMP):
        (sealed / name).unlink()
    assert verify(sealed).ok  # the folder alone cannot know
    assert [(each.code, each.file) for each in verify(sealed, seals=(ANSWER, STAMP)).problems] == [
        ("file_missing", ANSWER), ("file_missing", STAMP),
    ]  # fmt: skip


def test_the_time_stamp_of_another_folder_is_found(sealed: Path, tsa: LocalAuthority, tmp_path: Path) -> None:
    other = a_folder(tmp_path / "other")
    seal_folder(other, {"sitting": "s2", **META}, AT_US, load(tmp_path / "Court.key", tmp_path / "Court.crt"))
    stamped(other, tsa)
    for name in ("manifest.tsr", "manifest.stamp.json"):
        (sealed / name).write_bytes((other / name).read_bytes())
    assert codes(sealed) == {("stamp_other", "manifest.tsr")}


def test_an_answer_to_another_question_or_of_another_authority_is_not_kept(sealed: Path, tsa: LocalAuthority, tmp_path: Path) -> None:
    asked = stamp.request(sealed)
    for answer, roots in (
        (tsa.answer(stamp.request(sealed).content), tsa.root),  # the nonce is another
        (tsa.answer(asked.content), LocalAuthority(tmp_path / "tsa").root),
        (b"<html>no such page</html>", tsa.root),
        (b"", tsa.root),
    ):
        with pytest.raises(stamp.StampRefused):
            stamp.keep(sealed, asked, answer, roots)
    assert not (sealed / stamp.STAMP).exists()
    assert stamp.keep(sealed, asked, tsa.answer(asked.content), tsa.root).by == "CN=Stamping authority"
