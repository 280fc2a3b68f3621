"""The checker's own canonical form of JSON is that of RFC 8785, which the writer's library makes."""

from __future__ import annotations

import math
import struct

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from rooms.verification.canonical import canonical, number

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
LEAVES = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)


@given(VALUES)
@example({"\ue000": 1, "\U0001f600": 2})
@example({"\x7f": "\x1f\u2028\\\"/", "": -0.0})
def test_both_write_the_same_bytes(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.binary(min_size=8, max_size=8))
def test_every_number_there_is_is_written_alike(raw: bytes) -> None:
    (value,) = struct.unpack("<d", raw)
    if math.isfinite(value):
        assert number(value).encode() == rfc8785.dumps(value)
        assert float(number(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-6, "0.000001"), (1e-7, "1e-7"), (333333333.33333329, "333333333.3333333")],
)
def test_the_numbers_of_the_rfc_are_written_as_it_says(value: float, text: str) -> None:
    """RFC 8785, appendix B."""
    assert number(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, {"a": [-(2**53)]}])
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"number|beyond"):
        canonical(value)
