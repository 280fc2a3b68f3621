"""Where things are in memory that Python and machine code share: offsets in bytes. All words have 64 bits, signed.

The structures are those of 64-bit Linux (``struct iovec``, ``struct mmsghdr``); the order of bytes is the little end's first.
"""

from __future__ import annotations

import ctypes
import platform

WORD = 8


def words(count: int) -> memoryview:
    """Memory of so many words, zeros at first."""
    return memoryview((ctypes.c_int64 * count)()).cast("B").cast("q")


def word(offset: int) -> int:
    """The number of the word at an offset."""
    return offset // WORD



#: A slot takes one packet of up to 2 048 bytes, and what protecting it adds.
SLOT = 2048
#: Packets of one track that are copied together.
MOST_TOGETHER = 32
#: Linux takes at most so many datagrams as one message (udp(7), UDP_SEGMENT).
MAX_SEGMENTS = 64

# -- the outbox

#: What protects RTP, and addresses of C functions.
TOOLS, PROTECT_RTCP, SENDMMSG, ERRNO, MEMMOVE = 0, 8, 16, 24, 32
#: The socket, and the memory of the outbox: slots, vectors and headers for so many packets, and for each message its destination.
DESCRIPTOR, SLOTS, VECTORS, HEADERS, DESTINATIONS, CAPACITY = 40, 48, 56, 64, 72, 80
#: Control messages by the size of the datagrams, each so long; 0 where the kernel does not cut messages.
SEGMENTS, SEGMENT_LENGTH = 88, 96
#: Packets to be copied: entries, how many, and how many there may be.
ENTRIES, WAITING, MOST_WAITING = 104, 112, 120
#: Slots and messages in use.
USED, MADE = 128, 136
#: Counters: datagrams sent, messages that the kernel took for it, datagrams that could not be sent.
SENT, MESSAGES, FAILED = 144, 152, 160
#: Room for what is worked out of each packet, and for the lengths of runs.
HEADS, RUNS = 168, 176
OUTBOX = 184

#: An entry: a packet (0: copied already), its size, and the group it goes to.
ENTRY_PACKET, ENTRY_SIZE, ENTRY_GROUP, ENTRY = 0, 8, 16, 24
#: Of a packet, for its copies.
HEAD_PACKET, HEAD_SIZE, HEAD_SEQ, HEAD_TIMESTAMP, HEAD = 0, 8, 16, 24, 32

#: A target: its stream (0: nothing is sent to it any more), its destination, and how it is renumbered.
STREAM, DESTINATION, PAYLOAD_TYPE, SEQ_OFFSET, TS_OFFSET, TARGET = 0, 8, 16, 24, 32, 40
#: A group: the number of its targets, then their addresses.
GROUP_TARGETS = 8
#: A destination: whether several datagrams may go there as one message (1 or 0); then the socket address.
WHOLE, SOCKET_ADDRESS = 0, 8

# -- what protects RTP

#: Addresses of functions of OpenSSL (``EVP_EncryptInit_ex``, ``EVP_EncryptUpdate``, ``EVP_EncryptFinal_ex``, ``EVP_CIPHER_CTX_ctrl``,
#: ``SHA1_Update``), libsrtp's, and ``memmove``.
CIPHER_INIT, CIPHER_UPDATE, CIPHER_FINAL, CIPHER_CONTROL, HASH_UPDATE, SRTP_PROTECT, MEMORY_MOVE = 0, 8, 16, 24, 32, 40, 48
#: Room for a length, for a nonce, for a ``SHA_CTX`` (its five words of state are the first), and for a digest with what follows it in its
#: only block; what follows the data in the last block of a hash.
LENGTH, TOOLS_NONCE, HASH, DIGEST, PADDING = 56, 64, 80, 176, 240
#: What takes protection off: more functions of OpenSSL (``EVP_DecryptInit_ex2``, ``EVP_DecryptUpdate``, ``EVP_DecryptFinal_ex``) and
#: libsrtp's; OpenSSL's parameters for a tag (an ``OSSL_PARAM``, and one that ends them), and room for the last blocks of a hash.
OPEN_INIT, OPEN_UPDATE, OPEN_FINAL, SRTP_UNPROTECT, TAG_PARAMETERS, TAIL, TOOLS_SIZE = 312, 320, 328, 336, 344, 424, 552
#: Of a parameter: its name, its type, where its value is, and how long.
PARAMETER_NAME, PARAMETER_TYPE, PARAMETER_DATA, PARAMETER_LENGTH, OCTETS = 0, 8, 16, 24, 5
HASH_BLOCK = 64

