"""The loops over packets and viewers. Plain Python on integers; :mod:`translate` makes machine code of every function here.

So each of them takes and returns integers only, and calls nothing but one another and :mod:`memory`. `box` is the address of an
outbox, `tray` that of an inbox (:mod:`layout`). Nothing here keeps an address beyond a flush, but those in `box` itself.
"""

from __future__ import annotations

from .layout import (
    ATTENTION,
    BATCH,
    BOX,
    BUCKETS,
    CAPACITY,
    CLOCK,
    COMPLETE,
    CONTROL,
    CONTROL_LENGTH,
    DESCRIPTOR,
    DESTINATION,
    DESTINATIONS,
    DUE,
    EAGAIN,
    ELSE,
    ENTRIES,
    ENTRY,
    ENTRY_GROUP,
    ENTRY_PACKET,
    ENTRY_SIZE,
    EPOLL_WAIT,
    ERRNO,
    EVENT_DESCRIPTOR,
    EVENTS,
    FAILED,
    FAULT,
    FIXED_HEADER,
    FLOW_AT,
    FLOW_BEGINS,
    FLOW_BYTES,
    FLOW_FRAMES,
    FLOW_FROM,
    FLOW_GROUP,
    FLOW_HZ,
    FLOW_JITTER,
    FLOW_KEYS,
    FLOW_LEVEL,
    FLOW_MARKS,
    FLOW_NEXT,
    FLOW_NUMBER,
    FLOW_OCTETS,
    FLOW_SESSION,
    FLOW_SOON,
    FLOW_SSRC,
    FLOW_TIMESTAMP,
    FLOW_TYPE,
    FREE,
    GROUP_TARGETS,
    H264_KEYS,
    HEAD,
    HEAD_PACKET,
    HEAD_SEQ,
    HEAD_SIZE,
    HEAD_TIMESTAMP,
    HEADER,
    HEADERS,
    HEADS,
    IN_CAPACITY,
    IN_HEADERS,
    IN_NAME_LENGTH,
    IN_SLOTS,
    IN_VECTORS,
    JITTER_PARTS,
    LEFT,
    LONG_APART_NS,
    LONG_PASSED_NS,
    MADE,
    MANY_PASSED,
    MAX_PACKET,
    MAX_SEGMENTS,
    MEMMOVE,
    MESSAGES,
    MONOTONIC,
    MONOTONIC_NS,
    MOST_BATCHES,
    MOST_EVENTS,
    MOST_PASSED,
    MOST_TOGETHER,
    MOST_WAITING,
    MSG_DONTWAIT,
    NAME,
    NAMES,
    NOTE,
    NOTE_FLOW,
    NOTE_LEVEL,
    NOTE_NS,
    NOTE_REAL_US,
    NOTE_SIZE,
    NOTES,
    NOTHING,
    OTHER_COUNT,
    OTHERS,
    PASSED,
    PASSED_COUNT,
    PASSES,
    PAYLOAD_TYPE,
    PLAIN,
    POLLED,
    PROTECT_RTCP,
    READY,
    REAL_US,
    REALTIME,
    RECEIVED,
    RECVMMSG,
    RUNS,
    SEGMENT_LENGTH,
    SEGMENTS,
    SENDMMSG,
    SENT,
    SEQ_OFFSET,
    SINCE,
    SINGLY,
    SLOT,
    SLOTS,
    SOCKET,
    SOCKET_ADDRESS,
    STAYS,
    STREAM,
    STREAM_SSRC,
    TABLE,
    TAKEN,
    TIMESPEC,
    TOOLS,
    TS_OFFSET,
    TURNED,
    UNPROTECT,
    USED,
    VECTOR,
    VECTOR_COUNT,
    VECTOR_LENGTH,
    VECTORS,
    VECTORS_OF,
    VP8_KEYS,
    WAITING,
    WHOLE,
    WITHIN,
    WORD,
)
from .memory import error_number, exchange, get8, get16, get32, get64, move, put8, put16, put32, put64, tell_time, transform
from .srtp import header_size, protect, swapped16, swapped32


