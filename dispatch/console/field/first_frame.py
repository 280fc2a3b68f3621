"""``python -m dispatch.console.field.first_frame FILE FORMAT``: the first picture of a video, small, as WebP on the standard output.

A program of its own: what decodes a stranger's file may fall over or take for ever, and the server of the hearings must not.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

LIMIT_S = 30
MEMORY_BYTES = 2 << 30


def of(path: Path, form: str) -> bytes | None:
    """The picture, or None where the file is no video of that form."""
    command = [sys.executable, "-m", __name__, str(path), form]
    try:
        made = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return None
    return made.stdout if made.returncode == 0 and made.stdout else None


def main(path: str, form: str) -> int:
    """Write the picture. 1: there is none."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S))
    import av
    import av.error

    from dispatch.console.field.thumbnail import small

    try:
        with av.open(path, format=form) as container:
            picture = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    except (av.error.FFmpegError, StopIteration, IndexError, ValueError):
        return 1
    sys.stdout.buffer.write(small(picture))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
