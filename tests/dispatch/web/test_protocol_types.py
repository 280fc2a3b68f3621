"""static/js/protocol.js names every message and field of rooms/protocol/, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rooms.protocol as protocol

SCRIPT = (Path(protocol.__file__).parents[2] / "static" / "js" / "protocol.js").read_text(encoding="utf-8")
NAMES = {"Error": "ServerError"}
"""JavaScript has an Error of its own."""


def typed_fields(name: str) -> set[str]:
    """The fields of a typedef, written on one line or as a block of @property."""
    name = NAMES.get(name, name)
    line = re.search(rf"@typedef \{{\{{(.*)\}}\}} {name} \*/", SCRIPT)
    if line:
        return {found.rstrip("?") for found in re.findall(r"(\w+\??):", line.group(1))}
    block = re.search(rf"@typedef \{{object\}} {name}\n(.*?)\*/", SCRIPT, re.DOTALL)
    assert block, f"protocol.js has no type {name}"
    return set(re.findall(r"@property \{.*\} (\w+)", block.group(1)))


FROM_SERVER = tuple(model.__name__ for model in protocol.ServerMessage.__args__)
VIEWS = (
    *("View", "SittingView", "ParticipantView", "SourceView", "RecordingView", "AlertView", "DeviceView", "RoomView", "RightsView"),
    *("MessageView", "OfferTrack", "NetworkView", "BreakInView", "IntercomView"),
)
FROM_BROWSER = tuple(model.__name__ for model in protocol.BrowserMessage.__args__)


@pytest.mark.parametrize("name", [*FROM_SERVER, *VIEWS, "TrackOffered", "Shown", "Direction"])
def test_a_message_of_the_server_has_the_same_fields_in_the_page(name: str) -> None:
    assert typed_fields(name) == set(getattr(protocol, name).model_fields)


@pytest.mark.parametrize("name", FROM_BROWSER)
def test_a_message_of_the_browser_has_the_same_fields_in_the_page(name: str) -> None:
    assert typed_fields(name) == set(getattr(protocol, name).model_fields) - {"ref"}


def test_close_codes_are_the_same() -> None:
    listed = {name: value for name, value in vars(protocol.CloseCode).items() if name.isupper()}
    assert {name: int(value) for name, value in re.findall(r"^  ([A-Z_]+): (44\d\d|45\d\d),", SCRIPT, re.MULTILINE)} == listed
