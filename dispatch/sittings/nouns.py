"""What a kind of sitting, those who conduct it and those who let people in are called: in every text that names them.

A text says "{sitting}", "{house}", "{usher}", or "{call}", what one is called to; static/js/i18n.js fills the same on the hearing's page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

NOUNS = ("sitting", "house", "usher", "call")


def nouns(gettext: Callable[..., str], kind: str) -> Mapping[str, str]:
    """The nouns of a kind in the language of `gettext`."""
    return {noun: gettext(f"noun.{noun}.{kind}") for noun in NOUNS}
