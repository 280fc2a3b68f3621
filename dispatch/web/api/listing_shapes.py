"""What the API says of a week's list, and what it takes to make, adjust and confirm one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.booking.finding.obstacles import Obstacle
from dispatch.booking.finding.searching import STAFF
from dispatch.booking.listing import week
from dispatch.booking.listing.adjusting import Adjustment, Pin
from dispatch.booking.listing.docket import MOST_WAITING
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.web.api.paging import Page
from dispatch.web.api.values import Change, Day, Given, Id, IdOrNone, Moment, Resource, Shown, left_out, local, local_or_none

State = Literal["queued", "running", "done", "stopped", "failed", "interrupted"]
Ended = Literal["optimal", "work", "seconds", "stopped", "impossible", "unknown"]
Words = Callable[[Obstacle], str]
_COST = "What it costs, in points: days of waiting, times not preferred, rooms too large, and most of all sittings without a place."
_BOUND = "No list can cost less."
_GAP = "How far it is from the best that there can be, at most: the part of its cost that a better one could save, 0 to 1."
_NOTE = "Whatever is to be read with it."


class ConditionView(Shown):
    """A condition that is in the way of a sitting, or of all that have to be listed."""

    code: str = Field(
        description="window, no_candidate, resource_not_free, none_free, shared, required, pinned, notice, deadline, hours, booked,"
        " one_at_a_time, travel, listed, left_over, overfull."
    )
    detail: str = Field(description="The same in words, in the language asked for.")
    resource_ids: list[str] = Field(description="Rooms, people and things that it is about.")
    waiting_ids: list[str] = Field(description="Waiting sittings that it is about.")


class PlaceView(Shown):
    """A sitting at its proposed place."""

    waiting_id: Id
    starts_at: Moment
    ends_at: Moment
    room_id: Id
    chair_id: Id | None
    clerk_id: Id | None
    prosecutor_id: Id | None
    resource_ids: list[Id] = Field(description="All that it would hold, the room first.")
    sitting_id: Id | None = Field(description="The sitting that it was booked as; null while it is a proposal.")


class UnplacedView(Shown):
    """A sitting that got no place, and why: conditions that cannot hold together."""

    waiting_id: Id
    conditions: list[ConditionView]


class ProposalView(Shown):
    """What is proposed."""

    ended: Ended = Field(
        description="optimal (none is better), work or seconds (the effort was spent), stopped, impossible, or unknown (nothing was"
        " found in time)."
    )
    cost: int = Field(description=_COST)
    bound: int = Field(description=_BOUND)
    gap: float = Field(description=_GAP)
    seconds: float = Field(description="How long it took.")
    placements: list[PlaceView]
    unplaced: list[UnplacedView]
    impossible: list[ConditionView] = Field(
        description="Where there is no such list: conditions that cannot hold together. Without any one of them there would be a list."
    )


class ProgressView(Shown):
    """How far it is: the best that was found by now."""

    placed: int = Field(description="How many sittings have a place.")
    cost: int = Field(description=_COST)
    bound: int = Field(description=_BOUND)


class FailureView(Shown):
    """Why it could not be made."""

    code: str
    detail: str = Field(description="In the language asked for.")


class PinView(Given):
    """A waiting sitting that is put into a room at a time."""

    waiting_id: Id
    starts_at: Moment = Field(description="On a full five minutes of a day of the list.")
    room_id: Id


class ListingSummary(Shown):
    """A list, without its sittings."""

    id: Id
    first: Day = Field(description="First local day.")
    last: Day = Field(description="Last local day.")
    state: State
    note: str = Field(description=_NOTE)
    asked_by: IdOrNone = Field(description="Whose it is: the id of the member of the staff or program that asked for it.")
    created_at: Moment
    ended_at: Moment | None
    placed: int
    gap: float | None = Field(description=_GAP)

    @classmethod
    def of(cls, row: Listing, tz: ZoneInfo) -> ListingSummary:
        """As it is."""
        return cls(**_plain(row, tz), placed=len(row.proposal.get("placements", {})), gap=row.proposal.get("gap"))


class ListingList(Page[ListingSummary]):
    """One page of the two hundred newest lists, the newest first."""


class ListingView(Resource):
    """A week's list: how far it is, and what is proposed."""

    id: Id
    first: Day = Field(description="First local day.")
    last: Day = Field(description="Last local day.")
    rooms: list[Id] = Field(description="Into these rooms; none: all.")
    state: State = Field(
        description="queued, running, done, stopped (what was found is kept), failed, or interrupted (the server ended meanwhile)."
    )
    note: str = Field(description=_NOTE)
    asked_by: IdOrNone = Field(description="Whose it is: the id of the member of the staff or program that asked for it.")
    created_at: Moment
    ended_at: Moment | None
    stop_wanted: bool = Field(description="Somebody has asked that it end with what is found by now.")
    progress: ProgressView | None
    failure: FailureView | None
    proposal: ProposalView | None = Field(description="Of the run before, while it is made again.")
    pins: list[PinView] = Field(description="Sittings that are to be where somebody has put them.")
    left_out: list[Id] = Field(description="Waiting sittings that are not to be listed.")

    @classmethod
    def of(cls, row: Listing, rows: Iterable[WaitingSitting], tz: ZoneInfo, words: Words, failure: Callable[[str], str]) -> ListingView:
        """As it is. `rows`: the sittings that it is about."""
        progress, error = row.progress, row.progress.get("error")
        return cls(
            **_plain(row, tz),
            rooms=row.rooms,
            stop_wanted=row.stop_wanted,
            progress=ProgressView(**{name: progress[name] for name in ("placed", "cost", "bound")}) if "placed" in progress else None,
            failure=FailureView(code=error, detail=failure(error)) if error else None,
            proposal=_proposal(row.proposal, {each.id: each for each in rows}, tz, words) if row.proposal else None,
            pins=[
                PinView(waiting_id=key, starts_at=local(datetime.fromisoformat(place["start"]), tz), room_id=place["resource_ids"][0])
                for key, place in row.wishes.get("pinned", {}).items()
            ],
            left_out=row.wishes.get("left_out", []),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/listings/{self.id}"


def _plain(row: Listing, tz: ZoneInfo) -> dict[str, Any]:
    named = {name: getattr(row, name) for name in ("id", "first", "last", "note", "asked_by")}
    return named | {
        "state": cast("State", row.state),
        "created_at": local(row.created_at, tz),
        "ended_at": local_or_none(row.ended_at, tz),
    }


def _proposal(proposal: Mapping[str, Any], rows: Mapping[str, WaitingSitting], tz: ZoneInfo, words: Words) -> ProposalView:
    placements = []
    for key, place in proposal["placements"].items():
        if (row := rows.get(key)) is None:  # it was taken off since
            continue
        start = local(datetime.fromisoformat(place["start"]), tz)
        ids, needs = place["resource_ids"], proposal["needs"].get(key, [])
        staff: dict[str, str | None] = dict.fromkeys(STAFF) | {need: one for need, one in zip(needs, ids, strict=False) if need in STAFF}
        placements.append(
            PlaceView(
                waiting_id=key,
                starts_at=start,
                ends_at=local(start.astimezone(UTC) + timedelta(minutes=row.minutes), tz),
                room_id=ids[0],
                **cast("dict[str, Any]", staff),
                resource_ids=ids,
                sitting_id=row.sitting_id,
            )
        )
    return ProposalView(
        **{name: proposal[name] for name in ("ended", "cost", "bound", "gap", "seconds")},
        placements=sorted(placements, key=lambda each: (each.starts_at, each.room_id)),
        unplaced=[
            UnplacedView(waiting_id=key, conditions=[_condition(one, words) for one in found])
            for key, found in proposal["unplaced"].items()
            if key in rows
        ],
        impossible=[_condition(one, words) for one in proposal["impossible"]],
    )


def _condition(document: Mapping[str, Any], words: Words) -> ConditionView:
    data = document["data"]
    return ConditionView(
        code=document["code"],
        detail=words(week.obstacle_of(document)),
        resource_ids=[*data.get("resource_ids", ()), *([data["resource_id"]] if data.get("resource_id") else [])],
        waiting_ids=[*data.get("sitting_ids", ()), *([data["sitting_id"]] if data.get("sitting_id") else [])],
    )


class NewListing(Given):
    """Which days are to be listed. What is listed is everything that waits when it is made."""

    first: Day = Field(description="First local day.")
    last: Day = Field(description=f"Last local day; {week.LONGEST} days at most.")
    rooms: list[Id] = Field([], max_length=200, description="Into these rooms; none: all.")
    note: str = Field("", max_length=week.LONGEST_NOTE, description=_NOTE)


class ListingChange(Change):
    """What is to be different without its being made again."""

    note: str = left_out(max_length=week.LONGEST_NOTE, description=_NOTE)


class AdjustOrder(Given):
    """What is wanted otherwise. Sittings that are not named stay where they were proposed, unless that costs too much."""

    pins: list[PinView] | None = Field(
        None, max_length=MOST_WAITING, description="Sittings that are put where they are to be: these and no others. Null: as before."
    )
    keep: list[Id] = Field([], max_length=MOST_WAITING, description="Sittings that are held where they are proposed.")
    left_out: list[Id] | None = Field(
        None, max_length=MOST_WAITING, description="Sittings that are not to be listed: these and no others. Null: as before."
    )

    def wanted(self) -> Adjustment:
        """The same for the act."""
        pins = None if self.pins is None else tuple(Pin(each.waiting_id, each.starts_at, each.room_id) for each in self.pins)
        return Adjustment(pins, tuple(self.keep), None if self.left_out is None else tuple(self.left_out))


class ConfirmOrder(Given):
    """What is taken of a proposal."""

    waiting: list[Id] | None = Field(None, max_length=MOST_WAITING, description="Which sittings are booked at their places; null: all.")


class OutcomeView(Shown):
    """What became of booking one sitting of a list."""

    waiting_id: Id
    sitting_id: Id | None = Field(description="What it was booked as; null where it was refused.")
    code: str | None = Field(description="What refused it, as a word that does not change.")
    detail: str | None = Field(description="The same in words, in the language asked for.")
    nearest_free: Moment | None = Field(description="Where something was in the way: the nearest start at which everything is free.")


class OutcomeList(Shown):
    """What became of booking a list: each sitting was booked or refused by itself."""

    outcomes: list[OutcomeView]
