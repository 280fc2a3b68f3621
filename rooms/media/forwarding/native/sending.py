"""The loops over packets and viewers: copies, protected, in messages. Plain Python on integers; :mod:`translate` makes machine code of
every function here, as of those of :mod:`receiving` and what they call.

So each of them takes and returns integers only, and calls nothing but one another and :mod:`memory`. `box` is the address of an
outbox (:mod:`layout`). Nothing here keeps an address beyond a flush, but those in `box` itself.
"""

from __future__ import annotations

from .layout import (
    CAPACITY,
    CONTROL,
    CONTROL_LENGTH,
    DESCRIPTOR,
    DESTINATION,
    DESTINATIONS,
    ENTRIES,
    ENTRY,
    ENTRY_GROUP,
    ENTRY_PACKET,
    ENTRY_SIZE,
    ERRNO,
    FAILED,
    FIXED_HEADER,
    GROUP_TARGETS,
    HEAD,
    HEAD_PACKET,
    HEAD_SEQ,
    HEAD_SIZE,
    HEAD_TIMESTAMP,
    HEADER,
    HEADERS,
    HEADS,
    MADE,
    MAX_SEGMENTS,
    MEMMOVE,
    MESSAGES,
    MOST_TOGETHER,
    MOST_WAITING,
    MSG_DONTWAIT,
    NAME,
    PAYLOAD_TYPE,
    PROTECT_RTCP,
    RUNS,
    SEGMENT_LENGTH,
    SEGMENTS,
    SENDMMSG,
    SENT,
    SEQ_OFFSET,
    SINGLY,
    SLOT,
    SLOTS,
    SOCKET_ADDRESS,
    STREAM,
    STREAM_SSRC,
    TOOLS,
    TS_OFFSET,
    USED,
    VECTOR,
    VECTOR_COUNT,
    VECTOR_LENGTH,
    VECTORS,
    VECTORS_OF,
    WAITING,
    WHOLE,
    WORD,
)
from .memory import error_number, exchange, get8, get16, get32, get64, move, put8, put16, put32, put64, transform
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
