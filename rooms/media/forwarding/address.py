"""Addresses of datagrams: as the kernel has them on the fast path, readable everywhere else; and the candidates made of them."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct

#: A socket address as the kernel has it (``sockaddr_in`` or ``sockaddr_in6``). Equal bytes are the same address.
Address = bytes

_MAPPED = bytes(10) + b"\xff\xff"
_FAMILY, _SCOPE = struct.Struct("=H"), struct.Struct("=I")
#: RFC 8445 section 5.1.2.2: the type preference of host candidates, the only ones an ICE-lite agent has.
_HOST = 126 << 24
MAX_ADDRESSES = 8
#: All addresses of a host, of both families.
EVERYWHERE = "::"


def packed(host: str, port: int, family: int) -> Address:
    """The address for a socket of `family`; an IPv4 address is mapped (RFC 4291 section 2.5.5.2) for one of AF_INET6.

    Raises ValueError for what is no address, or an IPv6 address on a socket of AF_INET.
    """
    ip = ipaddress.ip_address(host)
    if family == socket.AF_INET6:
        raw = _MAPPED + ip.packed if ip.version == 4 else ip.packed
        return _FAMILY.pack(family) + struct.pack("!HI", port, 0) + raw + bytes(4)
    if ip.version != 4:
        raise ValueError(f"{host} cannot be reached from an IPv4 socket")
    return _FAMILY.pack(family) + struct.pack("!H", port) + ip.packed + bytes(8)


def readable(address: Address) -> tuple[str, int]:
    """Host and port; a mapped IPv4 address as IPv4."""
    (family,) = _FAMILY.unpack_from(address)
    port = int.from_bytes(address[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[4:8]), port
    raw = address[8:24]
    if raw.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, raw[12:]), port
    return socket.inet_ntop(socket.AF_INET6, raw), port


def for_socket(address: Address) -> tuple[str, int] | tuple[str, int, int, int]:
    """What Python's own socket functions take."""
    (family,) = _FAMILY.unpack_from(address)
    port = int.from_bytes(address[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[4:8]), port
    return socket.inet_ntop(socket.AF_INET6, address[8:24]), port, 0, *_SCOPE.unpack_from(address, 24)


def bound(address: str, port: int) -> socket.socket:
    """A UDP socket bound without SO_REUSEADDR, so that a port in use is found. ``::`` takes IPv4 and IPv6, or IPv4 alone on a host
    that has no IPv6. Raises OSError."""
    try:
        return _bound(address, port)
    except OSError as error:
        if address != EVERYWHERE or error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
    return _bound("0.0.0.0", port)  # noqa: S104  all addresses were asked for


def _bound(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if address == EVERYWHERE:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def listed(text: str) -> tuple[str, ...]:
    """The addresses of a list with commas, in canonical form: IPv4 and IPv6, at least one, none twice.

    Raises ValueError that names what cannot be told to a browser: a name, a zone (``%eth0``), 0.0.0.0, ::, a multicast address.
    """
    found: list[str] = []
    for part in text.split(","):
        word = part.strip()
        try:
            ip = ipaddress.ip_address(word)
        except ValueError:
            raise ValueError(f"{word!r} is no IPv4 or IPv6 address") from None
        if ip.is_unspecified or ip.is_multicast or "%" in word:
            raise ValueError(f"{word!r} is no address that a browser can send to")
        if str(ip) in found:
            raise ValueError(f"{word!r} is named twice")
        found.append(str(ip))
    if len(found) > MAX_ADDRESSES:
        raise ValueError(f"more than {MAX_ADDRESSES} addresses")
    return tuple(found)


def candidates(addresses: tuple[str, ...], port: int) -> list[str]:
    """SDP lines of the host candidates, the preferred address first.

    Each has a local preference and a foundation of its own (RFC 8445 sections 5.1.2.1 and 5.1.1.3): which family comes first when
    a peer has both (RFC 8421 section 4) is for whoever listed the addresses to say.
    """
    return [
        f"a=candidate:{number} 1 udp {_HOST | (65536 - number) << 8 | 255} {address} {port} typ host"
        for number, address in enumerate(addresses, 1)
    ]
