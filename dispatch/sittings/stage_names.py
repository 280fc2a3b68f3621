"""What a stage is called: as the version says by which the sitting is held, else as the catalogue does. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Words = Callable[..., str]


def stage_name(name: str, names: Mapping[str, str] | None, language: str, words: Words) -> str:
    """The stage `name` in a language; `names` are those of its version, by language, which logs of before do not have."""
    said = (names or {}).get(language, "")
    return said or words(f"stage.{name}")
