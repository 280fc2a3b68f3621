"""SRTP: RFC 3711 with AES-CM and HMAC-SHA1-80, RFC 7714 with AES-GCM. Plain Python on integers like :mod:`sending`.

The keys of an association are a row for each way (:data:`KIND` and on), and so is each stream of it, by its SSRC: how far it is, and what
of its last packets went out, or came.

Of what goes out the last :data:`WINDOW` packets are remembered. **No packet index is used for two different packets**, and none that is
older than that window at all: with GCM a second use would give the keys away. A packet that went out may go out once more as it was, which
is how sound without a repair stream is sent again; that it is the same is known by its tag. Of what comes no packet is taken twice.

`tools` is where the functions of OpenSSL are, and room to work in (:mod:`layout`).
"""

from __future__ import annotations

from .layout import (
    AUTH_FAIL,
    BAD_PARAMETER,
    CAME,
    CAME_WINDOW,
    CIPHER,
    CIPHER_CONTROL,
    CIPHER_FAIL,
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
    KEY_EXPIRED,
    KEYS,
    KIND,
    LENGTH,
    MARKS,
    MEMORY_MOVE,
    NONCE,
    OPEN_FINAL,
    OPEN_INIT,
    OPEN_UPDATE,
    OUTER,
    OWN_SESSION,
    PADDING,
    PARAMETER_DATA,
    PARSE_ERROR,
    REPLAY_FAIL,
    REPLAY_OLD,
    SRTP_PROTECT,
    SRTP_UNPROTECT,
    TAG_PARAMETERS,
    TAIL,
    TOOLS_NONCE,
    WINDOW,
    WORD,
)
from .memory import begin, begin_tagged, control, get8, get16, get32, get64, move, put16, put32, put64, transform, update


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
    cipher, nonce = get64(keys + CIPHER), tools + TOOLS_NONCE
    set_nonce(nonce, stream, kind, index)
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


def set_nonce(nonce: int, stream: int, kind: int, index: int) -> int:
    """The nonce of a packet: a salt, the source and the index, where each kind has them (RFC 3711 section 4.1.1, RFC 7714 section 8.1)."""
    at, own = 6 if kind == GCM else 8, stream + NONCE
    put64(nonce, get64(own))
    put64(nonce + WORD, get64(own + WORD))
    put32(nonce + at, get32(own + at) ^ swapped32(index >> 16))
    put16(nonce + at + 4, get16(own + at + 4) ^ swapped16(index & 0xFFFF))
    return 0


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
    if finish(tools, keys) == 0:
        return 0
    put32(slot + size, swapped32(get32(state)))
    put32(slot + size + 4, swapped32(get32(state + 4)))
    put16(slot + size + 8, swapped16(get32(state + 8) >> 16))
    return HMAC_TAG


def finish(tools: int, keys: int) -> int:
    """The outer half of an HMAC whose inner half is hashed: 1, or 0 if that failed."""
    state = tools + HASH
    for word in range(5):
        put32(tools + DIGEST + 4 * word, swapped32(get32(state + 4 * word)))
    go_on(state, keys + OUTER)
    return transform(get64(tools + HASH_UPDATE), state, tools + DIGEST, HASH_BLOCK)


def go_on(state: int, kept: int) -> int:
    """SHA-1 goes on from a kept state of 20 bytes."""
    put64(state, get64(kept))
    put64(state + 8, get64(kept + 8))
    put32(state + 16, get32(kept + 16))
    return 0


# -- what comes in


def came(stream: int, index: int) -> int:
    """0: a packet of this index may come. Else why not: it came already, or it is older than what is remembered (RFC 3711 section
    3.3.2)."""
    behind = get64(stream + INDEX) - index
    if behind < 0:
        return 0 if index >> 48 == 0 else KEY_EXPIRED
    if behind >= CAME_WINDOW:
        return REPLAY_OLD
    return REPLAY_FAIL if get32(word_of(stream, index)) >> (index & 31) & 1 != 0 else 0


