"""The machine code of the inner loops as a file: found or made, mapped into memory, and called.

It is kept where Python keeps its own compiled code, in ``__pycache__`` beside the source, or where that cannot be written in a folder
that the caller names, or not at all: making it takes a second or two. ``python -m rooms.media.forwarding.native.image`` makes it
beforehand, as whoever installs the program. Its name tells of what it was made, so that another version is never taken for it. A file that
somebody else than this user or root could have written is not taken either.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import inspect
import json
import mmap
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from rooms.media.forwarding import adapter

from . import counting, receiving, sending, srtp

HERE = Path(__file__).parent
BESIDE = HERE / "__pycache__"
TOP = HERE.parents[3]
#: Longest time that translating may take; a busy machine needs many times the usual second or two.
TRANSLATE_S = 300
_MAGIC = b"loops 1\n"
_SUM = hashlib.sha256().digest_size
#: What is translated; a function has its name in all of them.
MODULES = (srtp, sending, counting, receiving)
#: What machine code is made of this.
_SOURCES = (*(f"{module.__name__.rpartition('.')[2]}.py" for module in MODULES), "layout.py", "memory.py", "translate.py", "image.py")


class Untranslated(RuntimeError):
    """The loops could not be translated."""


def names(module: ModuleType) -> list[str]:
    """The functions that a module defines, in its order."""
    return [name for name, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == module.__name__]


def functions() -> dict[str, Callable[..., int]]:
    """The loops, and what they call, as Python functions."""
    return {name: getattr(module, name) for module in MODULES for name in names(module)}


def pack(text: bytes, places: dict[str, int]) -> bytes:
    """An image: the sum of all that follows, where each function is (one line of JSON), and from a whole page on the code."""
    head = json.dumps(places).encode() + b"\n"
    start = -(-(len(_MAGIC) + _SUM + len(head)) // mmap.PAGESIZE) * mmap.PAGESIZE
    rest = head.ljust(start - len(_MAGIC) - _SUM, b" ") + text
    return _MAGIC + hashlib.sha256(rest).digest() + rest


def key() -> str:
    """Names an image: by what it is made of, by whom, and for which kind of machine."""
    total = hashlib.sha256(f"{platform.machine()} {mmap.PAGESIZE} {version('numba')} {version('llvmlite')}".encode())
    for name in _SOURCES:
        total.update((HERE / name).read_bytes())
    return total.hexdigest()[:24]


class Code:
    """The loops in machine code; ``code.flush(box)`` is :func:`sending.flush` and so on. A `packet` is given as bytes.

    Raises ValueError for a file that is no whole image.
    """

    def __init__(self, file: int) -> None:
        data = os.pread(file, os.fstat(file).st_size, 0)
        head = len(_MAGIC) + _SUM
        if data[:head] != _MAGIC + hashlib.sha256(data[head:]).digest():
            raise ValueError("no whole image of the loops")
        places, end = json.JSONDecoder().raw_decode(data[head:].split(b"\n", 1)[0].decode())
        start = -(-(head + end + 1) // mmap.PAGESIZE) * mmap.PAGESIZE
        # Never both writable and executable: services may be forbidden that (systemd's MemoryDenyWriteExecute).
        self._map = mmap.mmap(file, len(data), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
        base, known = adapter.memory_address(self._map) + start, functions()
        for name, place in places.items():
            code = known[name].__code__
            kinds = [bytes if argument == "packet" else int for argument in code.co_varnames[: code.co_argcount]]
            setattr(self, name, adapter.routine(base + place, kinds))

    def __getattr__(self, name: str) -> Callable[..., int]:
        raise AttributeError(f"the image has no {name}")


class Interpreted(Code):
    """The same without machine code, a hundred times slower: what the machine code is compared with."""

    def __init__(self) -> None:
        """Nothing is to be loaded."""

    def __getattr__(self, name: str) -> Callable[..., int]:
        function = functions()[name]

        def call(*arguments: Any) -> int:
            return function(*(_address(argument) for argument in arguments))

        return call


def _address(argument: int | bytes) -> int:
    if isinstance(argument, bytes):
        return ctypes.cast(ctypes.c_char_p(argument), ctypes.c_void_p).value or 0
    return argument


@functools.cache
def load(folder: Path | None = None) -> Code:
    """The machine code, translated first where no image of it is kept. Raises :class:`Untranslated`.

    `folder`: where it may be kept if ``__pycache__`` cannot be written. Blocks for a second or two when it is translated.
    """
    if sys.byteorder != "little" or sys.maxsize < 1 << 62:
        raise Untranslated("forwarding needs a 64-bit machine with little-endian order of bytes")
    name = f"loops-{key()}.bin"
    kept = [place / name for place in (BESIDE, folder) if place is not None]
    for path in kept:
        with contextlib.suppress(OSError, ValueError):
            return _opened(path)
    made = _translated()
    for path in kept:
        with contextlib.suppress(OSError, ValueError):
            _keep(path, made)
            return _opened(path)
    file = os.memfd_create("loops")
    try:
        os.write(file, made)
        return Code(file)
    finally:
        os.close(file)


def _opened(path: Path) -> Code:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status, around = os.fstat(file), path.parent.stat()
        for one in (status, around):
            if one.st_uid not in (0, os.geteuid()) or one.st_mode & 0o022:
                raise ValueError("others may write this")
        return Code(file)
    finally:
        os.close(file)


def _keep(path: Path, made: bytes) -> None:
    """Write the image whole or not at all; another process may do the same at the same time."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            file.write(made)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink()
            raise
    for former in path.parent.glob("loops-*.bin"):
        if former != path:
            former.unlink(missing_ok=True)


def _translated() -> bytes:
    command = [sys.executable, "-m", "rooms.media.forwarding.native.translate"]
    path = os.pathsep.join([str(TOP), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        done = subprocess.run(command, check=True, capture_output=True, timeout=TRANSLATE_S, env={**os.environ, "PYTHONPATH": path})
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        raise Untranslated(f"the loops of forwarding cannot be translated: {error}\n{said.decode(errors='replace')}") from None
    return done.stdout


if __name__ == "__main__":
    load()
