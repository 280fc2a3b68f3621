"""A disk that is made to fail: an ext4 file system in a file, mounted for a test or a measurement. That needs root."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.disks import fill

SHUTDOWN = 0x8004587D
"""FS_IOC_SHUTDOWN: the file system answers every call with EIO from then on, as a network storage that is gone."""


class Disk:
    """Mounted at `path`."""

    def __init__(self, image: Path, path: Path) -> None:
        self.image, self.path = image, path
        path.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(32 << 20)
        self._run("mkfs.ext4", "-q", str(image))
        self.mount()

    def mount(self) -> None:
        self._run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.path))

    @staticmethod
    def _run(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def fill(self) -> None:
        self._ballast = fill(self.path)

    def empty(self) -> None:
        self._ballast.unlink()

    def freeze(self) -> None:
        self._run("fsfreeze", "--freeze", str(self.path))

    def thaw(self) -> None:
        self._run("fsfreeze", "--unfreeze", str(self.path))

    def go_read_only(self) -> None:
        found = subprocess.run(["findmnt", "-no", "SOURCE", str(self.path)], capture_output=True, text=True, check=True)
        (Path("/sys/fs/ext4") / Path(found.stdout.strip()).name / "trigger_fs_error").write_text("the test\n")

    def go_away(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", 0))
        finally:
            os.close(descriptor)

    def come_back(self) -> None:
        """Mounted anew, as after a repair; by a device of its own, as the kernel may still know the failed file system by the former
        one: somebody has a file of it open, or a copy of the mount in a namespace of his own."""
        self._run("umount", "-l", str(self.path))
        device = self._run("losetup", "--find", "--show", str(self.image))
        try:
            self._run("mount", device, str(self.path))
        finally:
            self._run("losetup", "--detach", device)  # when it is unmounted, if it was mounted

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.thaw()
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)


FAULTS: dict[str, tuple[Callable[[Disk], None], Callable[[Disk], None], str]] = {
    "full": (Disk.fill, Disk.empty, "disk_full"),
    "hangs": (Disk.freeze, Disk.thaw, "write_failed"),
    "read-only": (Disk.go_read_only, Disk.come_back, "write_failed"),
    "gone": (Disk.go_away, Disk.come_back, "write_failed"),
}
