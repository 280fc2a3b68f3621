"""What is written on the film of a sitting: roles, cards, names as far as there is room, times. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rooms.recording.attendance import Place

ROLES = {
    "judge": ("审判员", "Judge"),
    "panel": ("合议庭成员", "Panel"),
    "clerk": ("书记员", "Clerk"),
    "prosecutor": ("检察官", "Prosecutor"),
    "party": ("当事人", "Party"),
    "agent": ("诉讼代理人", "Agent"),
    "defender": ("辩护人", "Defender"),
    "witness": ("证人", "Witness"),
    "expert": ("鉴定人", "Expert"),
    "interpreter": ("翻译", "Interpreter"),
    "gallery": ("旁听", "Gallery"),
    "custody_officer": ("法警", "Custody officer"),
    "guardian": ("法定代理人", "Guardian"),
    "receiver": ("接访检察官", "Receiving prosecutor"),
    "petitioner": ("信访人", "Petitioner"),
    "officer": ("相对端工作人员", "Officer at the other end"),
    "lawyer": ("律师", "Lawyer"),
    "police": ("司法警察", "Judicial police"),
    "chair": ("主持人", "Chair"),
    "hearing_officer": ("听证员", "Hearing officer"),
    "investigator": ("侦查人员", "Investigator"),
    "supervisor": ("人民监督员", "People's supervisor"),
    "media": ("媒体", "Media"),
    "convenor": ("召集人", "Convenor"),
    "member": ("成员", "Member"),
    "guest": ("列席人员", "Guest"),
    "interrogator": ("讯问人", "Interrogator"),
    "suspect": ("犯罪嫌疑人", "Suspect"),
    "command_centre": ("指挥中心", "Command centre"),
}
CARDS = {
    "recess": "休庭  Recess",
    "private": "不公开环节，未录制  Private phase, not recorded",
    "unrecorded": "本环节未录制  Not recorded",
    "gap": "录制中断  Recording interrupted",
}
AWAY, CAMERA_OFF, UNSEEN = "未在线  Not connected", "摄像头已关闭  Camera off", "未收到画面  No picture received"


def captions(place: Place) -> list[str]:
    """What may stand under the tile of a place, the longest first: names with roles in both languages, in Chinese, names alone."""
    if not place.people:
        return [min(place.endpoints)[:24]]
    named = [(person.name, *ROLES.get(person.role, (person.role, ""))) for person in place.people]
    return [
        "，".join(f"{name} · {role} {english}".rstrip() for name, role, english in named),
        "，".join(f"{name} · {role}" for name, role, _ in named),
        "，".join(name for name, _, _ in named),
    ]


def fitted(texts: Sequence[str], width: int, size: int) -> str:
    """The first of `texts` that is no wider than `width` pixels in letters of `size`; if none is, the last one, cut."""
    for text in texts:
        if _width(text, size) <= width:
            return text
    cut = texts[-1]
    while cut and _width(cut + "…", size) > width:
        cut = cut[:-1]
    return cut + "…"


def _width(text: str, size: int) -> float:
    """How wide a text is at most, nearly: Chinese letters are square, others on average 0.6 of that."""
    return sum(0.6 if letter.isascii() else 1.0 for letter in text) * size


def from_to(from_us: int, to_us: int, tz: str) -> str:
    """ "22:13:25 – 22:13:27" in the court's time; with the dates where they differ."""
    begin, end = (datetime.fromtimestamp(us / 1e6, ZoneInfo(tz)) for us in (from_us, to_us))
    form = "%H:%M:%S" if begin.date() == end.date() else "%Y-%m-%d %H:%M:%S"
    return f"{begin.strftime(form)} – {end.strftime(form)}"
