"""What is kept, where and how long: data, databases, recordings and their seals, the store, copies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, field_validator, model_validator

from dispatch.settings.values import PREFIX, matching, read_secret


class Keeping(BaseModel):
    """Part of :class:`dispatch.settings.Settings`."""

    data: Path = Field(Path("var"), description="Directory of everything that is kept: databases, keys, recordings.")
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
    tsa_url: str = Field("", description="Time-stamping authority (RFC 3161) that sealed recordings are stamped by; empty: none.")
    tsa_ca: Path | None = Field(None, description="Root that vouches for it, with what lies between them, PEM.")

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
    destruction_wait_days: int = Field(
        7, ge=0, le=365, description="Days from the approval of a destruction until it is carried out; either of the two can stop it."
    )
    copy_days: int = Field(7, ge=1, le=90, description="Days for which a copy of a recording can be fetched; then its file is removed.")

    ffmpeg: str = Field("", description="The ffmpeg program; empty: the one that comes with the package imageio-ffmpeg.")
    font: str = Field("", description="Font file for names and clock in composites; empty: Noto Sans CJK where installed.")

    @property
    def database(self) -> str:
        """The database's URL, default filled in."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'dispatch.db'}"

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
        return read_secret("S3_SECRET_KEY_FILE", self.s3_secret_key_file)

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

    @field_validator("seal_signer", "store_keys")
    @classmethod
    def _device(cls, value: str) -> str:
        return matching(value, r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "not a path like package.module:factory")

    @field_validator("tsa_url")
    @classmethod
    def _stamping(cls, value: str) -> str:
        return matching(value, r"https?://[^\s/@]+(/\S*)?", "not an address like http://tsa.example/stamp")

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
        return matching(value, r"https?://[^\s/@]+/?", "not an address like https://s3.court.example").rstrip("/")

    @field_validator("s3_bucket")
    @classmethod
    def _bucket(cls, value: str) -> str:
        return matching(
            value, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "not the name of a bucket: 3 to 63 small letters, digits, dots and hyphens"
        )

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
