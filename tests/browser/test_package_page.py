"""A package's own page verifies it: opened from its folder, in a browser that reaches no network, by whoever chooses the folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
import rfc8785
from playwright.async_api import Page, Playwright, expect

import server
from dispatch.copies import verifier
from rooms.packaging.package import Given, build
from rooms.recording.seal import digested
from rooms.verification.folder import verify
from tests.browser.participants import CHROMIUM
from tests.rooms.recording.folders import flip, rewrite, sealed
from tests.rooms.recording.time_stamps import LocalAuthority, stamped

PICTURES = os.environ.get("PICTURES", "")
"""A folder: the page is photographed into it, in two widths."""
OFFLINE = ["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9"]
Found = dict[str, set[str]]


def filmed(base: Path, *, edwards: bool = False, days: int = 365) -> Path:
    root = sealed(base, edwards=edwards, days=days)
    (root / "derived" / "composite.mp4").write_bytes(os.urandom(9000))
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with signature and time-stamp, made by the command."""
    base = tmp_path_factory.mktemp("package")
    root = filmed(base)
    stamped(root, LocalAuthority(base / "tsa"))
    assert server.main(["export", str(root), str(base / "package"), "--reason", "庭审调取", "--no-database"]) == 0
    assert verify(base / "package").complete
    return base / "package"


@pytest_asyncio.fixture
async def page(playwright: Playwright) -> AsyncIterator[Page]:
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=OFFLINE)
    context = await browser.new_context(offline=True)
    page = await context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    await browser.close()
    assert faults == []
    assert [url for url in asked if not url.startswith("file://")] == []


async def looked_at(page: Page, package: Path) -> tuple[str, Found]:
    """Open the page of a package, choose its folder: the verdict, and what is wrong by file."""
    await page.goto((package / "verify.html").as_uri())
    return await chosen(page, package)


async def chosen(page: Page, folder: Path) -> tuple[str, Found]:
    await page.locator("#folder").set_input_files(folder)
    await expect(page.locator("#verdict")).to_be_visible()
    found: Found = {}
    for problem in await page.locator("#problems li").all():
        said = await problem.get_attribute("data-file"), await problem.get_attribute("data-code")
        found.setdefault(said[0] or "", set()).add(said[1] or "")
    return await page.locator("#verdict").get_attribute("data-state") or "", found


async def test_an_untouched_package_is_good_and_the_page_says_what_it_holds(page: Page, whole: Path) -> None:
    assert await looked_at(page, whole) == ("ok", {})
    report = verify(whole)
    shown = await page.locator("#result").inner_text()
    facts = ("李某诉王某", "自封存以来未被改动", "Unchanged since it was sealed", report.manifest_sha256, report.manifest_sm3, "CN=Court")
    assert "本页不核对：时间戳由谁签发" in shown
    assert [fact for fact in (*facts, report.stamp.at, "alice") if fact not in shown] == []
    if PICTURES:
        for width in (1366, 390):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=str(Path(PICTURES) / f"package-good-{width}.png"), full_page=True)


