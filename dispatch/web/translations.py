"""The catalogue: every text of the pages in both languages.

`locales/<language>/*.json` are merged, each a flat map from the msgid to the text. A msgid is the English text itself or
a code ("error.link_expired", "role.judge"); codes have a text in both languages, English texts only in zh_CN. Values
are named in braces: "{name} is waiting". Pages, Python and JavaScript share the one catalogue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from babel.dates import format_date

LOCALES = Path(__file__).resolve().parents[2] / "locales"

LANGUAGES = {"zh-CN": "zh_CN", "en": "en"}
"""Language tag (as in `lang=`, the cookie and `User.language`) → folder."""

DEFAULT_LANGUAGE = "zh-CN"


class DuplicateText(ValueError):
    """Two files of one language give different texts for one msgid."""


class _Values(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


#: A day, or a day and a time of day, as the rules of booking and the API write them.
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})( \d{2}:\d{2})?")


def english_day(value: object) -> object:
    """A day of the rules as an English text has it, 4 Dec 2026; any other value as it is."""
    found = _DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        day = date.fromisoformat(found[1]) if found else None
    except ValueError:
        return value
    return value if found is None or day is None else f"{format_date(day, 'd MMM yyyy', locale='en_GB')}{found[2] or ''}"


class Catalogue:
    """The texts of one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = dict(texts)

    def __contains__(self, msgid: str) -> bool:
        return msgid in self.texts

    def gettext(self, msgid: str, /, **values: object) -> str:
        """The text for `msgid` with its {values} filled; the msgid itself where there is no text; a missing value stays visible.
        Roles that are given as a list are said in words, days as the language writes them."""
        text = self.texts.get(msgid, msgid)
        if isinstance(roles := values.get("roles"), list | tuple):
            values["roles"] = self.texts.get(", ", ", ").join(self.texts.get(f"role.{role}", str(role)) for role in roles)
        if self.language == "en":
            values = {name: english_day(value) for name, value in values.items()}
        return text.format_map(_Values(values)) if values else text


def read_texts(folder: Path, *, strict: bool = False) -> dict[str, str]:
    """All texts of a language's folder; the first file wins. Raises ValueError for what is no text and, if `strict`,
    DuplicateText where two files disagree."""
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        for msgid, text in json.loads(path.read_text(encoding="utf-8")).items():
            if not isinstance(text, str):
                raise ValueError(f"{path.name}: {msgid!r} is no text")
            if texts.setdefault(msgid, text) != text and strict:
                raise DuplicateText(f"{folder.name}: {msgid!r} is {texts[msgid]!r} and, in {path.name}, {text!r}")
    return texts


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language tag; an unknown tag gives the default language."""
    tag = language if language in LANGUAGES else DEFAULT_LANGUAGE
    return Catalogue(tag, read_texts(LOCALES / LANGUAGES[tag]))


def negotiate(accept_language: str) -> str:
    """The language a browser asks for (RFC 9110 section 12.5.4); the default where it asks for neither of ours."""
    wishes: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept_language.split(",")):
        tag, _, parameters = item.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        wishes.append((-weight, position, tag.strip().lower()))
    for weight, _, tag in sorted(wishes):
        if weight == 0:
            continue
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return DEFAULT_LANGUAGE
