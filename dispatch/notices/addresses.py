"""Where people are told: e-mail addresses and numbers of mobile telephones. Pure."""

from __future__ import annotations

import re

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

LONGEST_EMAIL = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""

SPECIAL_USE_DOMAIN_NAMES[:] = [name for name in SPECIAL_USE_DOMAIN_NAMES if name != "local"]
"""The library's list of names that no mail goes to; networks of offices have servers with names like mail.local."""

_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})|(\+[1-9]\d{6,14})")
"""A mobile number of the mainland, or any number in international form (ITU-T E.164)."""


def normal_email(text: str) -> str:
    """The address in the form in which mail servers take it: no spaces around, the domain in small ASCII letters (IDNA).

    Raises ValueError for what is none. Names outside ASCII before the @ are refused: too few servers carry them (RFC 6531).
    """
    try:
        found = validate_email(text.strip(), allow_smtputf8=False, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return found.ascii_email or found.normalized


def is_email(text: str) -> bool:
    """Whether `text` can be an e-mail address."""
    try:
        return len(normal_email(text)) <= LONGEST_EMAIL
    except ValueError:
        return False


def mobile(phone: str) -> str:
    """The number as a gateway of text messages takes it, "" where it cannot be one that reads them (a landline, an extension)."""
    found = _MOBILE.fullmatch(re.sub(r"[\s()-]", "", phone))
    return (found[1] or found[2]) if found else ""


def masked_email(address: str) -> str:
    """The address with its name hidden but for the first sign: l***@example.com; "" where there is none."""
    if not address:
        return ""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}***{at}{domain}" if at else "***"
