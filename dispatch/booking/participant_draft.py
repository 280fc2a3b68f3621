"""Somebody who takes part, as typed by the clerk. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParticipantDraft:
    """One row of the form. `id` is that of a participant who is there already; `user_id` makes it a member of the staff; `minor`: he is
    under 18."""

    name: str
    role: str
    phone: str = ""
    seat: str = "link"
    id: str = ""
    user_id: str = ""
    email: str = ""
    key: str = ""
    """the word by which a row that is new is meant elsewhere in the form"""
    minor: bool = False
    guards: str = ""
    """of a guardian: the word of whom he guards (:mod:`dispatch.booking.protection`)"""