def add(address: int, number: int) -> int:
    """Count."""
    put64(address, get64(address) + number)
    return 0


def queue(box: int, packet: int, size: int, group: int) -> int:
    """A copy of the RTP packet goes to each target of the group. It has to stay where it is until :func:`settle` or :func:`flush`."""
    if get64(box + WAITING) == get64(box + MOST_WAITING):
        settle(box)
    waiting = get64(box + WAITING)
    entry = get64(box + ENTRIES) + ENTRY * waiting
    put64(entry + ENTRY_PACKET, packet)
    put64(entry + ENTRY_SIZE, size)
    put64(entry + ENTRY_GROUP, group)
    put64(box + WAITING, waiting + 1)
    return 0


def settle(box: int) -> int:
    """Make the copies of what is queued: of all packets that go to the same group, those for one target in a row."""
    waiting, entries, heads = get64(box + WAITING), get64(box + ENTRIES), get64(box + HEADS)
    put64(box + WAITING, 0)
    for first in range(waiting):
        if get64(entries + ENTRY * first + ENTRY_PACKET) == 0:
            continue
        group, count = get64(entries + ENTRY * first + ENTRY_GROUP), 0
        for number in range(first, waiting):
            entry = entries + ENTRY * number
            packet = get64(entry + ENTRY_PACKET)
            if packet == 0 or get64(entry + ENTRY_GROUP) != group:
                continue
            if count == MOST_TOGETHER:
                copies(box, count, group)
                count = 0
            head = heads + HEAD * count
            put64(head + HEAD_PACKET, packet)
            put64(head + HEAD_SIZE, get64(entry + ENTRY_SIZE))
            put64(head + HEAD_SEQ, swapped16(get16(packet + 2)))
            put64(head + HEAD_TIMESTAMP, swapped32(get32(packet + 4)))
            put64(entry + ENTRY_PACKET, 0)
            count += 1
        copies(box, count, group)
    return 0


def divide(box: int, count: int) -> int:
    """How the packets in `HEADS` are put into messages: at the first of each run its length. All in a run are of one size; the last may
    be smaller."""
    heads, runs, begin = get64(box + HEADS) + HEAD_SIZE, get64(box + RUNS), 0
    for number in range(1, count + 1):
        if (
            number == count
            or get64(heads + HEAD * number) > get64(heads + HEAD * begin)
            or get64(heads + HEAD * (number - 1)) < get64(heads + HEAD * begin)
            or number - begin == MAX_SEGMENTS
        ):
            put64(runs + WORD * begin, number - begin)
            begin = number
    return 0


def copies(box: int, count: int, group: int) -> int:
    """Copies of the `count` packets in `HEADS` for each target of the group, protected, in messages."""
    divide(box, count)
    heads, runs, segments = get64(box + HEADS), get64(box + RUNS), get64(box + SEGMENTS)
    for number in range(get64(group)):
        target = get64(group + GROUP_TARGETS + WORD * number)
        if get64(target + STREAM) == 0:
            continue
        if get64(box + USED) + count > get64(box + CAPACITY):
            transmit(box)
        start = get64(box + USED)
        for packet in range(count):
            copy(box, heads + HEAD * packet, target)
        destination, made = get64(target + DESTINATION), get64(box + USED) - start
        whole, begin = made == count and segments != 0 and get64(destination + WHOLE) != 0, 0
        while begin < made:
            length = get64(runs + WORD * begin) if whole else 1
            message(box, start + begin, length, destination)
            begin += length
    return 0


