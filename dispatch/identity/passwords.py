"""Passwords: argon2id, and the policy (DOMAIN.md section 6, rule 3: at least 8 characters of 3 classes)."""

from __future__ import annotations

import asyncio
import secrets
import string
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dispatch.errors import UserError

MIN_LENGTH = 8
MAX_LENGTH = 200
MIN_CLASSES = 3

_hasher = PasswordHasher()
# Each takes 64 MiB for some 50 ms: a flood of sign-ins must queue, not fill the memory.
_two_at_once = ThreadPoolExecutor(2, thread_name_prefix="argon2")


def classes(password: str) -> int:
    """How many of the four classes occur: lower case, upper case, digits, anything else."""
    other = [c for c in password if not (c.islower() or c.isupper() or c.isdigit())]
    return sum((any(c.islower() for c in password), any(c.isupper() for c in password), any(c.isdigit() for c in password), bool(other)))


def check_policy(password: str) -> None:
    """Raises UserError password_short, password_long or password_simple (field "password")."""
    if len(password) < MIN_LENGTH:
        raise UserError("password_short", "password", least=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise UserError("password_long", "password", most=MAX_LENGTH)
    if classes(password) < MIN_CLASSES:
        raise UserError("password_simple", "password", least=MIN_CLASSES)


def generate(length: int = 12) -> str:
    """A random password that meets the policy, without signs that look alike (0 O, 1 l I)."""
    signs = [c for c in string.ascii_letters + string.digits if c not in "0O1lI"]
    while True:
        password = "".join(secrets.choice(signs) for _ in range(length))
        if classes(password) >= MIN_CLASSES:
            return password


async def hashed(password: str) -> str:
    """The argon2id hash, computed beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_two_at_once, _hasher.hash, _bytes(password))


async def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one of the hash. An empty hash (nobody has the name) takes the same time and is False."""
    return await asyncio.get_running_loop().run_in_executor(_two_at_once, _matches, password_hash, password)


def _bytes(password: str) -> bytes:
    # Half a character, which JSON can carry, is as good in a password as any other sign.
    return password.encode("utf-8", "surrogatepass")


def _matches(password_hash: str, password: str) -> bool:
    known = bool(password_hash)
    try:
        _hasher.verify(password_hash or _nobody(), _bytes(password[: MAX_LENGTH + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return known


_nobody_hash: list[str] = []


def _nobody() -> str:
    if not _nobody_hash:
        _nobody_hash.append(_hasher.hash(secrets.token_urlsafe()))
    return _nobody_hash[0]
