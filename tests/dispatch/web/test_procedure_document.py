"""docs/procedures.md says what the data says."""

from __future__ import annotations

import re

from dispatch.web.procedure_document import FILE, document
from rooms.procedure import SHIPPED


def test_the_document_is_what_the_data_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "python -m dispatch.web.procedure_document"


def test_every_stage_with_its_rights_and_its_source_is_in_it() -> None:
    text = document()
    for procedure in SHIPPED.values():
        part = text.split(f" · {procedure.version}\n")
        assert any(procedure.names["zh-CN"] in each.rpartition("\n## ")[2] for each in part[:-1])
        for name, stage in procedure.stages.items():
            assert stage.source
            for rights in set(procedure.rights[name].values()):
                if rights.letters:
                    row = rf"^\| {re.escape(stage.names['zh-CN'])} .*\| {rights.letters} .*\| {re.escape(stage.source)} \|$"
                    assert re.search(row, text, re.MULTILINE), (procedure.kind, name, rights.letters)


def test_no_word_of_it_is_left_a_code() -> None:
    table = document().split("## 版本文件的格式")[0]
    assert not re.search(r"\b(role|right|need|mark|departure|kind)\.\w", table)