def copy(box: int, head: int, target: int) -> int:
    """One packet for one target: renumbered and protected in the next slot, if that succeeds."""
    used, packet, size, stream = get64(box + USED), get64(head + HEAD_PACKET), get64(head + HEAD_SIZE), get64(target + STREAM)
    slot = get64(box + SLOTS) + SLOT * used
    put8(slot, get8(packet))
    put8(slot + 1, get8(packet + 1) & 0x80 | get64(target + PAYLOAD_TYPE))
    put16(slot + 2, swapped16(get64(head + HEAD_SEQ) + get64(target + SEQ_OFFSET)))
    put32(slot + 4, swapped32(get64(head + HEAD_TIMESTAMP) + get64(target + TS_OFFSET)))
    put32(slot + 8, swapped32(get64(stream + STREAM_SSRC)))
    more = header_size(packet, size) - FIXED_HEADER
    if more > 0:
        move(get64(box + MEMMOVE), slot + FIXED_HEADER, packet + FIXED_HEADER, more)
    return take(box, protect(get64(box + TOOLS), stream, packet, slot, size) if more >= 0 else 0)


def take(box: int, size: int) -> int:
    """The next slot holds a protected packet of so many bytes, which goes out: 1. If it is 0, none: that is counted."""
    used = get64(box + USED)
    if size == 0:
        add(box + FAILED, 1)
        return 0
    put64(get64(box + VECTORS) + VECTOR * used + VECTOR_LENGTH, size)
    put64(box + USED, used + 1)
    return 1


def message(box: int, slot: int, count: int, destination: int) -> int:
    """The next message: `count` slots from `slot` on."""
    made, vector = get64(box + MADE), get64(box + VECTORS) + VECTOR * slot
    header = get64(box + HEADERS) + HEADER * made
    put64(header + NAME, destination + SOCKET_ADDRESS)
    put64(header + VECTORS_OF, vector)
    put64(header + VECTOR_COUNT, count)
    if count > 1:
        put64(header + CONTROL, get64(box + SEGMENTS) + get64(box + SEGMENT_LENGTH) * get64(vector + VECTOR_LENGTH))
        put64(header + CONTROL_LENGTH, get64(box + SEGMENT_LENGTH))
    else:
        put64(header + CONTROL, 0)
        put64(header + CONTROL_LENGTH, 0)
    put64(get64(box + DESTINATIONS) + WORD * made, destination)
    put64(box + MADE, made + 1)
    return 0


def single(box: int, packet: int, size: int, stream: int, destination: int) -> int:
    """One complete RTP packet of the stream."""
    slot = room(box)
    header = header_size(packet, size)
    move(get64(box + MEMMOVE), slot, packet, header)
    if take(box, protect(get64(box + TOOLS), stream, packet, slot, size) if header > 0 else 0) == 1:
        message(box, get64(box + USED) - 1, 1, destination)
    return 0


def single_rtcp(box: int, packet: int, size: int, session: int, destination: int) -> int:
    """One RTCP packet, protected by the session."""
    slot, used = room(box), get64(box + USED)
    length = get64(box + VECTORS) + VECTOR * used + VECTOR_LENGTH
    move(get64(box + MEMMOVE), slot, packet, size)
    put64(length, size)
    if take(box, get64(length) if transform(get64(box + PROTECT_RTCP), session, slot, length) == 0 else 0) == 1:
        message(box, used, 1, destination)
    return 0


def room(box: int) -> int:
    """The next slot; what is in all others is sent first if there is none."""
    if get64(box + USED) == get64(box + CAPACITY):
        transmit(box)
    return get64(box + SLOTS) + SLOT * get64(box + USED)


