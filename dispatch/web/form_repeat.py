"""What the form of a sitting says of repeating it: the fields, the dates that are looked through before anything is booked, and, of one
that is in a series, which of them a change is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.booking import allowed, bookings
from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.booking.draft import LONGEST, SittingDraft
from dispatch.booking.series import changes as series_changes
from dispatch.booking.series import series
from dispatch.booking.series.recurrence import Series, with_one_moved, without_one
from dispatch.booking.series.rule_words import words_of
from dispatch.booking.series.rules import MOST_INTERVAL, MOST_OCCURRENCES, Rule, instances, rule_problems, rule_text
from dispatch.booking.series.series import Membership, Outlook, read, written
from dispatch.booking.wall_clock import moment, wall_time
from dispatch.errors import Clash, FieldError, SeriesConflict, UserError, ValidationFailed
from dispatch.store.tables import Sitting
from dispatch.web.formats import clock, day
from dispatch.web.request import Request, ctx, error_text, gettext, language, me, zone

EVERY = ("none", "daily", "working", "weekly", "month_day", "month_weekday", "month_last")
DATES = "dates"
"""The button that shows the dates and books nothing."""
_FIELD_OF = {"rule.interval": "repeat_n", "rule.count": "repeat_count", "rule.until": "repeat_until", "rule": "repeat_until"}


@dataclass(frozen=True)
class Repeat:
    """The fields as typed. `out`: occurrences that are left out; `take`: another start that one is given, a wall time; `shown`: which
    dates were on the page; `leave`: sittings (ids) that a change leaves as they are."""

    every: str = "none"
    n: str = "1"
    weekdays: frozenset[str] = frozenset()
    ends: str = "count"
    count: str = "10"
    until: str = ""
    skip_holidays: bool = False
    shown: str = ""
    out: frozenset[str] = frozenset()
    take: Mapping[str, str] | None = None
    scope: series_changes.Scope = "this"
    leave: frozenset[str] = frozenset()

    @property
    def on(self) -> bool:
        """Whether it repeats at all."""
        return self.every != "none"


@dataclass(frozen=True)
class Line:
    """A date on the page. `state`: free, taken, out, moved, holiday, unknown; `why`: what is in the way; `nearest`: the free time offered
    (value of the field and words)."""

    id: str
    words: str
    state: str
    why: str = ""
    nearest: tuple[str, str] | None = None


@dataclass(frozen=True)
class Preview:
    """The dates that would be booked. `fingerprint` goes with the form: what is booked is what was looked at. `error`: what keeps anybody
    from looking whether they are free."""

    words: str
    lines: tuple[Line, ...]
    fingerprint: str
    count: int
    taken: int
    error: ValidationFailed | None = None


def typed(fields: Mapping[str, str]) -> Repeat:
    """The fields as they were sent."""
    every, scope = fields.get("repeat", "none"), fields.get("scope", "this")
    marked = {name: value for name, value in fields.items() if name.startswith(("out-", "take-", "leave-"))}
    return Repeat(
        every=every if every in EVERY else "none",
        n=fields.get("repeat_n", "1"),
        weekdays=frozenset(each for each in WEEKDAYS if fields.get(f"repeat_on_{each}")),
        ends="until" if fields.get("repeat_ends") == "until" else "count",
        count=fields.get("repeat_count", "10"),
        until=fields.get("repeat_until", ""),
        skip_holidays=bool(fields.get("repeat_skip_holidays")),
        shown=fields.get("repeat_shown", ""),
        out=frozenset(name.removeprefix("out-") for name in marked if name.startswith("out-")),
        take={name.removeprefix("take-"): value for name, value in marked.items() if name.startswith("take-")},
        scope=scope if scope in series_changes.SCOPES else "this",
        leave=frozenset(name.removeprefix("leave-") for name in marked if name.startswith("leave-")),
    )


def plan_of(repeat: Repeat, starts_at: datetime | None, minutes: int, tz: ZoneInfo) -> Series:
    """How it repeats, beginning with the first day from the form's on that fits. Raises ValidationFailed with the form's fields."""
    if starts_at is None:
        raise ValidationFailed([("starts_at", "required", {})])
    wall = wall_time(starts_at.astimezone(UTC), tz)
    errors: list[FieldError] = []
    n = _number(repeat.n, "repeat_n", MOST_INTERVAL, errors)
    count = _number(repeat.count, "repeat_count", MOST_OCCURRENCES, errors) if repeat.ends == "count" else None
    until = None
    if repeat.ends == "until":
        try:
            until = datetime.combine(date.fromisoformat(repeat.until), wall.time())
        except ValueError:
            errors.append(("repeat_until", "required", {}))
    if errors:
        raise ValidationFailed(errors)
    rule = _rule(repeat, wall, n, count, until)
    errors += [(_FIELD_OF.get(name, "repeat_until"), code, data) for name, code, data in rule_problems(rule)]
    first = [] if errors else instances(rule, wall)
    if not errors and not first:
        errors.append(("repeat_until", "rule_never", {}))
    if errors:
        raise ValidationFailed(errors)
    return Series(first[0], minutes, tz, rule, skip_holidays=repeat.skip_holidays or repeat.every == "working")


def _number(text: str, field: str, most: int, errors: list[FieldError]) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= most:
        errors.append((field, "rule_number", {"least": 1, "most": most}))
    return number


def _rule(repeat: Repeat, wall: datetime, n: int, count: int | None, until: datetime | None) -> Rule:
    match repeat.every:
        case "working":
            return Rule("WEEKLY", count=count, until=until, weekdays=tuple((0, number) for number in range(5)))
        case "weekly":
            chosen = [number for number, name in enumerate(WEEKDAYS) if name in repeat.weekdays] or [wall.weekday()]
            return Rule("WEEKLY", n, count, until, tuple((0, number) for number in chosen))
        case "month_day":
            return Rule("MONTHLY", n, count, until, month_days=(wall.day,))
        case "month_weekday":
            return Rule("MONTHLY", n, count, until, ((min((wall.day - 1) // 7 + 1, 5), wall.weekday()),))
        case "month_last":
            return Rule("MONTHLY", n, count, until, ((-1, wall.weekday()),))
        case _:
            return Rule("DAILY", n, count, until)


async def book(request: Request, draft: SittingDraft, repeat: Repeat, act: str, held_until: datetime | None = None) -> str | Preview | None:
    """Book the sitting, or all of them where it repeats: the id of the first. Dates are looked at before: the first time they are shown,
    and again whenever something is in the way. None where dates are asked for and it does not repeat. Raises UserError."""
    context = ctx(request)
    db, now = context.db, context.clock()
    if not repeat.on:
        if act == DATES:
            return None
        return await bookings.create(db, draft, me(request), now, held_until=held_until)
    plan = plan_of(repeat, draft.starts_at, _minutes(draft), zone(request))
    all_dates = await _ahead(request, draft, plan)
    wanted, mark = _decided(plan, repeat), _fingerprint(plan)
    if repeat.shown != mark:
        repeat = replace(repeat, out=frozenset(), take={})  # decisions on other dates
        wanted = plan
    try:
        if act == DATES or repeat.shown != mark:
            outlook = await series.try_out(db, draft, wanted, me(request), now, held_until)
            return _preview(request, plan, all_dates, repeat, outlook.clashes)
        made = await series.create(db, draft, wanted, me(request), now, held_until=held_until)
    except SeriesConflict as conflict:
        return _preview(request, plan, all_dates, repeat, conflict.clashes)
    except ValidationFailed as failed:
        # The dates stay on the page. Whoever only asks for them is not told what he has not filled in yet; a reason that is needed, he is.
        asked_too_early = act == DATES and any(field != allowed.FIELD for field, _, _ in failed.errors)
        return replace(_preview(request, plan, all_dates, repeat, None), error=None if asked_too_early else failed)
    return (await series.get(db, made))[2][0].id


async def _ahead(request: Request, draft: SittingDraft, plan: Series) -> Outlook:
    try:
        return await series.look_ahead(ctx(request).db, draft, plan)
    except ValidationFailed as failed:
        fields = {"minutes": "ends_at", "starts": "starts_at"} | _FIELD_OF
        raise ValidationFailed([(fields.get(name, "repeat_until"), code, data) for name, code, data in failed.errors]) from None


def _minutes(draft: SittingDraft) -> int:
    if draft.starts_at is None or draft.ends_at is None:
        return 0
    return min(int((draft.ends_at - draft.starts_at).total_seconds() // 60), int(LONGEST.total_seconds()))


def _decided(plan: Series, repeat: Repeat) -> Series:
    """The plan with what the clerk decided for single dates; a date that is none of it any more decides nothing."""
    for text, start in (repeat.take or {}).items():
        try:
            plan = with_one_moved(plan, read(text), read(start).replace(tzinfo=None), plan.minutes)
        except (ValueError, UserError):
            continue
    for text in repeat.out:
        try:
            plan = without_one(plan, read(text))
        except (ValueError, UserError):
            continue
    return plan


def _fingerprint(plan: Series) -> str:
    rule = rule_text(plan.rule, plan.zone) if plan.rule else ""
    return f"{written(plan.starts)} {plan.minutes} {rule} {int(plan.skip_holidays)}"


def _preview(request: Request, plan: Series, ahead: Outlook, repeat: Repeat, clashes: Iterable[Clash] | None) -> Preview:
    """`clashes`: None where nobody could look yet."""
    tz, tag = plan.zone, language(request)
    meeting = {clash.occurrence: clash for clash in clashes or ()}
    lines = []
    for each in ahead.occurrences:
        text, clash = written(each.id), meeting.get(each.id)
        start = (repeat.take or {}).get(text, "")
        state = "taken" if clash else "out" if text in repeat.out else "moved" if start else "unknown" if clashes is None else "free"
        nearest = None
        if clash is not None:
            free = clash.conflict.nearest_free
            nearest = (written(wall_time(free, tz)), _when(free, tag, tz))
        elif start:
            nearest = (start, _when(moment(read(start), tz), tag, tz))
        words = f"{day(each.id.date(), tag, tz)} {clock(each.span.start, tz)}–{clock(each.span.end, tz)}"
        lines.append(Line(text, words, state, error_text(request, clash.conflict) if clash else "", nearest))
    lines += [Line(written(each), day(each.date(), tag, tz), "holiday") for each in ahead.skipped]
    lines.sort(key=lambda line: line.id)
    count = sum(line.state not in ("out", "holiday") for line in lines)
    taken = sum(line.state == "taken" for line in lines)
    return Preview(words_of(plan, gettext(request)), tuple(lines), _fingerprint(plan), count, taken)


def _when(at: datetime, tag: str, tz: ZoneInfo) -> str:
    return f"{day(at, tag, tz)} {clock(at, tz)}"


# ------------------------------------------------------------------------------------------------ one of a series


@dataclass(frozen=True)
class Member:
    """Another sitting of the series, for a link. `leave`: the clerk wants it left as it is; `why`: what is in its way."""

    id: str
    words: str
    current: bool
    over: bool


def membership_words(request: Request, member: Membership | None) -> dict[str, Any] | None:
    """What pages say of a sitting that is one of a series; None where there are no others."""
    if member is None or len(member.sittings) < 2:
        return None
    tz, tag, chosen = zone(request), language(request), member.sittings[member.number - 1]
    return {
        "id": member.series_id,
        "words": words_of(member.plan, gettext(request)),
        "number": member.number,
        "count": len(member.sittings),
        "members": [
            Member(
                each.id,
                f"{day(each.starts_at, tag, tz)} {clock(each.starts_at, tz)}",
                each is chosen,
                each.status not in ("planned", "open"),
            )
            for each in member.sittings
        ],
    }


async def membership(request: Request, sitting: Sitting | None) -> dict[str, Any] | None:
    """The same, read."""
    return membership_words(request, await series.membership(ctx(request).db, sitting)) if sitting is not None else None


def meeting(request: Request, conflict: SeriesConflict, leave: frozenset[str]) -> list[Line]:
    """The sittings that a change cannot reach, in words, each to be left as it is."""
    tz, tag = zone(request), language(request)
    return [
        Line(clash.sitting_id, _when(clash.starts_at, tag, tz), "out" if clash.sitting_id in leave else "taken",
             error_text(request, clash.conflict))
        for clash in conflict.clashes
    ]  # fmt: skip


def conflict_words(request: Request, conflict: SeriesConflict) -> str:
    """All that is in the way, a line for each, for a dialog."""
    return "\n".join([error_text(request, conflict), *(f"{line.words}: {line.why}" for line in meeting(request, conflict, frozenset()))])


def fields_of(
    request: Request,
    repeat: Repeat,
    *,
    preview: Preview | None = None,
    member: dict[str, Any] | None = None,
    error: UserError | None = None,
) -> dict[str, Any]:
    """What the form's part needs."""
    clashes = meeting(request, error, repeat.leave) if isinstance(error, SeriesConflict) else []
    return {
        "repeat": repeat,
        "preview": preview,
        "series": member,
        "scopes": series_changes.SCOPES,
        "left_as_they_are": clashes,
        "repeat_choices": EVERY,
        "weekdays": WEEKDAYS,
        "most_repeats": MOST_OCCURRENCES,
    }
