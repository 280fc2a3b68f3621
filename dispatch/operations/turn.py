"""The TURN servers that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.settings import SettingsError
from dispatch.supervise import StartRefused
from rooms.relay import Relay

if TYPE_CHECKING:
    from dispatch.settings import Settings


def relay_of(settings: Settings) -> Relay:
    """What browsers are told of them. Raises StartRefused where the file of their secret cannot be read."""
    try:
        secret = settings.read_turn_secret()
    except SettingsError as error:
        raise StartRefused(str(error)) from None
    return Relay(settings.turn_servers, secret, int(settings.turn_hours * 3600), settings.force_relay)
