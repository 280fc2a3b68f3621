"""The keys that RTP is protected by, one way, and what their use needs of OpenSSL: :mod:`protection` is the way out, :mod:`unprotection`
the way in.

Session keys are derived here (RFC 3711 section 4.3), and lie in C memory with a cipher's context, where :mod:`native.srtp` uses them.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from dataclasses import dataclass
from typing import Any

import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import adapter
from .batch import c_function
from .native import layout
from .native.layout import word, words

log = structlog.get_logger()

#: Labels of the keys that are derived for RTP (RFC 3711 section 4.3.1).
ENCRYPTION, AUTHENTICATION, SALT = 0, 1, 2
HMAC_KEY, CM_SALT, GCM_SALT = 20, 14, 12
#: What each half of an HMAC begins with (RFC 2104).
INNER_PAD, OUTER_PAD = 0x36, 0x5C
SHA1_STATE = 20
#: OpenSSL's name of the parameter that says what a tag has to be (``OSSL_CIPHER_PARAM_AEAD_TAG``).
TAG_PARAMETER = b"tag"


def derived(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """A session key of `size` bytes, of a master key (16 or 32 bytes) and salt (14, or 12 with GCM): RFC 3711 section 4.3 with a key
    derivation rate of 0, RFC 7714 section 11."""
    start = bytearray(salt.ljust(16, b"\0"))
    start[7] ^= label
    return Cipher(algorithms.AES(key), modes.CTR(bytes(start))).encryptor().update(bytes(size))


class Tools:
    """What the loops call, and room for them to work in: one for a process, or thread, as they work for one packet at a time."""

    def __init__(self) -> None:
        self._row = words(word(layout.TOOLS_SIZE))
        self.address = adapter.memory_address(self._row)
        self._row[word(layout.SRTP_PROTECT)] = adapter.c_function("srtp_protect")
        self._row[word(layout.SRTP_UNPROTECT)] = adapter.c_function("srtp_unprotect")
        self._row[word(layout.MEMORY_MOVE)] = c_function("memmove")
        self._tag = ctypes.create_string_buffer(TAG_PARAMETER)
        for offset, value in {
            layout.PARAMETER_NAME: ctypes.addressof(self._tag),
            layout.PARAMETER_TYPE: layout.OCTETS,
            layout.PARAMETER_LENGTH: layout.GCM_TAG,
        }.items():
            self._row[word(layout.TAG_PARAMETERS + offset)] = value
        memory = self._row.cast("B")
        memory[layout.PADDING] = memory[layout.DIGEST + SHA1_STATE] = 0x80
        memory[layout.DIGEST + layout.HASH_BLOCK - 2 : layout.DIGEST + layout.HASH_BLOCK] = (8 * (64 + SHA1_STATE)).to_bytes(2, "big")

    def equip(self) -> None:
        """Find OpenSSL's functions. Raises LookupError if one is missing."""
        for offset, name in {
            layout.CIPHER_INIT: "EVP_EncryptInit_ex",
            layout.CIPHER_UPDATE: "EVP_EncryptUpdate",
            layout.CIPHER_FINAL: "EVP_EncryptFinal_ex",
            layout.CIPHER_CONTROL: "EVP_CIPHER_CTX_ctrl",
            layout.HASH_UPDATE: "SHA1_Update",
            layout.OPEN_INIT: "EVP_DecryptInit_ex2",
            layout.OPEN_UPDATE: "EVP_DecryptUpdate",
            layout.OPEN_FINAL: "EVP_DecryptFinal_ex",
        }.items():
            self._row[word(offset)] = adapter.openssl(name)

    @property
    def opened(self) -> int:
        """What :func:`native.srtp.open_at` found last."""
        return self._row[word(layout.LENGTH)]


@functools.cache
def tools() -> Tools:
    """Those of this process."""
    made = Tools()
    try:
        made.equip()
    except LookupError:
        log.warning("srtp_by_libsrtp", reason="its library does not offer OpenSSL's functions")
    return made


