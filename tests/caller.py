"""A participant of a test's sitting, without a browser and without media of its own."""

from __future__ import annotations

from typing import Self

from rooms.participant.participant import LIMIT_S, Participant
from tests.browser.court import Account, Held
from tests.browser.site import Site

__all__ = ["LIMIT_S", "Caller"]


class Caller(Participant):
    """One of the people of `held` by name."""

    def __init__(self, site: Site, held: Held, name: str) -> None:
        super().__init__(site.url, name)
        self._held = held

    async def come_by_link(self) -> Self:
        """As a party: through the personal link and the consent into the waiting room."""
        return await self.join(self._held.links[self.name])

    async def sign_in(self, account: Account) -> Self:
        """As a member of the staff: signs in and is inside at once."""
        return await self.preside(account.sign_in_name, account.password, self._held.id)
