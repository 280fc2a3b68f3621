"""The canonical form of JSON (RFC 8785), of the checker's own making."""

from __future__ import annotations

import json
import math
from typing import Any


def canonical(value: Any) -> bytes:
    """`value` as JSON in its one form: keys in the order of their UTF-16 code units, numbers as ECMAScript writes them.

    Raises ValueError for what has none: not a number, infinite, a whole number beyond 2**53, half a surrogate pair.
    """
    return "".join(_parts(value)).encode("utf-8")


def _parts(value: Any) -> list[str]:
    if isinstance(value, dict):
        inner = [f"{_text(key)}:{''.join(_parts(value[key]))}" for key in sorted(value, key=_utf16)]
        return ["{", ",".join(inner), "}"]
    if isinstance(value, list | tuple):
        return ["[", ",".join("".join(_parts(each)) for each in value), "]"]
    if isinstance(value, str):
        return [_text(value)]
    if isinstance(value, float):
        return [number(value)]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        raise ValueError(f"{value} is beyond what JSON numbers keep")
    return [json.dumps(value)]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def number(value: float) -> str:
    """As ECMAScript writes it (ECMA-262, Number::toString): the same digits as Python's, otherwise arranged."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)  # the decimal point stands behind so many digits
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits.ljust(point, "0")
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        text = f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1:+d}"
    return sign + text
