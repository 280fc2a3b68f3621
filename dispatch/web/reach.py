"""Who can open the links that pages show: only this computer, devices that trust the site's own authority, or everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from dispatch.settings import is_loopback
from dispatch.web.request import Request, ctx

if TYPE_CHECKING:
    from dispatch.settings import Settings


@dataclass(frozen=True, slots=True)
class Reach:
    """`of`: "here" (links lead back to the computer they are opened on), "trusting" (a device has to trust the authority
    once, see `trust`), "plain" (other devices open the page, but browsers give it no camera), "all"."""

    of: Literal["here", "trusting", "plain", "all"]
    trust: str = ""


def reach(request: Request) -> Reach:
    """How far the public address of this site carries."""
    return reach_of(ctx(request).settings)


def reach_of(settings: Settings) -> Reach:
    """The same, by the settings alone."""
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    if is_loopback(host):
        return Reach("here")
    if settings.own_authority:
        shown = f"[{host}]" if ":" in host else host
        return Reach("trusting", f"http://{shown}{'' if settings.port == 80 else f':{settings.port}'}/trust")
    return Reach("all" if parts.scheme == "https" else "plain")
