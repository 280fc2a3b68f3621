"""What a check finds: one item, one state, words by code and values, so that it reads in either language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "note", "mend"]
Gettext = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Finding:
    """`item` is what was looked at ("check.item.<item>" in the catalogue), `code` what was found ("check.<item>.<code>").

    States: "ok"; "note", which the operator should know and may leave; "mend", which says what to do.
    """

    item: str
    state: State
    code: str
    data: Mapping[str, object] = field(default_factory=dict)

    def text(self, gettext: Gettext) -> str:
        """In words."""
        return gettext(f"check.{self.item}.{self.code}", **self.data)


def ok(item: str, code: str, **data: object) -> Finding:
    """Nothing to do."""
    return Finding(item, "ok", code, data)


def note(item: str, code: str, **data: object) -> Finding:
    """Worth knowing."""
    return Finding(item, "note", code, data)


def mend(item: str, code: str, **data: object) -> Finding:
    """Something is to be done."""
    return Finding(item, "mend", code, data)


def lines(findings: Iterable[Finding], gettext: Gettext) -> list[str]:
    """One line for each: state, item, words."""
    return [
        gettext("check.line", state=gettext(f"check.state.{f.state}"), item=gettext(f"check.item.{f.item}"), words=f.text(gettext))
        for f in findings
    ]


def to_json(findings: Iterable[Finding], gettext: Gettext) -> dict[str, Any]:
    """For programs; `text` is in the language asked for, `item`, `state` and `code` are the same in all."""
    listed = [{"item": f.item, "state": f.state, "code": f.code, "text": f.text(gettext), "data": dict(f.data)} for f in findings]
    return {"ok": all(one["state"] != "mend" for one in listed), "items": listed}
