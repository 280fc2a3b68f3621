"""A real mail server on this machine, which takes, puts off or refuses what it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class MailBox:
    """What it took, and what it answers. `refused`: address → the answer at RCPT; `answers`: those at the end of the next mails'
    data, "" for 250; `hold`: no answer at all while it is not set."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.refused: dict[str, str] = {}
        self.answers: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.reached = asyncio.Event()
        self.connections = 0
        self.port = 0

    async def handle_EHLO(self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.reached.set()
        await self.hold.wait()
        answer = self.answers.pop(0) if self.answers else ""
        if not answer:
            mail = message_from_bytes(cast("bytes", envelope.content), policy=default)
            self.taken += [(address, mail) for address in envelope.rcpt_tos]
        return answer or "250 2.0.0 taken"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to one address, in order."""
        return [mail for taken, mail in self.taken if taken == address]

    @property
    def addresses(self) -> list[str]:
        """Whose mail it took, in order."""
        return [address for address, _ in self.taken]


@asynccontextmanager
async def mail_server(box: MailBox, port: int = 0, tls: ssl.SSLContext | None = None, password: str = "") -> AsyncIterator[MailBox]:
    """Serve the box; `tls`: STARTTLS is asked for; `password`: of everybody."""

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == password.encode(), handled=False)

    open_: list[SMTP] = []

    def connection() -> SMTP:
        box.connections += 1
        made = SMTP(
            box,
            hostname="mail.court.example",
            tls_context=tls,
            require_starttls=tls is not None,
            authenticator=authenticate if password else None,
            auth_required=bool(password),
            auth_require_tls=tls is not None,
        )
        open_.append(made)
        return made

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        for each in open_:
            if each.transport is not None:
                each.transport.close()


def parts(mail: EmailMessage) -> dict[str, str]:
    """The parts of a mail by their types; attachments by their names."""
    found = {}
    for part in mail.walk():
        if not part.is_multipart():
            content = part.get_content()
            text = content.decode() if isinstance(content, bytes) else str(content)
            found[part.get_filename() or part.get_content_type()] = text
    return found
