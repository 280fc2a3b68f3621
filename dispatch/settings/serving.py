"""Where pages, API and WebSockets are served, by which address people reach them, and the certificate."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator, model_validator

from dispatch.settings.values import PREFIX


class Serving(BaseModel):
    """Part of :class:`dispatch.settings.Settings`."""

    host: str = Field("127.0.0.1", description="Address on which pages and WebSockets are served.")
    port: int = Field(8080, ge=0, le=65535, description="TCP port of pages and WebSockets.")
    public_url: str = Field("http://127.0.0.1:8080", description="Address by which people reach the site; every link begins with it.")
    behind_proxy: bool = Field(False, description="A proxy of ours is in front: take the client's address from X-Forwarded-For.")
    lan: str = Field(
        "",
        description="This machine's address in the local network: serve https there, by our own authority where no certificate is set.",
    )
    tls_port: int = Field(8443, ge=0, le=65535, description="TCP port of pages over https, where there is a certificate.")
    tls_certificate: Path | None = Field(
        None, description="Certificate of the site with those that lead to its authority, PEM; a renewed one is taken up while serving."
    )
    tls_key: Path | None = Field(None, description="Private key of that certificate, PEM.")
    spares: bool = Field(
        True, description="Keep a second web process, recorder and engine loaded, each to take over in a moment; about 200 MB of memory."
    )
    log: Path | None = Field(None, description="Directory for the parts' own logs; empty: standard error.")

    @model_validator(mode="before")
    @classmethod
    def _follow_address(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What was not set follows the address in the local network, where other devices are to reach pages and media; without one the
        links of this machine alone follow the port of its pages. Of port 0 nobody knows yet which it will be."""
        lan, port, plain = str(values.get("lan") or ""), str(values.get("tls_port") or 8443), str(values.get("port") or 0)
        if not lan:
            known = plain.isascii() and plain.isdigit() and int(plain) > 0
            return {"public_url": f"http://127.0.0.1:{int(plain)}"} | values if known else values
        host = f"[{lan}]" if ":" in lan else lan
        public_url = f"https://{host}" if port == "443" else f"https://{host}:{port}"
        following = {"public_url": public_url, "host": "::" if ":" in lan else "0.0.0.0", "media_address": lan}  # noqa: S104
        return following | values

    @property
    def has_certificate(self) -> bool:
        """Whether this server itself serves https: with a certificate that was given, or one of its own authority."""
        return bool(self.lan) or self.tls_certificate is not None

    @property
    def own_authority(self) -> bool:
        """Whether the certificate is one of our own authority, which devices have to be told to trust."""
        return bool(self.lan) and self.tls_certificate is None

    @field_validator("lan")
    @classmethod
    def _reachable_name(cls, value: str) -> str:
        if not value:
            return value
        try:
            address = ip_address(value)
        except ValueError:
            if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", value) or value.replace(".", "").isdigit():
                raise ValueError("not an address like 192.168.1.10 or a name like court.lan") from None
            return value.lower()
        if address.is_unspecified or address.is_multicast:
            raise ValueError("not an address that other devices can reach")
        return str(address)

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            raise ValueError(f"certificate and key belong together; {PREFIX}{missing.upper()} is missing")
        if self.tls_certificate is not None and not self.public_url.startswith("https:"):
            raise ValueError(f"there is a certificate, but {PREFIX}PUBLIC_URL={self.public_url} does not begin with https")
        return self

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.query and not parts.fragment
        except ValueError:  # a port that is none, brackets that do not close
            good = False
        if not good:
            raise ValueError("not an address like https://court.example")
        return value.rstrip("/")
