"""What the start says to whoever started it: where to go, whom to trust, and who may sign in to the demonstration."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dispatch.operations.authority import authority_of, fingerprint

if TYPE_CHECKING:
    from dispatch.settings import Settings


def how_to_trust(settings: Settings) -> str:
    """What the administrator tells whoever comes with another device: where, and which fingerprint he must see there."""
    certificate = authority_of(settings.secrets)
    host = f"[{settings.lan}]" if ":" in settings.lan else settings.lan
    trust = f"http://{host}{'' if settings.port == 80 else f':{settings.port}'}/trust"
    shown = fingerprint(certificate) if certificate else ""
    return f"dispatch: other devices come to trust it at {trust}\ndispatch: SHA-256 of its authority {shown}"


def demonstration_table(settings: Settings) -> str:
    """What a newcomer needs: where, who, with which password."""
    def width(text: str) -> int:
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

    def row(cells: Sequence[str]) -> str:
        return "  " + "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(cells, widths, strict=True)).rstrip()

    accounts = json.loads((settings.secrets / "demo-accounts.json").read_text(encoding="utf-8"))
    rows = [("姓名 Name", "角色 Role", "登录名 Sign-in name", "密码 Password")]
    rows += [(a["name"], a["role"], a["sign_in_name"], a["password"]) for a in accounts]
    widths = [max(width(r[i]) for r in rows) for i in range(4)]
    rule = "  " + "─" * (sum(widths) + 6)
    lines = ["", f"  演示已就绪 · The demonstration is ready:  {settings.public_url}", "", row(rows[0]), rule, *map(row, rows[1:]), rule]
    lines += ["  口令随机生成，仅用于演示 · Passwords were made at random, for the demonstration only", "  Ctrl+C 停止 · stops", ""]
    return "\n".join(lines)
