"""A participant without a browser: comes by the site's own pages and WebSocket (docs/protocol.md), then sends and receives
as :class:`~bench.load.peers.LoadPeer`."""

from __future__ import annotations

from typing import Self

from bench.load.peers import LoadPeer
from tests.browser.court import Account, Held
from tests.browser.site import Site
from tests.caller import Caller


class Robot(Caller):
    """One participant of a sitting."""

    @classmethod
    async def by_link(cls, site: Site, held: Held, name: str) -> Self:
        """A party who waits."""
        return await cls(site, held, name).come_by_link()

    @classmethod
    async def signed_in(cls, site: Site, held: Held, account: Account) -> Self:
        """A member of the staff who is inside."""
        return await cls(site, held, account.user.name).sign_in(account)

    async def publish(self, profile: str) -> LoadPeer:
        """Offer camera and microphone, once inside; the peer is connected."""
        await self.until(lambda view: view["place"] == "inside", "is inside")
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]

        async def exchange(offer: str) -> str:
            await self.send(type="publish", sdp=offer, tracks=tracks)
            return str((await self.answer("published"))["sdp"])

        return await LoadPeer(profile).publish(exchange)

    async def subscribe(self, profile: str) -> LoadPeer:
        """Receive everything that is published now; the peer is connected."""
        await self.send(type="subscribe")
        offer = await self.answer("offer")

        async def finish(answer: str) -> None:
            await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=answer)

        return await LoadPeer(profile).subscribe(offer["sdp"], finish)
