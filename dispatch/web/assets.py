"""Static files under /static/<build>/, kept for ever by browsers; the build is a digest of all of them, so a change is a new address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from dispatch.web.translations import LANGUAGES, catalogue

FOLDER = Path(__file__).resolve().parents[2] / "static"

IMMUTABLE = "public, max-age=31536000, immutable"


def libraries(top: Path) -> dict[str, Path]:
    """What pages load of others, by the path it is served under ("lib/leaflet/leaflet.js"): in a source tree where npm put it, by
    "bundled" in package.json. A release has it in its static folder like everything else (hatch_build.py), and nothing is named here."""
    table = top / "package.json"
    if not table.is_file():
        return {}
    bundled = json.loads(table.read_text(encoding="utf-8")).get("bundled", {})
    modules = top / "node_modules"
    found = {f"lib/{name}/{served}": modules / name / inside for name, files in bundled.items() for served, inside in files.items()}
    return {served: file for served, file in found.items() if file.is_file()}


def digest(files: Mapping[str, Path], words: dict[str, bytes]) -> str:
    """Twelve hex digits over names and contents of all files and the catalogues."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(name.encode() + b"\0" + hashlib.sha256(files[name].read_bytes()).digest())
    for tag in sorted(words):
        total.update(tag.encode() + b"\0" + words[tag])
    return total.hexdigest()[:12]


class Assets:
    """The files of `folder`, the libraries of npm, and the texts of each language for scripts (`i18n/<language>.json`)."""

    def __init__(self, folder: Path = FOLDER) -> None:
        folder = folder.resolve()
        own = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        self._files = own | libraries(folder.parent)
        self.words = {
            tag: json.dumps(catalogue(tag).texts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() for tag in LANGUAGES
        }
        self.build = digest(self._files, self.words)

    def url(self, path: str) -> str:
        """Address of a file, with the build."""
        return f"/static/{self.build}/{path}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A file. An address of another build gets the present file, not to be kept: a page open during an upgrade goes on."""
        path = request.match_info["path"]
        kept = IMMUTABLE if request.match_info["build"] == self.build else "no-cache"
        if path.startswith("i18n/"):
            words = self.words.get(path.removeprefix("i18n/").removesuffix(".json"))
            if words is None:
                raise web.HTTPNotFound
            response = web.Response(body=words, content_type="application/json", charset="utf-8", headers={"Cache-Control": kept})
            response.enable_compression()
            return response
        file = self._files.get(path)
        if file is None:
            raise web.HTTPNotFound
        return web.FileResponse(file, headers={"Cache-Control": kept})


ASSETS = web.AppKey("assets", Assets)
