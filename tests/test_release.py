"""The release: what is in the archive, and that it installs and serves where there is no network at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy import release
from tests.browser.network import Machine, NoNamespaces
from tests.browser.site import TOP, free_port, until

UNITS = ("engine", "recorder", "jobs", "web")
pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, without the Debian packages: those are fetched by ``make release`` alone."""
    return release.build(tmp_path_factory.mktemp("release"), debian=False)


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@dataclass(frozen=True)
class Image:
    """A machine without any network on which the release is installed below `root`."""

    machine: Machine
    root: Path
    unpacked: Path

    def install(self) -> subprocess.CompletedProcess[str]:
        """Run install.sh as it would be run for an image of a disk."""
        return installed(self.unpacked, "--root", str(self.root), before=self.machine.before)

    def unit(self, name: str) -> dict[str, list[str]]:
        """The settings of a unit, those of its drop-in with them."""
        units = self.root / "etc" / "systemd" / "system"
        found: dict[str, list[str]] = {}
        for path in (units / f"dispatch-{name}.service", units / "dispatch-.service.d" / "common.conf"):
            for line in path.read_text(encoding="utf-8").splitlines():
                key, sign, value = line.partition("=")
                if sign and not line.startswith("#"):
                    found.setdefault(key, []).append(value)
        return found

    def command(self, name: str) -> tuple[list[str], dict[str, str]]:
        """What the unit runs, with its environment, all of it below `root`."""
        unit = self.unit(name)
        (line,) = unit["ExecStart"]
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("DISPATCH_", "PYTHON", "VIRTUAL_ENV"))}
        environment = dict(one.split("=", 1) for one in unit["Environment"])
        environment["DISPATCH_CONFIG"] = f"{self.root}{environment['DISPATCH_CONFIG']}"
        program, *arguments = line.split()
        return [*self.machine.before, f"{self.root}{program}", *arguments], clean | environment


