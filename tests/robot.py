"""A participant without a browser: comes by the site's own pages, speaks docs/protocol.md, sends and decodes real media.

For hearings of more people than a machine has room for browsers::

    robot = await Robot.by_link(site, held, "李明")       # link, notice, consent, waiting room
    await robot.take_part(codec="H264", grey=90)          # as soon as it is let in
    await robot.sees("王芳")                              # ten pictures more of her camera have been decoded
    await robot.close()
"""

from __future__ import annotations

import asyncio
from typing import Self

from tests.browser.court import Account, Held
from tests.browser.site import Site
from tests.caller import LIMIT_S, Caller
from tests.robot_media import CODECS, Publishing, Received, VideoCodec, Watching


class Robot(Caller):
    """One participant of a sitting, seen and heard. `decodes` are the video codecs that it knows."""

    def __init__(self, site: Site, held: Held, name: str, decodes: tuple[VideoCodec, ...] = CODECS) -> None:
        super().__init__(site, held, name)
        self.offers = 0
        self.publishing: Publishing | None = None
        self.watched: list[Watching] = []
        self._decodes = decodes
        self._tasks.append(asyncio.create_task(self._follow_offers()))

    @classmethod
    async def by_link(cls, site: Site, held: Held, name: str, decodes: tuple[VideoCodec, ...] = CODECS) -> Self:
        """A party who waits."""
        return await cls(site, held, name, decodes).come_by_link()

    @classmethod
    async def signed_in(cls, site: Site, held: Held, account: Account) -> Self:
        """A member of the staff who is inside."""
        return await cls(site, held, account.user.name).sign_in(account)

    async def observe(self, account: Account) -> Self:
        """As an officer of the command centre: signs in and watches silently. Raises Refused where nobody may."""
        await self.visit.open("/sign-in")
        await self.visit.post("/sign-in", {"name": account.sign_in_name, "password": account.password, "next": ""})
        await self._connect(f"/ws/console/sittings/{self._held.id}?view=1")
        await self.until(lambda view: view["place"] == "observing", "watches")
        await self.watch()
        return self

    # -- media

    @property
    def watching(self) -> Watching | None:
        """The newest connection by which it receives."""
        return self.watched[-1] if self.watched else None

    async def watch(self) -> None:
        """Receive all that it may, by a new connection in place of the one before."""
        if self.watched:
            await self.watched[-1].close()
        self.watched.append(Watching(self._decodes))
        await self.send(type="subscribe")

    async def watches_in_vain(self) -> None:
        """Ask for what only those inside get, and wait for the refusal; it, and former ones as of devices switched on too soon, are
        forgotten."""
        await self.watch()
        async with asyncio.timeout(LIMIT_S):
            while not any(each["code"] == "not_inside" for each in self._refused):
                self._changed.clear()
                await self._changed.wait()
        self._refused.clear()

    async def take_part(self, codec: VideoCodec = "VP8", grey: int = 128) -> None:
        """Once inside: send a camera in `codec` whose picture is plain `grey` (0 to 255) and a microphone, and receive everybody."""
        await self.until(lambda view: view["place"] == "inside", "is inside")
        await self.publish(codec, grey)
        await self.watch()

    async def publish(self, codec: VideoCodec, grey: int) -> None:
        """Send by a new connection, in place of the one before."""
        former, publishing = self.publishing, Publishing(codec, grey)
        self.publishing = publishing
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
        await self.send(type="publish", sdp=await publishing.offer(), tracks=tracks)
        await publishing.start((await self.answer("published"))["sdp"])
        if former is not None:
            await former.close()

    async def _follow_offers(self) -> None:
        """Answer each offer in its turn."""
        while True:
            offer = await self._answers["offer"].get()
            watching = self.watching
            if watching is None:
                continue
            try:
                answer = await watching.answer(offer["sdp"], offer["tracks"])
                await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=answer)
                await watching.start(offer["sdp"])
            except Exception as error:
                self._refused.append({"type": "error", "code": f"offer not taken: {error!r}"})
                raise
            self.offers += 1

    def received(self, name: str, source: str = "camera") -> Received:
        """What has come so far of a person's source."""
        found = self.watching.received.get((self.endpoint(name), source)) if self.watching is not None else None
        return found or Received()

    async def sees(self, name: str, frames: int = 10, limit_s: float = LIMIT_S) -> None:
        """Wait until so many pictures more of a person's camera have been decoded."""
        await self._more(name, "camera", frames, limit_s)

    async def hears(self, name: str, packets: int = 10, limit_s: float = LIMIT_S) -> None:
        """Wait until so many packets more of a person's microphone have been decoded."""
        await self._more(name, "microphone", packets, limit_s)

    async def _more(self, name: str, source: str, count: int, limit_s: float) -> None:
        first = self.received(name, source).frames
        try:
            async with asyncio.timeout(limit_s):
                while (found := self.received(name, source)).frames < first + count:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            told = f"{found.packets} packets of {found.codec or 'nothing'}, {found.frames} decoded, {found.broken} broken"
            raise AssertionError(f"not within {limit_s:.0f} s: {self.name} gets the {source} of {name} ({told})") from None

    async def close(self) -> None:
        """Go without a word, as a machine that is switched off. May be called twice."""
        await super().close()
        for transport in (self.publishing, *self.watched):
            if transport is not None:
                await transport.close()
