"""Static files under /static/<build>/, kept for ever by browsers; the build is a digest of all of them, so a change is a new address."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from aiohttp import web

from dispatch.web.translations import LANGUAGES, catalogue

FOLDER = Path(__file__).resolve().parents[2] / "static"

IMMUTABLE = "public, max-age=31536000, immutable"


def digest(folder: Path, words: dict[str, bytes]) -> str:
    """Twelve hex digits over names and contents of all files and the catalogues."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for tag in sorted(words):
        total.update(tag.encode() + b"\0" + words[tag])
    return total.hexdigest()[:12]


class Assets:
    """The files of `folder` and the texts of each language for scripts (`i18n/<language>.json`)."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder.resolve()
        self.words = {
            tag: json.dumps(catalogue(tag).texts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() for tag in LANGUAGES
        }
        self.build = digest(self.folder, self.words)

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
        file = (self.folder / path).resolve()
        if not file.is_relative_to(self.folder) or not file.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(file, headers={"Cache-Control": kept})


ASSETS = web.AppKey("assets", Assets)