def installed(unpacked: Path, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, str(unpacked / "install.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd="/")


@pytest.fixture(scope="module")
def image(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    try:
        machine = Machine.make(f"release-{os.getpid():x}")
    except NoNamespaces as error:
        pytest.skip(str(error))
    found = Image(machine, tmp_path_factory.mktemp("i"), unpacked)
    try:
        result = found.install()
        assert result.returncode == 0, result.stderr
        yield found
    finally:
        machine.close()


def test_the_archive_has_a_digest_of_itself_and_of_every_file(archive: Path, unpacked: Path) -> None:
    stated = (archive.parent / f"{archive.name}.sha256").read_text().split()
    assert stated == [hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name]
    rows = dict(line.split("  ", 1)[::-1] for line in (unpacked / "SHA256SUMS").read_text().splitlines())
    present = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert rows.keys() == present - {"SHA256SUMS"}


def test_the_wheel_carries_all_that_pages_need(unpacked: Path) -> None:
    (wheel,) = (unpacked / "wheels").glob("dispatch-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "static", "locales"):
        files = {path.relative_to(TOP).as_posix() for path in (TOP / folder).rglob("*") if path.is_file()}
        assert files - names == set(), folder
    assert {"server.py", "dispatch/store/migrations/env.py"} <= names
    assert not [name for name in names if name.startswith(("tests", "bench", "deploy", "docs"))]


def test_what_the_program_depends_on_is_there_as_pinned(unpacked: Path) -> None:
    pins = dict(line.lower().replace("_", "-").split("==") for line in (TOP / "constraints.txt").read_text().splitlines() if "==" in line)
    wheels = [path.name.split("-") for path in (unpacked / "wheels").glob("*.whl")]
    found = {parts[0].lower().replace("_", "-"): parts[1] for parts in wheels}
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert {re.split(r"[\[<>=]", line)[0].lower() for line in project["dependencies"]} <= found.keys()
    assert {name: version for name, version in found.items() if pins.get(name) != version} == {"dispatch": found["dispatch"]}


def test_it_installs_and_serves_in_an_empty_network(image: Image) -> None:
    """The units' own commands, on a machine that has a loopback interface and nothing else."""
    assert image.machine.run(interfaces) == ["lo"]
    port, udp_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    settings = image.root / "etc" / "dispatch" / "settings.toml"
    text = settings.read_text(encoding="utf-8").replace('"/var/lib/dispatch"', f'"{image.root}/var/lib/dispatch"')
    settings.write_text(f"port = {port}\nudp_port = {udp_port}\npublic_url = 'http://127.0.0.1:{port}'\n{text}", encoding="utf-8")
    migrate, environment = image.command("migrate")
    subprocess.run(migrate, env=environment, check=True, timeout=60, cwd="/")
    running = []
    try:
        for name in UNITS:
            command, environment = image.command(name)
            with (image.root / f"{name}.out").open("wb") as out:
                running.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd="/"))
        until(lambda: fetched(image, port, "/readyz")[0] == 200, 60, f"the site is ready\n{said(image)}")
        status, page = fetched(image, port, "/first-run")
        assert status == 200
        assert "京州市云河区人民法院" in page, "the page is not in the court's language"
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert len(files) > 3
        for file in (*files, f"/static/{files[0].split('/')[2]}/i18n/zh-CN.json"):
            assert fetched(image, port, file)[0] == 200, file
        check = subprocess.run([*migrate[:-1], "check"], env=environment, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        assert check.returncode == 0, check.stdout
    finally:
        for process in reversed(running):
            process.terminate()
        codes = [process.wait(30) for process in running]
    assert codes == [0, 0, 0, 0], said(image)


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def fetched(image: Image, port: int, path: str) -> tuple[int, str]:
    """Status and text of an address on the image's machine; (0, "") where nobody answers."""

    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except OSError:
            return 0, ""

    return image.machine.run(fetch)


def said(image: Image) -> str:
    return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in sorted(image.root.glob("*.out")))


def test_installing_again_keeps_settings_and_program(image: Image) -> None:
    settings, complete = image.root / "etc" / "dispatch" / "settings.toml", image.root / "opt" / "dispatch" / "current" / ".complete"
    settings.write_text("# changed\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    before = (settings.read_bytes(), complete.stat().st_mtime_ns)
    assert image.install().returncode == 0
    assert (settings.read_bytes(), complete.stat().st_mtime_ns) == before


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: apt-get install systemd")
def test_systemd_takes_the_units_and_finds_little_exposed(image: Image) -> None:
    units = [f"dispatch-{name}.service" for name in (*UNITS, "migrate")]
    system = image.root / "usr" / "lib" / "systemd" / "system"
    if not system.exists():
        shutil.copytree("/usr/lib/systemd/system", system, symlinks=True)  # what the units refer to
    verified = subprocess.run(
        ["systemd-analyze", "verify", f"--root={image.root}", "dispatch.target", *units], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    for unit in units:
        judged = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", f"--root={image.root}", unit], capture_output=True, text=True, check=False
        ).stdout
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", judged)
        assert exposure, judged
        assert float(exposure[1]) < 2.5, unit


def test_the_parts_start_and_stop_in_the_order_of_the_house(image: Image) -> None:
    """Stopped is the other way round: web, jobs, recorder, engine (docs/operations.md)."""
    after = {name: " ".join(image.unit(name).get("After", [])) for name in UNITS}
    for earlier, later in (("engine", "recorder"), ("recorder", "jobs"), ("jobs", "web"), ("migrate", "web"), ("migrate", "jobs")):
        assert f"dispatch-{earlier}.service" in after[later], (earlier, later)


@pytest.mark.parametrize("harmed", ["deploy/nginx.conf", "wheels", "install.sh"])
def test_a_damaged_release_installs_nothing(unpacked: Path, tmp_path: Path, harmed: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(unpacked, copy)
    victim = min((copy / harmed).glob("*")) if (copy / harmed).is_dir() else copy / harmed
    with victim.open("ab") as file:
        file.write(b"\n# one line more\n")
    result = installed(copy, "--program", str(tmp_path / "program"))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "damaged" in result.stderr
    assert not (tmp_path / "program").exists()


@pytest.mark.parametrize("arguments", [("--root",), ("--program",), ("--nonsense",)])
def test_wrong_usage_installs_nothing(unpacked: Path, arguments: tuple[str, ...]) -> None:
    result = installed(unpacked, *arguments)
    assert result.returncode in (1, 2)
    assert result.stdout + result.stderr


def test_a_minimal_debian_is_what_every_debian_has_and_what_that_needs() -> None:
    def stanza(name: str, **fields: str) -> str:
        rows = {"Package": name, "Status": "install ok installed", "Priority": "optional"}
        rows |= {key.replace("_", "-"): value for key, value in fields.items()}
        return "".join(f"{key}: {value}\n" for key, value in rows.items()) + "Description: a package\n which does something\n"

    status = "\n".join(
        (
            stanza("base-files", Priority="required", Depends="awk, libc6 (>= 2.3)"),
            stanza("mawk", Provides="awk"),
            stanza("libc6:amd64"),
            stanza("libc6", Pre_Depends="gcc-base:amd64 | nothing"),
            stanza("gcc-base"),
            stanza("fonts-noto-cjk"),
            stanza("removed", Priority="required", Status="deinstall ok config-files"),
        )
    )
    kept = re.findall(r"^Package: (.+)$", release._minimal_status(status), re.MULTILINE)
    assert kept == ["base-files", "gcc-base", "libc6", "mawk"]


def test_no_release_is_made_without_what_pages_load_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package.json").write_text('{"bundled": {"leaflet": {"leaflet.js": "dist/leaflet-src.esm.js"}}}')
    monkeypatch.setattr(release, "TOP", tmp_path)
    with pytest.raises(release.ReleaseFailed, match="npm ci has not been run"):
        release._libraries_are_there()
