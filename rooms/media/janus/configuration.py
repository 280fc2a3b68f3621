"""Janus's configuration, written out for one node: nothing listens but the API on one address and the media ports."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = tuple(Path(f"/usr/lib/{folder}janus") for folder in ("x86_64-linux-gnu/", "aarch64-linux-gnu/", ""))
MISSING = "there is no janus on this machine: install Debian's package janus (apt install janus), or set DISPATCH_JANUS_URLS"


SECRETS = ("api", "admin", "room")
"""The files of a directory of secrets, one line each."""


class NoJanus(Exception):
    """There is no Janus on this machine; the text says what to install."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What Janus asks for: `api` with each request, `admin` with each of the admin API, `room` (``admin_key``) to make a room or
    forward plain RTP."""

    api: str
    admin: str
    room: str


def read_secrets(folder: Path) -> Secrets:
    """The secrets of a directory; raises OSError, or ValueError for one that cannot be written into Janus's configuration."""
    found = [(folder / name).read_text(encoding="utf-8").strip() for name in SECRETS]
    for name, text in zip(SECRETS, found, strict=True):
        if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{16,}", text):
            raise ValueError(f"{name}: a secret has 16 or more letters and digits")
    return Secrets(*found)


def installed() -> Path:
    """Where Janus's plugins are; raises :class:`NoJanus`."""
    found = next((path for path in LIBRARIES if path.is_dir()), None)
    if found is None or shutil.which("janus") is None:
        raise NoJanus(MISSING)
    return found


def write(
    folder: Path, secrets: Secrets, api_port: int, admin_port: int, media_address: str, rtp_ports: tuple[int, int], named: str = ""
) -> None:
    """Write the files that ``janus -F folder`` reads, for their owner alone.

    `media_address` are the IPv4 addresses, with commas, on which media is taken (never the loopback: Janus refuses it),
    `rtp_ports` the first and last UDP port, `named` the public ones that browsers are told instead (NAT 1:1). Raises :class:`NoJanus`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in rendered(folder, installed(), secrets, api_port, admin_port, media_address, rtp_ports, named).items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def rendered(
    folder: Path,
    libraries: Path,
    secrets: Secrets,
    api_port: int,
    admin_port: int,
    media_address: str,
    rtp_ports: tuple[int, int],
    named: str,
) -> dict[str, str]:
    """The files by name, as :func:`write` writes them."""
    disabled = {
        kind: ",".join(sorted(p.name for p in (libraries / kind).glob("*.so") if p.name != kept))
        for kind, kept in (("plugins", "libjanus_videoroom.so"), ("transports", "libjanus_websockets.so"))
    }
    mapping = f'\n  nat_1_1_mapping = "{named}"' if named else ""
    core = CORE.format(
        folder=folder,
        libraries=libraries,
        secrets=secrets,
        first=rtp_ports[0],
        last=rtp_ports[1],
        address=media_address,
        mapping=mapping,
        **disabled,
    )
    return {
        "janus.jcfg": core,
        "janus.plugin.videoroom.jcfg": VIDEOROOM.format(secrets=secrets),
        "janus.transport.websockets.jcfg": WEBSOCKETS.format(api_port=api_port, admin_port=admin_port),
    }


CORE = """\
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{libraries}/plugins"
  transports_folder = "{libraries}/transports"
  events_folder = "{libraries}/events"
  loggers_folder = "{libraries}/loggers"
  debug_level = 3
  debug_timestamps = true
  api_secret = "{secrets.api}"
  admin_secret = "{secrets.admin}"
  session_timeout = 30
  reclaim_session_timeout = 10
  candidates_timeout = 30
}}
certificates: {{ }}
media: {{
  ipv6 = false
  rtp_port_range = "{first}-{last}"
}}
nat: {{
  ice_lite = true
  ice_enforce_list = "{address}"
  ignore_mdns = true{mapping}
}}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
events: {{ }}
"""
VIDEOROOM = """\
general: {{
  admin_key = "{secrets.room}"
  lock_rtp_forward = true
  string_ids = true
}}
"""
WEBSOCKETS = """\
general: {{ json = "plain"; ws = true; ws_ip = "127.0.0.1"; ws_port = {api_port}; wss = false }}
admin: {{ admin_ws = true; admin_ws_ip = "127.0.0.1"; admin_ws_port = {admin_port}; admin_wss = false }}
"""
