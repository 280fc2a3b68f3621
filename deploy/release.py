"""``make release``: one archive with all that a site without internet needs.

    dispatch-<version>-cp311-<machine>.tar
        install.sh, SHA256SUMS, constraints.txt
        wheels/    the program and everything it depends on
        debian/    a package source of its own: what a fresh Debian 12 lacks (fonts, Python's venv, nginx)
        deploy/    units of systemd, nginx.conf, settings.toml

Needs no root: packages are chosen by apt against the state of a minimal Debian, and only fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PACKAGES = ("fonts-noto-cjk", "python3", "python3-venv")
"""What install.sh asks of Debian."""
WITH_THEM = ("nginx",)
"""What is there to be asked for (install.sh --nginx)."""
DEPLOYED = ("nginx.conf", "coturn", "settings.toml", "dispatch", "systemd")
MINIMAL = "required"
"""Priority of the packages that every Debian has (Debian Policy 2.5); containers and small images have no others."""


class ReleaseFailed(Exception):
    """No archive was made; the text is the one line that says why."""


def build(out: Path, *, debian: bool = True) -> Path:
    """Make the archive below `out`, with a file of its SHA-256 beside it; `debian=False` leaves the Debian packages out.
    Raises ReleaseFailed."""
    version = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    name = f"dispatch-{version}-cp311-{platform.machine()}"
    _libraries_are_there()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=out) as work:
        root = Path(work) / name
        root.mkdir()
        _wheels(root / "wheels")
        if debian:
            _debian(root / "debian", Path(work))
        _copy(root, version)
        _checksums(root)
        part = Path(work) / f"{name}.tar"
        _pack(root, part)
        archive = out / part.name
        os.replace(part, archive)
    (out / f"{archive.name}.sha256").write_text(f"{_digest(archive)}  {archive.name}\n", encoding="utf-8")
    return archive


def _libraries_are_there() -> None:
    """What pages load of npm's packages goes into the wheel (hatch_build.py), so npm has to have put it into node_modules before."""
    bundled = json.loads((TOP / "package.json").read_text(encoding="utf-8")).get("bundled", {})
    files = [f"node_modules/{package}/{inside}" for package, inside_of in bundled.items() for inside in inside_of.values()]
    missing = [file for file in files if not (TOP / file).is_file()]
    if missing:
        raise ReleaseFailed(f"npm ci has not been run: {missing[0]} is missing")


