"""The floor under forwarding: what protecting a packet and handing it to the kernel cost by themselves, all in one process."""

from __future__ import annotations

import os
import socket
import time

from pylibsrtp import Policy, Session

from bench.load.traffic import AUDIO_BYTES, AUDIO_RATE, VIDEO_BYTES, VIDEO_RATE
from rooms.media.forwarding import adapter
from rooms.media.forwarding.address import packed
from rooms.media.forwarding.batch import MSG_DONTWAIT, Batch, sendmmsg
from rooms.media.forwarding.outbox import Destination

PROFILES = {"AES-GCM-128": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28), "AES-CM": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30)}
VIEWERS, TURNS, REPEATS = 20, 10, 20
HEADER, TAG = 12, 16


def floor_us(profile: str, address: str) -> tuple[float, float]:
    """CPU time of one protect and of one packet's share of a ``sendmmsg`` to 20 sockets, microseconds: the best of several tries,
    weighted as the load has its sizes."""
    video = VIDEO_RATE / (VIDEO_RATE + AUDIO_RATE)
    sizes = ((VIDEO_BYTES + HEADER, video), (AUDIO_BYTES + HEADER, 1 - video))
    return sum(_protect(profile, size) * share for size, share in sizes), sum(_send(address, size + TAG) * share for size, share in sizes)


def _protect(profile: str, size: int) -> float:
    kind, length = PROFILES[profile]
    session = Session(Policy(key=os.urandom(length), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=kind))
    batch = Batch(VIEWERS * TURNS, 16)
    best = float("inf")
    for repeat in range(REPEATS):
        for slot in range(VIEWERS * TURNS):
            seq = (repeat * VIEWERS * TURNS + slot) & 0xFFFF
            batch.view[slot * adapter.SLOT : slot * adapter.SLOT + HEADER] = bytes((0x80, 96)) + seq.to_bytes(2, "big") + bytes(8)
            batch.lengths[slot] = size
        began = time.process_time_ns()
        for pointer, length_pointer in zip(batch.pointers, batch.length_pointers, strict=True):
            adapter.protect(session._srtp[0], pointer, length_pointer)
        best = min(best, time.process_time_ns() - began)
    return best / (VIEWERS * TURNS) / 1000


def _send(address: str, size: int) -> float:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(VIEWERS + 1)]
    try:
        for sock in sockets:
            sock.bind((address, 0))
            sock.setblocking(False)
        viewers = [Destination(packed(address, sock.getsockname()[1], socket.AF_INET)) for sock in sockets[1:]]
        batch = Batch(VIEWERS, 16)
        for slot, viewer in enumerate(viewers):
            batch.names[slot] = viewer.name
            batch.lengths[slot] = size
        best = float("inf")
        for _ in range(REPEATS):
            began = time.process_time_ns()
            for _ in range(TURNS):
                if sendmmsg(sockets[0].fileno(), batch.headers, VIEWERS, MSG_DONTWAIT) != VIEWERS:
                    raise OSError("not all packets were taken")
            best = min(best, time.process_time_ns() - began)
            for sock in sockets[1:]:
                for _ in range(TURNS):
                    sock.recv(2048)
        return best / (VIEWERS * TURNS) / 1000
    finally:
        for sock in sockets:
            sock.close()
