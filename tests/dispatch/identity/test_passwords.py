"""Passwords: the policy, and argon2id."""

from __future__ import annotations

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.errors import UserError
from dispatch.identity import passwords
from dispatch.identity.passwords import MAX_LENGTH, check_policy, classes, generate
from tests.dispatch.conftest import QUICK


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_short"),
        ("Aa1-567", "password_short"),
        ("Aa1-5678" + "x" * 193, "password_long"),
        ("abcdefgh", "password_simple"),
        ("abcdefg1", "password_simple"),
        ("ABCDEFG1", "password_simple"),
        ("12345678", "password_simple"),
        ("密码密码密码密码1", "password_simple"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password: str, code: str) -> None:
    with pytest.raises(UserError) as told:
        check_policy(password)
    assert (told.value.code, told.value.field) == (code, "password")


@pytest.mark.parametrize("password", ["Yunhe-2026", "yunhe-2026", "Yunhe2026", "密码密码Yun1", "Aa1-5678" + "x" * 192])
def test_a_good_password_is_taken(password: str) -> None:
    check_policy(password)


@given(st.text(max_size=20))
def test_the_policy_is_eight_signs_of_three_classes_whatever_the_signs(password: str) -> None:
    good = len(password) >= 8 and classes(password) >= 3
    try:
        check_policy(password)
    except UserError:
        assert not good
    else:
        assert good


def test_passwords_that_are_made_are_good_legible_and_never_the_same() -> None:
    made = {generate() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        check_policy(password)
        assert not set(password) & set("0O1lI")


async def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    one, other = await passwords.hashed("Yunhe-2026"), await passwords.hashed("Yunhe-2026")
    assert one != other
    assert "Yunhe" not in one
    parameters = argon2.extract_parameters(one)
    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19 * 1024  # KiB; OWASP's least for argon2id
    assert await passwords.matches(one, "Yunhe-2026")


async def test_only_the_very_password_matches() -> None:
    kept = QUICK.hash("Yunhe-2026")
    assert await passwords.matches(kept, "Yunhe-2026")
    for wrong in ("", "yunhe-2026", "Yunhe-2026 ", "Yunhe-202", "Yunhe-2026" * 50, "\ud800"):
        assert not await passwords.matches(kept, wrong)


async def test_the_longest_password_counts_to_its_last_sign() -> None:
    longest = "Aa1-" + "x" * (MAX_LENGTH - 4)
    kept = QUICK.hash(longest)
    assert await passwords.matches(kept, longest)
    assert not await passwords.matches(kept, longest + "x")


async def test_half_a_character_is_no_reason_to_fail() -> None:
    assert await passwords.matches(await passwords.hashed("Yunhe-\ud8002026"), "Yunhe-\ud8002026")


async def test_nobodys_password_and_a_spoilt_hash_never_match_and_cost_what_a_real_one_costs() -> None:
    assert not await passwords.matches("", "Yunhe-2026")
    assert not await passwords.matches("spoilt", "Yunhe-2026")
    real = argon2.extract_parameters(await passwords.hashed("Yunhe-2026"))
    assert argon2.extract_parameters(passwords._nobody()) == real
