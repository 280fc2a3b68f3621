"""The words of what people are told: an e-mail in both languages with its calendar entry, or a text message of one.

Both are made when they are sent, from the sitting as it is then, in the order of the receiver's languages. Texts are those
of the catalogue ("notice.…"), which the composition root hands over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dispatch.notices.calendar import Contact, Entry, Method, uid_of, written
from dispatch.notices.outbox import ENDS
from dispatch.sittings.nouns import nouns
from dispatch.typed import tidy

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.notice_tables import AskerMessage, Message
    from dispatch.store.tables import Participant, Sitting

Gettext = Callable[..., str]
Words = Callable[[str], Gettext]
"""Language tag → the function that gives its texts."""

LANGUAGES = ("zh-CN", "en")
SUBJECT_LONGEST = 120
CALENDAR: Mapping[str, Method] = {
    "invitation": "REQUEST",
    "approved": "REQUEST",
    "changed": "REQUEST",
    "link": "REQUEST",
    "cancelled": "CANCEL",
    "removed": "CANCEL",
}
"""Kinds of message that bring a calendar entry, and what it asks of the calendar."""

ABOUT: Mapping[str, tuple[str, ...]] = {
    "copy": ("number", "receiver", "reason"),
    "destruction": ("number", "recordings", "proposed_by", "reason"),
}
"""What a message tells besides the sitting, if it is of a copy or of a destruction: by the name that its detail has for the id."""

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "notices"
_BABEL = {"zh-CN": ("zh_Hans_CN", "yyyy年M月d日 EEEE"), "en": ("en_GB", "EEEE d MMMM yyyy")}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told: a participant (one without a role only asked for the booking), his language, where he enters ("" where nowhere by
    himself), and whether he is of the staff."""

    person: Participant
    language: str
    url: str
    staff: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The message in one language. `facts`: label and value; `action`: the word on the button, "" where there is none."""

    language: str
    court: str
    heading: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    action: str
    notes: tuple[str, ...]


class Writer:
    """Makes the words of messages for a site."""

    def __init__(self, settings: Settings, words: Words) -> None:
        self._settings = settings
        self._words = words
        loader = FileSystemLoader(_TEMPLATES)
        self._pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

    def mail(self, message: Message | AskerMessage, sitting: Sitting, receiver: Receiver, now: datetime) -> EmailMessage:
        """The e-mail, whole. Its Message-ID stays the same however often it is sent: a second copy is known as one."""
        parts = [self._part(message, sitting, receiver, tag) for tag in self._order(receiver.language)]
        mail = EmailMessage(policy=SMTP)
        domain = self._settings.mail_from.rpartition("@")[2]
        mail["Subject"] = self._subject(message, sitting, parts[0])
        mail["From"] = formataddr((self._settings.court, self._settings.mail_from))
        mail["To"] = formataddr((tidy(receiver.person.name), message.address))
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{message.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers
        mail["Content-Language"] = ", ".join(part.language for part in parts)
        mail.set_content(self._plain(parts, receiver.url), cte="base64")
        page = self._pages.get_template("mail.html").render(parts=parts, url=receiver.url, subject=mail["Subject"])
        mail.add_alternative(page, subtype="html", cte="base64")
        method = CALENDAR.get(message.kind) if receiver.person.role else None
        if method is not None:
            entry = written(method, [self._entry(message, sitting, receiver, parts, method, now)], self._settings.zone)
            mail.add_alternative(entry.decode(), subtype="calendar", params={"method": method}, cte="base64")
            mail.add_attachment(entry, maintype="application", subtype="ics", filename="sitting.ics")
        return mail

    def sms(self, message: Message | AskerMessage, sitting: Sitting, receiver: Receiver) -> str:
        """The text message: in the receiver's language alone, as short as it can be."""
        tag = receiver.language
        _ = self._words(tag)
        in_room = not receiver.url and message.kind not in ENDS
        return _(
            f"notice.sms.{message.kind}{'_room' if in_room else ''}",
            court=self._court(tag),
            name=tidy(receiver.person.name),
            **nouns(_, sitting.kind),
            when=self._when(sitting.starts_at, sitting.ends_at, tag),
            room=self._room(message.detail, tag),
            url=receiver.url,
            phone=self._settings.clerk_phone,
        )

    def _order(self, language: str) -> tuple[str, ...]:
        return LANGUAGES if language != "en" else LANGUAGES[::-1]

    def _court(self, tag: str) -> str:
        return self._settings.court_en if tag == "en" else self._settings.court

    def _room(self, detail: Mapping[str, Any], tag: str, former: str = "") -> str:
        return str(detail[f"{former}room_en" if tag == "en" else f"{former}room"])

    def _when(self, starts_at: datetime, ends_at: datetime, tag: str) -> str:
        locale, pattern = _BABEL[tag]
        starts, ends = starts_at.astimezone(self._settings.zone), ends_at.astimezone(self._settings.zone)
        day = format_date(starts.date(), pattern, locale=locale)
        last = "" if ends.date() == starts.date() else f"{format_date(ends.date(), pattern, locale=locale)} "
        offset = f"{starts:%z}"
        return f"{day} {starts:%H:%M}–{last}{ends:%H:%M} (UTC{offset[:3]}:{offset[3:5]})"

    def _subject(self, message: Message | AskerMessage, sitting: Sitting, first: Part) -> str:
        _ = self._words(first.language)
        when = self._when(sitting.starts_at, sitting.ends_at, first.language)
        words = nouns(_, sitting.kind)
        return tidy(_(f"notice.{message.kind}.subject", title=sitting.title, when=when, number=message.detail.get("number", ""), **words))[
            :SUBJECT_LONGEST
        ]

    def _part(self, message: Message | AskerMessage, sitting: Sitting, receiver: Receiver, tag: str) -> Part:
        _ = self._words(tag)
        over, noun = message.kind in ENDS, nouns(_, sitting.kind)
        facts = [(_("notice.case"), f"{sitting.case.number}\n{sitting.case.title}")]
        if sitting.title != sitting.case.title:
            facts.append((_("notice.sitting"), sitting.title))
        facts.append((_("notice.when"), self._when(sitting.starts_at, sitting.ends_at, tag)))
        facts.append((_("notice.room"), self._room(message.detail, tag)))
        facts += self._former(message, tag)
        if receiver.person.role:
            facts.append((_("notice.role"), _(f"role.{receiver.person.role}")))
        if message.kind in ("cancelled", "declined"):
            facts.append((_("notice.reason"), sitting.cancel_reason))
        about = "destruction" if "destruction" in message.detail else "copy"
        told = [name for name in ABOUT[about] if message.detail.get(name)]
        facts += [(_(f"notice.{about}.{name}"), message.detail[name]) for name in told]
        return Part(
            language=tag,
            court=self._court(tag),
            heading=_(f"notice.{message.kind}.heading", **noun),
            opening=_(f"notice.{message.kind}.opening", name=tidy(receiver.person.name), **noun),
            facts=tuple(facts),
            action="" if over or not receiver.url else _("notice.sign_in") if receiver.staff else _("notice.enter"),
            notes=tuple(self._notes(receiver, tag, message.detail, over=over)),
        )

    def _former(self, message: Message | AskerMessage, tag: str) -> list[tuple[str, str]]:
        """What a change has changed: the former time, the former room."""
        _, detail = self._words(tag), message.detail
        if "former_starts" not in detail:
            return []
        found = []
        starts, ends = (datetime.fromisoformat(detail[f"former_{name}"]) for name in ("starts", "ends"))
        if (detail["former_starts"], detail["former_ends"]) != (detail["starts"], detail["ends"]):
            found.append((_("notice.former_when"), self._when(starts, ends, tag)))
        if detail["former_room"] != detail["room"]:
            found.append((_("notice.former_room"), self._room(detail, tag, "former_")))
        return found

    def _notes(self, receiver: Receiver, tag: str, detail: Mapping[str, Any], *, over: bool) -> list[str]:
        _ = self._words(tag)
        notes = []
        if receiver.staff:
            what = next((name for name in ABOUT if name in detail), "staff")
            notes.append(_(f"notice.note.{what}"))
        elif receiver.url and not over:
            notes += [_("notice.note.personal"), _("notice.note.prepare")]
        elif not over:
            notes.append(_("notice.note.room"))
        notes.append(_("notice.note.questions", phone=self._settings.clerk_phone))
        return notes

    def _plain(self, parts: list[Part], url: str) -> str:
        lines: list[str] = []
        for number, part in enumerate(parts):
            if number:
                lines += ["", "-" * 40, ""]
            lines += [part.court, "", part.heading, "", part.opening, ""]
            lines += [f"{label}: {value}".replace("\n", " ") for label, value in part.facts]
            if part.action:
                lines += ["", f"{part.action}: {url}"]
            lines += ["", *part.notes]
        return "\n".join(lines) + "\n"

    def _entry(
        self, message: Message | AskerMessage, sitting: Sitting, receiver: Receiver, parts: list[Part], method: Method, now: datetime
    ) -> Entry:
        person, first = receiver.person, parts[0]
        cancelled = method == "CANCEL"
        told = [sitting.case.number, *(note for part in parts for note in part.notes)]
        return Entry(
            uid=uid_of(sitting.id),
            sequence=sitting.sequence,
            starts_at=sitting.starts_at,
            ends_at=sitting.ends_at,
            summary=sitting.title,
            location=f"{self._room(message.detail, first.language)}, {first.court}",
            description="\n".join(told),
            told_at=now,
            cancelled=cancelled,
            url="" if cancelled else receiver.url,
            organizer=Contact(self._settings.mail_from, self._settings.court),
            attendees=(Contact(message.address, tidy(person.name), person.role, receiver.staff, person.presides),),
            alarms=self._settings.reminders,
        )
