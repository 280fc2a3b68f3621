"""docs/procedures.md, made from the data: every kind, stage, role and right in words, each row with its source.

python -m dispatch.web.procedure_document
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from dispatch.web.translations import catalogue
from rooms.procedure import PROCEDURES, SHIPPED, Procedure, Rights, Stage
from rooms.procedure.difference import centre_of, marks_of
from rooms.procedure.model import DEPARTURES, IN_TURN_LETTERS, LETTERS, NEEDS
from rooms.procedure.reading import ROLE_MARKS, ROLES, STAGE_MARKS

FILE = Path(__file__).resolve().parents[2] / "docs" / "procedures.md"
LANGUAGES = ("zh-CN", "en")


def document() -> str:
    """The whole text."""
    return "\n".join(_lines()) + "\n"


def _both(msgid: str) -> str:
    return " ".join(catalogue(language).gettext(msgid) for language in LANGUAGES)


def _roles(roles: Iterable[str], procedure: Procedure) -> str:
    order = procedure.order
    return "、".join(_both(f"role.{role}") for role in sorted(roles, key=order.index))


def _rights(rights: Rights) -> str:
    """The letters, and what they mean; of what counts only with the floor it is said."""
    said = []
    for letter, name in LETTERS.items():
        if getattr(rights, name):
            said.append(catalogue("zh-CN").gettext(f"right.{letter}"))
        elif letter in IN_TURN_LETTERS and getattr(rights, IN_TURN_LETTERS[letter]):
            said.append(catalogue("zh-CN").gettext(f"right.{letter}°"))
    return f"{rights.letters} {'、'.join(said)}" if said else _both("right.none")


def _lines() -> Iterator[str]:
    yield "# 程序 Procedures"
    yield ""
    yield "本文由数据生成，请勿手改：`python -m dispatch.web.procedure_document`。"
    yield "Made from the data of `rooms/procedure/kinds/`; a test holds it to them."
    yield ""
    yield "## 权限字母 Letters"
    yield ""
    yield "| 字母 letter | 含义 | meaning |"
    yield "|---|---|---|"
    for letter in (*LETTERS, *(f"{letter}°" for letter in IN_TURN_LETTERS)):
        yield f"| {letter} | {catalogue('zh-CN').gettext(f'right.{letter}')} | {catalogue('en').gettext(f'right.{letter}')} |"
    yield ""
    yield "没有列出的角色在该阶段没有任何权限。"
    yield "A role that is not named in a stage has no right in it. D belongs only to the one who presides."
    for (kind, version), procedure in SHIPPED.items():
        newest = PROCEDURES[kind].version == version
        yield from _kind(procedure, newest=newest)
    yield from _format()


def _kind(procedure: Procedure, *, newest: bool) -> Iterator[str]:
    yield ""
    yield f"## {_both(f'kind.{procedure.kind}')} · {procedure.names['zh-CN']} {procedure.names['en']} · {procedure.version}"
    yield ""
    if not newest:
        yield "较早版本，仍可采用。An earlier version, which can still be adopted."
        yield ""
    yield f"- 依据 Source: {procedure.source}"
    yield f"- 主持 Presides: {_both(f'role.{procedure.chair}')}"
    for quorum in procedure.quorum:
        span = f"{quorum.least}–{quorum.most}" if quorum.most is not None else f"≥ {quorum.least}"
        yield f"- 人数 Number: {_roles(quorum.roles, procedure)} {span}（{quorum.source}）"
    for group in procedure.consults:
        yield f"- 可单独会商 May confer aside: {_roles(group, procedure)}"
    yield f"- 掉线后果 When somebody is gone: {_both(f'departure.{procedure.departure}')}"
    may = "、".join(_both(f"centre.{act}") for act in centre_of(procedure))
    yield f"- 指挥中心，不在不公开阶段 Command centre, outside private stages: {may or '–'}"
    if procedure.stops_without_recording:
        yield "- 录制中断即停止。Without recording it stops."
    yield ""
    yield "| 角色 role | 代码 code | 依据 source |"
    yield "|---|---|---|"
    for role in procedure.order:
        yield f"| {_both(f'role.{role}')} | `{role}` | {procedure.role_sources.get(role, '')} |"
    yield ""
    yield "| 阶段 stage | 性质 marks | 进入前须有 needs | 之后 next | 依据 source |"
    yield "|---|---|---|---|---|"
    for name, stage in procedure.stages.items():
        following = "、".join(_stage(procedure.stages[each]) for each in procedure.changes[name])
        needs = "、".join(_both(f"need.{need}") for need in NEEDS if need in stage.needs)
        yield f"| {_stage(stage)} | {_marks(stage)} | {needs} | {following} | {stage.source} |"
    yield ""
    yield "| 阶段 stage | 角色 role | 权限 rights | 依据 source |"
    yield "|---|---|---|---|"
    for name, stage in procedure.stages.items():
        alike: dict[Rights, list[str]] = {}
        for role in procedure.order:
            if role in procedure.rights[name]:
                alike.setdefault(procedure.rights[name][role], []).append(role)
        for rights, roles in alike.items():
            yield f"| {_stage(stage)} | {_roles(roles, procedure)} | {_rights(rights)} | {stage.source} |"
        if not alike:
            yield f"| {_stage(stage)} | – | {_both('right.none')} | {stage.source} |"


def _stage(stage: Stage) -> str:
    return f"{stage.names['zh-CN']} {stage.names['en']}"


def _marks(stage: Stage) -> str:
    return "、".join(_both(f"mark.{mark}") for mark in marks_of(stage))


def _format() -> Iterator[str]:
    example = PROCEDURES["round_table"]
    yield ""
    yield "## 版本文件的格式 The format of a version"
    yield ""
    yield "一个 YAML 文件，一个版本。One YAML file is one version; a bad one is refused with every bad line. Words:"
    yield ""
    yield "- `kind`, `version`, `names` (`zh-CN`, `en`), `source`, `chair` (a role), `departure`: " + ", ".join(
        f"`{each}`" for each in DEPARTURES
    )
    yield (
        "- `roles`: "
        + ", ".join(f"`{each}`" for each in ROLES)
        + "; each with `is`, `seat`, `source`. `is`: "
        + ", ".join(f"`{each}`" for each in ROLE_MARKS)
    )
    yield "- `quorum`: `roles`, `least`, `most`, `source`; `consults`: `roles`, `source`"
    yield (
        "- `stages`, in order: `names`, `status` (open, live, recess, closed), `needs` (" + ", ".join(f"`{each}`" for each in NEEDS) + "),"
    )
    yield "  `reasons`, `next`, `rights` (role: letters), `source`, and `is`: " + ", ".join(f"`{each}`" for each in STAGE_MARKS)
    yield ""
    yield "```yaml"
    yield example.text.rstrip()
    yield "```"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
