"""``server.py probe LINK``: goes the way of a party from this very network to the court, and names what is blocked.

It opens a personal link, which consumes nothing, and proves the media path by the device check's loop (:mod:`rooms.devicecheck`): it
is seen in no sitting. It knows of the site only what a browser would know.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aiohttp import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from dispatch.operations.findings import Finding, mend, note, ok
from dispatch.settings import is_loopback
from rooms.participant import turn
from rooms.participant.connections import NotConnected, Receiving, Sending, include_loopback
from rooms.participant.participant import open_socket
from rooms.participant.tracks import synthetic
from rooms.participant.visit import PageRefused, Visit
from rooms.protocol import Ice

LIMIT_S = 10.0
MEASURED_S = 4.0
WEAK_RTT_MS, WEAK_LOST_PERCENT = 500.0, 5.0
"""As the device check's page has them (static/js/loop-back.js)."""


class WrongLink(Exception):
    """What was given is no personal link; the text says so."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What went and came back: packets, loss of both directions together in percent, round trip and jitter in ms."""

    sent: int
    received: int
    lost_percent: float
    rtt_ms: float
    jitter_ms: float

    def data(self) -> dict[str, object]:
        """For words and programs."""
        return {
            "sent": self.sent,
            "received": self.received,
            "lost": round(self.lost_percent, 1),
            "rtt_ms": round(self.rtt_ms, 1),
            "jitter_ms": round(self.jitter_ms, 1),
        }


async def run(link: str) -> AsyncIterator[Finding]:
    """Every finding, as soon as it is known. Raises :class:`WrongLink` before anything is sent."""
    site, host, port = _parsed(link)
    if is_loopback(host):
        include_loopback()
    found = await _name(host)
    yield found
    if found.state == "mend":
        return
    found = await _https(site, host, port)
    yield found
    if found.state == "mend":
        return
    visit = Visit(site, ssl.create_default_context() if site.startswith("https") else None)
    try:
        found = await _link(visit, link)
        yield found
        if found.state == "mend":
            return
        yield await _socket(visit)
        async for found in _media(visit):
            yield found
    finally:
        await visit.close()


