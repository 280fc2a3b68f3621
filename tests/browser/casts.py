"""Each kind of sitting with all its roles: who comes, what is between them, through which stages they go and what each of these needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rooms.procedure import PROCEDURES

QUESTION = "是否认定为自首并从轻处罚？"
"""What is put to the vote."""
LOOKED = "当庭核对原件"
"""What the chair writes where he keeps no still."""
Send = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Cast:
    """Who takes part beside chair and clerk (name, role), and the stages in the order in which they are gone through.

    `guards`: a guardian and the minor whose guardian he is. `screened`: two who must not see or hear each other. `clerk`: whether
    one is booked. `private`: the stage that only its members see.
    """

    people: tuple[tuple[str, str], ...]
    stages: tuple[str, ...]
    guards: tuple[str, str] | None = None
    screened: tuple[str, str] | None = None
    private: str = ""


CASTS = {
    "remote_court": Cast(
        (
            ("陪审员赵敏", "panel"),
            ("检察员钱进", "prosecutor"),
            ("李小明", "party"),
            ("代理人王芳", "agent"),
            ("辩护人周正", "defender"),
            ("证人吴强", "witness"),
            ("鉴定人郑文", "expert"),
            ("翻译阿依", "interpreter"),
            ("李建国", "guardian"),
            ("旁听陈静", "gallery"),
            ("法警孙刚", "custody_officer"),
        ),
        ("roll_call", "identity", "investigation", "debate", "final_statements", "deliberation", "judgment", "minutes"),
        guards=("李建国", "李小明"),
        screened=("辩护人周正", "证人吴强"),
        private="deliberation",
    ),
    "petition_intake": Cast(
        (
            ("信访人李秀英", "petitioner"),
            ("对接干部何勇", "officer"),
            ("律师王芳", "lawyer"),
            ("翻译阿依", "interpreter"),
            ("李建国", "guardian"),
            ("法警孙刚", "police"),
        ),
        ("identity", "statement", "explanation", "minutes", "routing"),
        guards=("李建国", "信访人李秀英"),
        screened=("律师王芳", "对接干部何勇"),
    ),
    "public_hearing": Cast(
        (
            ("听证员甲", "hearing_officer"),
            ("听证员乙", "hearing_officer"),
            ("听证员丙", "hearing_officer"),
            ("检察官钱进", "prosecutor"),
            ("当事人李明", "party"),
            ("代理人王芳", "agent"),
            ("侦查员冯涛", "investigator"),
            ("专家郑文", "expert"),
            ("证人吴强", "witness"),
            ("翻译阿依", "interpreter"),
            ("李建国", "guardian"),
            ("监督员蒋华", "supervisor"),
            ("记者沈悦", "media"),
            ("旁听陈静", "gallery"),
        ),
        ("roll_call", "presentation", "parties", "questions", "discussion", "opinions", "last_statements", "summary", "minutes"),
        guards=("李建国", "当事人李明"),
        screened=("证人吴强", "当事人李明"),
        private="discussion",
    ),
    "round_table": Cast(
        (
            ("成员甲", "member"),
            ("成员乙", "member"),
            ("成员丙", "member"),
            ("专家郑文", "expert"),
            ("来宾韩梅", "guest"),
            ("翻译阿依", "interpreter"),
        ),
        ("report", "opinions", "conclusion", "tasks"),
        screened=("专家郑文", "来宾韩梅"),
    ),
    "remote_interrogation": Cast(
        (
            ("犯罪嫌疑人小吴", "suspect"),
            ("民警郑刚", "custody_officer"),
            ("吴建国", "guardian"),
            ("翻译阿依", "interpreter"),
        ),
        ("out_of_cell", "identity", "rights", "recording_notice", "questioning", "minutes", "back_in_cell"),
        guards=("吴建国", "犯罪嫌疑人小吴"),
    ),
}
"""Every role of every kind, but for those who preside and the clerk, who have accounts."""


def acts_before(kind: str, to: str, people: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the chair does before the stage `to` may be entered: he calls the roll and confirms identities. `people`: as he sees them."""
    procedure = PROCEDURES[kind]
    needs = procedure.stages[to].needs
    there = [person for person in people if person["presence"] == "present" and not person["you"]]
    for person in there:
        if "roll_call" in needs:
            yield {"type": "roll", "participant": person["id"], "answer": "present"}
        if "identity" in needs and person["role"] in procedure.identified:
            looked = {"type": "identify", "participant": person["id"], "result": "confirmed", "note": LOOKED}
            yield looked | {"face": None, "document": None}


def agreed_before(kind: str, to: str, mine: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What somebody does himself before that: he consents to the stages for which it is asked, and hands in his opinion."""
    needs = PROCEDURES[kind].stages[to].needs
    for person in mine:
        due = [each["stage"] for each in person["consents_due"]]
        if "consents" in needs and due:
            yield {"type": "consent", "stages": due, "agree": True}
        if "opinions" in needs and person["role"] == "hearing_officer":
            yield {"type": "opinion", "text": f"{person['name']}：事实清楚，情节轻微，同意拟不起诉", "final": True}