def _wheels(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    _run([*command, "--constraint", str(TOP / "constraints.txt"), "--wheel-dir", str(folder), str(TOP)], "the wheels could not be made")


def _copy(root: Path, version: str) -> None:
    shutil.copy(TOP / "constraints.txt", root)
    (root / "deploy").mkdir()
    for name in DEPLOYED:
        source = TOP / "deploy" / name
        if source.is_dir():
            shutil.copytree(source, root / "deploy" / name)
        else:
            shutil.copy(source, root / "deploy" / name)
    script = (TOP / "deploy" / "install.sh").read_text(encoding="utf-8")
    script = script.replace("@VERSION@", version).replace("@PACKAGES@", " ".join(PACKAGES))
    (root / "install.sh").write_text(script, encoding="utf-8")
    (root / "install.sh").chmod(0o755)


def _checksums(root: Path) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    rows = "".join(f"{_digest(path)}  {path.relative_to(root).as_posix()}\n" for path in files)
    (root / "SHA256SUMS").write_text(rows, encoding="utf-8")


def _pack(root: Path, archive: Path) -> None:
    """In order of names, owned by root: the same files give the same archive."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = int(os.environ.get("SOURCE_DATE_EPOCH", entry.mtime))
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(root, arcname=root.name, recursive=False, filter=plain)
        for path in sorted(root.rglob("*")):
            tar.add(path, arcname=f"{root.name}/{path.relative_to(root).as_posix()}", recursive=False, filter=plain)


# -- Debian packages -----------------------------------------------------------------------------------------------------------


def _debian(folder: Path, work: Path) -> None:
    """Fetch what a minimal Debian lacks for PACKAGES, and index it as a source that apt can install from."""
    if shutil.which("apt-get") is None:
        raise ReleaseFailed("apt-get is missing: a release is made on Debian 12")
    folder.mkdir()
    state = work / "apt"
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True)
    (state / "status").write_text(_minimal_status(Path("/var/lib/dpkg/status").read_text(encoding="utf-8")), encoding="utf-8")
    settings = {
        "Dir::State::status": state / "status",
        "Dir::State::lists": state / "lists",
        "Dir::State::extended_states": state / "extended_states",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    _run(["apt-get", *options, "update", "-qq"], "the lists of Debian's packages could not be fetched")
    fetch = ["apt-get", *options, "install", "-qq", "-y", "--no-install-recommends", "--download-only", *PACKAGES, *WITH_THEM]
    _run(fetch, "the Debian packages could not be fetched")
    packages = sorted((state / "archives").glob("*.deb"))
    if not packages:
        raise ReleaseFailed("apt-get fetched no packages")
    for package in packages:
        shutil.move(package, folder / package.name.replace("%3a", "."))
    (folder / "Packages").write_text("\n".join(_index(path) for path in sorted(folder.glob("*.deb"))), encoding="utf-8")


def _index(package: Path) -> str:
    """The stanza of a package in a source's index (Debian wiki, RepositoryFormat)."""
    control = subprocess.run(["dpkg-deb", "-f", str(package)], capture_output=True, text=True, check=True).stdout.rstrip("\n")
    return f"{control}\nFilename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {_digest(package)}\n"


def _minimal_status(status: str) -> str:
    """dpkg's status with nothing but what every Debian has, so that apt fetches all the rest."""
    stanzas = {fields["Package"]: (fields, text) for fields, text in _stanzas(status) if "ok installed" in fields.get("Status", "")}
    provided: dict[str, set[str]] = {}
    for name, (fields, _text) in stanzas.items():
        for virtual in _names(fields.get("Provides", "")):
            provided.setdefault(virtual[0], set()).add(name)
    kept: set[str] = set()
    waiting = ["apt"] * ("apt" in stanzas)
    waiting += [name for name, (fields, _) in stanzas.items() if fields.get("Priority") == MINIMAL or fields.get("Essential") == "yes"]
    while waiting:
        name = waiting.pop()
        if name in kept:
            continue
        kept.add(name)
        fields = stanzas[name][0]
        for alternatives in _names(f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}"):
            for one in alternatives:
                waiting += [present for present in (one, *provided.get(one, ())) if present in stanzas]
    return "\n".join(stanzas[name][1] for name in sorted(kept))


def _stanzas(text: str) -> Iterator[tuple[Mapping[str, str], str]]:
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in stanza.splitlines():
            if not line.startswith((" ", "\t")):
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if "Package" in fields:
            yield fields, stanza.strip("\n") + "\n"


def _names(relation: str) -> list[list[str]]:
    """Package names of a dependency field: alternatives in lists, without versions and architectures."""
    wanted = [[one.split("(")[0].split(":")[0].strip() for one in group.split("|")] for group in relation.split(",")]
    return [[name for name in group if name] for group in wanted if any(group)]


# -- small parts -----------------------------------------------------------------------------------------------------------------


def _run(command: Sequence[str], failure: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TOP)
    if result.returncode:
        told = (result.stderr or result.stdout).strip().splitlines()
        raise ReleaseFailed(f"{failure}: {told[-1] if told else f'exit code {result.returncode}'}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make release", description="One archive for sites without internet.")
    parser.add_argument("--out", type=Path, default=TOP / "dist", help="directory of the archive (default: dist)")
    parser.add_argument("--without-debian", action="store_true", help="leave the Debian packages out")
    options = parser.parse_args(argv)
    try:
        archive = build(options.out, debian=not options.without_debian)
    except ReleaseFailed as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"{archive}  {archive.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