#: The keys of an association: how RTP is protected, the context (``EVP_CIPHER_CTX``) or libsrtp's session; SHA-1 behind the first block of
#: each half of the HMAC.
KIND, CIPHER, OWN_SESSION, INNER, OUTER, KEYS_SIZE = 0, 8, 16, 24, 48, 72
LIBSRTP, COUNTER_MODE, GCM = 0, 1, 2
HMAC_TAG, GCM_TAG, GET_TAG = 10, 16, 0x10
#: A stream: its highest packet index so far, its keys, its source, its nonce for index 0, and of each index in the window what tells its
#: packet from others, or 0. Four bytes each.
INDEX, KEYS, STREAM_SSRC, NONCE, MARKS = 0, 8, 16, 24, 40
#: Packets that may go out once more, or late; a power of two. As many as are kept to be sent again: twice as many would make a copy 4 %
#: dearer, as each stream's row then takes a page and more. And a mark that is no packet's.
WINDOW, SPENT = 512, 2
STREAM_SIZE = MARKS + 4 * WINDOW
#: An incoming stream: the same, and instead of marks one bit for each index in its window (a power of two) that came. The window is as
#: long as aiortc has it.
CAME, CAME_WINDOW = 40, 1024
INCOMING_SIZE = CAME + CAME_WINDOW // 8
#: Why a packet is refused: libsrtp's statuses (``srtp_err_status_t``).
BAD_PARAMETER, AUTH_FAIL, CIPHER_FAIL, REPLAY_FAIL, REPLAY_OLD, NO_CONTEXT, KEY_EXPIRED, PARSE_ERROR = 2, 7, 8, 9, 10, 13, 15, 21

# -- the inbox

#: Addresses of C functions, the socket, and the outbox.
RECVMMSG, CLOCK, SOCKET, BOX = 8, 16, 24, 32
#: Slots for datagrams, their headers, where each came from, how long each address is; the first slot that is free.
IN_SLOTS, IN_HEADERS, NAMES, IN_NAME_LENGTH, FREE = 40, 56, 64, 72, 80
#: Of each slot: the length of what is unprotected already, else 0.
PLAIN = 88
#: The slots that are for Python, and how many; the errno of a receive that failed, or 0.
OTHERS, OTHER_COUNT, FAULT = 96, 104, 112
#: Datagrams received so far.
TAKEN = 120
#: The flows that are open, by :func:`receiving.bucket` of their source.
TABLE = 128
#: What passed without Python: the numbers of the flows that have something to tell of, how many those are; how many packets passed, and
#: whether it is time to look at them.
TOLD, TOLD_COUNT, PASSED_COUNT, DUE = 136, 144, 152, 160
#: When the batch came: microseconds since 1970, nanoseconds of the monotonic clock; room for a ``struct timespec``.
REAL_US, MONOTONIC_NS, TIMESPEC = 168, 176, 184
#: Whether a turn left anything for Python.
ATTENTION = 200
#: ``epoll_wait``, what it waits on, and room for what it says; why the last wait ended (:data:`NOTHING` and so on).
EPOLL_WAIT, POLLED, EVENTS, READY = 208, 216, 224, 232
#: Whether datagrams may wait that no event will tell of any more.
LEFT = 240
#: When the first packet passed that Python is to be told of soon (ns of the monotonic clock), 0: none.
SINCE = 248
#: The descriptor that is ready when the time of a wait is over.
ALARM, INBOX = 256, 264
#: The time is over; a turn left something for Python; something else than the socket, or more, is ready.
NOTHING, TURNED, ELSE = 0, 1, 2

