"""What can be an address, and what logs and audit show of one."""

from __future__ import annotations

import pytest

from dispatch.notices.addresses import is_email, masked_email, mobile, normal_email


@pytest.mark.parametrize(
    ("typed", "address"),
    [(" Liu@Example.COM ", "Liu@example.com"), ("a@法院.中国", "a@xn--nww899f.xn--fiqs8s"), ("clerk@mail.local", "clerk@mail.local")],
)
def test_an_address_has_one_form(typed: str, address: str) -> None:
    assert normal_email(typed) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "liu",
        "liu@",
        "liu@qq",
        "刘@example.com",
        "a b@example.com",
        "a@b.com, c@d.com",
        "a@b.com\r\nBcc: x@y.com",
        "<a@b.com>",
        "a@" + "b" * 250 + ".com",
    ],
)
def test_what_is_no_address_is_told(text: str) -> None:
    assert not is_email(text)


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("138 1234 5678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("+852 9123 4567", "+85291234567"),
        ("010-5550 1200", ""),
        ("138 1234 5678转12", ""),
        ("", ""),
    ],
)
def test_text_messages_go_to_mobiles(phone: str, number: str) -> None:
    assert mobile(phone) == number


def test_of_an_address_little_is_shown() -> None:
    assert (masked_email("liu.fang@example.com"), masked_email(""), masked_email("odd")) == ("l***@example.com", "", "***")
