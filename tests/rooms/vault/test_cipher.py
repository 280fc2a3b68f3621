"""A part opens in its own place, under its own key, and only as it was put there."""

from __future__ import annotations

import os
import random

import pytest

from rooms.vault import cipher
from rooms.vault.cipher import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, Opened, Part, Spoilt, open_whole, seal

KEY = cipher.new_key()
PART = Part("s1", "tracks/0001-camera-alice.mkv", 3)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17])
def test_a_part_of_any_size_comes_back_as_it_was(size: int) -> None:
    plain = os.urandom(size)
    sealed = seal(KEY, PART, plain)
    chunks = max(1, -(-size // CHUNK_BYTES))
    assert len(sealed) == HEADER_BYTES + size + chunks * TAG_BYTES
    assert open_whole(KEY, PART, sealed) == plain


def test_any_range_is_read_without_the_rest() -> None:
    plain = os.urandom(5 * CHUNK_BYTES + 99)
    sealed = seal(KEY, PART, plain)
    fetched = 0

    def fetch(start: int, length: int) -> bytes:
        nonlocal fetched
        fetched += length
        return sealed[start : start + length]

    opened = Opened(KEY, PART, fetch)
    for start, length in [(0, 1), (CHUNK_BYTES - 1, 2), (len(plain) - 5, 50), (2 * CHUNK_BYTES, CHUNK_BYTES), (len(plain), 9)]:
        assert opened.read(start, length) == plain[start : start + length]
    assert fetched < 7 * (CHUNK_BYTES + cipher.TAG_BYTES)


@pytest.mark.parametrize(
    "other",
    [Part("s2", PART.file, 3), Part("s1", "tracks/0002-camera-bob.mkv", 3), Part("s1", PART.file, 4)],
    ids=["sitting", "file", "number"],
)
def test_a_part_opens_in_no_other_place(other: Part) -> None:
    with pytest.raises(Spoilt):
        open_whole(KEY, other, seal(KEY, PART, b"sound"))


def test_a_part_opens_under_no_other_key() -> None:
    with pytest.raises(Spoilt):
        open_whole(cipher.new_key(), PART, seal(KEY, PART, b"sound"))


def test_each_changed_byte_is_found() -> None:
    sealed = seal(KEY, PART, b"a short plain text")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Spoilt):
            open_whole(KEY, PART, bytes(changed))


def test_what_was_cut_off_added_or_put_into_another_order_is_found() -> None:
    plain = os.urandom(3 * CHUNK_BYTES)
    sealed = seal(KEY, PART, plain)
    stride = CHUNK_BYTES + cipher.TAG_BYTES
    head, chunks = sealed[: cipher.HEADER_BYTES], [sealed[cipher.HEADER_BYTES + n * stride :][:stride] for n in range(3)]
    for wrong in ([0, 1], [1, 0, 2], [0, 2, 1], [0, 0, 2], [0, 1, 2, 2]):
        with pytest.raises(Spoilt):
            open_whole(KEY, PART, head + b"".join(chunks[n] for n in wrong))
    for length in random.Random(7).sample(range(len(sealed)), 40):
        with pytest.raises(Spoilt):
            open_whole(KEY, PART, sealed[:length])


def test_the_same_plain_text_is_never_encrypted_to_the_same() -> None:
    assert seal(KEY, PART, b"silence") != seal(KEY, PART, b"silence")


def test_the_name_of_a_file_is_hidden_and_always_hidden_alike() -> None:
    assert cipher.hidden(KEY, PART.file) == cipher.hidden(KEY, PART.file) != cipher.hidden(cipher.new_key(), PART.file)
    assert "alice" not in cipher.hidden(KEY, PART.file)
