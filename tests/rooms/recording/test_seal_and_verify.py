"""A sealed folder: whatever is done to it afterwards is found, and the file is named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rooms.log import GENESIS, Event, Row, canonical, chain
from rooms.recording.seal import seal_folder
from rooms.sealing import Sealing
from rooms.verification.command import main
from rooms.verification.folder import NotARecording, verify
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.folders import META, a_folder, event_rows, flip, rewrite
from tests.rooms.recording.streams import Sender, merged, opus_packets, vp8_frames


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A sealed folder."""
    root = a_folder(tmp_path / "s1")
    seal_folder(root, {"sitting": "s1", **META}, 1_790_000_000_000_000)
    return root


def names(path: Path) -> set[str]:
    return {problem.file for problem in verify(path).problems}


def codes(path: Path) -> set[tuple[str, str]]:
    return {(problem.code, problem.file) for problem in verify(path).problems}


def resigned(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A manifest changed by somebody who makes its own digests fit again."""
    manifest = json.loads(content)
    for name in ("digest", "digest_sm3"):
        del manifest[name]
    change(manifest)
    body = canonical(manifest).encode()
    return canonical({**manifest, "digest": hashlib.sha256(body).hexdigest(), "digest_sm3": hashlib.new("sm3", body).hexdigest()}).encode()


@pytest.mark.parametrize("replaced", [False, True])
def test_what_was_opened_is_held_against_what_was_sealed(tmp_path: Path, replaced: bool) -> None:
    """Whoever wrote the log could have opened another opinion than was given: the chain holds, and the digest does not."""
    seal = Sealing(b"k" * 32).of("s1")
    given, voted = seal.shut("opinion", "同意"), seal.shut("vote", "for\n理由不同")
    salts = seal.open("opinion", given.box).salt, seal.open("vote", voted.box).salt
    opened = {"participant": "p1", "text": "不同意" if replaced else "同意", "salt": salts[0], "digest": given.digest}
    choice = "against" if replaced else "for"
    counted = {"participant": "p1", "choice": choice, "dissent": "理由不同", "salt": salts[1], "digest": voted.digest}
    events = [
        Event("opinion_given", 1, {"participant": "p1", "box": given.box, "digest": given.digest, "final": True}),
        Event("opinions_opened", 2, {"opinions": [opened]}),
        Event("voted", 3, {"question": "1", "participant": "p1", "box": voted.box, "digest": voted.digest}),
        Event("question_closed", 4, {"question": "1", "votes": [counted]}),
    ]
    root, rows = a_folder(tmp_path / "s1"), list[Row]()
    for event in events:
        rows.append(chain("s1", 1, len(rows) + 1, rows[-1].hash if rows else GENESIS, event))
    (root / "events.jsonl").write_text("".join(row.line() + "\n" for row in rows))
    seal_folder(root, {"sitting": "s1", **META}, 1_790_000_000_000_000)
    assert [(p.code, p.detail) for p in verify(root).problems] == ([("opened_other", "2"), ("opened_other", "4")] if replaced else [])


@pytest.mark.parametrize("replaced", [False, True])
def test_what_was_consented_to_is_shown_and_other_words_than_the_digest_says_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], replaced: bool
) -> None:
    text = "本人同意“法庭调查”环节在线进行。\nI consent."
    digest = hashlib.sha256(text.encode()).hexdigest()
    about = {"participant": "p1", "version": "2026-1", "text_sha256": digest, "device": "手机"}
    people = [{"id": "p1", "name": "张某", "role": "party"}]
    events = [
        Event("conference_opened", 1, {"plan": {"participants": people}}),
        Event("words_stated", 2, {"text_sha256": digest, "version": "2026-1", "text": "别的" if replaced else text}),
        Event("consented", 3_000_000, {**about, "text_sha256": "ab" * 32, "given_at_us": 1_000_000}),
        Event("stage_consented", 4_000_000, {**about, "stage": "investigation", "names": {"zh-CN": "法庭调查"}}),
    ]
    root, rows = a_folder(tmp_path / "s1"), list[Row]()
    for event in events:
        rows.append(chain("s1", 1, len(rows) + 1, rows[-1].hash if rows else GENESIS, event))
    (root / "events.jsonl").write_text("".join(row.line() + "\n" for row in rows))
    seal_folder(root, {"sitting": "s1", **META}, 1_790_000_000_000_000)
    assert main([str(root), "--lang", "zh", "--consents"]) == (1 if replaced else 0)
    shown = capsys.readouterr().out
    assert "日志中的同意记录: 2 条，其中 1 条的文本未载入日志" in shown
    assert "1970-01-01T00:00:01Z 张某 同意：告知书" in shown
    assert f"1970-01-01T00:00:04Z 张某 同意：法庭调查，版本 2026-1，SHA-256 {digest}，设备 手机" in shown
    assert ("日志第 2 行所载文本与其摘要不符" in shown) == replaced
    if not replaced:
        assert f"文本，SHA-256 {digest}:\n  本人同意“法庭调查”环节在线进行。\n  I consent.\n" in shown
    main([str(root), "--json"])
    assert json.loads(capsys.readouterr().out)["consents"]["said"][1]["stage"] == "法庭调查"


ORIGINALS = [
    "tracks/0001-camera-alice.mkv",
    "tracks/0002-camera-bob.mkv",
    "segments.jsonl",
    "ledger.jsonl",
    "events.jsonl",
    "heartbeat.jsonl",
    "manifest.json",
]


def test_an_untouched_folder_is_agreed_with(sealed: Path) -> None:
    report = verify(sealed)
    assert report.ok
    assert (report.sitting, report.title, report.events, report.files) == ("s1", "李某诉王某", 5, 6)


def test_sealing_again_gives_the_same_answer_and_changes_nothing(sealed: Path) -> None:
    before = (sealed / "manifest.json").read_bytes()
    again = seal_folder(sealed, {"sitting": "s1", "title": "another"}, 5)
    assert (sealed / "manifest.json").read_bytes() == before
    assert again == {"manifest_sha256": hashlib.sha256(before).hexdigest(), "files": 6, "signed_by": ""}


def test_originals_and_their_folder_are_read_only(sealed: Path) -> None:
    for name in ORIGINALS:
        assert (sealed / name).stat().st_mode & 0o222 == 0, name
    assert (sealed / "tracks").stat().st_mode & 0o222 == 0
    assert (sealed / "derived").is_dir()


@pytest.mark.parametrize("name", ORIGINALS)
@pytest.mark.parametrize("where", [0, 0.1, 0.5, 0.9, 1])
def test_one_changed_byte_names_its_file_and_no_other(sealed: Path, name: str, where: float) -> None:
    rewrite(sealed / name, lambda content: flip(int(where * (len(content) - 1)))(content))
    assert names(sealed) == {name}


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_missing_file_is_named(sealed: Path, name: str) -> None:
    os.chmod((sealed / name).parent, 0o755)
    (sealed / name).unlink()
    assert names(sealed) == {name}


def test_an_added_file_is_named(sealed: Path) -> None:
    os.chmod(sealed / "tracks", 0o755)
    (sealed / "tracks" / "0003-camera-eve.mkv").write_bytes(b"x")
    (sealed / "notes.txt").write_bytes(b"x")
    assert codes(sealed) == {("file_extra", "tracks/0003-camera-eve.mkv"), ("file_extra", "notes.txt")}


def test_what_is_derived_may_come_and_go(sealed: Path) -> None:
    (sealed / "derived" / "composite.mp4").write_bytes(b"x")
    assert verify(sealed).ok
    shutil.rmtree(sealed / "derived")
    assert verify(sealed).ok


def test_swapped_segments_are_told_from_changed_ones(sealed: Path) -> None:
    os.chmod(sealed / "tracks", 0o755)
    first, second = (sealed / name for name in ORIGINALS[:2])
    first.rename(sealed / "kept")
    second.rename(first)
    (sealed / "kept").rename(second)
    assert codes(sealed) == {("file_swapped", ORIGINALS[0]), ("file_swapped", ORIGINALS[1])}


def test_a_cut_log_is_found_even_where_its_digest_was_made_to_fit(sealed: Path) -> None:
    rewrite(sealed / "events.jsonl", lambda content: b"".join(content.splitlines(keepends=True)[:-2]))
    log = (sealed / "events.jsonl").read_bytes()

    def fit(manifest: dict[str, Any]) -> None:
        for row in manifest["files"]:
            if row["file"] == "events.jsonl":
                row.update(bytes=len(log), sha256=hashlib.sha256(log).hexdigest(), sm3=hashlib.new("sm3", log).hexdigest())

    rewrite(sealed / "manifest.json", lambda content: resigned(content, fit))
    assert codes(sealed) == {("log_cut", "events.jsonl")}


def test_a_changed_row_of_the_log_is_named_by_its_number(sealed: Path) -> None:
    rewrite(sealed / "events.jsonl", lambda content: content.replace(b'"seq":3', b'"seq":9', 1))
    (row,) = [problem for problem in verify(sealed).problems if problem.code == "log_row"]
    assert row.detail == "3"


def test_a_symbolic_link_is_no_original(sealed: Path, tmp_path: Path) -> None:
    os.chmod(sealed / "tracks", 0o755)
    (sealed / ORIGINALS[0]).rename(tmp_path / "elsewhere")
    (sealed / ORIGINALS[0]).symlink_to(tmp_path / "elsewhere")
    assert codes(sealed) == {("file_not_regular", ORIGINALS[0])}


def test_another_manifest_than_the_one_in_the_log_is_refused(sealed: Path) -> None:
    own = verify(sealed).manifest_sha256
    assert verify(sealed, own).ok
    assert [problem.code for problem in verify(sealed, "0" * 64).problems] == ["manifest_other"]


def test_a_folder_of_something_else_is_wrong_usage(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotARecording):
            verify(path)
        assert main([str(path)]) == 2
    assert main([]) == 2


def test_the_command_speaks_plain_words_in_both_languages(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sealed), "--lang", "en"]) == 0
    assert "Unchanged since it was sealed" in capsys.readouterr().out
    rewrite(sealed / ORIGINALS[0], flip(77))
    assert main([str(sealed), "--lang", "en"]) == 1
    assert f"{ORIGINALS[0]}: the content was changed" in capsys.readouterr().out
    assert main([str(sealed), "--lang", "zh-CN"]) == 1
    assert f"{ORIGINALS[0]}: 文件内容被改动" in capsys.readouterr().out
    assert main([str(sealed), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["file"] == ORIGINALS[0]


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("zh-CN", "李某 摄像头，14:13:20.000Z 至 14:13:22.500Z（2.5 秒）：网络丢包"),
        ("en", "李某 camera, 14:13:20.000Z to 14:13:22.500Z (2.5 s): packets lost"),
    ],
)
def test_a_gap_is_told_by_name_and_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, line: str) -> None:
    root = a_folder(tmp_path / "s1")
    gap = {"kind": "gap", "at_us": 1, "endpoint": "alice", "source": "camera", "cause": "packet_loss"}
    gap |= {"from_us": 1_790_000_000_000_000, "to_us": 1_790_000_002_500_000}
    (root / "ledger.jsonl").write_text(json.dumps(gap) + "\n")
    meta = META | {"endpoints": {"alice": {"participants": ["p1"], "device": "Chrome"}}}
    seal_folder(root, {"sitting": "s1", **meta}, 1_790_000_003_000_000)
    assert main([str(root), "--lang", language]) == 0
    assert line in capsys.readouterr().out


def test_the_check_needs_nothing_but_the_standard_library(sealed: Path) -> None:
    """And nothing of what writes a recording: what it loads of ours is named."""
    top = Path(verify.__code__.co_filename).parent.parent.parent
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from rooms.verification.command import main; code = main(); "
        "print(*sorted(name for name in sys.modules if name.startswith(('rooms', 'dispatch'))), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(top), str(sealed), "--lang", "en"]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stderr
    ours = {"canonical", "command", "consents", "destruction", "digests", "explanation", "folder", "package"}
    ours |= {"prefix", "report", "signature", "sm2", "stamp", "words"}
    assert set(alone.stderr.split()) == {"rooms", "rooms.verification"} | {f"rooms.verification.{name}" for name in ours}


async def test_a_recorded_sitting_is_sealed_and_agreed_with(site: Site) -> None:
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, "hearing_opened", "judge")
    rows = event_rows(7)
    await site.client.events("s1", 1, rows[:4])
    await site.client.events("s1", 1, rows[2:])
    made = now_us() - 3_000_000
    camera, microphone = Sender(1, "alice", "camera", made), Sender(2, "alice", "microphone", made)
    packets = merged(camera.send(vp8_frames(3.0)), microphone.send(opus_packets(3.0)))
    await site.engine.announce(camera, microphone)
    await site.engine.play(packets)
    await site.written(len(packets))
    await site.client.record("s1", 1, False, "closed", "judge")
    sealed = await site.client.seal("s1", 1, META)
    assert await site.client.seal("s1", 1, META) == sealed
    report = verify(site.recordings / "s1", str(sealed["manifest_sha256"]))
    assert report.ok, report.problems
    assert (report.events, sealed["files"]) == (7, 7)
    await site.kill()
    await site.start()
    await site.client.open("s1", 2, "s1", "t")
    assert await site.client.seal("s1", 2, META) == sealed
    rewrite(site.recordings / "s1" / "tracks" / "0001-camera-alice.mkv", flip(2000))
    assert names(site.recordings / "s1") == {"tracks/0001-camera-alice.mkv"}


def test_every_original_and_the_manifest_have_an_sm3(sealed: Path) -> None:
    report = verify(sealed)
    assert report.sm3 == "checked"
    manifest = json.loads((sealed / "manifest.json").read_bytes())
    for row in manifest["files"]:
        assert row["sm3"] == hashlib.new("sm3", (sealed / row["file"]).read_bytes()).hexdigest()
    assert report.manifest_sm3 == hashlib.new("sm3", (sealed / "manifest.json").read_bytes()).hexdigest()


def test_a_file_whose_sm3_alone_differs_is_named(sealed: Path) -> None:
    def forge(manifest: dict[str, Any]) -> None:
        manifest["files"][0]["sm3"] = "0" * 64

    first = json.loads((sealed / "manifest.json").read_bytes())["files"][0]["file"]
    rewrite(sealed / "manifest.json", lambda content: resigned(content, forge))
    assert codes(sealed) == {("sm3_other", first)}


def test_a_recording_sealed_before_there_was_an_sm3_is_still_agreed_with(sealed: Path) -> None:
    def older(manifest: dict[str, Any]) -> None:
        manifest["format"] = 1
        for row in manifest["files"]:
            del row["sm3"]

    def without(content: bytes) -> bytes:
        manifest = json.loads(resigned(content, older))
        del manifest["digest_sm3"]
        return canonical(manifest).encode()

    rewrite(sealed / "manifest.json", without)
    report = verify(sealed)
    assert (report.ok, report.sm3) == (True, "absent")
