"""The one place that touches private names of aiortc and pylibsrtp.

Both libraries are pinned. What is used here and is private: aiortc's ``RTCDtlsTransport._tx_srtp``, ``._rx_srtp``,
``._srtp_profiles``, ``._ssl``, ``._set_role`` and the duck type it expects of its ICE transport (``_recv``, ``_send``, ``role``);
pylibsrtp's ``Session._srtp`` and ``_binding``, whose ``ffi`` serves for two functions of the C library too, and whose library has all of
OpenSSL in it.
tests/rooms/media/test_adapter.py fails when one of them moves.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import rtcdtlstransport as _dtls
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from pylibsrtp import Policy, Session, _binding

_ffi: Any = _binding.ffi
_lib: Any = _binding.lib

#: AES-GCM first (MEDIA.md: cheapest, and Chromium takes it), counter mode for who has no GCM. The server's order decides.
PROFILES = [_dtls.SRTP_AEAD_AES_128_GCM, _dtls.SRTP_AEAD_AES_256_GCM, _dtls.SRTP_AES128_CM_SHA1_80]

#: Datagrams of a handshake that may wait before the remote fingerprint is known.
HANDSHAKE_QUEUE = 32
#: Room srtp_protect and srtp_protect_rtcp need behind a packet: SRTP_MAX_TRAILER_LEN + the SRTCP index.
TRAILER = 148
SLOT = 2048

OK = 0
REPLAYED = (9, 10)


def new_buffer(size: int) -> Any:
    """Memory, zeros at first; whoever has its address keeps it."""
    return _ffi.new("unsigned char[]", size)


def buffer_view(buffer: Any) -> memoryview:
    """The same memory for Python."""
    return memoryview(_ffi.buffer(buffer))


def address_of(pointer: Any) -> int:
    """Where a pointer points: a buffer, a session handle."""
    return int(_ffi.cast("uintptr_t", pointer))


def memory_address(memory: Any) -> int:
    """Where the memory of an object is that offers it (the buffer protocol). The object has to outlive the use of it."""
    return address_of(_ffi.from_buffer(memory))


def c_function(name: str) -> int:
    """The address of a function of libsrtp (``srtp_protect`` and its like)."""
    return address_of(_ffi.addressof(_lib, name))


@functools.cache
def openssl(name: str) -> int:
    """The address of a function of the OpenSSL that libsrtp brings along. Raises LookupError if it does not offer that."""
    try:
        found = ctypes.cast(getattr(ctypes.CDLL(_binding.__file__), name), ctypes.c_void_p).value
    except (OSError, AttributeError):
        found = None
    if found is None:
        raise LookupError(f"the library of pylibsrtp offers no {name}")
    return found


def routine(address: int, kinds: Sequence[type[int] | type[bytes]]) -> Callable[..., int]:
    """The machine code at `address` that numba made, callable with so many arguments: words, or bytes by their address. Returns 0."""
    arguments = "".join(", char *" if kind is bytes else ", uintptr_t" for kind in kinds)
    # numba's own convention: where the result goes, and where an exception would.
    return functools.partial(_ffi.cast(f"int(*)(int64_t *, void *{arguments})", address), _ffi.new("int64_t *"), _ffi.NULL)


new_length: Callable[[], Any] = lambda: _ffi.new("int *")  # noqa: E731


def length_in(address: int) -> Any:
    """A length pointer into the word (``size_t``) at `address`: its lower half. The word has to outlive the pointer."""
    return _ffi.cast("int *", address if sys.byteorder == "little" else address + _ffi.sizeof("size_t") - _ffi.sizeof("int"))


def function(prototype: str, address: int) -> Any:
    """The C function at `address`, callable at half the cost of ctypes. Its errno is in :func:`last_error`."""
    return _ffi.cast(prototype, address)


def last_error() -> int:
    """The errno that the last call left."""
    return int(_ffi.errno)


#: `(session handle, buffer, length pointer) -> status`, in place; each is one C call.
protect_rtcp: Callable[[Any, Any, Any], int] = _lib.srtp_protect_rtcp
unprotect_rtcp: Callable[[Any, Any, Any], int] = _lib.srtp_unprotect_rtcp


def outbound_session(profile: str, key: bytes, window: int) -> Any:
    """A session of libsrtp for what is sent; `key` is master key and salt. The last packets, so many, may be sent again."""
    return _session(profile, key, window, Policy.SSRC_ANY_OUTBOUND)


def inbound_session(profile: str, key: bytes, window: int) -> Any:
    """A session of libsrtp for what comes; `key` is master key and salt. It remembers the last packets, so many."""
    return _session(profile, key, window, Policy.SSRC_ANY_INBOUND)


def _session(profile: str, key: bytes, window: int, direction: int) -> Any:
    kind = next(known.libsrtp_profile for known in PROFILES if known.openssl_profile.decode() == profile)
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=kind)
    policy.allow_repeat_tx = True
    policy.window_size = window
    return Session(policy)


def session_address(session: Any) -> int:
    """The handle of a session that machine code may use, for as long as the session lives."""
    return address_of(session._srtp[0])


class Certificate:
    """The DTLS certificate of a worker process, made at its start."""

    def __init__(self) -> None:
        self.rtc = RTCCertificate.generateCertificate()
        self.fingerprint = next(f.value for f in self.rtc.getFingerprints() if f.algorithm == "sha-256")


class _Channel:
    """What aiortc's DTLS transport takes for an ICE transport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(HANDSHAKE_QUEUE)
        self._output = send

    def put(self, datagram: bytes | None) -> bool:
        try:
            self._queue.put_nowait(datagram)
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
        self.put(None)

    async def _recv(self) -> bytes:
        datagram = await self._queue.get()
        if datagram is None:
            raise ConnectionError("transport closed")
        return datagram

    async def _send(self, data: bytes) -> None:
        self._output(data)


