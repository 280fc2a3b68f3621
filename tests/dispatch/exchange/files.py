"""Files of sittings, as people send them in."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl

HEAD = ("案号", "案件名称", "日期", "开始", "结束", "房间", "审判长", "书记员", "参加人")
PEOPLE = "刘芳|当事人|138 1234 5678|liu@example.com; 吴译|interpreter|||room"
GOOD = (
    "（2026）京0105民初31号",
    "云河物业与刘芳合同纠纷",
    "2026-11-24",
    "14:00",
    "15:00",
    "第一法庭",
    "陈明远",
    "赵书宁",
    "刘芳|当事人|138 1234 5678|liu@example.com; 吴译|interpreter|||room",
)
NEXT = ("（2026）京0105民初32号", "王某与李某借款纠纷", "2026/11/25", "9:30", "10:30", "Court room 1", "chen", "", "王某|party")


def csv_of(*rows: tuple[str, ...], head: tuple[str, ...] = HEAD, encoding: str = "utf-8-sig", by: str = ",") -> bytes:
    lines = [by.join(f'"{cell}"' for cell in row) for row in (head, *rows)]
    return "\r\n".join(lines).encode(encoding)


def xlsx_of(*rows: tuple[Any, ...], head: tuple[str, ...] = HEAD) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (head, *rows):
        sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def bomb() -> bytes:
    """A workbook of 100 kB that unpacks to 100 MB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 100_000_000)
    return made.getvalue()