#: Datagrams taken at once; slots in all, each batch in a place of its own until the copies are made.
BATCH, IN_CAPACITY = 64, 512
#: How often the socket is looked at again before anything is sent.
MOST_BATCHES = 8
#: Places in the table of flows; a power of two.
BUCKETS = 1024
#: Packets that may pass before Python has to look at them, and how many, or how old the first that is to be told soon (ns), make it
#: time to.
MOST_PASSED, MANY_PASSED, LONG_PASSED_NS = 384, 256, 100_000_000

#: A flow: the stream that passes. Its source, payload type, next number, incoming stream, group, own number; whether the marker bit ends
#: a frame of several packets (1 or 0), and whether Python is to be told soon (1 or 0); and where it comes from.
FLOW_SSRC, FLOW_TYPE, FLOW_NEXT, FLOW_STREAM, FLOW_GROUP, FLOW_NUMBER = 0, 8, 16, 24, 32, 40
FLOW_FRAMES, FLOW_SOON, FLOW_FROM = 48, 56, 64
#: How key frames of its codec are told, which header extension has the level of the sound (0: none), and its clock, Hz.
FLOW_KEYS, FLOW_LEVEL, FLOW_HZ = 96, 104, 112
#: Of what passed since Python was told: bytes as they came, bytes behind the headers, marker bits, how many packets may begin a key frame,
#: and how many there are.
FLOW_BYTES, FLOW_OCTETS, FLOW_MARKS, FLOW_BEGINS, FLOW_COUNT = 120, 128, 136, 144, 152
#: Jitter (RFC 3550 appendix A.8) in so many parts of a tick; timestamp and time (ns of the monotonic clock) of the newest packet.
FLOW_JITTER, FLOW_TIMESTAMP, FLOW_AT = 160, 168, 176
#: Where its packets are kept.
FLOW_RING, FLOW = 184, 192
JITTER_PARTS = 4096
#: Packets further apart than this say nothing of jitter, ns.
LONG_APART_NS = 20_000_000_000
#: How key frames are told: there are none; RFC 7741; RFC 6184.
NO_KEYS, VP8_KEYS, H264_KEYS = 0, 1, 2
#: What became of a datagram: for Python; passed; and so did a packet within a frame, and the last one of a frame.
STAYS, PASSES, WITHIN, COMPLETE = 0, 1, 2, 3

#: A ring: bytes that were ever put in, those left free at its end among them; for how many there is room, and where; then a place for each
#: of the last packets, so many (a power of two; more than may pass unseen).
RING_PUT, RING_OCTETS, RING_DATA, RING_PLACES, KEPT = 0, 8, 16, 24, 512
#: A place: the packet's number and one, 0 for none; at which of the bytes ever put in it begins, and its length as it was sent on. If it
#: passed without Python, when it came, and how loud it says that it is (RFC 6464), -1 if it does not.
PLACE_NUMBER, PLACE_AT, PLACE_SIZE, PLACE_REAL_US, PLACE_NS, PLACE_LEVEL, PLACE = 0, 8, 16, 24, 32, 40, 48

REALTIME, MONOTONIC = 0, 1
EAGAIN = 11

# -- the kernel's

VECTOR_BASE, VECTOR_LENGTH, VECTOR = 0, 8, 16
NAME, NAME_LENGTH, VECTORS_OF, VECTOR_COUNT, CONTROL, CONTROL_LENGTH, RECEIVED, HEADER = 0, 8, 16, 24, 32, 40, 56, 64
MSG_DONTWAIT = 0x40
#: Events taken at once; of an event (``struct epoll_event``, packed on one kind of machine only) the descriptor that is ready.
MOST_EVENTS, EVENT_DESCRIPTOR = 2, 4 if platform.machine() == "x86_64" else 8
#: Why a message of several datagrams is refused that go through one by one (EIO, EINVAL, EMSGSIZE, EOPNOTSUPP): larger than the path
#: takes whole, or no device for it.
SINGLY = (5, 22, 90, 95)

# -- RTP

FIXED_HEADER = 12
#: Larger packets are not taken: no room is left for what protecting adds (SRTP_MAX_TRAILER_LEN and the SRTCP index).
MAX_PACKET = SLOT - 148
