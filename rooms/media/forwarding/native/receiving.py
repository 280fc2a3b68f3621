"""The loop over datagrams that come: what may pass is sent on, all else is for Python. Plain Python on integers like :mod:`sending`;
`tray` is the address of an inbox, `box` that of an outbox (:mod:`layout`).
"""

from __future__ import annotations

from .counting import account, loudness
from .layout import (
    ALARM,
    ATTENTION,
    BATCH,
    BOX,
    BUCKETS,
    CLOCK,
    COMPLETE,
    DUE,
    EAGAIN,
    ELSE,
    EPOLL_WAIT,
    ERRNO,
    EVENT_DESCRIPTOR,
    EVENTS,
    FAULT,
    FIXED_HEADER,
    FLOW_BYTES,
    FLOW_COUNT,
    FLOW_FRAMES,
    FLOW_FROM,
    FLOW_GROUP,
    FLOW_LEVEL,
    FLOW_NEXT,
    FLOW_NUMBER,
    FLOW_RING,
    FLOW_SOON,
    FLOW_SSRC,
    FLOW_STREAM,
    FLOW_TYPE,
    FREE,
    HEADER,
    IN_CAPACITY,
    IN_HEADERS,
    IN_NAME_LENGTH,
    IN_SLOTS,
    KEPT,
    LEFT,
    LONG_PASSED_NS,
    MANY_PASSED,
    MAX_PACKET,
    MEMMOVE,
    MONOTONIC,
    MONOTONIC_NS,
    MOST_BATCHES,
    MOST_EVENTS,
    MOST_PASSED,
    MSG_DONTWAIT,
    NAMES,
    NOTHING,
    OTHER_COUNT,
    OTHERS,
    PASSED_COUNT,
    PASSES,
    PLACE,
    PLACE_AT,
    PLACE_LEVEL,
    PLACE_NS,
    PLACE_NUMBER,
    PLACE_REAL_US,
    PLACE_SIZE,
    PLAIN,
    POLLED,
    READY,
    REAL_US,
    REALTIME,
    RECEIVED,
    RECVMMSG,
    RING_DATA,
    RING_OCTETS,
    RING_PLACES,
    RING_PUT,
    SINCE,
    SLOT,
    SOCKET,
    STAYS,
    TABLE,
    TAKEN,
    TIMESPEC,
    TOLD,
    TOLD_COUNT,
    TOOLS,
    TURNED,
    WAITING,
    WITHIN,
    WORD,
)
from .memory import error_number, exchange, get8, get16, get32, get64, move, put8, put64, tell_time
from .sending import add, flush, queue, settle
from .srtp import swapped16, swapped32, unprotect


def turn(tray: int) -> int:
    """Take all datagrams that wait, and send on what may pass without Python. Stops behind the batch that has something for Python:
    there are `OTHERS` then, and nothing was sent yet. `tray` is the address of an inbox.

    What passes is exactly the next packet of an open flow, from where that comes from, in order, with a payload and no padding. All else
    is for Python, and so is everything more of that flow until Python opens it again.
    """
    box = get64(tray + BOX)
    if get64(box + WAITING) == 0:
        put64(tray + FREE, 0)
    put64(tray + OTHER_COUNT, 0)
    put64(tray + FAULT, 0)
    put64(tray + ATTENTION, 0)
    for _ in range(MOST_BATCHES):
        if get64(tray + FREE) + BATCH > IN_CAPACITY:
            settle(box)
            put64(tray + FREE, 0)
        start = get64(tray + FREE)
        headers = get64(tray + IN_HEADERS) + HEADER * start
        taken = exchange(get64(tray + RECVMMSG), get64(tray + SOCKET), headers, BATCH, MSG_DONTWAIT)
        if taken <= 0:
            if taken < 0:
                put64(tray + FAULT, error_number(get64(box + ERRNO)))
                # The usual end: nothing more waits.
                put64(tray + ATTENTION, 0 if get64(tray + FAULT) == EAGAIN else 1)
            put64(tray + LEFT, get64(tray + ATTENTION))
            break
        put64(tray + LEFT, 1 if taken == BATCH else 0)
        note_time(tray)
        put64(tray + FREE, start + taken)
        add(tray + TAKEN, taken)
        others, count, more = get64(tray + OTHERS), 0, get64(tray + LEFT)
        for slot in range(start, start + taken):
            put64(get64(tray + PLAIN) + WORD * slot, 0)
            became = passes(tray, box, slot)
            if became == STAYS:
                put64(others + WORD * count, slot)
                count += 1
            elif became == WITHIN:
                more = 1
            elif became == COMPLETE:
                more = get64(tray + LEFT)
        if count > 0:
            put64(tray + OTHER_COUNT, count)
            put64(tray + ATTENTION, 1)
            return 0
        if more == 0:
            # Nothing that belongs to these is on its way, so that to look again costs more than it would find.
            break
    flush(box)
    since = get64(tray + SINCE)
    if get64(tray + PASSED_COUNT) >= MANY_PASSED or (since > 0 and get64(tray + MONOTONIC_NS) - since >= LONG_PASSED_NS):
        put64(tray + DUE, 1)
        put64(tray + ATTENTION, 1)
    return 0


