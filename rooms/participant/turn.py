"""Whether a TURN server can be used from here, and if not, why (RFC 8656, RFC 7065)."""

from __future__ import annotations

import asyncio
import re
import ssl

from aioice.stun import TransactionError, TransactionFailed, TransactionTimeout
from aioice.turn import create_turn_endpoint

from rooms.protocol import IceServer

_URL = re.compile(r"(turns?):(\[[^]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(udp|tcp))?")


class Unreachable(Exception):
    """No relay there for us. `code`: "blocked" (nothing comes back), "refused" (nobody listens there, or something closed the connection),
    "untrusted" (its certificate), "forbidden" (it does not take our credentials), "full" (it has no room)."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def way(url: str) -> str:
    """ "turn_udp", "turn_tcp" or "turn_tls": how a relay is reached at this address."""
    scheme, _, _, transport = _parsed(url)
    return "turn_tls" if scheme == "turns" else f"turn_{transport}"


def _parsed(url: str) -> tuple[str, str, int, str]:
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f"{url!r} is no address of a TURN server")
    scheme, host, port, transport = found.groups()
    usual, default = ("tcp", 5349) if scheme == "turns" else ("udp", 3478)
    return scheme, host.strip("[]"), int(port or default), transport or usual


async def allocate(server: IceServer, limit_s: float) -> None:
    """Have the relay at the server's first address set something aside for us, and give it back. Raises :class:`Unreachable`."""
    scheme, host, port, transport = _parsed(server.urls[0])
    try:
        async with asyncio.timeout(limit_s):
            made, _ = await create_turn_endpoint(
                asyncio.DatagramProtocol,
                server_addr=(host, port),
                username=server.username,
                password=server.credential,
                ssl=ssl.create_default_context() if scheme == "turns" else None,
                transport=transport,
            )
    except (TimeoutError, TransactionTimeout):
        raise Unreachable("blocked", f"nothing comes back within {limit_s:.0f} s") from None
    except TransactionFailed as failed:
        number, reason = failed.response.attributes.get("ERROR-CODE", (0, ""))
        raise Unreachable("full" if number in (486, 508) else "forbidden", f"{number} {reason}") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable("untrusted", error.verify_message) from None
    except (OSError, TransactionError) as error:
        raise Unreachable("refused", str(error) or type(error).__name__) from None
    made.close()
