"""Connectivity checks, against aioice's STUN: what it sends is read, and what is answered it reads."""

from __future__ import annotations

import socket

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding import checks
from rooms.media.forwarding.address import packed

PASSWORD = b"a password of sixteen or more"
NOMINATED = "USE-CANDIDATE"
words = st.text("abcdefgh+/0123456789", min_size=1, max_size=30)
addresses = st.tuples(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), st.integers(1, 65535))


def request(own: str = "own", remote: str = "remote", *attributes: str, role: str = "ICE-CONTROLLING") -> stun.Message:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{own}:{remote}"
    message.attributes["PRIORITY"] = 1
    message.attributes[role] = 7
    for name in attributes:
        message.attributes[name] = None
    return message


def proved(message: stun.Message, password: bytes = PASSWORD) -> bytes:
    message.add_message_integrity(password)
    return bytes(message)


@given(words, words, st.booleans())
def test_what_a_check_says_is_read(own: str, remote: str, nominates: bool) -> None:
    message = request(own, remote, *([NOMINATED] if nominates else []))
    check = checks.parse(proved(message))
    assert (check.own, check.remote, check.nominated, check.controlled) == (own, remote, nominates, False)
    assert check.transaction == message.transaction_id
    assert check.genuine(PASSWORD)
    assert not check.genuine(b"another")


def test_who_takes_our_role_is_told_so() -> None:
    message = request(role="ICE-CONTROLLED")
    check = checks.parse(proved(message))
    assert check.controlled
    told = stun.parse_message(checks.refusal(check, PASSWORD))
    assert (told.message_class, told.attributes["ERROR-CODE"]) == (stun.Class.ERROR, (487, "Role Conflict"))
    assert told.transaction_id == message.transaction_id
    assert told.check_message_integrity(PASSWORD)


@given(addresses)
def test_the_answer_tells_where_the_check_came_from(address: tuple[str, int]) -> None:
    message = request()
    check = checks.parse(proved(message))
    told = stun.parse_message(checks.answer(check, packed(*address, socket.AF_INET6), PASSWORD))
    host, port = told.attributes["XOR-MAPPED-ADDRESS"]
    assert told.message_class is stun.Class.RESPONSE
    assert packed(host, port, socket.AF_INET6) == packed(*address, socket.AF_INET6)
    assert told.transaction_id == message.transaction_id
    assert told.check_message_integrity(PASSWORD)
    assert not told.check_message_integrity(b"another")


def test_without_proof_or_fingerprint() -> None:
    assert not checks.parse(bytes(request())).genuine(PASSWORD), "no proof proves nothing"
    assert not checks.parse(bytes(request())).genuine(b"")
    message = request()
    message.add_message_integrity(PASSWORD)
    del message.attributes["FINGERPRINT"]
    assert checks.parse(bytes(message)).genuine(PASSWORD), "a fingerprint is not asked for"


def test_what_follows_the_proof_says_nothing() -> None:
    data = proved(request())[:-8] + bytes((0, 0x25, 0, 0))
    check = checks.parse(data[:2] + (len(data) - 20).to_bytes(2, "big") + data[4:])
    assert check.genuine(PASSWORD)
    assert not check.nominated


@given(st.data())
def test_what_was_changed_on_the_way_is_no_check(data: st.DataObject) -> None:
    whole = bytearray(proved(request("own", "remote", NOMINATED)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        check = checks.parse(bytes(whole))
    except ValueError:
        return
    # The type of the fingerprint may be changed so that it is none: the proof is still whole, and of all else.
    assert not check.genuine(PASSWORD) or place >= len(whole) - 8
    assert (check.own, check.remote, check.nominated) == ("own", "remote", True) or not check.genuine(PASSWORD)


@given(st.binary(max_size=120))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"STUN|binding|user|utf-8"):
        checks.parse(data)


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_a_check_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="binding request"):
        checks.parse(proved(request())[:-cut])