def _context(cipher: str, key: bytes, begin: str) -> int:
    """An ``EVP_CIPHER_CTX`` with this key, begun by this function. Raises LookupError where OpenSSL cannot."""
    new = adapter.function("uintptr_t(*)(void)", adapter.openssl("EVP_CIPHER_CTX_new"))
    kind = adapter.function("uintptr_t(*)(void)", adapter.openssl(cipher))
    init = adapter.function("int(*)(uintptr_t, uintptr_t, uintptr_t, unsigned char *, uintptr_t)", adapter.openssl(begin))
    context = int(new())
    if context == 0 or init(context, kind(), 0, key, 0) != 1:
        raise LookupError(f"OpenSSL's library has no {cipher}")
    return context


def _free(context: int) -> None:
    adapter.function("void(*)(uintptr_t)", adapter.openssl("EVP_CIPHER_CTX_free"))(context)


def _hash_behind(block: bytes) -> bytes:
    """The state of SHA-1 behind one block."""
    state = (ctypes.c_uint32 * 24)()
    where = ctypes.addressof(state)
    adapter.function("int(*)(uintptr_t)", adapter.openssl("SHA1_Init"))(where)
    adapter.function("int(*)(uintptr_t, unsigned char *, size_t)", adapter.openssl("SHA1_Update"))(where, block, len(block))
    return bytes(state)[:SHA1_STATE]


@dataclass(frozen=True, slots=True)
class Profile:
    """An SRTP profile: lengths in bytes, and OpenSSL's name of its cipher."""

    key: int
    salt: int
    kind: int
    cipher: str


PROFILES = {
    "SRTP_AEAD_AES_128_GCM": Profile(16, GCM_SALT, layout.GCM, "EVP_aes_128_gcm"),
    "SRTP_AEAD_AES_256_GCM": Profile(32, GCM_SALT, layout.GCM, "EVP_aes_256_gcm"),
    "SRTP_AES128_CM_SHA1_80": Profile(16, CM_SALT, layout.COUNTER_MODE, "EVP_aes_128_ctr"),
}


class Keys:
    """The keys for RTP of one association, one way. `key` is master key and salt, one behind the other. Raises ValueError if that has not
    the profile's length."""

    #: What begins a context by which GCM works this way.
    begin = "EVP_EncryptInit_ex"

    def __init__(self, profile: str, key: bytes) -> None:
        self._profile = PROFILES[profile]
        if len(key) != self._profile.key + self._profile.salt:
            raise ValueError("no key of this profile")
        self._row = words(word(layout.KEYS_SIZE))
        self.address = adapter.memory_address(self._row)
        self._salt = bytes(16)
        self._session: Any = None

    def _leave_to(self, session: Any) -> None:
        """libsrtp does it, by this session."""
        self._session = session
        self._row[word(layout.KIND)] = layout.LIBSRTP
        self._row[word(layout.OWN_SESSION)] = adapter.session_address(session)

    def _derive(self, key: bytes) -> None:
        """Our own lines do it. Raises LookupError where OpenSSL cannot."""
        profile = self._profile
        key, salt = key[: profile.key], key[profile.key :]
        secret = derived(key, salt, AUTHENTICATION, HMAC_KEY) if profile.kind == layout.COUNTER_MODE else b""
        self._take(derived(key, salt, ENCRYPTION, profile.key), derived(key, salt, SALT, profile.salt), secret)

    def _take(self, key: bytes, salt: bytes, secret: bytes) -> None:
        """These are the session keys."""
        profile = self._profile
        context = _context(profile.cipher, key, self.begin if profile.kind == layout.GCM else Keys.begin)
        weakref.finalize(self, _free, context)
        self._row[word(layout.KIND)] = profile.kind
        self._row[word(layout.CIPHER)] = context
        self._salt = salt.ljust(16, b"\0")
        memory, secret = self._row.cast("B"), secret.ljust(layout.HASH_BLOCK, b"\0")
        for offset, pad in ((layout.INNER, INNER_PAD), (layout.OUTER, OUTER_PAD)):
            memory[offset : offset + SHA1_STATE] = _hash_behind(bytes(byte ^ pad for byte in secret))

    def nonce(self, ssrc: int) -> bytes:
        """The nonce of this source's index 0: the salt, and the source where each cipher has it."""
        at = 2 if self._row[word(layout.KIND)] == layout.GCM else 4
        return (int.from_bytes(self._salt, "big") ^ ssrc << 8 * (12 - at)).to_bytes(16, "big")
