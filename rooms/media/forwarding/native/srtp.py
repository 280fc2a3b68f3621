"""Outgoing RTP, protected: RFC 3711 with AES-CM and HMAC-SHA1-80, RFC 7714 with AES-GCM. Plain Python on integers like :mod:`sending`.

The keys of an association are a row (:data:`KIND` and on), and so is each stream of it, by its SSRC: how far it is, and what of the last
:data:`WINDOW` packets went out. **No packet index is used for two different packets**, and none that is older than that window at all:
with GCM a second use would give the keys away. A packet that went out may go out once more as it was, which is how sound without a
repair stream is sent again; that it is the same is known by its tag.

`tools` is where the functions of OpenSSL are, and room to work in (:mod:`layout`).
"""

from __future__ import annotations

from .layout import (
    CIPHER,
    CIPHER_CONTROL,
    CIPHER_FINAL,
    CIPHER_INIT,
    CIPHER_UPDATE,
    COUNTER_MODE,
    DIGEST,
    FIXED_HEADER,
    GCM,
    GCM_TAG,
    GET_TAG,
    HASH,
    HASH_BLOCK,
    HASH_UPDATE,
    HMAC_TAG,
    INDEX,
    INNER,
    KEYS,
    KIND,
    LENGTH,
    MARKS,
    MEMORY_MOVE,
    NONCE,
    OUTER,
    OWN_SESSION,
    PADDING,
    SRTP_PROTECT,
    TOOLS_NONCE,
    WINDOW,
    WORD,
)
from .memory import begin, control, get8, get16, get32, get64, move, put16, put32, put64, transform, update


def swapped16(value: int) -> int:
    """Two bytes in network order, and back."""
    return value >> 8 & 0xFF | (value & 0xFF) << 8


def swapped32(value: int) -> int:
    """Four bytes in network order, and back."""
    return value >> 24 & 0xFF | value >> 8 & 0xFF00 | (value & 0xFF00) << 8 | (value & 0xFF) << 24


def header_size(packet: int, size: int) -> int:
    """Bytes of an RTP header with its sources and its extension (RFC 3550 section 5.1); 0 if the packet is shorter."""
    first = get8(packet)
    if size < FIXED_HEADER:
        return 0
    length = FIXED_HEADER + 4 * (first & 0x0F)
    if first & 0x10 != 0:
        if length + 4 > size:
            return 0
        length += 4 + 4 * swapped16(get16(packet + length + 2))
    return length if length <= size else 0


def packet_index(highest: int, number: int) -> int:
    """RFC 3711 section 3.3.1 and appendix A: which index a sequence number stands for. Before the very first one there is none: what would
    be is of the first round, as libsrtp has it at the other end too."""
    rounds, last = highest >> 16, highest & 0xFFFF
    if last < 0x8000:
        if number - last > 0x8000 and rounds > 0:
            rounds -= 1
    elif last - 0x8000 > number:
        rounds += 1
    return rounds << 16 | number


def mark_of(stream: int, index: int) -> int:
    """Where the mark of an index within the window is: 0 if it was not used."""
    return stream + MARKS + 4 * (index & (WINDOW - 1))


def used(stream: int, index: int) -> int:
    """0: this index was never used. Else the mark of the packet that it was used for, and may be once more; -1: it may not."""
    highest = get64(stream + INDEX)
    if index > highest:
        return 0 if index >> 48 == 0 else -1
    return get32(mark_of(stream, index)) if highest - index < WINDOW else -1


def use(stream: int, index: int, mark: int) -> int:
    """This index is used, from now on."""
    highest = get64(stream + INDEX)
    if index > highest:
        skipped = highest + 1 if index - highest < WINDOW else index - WINDOW + 1
        while skipped < index:
            put32(mark_of(stream, skipped), 0)
            skipped += 1
        put64(stream + INDEX, index)
    put32(mark_of(stream, index), mark)
    return 0


