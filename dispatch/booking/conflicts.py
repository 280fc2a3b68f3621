"""What is in the way of a booking: asked inside the write transaction, so that the answer still holds when it commits.

One decision for both databases. On PostgreSQL the resources are locked when it is asked; the constraints of the table `hold`
make a mistake impossible, they do not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from sqlalchemy import BindParameter, Row, String, bindparam, literal_column, or_, select

from dispatch.booking import allowed, holds
from dispatch.booking.holds import LONGEST, ORDER, Buffers
from dispatch.booking.spans import Span, is_nearest, nearest_free
from dispatch.errors import Conflict
from dispatch.store import ready
from dispatch.store.ready import Ready
from dispatch.store.tables import Booking, Case, Closure, Hold, Resource, Room, Sitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.site import Site

ENDED = ("closed", "cancelled")
UNDER_WAY = ("live", "recess")
CONFLICTS = Counter("dispatch_booking_conflicts_total", "Bookings refused, by the kind of resource that was in the way", ["kind"])
NEAR, SEARCH = timedelta(days=1), timedelta(days=14)
"""How far around the wanted time a free one is looked for: there is most often one near, and what the rest of the weeks is taken for
is not read then."""


@dataclass(frozen=True, slots=True)
class Want:
    """Resources wanted for a sitting of that `span`. `new`: by resource, the time (with buffers) that has to be free; the others
    are held already, and matter to the free time that is proposed alone. `own`: the sitting, whose own holds are in nobody's way."""

    span: Span
    resources: Sequence[Resource]
    new: Mapping[str, Span]
    own: str = ""

    @classmethod
    def whole(cls, span: Span, resources: Sequence[Resource], own: str = "", held: Iterable[str] = ()) -> Want:
        """All of them but those `held` by the sitting at that very time, with their set-up and clear-up."""
        present = frozenset(held)
        return cls(span, resources, {each.id: Buffers.of(each).around(span) for each in resources if each.id not in present}, own)


@dataclass(frozen=True, slots=True)
class _Obstacle:
    resource: Resource
    span: Span
    booking_id: str = ""
    reason: str = ""


async def refuse_conflicts(session: AsyncSession, site: Site, want: Want, now: datetime, *, past_gives_way: bool = False) -> None:
    """Raises :class:`Conflict` when one of the new resources is taken by another sitting, or closed.

    A sitting that is live holds what it has beyond its planned end: it never ends by the clock. Tentative bookings that have
    lapsed give way here and now; with `past_gives_way` those too that are over by the clock and never began.
    """
    if not want.new:
        return
    by_id = {resource.id: resource for resource in want.resources}
    found, giving_way = [], []
    window = Span(min(span.start for span in want.new.values()), max(span.end for span in want.new.values()))
    there = await _in_the_way(session, [by_id[each] for each in want.new], window, want.own)
    for row in there.planned:
        span = Span(row.starts_at, row.ends_at)
        if not span.overlaps(want.new[row.resource_id]):
            continue
        over = past_gives_way and span.end <= now and row.status not in UNDER_WAY
        if over or not _binds(row, now):
            giving_way.append((row.id, row.resource_id))
        else:
            found.append(_Obstacle(by_id[row.resource_id], span, row.booking_id))
    if window.start <= now:
        found += [
            _Obstacle(by_id[row.resource_id], Span(row.starts_at, row.ends_at), row.booking_id)
            for row in await _running_over(session, there.live, want.new, now)
            if row.starts_at < want.new[row.resource_id].end and want.new[row.resource_id].start <= now
        ]
    found += [
        _Obstacle(resource, shut, reason=closure.reason)
        for resource, closure in there.closed
        if (shut := Span(closure.starts_at, closure.ends_at)).overlaps(want.new[resource.id])
    ]
    if found:
        places = {resource.id: place for place, resource in enumerate(want.resources)}
        first = min(found, key=lambda each: (ORDER.index(each.resource.kind), each.span.start, places[each.resource.id]))
        raise await _conflict(session, site, want, first, now)
    await holds.give_way(session, giving_way)


