"""A font that can write Chinese names on a picture."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CANDIDATES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJKsc-Regular.otf",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
)
_WITNESS = "5ead"  # 庭, a character that a font without Chinese lacks


def find_font(setting: str | Path | None = None) -> Path | None:
    """The font file to use: the one that is set, a known one, or any that fontconfig says has 庭. None if there is none.

    A font that is set but missing is None too: the start of the program says so, and nothing is drawn as boxes.
    """
    if setting:
        path = Path(setting)
        return path if path.is_file() else None
    known = next((Path(name) for name in CANDIDATES if Path(name).is_file()), None)
    return known or _asked(f":charset={_WITNESS}")


def any_font() -> Path | None:
    """Some font for digits and Latin letters."""
    return _asked(":charset=30:scalable=true")


def _asked(pattern: str) -> Path | None:
    if shutil.which("fc-list") is None:
        return None
    listed = subprocess.run(["fc-list", pattern, "file"], capture_output=True, text=True, check=False, timeout=20).stdout
    paths = sorted(line.split(":")[0].strip() for line in listed.splitlines())
    preferred = [path for path in paths if "Sans" in path and "Regular" in path] or paths
    return Path(preferred[0]) if preferred else None
