"""A recording that was put away is played, verified and exported as one that lies in the plain."""

from __future__ import annotations

import asyncio
import json

import pytest

from rooms.recording.attendance import voice_name
from rooms.vault import putting
from rooms.vault.keys import KeyRing
from tests.dispatch.archive.sealed import DIGESTS
from tests.dispatch.web.conftest import Person, Site
from tests.dispatch.web.test_archive import PICTURE, sitting, verdict

__all__ = ["sitting"]

CONDITIONS = [
    {},
    {"Range": "bytes=0-99"},
    {"Range": "bytes=5000-"},
    {"Range": "bytes=-300"},
    {"Range": "bytes=100-100"},
    {"Range": "bytes=99999-"},
    {"Range": "bytes=9-3"},
    {"Range": "bytes=10239-99999"},
    {"If-None-Match": "*"},
]
ALIKE = ("Content-Type", "Content-Length", "Content-Range", "Cache-Control", "ETag", "Accept-Ranges", "Content-Disposition")


async def put_away(site: Site, sitting: str) -> None:
    await asyncio.to_thread(KeyRing(site.context.settings.secrets.resolve()).ensure)
    await asyncio.to_thread(putting.put_away, site.context.vault, sitting)
    assert not (site.context.settings.recordings / sitting).exists()


async def asked(person: Person, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str | None]]:
    async with person.session.get(path, headers=headers) as answer:
        body = await answer.read() if answer.status in (200, 206) else b""
        named = {name: answer.headers.get(name) for name in ALIKE} if answer.status in (200, 206) else {}
        return answer.status, body, named


async def test_every_file_is_answered_alike_in_any_part(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    page = json.loads((site.context.settings.recordings / sitting / "manifest.json").read_bytes())
    paths = [f"/archive/{sitting}/composite.mp4", f"/archive/{sitting}/composite.mp4?download=1", f"/archive/{sitting}/manifest.json"]
    paths += [f"/archive/{sitting}/{page['segments'][0]['file']}", f"/archive/{sitting}/stills/{DIGESTS['face']}"]
    before = {(path, n): await asked(clerk, path, condition) for path in paths for n, condition in enumerate(CONDITIONS)}
    assert before[(paths[0], 0)][1] == PICTURE
    await put_away(site, sitting)
    for path in paths:
        for n, condition in enumerate(CONDITIONS):
            assert await asked(clerk, path, condition) == before[(path, n)], f"{path} {condition}"


async def test_a_part_of_another_version_is_not_given(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    await put_away(site, sitting)
    path = f"/archive/{sitting}/composite.mp4"
    status, body, headers = await asked(clerk, path, {})
    assert (status, body) == (200, PICTURE)
    assert (await asked(clerk, path, {"Range": "bytes=0-9", "If-Range": str(headers["ETag"])}))[:2] == (206, PICTURE[:10])
    assert (await asked(clerk, path, {"Range": "bytes=0-9", "If-Range": '"another"'}))[:2] == (200, PICTURE)
    assert (await asked(clerk, path, {"If-Match": '"another"'}))[0] == 412
    assert (await asked(clerk, path, {"If-None-Match": str(headers["ETag"])}))[0] == 304


async def test_the_page_the_people_and_the_verification_are_the_same(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    before = await clerk.page(f"/archive/{sitting}")
    await put_away(site, sitting)
    after = await clerk.page(f"/archive/{sitting}")
    for part in ("0001-microphone-e-judge", "周正", "张某"):
        assert (part in before, part in after) == (part in before, part in before)
    found = await verdict(clerk, sitting)
    assert (found["ok"], found["text"]) == (True, (await verdict(clerk, sitting))["text"])
    assert list(site.context.vault.out.glob("[!.]*/")) == []


async def test_a_voice_that_was_made_is_played(site: Site, sitting: str) -> None:
    from dispatch.archive import playback

    clerk = await site.signed_in("clerk")
    folder = site.context.settings.recordings / sitting
    place = playback.read(folder).places[0]
    (folder / voice_name(place)).parent.mkdir(parents=True)
    (folder / voice_name(place)).write_bytes(b"a voice")
    await put_away(site, sitting)
    assert (await asked(clerk, f"/archive/{sitting}/voices/{place.id}", {}))[1] == b"a voice"
    assert place.id in await clerk.page(f"/archive/{sitting}")


@pytest.mark.parametrize("what", ["key", "store"])
async def test_what_cannot_be_read_just_now_is_said_in_words(site: Site, sitting: str, what: str) -> None:
    clerk = await site.signed_in("clerk")
    await put_away(site, sitting)
    if what == "key":
        for path in site.context.settings.secrets.glob("store-*.key"):
            path.unlink()
    else:
        (site.context.settings.data / "store" / sitting / "list").write_bytes(b"rot")
    async with clerk.session.get(f"/archive/{sitting}/composite.mp4") as answer:
        assert answer.status == 503
    assert "Traceback" not in await clerk.page(f"/archive/{sitting}")
    assert (await verdict(clerk, sitting))["ok"] is False
