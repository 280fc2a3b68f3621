"""The floor under forwarding: what protecting a packet and handing it to the kernel cost by themselves, all in one process."""

from __future__ import annotations

import os
import socket
import time

from bench.load.traffic import AUDIO_BYTES, AUDIO_RATE, VIDEO_BYTES, VIDEO_RATE
from rooms.media.forwarding.address import packed
from rooms.media.forwarding.batch import MSG_DONTWAIT, Batch, sendmmsg
from rooms.media.forwarding.native.image import load
from rooms.media.forwarding.outbox import Destination, Group, Outbox, Target
from rooms.media.forwarding.protection import Protection

PROFILES = {"AES-GCM-128": ("SRTP_AEAD_AES_128_GCM", 28), "AES-CM": ("SRTP_AES128_CM_SHA1_80", 30)}
VIEWERS, TURNS, REPEATS = 20, 10, 20
HEADER, TAG = 12, 16


def floor_us(profile: str, address: str) -> tuple[float, float]:
    """CPU time of one protect and of one packet's share of a ``sendmmsg`` to 20 sockets, microseconds: the best of several tries,
    weighted as the load has its sizes."""
    video = VIDEO_RATE / (VIDEO_RATE + AUDIO_RATE)
    sizes = ((VIDEO_BYTES + HEADER, video), (AUDIO_BYTES + HEADER, 1 - video))
    protect = sum(_protect(profile, size, address) * share for size, share in sizes)
    return protect, sum(_send(address, size + TAG) * share for size, share in sizes)


def _protect(profile: str, size: int, address: str) -> float:
    """As the engine does it: what the machine code takes for copies of a packet, to as many streams of an association."""
    name, length = PROFILES[profile]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    try:
        for sock in sockets:
            sock.bind((address, 0))
        outbox, protection = Outbox(sockets[0].fileno(), 16, load()), Protection(name, os.urandom(length))
        viewer = Destination(packed(address, sockets[1].getsockname()[1], socket.AF_INET))
        group = Group(Target(outbox, protection.stream(number), viewer, 96) for number in range(VIEWERS * TURNS))
        best = float("inf")
        for repeat in range(REPEATS):
            outbox.fan_out(bytes((0x80, 96)) + repeat.to_bytes(2, "big") + bytes(size - 4), group)
            began = time.process_time_ns()
            outbox.settle()
            best = min(best, time.process_time_ns() - began)
            outbox.flush()
        if outbox.failed:
            raise OSError("not all packets were protected")
        return best / (VIEWERS * TURNS) / 1000
    finally:
        for sock in sockets:
            sock.close()


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
