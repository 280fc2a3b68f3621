"""docs/protocol.md names every message, field, close code, error and event, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from rooms import protocol
from rooms.journal import EVENT_KINDS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
BASES = {"Message", "FromBrowser", "FromServer"}
MESSAGES = {
    name: value
    for name, value in vars(protocol).items()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__.startswith("rooms.protocol.") and name not in BASES
}
SECTIONS = {
    match["name"]: match["body"]
    for match in re.finditer(r"^### (?:`\w+` \()?(?P<name>[A-Z]\w+)\)?\n(?P<body>.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
}


def fields_in(body: str) -> set[str]:
    return {row.group(1) for row in re.finditer(r"^\| (\w+) \|(?! meaning \|)", body, re.MULTILINE)}


def test_the_document_names_every_message_and_no_other() -> None:
    assert set(SECTIONS) == set(MESSAGES)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_the_document_names_every_field_of(name: str) -> None:
    common = {"ref", "number", "type"}
    assert fields_in(SECTIONS[name]) == set(MESSAGES[name].model_fields) - common, name


@pytest.mark.parametrize("union", [protocol.BrowserMessage, protocol.ServerMessage])
def test_each_heading_has_the_type_on_the_wire(union: object) -> None:
    for message in get_args(union):
        assert f"### `{message.model_fields['type'].default}` ({message.__name__})" in TEXT


def test_every_close_code_has_a_row() -> None:
    codes = {name: value for name, value in vars(protocol.CloseCode).items() if name.isupper()}
    rows = {name: int(code) for code, name in re.findall(r"^\| (\d{4}) \| ([A-Z_]+) \|", TEXT, re.MULTILINE)}
    assert rows == codes


def test_every_event_has_a_row() -> None:
    table = TEXT[TEXT.index("## The event log") :]
    assert fields_in(table) - {"type"} == set(EVENT_KINDS) | {"source_switched", "stage_changed"}


def live_sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rooms").glob("*.py")))


def raised_codes() -> set[str]:
    text = live_sources()
    mapped = re.findall(r'"\w+": "(media_away|not_inside|transport_unknown|stale_revision|bad_sdp|unsupported_codec|check_unknown)"', text)
    raised = re.findall(r'(?:UserError|Missing)\(\s*"(\w+)"', text)
    return set(raised) | set(mapped) | {"media_failed"}


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_everything_a_person_may_be_told_has_words(language: str) -> None:
    texts: dict[str, str] = {}
    for path in (ROOT / "locales" / language).glob("*.json"):
        texts |= json.loads(path.read_text(encoding="utf-8"))
    reasons = set(re.findall(r'reason="(\w+)"', live_sources())) | {"malformed", "oversized", "slow", "not_invited", "private"}
    alerts = set(re.findall(r'(?:RaiseAlert|alert_id)\("(\w+)"', live_sources()))
    events = set(EVENT_KINDS) | {"source_on", "source_off", "stage_changed"}
    wanted = (
        {f"error.{code}" for code in raised_codes()}
        | {f"farewell.{reason}" for reason in reasons}
        | {f"alert.{code}" for code in alerts}
        | {f"event.{event}" for event in events}
    )
    assert wanted - set(texts) == set()
    assert len(alerts) == 10


def test_errors_of_sittings_are_in_the_document() -> None:
    outside = {"sitting_unknown", "sitting_not_open", "kind_unknown", "kind_fixed", "check_unknown", "too_many_checks", "media_failed"}
    outside |= {"stage_private", "sitting_over", "centre_private", "centre_not_here", "not_recorded"}  # to the command centre, or a room
    outside |= {"break_in_outranked", "break_in_taken", "nobody_broke_in", "nobody_hears", "not_watching"}  # docs/centre.md
    outside |= {"nobody_talks", "talk_broken_in", "talk_kept_apart", "talk_outranked", "talk_overheard", "talk_taken"}
    outside |= {"talk_to_minor", "talk_to_witness"}
    assert {code for code in raised_codes() - outside if f"`{code}`" not in TEXT} == set()
