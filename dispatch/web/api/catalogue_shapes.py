"""What the API shows of the catalogue, and what it takes to change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field

from dispatch.booking.catalogue.calendar_days import CalendarDay
from dispatch.booking.catalogue.calendar_files import LONGEST_NAME as LONGEST_DAY_NAME
from dispatch.booking.catalogue.details import LAST_POSITION, LONGEST_BUFFER_MINUTES, Details
from dispatch.booking.catalogue.hours import MOST_SPANS, WEEKDAYS
from dispatch.booking.catalogue.resources import LONGEST_NAME, MOST_SLOTS, ResourceDraft
from dispatch.booking.catalogue.sites import LONGEST_ADDRESS, LONGEST_ZONE, SiteDraft
from dispatch.booking.draft import LONGEST_REASON
from dispatch.store.tables import Closure, CourtSite
from dispatch.store.tables import Resource as ResourceRow
from dispatch.web.api.paging import Page, Paging
from dispatch.web.api.values import Change, Day, Given, Id, IdOrNone, Moment, Resource, Shown, left_out

Kind = Literal["room", "equipment", "custody", "interpreter", "police", "person"]
ClosureKind = Literal["closed", "maintenance", "leave"]
DayKind = Literal["holiday", "working"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Role = Literal["clerk", "judge", "prosecutor", "officer", "administrator"]
Feature = Literal[
    "panorama_camera", "document_camera", "evidence_screen", "synchronous_recording", "record_printer", "fingerprint_signature",
    "voice_face_change", "interpreter_channel", "witness_booth", "custody_dock", "deliberation_room", "broadcast", "hearing_loop",
    "wheelchair_access",
]  # fmt: skip
_ORDER = "Its place in lists, from the front."
_ZONE = "Whose clock its hours are by, as Asia/Urumqi; empty: the court's."
_HOURS = "Weekly hours of its own; null: those of its site, or of the court."
_LATITUDE = "Where it stands on the map: degrees in WGS-84, like its longitude; null where it is not known."
_LONGITUDE = "Degrees in WGS-84."
_INHERIT = "true: it has no hours of its own any more."
_BOOKED_BY = "Roles that book it without asking; none named: whoever may book."


class Hours(Given):
    """Weekly hours by the clock of the site: spans as 09:00-12:00 for each day; a day without any is a day off, 00:00-24:00 the whole."""

    mon: list[str] = Field([], max_length=MOST_SPANS)
    tue: list[str] = Field([], max_length=MOST_SPANS)
    wed: list[str] = Field([], max_length=MOST_SPANS)
    thu: list[str] = Field([], max_length=MOST_SPANS)
    fri: list[str] = Field([], max_length=MOST_SPANS)
    sat: list[str] = Field([], max_length=MOST_SPANS)
    sun: list[str] = Field([], max_length=MOST_SPANS)

    @classmethod
    def of(cls, hours: Mapping[str, Any] | None) -> Hours | None:
        """Hours as they are kept."""
        return None if hours is None else cls(**{day: list(hours.get(day, [])) for day in WEEKDAYS})


def _with_hours(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a draft that a change gives, hours as the draft has them."""
    if isinstance(given.get("hours"), Hours):
        given["hours"] = given["hours"].model_dump()
    if given.pop("inherit_hours", False):
        given["hours"] = None
    return given


