"""The house keeps its rooms: arrows run one way, the core does no I/O, names say something."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
SOURCES = [p for folder in ("dispatch", "rooms") for p in sorted((TOP / folder).rglob("*.py"))] + [TOP / "server.py"]
SAYING_NOTHING = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
DOES_IO = {
    "aiohttp", "aioice", "aiortc", "aiosqlite", "asyncio", "av", "ctypes", "ffmpeg", "http", "multiprocessing", "os", "pylibsrtp", "random",
    "requests", "secrets", "select", "shutil", "signal", "socket", "sqlalchemy", "sqlite3", "subprocess", "tempfile", "threading", "time",
    "urllib", "uvloop",
}  # fmt: skip
PURE = ("rooms.conference", "rooms.procedure")
ORDER = ("rooms", "dispatch", "dispatch.web", "server")
"""Who may import whom: a module imports from its own layer and those before it."""


def module_of(path: Path) -> str:
    parts = list(path.relative_to(TOP).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(path: Path, *, at_run_time: bool = False) -> frozenset[str]:
    """Modules that `path` imports anywhere in it; `at_run_time` leaves out what only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if at_run_time:
        tree = _WithoutTypeChecking().visit(tree)
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return frozenset(found)


class _WithoutTypeChecking(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)


def layer_of(module: str) -> int:
    return max((i for i, name in enumerate(ORDER) if module == name or module.startswith(name + ".")), default=-1)


MODULES = {module_of(path): path for path in SOURCES}


def reached_from(module: str) -> dict[str, str]:
    """Our own modules that `module` draws in at run time, each with the module that imports it."""
    reached: dict[str, str] = {}
    waiting = [module]
    while waiting:
        current = waiting.pop()
        for name in imports_of(MODULES[current], at_run_time=True) & MODULES.keys() - reached.keys():
            reached[name] = current
            waiting.append(name)
    return reached


@pytest.mark.parametrize("path", [p for p in SOURCES if p.is_relative_to(TOP / "rooms")], ids=module_of)
def test_the_live_plane_imports_nothing_of_the_control_plane(path: Path) -> None:
    assert [name for name in imports_of(path) if name.split(".")[0] in ("dispatch", "server")] == []


def test_arrows_run_one_way() -> None:
    wrong = []
    for path in SOURCES:
        own = layer_of(module_of(path))
        wrong += [f"{module_of(path)} → {name}" for name in imports_of(path, at_run_time=True) if layer_of(name) > own]
    assert wrong == []


def test_imports_go_round_in_no_circle() -> None:
    drawn = {module: imports_of(path, at_run_time=True) & MODULES.keys() - {module} for module, path in MODULES.items()}
    circle: list[str] = []
    try:
        TopologicalSorter(drawn).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


@pytest.mark.parametrize("start", [m for m in MODULES if m.startswith(PURE)])
def test_what_decides_does_no_input_or_output(start: str) -> None:
    inside = {start, *reached_from(start)}
    doing = {
        f"{module} → {name}" for module in inside for name in imports_of(MODULES[module], at_run_time=True) if name.split(".")[0] in DOES_IO
    }
    assert doing == set(), f"drawn in by {start}"


@pytest.mark.parametrize("start", [m for m in MODULES if m.startswith(PURE)])
def test_what_decides_never_waits(start: str) -> None:
    waits = [n for n in ast.walk(ast.parse(MODULES[start].read_text(encoding="utf-8"))) if isinstance(n, (ast.Await, ast.AsyncFunctionDef))]
    assert waits == []


def test_file_names_say_what_is_inside() -> None:
    files = [*SOURCES, *(TOP / "tests").rglob("*.py"), *(TOP / "static").rglob("*.js"), *(TOP / "bench").rglob("*.py")]
    assert [str(p) for p in files if set(p.stem.lower().replace("-", "_").split("_")) & SAYING_NOTHING] == []


def test_what_the_architecture_names_is_there() -> None:
    """A file by its name or the end of its path."""
    named = set(re.findall(r"[\w/-]+\.(?:py|js)\b", (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")))
    folders = ("dispatch", "rooms", "static", "tests", "bench")
    files = [TOP / "server.py", *(path for folder in folders for end in ("*.py", "*.js") for path in (TOP / folder).rglob(end))]
    there = {"/".join(path.parts[-length:]) for path in files for length in range(1, len(path.relative_to(TOP).parts) + 1)}
    assert named - there == set()


def test_private_names_of_the_media_libraries_are_in_one_module() -> None:
    adapter = "rooms.media.forwarding.adapter"
    others = [m for m, path in MODULES.items() if m != adapter and any(n.split(".")[0] == "pylibsrtp" for n in imports_of(path))]
    assert others == []


def test_the_recorder_process_loads_no_media_engine() -> None:
    if "rooms.recording.worker" not in MODULES:
        pytest.fail("no recorder process")
    drawn = reached_from("rooms.recording.worker")
    assert {m for m in [*drawn, "rooms.recording.worker"] if any(n.split(".")[0] == "aiortc" for n in imports_of(MODULES[m]))} == set()


def test_lock_files_name_no_addresses() -> None:
    for name in ("constraints.txt", "package-lock.json"):
        text = (TOP / name).read_text(encoding="utf-8")
        assert "://" not in text.replace("https://opencollective.com", "").replace("https://github.com/sponsors", ""), name
        assert '"resolved"' not in text
