"""How a device comes to trust the site's own authority: its certificate, its fingerprint, what to do on which system."""

from __future__ import annotations

import asyncio

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dispatch.errors import NotFound
from dispatch.operations import authority
from dispatch.web.access import PUBLIC, Route
from dispatch.web.reach import reach_of
from dispatch.web.request import Request, Response, ctx, render
from dispatch.web.sittings import qr_svg

SYSTEMS = (
    ("harmonyos", ("HarmonyOS", "OpenHarmony", "HMSCore")),
    ("android", ("Android",)),
    ("ios", ("iPhone", "iPad", "iPod")),
    ("windows", ("Windows",)),
    ("macos", ("Macintosh",)),
    ("linux", ("Linux", "X11")),
)
"""System and the words of a User-Agent by which it is known; the first that fits. HarmonyOS calls itself Android as well."""
IN_ORDER = ("windows", "android", "harmonyos", "ios", "macos", "linux")


def system_of(user_agent: str) -> str:
    """The visitor's system, "" where it cannot be told."""
    return next((system for system, words in SYSTEMS if any(word in user_agent for word in words)), "")


async def _authority(request: Request) -> x509.Certificate:
    """The authority in use. Raises NotFound("no_authority") where the site has a certificate that devices know anyway, or none."""
    settings = ctx(request).settings
    found = await asyncio.to_thread(authority.authority_of, settings.secrets) if settings.own_authority else None
    if found is None:
        raise NotFound("no_authority")
    return found


async def show(request: Request) -> Response:
    """What to do on each system, the visitor's own first."""
    certificate = await _authority(request)
    settings = ctx(request).settings
    own = system_of(request.headers.get("User-Agent", ""))
    address = reach_of(settings).trust  # not the one that was asked: the server's own machine knows others
    return render(
        request,
        "trust.html",
        own=own,
        systems=[own] * bool(own) + [system for system in IN_ORDER if system != own],
        fingerprint=_in_lines(authority.fingerprint(certificate)),
        names=[str(attribute.value) for attribute in certificate.subject],
        until=certificate.not_valid_after_utc,
        site=settings.public_url,
        address=address,
        qr=qr_svg(address),
        arrived_securely=request.secure,
    )


def _in_lines(text: str) -> list[str]:
    """The fingerprint in lines of eight bytes, so that an eye can follow it."""
    pairs = text.split(":")
    return [" ".join(pairs[start : start + 8]) for start in range(0, len(pairs), 8)]


async def download_der(request: Request) -> Response:
    """The certificate as Windows, Android, HarmonyOS and iOS take it (RFC 5280 DER)."""
    return _file((await _authority(request)).public_bytes(Encoding.DER), "application/x-x509-ca-cert")


async def download_pem(request: Request) -> Response:
    """The certificate as Linux takes it (RFC 7468)."""
    return _file((await _authority(request)).public_bytes(Encoding.PEM), "application/x-pem-file")


def _file(body: bytes, content_type: str) -> Response:
    return web.Response(body=body, content_type=content_type, headers={"Cache-Control": "no-store"})


ROUTES = (
    Route("GET", "/trust", show, PUBLIC),
    Route("GET", "/trust/authority.crt", download_der, PUBLIC),
    Route("GET", "/trust/authority.pem", download_pem, PUBLIC),
)
