"""Text messages by an HTTP gateway: a POST of JSON whose form the settings say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from dispatch.notices.sender import Rejected, TryLater, Unreachable
from dispatch.settings import SettingsError

if TYPE_CHECKING:
    from dispatch.settings import Settings

LIMIT_S = 30.0
LONGEST_ANSWER_BYTES = 65_536
AGAIN = frozenset({408, 425, 429})
"""Statuses below 500 that may pass by themselves (RFC 9110 section 15.5.9, RFC 8470, RFC 6585)."""


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """The JSON of the template with {names} in its texts filled: whatever a value holds, it stays a text."""
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace("{" + name + "}", value.replace("{", "{\0"))
        return template.replace("{\0", "{")
    if isinstance(template, dict):
        return {name: filled(value, values) for name, value in template.items()}
    return [filled(value, values) for value in template] if isinstance(template, list) else template


def took_it(answer: str, success: str) -> bool:
    """Whether the gateway's answer says what `success` (``code=OK``, ``data.status=0``) asks for; "" asks for nothing."""
    if not success:
        return True
    path, _, wanted = success.partition("=")
    try:
        found: Any = json.loads(answer)
        for name in path.split("."):
            found = found[int(name)] if isinstance(found, list) else found[name]
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    said = found if isinstance(found, str) else json.dumps(found)
    return said == wanted


class Gateway:
    """The gateway of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._template = json.loads(settings.sms_template)
        self._client: aiohttp.ClientSession | None = None

    async def deliver(self, message_id: str, phone: str, text: str) -> str:
        """Hand over one text message; what the gateway said. Raises as :meth:`dispatch.notices.mail.MailServer.deliver`."""
        try:
            headers = self._settings.read_sms_headers()
        except SettingsError as error:
            raise Unreachable(str(error)) from None
        body = filled(self._template, {"phone": phone, "text": text, "id": message_id})
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT_S))
        try:
            async with self._client.post(self._settings.sms_url, json=body, headers=headers, allow_redirects=False) as answer:
                said = (await answer.content.read(LONGEST_ANSWER_BYTES)).decode("utf-8", "replace")
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(str(error)) from None
        except TimeoutError:
            raise TryLater("the gateway does not answer") from None
        except (aiohttp.ClientError, OSError) as error:
            raise TryLater(str(error) or type(error).__name__) from None
        words = f"{answer.status} {' '.join(said.split())}"[:400]
        if answer.status >= 500 or answer.status in AGAIN:
            raise TryLater(words)
        if answer.status in (401, 403):  # our key, not this message
            raise Unreachable(words)
        if not 200 <= answer.status < 300 or not took_it(said, self._settings.sms_success):
            raise Rejected(words)
        return words

    async def close(self) -> None:
        """Close connections. Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