def _parsed(link: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(link)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise WrongLink(str(error)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.startswith("/join/"):
        raise WrongLink("give a personal link, like https://court.example/join/…")
    return f"{parts.scheme}://{parts.netloc}", parts.hostname, port


async def _name(host: str) -> Finding:
    try:
        async with asyncio.timeout(LIMIT_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        return mend("name", "unresolved", host=host, why=error)
    return ok("name", "well", host=host, addresses=", ".join(sorted({str(one[4][0]) for one in found})))


async def _https(site: str, host: str, port: int) -> Finding:
    context = ssl.create_default_context() if site.startswith("https") else None
    at = f"{host}:{port}"
    try:
        async with asyncio.timeout(LIMIT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        return mend("https", "untrusted", at=at, why=error.verify_message)
    except TimeoutError:
        return mend("https", "silent", at=at)
    except OSError as error:
        return mend("https", "refused", at=at, why=error.strerror or error)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    if context is None:
        return ok("https", "plain", at=at) if is_loopback(host) else mend("https", "plain_elsewhere", at=at)
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    return ok("https", "well", at=at, until=f"{until:%Y-%m-%d}")


async def _link(visit: Visit, link: str) -> Finding:
    try:
        sitting = await visit.open_link(link)
    except PageRefused as refused:
        return mend("link", "refused", status=refused.status)
    except (ClientError, OSError, TimeoutError) as error:
        return mend("link", "failed", why=str(error) or type(error).__name__)
    return ok("link", "well", sitting=sitting)


async def _socket(visit: Visit) -> Finding:
    """A WebSocket that is opened and says nothing: nobody is seated by that. Who has not consented is told so on it, which is as good."""
    began = time.monotonic()
    try:
        made = await open_socket(visit, f"/ws/sittings/{visit.sitting}?via=link")
    except InvalidStatus as refused:
        return mend("websocket", "refused", status=refused.response.status_code)
    except (WebSocketException, OSError, TimeoutError) as error:
        return mend("websocket", "blocked", why=str(error) or type(error).__name__)
    try:
        async with asyncio.timeout(LIMIT_S):
            await (await made.ping())
    except ConnectionClosed as closed:
        if closed.rcvd is None or closed.rcvd.code < 4000:
            return mend("websocket", "cut", why=closed)
    except TimeoutError:
        return mend("websocket", "silent")
    finally:
        await made.close()
    return ok("websocket", "well", ms=round((time.monotonic() - began) * 1000))


async def _media(visit: Visit) -> AsyncIterator[Finding]:
    base = f"/join/sitting/{visit.sitting}/check"
    try:
        ice = Ice.model_validate((await visit.send(f"{base}/begin", {}))["ice"], strict=False)
    except (PageRefused, ClientError, OSError, TimeoutError) as error:
        yield mend("path", "no_answer", why=error)
        return
    ways: list[tuple[str, Finding]] = []
    if ice.policy == "all":
        ways.append(("udp", await _direct(visit, base, bool(ice.servers))))
        yield ways[-1][1]
    else:
        yield ok("udp", "forced")
    for server in ice.servers:
        for url in server.urls:
            one = Ice(servers=(server.model_copy(update={"urls": (url,)}),), policy="relay")
            ways.append((turn.way(url), await _relayed(visit, base, one)))
            yield ways[-1][1]
    open_ways = [way for way, found in ways if found.code in ("well", "weak")]
    if open_ways:
        yield ok("path", "well", ways=", ".join(way.replace("_", " ").upper() for way in open_ways))
    else:
        yield mend("path", "none")


async def _direct(visit: Visit, base: str, has_relay: bool) -> Finding:
    try:
        measured = await _measure(visit, base, Ice())
    except NotConnected:
        return note("udp", "blocked") if has_relay else mend("udp", "blocked_alone")
    except (PageRefused, ClientError, OSError, TimeoutError) as error:
        return mend("udp", "no_answer", why=error)
    return _judged("udp", measured)


async def _relayed(visit: Visit, base: str, ice: Ice) -> Finding:
    url = ice.servers[0].urls[0]
    item = turn.way(url)
    try:
        await turn.allocate(ice.servers[0], LIMIT_S)
    except turn.Unreachable as error:
        return note(item, error.code, url=url, why=error)
    try:
        measured = await _measure(visit, base, ice)
    except NotConnected as error:
        return note(item, "no_way_on", url=url, why=error)
    except (PageRefused, ClientError, OSError, TimeoutError) as error:
        return note(item, "no_answer", url=url, why=error)
    return _judged(item, measured, url=url)


def _judged(item: str, measured: Measured, **data: object) -> Finding:
    told = {**measured.data(), **data}
    if measured.received == 0:
        return note(item, "one_way", **told)
    weak = measured.rtt_ms > WEAK_RTT_MS or measured.lost_percent > WEAK_LOST_PERCENT
    return note(item, "weak", **told) if weak else ok(item, "well", **told)


async def _measure(visit: Visit, base: str, ice: Ice) -> Measured:
    """Send sound and picture to the court and back for a while."""
    sending, receiving = Sending(synthetic(), ice), Receiving(ice)
    try:
        sdp, tracks = await sending.offer()
        await sending.take((await visit.send(f"{base}/publish", {"sdp": sdp, "tracks": tracks}))["sdp"])
        offer = await visit.send(f"{base}/subscribe", {})
        while offer is not None:
            answer = await receiving.answer(offer["sdp"], offer["tracks"])
            body = {"transport": offer["transport"], "revision": offer["revision"], "sdp": answer}
            offer = (await visit.send(f"{base}/answer", body))["offer"]
        await asyncio.gather(sending.connected(LIMIT_S), receiving.connected(LIMIT_S))
        await asyncio.sleep(MEASURED_S)
        up, down = await sending.figures(), await receiving.figures()
    finally:
        await asyncio.gather(sending.close(), receiving.close())
        with contextlib.suppress(PageRefused, ClientError, OSError, TimeoutError):
            await visit.send(f"{base}/end", {})
    lost = 100 * (up.lost / max(1, up.packets) + down.lost / max(1, down.packets + down.lost))
    return Measured(up.packets, down.packets, lost, up.rtt_ms or 0.0, down.jitter_ms)
