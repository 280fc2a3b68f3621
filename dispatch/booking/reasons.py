"""Why sittings are cancelled: the reasons that the page lists, as they are written down for the participants.

They come from what stops a hearing in the rules (DOMAIN.md section 3: an objection to the online form, identity or originals to be
checked on site, disconnection, an application withdrawn). Programs give any text; one that is a listed one counts as that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OTHER = "other"
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "withdrawn": "当事人撤回申请或撤诉",
        "settled": "双方已和解或调解",
        "party_absent": "当事人或代理人无法到场",
        "official_absent": "承办人员另有公务或身体不适",
        "on_site": "改为线下进行",
        "materials": "材料或送达手续未齐备",
        "technical": "设备或网络故障",
        "mistake": "重复或错误预约",
    }
)
"""Code → words, in the court's language."""


def words_of(code: str, typed: str) -> str:
    """The reason that was chosen; what was typed where it is another one, or where nothing was chosen."""
    return REASONS.get(code, typed)


def code_of(words: str) -> str:
    """The code of a reason that was written down; "other" for any that is not listed."""
    return next((code for code, text in REASONS.items() if text == words), OTHER)
