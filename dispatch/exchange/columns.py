"""The columns of a list of sittings: the same for what comes in and what goes out, in CSV and XLSX. Pure."""

from __future__ import annotations

from collections.abc import Mapping

PEOPLE: Mapping[str, tuple[str, str]] = {
    "chair": ("主持人", "Presides"),
    "clerk": ("书记员", "Clerk"),
    "prosecutor": ("检察员", "Prosecutor"),
    "participants": ("参加人", "Participants"),
    "minors": ("未成年人", "Minors"),
    "guardians": ("监护关系", "Guardians"),
    "apart": ("隔离名单", "Must not see or hear each other"),
}
"""The columns that say who takes part, of every list."""
COLUMNS: Mapping[str, tuple[str, str]] = {
    "key": ("标识", "Key"),
    "kind": ("场次类型", "Kind of sitting"),
    "case_number": ("案号", "Case number"),
    "case_title": ("案件名称", "Case"),
    "title": ("场次名称", "Sitting"),
    "day": ("日期", "Day"),
    "start": ("开始", "Start"),
    "end": ("结束", "End"),
    "room": ("房间", "Room"),
    **PEOPLE,
    "override_reason": ("例外理由", "Reason for an exception"),
    "status": ("状态", "Status"),
}
"""Name → heading in Chinese and English. `status` goes out alone. Participants are one cell, each `name|role|telephone|e-mail|seat`,
separated by semicolons; of the seat, "room" for who sits in the room. Minors are names; guardians and who is kept from whom are pairs of
names, `name|name`, with whom he guards behind the guardian. Without an end a sitting takes as long as its kind usually does."""
ALSO: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind", "类型", "业务类型"),
    "chair": ("审判长", "presiding judge", "接访检察官", "召集人", "讯问人员", "听证主持人"),
    "room": ("功能房",),
}
"""Other headings that are taken, of kinds that call it otherwise."""
TAKEN = tuple(name for name in COLUMNS if name != "status")
NEEDED = ("case_number", "day", "start", "room", "chair", "participants")

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def name_of(heading: str, columns: Mapping[str, tuple[str, str]] = COLUMNS) -> str | None:
    """The column that a heading means; None where there is none."""
    said = heading.strip().lstrip("\ufeff").lower()
    return next((name for name, words in columns.items() if said in (name, *(word.lower() for word in words), *ALSO.get(name, ()))), None)


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe stands before it."""
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def unguarded(text: str) -> str:
    """Inverse of :func:`guarded`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_STARTS_FORMULA) else text
