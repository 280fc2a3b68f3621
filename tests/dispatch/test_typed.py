"""What people type is tidied, and a telephone number is known as one."""

from __future__ import annotations

import pytest

from dispatch.typed import is_phone, tidy


def test_what_no_paper_can_show_is_taken_out_of_texts() -> None:
    assert tidy(" 刘\x00芳\r\n") == "刘 芳"
    assert tidy("刘\ud800芳") == "刘 芳"


@pytest.mark.parametrize("number", ["13812345678", "+86 (10) 5550-1200 转 12", "010 5550 1200 ext. 7", " 12345 "])
def test_a_number_with_its_signs_and_extension_is_one(number: str) -> None:
    assert is_phone(number)


@pytest.mark.parametrize("number", ["", "call me", "1234", "13812345678 or 13912345678", "+86 " + "1" * 28, "+86" + " " * 40 + "12345"])
def test_what_nobody_can_dial_is_none(number: str) -> None:
    assert not is_phone(number)
