"""How people and programs are told: e-mail, text messages, webhooks."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from dispatch.notices.addresses import is_email
from dispatch.settings.values import PREFIX, SettingsError, is_loopback, listed, matching, read_secret


class Telling(BaseModel):
    """Part of :class:`dispatch.settings.Settings`."""

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

    @property
    def reminders(self) -> tuple[timedelta, ...]:
        """How long before the start people are reminded, the earliest first."""
        return tuple(sorted({timedelta(hours=float(hours)) for hours in listed(self.reminder_hours)}, reverse=True))

    def read_smtp_password(self) -> str:
        """The password of the mail server; raises :class:`SettingsError`."""
        return read_secret("SMTP_PASSWORD_FILE", self.smtp_password_file)

    def read_sms_headers(self) -> dict[str, str]:
        """The headers of a request to the gateway of text messages; raises :class:`SettingsError`."""
        lines = [line for line in read_secret("SMS_HEADERS_FILE", self.sms_headers_file).splitlines() if line.strip()]
        for line in lines:
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*", line):  # RFC 9110 section 5; the line itself may be a secret
                raise SettingsError(f"{PREFIX}SMS_HEADERS_FILE={self.sms_headers_file}: not every line is a header like Name: value")
        return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value and not is_email(value):
            raise ValueError("not an address like sittings@court.example")
        return value

    @field_validator("reminder_hours")
    @classmethod
    def _reminders(cls, value: str) -> str:
        for hours in listed(value):
            if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", hours) or not 0 < float(hours) <= 720:
                raise ValueError("not hours like 48, 1, each above 0 and at most 720")
        return value

    @field_validator("sms_url")
    @classmethod
    def _gateway(cls, value: str) -> str:
        return matching(value, r"https?://[^\s/@]+(/\S*)?", "not an address like https://sms.example/send")

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
        return matching(value, r"[\w.-]+=.+", "not a field of the answer and its value like code=OK")

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