def transmit(box: int) -> int:
    """Send all messages. What the socket does not take is lost, as on any full link, and keeps nothing else waiting."""
    made, start, headers = get64(box + MADE), 0, get64(box + HEADERS)
    while start < made:
        taken = exchange(get64(box + SENDMMSG), get64(box + DESCRIPTOR), headers + HEADER * start, made - start, MSG_DONTWAIT)
        if taken > 0:
            add(box + MESSAGES, taken)
            for number in range(start, start + taken):
                add(box + SENT, get64(headers + HEADER * number + VECTOR_COUNT))
            start += taken
        else:
            # The first of the rest is refused (a full buffer, or no route): pass over it alone.
            refused(box, start, error_number(get64(box + ERRNO)))
            start += 1
    put64(box + USED, 0)
    put64(box + MADE, 0)
    return 0


def refused(box: int, number: int, why: int) -> int:
    """The kernel did not take a message. Where it took only its several datagrams amiss, they are sent one by one, here and from now
    on."""
    header, destination = get64(box + HEADERS) + HEADER * number, get64(get64(box + DESTINATIONS) + WORD * number)
    count = get64(header + VECTOR_COUNT)
    if count == 1 or why not in SINGLY:
        add(box + FAILED, count)
        return 0
    put64(destination + WHOLE, 0)
    put64(header + VECTOR_COUNT, 1)
    put64(header + CONTROL, 0)
    put64(header + CONTROL_LENGTH, 0)
    for _ in range(count):
        if exchange(get64(box + SENDMMSG), get64(box + DESCRIPTOR), header, 1, MSG_DONTWAIT) == 1:
            add(box + MESSAGES, 1)
            add(box + SENT, 1)
        else:
            add(box + FAILED, 1)
        put64(header + VECTORS_OF, get64(header + VECTORS_OF) + VECTOR)
    return 0


def flush(box: int) -> int:
    """Copy what is queued, and send everything."""
    if get64(box + WAITING) > 0:
        settle(box)
    if get64(box + MADE) > 0:
        transmit(box)
    return 0


# -- receiving


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


def watch(tray: int, limit_ms: int) -> int:
    """Wait until there is something for Python to do, -1 for as long as it takes, and say so in `READY`. Meanwhile what may pass does.

    Most wake-ups of a worker are for such packets alone: none of them costs a turn of Python's event loop.
    """
    note_time(tray)
    end = get64(tray + MONOTONIC_NS) + limit_ms * 1_000_000
    left = limit_ms
    put64(tray + READY, NOTHING)
    while True:
        # An event tells once of what came: what was not taken then is seen to first, but after all other descriptors.
        again = get64(tray + LEFT)
        ready = exchange(get64(tray + EPOLL_WAIT), get64(tray + POLLED), get64(tray + EVENTS), MOST_EVENTS, 0 if again != 0 else left)
        if ready < 0 or (ready == 0 and again == 0):
            break
        if ready > 1 or (ready == 1 and get32(get64(tray + EVENTS) + EVENT_DESCRIPTOR) != get64(tray + SOCKET)):
            put64(tray + LEFT, 1)
            put64(tray + READY, ELSE)
            break
        turn(tray)
        if get64(tray + ATTENTION) != 0:
            put64(tray + READY, TURNED)
            break
        if limit_ms >= 0:
            left = (end - get64(tray + MONOTONIC_NS) + 999_999) // 1_000_000
            if left <= 0:
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
    if get8(start + 1) & 0x7F != get64(flow + FLOW_TYPE) or number != get64(flow + FLOW_NEXT) or get64(tray + PASSED_COUNT) == MOST_PASSED:
        put64(place, 0)
        return STAYS
    vector = get64(tray + IN_VECTORS) + VECTOR * slot
    put64(vector + VECTOR_LENGTH, size)
    status = transform(get64(tray + UNPROTECT), get64(flow + FLOW_SESSION), start, vector + VECTOR_LENGTH)
    plain = get64(vector + VECTOR_LENGTH)
    put64(vector + VECTOR_LENGTH, SLOT)
    if status != 0:
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


