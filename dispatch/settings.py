"""Every setting, with its default and its unit: DISPATCH_<NAME> in the environment, or <name> in the TOML file that
DISPATCH_CONFIG names; the environment is the stronger. An unknown name or a wrong value stops the start."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from dispatch.notices.addresses import is_email
from rooms.media.forwarding.address import listed

PREFIX = "DISPATCH_"
CONFIG = "DISPATCH_CONFIG"
_TURN_URL = re.compile(r"turns?:([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\?transport=(udp|tcp))?")
"""RFC 7065."""


class SettingsError(Exception):
    """A setting is wrong; the text is the one line that names it."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _read(name: str, path: Path | None) -> str:
    """What is in the file of a secret, "" where none is named. Raises :class:`SettingsError`."""
    if path is None:
        return ""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{PREFIX}{name}={path}: {error}") from None
    if not secret:
        raise SettingsError(f"{PREFIX}{name}={path}: the file is empty")
    return secret


def is_loopback(host: str) -> bool:
    """Whether the host of an address is the computer itself, so that no other one reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Settings(BaseSettings):
    """All settings; frozen. Make it with :func:`load`, whose errors are one line each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    data: Path = Field(Path("var"), description="Directory of everything that is kept: databases, keys, recordings.")
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

    time_zone: str = Field("Asia/Shanghai", description="The court's time zone, an IANA name.")
    court: str = Field("京州市云河区人民法院", description="Name of the unit, Chinese; shown on every page and in every notice.")
    court_en: str = Field("Yunhe District People's Court, Jingzhou", description="Name of the unit, English.")
    clerk_phone: str = Field("010-5550 1200", description="Telephone of the clerks' office, shown wherever a citizen is stuck.")

    map_tiles: Path | None = Field(
        None, description="Map tiles of the site's own: a directory z/x/y.png, or one MBTiles file; empty: the map is drawn of its layers."
    )
    map_tiles_system: Literal["wgs84", "gcj02"] = Field("wgs84", description="System of coordinates in which those tiles are cut.")

    travel_minutes: int = Field(30, ge=0, le=480, description="Minutes that people and things need from one site of the court to another.")

    smtp_host: str = Field("", description="Mail server that takes our e-mail; empty: nobody is told anything by e-mail.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its TCP port.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the way there is encrypted: starttls, tls from the first byte on (port 465), none."
    )
    smtp_ca: Path | None = Field(None, description="Authority that its certificate is checked against, PEM; empty: those of the system.")
    smtp_user: str = Field("", description="Name under which we sign in there; empty: without signing in.")
    smtp_password_file: Path | None = Field(None, description="File that holds the password.")
    mail_from: str = Field("", description="Address that our e-mail comes from.")
    sms_url: str = Field("", description="HTTP gateway that sends text messages, asked by POST; empty: none are sent.")
    sms_headers_file: Path | None = Field(None, description="File of headers for it, one a line: Authorization: Bearer …")
    sms_template: str = Field(
        '{"phone": "{phone}", "text": "{text}"}', description="JSON that it takes; {phone}, {text} and {id} are filled in."
    )
    sms_success: str = Field("", description="What its answer says on success, like code=OK; empty: any 2xx will do.")
    reminder_hours: str = Field("48, 1", description="Hours before the start at which people are reminded, with commas; empty: never.")
    webhook_private: bool = Field(False, description="Webhooks may lead into private networks, and by http.")

    database_url: str = Field(
        "",
        repr=False,
        description="Database of the control plane, sqlite:///path or postgresql://user:password@host/database; empty: dispatch.db in the"
        " data directory.",
    )
    recordings_second: Path | None = Field(
        None,
        description="Directory on another disk where a recording goes on whose own disk is full, fails, hangs or is gone; empty: none.",
    )
    seal_key: Path | None = Field(
        None,
        description="Key that signs the manifests of recordings, ECDSA P-256 or Ed25519, PEM, mode 0600; empty: one of our own authority.",
    )
    seal_chain: Path | None = Field(None, description="Its certificate and those that lead to its root, PEM.")
    seal_signer: str = Field(
        "", description="A device that signs instead, module:factory, such as one for SM2; seal_key and seal_chain are handed to it."
    )
    put_away: bool = Field(
        True, description="A sealed recording is encrypted into the store when its film is made; off: it stays a plain folder."
    )
    store: Path | None = Field(None, description="Directory of the store; empty: store in the data directory.")
    s3_url: str = Field("", description="S3-compatible store instead of a directory, https://s3.court.example; empty: none.")
    s3_bucket: str = Field("", description="Its bucket, which is there already.")
    s3_region: str = Field("us-east-1", description="Its region, as its operator calls it.")
    s3_path_style: bool = Field(True, description="The bucket is named in the path, not in the host name.")
    s3_access_key: str = Field("", description="Name of our key there.")
    s3_secret_key_file: Path | None = Field(None, description="File that holds the secret of that key.")
    s3_ca: Path | None = Field(None, description="Authority that its certificate is checked against, PEM; empty: those of the system.")
    store_keys: str = Field(
        "", description="A device that wraps the keys of recordings instead of keys in the directory of secrets, module:factory."
    )
    look_again_hours: str = Field(
        "20-6", description="Hours of the day, by the court's clock, in which recordings are digested again; 0-0: all day."
    )
    look_again_mb_s: float = Field(
        20, ge=0, le=10_000, description="Megabytes a second that are read for it at most; 0: as fast as it goes."
    )
    space_days: int = Field(30, ge=1, le=3650, description="Days that the space for recordings must last for; below, operators are warned.")
    alert_waiting_minutes: float = Field(
        5, gt=0, le=240, description="Minutes that somebody waits to be let in, from the start on, before the command centre is alarmed."
    )
    alert_private_minutes: float = Field(
        30, gt=0, le=1440, description="Minutes of a private stage or consultation after which the command centre is told."
    )
    alert_poor_seconds: float = Field(
        30, gt=0, le=3600, description="Seconds of a poor connection after which the command centre is alarmed."
    )
    alert_overrun_minutes: float = Field(
        10, gt=0, le=600, description="Minutes past its booked end after which a sitting that goes on is alarmed."
    )
    alert_service_seconds: float = Field(
        15, gt=0, le=600, description="Seconds without a part of the media or recording service after which the command centre is alarmed."
    )
    alert_clock_seconds: float = Field(
        1, ge=0.1, le=60, description="Seconds by which the server's clock may be set, or differ from the database's, without an alarm."
    )
    alert_clock_source: bool = Field(
        False, description="The site has a source of time: alarm when the kernel says that nothing holds the server's clock to one."
    )
    alert_escalate_minutes: float = Field(5, gt=0, le=240, description="Minutes after which an alert that nobody has seen is escalated.")
    alert_disk_gb: float = Field(2, ge=0, le=10_000, description="Gigabytes free on a disk of data or recordings; below, it is alarmed.")
    tsa_url: str = Field("", description="Time-stamping authority (RFC 3161) that sealed recordings are stamped by; empty: none.")
    tsa_ca: Path | None = Field(None, description="Root that vouches for it, with what lies between them, PEM.")
    destruction_wait_days: int = Field(
        7, ge=0, le=365, description="Days from the approval of a destruction until it is carried out; either of the two can stop it."
    )
    ffmpeg: str = Field("", description="The ffmpeg program; empty: the one that comes with the package imageio-ffmpeg.")
    font: str = Field("", description="Font file for names and clock in composites; empty: Noto Sans CJK where installed.")
    copy_days: int = Field(7, ge=1, le=90, description="Days for which a copy of a recording can be fetched; then its file is removed.")
    log: Path | None = Field(None, description="Directory for the parts' own logs; empty: standard error.")

    spares: bool = Field(
        True, description="Keep a second web process, recorder and engine loaded, each to take over in a moment; about 200 MB of memory."
    )

    session_hours: float = Field(12, gt=0, le=168, description="Hours after which a member of staff signs in again.")
    lockout_failures: int = Field(5, ge=1, le=100, description="Wrong passwords in a row after which a sign-in name is locked.")
    lockout_minutes: float = Field(30, gt=0, le=1440, description="Minutes for which it stays locked.")
    link_hours: float = Field(24, gt=0, le=720, description="Hours after the planned end at which a personal link expires.")
    open_hours: float = Field(24, gt=0, le=168, description="Hours before the start from which the waiting room can be entered.")
    device_code_minutes: float = Field(60, gt=0, le=1440, description="Minutes for which a room device's one-time code is good.")

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

    @property
    def database(self) -> str:
        """The database's URL, default filled in."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'dispatch.db'}"

    @property
    def udp_ports(self) -> tuple[int, ...]:
        """The UDP port of each media worker, in order; 0: a free one."""
        return tuple(self.udp_port + number if self.udp_port else 0 for number in range(self.media_workers))

    @property
    def media_addresses(self) -> tuple[str, ...]:
        """The addresses that browsers are told to send media to, the best first."""
        return listed(self.media_address)

    @property
    def media_ports(self) -> tuple[int, ...]:
        """The UDP port that browsers are told of each media worker, in order."""
        return self.udp_ports if self.media_port is None else tuple(self.media_port + number for number in range(self.media_workers))

    @property
    def reminders(self) -> tuple[timedelta, ...]:
        """How long before the start people are reminded, the earliest first."""
        return tuple(sorted({timedelta(hours=float(hours)) for hours in _listed(self.reminder_hours)}, reverse=True))

    def read_smtp_password(self) -> str:
        """The password of the mail server; raises :class:`SettingsError`."""
        return _read("SMTP_PASSWORD_FILE", self.smtp_password_file)

    def read_sms_headers(self) -> dict[str, str]:
        """The headers of a request to the gateway of text messages; raises :class:`SettingsError`."""
        lines = [line for line in _read("SMS_HEADERS_FILE", self.sms_headers_file).splitlines() if line.strip()]
        for line in lines:
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*", line):  # RFC 9110 section 5; the line itself may be a secret
                raise SettingsError(f"{PREFIX}SMS_HEADERS_FILE={self.sms_headers_file}: not every line is a header like Name: value")
        return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def turn_servers(self) -> tuple[str, ...]:
        """The addresses of the TURN servers, in order of preference."""
        return _listed(self.turn_urls)

    def read_turn_secret(self) -> str:
        """The secret of the TURN servers, from the environment or its file; raises :class:`SettingsError`."""
        return self.turn_secret if self.turn_secret_file is None else _read("TURN_SECRET_FILE", self.turn_secret_file)

    @property
    def janus_addresses(self) -> tuple[str, ...]:
        """The WebSocket of each Janus, in order."""
        return _listed(self.janus_urls)

    @property
    def janus_admin_addresses(self) -> tuple[str, ...]:
        """The WebSocket of each Janus's admin API, in order."""
        return _listed(self.janus_admin_urls)

    @property
    def janus_port_range(self) -> tuple[int, int]:
        """First and last UDP port of every Janus of our own together."""
        first, _, last = self.janus_rtp_ports.partition("-")
        return int(first), int(last)

    @property
    def secrets(self) -> Path:
        """Directory (0700) of the keys and passwords that the installation made for itself."""
        return self.data / "secrets"

    @property
    def copies(self) -> Path:
        """Directory of the copies of recordings that wait to be fetched."""
        return self.data / "copies"

    @property
    def recordings(self) -> Path:
        """Directory of the sittings' recordings, one folder each."""
        return self.data / "recordings"

    @property
    def store_folder(self) -> Path:
        """Directory of the store, where it is one."""
        return self.store or self.data / "store"

    @property
    def look_again(self) -> tuple[int, int]:
        """From which hour until which one recordings are digested again."""
        begin, _, end = self.look_again_hours.partition("-")
        return int(begin), int(end)

    def read_s3_secret(self) -> str:
        """The secret of our key in the S3-compatible store; raises :class:`SettingsError`."""
        return _read("S3_SECRET_KEY_FILE", self.s3_secret_key_file)

    @property
    def photos(self) -> Path:
        """Directory of the photos of rooms and equipment."""
        return self.data / "photos"

    @property
    def field_files(self) -> Path:
        """Directory of the files of teams' tasks: material, and what was brought from the field."""
        return self.data / "field"

    @property
    def stills(self) -> Path:
        """Directory of the stills of faces and documents that were looked at in hearings."""
        return self.data / "stills"

    @property
    def certificates(self) -> Path:
        """Directory of the certificates of destructions; a restore leaves those that are there, and goes by them."""
        return self.data / "certificates"

    @property
    def seal_roots(self) -> Path | None:
        """Roots that the seals of this site lead to, PEM: those of its own authority, or the chain that is set."""
        return self.seal_chain if self.seal_key is not None or self.seal_signer else self.secrets / "seal-roots.crt"

    @property
    def run(self) -> Path:
        """Directory of sockets and pid files."""
        return self.data / "run"

    @property
    def zone(self) -> ZoneInfo:
        """The court's time zone."""
        return ZoneInfo(self.time_zone)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone") from None
        return value

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

    @field_validator("media_address")
    @classmethod
    def _media_address(cls, value: str) -> str:
        return ",".join(listed(value))

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            raise ValueError(f"certificate and key belong together; {PREFIX}{missing.upper()} is missing")
        if self.tls_certificate is not None and not self.public_url.startswith("https:"):
            raise ValueError(f"there is a certificate, but {PREFIX}PUBLIC_URL={self.public_url} does not begin with https")
        return self

    @field_validator("seal_signer", "store_keys")
    @classmethod
    def _device(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value):
            raise ValueError("not a path like package.module:factory")
        return value

    @field_validator("tsa_url")
    @classmethod
    def _stamping(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
            raise ValueError("not an address like http://tsa.example/stamp")
        return value

    @field_validator("look_again_hours")
    @classmethod
    def _hours_of_a_day(cls, value: str) -> str:
        found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", value)
        if not found or int(found[1]) > 23 or int(found[2]) > 23:
            raise ValueError("not hours of a day like 20-6")
        return value

    @field_validator("s3_url")
    @classmethod
    def _s3(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@]+/?", value):
            raise ValueError("not an address like https://s3.court.example")
        return value.rstrip("/")

    @field_validator("s3_bucket")
    @classmethod
    def _bucket(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value):
            raise ValueError("not the name of a bucket: 3 to 63 small letters, digits, dots and hyphens")
        return value

    @model_validator(mode="after")
    def _whole_store(self) -> Self:
        if self.s3_url:
            needed = {"S3_BUCKET": self.s3_bucket, "S3_ACCESS_KEY": self.s3_access_key, "S3_SECRET_KEY_FILE": self.s3_secret_key_file}
            missing = next((name for name, value in needed.items() if not value), "")
            if missing:
                raise ValueError(f"{PREFIX}S3_URL is set, but {PREFIX}{missing} is not")
            if self.store is not None:
                raise ValueError(f"{PREFIX}STORE and {PREFIX}S3_URL are both set; one store is enough")
        return self

    @model_validator(mode="after")
    def _whole_seal(self) -> Self:
        if not self.seal_signer and (self.seal_key is None) != (self.seal_chain is None):
            missing = "SEAL_CHAIN" if self.seal_chain is None else "SEAL_KEY"
            raise ValueError(f"the key that seals and its chain belong together; {PREFIX}{missing} is missing")
        if self.tsa_url and self.tsa_ca is None:
            raise ValueError(f"{PREFIX}TSA_URL is set, but {PREFIX}TSA_CA is not: nobody would vouch for its time-stamps")
        return self

    @field_validator("janus_urls", "janus_admin_urls")
    @classmethod
    def _janus_addresses(cls, value: str) -> str:
        for url in _listed(value):
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

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value and not is_email(value):
            raise ValueError("not an address like sittings@court.example")
        return value

    @field_validator("reminder_hours")
    @classmethod
    def _reminders(cls, value: str) -> str:
        for hours in _listed(value):
            if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", hours) or not 0 < float(hours) <= 720:
                raise ValueError("not hours like 48, 1, each above 0 and at most 720")
        return value

    @field_validator("sms_url")
    @classmethod
    def _gateway(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
            raise ValueError("not an address like https://sms.example/send")
        return value

    @field_validator("sms_template")
    @classmethod
    def _gateway_takes(cls, value: str) -> str:
        try:
            json.loads(value)
        except ValueError:
            raise ValueError("not JSON") from None
        if "{phone}" not in value or "{text}" not in value:
            raise ValueError("{phone} or {text} is missing in it")
        return value

    @field_validator("sms_success")
    @classmethod
    def _gateway_says(cls, value: str) -> str:
        if value and not re.fullmatch(r"[\w.-]+=.+", value):
            raise ValueError("not a field of the answer and its value like code=OK")
        return value

    @model_validator(mode="after")
    def _whole_mail(self) -> Self:
        if self.smtp_host and not self.mail_from:
            raise ValueError(f"{PREFIX}SMTP_HOST is set, but {PREFIX}MAIL_FROM is not")
        if bool(self.smtp_user) != (self.smtp_password_file is not None):
            missing = "SMTP_PASSWORD_FILE" if self.smtp_user else "SMTP_USER"
            raise ValueError(f"name and password of the mail server belong together; {PREFIX}{missing} is missing")
        if self.smtp_user and self.smtp_tls == "none" and not is_loopback(self.smtp_host):
            raise ValueError(f"{PREFIX}SMTP_TLS=none would send the password of {PREFIX}SMTP_USER in the clear")
        return self

    @field_validator("turn_urls")
    @classmethod
    def _turn_addresses(cls, value: str) -> str:
        for url in filter(None, (part.strip() for part in value.split(","))):
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

    @model_validator(mode="after")
    def _ports_of_workers(self) -> Self:
        for name, ports in (("udp_port", self.udp_ports), ("media_port", self.media_ports)):
            if ports[-1] > 65535:
                first, last = ports[0], ports[-1]
                raise ValueError(
                    f"{PREFIX}MEDIA_WORKERS={self.media_workers} and {PREFIX}{name.upper()}={first}: the last worker would have port {last}"
                )
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

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        driver, _, path = value.partition("://")
        file, database = path.removeprefix("/").partition("?")[0], path.partition("/")[2].partition("?")[0]
        if driver in ("sqlite", "sqlite+aiosqlite"):
            good = path.startswith("/") and file not in ("", ":memory:")
        else:
            good = driver in ("postgresql", "postgresql+asyncpg") and database != ""
        if value and not good:
            raise ValueError("neither sqlite:///path nor postgresql://user:password@host/database")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what :func:`load` hands over: one source, one order."""
        return (init_settings,)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environment` (default: the process's). Raises :class:`SettingsError` with one line."""
    environment = os.environ if environment is None else environment
    values = _file(environment.get(CONFIG, ""))
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name == CONFIG:
            continue
        field = name[len(PREFIX) :].lower()
        if name != PREFIX + field.upper() or field not in Settings.model_fields:
            raise SettingsError(f"{name}: there is no such setting")
        if value != "":
            values[field] = value
    try:
        return Settings(**values)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False)
        first = next((e for e in errors if e["loc"] and e["loc"][0] in values), errors[0])  # what was typed, before what follows from it
        text = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # of several settings together; the text names them
            raise SettingsError(text) from None
        field = str(first["loc"][0])
        typed = "" if field == "database_url" and "@" in str(first["input"]) else f"={first['input']}"  # it may hold a password
        told = f"{PREFIX}{field.upper()}{typed}: {text[0].lower()}{text[1:]}"
        raise SettingsError(" ".join(told.splitlines())) from None


def _file(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{CONFIG}={path}: {error}".replace("\n", " ")) from None
    for name in values:
        if name not in Settings.model_fields:
            raise SettingsError(f"{CONFIG}={path}: there is no setting {name}")
    return values
