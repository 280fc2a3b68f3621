"""E-mail by SMTP (RFC 5321): one connection for as long as something waits."""

from __future__ import annotations

import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPRecipientRefused, SMTPRecipientsRefused, SMTPResponseException

from dispatch.notices.sender import Rejected, TryLater, Unreachable
from dispatch.settings import SettingsError

if TYPE_CHECKING:
    from dispatch.settings import Settings

STEP_S = 30.0
"""How long the server may take for one answer."""


class MailServer:
    """The mail server of the settings. Not for two tasks at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: SMTP | None = None

    async def deliver(self, mail: EmailMessage, to: str) -> str:
        """Hand over one mail; what the server said. Raises :class:`Rejected` at 5yz, :class:`TryLater` at 4yz and where the
        connection breaks, :class:`Unreachable` where there is none to be had."""
        smtp = await self._connected()
        try:
            _, said = await smtp.sendmail(self._settings.mail_from, [to], mail.as_bytes())
        except SMTPRecipientsRefused as error:
            await self.close()
            raise _judged(error.recipients[0]) from None
        except SMTPResponseException as error:
            await self.close()
            raise _judged(error) from None
        except (SMTPException, OSError) as error:
            await self.close()
            raise TryLater(_words(error)) from None
        return said

    async def greet(self) -> str:
        """Connect, sign in and take leave: the server's name for itself. Raises :class:`Unreachable`."""
        smtp = await self._connected()
        try:
            said = await smtp.ehlo()
        except (SMTPException, OSError) as error:
            raise Unreachable(_words(error)) from None
        finally:
            await self.close()
        return said.message.splitlines()[0].split()[0]

    async def close(self) -> None:
        """Take leave. Idempotent."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None and smtp.is_connected:
            with suppress(SMTPException, OSError):
                await smtp.quit()
            smtp.close()

    async def _connected(self) -> SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        settings = self._settings
        try:
            password = settings.read_smtp_password()
            context = ssl.create_default_context(cafile=settings.smtp_ca) if settings.smtp_tls != "none" else None
        except (SettingsError, OSError) as error:
            raise Unreachable(_words(error)) from None
        smtp = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=password or None,
            local_hostname=urlsplit(settings.public_url).hostname,
            timeout=STEP_S,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=context,
        )
        try:
            await smtp.connect()
        except (SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise Unreachable(_words(error)) from None
        self._smtp = smtp
        return smtp


def _judged(error: SMTPResponseException | SMTPRecipientRefused) -> Rejected | TryLater:
    """5yz is final, anything else may be tried again (RFC 5321 section 4.2.1)."""
    words = f"{error.code} {error.message}" if error.code > 0 else error.message
    return Rejected(_line(words)) if 500 <= error.code <= 599 else TryLater(_line(words))


def _words(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return _line(f"{error.code} {error.message}")
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return "the mail server does not answer"
    return _line(str(error) or type(error).__name__)


def _line(text: str) -> str:
    return " ".join(text.split())
