"""What a stage is called: as the version says by which the sitting is held, else as the catalogue does. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Words = Callable[..., str]


def stage_name(name: str, names: Mapping[str, str] | None, words: Words) -> str:
    """The stage `name` in the language of `words`; `names` are those of its version, by language, which logs of before do not have."""
    said = (names or {}).get(words("language.tag"), "")
    return said or words(f"stage.{name}")
