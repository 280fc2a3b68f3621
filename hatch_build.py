"""Puts into the wheel what pages load of npm's packages: the files that package.json names under "bundled"."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundledLibraries(BuildHookInterface):  # type: ignore[misc]  # hatchling is there only while the wheel is made
    """An installed release has them in static/lib; a source tree is served from node_modules (dispatch/web/assets.py)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file and where it goes. Raises FileNotFoundError where npm has not been run."""
        if version == "editable":
            return
        top = Path(self.root)
        bundled = json.loads((top / "package.json").read_text(encoding="utf-8"))["bundled"]
        for package, files in bundled.items():
            for served, inside in files.items():
                source = top / "node_modules" / package / inside
                if not source.is_file():
                    raise FileNotFoundError(f"{source.relative_to(top)} is not there: run npm ci")
                build_data["force_include"][str(source)] = f"static/lib/{package}/{served}"