def protect(tools: int, stream: int, source: int, slot: int, size: int) -> int:
    """An RTP packet of `size` bytes whose header is in the `slot` and whose payload is in `source` (the same, or somewhere else), into the
    slot: its length then, or 0 if it may not go out. The slot has room for 128 bytes more."""
    header, keys = header_size(slot, size), get64(stream + KEYS)
    if header == 0:
        return 0
    kind = get64(keys + KIND)
    if kind != GCM and kind != COUNTER_MODE:
        if source != slot:
            move(get64(tools + MEMORY_MOVE), slot + header, source + header, size - header)
        put64(tools + LENGTH, size)
        return get64(tools + LENGTH) if transform(get64(tools + SRTP_PROTECT), get64(keys + OWN_SESSION), slot, tools + LENGTH) == 0 else 0
    number = swapped16(get16(slot + 2))
    index = packet_index(get64(stream + INDEX), number)
    before = used(stream, index)
    if before < 0:
        return 0
    # The nonce: a salt, the source and the index, where each kind has them (RFC 3711 section 4.1.1, RFC 7714 section 8.1).
    at = 6 if kind == GCM else 8
    nonce, own, cipher = tools + TOOLS_NONCE, stream + NONCE, get64(keys + CIPHER)
    put64(nonce, get64(own))
    put64(nonce + WORD, get64(own + WORD))
    put32(nonce + at, get32(own + at) ^ swapped32(index >> 16))
    put16(nonce + at + 4, get16(own + at + 4) ^ swapped16(number))
    if begin(get64(tools + CIPHER_INIT), cipher, nonce) != 1:
        return 0
    tag = seal(tools, cipher, slot, source, header, size) if kind == GCM else sign(tools, keys, slot, source, header, size, index >> 16)
    if tag == 0:
        return 0
    mark = get32(slot + size) | 1
    if before == 0:
        use(stream, index, mark)
    elif before != mark:
        return 0
    return size + tag


def seal(tools: int, cipher: int, slot: int, source: int, header: int, size: int) -> int:
    """A packet by AES-GCM (RFC 7714 section 8): the length of its tag, 0 if that failed."""
    if update(get64(tools + CIPHER_UPDATE), cipher, 0, tools + LENGTH, slot, header) != 1:
        return 0
    if update(get64(tools + CIPHER_UPDATE), cipher, slot + header, tools + LENGTH, source + header, size - header) != 1:
        return 0
    if transform(get64(tools + CIPHER_FINAL), cipher, slot + size, tools + LENGTH) != 1:
        return 0
    return GCM_TAG if control(get64(tools + CIPHER_CONTROL), cipher, GET_TAG, GCM_TAG, slot + size) == 1 else 0


def sign(tools: int, keys: int, slot: int, source: int, header: int, size: int, rounds: int) -> int:
    """A packet by AES-CM, and its HMAC (RFC 2104) with the rollover counter (RFC 3711 section 4.2): the length of its tag, 0 if that
    failed.

    What SHA-1 puts behind its data (FIPS 180-4 section 5.1.1) is put there here, so that whole blocks are hashed where they lie.
    """
    if update(get64(tools + CIPHER_UPDATE), get64(keys + CIPHER), slot + header, tools + LENGTH, source + header, size - header) != 1:
        return 0
    length, state = size + 4, tools + HASH
    whole = length + 9 + 63 & ~63
    put32(slot + size, swapped32(rounds))
    move(get64(tools + MEMORY_MOVE), slot + length, tools + PADDING, whole - length)
    put32(slot + whole - 4, swapped32(8 * (HASH_BLOCK + length)))
    go_on(state, keys + INNER)
    if transform(get64(tools + HASH_UPDATE), state, slot, whole) != 1:
        return 0
    for word in range(5):
        put32(tools + DIGEST + 4 * word, swapped32(get32(state + 4 * word)))
    go_on(state, keys + OUTER)
    if transform(get64(tools + HASH_UPDATE), state, tools + DIGEST, HASH_BLOCK) != 1:
        return 0
    put32(slot + size, swapped32(get32(state)))
    put32(slot + size + 4, swapped32(get32(state + 4)))
    put16(slot + size + 8, swapped16(get32(state + 8) >> 16))
    return HMAC_TAG


def go_on(state: int, kept: int) -> int:
    """SHA-1 goes on from a kept state of 20 bytes."""
    put64(state, get64(kept))
    put64(state + 8, get64(kept + 8))
    put32(state + 16, get32(kept + 16))
    return 0
