"""The media engine, Janus, and the TURN servers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from dispatch.settings.values import PREFIX, listed, read_secret
from rooms.media.forwarding.address import listed as listed_addresses

_TURN_URL = re.compile(r"turns?:([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\?transport=(udp|tcp))?")
"""RFC 7065."""


class Media(BaseModel):
    """Part of :class:`dispatch.settings.Settings`."""

    engine: Literal["embedded", "janus"] = Field("embedded", description="The media engine: our own, or Janus; see engines.md.")
    media_workers: int = Field(1, ge=1, le=32, description="Processes of the media engine, each with a UDP port of its own.")
    udp_port: int = Field(8081, ge=0, le=65535, description="UDP port of the media engine; more workers take those that follow.")
    media_bind: str = Field("::", description="Address on which the media engine listens; :: is all of them, IPv4 and IPv6.")
    media_address: str = Field(
        "127.0.0.1", description="Address that browsers are told to send media to; several, of IPv4 and IPv6, with commas, the best first."
    )
    media_port: int | None = Field(
        None, ge=1, le=65535, description="UDP port that browsers are told, where it differs from udp_port (port forwarding); likewise."
    )
    dtx: bool = Field(
        False,
        description="Microphones send next to nothing in pauses (Opus DTX); not those of rooms with several people. "
        "Off: what an encoder takes for a pause is not on record.",
    )
    red: Literal["off", "auto", "always"] = Field(
        "auto",
        description="Sound with redundancy (RED): auto sends it to who loses packets on a long way (150 ms there and back); always asks "
        "publishers for it too, from the first on, for twice the octets of their sound; off: nobody.",
    )

    janus_urls: str = Field("", description="WebSockets of the Janus of each worker, separated by commas; empty: serve starts them itself.")
    janus_admin_urls: str = Field("", description="WebSockets of their admin API, in the same order.")
    janus_secrets: Path | None = Field(
        None, description="Directory with the files api, admin and room, one secret each; empty: janus in the directory of secrets."
    )
    janus_port: int = Field(8188, ge=1024, le=65400, description="First TCP port on 127.0.0.1 of a Janus that serve starts; two for each.")
    janus_rtp_ports: str = Field("20000-29999", description="UDP ports on which those take media, shared among them.")

    turn_urls: str = Field(
        "", description="TURN servers that browsers may use, separated by commas: turn:turn.court.example:3478?transport=udp and so on."
    )
    turn_secret: str = Field("", repr=False, description="Secret that they share with this server (coturn: static-auth-secret).")
    turn_secret_file: Path | None = Field(None, description="File that holds this secret instead.")
    turn_hours: float = Field(12, gt=0, le=48, description="Hours for which a browser's credentials for them are good.")
    force_relay: bool = Field(False, description="Browsers send media through TURN alone, never straight to the media engine.")

    @property
    def udp_ports(self) -> tuple[int, ...]:
        """The UDP port of each media worker, in order; 0: a free one."""
        return tuple(self.udp_port + number if self.udp_port else 0 for number in range(self.media_workers))

    @property
    def media_addresses(self) -> tuple[str, ...]:
        """The addresses that browsers are told to send media to, the best first."""
        return listed_addresses(self.media_address)

    @property
    def media_ports(self) -> tuple[int, ...]:
        """The UDP port that browsers are told of each media worker, in order."""
        return self.udp_ports if self.media_port is None else tuple(self.media_port + number for number in range(self.media_workers))

    @property
    def janus_addresses(self) -> tuple[str, ...]:
        """The WebSocket of each Janus, in order."""
        return listed(self.janus_urls)

    @property
    def janus_admin_addresses(self) -> tuple[str, ...]:
        """The WebSocket of each Janus's admin API, in order."""
        return listed(self.janus_admin_urls)

    @property
    def janus_port_range(self) -> tuple[int, int]:
        """First and last UDP port of every Janus of our own together."""
        first, _, last = self.janus_rtp_ports.partition("-")
        return int(first), int(last)

    @property
    def turn_servers(self) -> tuple[str, ...]:
        """The addresses of the TURN servers, in order of preference."""
        return listed(self.turn_urls)

    def read_turn_secret(self) -> str:
        """The secret of the TURN servers, from the environment or its file; raises :class:`SettingsError`."""
        return self.turn_secret if self.turn_secret_file is None else read_secret("TURN_SECRET_FILE", self.turn_secret_file)

    @field_validator("media_address")
    @classmethod
    def _media_address(cls, value: str) -> str:
        return ",".join(listed_addresses(value))

    @model_validator(mode="after")
    def _ports_of_workers(self) -> Self:
        for name, ports in (("udp_port", self.udp_ports), ("media_port", self.media_ports)):
            if ports[-1] > 65535:
                first, last = ports[0], ports[-1]
                raise ValueError(
                    f"{PREFIX}MEDIA_WORKERS={self.media_workers} and {PREFIX}{name.upper()}={first}: the last worker would have port {last}"
                )
        return self

    @field_validator("janus_urls", "janus_admin_urls")
    @classmethod
    def _janus_addresses(cls, value: str) -> str:
        for url in listed(value):
            if not re.fullmatch(r"wss?://[^\s/,]+(/\S*)?", url):
                raise ValueError(f"{url} is no address like ws://127.0.0.1:8188")
        return value

    @field_validator("janus_rtp_ports")
    @classmethod
    def _janus_ports(cls, value: str) -> str:
        found = re.fullmatch(r"(\d{4,5})-(\d{4,5})", value)
        if not found or not 1024 <= int(found[1]) < int(found[2]) - 99 < 65536 or int(found[2]) > 65535:
            raise ValueError("not a range of at least 100 UDP ports like 20000-29999")
        return value

    @model_validator(mode="after")
    def _janus_workers(self) -> Self:
        count, admins = len(self.janus_addresses), len(self.janus_admin_addresses)
        if self.engine == "janus" and count and (count, admins) != (self.media_workers, self.media_workers):
            raise ValueError(
                f"{PREFIX}MEDIA_WORKERS={self.media_workers}, but {PREFIX}JANUS_URLS names {count} and {PREFIX}JANUS_ADMIN_URLS {admins}"
            )
        return self

    @field_validator("turn_urls")
    @classmethod
    def _turn_addresses(cls, value: str) -> str:
        for url in listed(value):
            if not _TURN_URL.fullmatch(url):
                raise ValueError(f"{url} is no address like turn:turn.court.example:3478?transport=udp or turns:turn.court.example:443")
        return value

    @model_validator(mode="after")
    def _whole_turn(self) -> Self:
        if self.turn_servers and not self.turn_secret and self.turn_secret_file is None:
            raise ValueError(f"{PREFIX}TURN_URLS is set, but neither {PREFIX}TURN_SECRET nor {PREFIX}TURN_SECRET_FILE")
        if self.turn_secret and self.turn_secret_file is not None:
            raise ValueError(f"{PREFIX}TURN_SECRET and {PREFIX}TURN_SECRET_FILE are both set; one is enough")
        if self.force_relay and not self.turn_servers:
            raise ValueError(f"{PREFIX}FORCE_RELAY is set, but {PREFIX}TURN_URLS is not: no media could pass")
        return self