def word_of(stream: int, index: int) -> int:
    """Where the bit of an index within the window is."""
    return stream + CAME + (index >> 3 & CAME_WINDOW // 8 - 4)


def note(stream: int, index: int) -> int:
    """The packet of this index came, from now on."""
    highest = get64(stream + INDEX)
    if index > highest:
        skipped = highest + 1 if index - highest < CAME_WINDOW else index - CAME_WINDOW + 1
        while skipped < index:
            place = word_of(stream, skipped)
            put32(place, get32(place) & ~(1 << (skipped & 31)))
            skipped += 1
        put64(stream + INDEX, index)
    place = word_of(stream, index)
    put32(place, get32(place) | 1 << (index & 31))
    return 0


def unprotect(tools: int, stream: int, start: int, size: int) -> int:
    """Take protection off an RTP packet of `size` bytes in its place, if it is genuine and new: its length then, or minus libsrtp's
    status for why not. Of a stream nothing is changed before a packet is found genuine; what is refused as replayed is left as it came."""
    header, keys = header_size(start, size), get64(stream + KEYS)
    kind = get64(keys + KIND)
    if kind != GCM and kind != COUNTER_MODE:
        put64(tools + LENGTH, size)
        status = transform(get64(tools + SRTP_UNPROTECT), get64(keys + OWN_SESSION), start, tools + LENGTH)
        return get64(tools + LENGTH) if status == 0 else -status
    if header == 0:
        return -BAD_PARAMETER
    index = packet_index(get64(stream + INDEX), swapped16(get16(start + 2)))
    status = came(stream, index)
    if status != 0:
        return -status
    length = size - (GCM_TAG if kind == GCM else HMAC_TAG)
    if header > length:
        return -(PARSE_ERROR if length >= 0 else CIPHER_FAIL)
    nonce = tools + TOOLS_NONCE
    set_nonce(nonce, stream, kind, index)
    if kind == GCM:
        status = unseal(tools, get64(keys + CIPHER), start, header, length)
    else:
        status = verify(tools, keys, start, length, index >> 16)
        if status == 0:
            status = decipher(tools, get64(keys + CIPHER), start + header, length - header)
    if status != 0:
        return -status
    note(stream, index)
    return length


def open_at(tools: int, stream: int, start: int, size: int) -> int:
    """The same for Python, which finds what came of it in `LENGTH`."""
    put64(tools + LENGTH, unprotect(tools, stream, start, size))
    return 0


def unseal(tools: int, cipher: int, start: int, header: int, length: int) -> int:
    """A packet by AES-GCM (RFC 7714 section 8), `length` bytes without its tag: 0, or why not. One that is refused is spoiled."""
    put64(tools + TAG_PARAMETERS + PARAMETER_DATA, start + length)
    if begin_tagged(get64(tools + OPEN_INIT), cipher, tools + TOOLS_NONCE, tools + TAG_PARAMETERS) != 1:
        return CIPHER_FAIL
    if update(get64(tools + OPEN_UPDATE), cipher, 0, tools + LENGTH, start, header) != 1:
        return CIPHER_FAIL
    if update(get64(tools + OPEN_UPDATE), cipher, start + header, tools + LENGTH, start + header, length - header) != 1:
        return CIPHER_FAIL
    # It compares the tags in constant time.
    return 0 if transform(get64(tools + OPEN_FINAL), cipher, start + length, tools + LENGTH) == 1 else AUTH_FAIL


def decipher(tools: int, cipher: int, start: int, size: int) -> int:
    """A payload by AES-CM (RFC 3711 section 4.1.1): 0, or why not."""
    if begin(get64(tools + CIPHER_INIT), cipher, tools + TOOLS_NONCE) != 1:
        return CIPHER_FAIL
    return 0 if update(get64(tools + CIPHER_UPDATE), cipher, start, tools + LENGTH, start, size) == 1 else CIPHER_FAIL


def verify(tools: int, keys: int, start: int, length: int, rounds: int) -> int:
    """Whether the HMAC behind the `length` bytes of a packet is that of them and the rollover counter (RFC 3711 section 4.2), in constant
    time: 0, or why not. The packet is left as it came: what is behind its last whole block is hashed elsewhere."""
    state, tail, whole = tools + HASH, tools + TAIL, length & ~63
    rest = length - whole
    padded = rest + 4 + 9 + 63 & ~63
    go_on(state, keys + INNER)
    if whole > 0 and transform(get64(tools + HASH_UPDATE), state, start, whole) != 1:
        return CIPHER_FAIL
    move(get64(tools + MEMORY_MOVE), tail, start + whole, rest)
    put32(tail + rest, swapped32(rounds))
    move(get64(tools + MEMORY_MOVE), tail + rest + 4, tools + PADDING, padded - rest - 4)
    put32(tail + padded - 4, swapped32(8 * (HASH_BLOCK + length + 4)))
    if transform(get64(tools + HASH_UPDATE), state, tail, padded) != 1 or finish(tools, keys) != 1:
        return CIPHER_FAIL
    tag = start + length
    differs = get32(tag) ^ swapped32(get32(state)) | get32(tag + 4) ^ swapped32(get32(state + 4))
    return 0 if differs | get16(tag + 8) ^ swapped16(get32(state + 8) >> 16) == 0 else AUTH_FAIL