class SiteView(Resource):
    """A building of the court, or a place outside of it."""

    id: Id
    name: str
    name_en: str
    street_address: str
    zone: str = Field(description=_ZONE)
    hours: Hours | None = Field(description=_HOURS)
    position: int = Field(description=_ORDER)
    active: bool
    latitude: float | None = Field(description=_LATITUDE)
    longitude: float | None = Field(description=_LONGITUDE)

    @classmethod
    def of(cls, site: CourtSite) -> SiteView:
        """The site as it is."""
        return cls(
            id=site.id,
            name=site.name,
            name_en=site.name_en,
            street_address=site.address,
            zone=site.zone or "",
            hours=Hours.of(site.hours),
            position=site.position,
            active=site.active,
            latitude=site.latitude,
            longitude=site.longitude,
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/sites/{self.id}"


class SiteList(Page[SiteView]):
    """One page of sites, in their order."""


class NewSite(Given):
    """A site to be added."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    name_en: str = Field("", max_length=LONGEST_NAME)
    street_address: str = Field("", max_length=LONGEST_ADDRESS)
    zone: str = Field("", max_length=LONGEST_ZONE, description=_ZONE)
    hours: Hours | None = Field(None, description=_HOURS)
    position: int = Field(0, ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = True
    latitude: float | None = Field(None, ge=-90, le=90, description=_LATITUDE)
    longitude: float | None = Field(None, ge=-180, le=180, description=_LONGITUDE)

    def draft(self) -> SiteDraft:
        """The form that the operation checks."""
        given = self.model_dump()
        return SiteDraft(address=given.pop("street_address"), **given)


class SiteChange(Change):
    """What is to be different about a site."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    name_en: str = left_out(max_length=LONGEST_NAME)
    street_address: str = left_out(max_length=LONGEST_ADDRESS)
    zone: str = left_out(max_length=LONGEST_ZONE, description=_ZONE)
    hours: Hours = left_out(description=_HOURS)
    inherit_hours: bool = left_out(description=_INHERIT)
    position: int = left_out(ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = left_out(description="A site where something can be booked is not taken out of use.")
    latitude: float = left_out(ge=-90, le=90, description=_LATITUDE)
    longitude: float = left_out(ge=-180, le=180, description=_LONGITUDE)
    forget_place: bool = left_out(description="true: where it stands is not known any more.")

    def changes(self) -> dict[str, Any]:
        """The fields of the draft that are to be different."""
        given = _with_hours(self.given())
        if given.pop("forget_place", False):
            given |= {"latitude": None, "longitude": None}
        return {"address" if name == "street_address" else name: value for name, value in given.items()}


class ResourceView(Resource):
    """Something that one sitting at a time can have: a room, equipment, a slot of a custody place, an interpreter, somebody of the judicial
    police, a member of the staff."""

    id: Id
    kind: Kind
    name: str
    name_en: str
    site_id: IdOrNone
    position: int = Field(description=_ORDER)
    active: bool
    before_minutes: int = Field(description="Set-up: held so long before each sitting.")
    after_minutes: int = Field(description="Clear-up: held so long after it.")
    needs_approval: bool = Field(description="Whoever books it asks for it.")
    booked_by: list[Role] = Field(description=_BOOKED_BY)
    hours: Hours | None = Field(description=_HOURS)
    features: list[Feature]
    photo: bool = Field(description="Whether there is a photo of it on the pages.")

    @classmethod
    def of(cls, row: ResourceRow) -> ResourceView:
        """The resource as it is."""
        return cls(
            id=row.id,
            kind=cast("Kind", row.kind),
            name=row.name,
            name_en=row.name_en,
            site_id=row.site_id or "",
            position=row.position,
            active=row.active,
            before_minutes=row.before_minutes,
            after_minutes=row.after_minutes,
            needs_approval=row.needs_approval,
            booked_by=cast("list[Role]", row.booked_by or []),
            hours=Hours.of(row.hours),
            features=cast("list[Feature]", row.features),
            photo=row.photo != "",
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/resources/{self.id}"


class ResourceList(Page[ResourceView]):
    """One page of resources, in their order."""


class ResourcesMade(Resource):
    """What was added: one resource, or one for each slot. Location leads to the first; the ETag is that of them all."""

    items: list[ResourceView]

    def address(self) -> str:
        """The path under which the first is found again."""
        return self.items[0].address()


class ResourceQuery(Paging):
    """Which resources."""

    kind: list[Kind] = Field([], max_length=6, description="One or more kinds: the parameter may be repeated.")
    site: str = Field("", max_length=16, description="Id of the site.")
    active: bool | None = Field(None, description="Only those in use, or only those that are not.")


class NewResource(Given):
    """Equipment, a custody place, an interpreter or somebody of the judicial police, to be added. Rooms and staff have addresses of their
    own for it."""

    kind: Literal["equipment", "custody", "interpreter", "police"]
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    name_en: str = Field("", max_length=LONGEST_NAME)
    site_id: IdOrNone = ""
    position: int = Field(0, ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = True
    before_minutes: int = Field(0, ge=0, le=LONGEST_BUFFER_MINUTES)
    after_minutes: int = Field(0, ge=0, le=LONGEST_BUFFER_MINUTES)
    needs_approval: bool = False
    booked_by: list[Role] = Field([], max_length=5, description=_BOOKED_BY)
    hours: Hours | None = Field(None, description=_HOURS)
    features: list[Feature] = Field([], max_length=20)
    slots: int = Field(1, ge=1, le=MOST_SLOTS, description="So many resources are made, numbered: each serves one sitting at a time.")

    def draft(self) -> ResourceDraft:
        """The form that the operation checks."""
        given = self.model_dump(exclude={"kind", "slots"})
        return ResourceDraft(
            **{name: given.pop(name) for name in ("name", "name_en", "site_id", "position", "active")},
            details=Details(**(given | {name: tuple(given[name]) for name in ("booked_by", "features")})),
        )


class ResourceChange(Change):
    """What is to be different about a resource. Name and use of a room are changed with the room, those of a person with the account."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    name_en: str = left_out(max_length=LONGEST_NAME)
    site_id: IdOrNone = left_out()
    position: int = left_out(ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = left_out(description="What sittings to come are booked with is not taken out of use.")
    before_minutes: int = left_out(ge=0, le=LONGEST_BUFFER_MINUTES)
    after_minutes: int = left_out(ge=0, le=LONGEST_BUFFER_MINUTES)
    needs_approval: bool = left_out()
    booked_by: list[Role] = left_out(max_length=5, description=_BOOKED_BY)
    hours: Hours = left_out(description=_HOURS)
    inherit_hours: bool = left_out(description=_INHERIT)
    features: list[Feature] = left_out(max_length=20)

    def changes(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields of the draft, and those of its details, that are to be different."""
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in _with_hours(self.given()).items()}
        own: dict[str, Any] = {name: given.pop(name) for name in ("name", "name_en", "site_id", "position", "active") if name in given}
        return own, given


class ClosureView(Resource):
    """A span in which a resource, or everything of a site, cannot be had."""

    id: Id
    resource_id: IdOrNone
    site_id: IdOrNone
    kind: ClosureKind
    starts_at: Moment
    ends_at: Moment
    reason: str
    sittings: list[str] = Field(description="Ids of sittings that are booked for that time all the same, until somebody moves them.")

    @classmethod
    def of(cls, closure: Closure, sittings: list[str], zone: Any) -> ClosureView:
        """The closure as it is."""
        return cls(
            id=closure.id,
            resource_id=closure.resource_id or "",
            site_id=closure.site_id or "",
            kind=cast("ClosureKind", closure.kind),
            starts_at=closure.starts_at.astimezone(zone),
            ends_at=closure.ends_at.astimezone(zone),
            reason=closure.reason,
            sittings=sittings,
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/closures/{self.id}"


class ClosureList(Page[ClosureView]):
    """One page of closures, by their start."""


class ClosureQuery(Paging):
    """Which closures: those that are not over."""

    resource: str = Field("", max_length=16, description="Id of the resource.")
    site: str = Field("", max_length=16, description="Id of the site: closures of all of it.")


class NewClosure(Given):
    """Something to be closed for a time: a resource or a whole site, one of the two."""

    resource_id: IdOrNone = ""
    site_id: IdOrNone = ""
    kind: ClosureKind = "closed"
    starts_at: Moment
    ends_at: Moment
    reason: str = Field("", max_length=LONGEST_REASON, description="It is shown to whoever wants to book then.")


class ClosureChange(Change):
    """What is to be different about a closure."""

    kind: ClosureKind = left_out()
    starts_at: Moment = left_out()
    ends_at: Moment = left_out()
    reason: str = left_out(max_length=LONGEST_REASON, description="It is shown to whoever wants to book then.")


class DayView(Resource):
    """A day that is not what its weekday says."""

    day: Day
    kind: DayKind = Field(description="holiday, or working: a day off that is worked.")
    name: str
    like: Weekday | None = Field(description="Whose hours a working day has; null: those of the nearest weekday.")

    @classmethod
    def of(cls, day: CalendarDay) -> DayView:
        """The day as it is."""
        like = cast("Weekday", WEEKDAYS[day.like]) if day.like is not None else None
        return cls(day=day.day, kind=day.kind, name=day.name, like=like)

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/calendar-days/{self.day.isoformat()}"


class DayList(Shown):
    """Days of the court's calendar, in order."""

    items: list[DayView]


class SiteDayView(DayView):
    """A day that is another at a site than the court's calendar says."""

    site_id: str

    @classmethod
    def at(cls, site_id: str, day: CalendarDay) -> SiteDayView:
        """The day as it is there."""
        return cls(site_id=site_id, **DayView.of(day).model_dump())

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/sites/{self.site_id}/calendar-days/{self.day.isoformat()}"


class SiteDayList(Shown):
    """Days of a site, in order."""

    items: list[SiteDayView]


class DayGiven(Given):
    """What a day is to be."""

    kind: DayKind
    name: str = Field("", max_length=LONGEST_DAY_NAME)
    like: Weekday | None = None
