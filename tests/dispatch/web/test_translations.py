"""No page says anything in one language only."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator

import pytest
from jinja2.ext import babel_extract

from dispatch.web.access import ALL_ROLES
from dispatch.web.navigation import BY_ROLE
from dispatch.web.translations import LANGUAGES, LOCALES, catalogue, negotiate, read_texts
from rooms.procedure import SHIPPED
from rooms.procedure.reading import ROLES

ROOT = LOCALES.parent
FUNCTIONS = {"_", "gettext", "translate", "text"}
CODE = re.compile(r"^[a-z][a-z_]*(\.[a-z0-9_]+)+$")

SITTING_STATUSES = ("planned", "open", "live", "recess", "closed", "cancelled")
ROOM_KINDS = ("court", "intake", "hearing", "round_table", "interrogation", "virtual")


def in_templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        with path.open("rb") as file:
            for _line, _function, found, _comments in babel_extract(file, ("_",), (), {}):
                message = found[0] if isinstance(found, tuple) else found
                if isinstance(message, str):
                    yield str(path.relative_to(ROOT)), message


def in_python() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "dispatch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or "store" in path.parts:  # what is `text` there is SQL
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in FUNCTIONS:
                continue
            arguments = node.args[1:] if name == "translate" else node.args[:1]
            for argument in arguments[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and not argument.value.startswith("SELECT"):
                    yield str(path.relative_to(ROOT)), argument.value


def in_scripts() -> Iterator[tuple[str, str]]:
    call = re.compile(r"\bt\(\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`$]*`)")
    for path in sorted((ROOT / "static" / "js").rglob("*.js")):
        for found in call.finditer(path.read_text(encoding="utf-8")):
            literal = found.group(1)
            inner = literal[1:-1].replace('\\"', '"').replace("\\'", "'")
            yield str(path.relative_to(ROOT)), json.loads('"' + inner.replace('"', '\\"') + '"')


def codes() -> Iterator[tuple[str, str]]:
    """What is looked up by a code and so is no literal anywhere."""
    for role in ALL_ROLES:
        yield "dispatch/web/access.py", f"account.{role}"
    for role in ROLES:
        yield "rooms/procedure", f"role.{role}"
    for (kind, _version), procedure in SHIPPED.items():
        yield "rooms/procedure", f"kind.{kind}"
        for stage in procedure.stages:
            yield "rooms/procedure", f"stage.{stage}"
    for status in SITTING_STATUSES:
        yield "dispatch/store/tables.py", f"status.{status}"
    for kind in ROOM_KINDS:
        yield "dispatch/store/tables.py", f"room_kind.{kind}"
    for entries in BY_ROLE.values():
        for entry in entries:
            yield "dispatch/web/navigation.py", entry.label
    for path in sorted((ROOT / "dispatch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if name in {"UserError", "NotFound", "Forbidden", "Refused", "Conflict"} and isinstance(node, ast.Call) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield str(path.relative_to(ROOT)), f"error.{first.value}"


def audit_actions() -> Iterator[tuple[str, str]]:
    """What is written to the audit log: its page has a word for each."""
    for path in sorted((ROOT / "dispatch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and name in {"write", "record", "_note", "write_down"}:
                texts = [argument for argument in node.args[1:4] if isinstance(argument, ast.Constant)]
                for text in texts[:1]:
                    if isinstance(text.value, str) and re.fullmatch(r"[a-z_]{4,}", text.value):
                        yield str(path.relative_to(ROOT)), f"audit.{text.value}"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_of_the_pages_is_there_in_both_languages() -> None:
    chinese, english = catalogue("zh-CN"), catalogue("en")
    missing: dict[str, str] = {}
    for source in (in_templates(), in_python(), in_scripts(), codes(), audit_actions()):
        for place, message in source:
            if message not in chinese and re.search(r"[A-Za-z]", message):
                missing[f"zh_CN: {message}"] = place
            if CODE.match(message) and message not in english:
                missing[f"en: {message}"] = place
    assert not missing, "\n".join(f"{text}   ({place})" for text, place in missing.items())


def test_what_is_a_code_has_a_text_in_both_languages() -> None:
    chinese, english = read_texts(LOCALES / "zh_CN"), read_texts(LOCALES / "en")
    assert {msgid for msgid in english if CODE.match(msgid)} == {msgid for msgid in chinese if CODE.match(msgid)}


def test_translations_fill_in_the_same_values() -> None:
    chinese, english = read_texts(LOCALES / "zh_CN"), read_texts(LOCALES / "en")
    for msgid, text in chinese.items():
        assert placeholders(text) <= placeholders(english.get(msgid, msgid)), msgid


def test_chinese_texts_are_chinese() -> None:
    for msgid, text in read_texts(LOCALES / "zh_CN").items():
        words = re.sub(r"\{\w+\}", "", text)
        assert re.search(r"[\u4e00-\u9fff]", words) or text == msgid or not re.search(r"[A-Za-z]{4}", words), msgid


@pytest.mark.parametrize("folder", LANGUAGES.values())
def test_no_two_files_give_different_texts_for_one_thing(folder: str) -> None:
    read_texts(LOCALES / folder, strict=True)


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, en;q=0.5, zh;q=0.7", "zh-CN"),
        ("de", "zh-CN"),
        ("", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=x, zh", "zh-CN"),
    ],
)
def test_a_browser_gets_the_language_it_prefers_among_ours(accepts: str, language: str) -> None:
    assert negotiate(accepts) == language


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        ("en", "2026-09-04", "4 Sept 2026"),
        ("en", "2026-12-04 09:30", "4 Dec 2026 09:30"),
        ("zh-CN", "2026-12-04", "2026-12-04"),
        ("en", "2026-13-04", "2026-13-04"),
        ("en", "room 2026-12-04", "room 2026-12-04"),
    ],
)
def test_a_day_of_the_rules_is_written_as_the_language_does(language: str, value: str, written: str) -> None:
    assert catalogue(language).gettext("{name} is waiting", name=value).startswith(written)


def test_a_missing_value_stays_visible() -> None:
    assert catalogue("en").gettext("{name} of {court}", name="Li") == "Li of {court}"