_Columns = tuple[str, str, datetime, datetime, str, str, datetime | None, str]
_Shut = tuple[str | None, str | None, datetime, datetime, str]
_COLUMNS = (
    Hold.id,
    Hold.resource_id,
    Hold.starts_at,
    Hold.ends_at,
    Hold.booking_id,
    Booking.state,
    Booking.held_until,
    Sitting.status,
)


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_OWN: BindParameter[Any] = bindparam("own")
_PLANNED = Ready(
    select(*_COLUMNS)
    .join(Booking, Booking.id == Hold.booking_id)
    .join(Sitting, Sitting.id == Booking.sitting_id)
    .where(
        Hold.resource_id.in_(_IDS),
        Hold.active,
        Hold.starts_at < bindparam("end"),
        Hold.starts_at > bindparam("before"),
        Hold.ends_at > bindparam("start"),
        Sitting.id != _OWN,
    )
)
# Said in the statement itself: a plan for any two states would read all sittings.
_LIVE = Ready(select(Sitting.id).where(Sitting.status.in_([literal_column(f"'{each}'", String) for each in UNDER_WAY]), Sitting.id != _OWN))
_OVER = Ready(
    select(*_COLUMNS)
    .join(Booking, Booking.id == Hold.booking_id)
    .join(Sitting, Sitting.id == Booking.sitting_id)
    .where(Booking.sitting_id.in_(bindparam("live", expanding=True)), Hold.resource_id.in_(_IDS), Hold.ends_at <= bindparam("now"))
)
_CLOSURES = Ready(
    select(Closure.resource_id, Closure.site_id, Closure.starts_at, Closure.ends_at, Closure.reason).where(
        or_(Closure.resource_id.in_(_IDS), Closure.site_id.in_(bindparam("sites", expanding=True))),
        Closure.starts_at < bindparam("end"),
        Closure.ends_at > bindparam("start"),
    )
)
_NAMED = Ready(
    select(Booking.sitting_id, Sitting.title, Case.number, Room.id.label("room_id"), Room.name.label("room"))
    .join(Sitting, Sitting.id == Booking.sitting_id)
    .join(Case, Case.id == Sitting.case_id)
    .join(Hold, Hold.booking_id == Booking.id)
    .join(Room, Room.id == Hold.resource_id)
    .where(Booking.id == bindparam("booking"))
    .order_by(Hold.position)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class _There:
    """What there is in a window: active holds, closures of resources or of their whole sites, the ids of all sittings that are under
    way, and what was asked for besides."""

    planned: Sequence[Row[*_Columns]]
    closed: list[tuple[Resource, Row[*_Shut]]]
    live: list[str]
    also: list[Sequence[Any]]


async def _in_the_way(session: AsyncSession, resources: Sequence[Resource], window: Span, own: str, *also: ready.Asked) -> _There:
    """What of these resources overlaps the window, and the answers to what is asked for `also`: all in one way to the database."""
    ids = sorted(each.id for each in resources)
    sites = sorted({resource.site_id for resource in resources if resource.site_id is not None})
    asked = {"ids": ids, "sites": sites, "start": window.start, "before": window.start - LONGEST, "end": window.end, "own": own}
    planned, rows, live, *more = await ready.together(session, (_PLANNED, asked), (_CLOSURES, asked), (_LIVE, asked), *also)
    closed = [
        (resource, closure)
        for closure in rows
        for resource in resources
        if closure.resource_id == resource.id or (closure.site_id is not None and closure.site_id == resource.site_id)
    ]
    return _There(planned, closed, [row.id for row in live], more)


async def _running_over(session: AsyncSession, live: list[str], ids: Iterable[str], now: datetime) -> Sequence[Row[*_Columns]]:
    """What sittings hold that are under way (`live`) beyond their planned end. They are few, and asked for first: a database that begins
    with the resources reads all they were ever held for."""
    return await ready.rows(session, _OVER, {"live": live, "ids": sorted(ids), "now": now}) if live else []


def _binds(row: Row[*tuple[Any, ...]], now: datetime) -> bool:
    """Whether a hold still is in anybody's way."""
    return row.status not in ENDED and not holds.lapsed(row.state, row.held_until, row.status, now)


async def _conflict(session: AsyncSession, site: Site, want: Want, found: _Obstacle, now: datetime) -> Conflict:
    sitting: ready.Asked = (_NAMED, {"booking": found.booking_id})  # what names it, and no more: others wait for this transaction to end
    for reach in (NEAR, SEARCH):
        window = Span(want.span.start - reach, want.span.end + reach)
        opened = await allowed.common_hours(session, site.zone, window, want.resources)
        there = await _in_the_way(session, want.resources, window, want.own, sitting)
        nearest = nearest_free(want.span, await _taken(session, want, there, now), now, site.zone, opened)
        if is_nearest(nearest, want.span, reach, opened):
            break
    named = next(iter(there.also[0]), None)
    kind, name = found.resource.kind, found.resource.name
    CONFLICTS.labels(kind).inc()
    return Conflict(
        f"{kind}_taken" if named is not None else "resource_closed",
        "starts_at",
        sitting_id=named.sitting_id if named is not None else "",
        room_id=found.resource.id if kind == "room" else named.room_id if named is not None else "",
        resource_id=found.resource.id,
        kind=kind,
        starts_at=found.span.start,
        ends_at=found.span.end,
        nearest_free=nearest,
        name=name,
        room=name if kind == "room" else named.room if named is not None else "",
        person=name if kind == "person" else "",
        title=named.title if named is not None else "",
        case_number=named.number if named is not None else "",
        reason=found.reason,
        **{"from": site.clock(found.span.start, want.span.start), "to": site.clock(found.span.end, want.span.start)},
        nearest=site.clock(nearest, want.span.start),
    )


async def _taken(session: AsyncSession, want: Want, there: _There, now: datetime) -> list[Span]:
    """Every span of the window where the sitting cannot lie, since one of its resources is taken or closed then."""
    buffers = {resource.id: Buffers.of(resource) for resource in want.resources}
    # When a sitting that runs over will end, nobody knows; what is proposed lies at least behind the present moment.
    least = now + timedelta.resolution
    rows = [*there.planned, *await _running_over(session, there.live, buffers, now)]
    taken = [
        buffers[row.resource_id].in_the_way(Span(row.starts_at, max(row.ends_at, least) if row.status in UNDER_WAY else row.ends_at))
        for row in rows
        if _binds(row, now)
    ]
    return taken + [buffers[resource.id].in_the_way(Span(closure.starts_at, closure.ends_at)) for resource, closure in there.closed]
