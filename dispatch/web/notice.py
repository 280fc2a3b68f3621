"""The notice that a participant reads before he takes part: purpose, identity, recording, recipients, rights, order.

It is made from the version of the procedure by which his kind of sitting is held: what it says of recording, watching, private
stages and consent is what the procedure does.

Sources: Personal Information Protection Law (个人信息保护法) Arts 14, 17, 23; Rules of Online Litigation (人民法院在线诉讼规则,
2021) Arts 4, 5 and 25: consent is given by an act, for this sitting, and may be withdrawn.
The version and the SHA-256 of the words that were shown go into the sitting's log with the consent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dispatch.sittings.nouns import nouns

if TYPE_CHECKING:
    from rooms.procedure import Procedure

VERSION = "2026-12"
"""Changed with every change of the words."""

PUBLIC_ROLES = frozenset({"gallery", "media"})
Words = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Notice:
    """`parts`: headings, each with its paragraphs. `agree`: the sentence that the participant ticks; part of what he agrees to.
    `accept` and `decline`: the words on his two buttons. `sha256` is over :attr:`text`."""

    version: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    agree: str
    accept: str
    decline: str

    @property
    def text(self) -> str:
        """The words as one text: heading, paragraphs, an empty line; at the end what is ticked."""
        return "\n\n".join(("\n".join((heading, *paragraphs)) for heading, paragraphs in (*self.parts, ("", (self.agree,)))))

    @property
    def sha256(self) -> str:
        """Hex digest of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def notice(_: Words, language: str, procedure: Procedure, court: str, phone: str) -> Notice:
    """The notice of a sitting that is held by `procedure`, in the language of `_`, which `language` names."""
    noun = nouns(_, procedure.kind)
    consent = "voluntary" if procedure.consents else "objection"
    parts = (
        (_("What this is for"), (_("notice.text.purpose", court=court, **noun), *_identity(_, procedure))),
        (_("Recording"), tuple(_recording(_, language, procedure, noun["sitting"]))),
        (_("Who receives it"), tuple(_receivers(_, language, procedure, noun["sitting"]))),
        (_("What else is kept"), (_("notice.text.kept", **noun),)),
        (_("Your rights"), (_(f"notice.text.{consent}", **noun), _("notice.text.see", phone=phone))),
        (_("Order"), (_("notice.text.order", **noun),)),
    )
    if procedure.consents:
        return Notice(VERSION, parts, _("notice.text.agree", **noun), _("I agree, go on"), _("I do not agree"))
    return Notice(VERSION, parts, _("notice.text.understood", **noun), _("Confirmed, go on"), _("I think that video is not suitable"))


def _identity(_: Words, procedure: Procedure) -> tuple[str, ...]:
    return (_("notice.text.identity"),) if procedure.identified else ()


def _recording(_: Words, language: str, procedure: Procedure, sitting: str) -> list[str]:
    """Which stages are recorded, which are not, and how one sees it."""
    recorded = any(stage.recorded for stage in procedure.stages.values())
    recordable = any(stage.recordable for stage in procedure.stages.values())
    if not recorded and not recordable:
        return [_("notice.text.unrecorded", sitting=sitting)]
    found = [_("notice.text.recorded" if recorded else "notice.text.recordable", sitting=sitting)]
    silent = [stage for stage in procedure.stages.values() if stage.pause or (stage.private and not stage.recorded)]
    if silent:
        found.append(_("notice.text.not_recorded", stages=_listed(language, [stage.names[language] for stage in silent])))
    if procedure.stops_without_recording:
        found.append(_("notice.text.stops", sitting=sitting))
    return [*found, _("notice.text.sign")]


def _receivers(_: Words, language: str, procedure: Procedure, sitting: str) -> list[str]:
    """Who sees and hears, besides those who take part."""
    held = [stage for stage in procedure.stages.values() if stage.status == "live"]
    found = [_("notice.text.inside", sitting=sitting)]
    private = [stage.names[language] for stage in procedure.stages.values() if stage.private]
    if private:
        found.append(_("notice.text.private", stages=_listed(language, private)))
    if any(stage.observable for stage in held):
        found.append(_("notice.text.watched"))
    else:
        found.append(_("notice.text.unwatched", sitting=sitting))
    if procedure.roles & PUBLIC_ROLES:
        found.append(_("notice.text.gallery", sitting=sitting))
    if any(stage.broadcast for stage in held):
        found.append(_("notice.text.broadcast"))
    return [*found, _("notice.text.recipients")]


def _listed(language: str, names: list[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return ("、" if language == "zh-CN" else ", ").join(quoted)