def watch(tray: int, wait: int) -> int:
    """Wait until there is something for Python to do, or with 0 only look, and say so in `READY`. Meanwhile what may pass does.

    Most wake-ups of a worker are for such packets alone: none of them costs a turn of Python's event loop.
    """
    put64(tray + READY, NOTHING)
    while True:
        # An event tells once of what came: what was not taken then is seen to first, but after all other descriptors.
        again = get64(tray + LEFT)
        limit_ms = 0 if again != 0 or wait == 0 else -1
        ready = exchange(get64(tray + EPOLL_WAIT), get64(tray + POLLED), get64(tray + EVENTS), MOST_EVENTS, limit_ms)
        if ready < 0 or (ready == 0 and again == 0):
            break
        if ready == 1 and get32(get64(tray + EVENTS) + EVENT_DESCRIPTOR) == get64(tray + ALARM):
            break
        if ready > 1 or (ready == 1 and get32(get64(tray + EVENTS) + EVENT_DESCRIPTOR) != get64(tray + SOCKET)):
            put64(tray + LEFT, 1)
            put64(tray + READY, ELSE)
            break
        turn(tray)
        if get64(tray + ATTENTION) != 0:
            put64(tray + READY, TURNED)
            break
    return 0


def note_time(tray: int) -> int:
    """Note when a batch came."""
    tell_time(get64(tray + CLOCK), REALTIME, tray + TIMESPEC)
    put64(tray + REAL_US, get64(tray + TIMESPEC) * 1_000_000 + get64(tray + TIMESPEC + WORD) // 1000)
    tell_time(get64(tray + CLOCK), MONOTONIC, tray + TIMESPEC)
    put64(tray + MONOTONIC_NS, get64(tray + TIMESPEC) * 1_000_000_000 + get64(tray + TIMESPEC + WORD))
    return 0


def bucket(ssrc: int) -> int:
    """The place of a source in the table of flows."""
    return (ssrc ^ ssrc >> 10 ^ ssrc >> 20) & (BUCKETS - 1)


def same(one: int, other: int, size: int) -> int:
    """1 if so many bytes are equal; `size` is a multiple of four."""
    for at in range(0, size, 4):
        if get32(one + at) != get32(other + at):
            return 0
    return 1


def passes(tray: int, box: int, slot: int) -> int:
    """Send a datagram on, or leave it for Python: what became of it."""
    start, size = get64(tray + IN_SLOTS) + SLOT * slot, get32(get64(tray + IN_HEADERS) + HEADER * slot + RECEIVED)
    # Version 2, no padding, no contributing sources; the second byte tells RTCP (RFC 5761 section 4).
    if size < FIXED_HEADER or size > MAX_PACKET or get8(start) & 0xEF != 0x80 or 192 <= get8(start + 1) <= 223:
        return STAYS
    ssrc = swapped32(get32(start + 8))
    place = get64(tray + TABLE) + WORD * bucket(ssrc)
    flow, length = get64(place), get64(tray + IN_NAME_LENGTH)
    if flow == 0 or get64(flow + FLOW_SSRC) != ssrc or same(flow + FLOW_FROM, get64(tray + NAMES) + length * slot, length) == 0:
        return STAYS
    number = swapped16(get16(start + 2))
    if get8(start + 1) & 0x7F != get64(flow + FLOW_TYPE) or number != get64(flow + FLOW_NEXT) or full(tray, flow, size) == 1:
        put64(place, 0)
        return STAYS
    plain = unprotect(get64(box + TOOLS), get64(flow + FLOW_STREAM), start, size)
    if plain < 0:
        # Forged, or replayed: Python finds the same, and counts it.
        return STAYS
    extension = 0
    if get8(start) & 0x10 != 0:
        extension = 4 + 4 * swapped16(get16(start + FIXED_HEADER + 2)) if plain >= FIXED_HEADER + 4 else plain
    if FIXED_HEADER + extension >= plain:
        put64(get64(tray + PLAIN) + WORD * slot, plain)
        put64(place, 0)
        return STAYS
    level = loudness(start, get64(flow + FLOW_LEVEL)) if extension > 0 else -1
    # The header goes to where the extension ends: ids are agreed hop by hop (RFC 8285 section 4.1).
    if extension > 0:
        move(get64(box + MEMMOVE), start + extension, start, FIXED_HEADER)
        put8(start + extension, 0x80)
    keep(tray, flow, start + extension, plain - extension, level)
    account(tray, flow, start + extension, plain - extension)
    add(flow + FLOW_BYTES, plain)
    if get64(get64(flow + FLOW_GROUP)) > 0:
        queue(box, start + extension, plain - extension, get64(flow + FLOW_GROUP))
    put64(flow + FLOW_NEXT, (number + 1) & 0xFFFF)
    if get64(flow + FLOW_FRAMES) == 0:
        return PASSES
    return COMPLETE if get8(start + extension + 1) & 0x80 != 0 else WITHIN


def full(tray: int, flow: int, size: int) -> int:
    """1 if Python has to be told of what passed before another packet may: all of that is still to be kept then."""
    room = get64(get64(flow + FLOW_RING) + RING_OCTETS) // 2
    return 1 if get64(tray + PASSED_COUNT) == MOST_PASSED or get64(flow + FLOW_BYTES) + size > room else 0


def keep(tray: int, flow: int, start: int, size: int, level: int) -> int:
    """Keep the next packet of a flow, for who asks for it again, and for Python, which is to be told."""
    ring, number = get64(flow + FLOW_RING), get64(flow + FLOW_NEXT)
    put, octets = get64(ring + RING_PUT), get64(ring + RING_OCTETS)
    at = put % octets
    if at + size > octets:
        put += octets - at
        at = 0
    move(get64(get64(tray + BOX) + MEMMOVE), get64(ring + RING_DATA) + at, start, size)
    put64(ring + RING_PUT, put + size)
    place = ring + RING_PLACES + PLACE * (number & (KEPT - 1))
    put64(place + PLACE_NUMBER, number + 1)
    put64(place + PLACE_AT, put)
    put64(place + PLACE_SIZE, size)
    put64(place + PLACE_REAL_US, get64(tray + REAL_US))
    put64(place + PLACE_NS, get64(tray + MONOTONIC_NS))
    put64(place + PLACE_LEVEL, level)
    if get64(flow + FLOW_COUNT) == 0:
        put64(get64(tray + TOLD) + WORD * get64(tray + TOLD_COUNT), get64(flow + FLOW_NUMBER))
        add(tray + TOLD_COUNT, 1)
    add(flow + FLOW_COUNT, 1)
    add(tray + PASSED_COUNT, 1)
    if get64(flow + FLOW_SOON) != 0 and get64(tray + SINCE) == 0:
        put64(tray + SINCE, get64(tray + MONOTONIC_NS))
    return 0
