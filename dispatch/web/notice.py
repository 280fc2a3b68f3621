"""The notice that a participant reads before consenting: purpose, recording, recipients, rights.

Sources: Personal Information Protection Law (个人信息保护法) Arts 14, 17, 23; Rules of Online Litigation (人民法院在线诉讼规则,
2021) Arts 4, 5 and 25: consent is given by an act, for this sitting, and may be withdrawn.
The version and the SHA-256 of the words that were shown go into the sitting's log with the consent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

VERSION = "2026-11"
"""Changed with every change of the words."""

Words = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Notice:
    """`parts`: headings, each with its paragraphs. `sha256` is over :attr:`text`."""

    version: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def text(self) -> str:
        """The words as one text: heading, paragraphs, an empty line."""
        return "\n\n".join("\n".join((heading, *paragraphs)) for heading, paragraphs in self.parts)

    @property
    def sha256(self) -> str:
        """Hex digest of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def notice(_: Words, court: str, phone: str) -> Notice:
    """The notice in the language of `_`."""
    parts = (
        (
            _("What this is for"),
            (
                _(
                    "{court} holds this hearing over the Internet. Your picture, your voice, your name and your role "
                    "are used for the hearing and for nothing else.",
                    court=court,
                ),
            ),
        ),
        (
            _("Recording"),
            (
                _("From the opening to the close of the hearing, picture and sound of everybody are recorded. Recesses are not recorded."),
                _(
                    "A red sign (REC) shows whenever the recording runs. The recording is kept with the case file "
                    "for as long as the law requires."
                ),
            ),
        ),
        (
            _("Who receives it"),
            (
                _("The people of this hearing see and hear you. The court's command centre may watch; you always see how many people do."),
                _("The recording is open to those who have a right to the case file by law. It is given to nobody else."),
            ),
        ),
        (
            _("What else is kept"),
            (
                _(
                    "When you came and went, your consent, the result of your device check, and the kind of browser "
                    "you use, so that the record of the hearing is complete."
                ),
            ),
        ),
        (
            _("Your rights"),
            (
                _(
                    "Taking part online is voluntary. You may refuse, or withdraw your consent in good time before a "
                    "stage begins; the court then arranges another way, without disadvantage to you."
                ),
                _("You may ask to see and to correct what is kept about you. Call the clerk: {phone}.", phone=phone),
            ),
        ),
        (
            _("Order in the hearing"),
            (
                _(
                    "Take part alone, in a quiet place. Do not record, photograph or pass on the hearing. Do not "
                    "leave while the court is in session without leave."
                ),
            ),
        ),
    )
    return Notice(VERSION, parts)
