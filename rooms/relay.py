"""TURN (RFC 8656): what a browser is given so that its media reach the engine from behind a firewall that lets no UDP out.

Credentials are those of coturn's ``use-auth-secret`` (draft-uberti-behave-turn-rest-00): the user name is the time of expiry and
whose it is, the password an HMAC-SHA1 of it under a secret that only this server and the relay know. They are made for one
endpoint at a time, after it was let in, and are worth nothing once they have expired.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

from rooms.protocol import Ice, IceServer


@dataclass(frozen=True, slots=True)
class Relay:
    """The site's TURN servers; `urls` as in RFC 7065, empty where there are none. `life_s`: how long credentials are good for.

    `forced`: browsers send media through the relay alone, never straight to the engine.
    """

    urls: tuple[str, ...] = ()
    secret: str = ""
    life_s: int = 43_200
    forced: bool = False

    def __repr__(self) -> str:
        return f"Relay(urls={self.urls!r}, forced={self.forced!r})"  # never the secret

    def ice_for(self, name: str, now_s: float) -> Ice:
        """What the endpoint `name` (letters, digits, - and _) is told at `now_s`, seconds since the epoch."""
        if not self.urls:
            return Ice()
        user = f"{int(now_s) + self.life_s}:{name}"
        password = b64encode(hmac.digest(self.secret.encode(), user.encode(), "sha1")).decode()
        policy: Literal["all", "relay"] = "relay" if self.forced else "all"
        return Ice(servers=(IceServer(urls=self.urls, username=user, credential=password),), policy=policy)