async def test_a_changed_byte_in_whatever_file_is_found_and_the_file_named(page: Page, whole: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(whole, package)
    await page.goto((whole / "verify.html").as_uri())
    missed = []
    for path in sorted(each for each in package.rglob("*") if each.is_file()):
        name = path.relative_to(package).as_posix()
        for position in (0, path.stat().st_size // 2, path.stat().st_size - 1):
            rewrite(path, flip(position))
            state, found = await chosen(page, package)
            rewrite(path, flip(position))
            also = {"recording/manifest.tsr"} if name == "recording/manifest.sig.json" else set()
            if state != "bad" or name not in found or found.keys() - {name} - also:
                missed.append((name, position, state, found))
    assert missed == []
    assert await chosen(page, package) == ("ok", {})


def _swap(root: Path) -> None:
    one, other = sorted((root / "recording" / "tracks").iterdir())
    first, second = one.read_bytes(), other.read_bytes()
    rewrite(one, lambda _: second)
    rewrite(other, lambda _: first)


def _cut_log(root: Path) -> None:
    rewrite(root / "recording" / "events.jsonl", lambda content: b"".join(content.splitlines(keepends=True)[:-1]))


def _change_name(root: Path) -> None:
    rewrite(root / "recording" / "manifest.json", lambda content: content.replace("王某".encode(), "张某".encode()))


def _move_rows(root: Path) -> None:
    def moved(content: bytes) -> bytes:
        rows = content.splitlines(keepends=True)
        return b"".join([rows[1], rows[0], *rows[2:]])

    rewrite(root / "recording" / "events.jsonl", moved)


def _take_the_stamp_away(root: Path) -> None:
    for name in ("manifest.tsr", "manifest.stamp.json"):
        (root / "recording" / name).unlink()


def _list_anew(root: Path) -> None:
    """By somebody who knows how its digests are made, with a row that says nothing."""

    def anew(content: bytes) -> bytes:
        body = {key: value for key, value in json.loads(content).items() if not key.startswith("digest")}
        return bytes(rfc8785.dumps(digested({**body, "files": [{"bytes": 6}]})))

    rewrite(root / "package.json", anew)


@pytest.mark.parametrize(
    ("change", "file", "code"),
    [
        (lambda root: next((root / "recording" / "tracks").iterdir()).unlink(), "recording/tracks/", "file_missing"),
        (_swap, "recording/tracks/", "file_swapped"),
        (_cut_log, "recording/events.jsonl", "log_cut"),
        (_move_rows, "recording/events.jsonl", "log_row"),
        (_change_name, "recording/manifest.json", "manifest_changed"),
        (lambda root: (root / "recording" / "manifest.sig.json").unlink(), "recording/manifest.sig.json", "signature_missing"),
        (lambda root: (root / "recording" / "manifest.tsr").unlink(), "recording/manifest.tsr", "file_missing"),
        (_take_the_stamp_away, "recording/manifest.stamp.json", "file_missing"),
        (lambda root: (root / "recording" / "manifest.json").unlink(), "recording/manifest.json", "manifest_missing"),
        (lambda root: (root / "recording" / "more.txt").write_text("x"), "recording/more.txt", "file_extra"),
        (lambda root: (root / "package.json").unlink(), "package.json", "package_missing"),
        (_list_anew, "package.json", "package_changed"),
        (lambda root: (root / "composite.mp4").unlink(), "composite.mp4", "file_missing"),
    ],
)
async def test_what_is_removed_swapped_cut_or_renamed_is_named(
    page: Page, whole: Path, tmp_path: Path, change: Callable[[Path], object], file: str, code: str
) -> None:
    package = tmp_path / "package"
    shutil.copytree(whole, package)
    for path in (package / "recording", package / "recording" / "tracks"):
        path.chmod(0o755)
    change(package)
    state, found = await looked_at(page, package)
    assert state == "bad"
    assert code in {each for name, codes in found.items() if name.startswith(file) for each in codes}, found
    if PICTURES and code == "file_swapped":
        await page.screenshot(path=str(Path(PICTURES) / "package-bad.png"), full_page=True)


async def test_a_manifest_made_to_fit_by_somebody_else_has_not_the_signature_of_the_court(page: Page, whole: Path, tmp_path: Path) -> None:
    forged = filmed(tmp_path)
    shutil.copytree(whole, tmp_path / "package")
    for name in ("manifest.sig.json", "manifest.p7s"):
        (forged / name).unlink()
        shutil.copy(whole / "recording" / name, forged)
    build(forged, tmp_path / "forged", Given({verifier.NAME: verifier.page()}), datetime.now(UTC))
    assert await looked_at(page, tmp_path / "forged") == ("bad", {"recording/manifest.sig.json": {"signature_other"}})


async def test_a_signature_of_ed25519_is_checked_too(page: Page, tmp_path: Path) -> None:
    build(filmed(tmp_path, edwards=True), tmp_path / "package", Given({verifier.NAME: verifier.page()}), datetime.now(UTC))
    assert await looked_at(page, tmp_path / "package") == ("ok", {})
    assert "ed25519" in await page.locator("#result").inner_text()


async def test_a_certificate_that_had_expired_when_it_signed_is_refused(page: Page, tmp_path: Path) -> None:
    build(filmed(tmp_path, days=30), tmp_path / "package", Given({verifier.NAME: verifier.page()}), datetime.now(UTC))
    assert await looked_at(page, tmp_path / "package") == ("bad", {"recording/manifest.sig.json": {"certificate_refused"}})


async def test_a_folder_that_holds_no_recording_is_not_called_anything_else(page: Page, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("x")
    await page.goto((whole / "verify.html").as_uri())
    assert (await chosen(page, tmp_path / "letters"))[0] == "none"
    assert "请选择整个卷宗包文件夹" in await page.locator("#verdict").inner_text()


async def test_digests_read_in_pieces_are_those_of_openssl(page: Page, whole: Path) -> None:
    """Files above what a page holds at once go another way than small ones."""
    import hashlib

    await page.goto((whole / "verify.html").as_uri())
    script = "\n".join((Path(verifier.__file__).resolve().parents[2] / "static/js/verifier/digests.js").read_text().split("export "))
    sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 70_001]
    made = await page.evaluate(
        f"""sizes => {{ {script}
        return sizes.map(size => {{
          const bytes = Uint8Array.from({{length: size}}, (_, index) => (index * 7 + 3) % 251);
          const both = [new Sha256(), new Sm3()];
          for (const digest of both) for (let at = 0; at < size; at += 37) digest.update(bytes.subarray(at, at + 37));
          return both.map(digest => digest.hex());
        }}); }}""",
        sizes,
    )
    contents = [bytes((index * 7 + 3) % 251 for index in range(size)) for size in sizes]
    assert made == [[hashlib.sha256(content).hexdigest(), hashlib.new("sm3", content).hexdigest()] for content in contents]


ABOUT = {
    "number": "2026-0007",
    "content": "film",
    "receiver": "王律师",
    "unit": "云河律师事务所",
    "purpose": "准备二审",
    "approved_by": "陈明远",
}


async def files_chosen(page: Page, *paths: Path) -> tuple[str, Found]:
    """Choose files, not a folder."""
    await page.locator("#files").dispatch_event("click")
    await page.locator("#files").set_input_files(list(paths))
    await expect(page.locator("#verdict")).to_be_visible()
    problems = await page.locator("#problems li").evaluate_all("items => items.map(item => [item.dataset.file, item.dataset.code])")
    found: Found = {}
    for file, code in problems:
        found.setdefault(file, set()).add(code)
    return await page.locator("#verdict").get_attribute("data-state") or "", found


def copied(base: Path, name: str, **about: str) -> Path:
    """A copy for a receiver, in the form that the name says."""
    recording = base / "s1" if (base / "s1").exists() else filmed(base)
    given = Given(
        {verifier.NAME: verifier.page()},
        originals=about.get("content") == "package",
        about=ABOUT | about,
        cover=lambda _: "<!doctype html><title>交接单</title>".encode(),
    )
    build(recording, base / name, given, datetime.now(UTC))
    return base / name


async def test_a_zip_is_checked_as_it_is_and_says_whose_copy_it_is(page: Page, whole: Path, tmp_path: Path) -> None:
    package = copied(tmp_path, "copy.zip", content="package")
    await page.goto((whole / "verify.html").as_uri())
    assert await files_chosen(page, package) == ("ok", {})
    shown = await page.locator("#result").inner_text()
    assert [words for words in ("2026-0007", "王律师", "云河律师事务所", "陈明远") if words not in shown] == []
    content = package.read_bytes()
    at = content.index(b"composite.mp4") + 2000
    package.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    state, found = await files_chosen(page, package)
    assert (state, found) == ("bad", {"composite.mp4": {"file_changed"}})


async def test_a_zip_above_four_gigabytes_is_read_by_its_wide_numbers(page: Page, whole: Path, tmp_path: Path) -> None:
    """The same numbers are written for small files where their size is not known beforehand."""
    import zipfile

    package = copied(tmp_path, "copy", content="package")
    with zipfile.ZipFile(tmp_path / "wide.zip", "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(each for each in package.rglob("*") if each.is_file()):
            with archive.open(path.relative_to(package).as_posix(), "w", force_zip64=True) as entry:
                entry.write(path.read_bytes())
    await page.goto((whole / "verify.html").as_uri())
    assert await files_chosen(page, tmp_path / "wide.zip") == ("ok", {})


async def test_files_chosen_one_by_one_are_put_where_the_lists_say(page: Page, whole: Path, tmp_path: Path) -> None:
    package = copied(tmp_path, "copy", content="package")
    await page.goto((whole / "verify.html").as_uri())
    every = [path for path in package.rglob("*") if path.is_file()]
    assert await files_chosen(page, *every) == ("ok", {})
    left_out = [path for path in every if path.suffix != ".mkv"]
    state, found = await files_chosen(page, *left_out)
    assert state == "bad"
    assert {code for codes in found.values() for code in codes} == {"file_missing"}


async def test_a_copy_of_the_film_alone_fits_its_list_and_is_not_called_the_original(page: Page, whole: Path, tmp_path: Path) -> None:
    package = copied(tmp_path, "copy.zip")
    await page.goto((whole / "verify.html").as_uri())
    assert await files_chosen(page, package) == ("film", {})
    shown = await page.locator("#result").inner_text()
    assert "不含原始文件" in shown
    assert "王律师" in shown
    if PICTURES:
        for width in (1366, 390):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=str(Path(PICTURES) / f"package-film-{width}.png"), full_page=True)


async def test_what_only_calls_itself_a_zip_is_said_to_be_none(page: Page, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.zip").write_bytes(os.urandom(500))
    await page.goto((whole / "verify.html").as_uri())
    assert (await files_chosen(page, tmp_path / "letter.zip"))[0] == "none"
    assert "无法在此读取" in await page.locator("#verdict").inner_text()
