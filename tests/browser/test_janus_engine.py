"""A whole hearing with Janus as the media engine: three people, a mute that a modified browser ignores, the recording verified."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rooms.media.janus.configuration import NoJanus, installed
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.network import Computer, Network, NetworkSite
from tests.browser.participants import Person
from tests.browser.recorded import Folder
from tests.browser.site import TOP

pytestmark = [pytest.mark.main, pytest.mark.timeout(600)]
PARTIES = (("李明", "party"), ("王芳", "party"))


@pytest.fixture
def janus_site(network: Network, tmp_path: Path) -> Iterator[NetworkSite]:
    """A site on the court's machine whose media goes through Janus: it takes none on a loopback address."""
    try:
        installed()
    except NoJanus as error:
        pytest.skip(str(error))
    with NetworkSite.in_lan(network, tmp_path / "var", {"ENGINE": "janus"}) as site:
        yield site


async def packets(viewer: Seat, name: str, source: str) -> int:
    """What has come of a track of another person."""
    return int((await viewer.inbound(name, source))["packets"])


async def test_a_hearing_is_held_recorded_and_verified(janus_site: NetworkSite, computer: Computer, person: PersonFactory) -> None:
    court = await Court.open(janus_site)
    held = await court.sitting(PARTIES)
    flags = ("--ignore-certificate-errors",)
    judge, li, wang = await asyncio.gather(*(person(number, flags=flags) for number in range(3)))
    chair = await take_the_chair(judge, janus_site, held)
    first = await to_the_waiting_room(li, held, "李明")
    second = await to_the_waiting_room(wang, held, "王芳")
    await chair.admit_all()
    for seat in (first, second):
        await seat.until_inside()
    await chair.change_stage("hearing")
    seats = (chair, first, second)
    for viewer in seats:
        for other in seats:
            if viewer is not other:
                await viewer.sees(other.name)

    # A modified browser goes on sending sound after it was muted: it comes to nobody.
    await chair.close_microphone_of("李明")
    await first.until(lambda f: f["media"]["own"]["microphone"] == "muted", "is muted")
    await li.send_anyway("audio")
    sent = await li.packets_sent("audio")
    await eventually(lambda: _more(li, sent + 100), "the modified browser goes on sending")  # pages count once a second
    came = await packets(second, "李明", "microphone")
    await eventually(lambda: _more(li, sent + 300), "the modified browser goes on sending")
    assert await packets(second, "李明", "microphone") == came, "a mute does not hold"
    await li.send_as_told("audio")
    await second.sees("李明")

    await chair.change_stage("closed")
    folder = Folder(next((janus_site.data / "recordings").iterdir()))

    async def sealed() -> bool:
        return folder.sealed

    await eventually(sealed, "the recording is sealed", 60)
    verified = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "server.py", "verify", str(folder.root)],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    beat = folder.rows("heartbeat")[-1]
    tracks = {(track["endpoint"], track["source"]) for row in folder.rows("heartbeat") for track in row["tracks"] if track["frames"] > 20}
    assert len({endpoint for endpoint, _ in tracks}) == 3, beat
    assert {source for _, source in tracks} == {"microphone", "camera"}
    sys.stdout.write(json.dumps({"verified": verified.stdout.strip().splitlines()[-1], "tracks": len(tracks)}, ensure_ascii=False) + "\n")
    assert [seat.person.errors for seat in seats] == [[], [], []]
    await court.close()


async def _more(person: Person, than: int) -> bool:
    return await person.packets_sent("audio") > than
