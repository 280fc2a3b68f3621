"""What a clerk changed in one sitting of a series, and the same change to the others. Pure.

A three-way comparison: something becomes different only where it was as in the sitting that was changed. What one of the others has of
its own (another room, another judge, a time to which it was moved by itself) stays its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import STAFF_WORDS, Pair, words_of
from dispatch.booking.wall_clock import moment, wall_time
from dispatch.errors import FieldError, ValidationFailed
from dispatch.typed import tidy

_FIELDS = ("case_number", "case_title", "title", "kind", "chair_id", "clerk_id", "prosecutor_id")
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """From the form of a sitting as it was to the form as it is to be. `by`: how far it is put off on the clock of the wall;
    `minutes`: its length, None where that stays."""

    former: SittingDraft
    latter: SittingDraft
    zone: ZoneInfo
    by: timedelta
    minutes: int | None

    @classmethod
    def between(cls, former: SittingDraft, latter: SittingDraft, zone: ZoneInfo) -> Difference:
        """Raises ValidationFailed where a time is missing."""
        missing: list[FieldError] = [(name, "required", {}) for name in ("starts_at", "ends_at") if getattr(latter, name) is None]
        if missing:
            raise ValidationFailed(missing)
        (start, length), (new_start, new_length) = _times(former), _times(latter)
        by = wall_time(new_start, zone) - wall_time(start, zone)
        return cls(former, latter, zone, by, round(new_length.total_seconds() / 60) if new_length != length else None)

    @property
    def moves(self) -> bool:
        """Whether times become different."""
        return bool(self.by) or self.minutes is not None

    def applied(self, to: SittingDraft, *, keeps_its_time: bool) -> SittingDraft:
        """The form of another sitting of the series, with the same change."""
        changed: dict[str, object] = {
            name: getattr(self.latter, name)
            for name in _FIELDS
            if getattr(self.former, name) == getattr(to, name) != getattr(self.latter, name)
        }
        if to.room_ids == self.former.room_ids:
            changed |= {"room_id": self.latter.room_ids[0] if self.latter.room_ids else "", "rooms": self.latter.room_ids}
        gone = set(self.former.equipment) - set(self.latter.equipment)
        added = [each for each in self.latter.equipment if each not in {*self.former.equipment, *to.equipment}]
        changed["equipment"] = (*(each for each in to.equipment if each not in gone), *added)
        changed["participants"] = people = self._people(to)
        changed["apart"] = self._apart(to, people)
        # A reason that is given now is for all of them; one that was there is for the one that had it.
        new = self.latter.override_reason if self.latter.override_reason != self.former.override_reason else ""
        changed["override_reason"] = new or to.override_reason or self.latter.override_reason
        if not keeps_its_time:
            start, length = _times(to)
            start = moment(wall_time(start, self.zone) + self.by, self.zone) if self.by else start
            changed |= {"starts_at": start, "ends_at": start + (timedelta(minutes=self.minutes) if self.minutes is not None else length)}
        return replace(to, **changed)  # type: ignore[arg-type]

    def _people(self, to: SittingDraft) -> tuple[ParticipantDraft, ...]:
        """The rows of another sitting. Whom a guardian guards is said by the words of that sitting, also where only that changed."""
        former = {row.id: row for row in self.former.participants}
        kept = {row.id for row in self.latter.participants}
        gone = {_key(row) for row in self.former.participants if row.id not in kept}
        changed = {_key(former[row.id]): row for row in self.latter.participants if row.id in former and row != former[row.id]}
        found = []
        for row in to.participants:
            if _key(row) in gone:
                continue
            latter = changed.get(_key(row))
            found.append(replace(latter, id=row.id) if latter is not None else row)
        present = {_key(row) for row in found}
        found += [replace(row, id="") for row in self.latter.participants if row.id not in former and _key(row) not in present]
        here = _by_key(found)
        words = {word: here[key] for word, key in _keys(self.latter).items() if key in here}
        return tuple(replace(row, guards=words.get(row.guards, row.guards)) for row in found)

    def _apart(self, to: SittingDraft, people: tuple[ParticipantDraft, ...]) -> tuple[Pair, ...]:
        """The pairs of another sitting, with those that were added to this one and without those that were taken away."""
        former, latter, own = (_pairs(draft) for draft in (self.former, self.latter, to))
        here = _by_key(people)
        wanted = (own - (former - latter)) | (latter - former)
        pairs = (tuple(here[key] for key in pair if key in here) for pair in wanted)
        return tuple(sorted((pair[0], pair[1]) for pair in pairs if len(pair) == 2))


def _keys(draft: SittingDraft) -> dict[str, _Key]:
    """By the words of one form, who is meant: in whatever sitting of the series."""
    staff: dict[str, _Key] = {word: (word, "", "") for word in STAFF_WORDS}
    return staff | {word: _key(row) for row in draft.participants for word in words_of(row)}


def _by_key(people: Iterable[ParticipantDraft]) -> dict[_Key, str]:
    """The word of each in the form that these rows are of."""
    staff: dict[_Key, str] = {(word, "", ""): word for word in STAFF_WORDS}
    return staff | {_key(row): words[0] for row in people if (words := words_of(row))}


def _pairs(draft: SittingDraft) -> set[frozenset[_Key]]:
    keys = _keys(draft)
    return {frozenset(keys[word] for word in pair) for pair in draft.apart if all(word in keys for word in pair)}


def _times(draft: SittingDraft) -> tuple[datetime, timedelta]:
    """Start (UTC) and length of a form that has both."""
    if draft.starts_at is None or draft.ends_at is None:
        raise ValueError("a form without times")
    start = draft.starts_at.astimezone(UTC)
    return start, draft.ends_at.astimezone(UTC) - start


def _key(row: ParticipantDraft) -> _Key:
    """By what the same person is known in another sitting."""
    return (row.role, row.user_id, "" if row.user_id else tidy(row.name))
