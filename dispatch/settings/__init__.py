"""Every setting, with its default and its unit: DISPATCH_<NAME> in the environment, or <name> in the TOML file that
DISPATCH_CONFIG names; the environment is the stronger. An unknown name or a wrong value stops the start.

Each module has a part of them, with what makes a value good and what follows from it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from dispatch.settings.alerts import Alerts
from dispatch.settings.keeping import Keeping
from dispatch.settings.media import Media
from dispatch.settings.serving import Serving
from dispatch.settings.telling import Telling
from dispatch.settings.unit import Unit
from dispatch.settings.values import PREFIX, SettingsError, is_loopback

__all__ = ["CONFIG", "PREFIX", "Settings", "SettingsError", "is_loopback", "load"]

CONFIG = "DISPATCH_CONFIG"


class Settings(Alerts, Keeping, Telling, Unit, Media, Serving, BaseSettings):
    """All settings; frozen. Make it with :func:`load`, whose errors are one line each. Documents name them from the last part on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

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