class Dtls:
    """One DTLS association in the server role, and the SRTP sessions keyed by it.

    `send` is called with each outgoing datagram; `receive()` takes each incoming one. `handshake()` returns the name of
    the SRTP profile. After it, `outbound` and `inbound` are session handles for the functions above, for RTCP alone: RTP is protected by
    the keys that :meth:`outgoing` tells and unprotected by those of :meth:`incoming`, and by nothing else.
    """

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self._channel = _Channel(send)
        self._transport = RTCDtlsTransport(self._channel, [certificate.rtc])  # type: ignore[arg-type]
        self._transport._srtp_profiles = PROFILES
        self._transport._set_role("server")
        self._sessions: tuple[Any, ...] = ()
        self.outbound: Any = None
        self.inbound: Any = None
        self.profile = ""

    def receive(self, datagram: bytes) -> bool:
        """Take a DTLS datagram; False when too many wait already."""
        return self._channel.put(datagram)

    async def handshake(self, fingerprints: list[tuple[str, str]], on_closed: Callable[[], None]) -> None:
        """Answer the peer's handshake and check its certificate against `fingerprints` (algorithm, value).

        Raises ConnectionError if it fails. `on_closed` is called when the peer ends the association later.
        """
        remote = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm=a, value=v) for a, v in fingerprints])
        await self._transport.start(remote)
        if self._transport.state != "connected":
            raise ConnectionError(f"DTLS {self._transport.state}")
        tx, rx = self._transport._tx_srtp, self._transport._rx_srtp
        self._sessions = (tx, rx)
        self.outbound, self.inbound = tx._srtp[0], rx._srtp[0]
        self.profile = self._selected_profile()
        self._transport.on("statechange", lambda: on_closed() if self._transport.state == "closed" else None)

    def outgoing(self) -> tuple[str, bytes]:
        """The profile, and the master key and salt for what we send: the server's (RFC 5764 section 4.2). After the handshake."""
        return self._keys(1)

    def incoming(self) -> tuple[str, bytes]:
        """The same for what the peer sends: the client's."""
        return self._keys(0)

    def _keys(self, side: int) -> tuple[str, bytes]:
        kind = next(profile for profile in PROFILES if profile.openssl_profile.decode() == self.profile)
        connection: Any = self._transport._ssl
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (kind.key_length + kind.salt_length))
        return self.profile, kind.get_key_and_salt(material, side)

    def _selected_profile(self) -> str:
        connection = self._transport._ssl
        return connection.get_selected_srtp_profile().decode() if connection is not None else ""

    async def close(self) -> None:
        """Tell the peer (close_notify) and end. The session handles must not be used afterwards."""
        self.outbound = self.inbound = None
        self._transport.remove_all_listeners()
        await self._transport.stop()
        self._channel.end()