def loudness(start: int, number: int) -> int:
    """The level in the header extension element `number` (RFC 6464, RFC 8285 sections 4.2 and 4.3) of a packet that has an extension, 0 to
    127 -dBov; -1 if it has none, or if `number` is 0."""
    profile, at = swapped16(get16(start + FIXED_HEADER)), start + FIXED_HEADER + 4
    end = at + 4 * swapped16(get16(start + FIXED_HEADER + 2))
    while number > 0 and at < end:
        first = get8(at)
        at += 1
        if first == 0:
            continue
        if profile == 0xBEDE:
            found, size = first >> 4, (first & 0x0F) + 1
        elif profile & 0xFFF0 == 0x1000 and at < end:
            found, size = first, get8(at)
            at += 1
        else:
            break
        if at + size > end:
            break
        if found == number and size > 0:
            return get8(at) & 0x7F
        at += size
    return -1


def account(tray: int, flow: int, packet: int, size: int) -> int:
    """Count a packet (without extension) that passes."""
    add(flow + FLOW_OCTETS, size - FIXED_HEADER)
    add(flow + FLOW_MARKS, get8(packet + 1) >> 7)
    add(flow + FLOW_BEGINS, begins(get64(flow + FLOW_KEYS), packet + FIXED_HEADER, packet + size))
    timestamp, at, hz = swapped32(get32(packet + 4)), get64(tray + MONOTONIC_NS), get64(flow + FLOW_HZ)
    apart = at - get64(flow + FLOW_AT)
    if apart < LONG_APART_NS:
        ticks = (timestamp - get64(flow + FLOW_TIMESTAMP) + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        late = apart * hz * JITTER_PARTS // 1_000_000_000 - ticks * JITTER_PARTS
        late = late if late >= 0 else -late
        # A long pause is no jitter.
        if late < hz * JITTER_PARTS:
            put64(flow + FLOW_JITTER, get64(flow + FLOW_JITTER) + (late - get64(flow + FLOW_JITTER)) // 16)
    put64(flow + FLOW_TIMESTAMP, timestamp)
    put64(flow + FLOW_AT, at)
    return 0


def begins(keys: int, at: int, end: int) -> int:
    """1 if the payload from `at` to `end` (not empty) may begin a key frame; `keys` says how that is told. All that do are found; of H.264
    units that hold several parts some may be that do not."""
    first = get8(at)
    if keys == VP8_KEYS:
        if first & 0x17 != 0x10:
            return 0
        at += 1
        if first & 0x80 != 0 and at < end:
            flags = get8(at)
            at += 1
            if flags & 0x80 != 0 and at < end:
                at += 2 if get8(at) & 0x80 != 0 else 1
            at += 1 if flags & 0x40 != 0 else 0
            at += 1 if flags & 0x30 != 0 else 0
        return 1 if at < end and get8(at) & 0x01 == 0 else 0
    if keys == H264_KEYS:
        kind = first & 0x1F
        if kind == 28 and at + 1 < end and get8(at + 1) & 0x80 != 0:
            kind = get8(at + 1) & 0x1F
        return 1 if kind in (5, 7, 24) else 0
    return 0


def keep(tray: int, flow: int, start: int, size: int, level: int) -> int:
    """Keep a packet that passes, for Python."""
    count = get64(tray + PASSED_COUNT)
    move(get64(get64(tray + BOX) + MEMMOVE), get64(tray + PASSED) + SLOT * count, start, size)
    note = get64(tray + NOTES) + NOTE * count
    put64(note + NOTE_FLOW, get64(flow + FLOW_NUMBER))
    put64(note + NOTE_SIZE, size)
    put64(note + NOTE_REAL_US, get64(tray + REAL_US))
    put64(note + NOTE_NS, get64(tray + MONOTONIC_NS))
    put64(note + NOTE_LEVEL, level)
    put64(tray + PASSED_COUNT, count + 1)
    if get64(flow + FLOW_SOON) != 0 and get64(tray + SINCE) == 0:
        put64(tray + SINCE, get64(tray + MONOTONIC_NS))
    return 0
