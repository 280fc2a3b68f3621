"""Whatever single byte of a sealed package is changed is found, and its file named; so is whatever else is done to its files."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rooms.verification.folder import verify
from tests.effort import examples
from tests.rooms.recording.folders import flip, rewrite, sealed
from tests.rooms.recording.time_stamps import LocalAuthority, stamped

FEW, MANY = 120, 1000
ALSO = {"manifest.sig.json": {"manifest.tsr"}}
"""What is rightly named besides: the time-stamp is one of the signature."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed folder with everything there can be: digests, signature, time-stamp."""
    base = tmp_path_factory.mktemp("package")
    root = sealed(base)
    stamped(root, LocalAuthority(base / "tsa"))
    assert verify(root).complete, verify(root).problems
    return root


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def changed_bytes(root: Path, count: int) -> Iterator[str]:
    """Change one byte after the other, each for a moment; what was not found, or found in another file."""
    chance = random.Random(seed := random.SystemRandom().getrandbits(32))
    sizes = {name: (root / name).stat().st_size for name in files(root)}
    names = list(sizes)
    for number in range(count):
        # Every file has its turns; otherwise the tracks would take them all.
        name = names[number % len(names)] if number % 2 else chance.choices(names, list(sizes.values()))[0]
        position, bit = chance.randrange(sizes[name]), chance.randrange(8)
        rewrite(root / name, flip(position, bit))
        found = {problem.file for problem in verify(root).problems}
        rewrite(root / name, flip(position, bit))
        if name not in found or found - {name} - ALSO.get(name, set()):
            yield f"byte {position} bit {bit} of {name}: {found} (seed {seed})"


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_each_changed_byte_is_found_and_its_file_named(package: Path, count: int) -> None:
    assert list(changed_bytes(package, count)) == []
    assert verify(package).complete


def _remove(root: Path, name: str, _other: str) -> set[str]:
    (root / name).unlink()
    return {name}


def _swap(root: Path, name: str, other: str) -> set[str]:
    if name == other:
        return set()
    first, second = (root / name).read_bytes(), (root / other).read_bytes()
    rewrite(root / name, lambda _: second)
    rewrite(root / other, lambda _: first)
    return {name, other}


def _rename(root: Path, name: str, _other: str) -> set[str]:
    os.chmod((root / name).parent, 0o755)
    os.rename(root / name, root / f"{name}.old")
    return {name, f"{name}.old"}


def _cut(root: Path, name: str, _other: str) -> set[str]:
    rewrite(root / name, lambda content: content[:-1])
    return {name}


def _lengthen(root: Path, name: str, _other: str) -> set[str]:
    rewrite(root / name, lambda content: content + b"\n")
    return {name}


def _copy(root: Path, name: str, _other: str) -> set[str]:
    os.chmod((root / name).parent, 0o755)
    shutil.copy(root / name, root / f"{name}.copy")
    return {f"{name}.copy"}


DEEDS: tuple[Callable[[Path, str, str], set[str]], ...] = (_remove, _swap, _rename, _cut, _lengthen, _copy)
NO_MORE_STAMP = {"manifest.tsr", "manifest.stamp.json"}


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_done_to_the_files_of_a_package_is_found(package: Path, tmp_path: Path, data: st.DataObject) -> None:
    """At least one of the files it was done to is named; with the manifest itself in other hands, nothing else can be."""
    names = files(package)
    name, other = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    deed = data.draw(st.sampled_from(DEEDS))
    root = tmp_path / "copy"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(package, root)
    os.chmod(root / "tracks", 0o755)
    touched = deed(root, name, other)
    found = {problem.file for problem in verify(root).problems}
    assert bool(touched) == bool(found), (deed.__name__, name, other)
    named = touched & found or "manifest.json" in touched | found or touched & NO_MORE_STAMP
    assert named or not touched, (deed.__name__, name, other, found)
