"""docs/operations.md names every setting with its default, and nothing else."""

from __future__ import annotations

from pathlib import Path

from dispatch.settings import PREFIX, Settings

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "operations.md"


def rows() -> list[str]:
    """The settings as rows of the document's table."""
    found = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        found.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return found


def test_the_table_of_settings_is_that_of_the_program() -> None:
    written = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{PREFIX}")]
    assert written == rows(), "the table should read:\n" + "\n".join(rows())
