"""Sittings as calendars understand them: iCalendar (RFC 5545) for files, iTIP (RFC 5546) for invitations. Pure.

An entry is known by its UID, which a sitting keeps for ever, and a calendar follows whichever has the higher SEQUENCE
(:meth:`dispatch.store.tables.Sitting.revise`). Its times are in the court's zone, whose rules come with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vCalAddress, vUri

from dispatch.notices.zones import timezone

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]

PRODUCT = "-//dispatch//remote sittings//ZH"
_SITTINGS = UUID("6d3b8d9e-0e0c-5c1b-9b57-2f1f4b0d7a11")
"""Namespace of the UIDs (RFC 9562 section 5.5): the same sitting has the same one whatever the site's address is."""

_PARTS = {"gallery": "NON-PARTICIPANT", "custody_officer": "NON-PARTICIPANT", "media": "NON-PARTICIPANT"}
"""ROLE of section 3.2.16; who presides is the chair, everybody else is needed."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody with an e-mail address. `role` is that of the procedure; `comes`: he need not answer, he is bound to be there;
    `presides`: he leads the sitting."""

    email: str
    name: str
    role: str = ""
    comes: bool = False
    presides: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A sitting in a calendar. Times are aware; `alarms`: how long before the start the calendar speaks up; `told_at`: when it was
    last changed; `url`: where one enters."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str
    description: str
    told_at: datetime
    cancelled: bool = False
    url: str = ""
    organizer: Contact | None = None
    attendees: tuple[Contact, ...] = ()
    alarms: tuple[timedelta, ...] = ()


def uid_of(sitting_id: str) -> str:
    """The UID of a sitting's entry."""
    return str(uuid5(_SITTINGS, sitting_id))


def _address(contact: Contact) -> vCalAddress:
    address = vCalAddress(f"mailto:{contact.email}")
    address.params["CN"] = contact.name
    return address


def _attendee(contact: Contact) -> vCalAddress:
    address = _address(contact)
    address.params["CUTYPE"] = "INDIVIDUAL"
    address.params["ROLE"] = "CHAIR" if contact.presides else _PARTS.get(contact.role, "REQ-PARTICIPANT")
    address.params["PARTSTAT"] = "ACCEPTED" if contact.comes else "NEEDS-ACTION"
    address.params["RSVP"] = "FALSE"
    return address


def _alarm(entry: Entry, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", entry.summary)
    alarm.add("trigger", -before)
    return alarm


def _time(moment: datetime, zone: ZoneInfo) -> datetime:
    """By the court's clock; in UTC where that clock shows the same twice, as programs differ in which of both they take."""
    local = moment.astimezone(zone)
    return local if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset() else moment.astimezone(UTC)


def _event(entry: Entry, zone: ZoneInfo) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.told_at)
    event.add("dtstart", _time(entry.starts_at, zone))
    event.add("dtend", _time(entry.ends_at, zone))
    event.add("summary", entry.summary)
    if entry.location:
        event.add("location", entry.location)
    if entry.description:
        event.add("description", entry.description)
    if entry.url:
        event.add("url", vUri(entry.url))
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    if entry.organizer is not None:
        event.add("organizer", _address(entry.organizer))
    for contact in entry.attendees:
        event.add("attendee", _attendee(contact))
    if not entry.cancelled:
        for before in entry.alarms:
            event.add_component(_alarm(entry, before))
    return event


def written(method: Method, entries: Sequence[Entry], zone: ZoneInfo, name: str = "") -> bytes:
    """The calendar object: lines of at most 75 octets, CRLF between them, UTF-8. `name`: of a calendar that is subscribed to."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if name:
        calendar.add("x-wr-calname", name)
        calendar.add("name", name)
    years = [moment.astimezone(zone).year for entry in entries for moment in (entry.starts_at, entry.ends_at)]
    if years:
        calendar.add_component(timezone(zone, min(years) - 1, max(years)))
    for entry in entries:
        calendar.add_component(_event(entry, zone))
    return bytes(calendar.to_ical())
